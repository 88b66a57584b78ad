"""The forms of a merchant's settings."""

from typing import Any

from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange

from portal.models.merchant import LONGEST_RETENTION, Merchant
from portal.models.text import LONGEST_CODE, LONGEST_NAME
from portal.web import choices
from portal.web.forms import ChangeForm, at_most
from portal.words import _, later, number

NO_DAYS = later("Write a whole number of days from 0 to %(longest)s.", longest=number(LONGEST_RETENTION))


class BusinessForm(ChangeForm):
    """What the business is called, where it is, and how it writes."""

    name = StringField(
        later("Name"),
        [InputRequired(later("Give the business a name.")), at_most(LONGEST_NAME)],
    )
    subdomain = StringField(
        later("Address of the portal"),
        [InputRequired(later("Give the portal an address.")), at_most(LONGEST_CODE)],
    )
    timezone = SelectField(later("Time zone"))
    country = SelectField(later("Country"))
    currency = SelectField(later("Currency"))
    locale = SelectField(later("Language and format"))

    def __init__(self, *, merchant: Merchant, **kwargs: Any) -> None:
        super().__init__(obj=merchant, **kwargs)
        self.timezone.choices = choices.zones_by_region(merchant.timezone)
        self.country.choices = choices.with_current(choices.countries(), merchant.country)
        self.currency.choices = choices.with_current(choices.currencies(), merchant.currency)
        self.locale.choices = choices.with_current(choices.locales(), merchant.locale)

    def details(self) -> dict[str, Any]:
        """What was typed, by the names the verb knows."""
        names = ("name", "subdomain", "timezone", "country", "currency", "locale")
        return {name: (self[name].data or "").strip() for name in names}


class DaysField(IntegerField):
    """A number of days; anything else is said in words that tell what would be right."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the number; what was typed is shown again if it is none."""
        typed = valuelist[0].strip() if valuelist else ""
        if not typed:
            return
        if not (typed.isascii() and typed.isdecimal() and len(typed) < 7):
            self.data = None
            raise ValueError(str(NO_DAYS))
        self.data = int(typed)


class KeepingForm(ChangeForm):
    """How long the trash keeps what is deleted."""

    retention_days = DaysField(
        later("Keep deleted things for"),
        [InputRequired(NO_DAYS), NumberRange(0, LONGEST_RETENTION, message=NO_DAYS)],
    )

    def details(self) -> dict[str, Any]:
        """What was typed, by the name the verb knows."""
        return {"retention_days": self.retention_days.data}

    def _told(self, name: str) -> str:
        """Nought is no empty field: it keeps for ever."""
        if self[name].object_data == 0:
            return _("Somebody changed this meanwhile: 0, for ever. Save again to keep yours.")
        return super()._told(name)

    @property
    def days(self) -> int | None:
        """The days as they stand in the form; None while they are no good."""
        days: int | None = self.retention_days.data
        return days if days is not None and 0 <= days <= LONGEST_RETENTION else None

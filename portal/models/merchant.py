"""The business, and the people it belongs to."""

from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from portal.errors import Refused
from portal.models.base import Model, TimestampMixin
from portal.models.field_words import field_word
from portal.models.ownership import Rule, global_key
from portal.models.soft_delete import SoftDeleteMixin, live_unique
from portal.models.tenancy import Tenant
from portal.models.text import checked_code, checked_locale, checked_name, checked_timezone
from portal.models.user import User
from portal.words import _, counted, number

LONGEST_RETENTION = 3_650


class Merchant(SoftDeleteMixin, TimestampMixin, Model):
    """The business: the tenant. `public_ref` begins every bearer secret of the merchant."""

    __tablename__ = "merchants"
    label_column = "name"
    scrubs = {
        "name": "deleted merchant #{id}",
        "subdomain": "deleted-{id}",
        "public_ref": "deleted-{id}",
    }

    name: Mapped[str]
    subdomain: Mapped[str]
    public_ref: Mapped[str]
    timezone: Mapped[str] = mapped_column(default="Europe/Luxembourg")
    currency: Mapped[str] = mapped_column(default="EUR")
    country: Mapped[str] = mapped_column(default="LU")
    locale: Mapped[str] = mapped_column(default="en")
    retention_days: Mapped[int] = mapped_column(default=30)

    owners: Mapped[list["MerchantOwner"]] = relationship(back_populates="merchant")

    __table_args__ = (
        live_unique("uq_merchants_subdomain_live", "subdomain"),
        Index("uq_merchants_public_ref", "public_ref", unique=True),
        CheckConstraint("retention_days >= 0", name="retention_not_negative"),
        CheckConstraint("name <> ''", name="has_a_name"),
        {"info": {"words": counted("merchant", "merchants")}},
    )

    @validates("name")
    def _trim_the_name(self, _: str, name: str) -> str:
        return checked_name(name)

    @validates("subdomain")
    def _fold_the_subdomain(self, _: str, subdomain: str) -> str:
        return checked_code(subdomain, "subdomain")

    @validates("timezone")
    def _known_zone(self, _: str, name: str) -> str:
        return checked_timezone(name)

    @validates("locale")
    def _known_locale(self, _: str, name: str) -> str:
        return checked_locale(name)

    @validates("retention_days")
    def _sane_retention(self, field: str, days: int) -> int:
        if not 0 <= days <= LONGEST_RETENTION:
            message = _(
                "The trash is kept 0 to %(longest)s days; 0 keeps it for ever.",
                longest=number(LONGEST_RETENTION),
            )
            raise Refused("bad_retention", message, field=field)
        return days

    @validates("currency", "country")
    def _known_code(self, field: str, code: str) -> str:
        folded, length = code.strip().upper(), {"currency": 3, "country": 2}[field]
        if len(folded) != length or not (folded.isascii() and folded.isalpha()):
            example = {"currency": "EUR", "country": "LU"}[field]
            message = _(
                "Write the %(field)s as %(length)s letters, like %(example)s.",
                field=field_word(field),
                length=length,
                example=example,
            )
            raise Refused(f"bad_{field}", message, field=field)
        return folded

    @property
    def zone(self) -> ZoneInfo:
        """The merchant's time zone, for day boundaries and for showing times."""
        return ZoneInfo(self.timezone)


class MerchantOwner(Tenant, SoftDeleteMixin, TimestampMixin, Model):
    """One owner of a merchant; a live merchant always has at least one."""

    __tablename__ = "merchant_owners"
    is_membership = True

    user_id: Mapped[int] = mapped_column(global_key("users.id", Rule.OWNS))

    merchant: Mapped[Merchant] = relationship(back_populates="owners")
    user: Mapped[User] = relationship(back_populates="owned", foreign_keys=user_id)

    __table_args__ = (
        live_unique("uq_merchant_owners_live", "merchant_id", "user_id"),
        {"info": {"words": counted("owner", "owners")}},
    )

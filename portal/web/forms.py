"""A form that tries a verb, and says beside its fields what the verb refused."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, SelectMultipleField
from wtforms.validators import Length
from wtforms.widgets import CheckboxInput

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.words import Catalogue, _, later, reader

Result = TypeVar("Result")
FEW = 8  # choices that a sentence can name
LONG = 300  # letters of a text that `seen` still carries as it is
OF_WTFORMS = (later("Not a valid choice."), later("This field is required."))  # said by the library


def at_most(letters: int) -> Length:
    """Hold a field to so many letters, and name the number."""
    return Length(max=letters, message=later("Write at most %(most)s letters.", most=letters))


class ChecksField(SelectMultipleField):
    """Some of a few, each with a box to tick; what is chosen is kept in one order, to be compared."""

    option_widget = CheckboxInput()
    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take what was ticked."""
        super().process_formdata(valuelist)
        self.data = sorted(set(self.data or ()))


class Form(FlaskForm):
    """A form of ours; `status` is what to answer when it is shown again: 422 or 409."""

    class Meta(FlaskForm.Meta):
        """What the library says itself is in our catalogues too, not in its own."""

        def get_translations(self, form: Any) -> Catalogue:
            """Hand over the texts of the reader's language."""
            del form
            return reader.catalogue()

    status = 200
    seen = ""  # what a form that changes something showed

    def carry_out(self, verb: Callable[[], Result]) -> Result | None:
        """Check the shape of what was typed, then do it; None when it was refused, and nothing is written.

        What was typed is kept. Whatever the verb may refuse belongs inside it, reading an amount too.
        """
        self.status = 422
        if self.validate():
            try:
                return verb()
            except Refused as refusal:
                self.say_beside_field(refusal)
        db.session.rollback()
        return None

    def validate(self, *args: Any, **kwargs: Any) -> bool:
        """Check what was typed; of a choice that is none, say which there are."""
        is_good: bool = super().validate(*args, **kwargs)
        for field in self:
            if isinstance(field, (SelectField, RadioField)) and field.errors:
                field.errors = _own_words(field)
        return is_good

    def say_beside_field(self, refusal: Refused) -> None:
        """Put the sentence where the fault is, or above the form; a role's refusal is no matter of a form."""
        if refusal.code == "not_allowed":
            raise refusal
        if isinstance(refusal, Conflict):
            self.status = 409
        name = refusal.details.get("field")
        if name in self:
            self[name].errors = [refusal.message]
        else:
            self.form_errors.append(refusal.message)


class ChangeForm(Form):
    """A form that changes what is there: it sends along as `seen` what it showed, as JSON.

    What somebody else saved meanwhile stays unless it was typed over. Where both changed the same field,
    a 409 shows their value beside it, and saving again keeps what was typed.
    """

    is_caught_up = False  # whether what others saved meanwhile was taken over or told

    @property
    def seen(self) -> str:  # type: ignore[override]  # written nowhere
        """What the person saw: what is there now, or what a form says that is only shown again."""
        there = {name: _plain(self[name].object_data) for name in self._names()}
        before = {} if self.is_caught_up else _read(request.form.get("seen", ""))
        return json.dumps({name: before.get(name, value) for name, value in there.items()})

    def carry_out(self, verb: Callable[[], Result]) -> Result | None:
        """As above, once nothing is lost by it."""
        overtaken = self._overtaken()
        if not overtaken:
            return super().carry_out(verb)
        self.validate()
        self.status = 409
        for name in overtaken:
            self[name].errors = [self._told(name)]
        db.session.rollback()
        return None

    def _overtaken(self) -> list[str]:
        """Name the fields that both changed, and take over what only others changed."""
        both = []
        self.is_caught_up = True
        for name, was in _read(request.form.get("seen", "")).items():
            if name not in self._names() or _plain(self[name].object_data) == was:
                continue
            if _plain(self[name].data) == was:
                self[name].data = self[name].object_data
            elif _plain(self[name].data) != _plain(self[name].object_data):
                both.append(name)
        return both

    def _told(self, name: str) -> str:
        value = _plain(self[name].object_data)
        choices = dict(getattr(self[name], "choices", None) or ())
        if not value:
            return _("Somebody changed this meanwhile: it is empty now. Save again to keep yours.")
        data = self[name].object_data
        is_some = isinstance(self[name], ChecksField)
        named = [str(choices.get(each, each)) for each in data] if is_some else []
        theirs = ", ".join(named) or choices.get(value, _shortened(str(data), LONG))
        return _("Somebody changed this meanwhile: “%(theirs)s”. Save again to keep yours.", theirs=theirs)

    def _names(self) -> list[str]:
        return [field.name for field in self if field.name != "csrf_token"]


def _labels(field: Any) -> dict[str, str]:
    return {str(choice.value): str(choice.label) for choice in field.iter_choices()} if field.choices else {}


def _own_words(field: Any) -> list[str]:
    """What the form says of a choice left empty; where only the library does, which choices there are."""
    is_wrong = field.data and str(field.data) not in _labels(field)
    said = [] if is_wrong else [error for error in field.errors if str(error) != str(OF_WTFORMS[0])]
    return said or [_what_to_choose(field)]


def _what_to_choose(field: Any) -> str:
    labels = _labels(field)
    if not 0 < len(labels) <= FEW:
        return _("Choose one from the list.")
    return _("Choose one of these: %(choices)s.", choices=", ".join(labels.values()))


def _plain(value: Any) -> str:
    """A value to compare; a long text by its fingerprint, or `seen` would not fit into a form."""
    text = str(value or "").strip()
    return text if len(text) <= LONG else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _shortened(text: str, longest: int) -> str:
    """Leave out the end of a text that is too long for a sentence."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def _read(seen: str) -> dict[str, Any]:
    try:
        read = json.loads(seen)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}

"""Forms whose act happens once, however often they are sent: each carries a key of its own."""

from typing import Any
from uuid import UUID, uuid4

from wtforms import HiddenField

from portal.errors import Conflict, Refused
from portal.services.ledger.visits import Visit
from portal.web.forms import Form
from portal.web.scope import actor, now
from portal.words import _


class KeyedForm(Form):
    """A form that moves points or money, or says a word that counts; a double click does it once."""

    key = HiddenField()

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not _is_key(self.key.data):
            self.key.data = str(uuid4())

    def visit(self, store_id: int | None = None) -> Visit:
        """Say who does it, when and by which key; and in which store, if it is known."""
        return Visit(by=actor(), now=now(), key=self.key.data, store_id=store_id)

    def say_beside_field(self, refusal: Refused) -> None:
        """As every form does; a key that was used for something else is a form that was sent before."""
        if refusal.code == "key_reused":
            self.key.data = str(uuid4())
        super().say_beside_field(plainly(refusal))


def plainly(refusal: Refused) -> Refused:
    """Say to people, not to programs, that a key was used for something else before."""
    if refusal.code != "key_reused":
        return refusal
    said = _("This form was sent before, with something else in it. Look whether that was done.")
    return Conflict("key_reused", said)


def _is_key(text: str | None) -> bool:
    try:
        return bool(UUID(text or ""))
    except ValueError:
        return False

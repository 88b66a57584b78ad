"""What happened, as pages tell it: an entry of the audit log with the links that lead on."""

from typing import Any, NamedTuple

from babel.dates import format_datetime
from flask import current_app, url_for

from portal.models.actor import Role
from portal.services.history import Entry, entry_of
from portal.web.language import language
from portal.web.scope import actor, current_merchant

# Where a living thing is to be seen: the view, and what its address calls the number.
PAGES = {
    "stores": ("stores.show", "store_id"),
    "products": ("products.show", "product_id"),
    "customers": ("customers.show", "customer_id"),
    "store_users": ("team.show", "member_id"),
    "merchant_owners": ("team.index", ""),
    "invitations": ("team.index", ""),
    "loyalty_programs": ("program.index", ""),
    "loyalty_rewards": ("program.rewards", ""),
    "merchants": ("settings.business", ""),
}
EXACT = "d MMMM y, HH:mm:ss zzzz"


class Happening(NamedTuple):
    """One act, ready to be shown."""

    entry: Entry

    @property
    def id(self) -> int:
        """The number of the entry."""
        return self.entry.row.id

    @property
    def href(self) -> str:
        """Where the thing is to be seen: on its page, in the trash, or nowhere."""
        if self.entry.deletion_id:
            return url_for("trash.show", deletion_id=self.entry.deletion_id)
        if not self.entry.lives:
            return ""
        endpoint, name = PAGES.get(self.entry.row.subject_kind, ("", ""))
        return link_to(endpoint, **({name: self.entry.row.subject_id} if name else {}))

    @property
    def place(self) -> str:
        """The store it happened in, unless the sentence is about that store."""
        return "" if self.entry.row.subject_kind == "stores" else self.entry.place or ""

    @property
    def moment(self) -> str:
        """When, for programs that read the page."""
        local = self.entry.row.occurred_at.astimezone(current_merchant().zone)
        return local.isoformat(timespec="seconds")

    @property
    def exactly(self) -> str:
        """When, to the second and with the name of the time zone."""
        local = self.entry.row.occurred_at.astimezone(current_merchant().zone)
        return str(format_datetime(local, EXACT, locale=language()))


def happening_of(row: Any) -> Happening:
    """Make one of what `history.entries_of` selects."""
    return Happening(entry_of(row))


def link_to(endpoint: str, **values: Any) -> str:
    """Address a screen; nothing when there is no such one, or this person may not see it."""
    view: Any = current_app.view_functions.get(endpoint)
    if view is None or actor().role < Role.of_word(view.allowed):
        return ""
    return url_for(endpoint, **values)

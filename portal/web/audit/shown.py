"""What the audit screen shows."""

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from sqlalchemy import ColumnElement, Select

from portal.models.actor import Role
from portal.models.records import AuditEntry
from portal.services import history
from portal.services.searching import containing
from portal.web.days import between, day_in, wrong_days
from portal.web.happenings import happening_of
from portal.web.listing import Listing, Sorting, asked, list_of, number_in
from portal.web.scope import current_merchant
from portal.words import _, counted

OPERATOR = "operator"
NOUNS = counted("entry", "entries")


def listed() -> Listing:
    """Read one page of the log, as the address asks for it."""
    chosen_by = filters()
    listing = list_of(
        chosen(chosen_by),
        Sorting({"when": AuditEntry.occurred_at}, AuditEntry.id, "when", starts_descending=True),
        nouns=NOUNS,
        base_href=url_for("audit.index"),
        filters=chosen_by,
        export_href=url_for("audit.export"),
    )
    if is_turned():
        turned = {"sort": "when", "direction": "asc"}
        listing.export_href = f"{url_for('audit.export')}?{urlencode(listing.query_args | turned)}"
    listing.extra["wrong_days"] = wrong_days(chosen_by, "from", "to")
    listing.extra["days_turned"] = _are_turned(chosen_by["from"], chosen_by["to"])
    listing.rows = [happening_of(row) for row in listing.rows]
    return listing


def filters() -> dict[str, str]:
    """Read the filters; one that says nothing we know filters nothing, but a day that is none is told."""
    given = asked("person", "kind", "did", "from", "to")
    good = {
        "person": given["person"] == OPERATOR or number_in(given["person"]) is not None,
        "kind": given["kind"] in history.GROUPS,
        "did": given["did"] in history.DEEDS,
    }
    return {name: value if good.get(name, True) else "" for name, value in given.items()}


def chosen(chosen_by: dict[str, str]) -> Select[Any]:
    """Select the entries that the search and the filters leave."""
    query = history.entries_of(current_merchant()).where(*_named(asked("q")["q"]))
    if chosen_by["person"]:
        query = query.where(_by(chosen_by["person"]))
    if chosen_by["kind"]:
        query = query.where(AuditEntry.subject_kind.in_(history.GROUPS[chosen_by["kind"]][1]))
    if chosen_by["did"]:
        query = query.where(history.did(chosen_by["did"]))
    return query.where(*between(AuditEntry.occurred_at, chosen_by["from"], chosen_by["to"]))


def is_turned() -> bool:
    """Whether the oldest come first."""
    return request.args.get("sort") == "when" and request.args.get("direction") != "desc"


def offered() -> dict[str, list[tuple[str, Any]]]:
    """Gather what the filters offer."""
    people = [(str(user_id), name) for user_id, name in history.people_of(current_merchant())]
    return {
        "people": [("", _("By anybody")), *people, (OPERATOR, _("The operator"))],
        "kinds": [("", _("Everything")), *((key, label) for key, (label, _k) in history.GROUPS.items())],
        "deeds": [
            ("", _("Any act")),
            *((key, label) for key, (label, _v) in history.DEEDS.items()),
        ],
    }


def _named(q: str) -> list[ColumnElement[bool]]:
    """Find things by their name, or by the number they have in the log."""
    if not q:
        return []
    found = history.ids_named(current_merchant(), lambda key: _matches(q, key))
    number = number_in(q.lstrip("#"))
    return [found if number is None else found | (AuditEntry.subject_id == number)]


def _matches(q: str, key: Any) -> ColumnElement[bool]:
    return containing(q, folded=(key,)) if key.key == "name_key" else containing(q, plain=(key,))


def _by(person: str) -> ColumnElement[bool]:
    """What the operator did is done in a role of its own, from the command line or by a program."""
    if person == OPERATOR:
        return AuditEntry.actor_role == Role.ADMIN.word
    mine: ColumnElement[bool] = AuditEntry.actor_id == int(person)
    return mine


def _are_turned(first: str, last: str) -> bool:
    begins, ends = day_in(first), day_in(last)
    return bool(begins and ends and begins > ends)

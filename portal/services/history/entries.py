"""Reading the audit log: entries with the names of today, and the sentence each one makes."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, or_, select

from portal.extensions import db
from portal.models.actor import Role, role_word
from portal.models.base import Model
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.records import AuditEntry
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.user import User
from portal.services.history.phrases import channel_word, counts_word, fields_word, phrase_for
from portal.services.history.things import LIVES, PURGED, name_of_subject, state_of_subject
from portal.services.trash.names import word
from portal.words import _, number

MOST_PEOPLE = 200
PEOPLE = frozenset(["store_users", "merchant_owners", "users", "invitations"])  # their names say it all
TABLES = {"team": "store_users"}  # what an import calls a kind -> its table


@dataclass(frozen=True)
class Entry:
    """One act: the row of the log, and what it is about as that stands now."""

    row: AuditEntry
    person: str | None
    person_is_gone: bool
    name: str | None
    state: int | None
    place: str | None

    @property
    def verb(self) -> str:
        """What was done, as programs call it."""
        return self.row.action.rpartition(".")[2]

    @property
    def who(self) -> str:
        """Who did it: a person, the operator, or a job."""
        if self.row.actor_id is None:
            return _("A nightly job") if self.row.channel == "job" else _("The operator")
        if self.person_is_gone or self.person is None:
            return _("Deleted person #%(number)s", number=self.row.actor_id)
        return self.person

    @property
    def role(self) -> str:
        """As what they did it, at that time."""
        is_operator = self.row.actor_id is None and self.row.actor_role == Role.ADMIN.word
        return role_word("operator" if is_operator else self.row.actor_role)

    @property
    def channel(self) -> str:
        """Through which door they did it."""
        return channel_word(self.row.channel)

    @property
    def what(self) -> str:
        """What it is about: product Croissant, deleted product #12."""
        kind, one = self.row.subject_kind, self.row.subject_id
        if one is None:
            return _things(kind, 2)
        if self.name and not self.is_gone:
            is_person = kind in PEOPLE
            return self.name if is_person else _("%(thing)s %(name)s", thing=_things(kind), name=self.name)
        told = _("deleted %(thing)s #%(number)s") if self.is_gone else _("%(thing)s #%(number)s")
        return told % {"thing": _things(kind), "number": one}

    @property
    def lives(self) -> bool:
        """Whether the thing has a page of its own."""
        return self.state == LIVES and self.row.subject_id is not None

    @property
    def is_gone(self) -> bool:
        """Whether nothing is left of the thing, or nothing that says who or what it was."""
        return self.state is None or self.state == PURGED

    @property
    def deletion_id(self) -> int | None:
        """The deletion in which the thing lies in the trash."""
        if self.is_gone or not self.state:
            return None
        # The death of a person is written above merchants; the entry knows the part in this one.
        return self.row.details.get("deletion_id") if self.row.subject_kind == "users" else self.state

    @property
    def phrase(self) -> str:
        """The sentence, with places for its parts."""
        return phrase_for(self.row.subject_kind, self.verb)

    @property
    def parts(self) -> dict[str, str]:
        """What belongs in those places."""
        details, kind = self.row.details, self.row.subject_kind
        return {
            "who": self.who,
            "what": self.what,
            "verb": self.verb.replace("_", " "),
            "fields": fields_word(details.get("fields", [])),
            "role": role_word(details.get("role", Role.STAFF.word)),
            "counts": counts_word(details),
            "things": _things(kind, 2),
            "many": _("%(count)s %(things)s", count=number(self.many), things=_things(kind, self.many)),
        }

    @property
    def many(self) -> int:
        """How many things one act took, where it took several."""
        return len(self.row.details.get("deletion_ids", []))

    @property
    def sentence(self) -> str:
        """Say it: Sofia Brandt changed product Croissant: price, name."""
        return self.phrase % self.parts


def entries_of(merchant: Merchant) -> Select[Any]:
    """Select the merchant's entries with all that `entry_of` needs; run it including the deleted."""
    place = select(Store.name).where(
        Store.merchant_id == AuditEntry.merchant_id, Store.id == AuditEntry.store_id
    )
    # One after the other: a list of columns this mixed has no type of its own.
    query: Any = select(AuditEntry, User.display_name.label("person")).add_columns(
        func.coalesce(User.purged_at.is_not(None), False).label("person_is_gone"),
        name_of_subject(),
        state_of_subject(),
        place.correlate(AuditEntry).scalar_subquery().label("place"),
    )
    named: Select[Any] = query.outerjoin(User, User.id == AuditEntry.actor_id)
    mine = named.where(AuditEntry.merchant_id == merchant.id)
    return mine.execution_options(include_deleted=True)


def entry_of(row: Any) -> Entry:
    """Make an entry of what `entries_of` selects."""
    told = (row.person, row.person_is_gone, row.subject_name, row.subject_state, row.place)
    return Entry(row.AuditEntry, *told)


def people_of(merchant: Merchant) -> list[tuple[int, str]]:
    """Name everybody who works or worked for the merchant, by name; those who were erased are left out."""
    owns = select(MerchantOwner.user_id).where(MerchantOwner.merchant_id == merchant.id)
    works = select(StoreUser.user_id).where(StoreUser.merchant_id == merchant.id)
    those = or_(User.id.in_(owns), User.id.in_(works))
    query = select(User.id, User.display_name).where(those, User.purged_at.is_(None))
    some = query.order_by(User.name_key, User.id).limit(MOST_PEOPLE)
    found = db.session.execute(some, execution_options={"include_deleted": True})
    return [(row.id, row.display_name) for row in found]


def _table(kind: str) -> str:
    return TABLES.get(kind, kind)


def _is_known(kind: str) -> bool:
    return _table(kind) in Model.metadata.tables


def _things(kind: str, count: int = 1) -> str:
    return word(_table(kind), count) if _is_known(kind) else kind.replace("_", " ")

"""Importing customers: known by reference, e-mail, phone or old card number; each with a card.

An import is no activity and gives no welcome bonus: a card begins without a row in the ledger, or with
one of type `import` when a balance is brought along. A chunk is one transaction, with what the batch
remembers of it.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.customer import Customer
from portal.services.imports import batches
from portal.services.imports.batches import Made
from portal.services.imports.fates import Fate
from portal.services.imports.giving import Giving, Written, plain
from portal.services.imports.lookups import Stores
from portal.services.imports.members import Member, Roll, read_member
from portal.services.imports.plans import Plan
from portal.services.imports.settling import program_of
from portal.services.imports.tables import Line
from portal.services.imports.writing import left_out
from portal.services.phones import spaced
from portal.words import _

CHUNK = 200
SHARED = ("email", "phone")  # one living customer each
Unit = Callable[[Callable[[], list[Fate]]], list[Fate]]


def run_customers(plan: Plan, *, by: Actor, now: datetime, unit: Unit) -> Iterator[list[Fate]]:
    """Write the plan's customers, in the merchant's scope, and yield what became of each chunk of rows.

    Nothing is committed here: `unit` does the work of one chunk and may do it again after a rollback.
    """
    writer = CustomerWriter(plan, by=by, now=now)
    lines = plan.table.lines()
    while chunk := list(islice(lines, CHUNK)):
        yield unit(partial(writer.write, chunk))


class CustomerWriter:
    """Adds and changes customers; each `write` is one transaction's worth."""

    def __init__(self, plan: Plan, *, by: Actor, now: datetime) -> None:
        self.plan, self.by, self.now = plan, by, now
        self.merchant_id: int = plan.merchant.id
        self.seen: dict[tuple[str, Any], int] = {}

    def write(self, lines: Sequence[Line]) -> list[Fate]:
        """Write a chunk of rows, each whole or refused."""
        fates = [Fate(line.number, line.cells) for line in lines]
        self.program, self.stores = program_of(self.merchant_id), Stores(self.merchant_id)
        read = [(fate, self._read(fate, line)) for fate, line in zip(fates, lines, strict=True)]
        members = [(fate, member) for fate, member in read if member is not None]
        self.roll = Roll(self.merchant_id, [member for _fate, member in members], self.program)
        written = {id(fate): self._write(fate, member) for fate, member in members}
        if self.program is not None:
            giving = Giving(self.plan, self.roll, self.program, by=self.by, now=self.now)
            giving.give([each for each in written.values() if each is not None])
        self._remember(fates, dict(members_of(members)), written)
        return fates

    def _read(self, fate: Fate, line: Line) -> Member | None:
        if line.fault:
            refuse(fate, line.fault)
        elif not self.plan.wants(line):
            fate.outcomes = ["left_out"]
        else:
            member = read_member(self.plan, line, self.stores, self.program)
            if not member.faults:
                return member
            refuse(fate, " ".join(member.faults))
        return None

    def _write(self, fate: Fate, member: Member) -> Written | None:
        try:
            self._once(member)
            person = self.roll.find(member)
            if not self._is_left(fate, member, person):
                return self._change(member, person) if person else self._add(member)
        except Refused as refusal:
            refuse(fate, refusal.message)
        return None

    def _is_left(self, fate: Fate, member: Member, person: Customer | None) -> bool:
        """Leave alone who lies in the trash, there or here, and who is somebody else by now."""
        dead = self.roll.dead.get(str(member.values.get("external_ref")))
        if member.values.pop("deleted_at", None):
            fate.outcomes, fate.reason = ["skipped"], _("It lay in the trash when the file was written.")
        elif self.roll.merged_into(member) is not None:
            said = _("This customer was merged into another one, who was left unchanged.")
            fate.outcomes, fate.warnings = ["unchanged"], [said]
        elif person is None and dead is not None:
            fate.outcomes, fate.reason = ["skipped"], _why_dead(dead)
        return bool(fate.outcomes)

    def _once(self, member: Member) -> None:
        """Refuse a row about somebody an earlier line was about."""
        ref = member.values.get("external_ref")
        if not (ref or member.cards or any(name in member.values for name in SHARED)):
            message = _("The row has no external_ref, email, phone or card number.")
            raise Refused("no_identity", message)
        first = self.seen.setdefault(("external_ref", ref), member.number) if ref else member.number
        if first != member.number:
            raise Refused("twice", _("Line %(line)s is about the same one.", line=first))

    def _add(self, member: Member) -> Written:
        self._leave_out_taken(member, None)
        if "name" not in member.values:
            member.values["name"] = _name_from(member)
        person = Customer(merchant_id=self.merchant_id, **member.values)
        db.session.add(person)
        db.session.flush()  # its card points at its id
        self.roll.add(person)
        return Written(member, person, is_new=True)

    def _change(self, member: Member, person: Customer) -> Written:
        written = Written(member, person, is_new=False)
        self._leave_out_taken(member, person)
        for name, value in member.values.items():
            old = getattr(person, name)
            if old != value:
                written.before[name] = [plain(old), plain(value)]
                setattr(person, name, value)
        self.roll.add(person)
        return written

    def _leave_out_taken(self, member: Member, person: Customer | None) -> None:
        """Leave out a phone or an e-mail address that somebody else has, with a warning that says who."""
        for name in SHARED:
            value = member.values.get(name)
            holder = self.roll.holder(name, value) if value else None
            if holder is not None and holder is not person:
                member.values.pop(name)
                member.warnings.append(left_out(name, value, holder.name))

    def _remember(
        self, fates: Sequence[Fate], members: dict[int, Member], written: dict[int, Written | None]
    ) -> None:
        """Say what became of each row, and write down what was made or refused."""
        made: list[Made] = []
        for fate in fates:
            each = written.get(id(fate))
            if each is not None:
                fate.outcomes = [each.outcome]
                fate.warnings = list(dict.fromkeys(each.member.warnings))
            if each is not None and each.outcome != "unchanged":
                made.append(each.made)
            elif fate.is_refused:  # no words: they may name somebody, and erasing would not find them
                member = members.get(id(fate))
                key = member.key if member else f"line {fate.number}"
                made.append(Made(f"{key} (line {fate.number})", fate.number, "refused", code="refused"))
        self._write_down(fates, written, made)

    def _write_down(
        self, fates: Sequence[Fate], written: dict[int, Written | None], made: list[Made]
    ) -> None:
        keys = {each.member.key: fate for fate in fates if (each := written.get(id(fate))) is not None}
        asked = [*keys, *(row.key for row in made)]
        known = batches.known_rows(batches.unfinished(self.plan), self.merchant_id, asked)
        for key, row in known.items():
            if key in keys and keys[key].outcomes == ["unchanged"]:  # made before the run was cut off
                keys[key].outcomes = ["new" if row.fate == "new" else "updated"]
        fresh = [row for row in made if row.key not in known]
        if fresh:
            batches.write_down(batches.hold(self.plan, by=self.by, now=self.now), fresh)


def members_of(members: Sequence[tuple[Fate, Member]]) -> Iterator[tuple[int, Member]]:
    """Find the member of a fate."""
    for fate, member in members:
        yield id(fate), member


def refuse(fate: Fate, why: str) -> None:
    """Say why nothing of a row was written."""
    fate.outcomes, fate.reason = ["refused"], why


def _why_dead(person: Customer) -> str:
    if person.merged_into_id is not None:
        return _("This customer was merged into another one, who is in the trash.")
    return _("It is in the trash (deletion %(id)s). Restore it to have it back.", id=person.deletion_id)


def _name_from(member: Member) -> str:
    """Call somebody without a name by their e-mail address, up to the @, or else by their phone."""
    email, phone = member.values.get("email"), member.values.get("phone")
    if email:
        member.warnings.append(_("A row without a name was called by its e-mail address, up to the @."))
        return str(email).partition("@")[0]
    if phone:
        member.warnings.append(_("A row without a name was called by its phone number."))
        return spaced(str(phone))
    raise Refused("missing", _("A new customer needs a name, or else an e-mail address or a phone."))

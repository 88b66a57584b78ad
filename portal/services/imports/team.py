"""Importing the team: known by reference, or else by e-mail address, or else by name in the store."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from portal.errors import Refused
from portal.models.store import Store
from portal.models.store_user import StoreUser
from portal.models.text import fold
from portal.models.user import User
from portal.services import team
from portal.services.imports.people import (
    change_person,
    is_known_at_the_till_only,
    name_in,
    person_for,
)
from portal.services.imports.writing import Key, Row, Writer, differing, living, rows_known, values_of
from portal.words import _


class TeamWriter(Writer):
    """Adds and changes memberships, and the people known only at the till."""

    colleagues: set[int]

    def known(self, rows: list[Row]) -> Iterator[tuple[Key, Any]]:
        """Index memberships by reference, by store and e-mail address, by store and name."""
        emails = values_of(rows, "email")
        names = {fold(name_in(row)) for row in rows}
        users = select(User.id).where(User.email.in_(emails) | User.name_key.in_(names))
        same = (
            StoreUser.external_ref.in_(values_of(rows, "external_ref")),
            StoreUser.user_id.in_(users),
        )
        found = rows_known(StoreUser, self.plan.merchant.id, *same, also=selectinload(StoreUser.user))
        self.colleagues = {member.user_id for member in living(found)}
        for member in found:
            yield ("external_ref", member.external_ref), member
            yield (member.store_id, "email", member.user.email), member
            yield (member.store_id, "name", member.user.name_key), member

    def write(self, row: Row) -> Iterator[str]:
        """Let the person work in each store the row is meant for, or change what differs."""
        person: User | None = None
        for store in self.stores_for(row):
            found = self._find(store, row)
            alive = living(found)
            if found and not alive:
                yield row.skip(found[-1])
            elif alive:
                yield "updated" if self._change(alive[0], row) else "unchanged"
            else:
                person = person or person_for(row, by=self.by)
                self._add(store, person, row)
                yield "new"

    def _find(self, store: Store, row: Row) -> list[StoreUser]:
        email, ref = row.values.get("email"), row.values.get("external_ref")
        if ref:
            return self._by_ref(ref, store, row) or self._by_email(email, store)
        if email:
            return self.once((store.id, "email", email), row)
        return self._by_name(store, row)

    def _by_ref(self, ref: str, store: Store, row: Row) -> list[StoreUser]:
        found = self.once(("external_ref", ref), row)
        for member in living(found):
            if member.store_id != store.id:
                name, place = member.user.display_name, member.store.name
                message = _(
                    "“%(ref)s” is %(name)s in %(place)s. A membership does not move: remove it there first.",
                    ref=ref,
                    name=name,
                    place=place,
                )
                raise Refused("elsewhere", message)
            return [member]
        return found

    def _by_email(self, email: str | None, store: Store) -> list[StoreUser]:
        """A membership that has no reference yet may be given the row's."""
        alive = living(self.index.get((store.id, "email", email), [])) if email else []
        for member in alive:
            if member.external_ref:
                message = _(
                    "%(email)s is in the team of %(store)s already, as “%(ref)s”.",
                    email=email,
                    store=store.name,
                    ref=member.external_ref,
                )
                raise Refused("elsewhere", message)
        return alive

    def _by_name(self, store: Store, row: Row) -> list[StoreUser]:
        name = fold(name_in(row))
        if not name:
            raise Refused("no_identity", _("The row has no external_ref, email or name."))
        found = self.once((store.id, "name", name), row)
        alive = living(found)
        if len(alive) > 1:
            alive = [m for m in alive if not m.external_ref and is_known_at_the_till_only(m.user)]
            if len(alive) != 1:
                message = _("Several people here have this name. Give the row an external_ref or an email.")
                raise Refused("ambiguous", message)
        return alive or found

    def _change(self, member: StoreUser, row: Row) -> bool:
        told = {name: row.values[name] for name in team.FIELDS if name in row.values}
        changes = differing(member, told)
        changed = changes and team.change_member(member, by=self.by, now=self.now, **changes)
        person = change_person(member.user, row, colleagues=self.colleagues, by=self.by)
        return bool(changed) or person

    def _add(self, store: Store, person: User, row: Row) -> None:
        details = {name: row.values[name] for name in team.FIELDS if name in row.values}
        role = details.pop("role", "staff")
        team.add_member(store, person, role=role, by=self.by, **details)

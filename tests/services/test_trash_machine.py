"""The trash against plain dicts: the same random life on both must leave the same rows.

By default 500 steps on each engine, the same at every run. TRASH_STEPS=20000 lives longer and
anew each time; SHRINK=1 looks for the shortest life that fails.
"""

import copy
import os
from contextlib import nullcontext

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Integer, cast, event, literal, null, select, union_all
from sqlalchemy.exc import IntegrityError

from portal.errors import Refused
from portal.extensions import db
from portal.models import Deletion
from portal.models import session as portal_session
from portal.models.actor import OPERATOR
from portal.models.session import PortalSession
from portal.models.soft_delete import including_deleted
from portal.models.tenancy import across_merchants, scoped
from portal.models.visible import see_the_visible
from portal.services import trash
from portal.services.trash import bring_back, throw_away
from tests.factories import NOW
from tests.plain_trash import KINDS, Act, PlainTrash, Stop

STEPS = int(os.environ.get("TRASH_STEPS", "500"))
PER_LIFE = 50
PICK = st.integers(0, 10_000)
VALUE = st.sampled_from("xyz")
TENANTS = [kind for kind in KINDS if kind not in ("users", "merchants")]
OWNERS = ["users", "merchants", "stores", "customers", "loyalty_programs", "merchant_owners", "store_users"]
FIRST, MOVED = ["users", "merchants"], ["products", "loyalty_cards"]
DEEDS = ["create"] * 5 + ["move"] * 2 + ["delete"] * 3 + ["delete an owner"] * 3 + ["restore"] * 5 + ["purge"]
DEAD_TOO = {"include_deleted": True}
# What a row of each kind says beside its keys.
WORDS = {
    "users": lambda n, v: {"display_name": f"U{n}", "email": f"{v}@example.com"},
    "merchants": lambda n, v: {"name": f"M{n}", "subdomain": f"m{n}", "public_ref": f"r{n}"},
    "stores": lambda n, v: {"name": f"S{n}", "store_code": v, "join_code": f"j{n}"},
    "customers": lambda n, v: {"name": f"C{n}", "phone": f"+35262100000{'xyz'.index(v)}"},
    "products": lambda n, v: {"name": f"P{n}", "sku": v, "price_cents": n},
    "till_devices": lambda n, v: {"name": f"T{n}", "token_hash": f"t{n}"},
    "loyalty_rewards": lambda n, v: {"name": f"R{n}", "points_required": 1},
    "card_tokens": lambda n, v: {"kind": "qr", "value": v},
    "staff_pins": lambda n, v: {"pin_hash": "x"},
    "orders": lambda n, v: {"number": f"O{n}", "occurred_at": NOW, "external_ref": v},
}
PLAIN_WORDS = ("email", "store_code", "phone", "sku", "value", "external_ref")


def keys_of(kind):
    """The columns that point elsewhere."""
    return [column for column, _ in (*KINDS[kind].owners, *KINDS[kind].history)]


def bare_rows(kind):
    table, keys = KINDS[kind].cls.__table__, keys_of(kind)
    padding = [cast(null(), Integer)] * (4 - len(keys))
    about = (table.c.deletion_id, table.c.purged_at, *(table.c[k] for k in keys))
    return select(literal(kind), table.c.id, *about, *padding)


FOUND = union_all(*map(bare_rows, KINDS))
SEEN = union_all(*(select(literal(kind), about.cls.id) for kind, about in KINDS.items()))


class Trash(RuleBasedStateMachine):
    """Two merchants, many owners, any order."""

    reset = None
    guard = None

    @initialize()
    def begin(self):
        db.session.remove()
        db.engine.dispose()
        self.reset()
        self.session, self.plain, self.names, self.last_id = db.session(), PlainTrash(), {}, 0
        self.life = self.plain
        for name in "ab":
            self.family(name)

    def family(self, name):
        """Start with rows of two owners: from nothing, fifty steps rarely reach the hard states."""
        n = "xy"["ab".index(name)]
        staff = self.make("users", "z" if name == "a" else None)
        merchant = self.make("merchants")
        mine = {"merchant_id": merchant}
        owner = self.make("merchant_owners", **mine, user_id=self.make("users", n))
        store = self.make("stores", "x", **mine)
        customer, program = self.make("customers", "x", **mine), self.make("loyalty_programs", **mine)
        member = self.make("store_users", **mine, store_id=store, user_id=staff)
        self.make("products", "x", **mine, store_id=store)
        self.make("loyalty_rewards", **mine, program_id=program)
        card = self.make("loyalty_cards", **mine, program_id=program, customer_id=customer)
        self.make("card_tokens", "x", **mine, card_id=card)
        pin = {"store_id": store} | mine
        self.make("staff_pins", **pin, store_user_id=member, merchant_owner_id=None)
        self.make("staff_pins", **pin, store_user_id=None, merchant_owner_id=owner)
        self.make("orders", "x", **mine, store_id=store, customer_id=customer)

    def teardown(self):
        db.session.remove()

    # both sides

    def both(self, scope, on_database, on_plain):
        """Do it twice; the two must agree, and a no must change nothing."""
        before, said, wanted = copy.deepcopy(self.plain), None, None
        try:
            on_plain()
        except Stop as stop:
            self.plain, wanted = before, str(stop)
        try:
            with scoped(self.session, scope) if scope else nullcontext():
                on_database()
                self.session.commit()
        except Refused as no:
            said = no.code
        except IntegrityError:
            said = "value_taken"
        self.session.rollback()
        assert said == wanted

    def make(self, kind, value=None, **keys):
        self.last_id = row_id = self.last_id + 1
        words = WORDS.get(kind, lambda n, v: {})(row_id, value or "x")
        if value is None and "email" in words:
            words["email"] = None
        plain = {c: words[c] for c in PLAIN_WORDS if c in words} | keys
        row = KINDS[kind].cls(id=row_id, **words, **keys)
        scope = keys.get("merchant_id")
        self.both(
            scope,
            lambda: (self.session.add(row), self.session.flush()),
            lambda: self.plain.add(kind, row_id, plain),
        )
        return row_id

    def pick(self, kind, n, merchant=None):
        rows = self.plain.rows[kind]
        ids = sorted(i for i, row in rows.items() if merchant in (None, row.values.get("merchant_id")))
        return ids[n % len(ids)] if ids else None

    # the rules

    # One rule, not many: Hypothesis would leave some of them out of a whole life.
    @rule(what=st.sampled_from(DEEDS), a=PICK, b=PICK, value=VALUE, seldom=st.integers(0, 4))
    def live(self, what, a, b, value, seldom):
        """Do one thing."""
        if what == "create":
            self.create(TENANTS[a % len(TENANTS)] if seldom else FIRST[b % 2], a, b, value)
        elif what == "move":
            self.move(MOVED[a % 2], a, b)
        elif what == "delete":
            self.delete(list(KINDS)[a % len(KINDS)], b, dead=seldom == 0)
        elif what == "delete an owner":
            self.delete(OWNERS[a % len(OWNERS)], b)
        elif what == "restore":
            self.restore(a, seldom == 0, with_owners=b % 2 == 0, replace=b % 3 == 0)
        else:
            self.purge(a, seldom == 0)

    def create(self, kind, a, b, value):
        if kind == "users":
            self.make("users", value if b % 2 else None)
        elif kind == "merchants":
            owner, merchant = self.pick("users", a), self.make("merchants")
            self.make("merchant_owners", merchant_id=merchant, user_id=owner)
        else:
            self.create_inside(kind, a, b, value)

    def create_inside(self, kind, a, b, value):
        merchant = self.pick("merchants", a)
        keys = {"merchant_id": merchant} if merchant else {}
        about = KINDS[kind]
        for column, owner in (*about.owners, *about.history):
            if column != "merchant_id":
                keys[column] = self.pick(owner, a + b, None if owner == "users" else merchant)
        if kind == "staff_pins":
            keys["store_user_id" if b % 2 else "merchant_owner_id"] = None
            needed = {keys["store_user_id"], keys["merchant_owner_id"]} - {None}
            if not needed or keys["store_id"] is None:
                return
        elif kind != "orders" and None in keys.values():
            return
        if merchant:
            self.make(kind, value, **keys)

    def move(self, kind, a, b):
        column, owner = ("store_id", "stores") if kind == "products" else ("customer_id", "customers")
        row_id = self.pick(kind, a)
        if row_id is None or not self.plain.row(kind, row_id).lives:
            return
        merchant = self.plain.row(kind, row_id).values["merchant_id"]
        target = self.pick(owner, b, merchant)

        def on_database():
            setattr(self.session.get(KINDS[kind].cls, row_id), column, target)
            self.session.flush()

        self.both(merchant, on_database, lambda: self.plain.move(kind, row_id, column, target))

    def delete(self, kind, a, *, dead=False):
        rows = self.plain.rows[kind]
        ids = sorted(i for i, row in rows.items() if dead or row.lives)
        if not ids:
            return
        row_id = ids[a % len(ids)]
        merchant = self.plain.merchant_of(kind, row_id)
        ident = row_id if kind in ("users", "merchants") else (merchant, row_id)
        held = self.plain.row(kind, row_id).act

        def on_database():
            with including_deleted(self.session):
                row = self.session.get(KINDS[kind].cls, ident)
            act = trash.soft_delete_cascade(row, by=OPERATOR, now=NOW)
            assert held is None or self.names[act.id] == held  # no second deletion

        self.both(merchant or None, on_database, lambda: self.plain.delete(kind, row_id))

    def restore(self, n, any_act, *, with_owners, replace):
        how = {"with_owners": with_owners}
        self.with_act(
            n,
            any_act,
            lambda act: trash.restore(act, by=OPERATOR, now=NOW, replace_holder=replace, **how),
            lambda act: self.plain.restore(act, replace=replace, **how),
        )

    def purge(self, n, any_act):
        self.with_act(n, any_act, lambda act: trash.purge(act, by=OPERATOR, now=NOW), self.plain.purge)

    def with_act(self, n, any_act, on_database, on_plain):
        """Take an act in the trash, and now and then one that is not."""
        ids = [i for i, a in self.names.items() if any_act or self.plain.acts[a].status == "done"]
        if not ids:
            return
        act_id = sorted(ids)[n % len(ids)]
        act = self.names[act_id]
        merchant = self.plain.merchant_of_act(act)

        def do():
            found = select(Deletion).where(Deletion.id == act_id)
            on_database(self.session.scalars(found).one())

        self.both(merchant or "*", do, lambda: on_plain(act))

    # what must hold

    @invariant()
    def both_agree(self):
        if getattr(self, "plain", None) is None or not self.plain.rows["orders"]:
            return
        with across_merchants(self.session, "a test"):
            self.name_the_acts()
            assert self.found() == self.wanted()
            assert self.seen() == {
                kind: {i for i, row in self.plain.rows[kind].items() if row.lives} for kind in KINDS
            }
            assert trash.doctor() == []
        self.session.commit()
        assert not self.guard, self.guard[0]

    def name_the_acts(self):
        """Tell which number of the database is which act of the plain trash."""
        deletions = self.session.scalars(select(Deletion).order_by(Deletion.id)).all()
        for one in deletions:
            if one.id not in self.names:
                self.names[one.id] = self.name_of(one)
        acts = {self.names[one.id]: one.status for one in deletions}
        assert acts == {name: act.status for name, act in self.plain.acts.items()}

    def name_of(self, one):
        if one.parent_id is not None:
            return (self.names[one.parent_id], one.merchant_id)
        root, known = (one.root_kind, one.root_id), set(self.names.values())
        return next(
            name
            for name, act in self.plain.acts.items()
            if act.root == root and act.parent is None and name not in known
        )

    def found(self):
        """Every row of every kind, dead or alive, from one statement."""
        rows = {kind: {} for kind in KINDS}
        for kind, row_id, act, purged, *keys in self.session.execute(FOUND, execution_options=DEAD_TOO):
            kept = keys[: len(keys_of(kind))]
            rows[kind][row_id] = (self.names.get(act), purged is not None, *kept)
        return rows

    def seen(self):
        """What the session shows of every kind, from one statement."""
        seen = {kind: set() for kind in KINDS}
        for kind, row_id in self.session.execute(SEEN):
            seen[kind].add(row_id)
        return seen

    def wanted(self):
        return {
            kind: {
                i: (row.act, row.purged, *(row.values[c] for c in keys_of(kind)))
                for i, row in self.plain.rows[kind].items()
            }
            for kind in KINDS
        }


def live(database, guard, steps=STEPS, *, long=STEPS != 500):
    """Run lives of fifty steps until that many steps are lived."""

    class Here(Trash):
        pass

    Here.reset, Here.guard = staticmethod(database.clean), guard
    shrink = (Phase.shrink,) if os.environ.get("SHRINK") else ()
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=max(1, steps // PER_LIFE),
            stateful_step_count=PER_LIFE,
            deadline=None,
            derandomize=not long,
            database=None,
            print_blob=False,
            phases=(Phase.generate, *shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.timeout(60 + STEPS)
def test_the_trash_lives_as_the_plain_dicts_do(app, database, guard):
    live(database, guard)


# A machine that finds nothing must first have shown that it can. One engine is enough to see it.


def dies(database, guard):
    with pytest.raises((AssertionError, IntegrityError, BaseExceptionGroup)):
        live(database, guard, steps=1500)
    guard.clear()


@pytest.mark.sqlite
def test_without_handing_over_the_machine_stops(app, database, guard, monkeypatch):
    monkeypatch.setattr(bring_back, "hand_over", lambda *_: None)
    dies(database, guard)


@pytest.mark.sqlite
def test_without_asking_the_owners_the_machine_stops(app, database, guard, monkeypatch):
    monkeypatch.setattr(portal_session, "_lock_owners", lambda *_: None)
    dies(database, guard)


@pytest.mark.sqlite
def test_without_the_listener_the_machine_stops(app, database, guard):
    event.remove(PortalSession, "do_orm_execute", see_the_visible)
    try:
        dies(database, guard)
    finally:
        event.listen(PortalSession, "do_orm_execute", see_the_visible)


@pytest.mark.sqlite
def test_without_the_last_owner_the_machine_stops(app, database, guard, monkeypatch):
    monkeypatch.setattr(throw_away, "_refuse_last_owner", lambda *_: None)
    dies(database, guard)


def test_the_plain_trash_knows_its_own_acts():
    plain = PlainTrash()
    plain.add("users", 1, {"email": None})
    plain.delete("users", 1)
    assert plain.acts == {1: Act(("users", 1))}

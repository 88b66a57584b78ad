"""The ledger against a plain model: the same random life on both must leave the same rows.

By default some hundred steps on SQLite, the same at every run. LEDGER_STEPS=20000 lives longer, anew
each time, and on both engines; SHRINK=1 looks for the shortest life that fails.
"""

import copy
import os
from datetime import timedelta

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
from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models import (
    Customer,
    Deletion,
    LoyaltyCard,
    LoyaltyProgram,
    LoyaltyReward,
    LoyaltyTransaction,
    Merchant,
    RewardIssue,
)
from portal.models.tenancy import scoped
from portal.services import programs, trash
from portal.services.ledger import expiring, nightly, stamping, taking_back
from portal.services.ledger.earning import earn
from portal.services.ledger.enrolling import enrol
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward, redeem
from portal.services.ledger.stamping import stamp
from portal.services.ledger.verifying import verify
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import (
    NOW,
    make_merchant,
    make_order,
    make_program,
    make_reward,
    make_store,
    make_user,
    manager_of,
    owner_of,
    staff_of,
)
from tests.services.ledger.plain_ledger import TIERS, VOIDABLE, Moment, PlainLedger, Reward, Rules, Stop

STEPS = int(os.environ.get("LEDGER_STEPS", "360"))
IS_LONG = STEPS != 360
PER_LIFE = 60
ENGINES = [] if IS_LONG else [pytest.mark.sqlite]
DEAD_TOO = {"include_deleted": True}
PICK = st.integers(0, 10_000)
PHONES = [f"+35262112345{n}" for n in range(4)]
PEOPLE = ["owner", "manager", "ann", "ben"]
CENTS = [0, 199, 200, 1999, 1990, 2558, 4000, 777, 3100]
MINUTES = [1, 0, 1, 5, 1, 5, 5, 14, 15, 15, 20, 60, 300, 1440, 1440, 12 * 1440, 35 * 1440]
LATE = [None, None, None, 1, 14, 15, 1440, 20 * 1440]
DEEDS = (
    ["earn"] * 6
    + ["enrol"]
    + ["stamp"] * 5
    + ["issue"] * 4
    + ["redeem"] * 3
    + ["cancel"] * 2
    + ["refund"] * 3
    + ["void"] * 4
    + ["night", "merge", "change"]
    + ["delete"]
    + ["restore"] * 3
)
CHANGES = [
    {"points_per_euro": 3},
    {"points_per_euro": 1},
    {"stamps_target": 3},
    {"stamps_target": 4},
    {"clawback_policy": "clamp_to_zero"},
    {"clawback_policy": "allow_negative"},
    {"minimum_purchase_cents": 0},
    {"minimum_purchase_cents": 200},
]
OURS = {"points_per_euro": "per_euro", "stamps_target": "target", "clawback_policy": "policy"}
OURS |= {"minimum_purchase_cents": "minimum"}


class Ledger(RuleBasedStateMachine):
    """One merchant, some people, any order of acts, and a clock that moves on."""

    reset = None
    guard = None

    @initialize()
    def begin(self):
        db.session.remove()
        db.engine.dispose()
        self.reset()
        self.session, self.now, rules = (
            db.session(),
            NOW + timedelta(hours=13),
            Rules(),
        )  # late in the evening
        merchant = make_merchant(timezone="Europe/Luxembourg")
        store = make_store(merchant)
        self.actors = {
            "owner": owner_of(merchant),
            "manager": manager_of(store, user=make_user()),
            "ann": staff_of(store, user=make_user()),
            "ben": staff_of(store, user=make_user()),
        }
        self.merchant, self.program = merchant.id, self.make_program(merchant, rules)
        rewards = {
            make_reward(self.program, points_required=12, stock=4).id: Reward(12, 4, None),
            make_reward(self.program, points_required=5, per_customer_limit=2).id: Reward(5, None, 2),
        }
        self.program = self.program.id
        self.orders = [make_order(store, total_cents=5000).id for _ in range(6)]
        self.plain, self.acts = PlainLedger(rules, rewards), {}
        self.rows, self.issues = [], []
        self.session.expunge_all()

    def make_program(self, merchant, rules):
        tiers = [
            {"key": f"t{n}", "name": f"T{n}", "threshold": least, "multiplier_bp": int(times * 10_000)}
            for n, (least, times) in enumerate(TIERS)
        ]
        return make_program(
            merchant,
            loyalty_type="hybrid",
            points_per_euro=rules.per_euro,
            minimum_purchase_cents=rules.minimum,
            minimum_redemption_points=0,
            stamps_target=rules.target,
            cooldown_minutes=rules.cooldown,
            max_daily_stamps=rules.cap,
            max_stamps_per_transaction=rules.most,
            clawback_policy=rules.policy,
            points_expiration_days=rules.expiration_days,
            reward_valid_days=rules.reward_days,
            void_window_hours=rules.window_hours,
            welcome_bonus_points=rules.bonus,
            tier_config=tiers,
        )

    def teardown(self):
        if getattr(self, "plain", None) is not None:
            with scoped(self.session, self.merchant):
                assert list(verify(self.merchant)) == []
        db.session.remove()

    # both sides

    def both(self, on_database, on_plain):
        """Do it twice; the two must agree, and a no must change nothing."""
        before, said, wanted = copy.deepcopy(self.plain), None, None
        with scoped(self.session, self.merchant):
            try:
                made = on_database()
                self.session.commit()
            except Refused as no:
                self.session.rollback()
                said, made = no.code, (0, 0)
        try:
            on_plain(self.plain, made)
        except Stop as stop:
            self.plain, wanted = before, str(stop)
        assert said == wanted

    def visit(self, moment, **more):
        return Visit(by=self.actors[moment.by], now=moment.now, happened_at=moment.happened, **more)

    def row(self, n):
        query = select(LoyaltyTransaction).where(LoyaltyTransaction.id == self.rows[n])
        return self.session.scalars(query).one()

    def get(self, kind, row_id):
        query = select(kind).where(kind.merchant_id == self.merchant, kind.id == row_id)
        return self.session.scalars(query, execution_options=DEAD_TOO).one()

    # the rules

    # One rule, not many: Hypothesis would leave some of them out of a whole life.
    @rule(what=st.sampled_from(DEEDS), a=PICK, b=PICK, c=PICK, minutes=st.sampled_from(MINUTES))
    def live(self, what, a, b, c, minutes):
        """Let some time pass, and do one thing."""
        self.now += timedelta(minutes=minutes)
        moment = Moment(self.now, PEOPLE[c % 4])
        getattr(self, what.replace(" ", "_"))(a, b, c, moment)

    def card(self, a):
        cards = sorted(self.plain.cards)
        return cards[a % len(cards)] if cards else None

    def late(self, moment, b):
        minutes = LATE[b % len(LATE)]
        moment.happened = None if minutes is None else moment.now - timedelta(minutes=minutes)
        return moment

    def enrol(self, a, b, c, moment):
        phone = PHONES[a % len(PHONES)]

        def on_database():
            merchant = self.session.get(Merchant, self.merchant)
            visit = self.visit(moment, source="till")
            done = enrol(merchant, visit=visit, secret="s" * 40, name="Somebody", phone=phone)
            return done.customer.id, done.card.id

        self.both(on_database, lambda plain, ids: plain.enrol(phone, ids, moment))

    def earn(self, a, b, c, moment):
        card = self.card(a)
        if card is None:
            return
        self.late(moment, b)
        cents, less, stamps = CENTS[c % len(CENTS)], (0, 0, 150)[b % 3], (0, 0, 1, 2)[a // 7 % 4]
        order = self.orders[c % 6] if c % 3 == 0 else None
        key = f"k{a}" if a % 2 else None

        def on_database():
            how = {"excluded_cents": less, "order_id": order, "stamps": stamps}
            first = earn(card, spent_cents=cents, visit=self.visit(moment, key=key), **how)
            if key and not first.is_replay:
                rows = [row.id for row in first.rows]
                again = earn(card, spent_cents=cents, visit=self.visit(moment, key=key), **how)
                assert again.is_replay
                assert [row.id for row in again.rows] == rows

        self.key_is_new = key not in self.__dict__.setdefault("keys", set())
        if key and not self.key_is_new:
            return
        before = len(self.plain.rows)
        self.both(
            on_database,
            lambda plain, _: plain.earn(card, cents, moment, less=less, order=order, stamps=stamps),
        )
        if key and len(self.plain.rows) > before:
            self.keys.add(key)

    def stamp(self, a, b, c, moment):
        card, quantity = self.card(a), (1, 1, 2, 3, 5, 6)[c % 6]
        if card is not None:
            self.late(moment, b)
            self.both(
                lambda: stamp(card, quantity=quantity, visit=self.visit(moment)),
                lambda plain, _: plain.stamp(card, quantity, moment),
            )

    def issue(self, a, b, c, moment):
        card, reward, at_once = self.card(a), sorted(self.plain.rewards)[b % 2], bool(c % 2)
        if card is not None:
            self.both(
                lambda: issue_reward(card, reward, visit=self.visit(moment), at_once=at_once),
                lambda plain, _: plain.issue(card, reward, moment, at_once=at_once),
            )

    def redeem(self, a, b, c, moment):
        self.on_issue(a, b, moment, redeem, "redeem")

    def cancel(self, a, b, c, moment):
        self.on_issue(a, b, moment, cancel_reward, "cancel")

    def on_issue(self, a, b, moment, verb, name):
        if not self.issues:
            return
        waiting = [n for n, one in enumerate(self.plain.issues) if one.status == "issued"]
        among = waiting if waiting and b % 4 else range(len(self.issues))
        n = among[a % len(among)]
        card = self.card(a) if b % 11 == 0 else self.plain.issues[n].card
        moment.by = self.plain.issues[n].staff if b % 2 else moment.by
        self.both(
            lambda: verb(card, self.issues[n], visit=self.visit(moment)),
            lambda plain, _: getattr(plain, name)(card, n, moment),
        )

    def refund(self, a, b, c, moment):
        earns = [n for n, row in enumerate(self.plain.rows) if row.type == "earn"]
        if not earns:
            return
        n, cents = earns[-1 - a % min(len(earns), 6)], (100, 999, 1000, 5000, 0)[b % 5]
        handed = [i for i, one in enumerate(self.plain.issues) if one.status == "redeemed"]
        back = handed[c % len(handed)] if handed and c % 5 == 0 else None
        given = [] if back is None else [self.issues[back]]
        self.both(
            lambda: reverse_earn(self.row(n), cents, visit=self.visit(moment), given_back=given),
            lambda plain, _: plain.refund(n, cents, moment, back=back),
        )

    def void(self, a, b, c, moment):
        recent = range(max(0, len(self.rows) - 8), len(self.rows))
        sensible = [n for n in recent if self.plain.rows[n].type in VOIDABLE]
        among = sensible if sensible and b % 4 else recent
        if among:
            n = among[a % len(among)]
            moment.by = (self.plain.rows[n].staff, "owner", moment.by)[c % 3]
            self.both(
                lambda: void(self.row(n), visit=self.visit(moment)),
                lambda plain, _: plain.void(n, moment),
            )

    def night(self, a, b, c, moment):
        moment.by = "owner"
        merchant = self.merchant

        def on_database():
            shop = self.session.get(Merchant, merchant)
            nightly.expire_some(shop, now=moment.now)
            nightly.expire_rewards_some(shop, now=moment.now)

        def on_plain(plain, _):
            plain.expire_all(moment)
            plain.expire_rewards(moment)

        self.both(on_database, on_plain)

    def delete(self, a, b, c, moment):
        if b % 3 == 0 and not self.plain.program_is_dead:
            self.both(
                lambda: self.throw(LoyaltyProgram, self.program, moment),
                lambda plain, _: setattr(plain, "program_is_dead", True),
            )
            return
        living = sorted(n for n in self.plain.phones if n not in self.plain.dead)
        if living:
            customer = living[a % len(living)]
            self.both(
                lambda: self.throw(Customer, customer, moment),
                lambda plain, _: plain.dead.add(customer),
            )

    def throw(self, kind, row_id, moment):
        act = trash.soft_delete_cascade(self.get(kind, row_id), by=self.actors["owner"], now=moment.now)
        self.acts[kind, row_id] = act.id

    def restore(self, a, b, c, moment):
        if self.plain.program_is_dead and b % 3:
            on_plain = lambda plain, _: plain.restore_program(moment.now)  # noqa: E731 - said in place
            self.both(lambda: self.bring_back(LoyaltyProgram, self.program, moment), on_plain)
            return
        gone = sorted(self.plain.dead - set(self.plain.merged))
        if gone:
            customer = gone[a % len(gone)]
            self.both(
                lambda: self.bring_back(Customer, customer, moment),
                lambda plain, _: plain.restore_customer(customer, moment.now),
            )

    def bring_back(self, kind, row_id, moment):
        act = self.get(Deletion, self.acts[kind, row_id])
        trash.restore(act, by=self.actors["owner"], now=moment.now)

    def merge(self, a, b, c, moment):
        moment.by = "owner"
        living = sorted(n for n in self.plain.phones if n not in self.plain.dead)
        if len(living) < 2 or self.plain.program_is_dead:
            return
        survivor, loser = living[a % len(living)], living[(a + 1) % len(living)]
        self.both(
            lambda: merge_customers(
                self.get(Customer, survivor), self.get(Customer, loser), visit=self.visit(moment)
            ),
            lambda plain, _: plain.merge(survivor, loser, moment),
        )

    def change(self, a, b, c, moment):
        if self.plain.program_is_dead:
            return
        changes = CHANGES[a % len(CHANGES)]

        def on_plain(plain, _):
            for field, value in changes.items():
                setattr(plain.rules, OURS[field], value)

        self.both(
            lambda: programs.change_program(
                self.get(LoyaltyProgram, self.program), by=self.actors["owner"], now=moment.now, **changes
            ),
            on_plain,
        )

    # what must hold

    @invariant()
    def both_agree(self):
        if getattr(self, "plain", None) is None:
            return
        with scoped(self.session, self.merchant):
            self.name_rows_and_issues()
            assert self.found_rows() == self.wanted_rows()
            assert self.found_issues() == self.wanted_issues()
            assert self.found_cards() == self.wanted_cards()
            stocks = select(LoyaltyReward.id, LoyaltyReward.stock)
            found = dict(self.session.execute(stocks, execution_options=DEAD_TOO).all())
            assert found == {n: reward.stock for n, reward in self.plain.rewards.items()}
            self.session.rollback()
        assert not self.guard, self.guard[0]

    def name_rows_and_issues(self):
        """Rows and rewards have one order on both sides; what was rolled back may have left gaps."""
        row, issue = LoyaltyTransaction.id, RewardIssue.id
        self.rows = list(self.session.scalars(select(row).order_by(row)))
        self.issues = list(self.session.scalars(select(issue).order_by(issue)))

    def found_rows(self):
        of_row = {row_id: n for n, row_id in enumerate(self.rows)}
        of_issue = {issue_id: n for n, issue_id in enumerate(self.issues)}
        r = LoyaltyTransaction
        columns = (r.card_id, r.type, r.points_delta, r.stamps_delta, r.points_after, r.stamps_after)
        links = (r.linked_id, r.reverses_id, r.reward_issue_id, r.occurred_at, r.created_at, r.rule_snapshot)
        return [
            (
                *row,
                of_row.get(linked),
                of_row.get(reverses),
                of_issue.get(issue),
                *times,
                snapshot.get("owed", 0),
            )
            for *row, linked, reverses, issue, occurred, created, snapshot in self.session.execute(
                select(*columns, *links).order_by(r.id)
            )
            for times in [(occurred, created)]
        ]

    def wanted_rows(self):
        return [
            (
                row.card,
                row.type,
                row.points,
                row.stamps,
                *row.after,
                *links,
                row.happened,
                row.posted,
                row.owed,
            )
            for row in self.plain.rows
            for links in [(row.linked, row.void_of, row.issue)]
        ]

    def found_issues(self):
        one = RewardIssue
        columns = (
            one.card_id,
            one.reward_id,
            one.points_price + one.stamps_target,
            one.status,
            one.redeemed_at,
        )
        return [tuple(row) for row in self.session.execute(select(*columns, one.expires_at).order_by(one.id))]

    def wanted_issues(self):
        return [(i.card, i.reward, i.cost, i.status, i.handed, i.until) for i in self.plain.issues]

    def found_cards(self):
        """Balances and tiers of all; of the living also when their points expire, and what they read now."""
        query = select(LoyaltyCard).order_by(LoyaltyCard.id)
        query = query.execution_options(populate_existing=True, **DEAD_TOO)
        found = {}
        for card in self.session.scalars(query):
            basis = (card.points_balance, card.stamps_balance, card.tier_key)
            found[card.id] = (*basis, card.is_deleted)
            if not card.is_deleted:
                rules = (card, card.program, self.session.get(Merchant, self.merchant).zone)
                found[card.id] += (expiring.due_at(*rules), expiring.balance_at(*rules, self.now))
        return found

    def wanted_cards(self):
        wanted = {}
        for n, card in self.plain.cards.items():
            tier = None if card.tier is None else f"t{card.tier}"
            wanted[n] = (card.points, card.stamps, tier, not self.plain.lives(n))
            if self.plain.lives(n):
                due = self.plain.due(n)
                is_over = due is not None and due <= self.now
                wanted[n] += (due, min(0, card.points) if is_over else card.points)
        return wanted


def live(database, guard, steps=STEPS, *, long=IS_LONG):
    """Run lives of sixty steps until that many steps are lived."""

    class Here(Ledger):
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


def marked(test):
    for mark in ENGINES:
        test = mark(test)
    return test


@marked
@pytest.mark.timeout(120 + STEPS)
def test_the_ledger_lives_as_the_plain_model_does(app, database, guard):
    live(database, guard)


# A machine that finds nothing must first have shown that it can. One engine is enough to see it.


def dies(database, guard):
    with pytest.raises((AssertionError, BaseExceptionGroup)):
        live(database, guard, steps=1800)
    guard.clear()


@pytest.mark.sqlite
@pytest.mark.unbalanced("what is broken on purpose may leave anything")
def test_without_setting_off_what_expired_the_machine_stops(app, database, guard, monkeypatch):
    monkeypatch.setattr(taking_back, "_set_off", lambda *_: [])
    dies(database, guard)


@pytest.mark.sqlite
@pytest.mark.unbalanced("what is broken on purpose may leave anything")
def test_without_the_cooldown_the_machine_stops(app, database, guard, monkeypatch):
    monkeypatch.setattr(stamping, "_refuse_in_cooldown", lambda *_: None)
    dies(database, guard)


@pytest.mark.sqlite
@pytest.mark.unbalanced("what is broken on purpose may leave anything")
def test_without_thirty_days_for_credits_the_machine_stops(app, database, guard, monkeypatch):
    monkeypatch.setattr(expiring, "put_off", lambda *_: None)
    dies(database, guard)

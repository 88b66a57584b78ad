"""What the ledger may hold, told to the database itself: raw SQL hits each rule."""

import json
import re

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError, IntegrityError

from portal.models.loyalty_transaction import SIGNS
from tests.factories import NOW, give, make_card, make_merchant, make_order, make_program, make_store, within

pytestmark = [
    pytest.mark.unguarded("raw SQL, to see the database's own refusal"),
    pytest.mark.unbalanced("rows are written without their card"),
]
PLAIN = {
    "type": "adjust",
    "points_delta": 0,
    "stamps_delta": 0,
    "points_after": 0,
    "stamps_after": 0,
    "source": "portal",
    "rule_snapshot": "{}",
    "program_version": 1,
    "is_pin_unverified": False,
    "occurred_at": NOW,
    "created_at": NOW,
}


@pytest.fixture
def ledger(session):
    """Two merchants with a card and an order each, and a way to write rows by hand."""
    return Ledger(session)


class Ledger:
    def __init__(self, session):
        self.session = session
        self.merchant, self.other = make_merchant(), make_merchant()
        self.card, self.others = (make_card(make_program(m)) for m in (self.merchant, self.other))
        self.order, self.their_order = (make_order(make_store(m)) for m in (self.merchant, self.other))
        self.row, self.their_row = (give(card, points=1) for card in (self.card, self.others))
        session.expunge_all()  # their numbers stay readable outside their merchant's scope

    def write(self, table="loyalty_transactions", **fields):
        """Insert a row, and say its number."""
        if table == "loyalty_transactions":
            mine = {"card_id": self.card.id, "program_id": self.card.program_id}
            fields = PLAIN | mine | fields
        fields = {"merchant_id": self.merchant.id} | fields
        names = ", ".join(fields)
        values = ", ".join(f":{name}" for name in fields)
        words = f"INSERT INTO {table} ({names}) VALUES ({values}) RETURNING id"
        with within(self.merchant):
            return self.session.scalar(text(words), fields)

    def refuses(self, rule, table="loyalty_transactions", **fields):
        with pytest.raises(IntegrityError) as no:
            self.write(table, **fields)
        self.session.rollback()
        assert re.search(rule, str(no.value.orig)), no.value.orig


def moves(sign):
    """What a sign allows and what it forbids."""
    return {"+": ([0, 1], [-1]), "-": ([0, -1], [1]), "0": ([0], [1, -1]), "*": ([0, 1, -1], [])}[sign]


@pytest.mark.parametrize("place", ["points_delta", "stamps_delta"])
@pytest.mark.parametrize("kind", SIGNS)
def test_each_type_moves_only_its_own_way(ledger, kind, place):
    allowed, forbidden = moves(SIGNS[kind][place == "stamps_delta"])
    links = {"reverses_id": ledger.row.id} if kind == "void" else {}
    for delta in allowed:
        ledger.write(type=kind, **{place: delta}, **links)
        ledger.session.rollback()
    for delta in forbidden:
        ledger.refuses(f"{place}_sign", type=kind, **{place: delta}, **links)


def test_the_signs_are_as_the_rules_of_loyalty_say():
    """A second telling, by hand: the table in the model is what the checks are made from."""
    said = {
        "earn stamp redeem_cancel refund_return": "adds",
        "redeem refund_reversal expire forfeit stamp_complete": "takes",
    }
    for kinds, what in said.items():
        for kind in kinds.split():
            assert set(SIGNS[kind]) <= ({"+", "0"} if what == "adds" else {"-", "0"}), kind
    assert SIGNS["expire"] == ("-", "0"), "stamps do not expire"
    assert {kind for kind, signs in SIGNS.items() if signs == ("0", "0")} == {"enrol"}


ONE = {
    "an unknown type": ("type_known|_sign", {"type": "gift"}),
    "an unknown source": ("source_known", {"source": "dream"}),
    "a void of nothing": ("void_of_a_row", {"type": "void"}),
    "an amount below zero": ("amount_not_negative", {"amount_cents": -1}),
    "an eligible part below zero": ("eligible_not_negative", {"eligible_cents": -1}),
}


@pytest.mark.parametrize(("rule", "fields"), ONE.values(), ids=ONE)
def test_a_row_must_make_sense(ledger, rule, fields):
    ledger.refuses(rule, **fields)


def test_an_earn_of_an_order_numbers_its_attempt(ledger):
    ledger.refuses("earn_has_attempt", type="earn", order_id=ledger.order.id)
    ledger.write(type="earn", order_id=ledger.order.id, attempt_no=1)


def unique(*columns):
    return "(?i)unique.*(" + "|".join(columns) + ")"


def test_one_earn_for_each_attempt_on_an_order(ledger):
    attempt = {"type": "earn", "order_id": ledger.order.id, "attempt_no": 1}
    ledger.write(**attempt)
    ledger.session.commit()
    ledger.refuses(unique("attempt_no", "transactions_earn"), **attempt)
    ledger.write(**attempt | {"attempt_no": 2})
    ledger.write(**attempt | {"type": "refund_reversal"})


def test_one_void_of_each_row(ledger):
    void = {"type": "void", "reverses_id": ledger.row.id}
    ledger.write(**void)
    ledger.session.commit()
    ledger.refuses(unique("reverses_id", "transactions_void"), **void)


def test_one_welcome_bonus_for_each_card(ledger):
    ledger.write(type="welcome_bonus")
    ledger.session.commit()
    ledger.refuses(unique("card_id", "transactions_bonus"), type="welcome_bonus")


def test_one_key_for_each_merchant(ledger):
    key = {"key": "k", "request_hash": "h", "status": "done", "created_at": NOW}
    ledger.write("idempotency_keys", **key)
    ledger.session.commit()
    ledger.refuses(unique("idempotency_keys"), "idempotency_keys", **key)


POINTERS = {
    "card_id": lambda of: of.others.id,
    "program_id": lambda of: of.others.program_id,
    "order_id": lambda of: of.their_order.id,
    "store_id": lambda of: of.their_order.store_id,
    "linked_id": lambda of: of.their_row.id,
    "reverses_id": lambda of: of.their_row.id,
}


@pytest.mark.parametrize("column", POINTERS)
def test_a_row_points_at_nothing_of_another_merchant(ledger, column):
    ledger.refuses("(?i)foreign key", **{column: POINTERS[column](ledger)})


@pytest.mark.parametrize(
    "column", [*POINTERS, "device_id", "key_id", "reward_issue_id", "batch_id", "staff_id"]
)
def test_a_row_points_at_nothing_that_is_not_there(ledger, column):
    ledger.refuses("(?i)foreign key", **{column: 987_654})


@pytest.mark.parametrize("table", ["loyalty_cards", "loyalty_programs", "orders", "merchants"])
def test_what_the_ledger_points_at_cannot_be_removed(ledger, table):
    ledger.write(order_id=ledger.order.id)
    ledger.session.commit()
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), within(ledger.merchant):
        ledger.session.execute(text(f"DELETE FROM {table}"))
    ledger.session.rollback()


ISSUE = {
    "issued_at": NOW,
    "created_at": NOW,
    "updated_at": NOW,
    "points_price": 5,
    "stamps_target": 0,
    "status": "issued",
}
WRONG_ISSUES = {
    "an unknown state": ("status_known", {"status": "lost"}),
    "free": ("of_points_or_stamps", {"points_price": 0}),
    "of points and stamps": ("of_points_or_stamps", {"stamps_target": 5}),
    "for less than nothing": ("prices_not_negative", {"points_price": -5, "stamps_target": 5}),
    "handed over at no time": ("redeemed_has_a_time", {"status": "redeemed"}),
    "waiting, and handed over": ("redeemed_has_a_time", {"redeemed_at": NOW}),
}


@pytest.mark.parametrize(("rule", "fields"), WRONG_ISSUES.values(), ids=WRONG_ISSUES)
def test_a_reward_handed_out_must_make_sense(ledger, rule, fields):
    ledger.refuses(rule, "reward_issues", **ISSUE | {"card_id": ledger.card.id} | fields)


def test_a_reward_is_handed_out_on_a_card_of_the_same_merchant(ledger):
    ledger.refuses("(?i)foreign key", "reward_issues", **ISSUE, card_id=ledger.others.id)


REFUND = {
    "amount_cents": 5,
    "eligible_cents": 5,
    "lines": json.dumps([]),
    "occurred_at": NOW,
    "created_at": NOW,
}
WRONG_REFUNDS = {
    "nothing": ("gives_money_back", {"amount_cents": 0, "eligible_cents": 0}),
    "more counts than went back": ("eligible_within_amount", {"eligible_cents": 6}),
    "less than nothing counts": ("eligible_within_amount", {"eligible_cents": -1}),
}


@pytest.mark.parametrize(("rule", "fields"), WRONG_REFUNDS.values(), ids=WRONG_REFUNDS)
def test_a_refund_must_make_sense(ledger, rule, fields):
    ledger.refuses(rule, "order_refunds", **REFUND | {"order_id": ledger.order.id} | fields)


def test_a_tier_change_goes_somewhere(ledger):
    change = {"card_id": ledger.card.id, "qualifying_points": 0, "program_version": 1, "changed_at": NOW}
    ledger.refuses("goes_somewhere", "tier_changes", **change, from_key="a", to_key="a")
    ledger.refuses("goes_somewhere", "tier_changes", **change)
    ledger.write("tier_changes", **change, to_key="a")

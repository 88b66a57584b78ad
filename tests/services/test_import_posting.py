"""The bulk writer of receipts posts, row for row, what the verb would have posted."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.extensions import db
from portal.models import ImportBatch, LoyaltyCard, LoyaltyTransaction, TierChange
from portal.models.actor import OPERATOR
from portal.models.tenancy import scoped
from portal.services.imports.posting import Sale, post_all
from portal.services.imports.standing import Standing, qualifying
from portal.services.ledger.accounts import open_account
from portal.services.ledger.earning import earn
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.tiers import qualifying_points
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import NOW, make_card, make_customer, make_merchant, make_order, make_program, make_store
from tests.services.importing import committed

TIERS = [
    {"key": "bronze", "name": "Bronze", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "silver", "name": "Silver", "threshold": 100, "multiplier_bp": 15_000},
    {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 20_000},
]
SAME = (
    *("type", "points_delta", "stamps_delta", "points_after", "stamps_after", "amount_cents"),
    *("eligible_cents", "attempt_no", "staff_id", "device_id", "source", "rule_snapshot", "key_id"),
    *("program_version", "reason_code", "reverses_id", "linked_id", "reward_issue_id"),
    *("is_pin_unverified", "occurred_at", "created_at"),
)
KEPT = ("points_balance", "stamps_balance", "tier_key", "last_activity_at", "expiry_floor_at", "status")
CHANGES = ("from_key", "to_key", "qualifying_points", "program_version", "changed_at")
# who, how many days before now, cents, and which of them are excluded
BASKETS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 60), st.integers(0, 5_000), st.booleans()),
    min_size=1,
    max_size=12,
)
RULES = st.fixed_dictionaries(
    {
        "points_per_euro": st.integers(1, 20),
        "minimum_purchase_cents": st.sampled_from([0, 500]),
        "tier_config": st.sampled_from([[], TIERS]),
        "tier_window_days": st.sampled_from([None, 30]),
        "points_expiration_days": st.sampled_from([None, 10]),
        "clawback_policy": st.sampled_from(["allow_negative", "clamp_to_zero"]),
    }
)


def world(rules, name):
    """A merchant with three members, of whom the last has collected before."""
    merchant = make_merchant(name)
    program = make_program(merchant, loyalty_type="points", **rules)
    store = make_store(merchant)
    cards = [make_card(program, make_customer(merchant)) for _ in range(3)]
    with committed(merchant.id):
        long_ago = Visit(by=OPERATOR, now=NOW - timedelta(days=40))
        earn(cards[2].id, spent_cents=1_500, visit=long_ago)
    return merchant, program, store, cards


def told(merchant, fields, model):
    with scoped(db.session, merchant.id):
        rows = db.session.scalars(select(model).where(model.merchant_id == merchant.id).order_by(model.id))
        return [{name: getattr(row, name) for name in fields} for row in rows]


def in_order(baskets):
    return sorted(baskets, key=lambda basket: -basket[1])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(baskets=BASKETS, rules=RULES)
def test_the_bulk_writer_posts_what_the_verb_posts(session, baskets, rules):
    one, other = world(rules, "One"), world(rules, "Other")
    sold = {merchant.id: _orders(store, baskets) for merchant, _program, store, _cards in (one, other)}
    merchant, program, store, cards = one
    with committed(merchant.id):
        sales = [
            Sale(order.id, cards[who].customer_id, store.id, order.occurred_at, cents, 0 if out else cents)
            for order, (who, _ago, cents, out) in zip(sold[merchant.id], in_order(baskets), strict=True)
        ]
        post_all(sales, session.merge(program), visit=_visit(merchant))
    merchant, _program, store, cards = other
    with committed(merchant.id):
        visit = _visit(merchant)
        for order, (who, _ago, cents, out) in zip(sold[merchant.id], in_order(baskets), strict=True):
            told_by = replace(visit, store_id=store.id, happened_at=order.occurred_at)
            excluded = cents if out else 0
            earn(cards[who].id, spent_cents=cents, excluded_cents=excluded, order_id=order.id, visit=told_by)
    for fields, model in ((SAME, LoyaltyTransaction), (KEPT, LoyaltyCard), (CHANGES, TierChange)):
        assert told(one[0], fields, model) == told(other[0], fields, model)
    assert {row["store_id"] for row in told(one[0], ["store_id"], LoyaltyTransaction)} <= {None, one[2].id}


def _orders(store, baskets):
    return [
        make_order(store, None, occurred_at=NOW - timedelta(days=ago), total_cents=cents)
        for _who, ago, cents, _out in in_order(baskets)
    ]


def _visit(merchant):
    """Within a batch nothing expires."""
    batch = ImportBatch(merchant_id=merchant.id, kind="orders", source_hash="x")
    db.session.add(batch)
    db.session.flush()
    return Visit(by=OPERATOR, now=NOW, source="import", batch_id=batch.id)


@pytest.mark.parametrize("window", [None, 30])
def test_the_standing_of_many_is_that_of_each(session, window):
    rules = {"tier_config": TIERS, "tier_window_days": window, "points_per_euro": 10}
    merchant, program, store, cards = world(rules, "Bean")
    with committed(merchant.id):
        visit = Visit(by=OPERATOR, now=NOW)
        orders = [make_order(store, total_cents=1_000) for _ in range(4)]
        rows = [
            earn(cards[0].id, spent_cents=1_000, order_id=order.id, visit=visit).rows[0] for order in orders
        ]
        void(rows[0], visit=visit)
        reverse_earn(rows[1], 500, visit=visit)
        void(reverse_earn(rows[2], 500, visit=visit).rows[0], visit=visit)
        earn(cards[1].id, spent_cents=700, visit=visit)
    with committed(merchant.id):
        survivor, loser = (session.merge(cards[n].customer) for n in (0, 2))
        merge_customers(survivor, loser, visit=Visit(by=OPERATOR, now=NOW))
    with committed(merchant.id):
        living = list(session.scalars(LoyaltyCard.of(merchant).order_by(LoyaltyCard.id)))
        found = qualifying(session.merge(program), living, NOW)
        alone = {
            card.id: qualifying_points(open_account(card.id, Visit(by=OPERATOR, now=NOW)), NOW)
            for card in living
        }
    assert {card_id: standing.points for card_id, standing in found.items()} == alone
    assert len(alone) == 2


def test_a_program_without_tiers_has_no_standing(session):
    merchant, program, _store, cards = world({}, "Bean")
    with committed(merchant.id):
        assert qualifying(session.merge(program), [session.merge(card) for card in cards], NOW) == {}


def test_nothing_to_post_posts_nothing(session):
    merchant, program, _store, _cards = world({}, "Bean")
    with committed(merchant.id):
        posted = post_all([], session.merge(program), visit=Visit(by=OPERATOR, now=NOW))
    assert (posted.points, posted.refused) == ({}, {})


@pytest.mark.parametrize(("days_ago", "counted"), [(29, 5), (30, 0), (31, 0)])
def test_only_what_lies_in_the_window_counts_for_a_tier(days_ago, counted):
    standing = Standing(["base"], since=NOW - timedelta(days=30))
    standing.add(5, NOW - timedelta(days=days_ago))
    assert standing.points == counted

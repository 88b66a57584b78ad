"""The check that follows every test: it can fail, and it says which card is wrong."""

import pytest
from sqlalchemy import text

from tests import sums
from tests.factories import give, make_card, make_merchant, make_program, within

pytestmark = pytest.mark.unguarded("raw SQL, to break what the verbs keep whole")


@pytest.fixture
def card(app):
    card = make_card(make_program(make_merchant()))
    give(card, points=7, stamps=2)
    give(card, points=-3)
    return card


def test_a_ledger_that_adds_up_is_left_alone(card, database):
    assert sums.wrong(database.ask) == []


@pytest.mark.unbalanced("the check must see it")
@pytest.mark.parametrize("column", ["points_balance", "stamps_balance"])
def test_a_balance_moved_without_a_row_is_found(card, database, session, column):
    with within(card.merchant_id):
        session.execute(text(f"UPDATE loyalty_cards SET {column} = {column} + 1"))
        session.commit()
    assert len(sums.wrong(database.ask)) == 1
    with pytest.raises(pytest.fail.Exception, match="card 1 of merchant 1"):
        sums.check(database.ask)


COPIED = (
    "merchant_id, card_id, program_id, type, source, rule_snapshot, program_version, is_pin_unverified,"
    " occurred_at, created_at"
)


@pytest.mark.unbalanced("the check must see it")
@pytest.mark.parametrize("after", ["points_after + 1, stamps_after", "points_after, stamps_after + 1"])
def test_a_row_that_tells_another_balance_is_found(card, database, session, after):
    """The sums are right, but a row remembers a balance that never was."""
    deltas = "points_delta, stamps_delta, points_after, stamps_after"
    words = (
        f"INSERT INTO loyalty_transactions ({COPIED}, {deltas}) "
        f"SELECT {COPIED}, 0, 0, {after} FROM loyalty_transactions WHERE id = 2"
    )
    with within(card.merchant_id):
        session.execute(text(words))
        session.commit()
    assert [line[:3] for line in sums.wrong(database.ask)] == ["row"]

"""The sums of the ledger: after every test, each card's balances are what its rows add up to.

One statement, on the connection of whoever empties the database; nothing is asked of a ledger and
cards that are empty.
"""

from collections.abc import Callable
from typing import Any

import pytest

# Cards whose balances are not their sums, then rows whose balances after are not the sums so far.
WRONG = """
    SELECT 'card', c.merchant_id, c.id, c.points_balance, c.stamps_balance,
           coalesce(s.points, 0), coalesce(s.stamps, 0)
    FROM loyalty_cards c
    LEFT JOIN (
        SELECT merchant_id, card_id, sum(points_delta) AS points, sum(stamps_delta) AS stamps
        FROM loyalty_transactions GROUP BY merchant_id, card_id
    ) s ON s.merchant_id = c.merchant_id AND s.card_id = c.id
    WHERE c.points_balance <> coalesce(s.points, 0) OR c.stamps_balance <> coalesce(s.stamps, 0)
    UNION ALL
    SELECT 'row', merchant_id, id, points_after, stamps_after, points, stamps
    FROM (
        SELECT merchant_id, id, points_after, stamps_after,
               sum(points_delta) OVER so_far AS points, sum(stamps_delta) OVER so_far AS stamps
        FROM loyalty_transactions
        WINDOW so_far AS (PARTITION BY merchant_id, card_id ORDER BY id)
    ) r
    WHERE points_after <> points OR stamps_after <> stamps
"""


def wrong(ask: Callable[[str], list[tuple[Any, ...]]]) -> list[str]:
    """Say which cards and rows do not add up."""
    return [
        f"{what} {row_id} of merchant {merchant}: {points} points and {stamps} stamps, "
        f"but the ledger adds up to {summed_points} and {summed_stamps}"
        for what, merchant, row_id, points, stamps, summed_points, summed_stamps in ask(WRONG)
    ]


def check(ask: Callable[[str], list[tuple[Any, ...]]]) -> None:
    """Fail the test that left a ledger which does not add up."""
    found = wrong(ask)
    if found:
        pytest.fail("\n".join(found[:10]), pytrace=False)

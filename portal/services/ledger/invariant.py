"""A rule of the ledger as a question to the database, and how its rows are named."""

from collections.abc import Callable
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, exists
from sqlalchemy.orm import aliased

from portal.models.loyalty_transaction import LoyaltyTransaction

Query = Select[*tuple[Any, ...]]


def _always(_found: Any) -> bool:
    return True


class Rule(NamedTuple):
    """One rule: what to ask of a merchant's rows, and what is wrong with those that are found.

    `really` looks at a row again, where the database could not say it on both engines.
    """

    name: str
    ask: Callable[[int], Query]
    sentence: Any
    really: Callable[[Any], bool] = _always


def is_row(row: Any, key: Any, of: Any) -> Any:
    """Join a row by its number, inside the merchant of another."""
    return and_(row.merchant_id == of.merchant_id, row.id == key)


def undone(row: Any) -> Any:
    """Whether a row was voided."""
    void = aliased(LoyaltyTransaction)
    return exists().where(
        void.merchant_id == row.merchant_id, void.type == "void", void.reverses_id == row.id
    )

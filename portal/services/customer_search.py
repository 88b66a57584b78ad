"""Finding customers as people type: a name, a phone or its last digits, an e-mail, a reference, a card.

Each way of finding is one range of one index, read up to MOST rows and no further; so a million customers
cost what ten thousand do (specification of speed and scale).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import phonenumbers
from sqlalchemy import CTE, ColumnElement, Select, and_, or_, select, union

from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.text import fold, fold_code

MOST = 1_001  # rows of one way; a thousand are counted, one more says that there are more
LONGEST = 100  # letters of a search; no name, number or address that people type is longer
LAST = "\U0010ffff"  # no letter comes after it
DIAL = re.compile(r"[\d\s()+./-]+")  # what a phone or card number is written with
FEWEST_DIGITS = 2

ONE: list[Any] = [Customer.id]
Way = tuple[Any, ColumnElement[bool]]  # by which column, and what it must be


def found(q: str, country: str) -> CTE:
    """Select the customers that match: their id, name_key and created_at, each once.

    `country` is that of the merchant: a number typed without its code is one of there. The ways read
    indexes alone; each row is looked up once, and the whole once however often a statement mentions it.
    """
    arms = [_arm(column, fits).limit(MOST).subquery() for column, fits in _customers(q, country)]
    arms += [_token_arm(column, fits).limit(MOST).subquery() for column, fits in _tokens(q)]
    ids = union(*(select(arm) for arm in arms)).subquery("ids")
    told: list[Any] = [Customer.id, Customer.name_key, Customer.created_at]
    people = select(*told).join(ids, ids.c.id == Customer.id)
    return people.cte("found").prefix_with("MATERIALIZED")


def matching(q: str, country: str) -> ColumnElement[bool]:
    """Say the same as a condition, without an end: for what reads all that matches, a file say."""
    of_tokens = or_(*(fits for _, fits in _tokens(q)))
    held = select(LoyaltyCard.customer_id).join(CardToken, _leads_to())
    held = held.where(of_tokens, CardToken.revoked_at.is_(None))
    ways = [fits for _, fits in _customers(q, country)]
    return or_(*ways, Customer.id.in_(held))


def begins(column: Any, text: str) -> ColumnElement[bool]:
    """Find what begins with the text, as a range of the column's index."""
    return and_(column >= text, column < text + LAST)


def _customers(q: str, country: str) -> Iterator[Way]:
    typed = " ".join(q.split())[:LONGEST]
    yield from _by_name(fold(typed))
    if " " not in typed:
        yield Customer.email, begins(Customer.email, fold_code(typed))
    for ref in dict.fromkeys((typed, typed.upper())):
        yield Customer.external_ref, begins(Customer.external_ref, ref)
    yield from _by_phone(typed, country)


def _by_name(name: str) -> Iterator[Way]:
    """By the beginning of the name or of its last word; two words in either order."""
    if not name:
        return
    yield Customer.name_key, begins(Customer.name_key, name)
    before, _, last = name.rpartition(" ")
    first, _, after = name.partition(" ")
    if not before:
        yield Customer.last_name_key, begins(Customer.last_name_key, name)
        return
    for of_name, of_last in ((before, last), (after, first)):
        both = and_(begins(Customer.last_name_key, of_last), begins(Customer.name_key, of_name))
        yield Customer.last_name_key, both


def _by_phone(typed: str, country: str) -> Iterator[Way]:
    typed = typed.replace("(0)", "")  # +33 (0)6 12: said at home, not from abroad
    digits = digits_of(typed)
    if not digits:
        return
    yield Customer.phone_reversed, begins(Customer.phone_reversed, digits[::-1])
    for number in _numbers(typed, digits, country):
        yield Customer.phone, begins(Customer.phone, number)


def digits_of(typed: str) -> str:
    """Read the digits of a number, however it is spaced; nothing when it is none."""
    digits = "".join(sign for sign in typed if sign.isdecimal()) if DIAL.fullmatch(typed) else ""
    return digits if len(digits) >= FEWEST_DIGITS else ""


def _numbers(typed: str, digits: str, country: str) -> Iterator[str]:
    """Write the beginning of a phone as it is kept, whether it was typed with its code or without."""
    if typed.startswith("+"):
        yield f"+{digits}"
    elif digits.startswith("00"):
        yield f"+{digits[2:]}"
    elif code := _code_of(country):
        yield f"+{code}{digits.removeprefix('0')}"


@cache
def _code_of(country: str) -> int:
    return phonenumbers.country_code_for_region(country.upper())


def _tokens(q: str) -> Iterator[Way]:
    """By the number on the card, or the one on an old card."""
    typed = " ".join(q.split())[:LONGEST]
    digits = digits_of(typed)
    if digits:
        yield CardToken.value, and_(CardToken.kind == "number", begins(CardToken.value, digits))
    for value in dict.fromkeys((typed, typed.upper())):
        yield CardToken.value, and_(CardToken.kind == "legacy", begins(CardToken.value, value))


def _arm(column: Any, fits: ColumnElement[bool]) -> Select[Any]:
    return select(*ONE).where(fits).order_by(column)


def _token_arm(column: Any, fits: ColumnElement[bool]) -> Select[Any]:
    holds = and_(Customer.merchant_id == LoyaltyCard.merchant_id, Customer.id == LoyaltyCard.customer_id)
    joined = select(*ONE).select_from(CardToken).join(LoyaltyCard, _leads_to()).join(Customer, holds)
    return joined.where(fits, CardToken.revoked_at.is_(None)).order_by(column)


def _leads_to() -> ColumnElement[bool]:
    return and_(CardToken.merchant_id == LoyaltyCard.merchant_id, CardToken.card_id == LoyaltyCard.id)

"""What people do with cards: find one by its code, replace a lost one, suspend and lift."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.exc import IntegrityError

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.merchant import Merchant
from portal.services import audit, tokens
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.visits import Visit
from portal.words import _

DIGITS = 8
TRIES = 8  # two cards with the same number at the same moment: not even once in a million


@dataclass(frozen=True)
class NewCodes:
    """The codes of a card that was just made or replaced. The QR is told now and never again."""

    qr: str
    number: str


@dataclass(frozen=True)
class Replaced:
    """A card with its new codes; a replay has none, for what is kept of a QR is a hash."""

    card: LoyaltyCard
    codes: NewCodes | None
    is_replay: bool


def find_card(merchant: Merchant, code: str) -> LoyaltyCard:
    """Find the living card a scanned or typed code leads to: QR, number or an old card's number.

    Raises Refused("unknown_card"), Refused("card_replaced") with the date in `at`, Conflict("card_gone").
    """
    named = _named_by(merchant, code)
    if named is None:
        raise _unknown()
    live = (CardToken.merchant_id == merchant.id, named, CardToken.revoked_at.is_(None))
    same = (LoyaltyCard.merchant_id == CardToken.merchant_id) & (LoyaltyCard.id == CardToken.card_id)
    # "number" comes after "legacy" in the alphabet: a number of ours goes first.
    query = select(LoyaltyCard).join(CardToken, same).where(*live).order_by(CardToken.kind.desc())
    card = db.session.scalars(query.limit(1)).first()
    if card is None:
        raise _why_not(merchant, named)
    return card


def replace_token(card_id: int, *, visit: Visit) -> Replaced:
    """Replace a lost card: its old codes lead nowhere any more, the balance is the same.

    Raises what `once` raises; the old codes say when they were replaced.
    """
    made: list[NewCodes] = []

    def work(account: Account) -> Posting:
        revoke_all(account.card, now=visit.now)
        made.append(give_codes(account.card, account.merchant))
        audit.record("replace_token", account.card, by=visit.by)
        return Posting(account.card, account.rows, "replaced")

    posting = once(card_id, "replace_token", {}, work, visit=visit)
    return Replaced(posting.card, made[0] if made else None, posting.is_replay)


def suspend_card(card_id: int, *, visit: Visit) -> LoyaltyCard:
    """Stop a card until somebody lifts it: it earns and redeems nothing; harmless for a stopped one.

    Raises Refused("not_allowed") for staff.
    """

    def work(account: Account) -> Posting:
        if account.card.status != "suspended":
            account.card.status = "suspended"
            audit.record("suspend", account.card, by=visit.by)
        return Posting(account.card, account.rows, "suspended")

    return _as_manager(card_id, "suspend", work, visit)


def lift_suspension(card_id: int, *, visit: Visit) -> LoyaltyCard:
    """Let a stopped card serve again; harmless for one that does. Raises Refused("not_allowed") for staff."""

    def work(account: Account) -> Posting:
        if account.card.status != "active":
            account.card.status = "active"
            audit.record("lift", account.card, by=visit.by)
        return Posting(account.card, account.rows, "lifted")

    return _as_manager(card_id, "lift", work, visit)


def number_of(card: LoyaltyCard) -> str | None:
    """Read the number the card is known by now; None for a card that has none."""
    theirs = select(CardToken.value).where(
        CardToken.merchant_id == card.merchant_id,
        CardToken.card_id == card.id,
        CardToken.kind == "number",
        CardToken.revoked_at.is_(None),
    )
    return db.session.scalar(theirs.order_by(CardToken.id.desc()).limit(1))


def give_codes(card: LoyaltyCard, merchant: Merchant) -> NewCodes:
    """Make a QR and a number that lead to the card; the QR is kept as a hash."""
    secret = tokens.new_secret()
    keys = {"merchant_id": card.merchant_id, "card_id": card.id}
    db.session.add(CardToken(kind="qr", value=tokens.digest(secret), **keys))
    return NewCodes(qr=tokens.bearer(merchant, secret), number=_give_number(card))


def revoke_all(card: LoyaltyCard, *, now: datetime) -> None:
    """Let none of the card's codes lead to it any more."""
    theirs = select(CardToken).where(
        CardToken.merchant_id == card.merchant_id,
        CardToken.card_id == card.id,
        CardToken.revoked_at.is_(None),
    )
    for token in db.session.scalars(theirs).all():
        token.revoked_at = now


def with_check_digit(digits: str) -> str:
    """Add the last digit by which a mistyped number is noticed (Luhn)."""
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    total = sum(each - 9 if each > 9 else each for each in doubled)
    return f"{digits}{-total % 10}"


def is_number(text: str) -> bool:
    """Tell whether it is written like a number of ours: 8 digits, the last of which fits."""
    is_shaped = len(text) == DIGITS and text.isascii() and text.isdecimal()
    return is_shaped and with_check_digit(text[:-1]) == text


def _as_manager(card_id: int, verb: str, work: Callable[[Account], Posting], visit: Visit) -> LoyaltyCard:
    _refuse_staff(visit.by)
    return once(card_id, verb, {}, work, visit=visit).card


def _refuse_staff(by: Actor) -> None:
    if by.role < Role.MANAGER:
        raise Refused("not_allowed", _("Ask a manager to do this."))


def _named_by(merchant: Merchant, code: str) -> ColumnElement[bool] | None:
    """Say which codes it may be; None for the QR of somebody else's card."""
    text = code.strip()
    public_ref, dot, secret = text.partition(".")
    if dot and public_ref == merchant.public_ref:
        return and_(CardToken.kind == "qr", CardToken.value == tokens.digest(secret))
    if not text:
        return None
    legacy = and_(CardToken.kind == "legacy", CardToken.value == text)
    number = "".join(text.replace("-", " ").split())
    if not is_number(number):
        return legacy
    return or_(and_(CardToken.kind == "number", CardToken.value == number), legacy)


def _why_not(merchant: Merchant, named: ColumnElement[bool]) -> Refused:
    """Say why a code leads nowhere: replaced, in the trash, or never seen."""
    query = select(CardToken).where(CardToken.merchant_id == merchant.id, named)
    newest = query.order_by(CardToken.revoked_at.is_not(None), CardToken.id.desc()).limit(1)
    token = db.session.scalars(newest, execution_options={"include_deleted": True}).first()
    if token is None:
        return _unknown()
    if token.revoked_at is None:
        return Conflict("card_gone", _("This card is in the trash. Look the customer up by name or phone."))
    day = token.revoked_at.astimezone(merchant.zone).date().isoformat()
    message = _("This card was replaced on %(day)s. Ask for the new one, or look the customer up.", day=day)
    return Refused("card_replaced", message, at=token.revoked_at)


def _unknown() -> Refused:
    message = _("No card has this code. Scan it again, or look the customer up by name or phone.")
    return Refused("unknown_card", message)


def _give_number(card: LoyaltyCard) -> str:
    for _attempt in range(TRIES):
        value = with_check_digit(str(secrets.randbelow(9_000_000) + 1_000_000))
        token = CardToken(merchant_id=card.merchant_id, card_id=card.id, kind="number", value=value)
        try:
            with db.session.begin_nested():
                db.session.add(token)
        except IntegrityError:
            continue  # another living card has it
        return value
    raise Conflict("no_number", _("No free card number was found. Try again."))

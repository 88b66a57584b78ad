"""What the screens of a merge show: who may be the same person, and what would move."""

from typing import Any, NamedTuple

from flask import url_for
from sqlalchemy import func, or_, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.reward_issue import RewardIssue
from portal.models.soft_delete import including_deleted
from portal.services import customer_search
from portal.services.customers import twins_of
from portal.services.ledger import expiring
from portal.services.ledger.accounts import Account
from portal.services.ledger.moving import second_bonus
from portal.services.ledger.stamping import filled
from portal.services.ledger.taking_back import reckon
from portal.services.ledger.visits import Visit
from portal.services.phones import spaced
from portal.web.customers.words import same_words
from portal.web.listing import asked
from portal.web.scope import actor, current_merchant, now
from portal.words import _, ngettext

MOST = 20  # people a search for the other one shows


class Half(NamedTuple):
    """One of the two, with what is on the card."""

    customer: Customer
    card: LoyaltyCard | None
    points: int
    stamps: int
    codes: int
    rewards: int
    program: LoyaltyProgram | None = None

    @property
    def account(self) -> Account | None:
        """The card as the ledger reckons with it; nothing is locked and nothing posted."""
        if self.card is None or self.program is None:
            return None
        return Account(self.card, self.program, current_merchant(), Visit(by=actor(), now=now()))

    @property
    def phone(self) -> str:
        """Their phone, as people write it."""
        return spaced(self.customer.phone)

    @property
    def href(self) -> str:
        """Where they are to be seen."""
        return url_for("customers.show", customer_id=self.customer.id)


def candidates(customer: Customer) -> dict[str, Any]:
    """Gather who may be the same person: by what they have in common, or by the search."""
    q = asked("q")["q"]
    alike = [] if q else [(twin.customer, same_words(twin)) for twin in twins_of(customer)]
    found = [(each, "") for each in _searched(customer, q)] if q else alike
    people = [(each, spaced(each.phone), why) for each, why in found]
    return {"customer": customer, "q": q, "people": people}


def told(mine: Customer, other: Customer) -> dict[str, Any]:
    """Gather what a merge would move, as the two stand now."""
    halves = _halves([mine.id, other.id])
    left, right = halves[mine.id], halves[other.id]
    takes = [field for field in ("phone", "email") if not getattr(mine, field) and getattr(other, field)]
    lost = [field for field in ("phone", "email") if getattr(mine, field) and getattr(other, field)]
    return {
        "left": left,
        "right": right,
        "takes": takes,
        "lost": lost,
        "together": _together(left, right, bonus := _second_bonus(left, right)),
        "bonus": -bonus,
    }


def _second_bonus(left: Half, right: Half) -> int:
    """Count what taking a second welcome bonus back moves: 0 where there is none."""
    if left.account is None or right.account is None:
        return 0
    found = second_bonus(left.account, right.account)
    return reckon(*found, found[1].points_delta)[0] if found else 0


def _together(left: Half, right: Half, bonus: int) -> str:
    """Say what will be on the card: stamps that fill it become rewards at once."""
    made, stamps = 0, left.stamps + right.stamps
    if right.program is not None:
        made, stamps = filled(right.program, stamps)
    points, ready = left.points + right.points + bonus, left.rewards + right.rewards + made
    told = {
        "points": ngettext("%(num)s point", "%(num)s points", points),
        "stamps": ngettext("%(num)s stamp", "%(num)s stamps", stamps),
    }
    if not ready:
        return _("%(points)s and %(stamps)s", **told)
    told["rewards"] = ngettext("%(num)s reward ready", "%(num)s rewards ready", ready)
    return _("%(points)s, %(stamps)s and %(rewards)s", **told)


def half_of(customer: Customer) -> Half:
    """Read one of them, also in the trash."""
    with including_deleted(db.session):
        return _halves([customer.id])[customer.id]


def _searched(customer: Customer, q: str) -> list[Customer]:
    hits = customer_search.found(q, current_merchant().country)
    people = Customer.of(current_merchant()).join(hits, hits.c.id == Customer.id)
    others = people.where(Customer.id != customer.id).order_by(hits.c.name_key, hits.c.id).limit(MOST)
    return list(db.session.scalars(others))


def _halves(ids: list[int]) -> dict[int, Half]:
    """Read both in one statement."""
    mine = (LoyaltyCard.merchant_id == Customer.merchant_id) & (LoyaltyCard.customer_id == Customer.id)
    of = (LoyaltyProgram.merchant_id == LoyaltyCard.merchant_id) & (
        LoyaltyProgram.id == LoyaltyCard.program_id
    )
    columns: list[Any] = [Customer, LoyaltyCard, LoyaltyProgram, _count(CardToken), _count(RewardIssue)]
    both = select(*columns).outerjoin(LoyaltyCard, mine).outerjoin(LoyaltyProgram, of)
    query = both.where(Customer.merchant_id == current_merchant().id, Customer.id.in_(ids))
    return {row.Customer.id: _half(*row) for row in db.session.execute(query)}


def _half(
    customer: Customer, card: LoyaltyCard | None, program: LoyaltyProgram | None, codes: int, rewards: int
) -> Half:
    if card is None or program is None:
        return Half(customer, None, 0, 0, 0, 0)
    points = expiring.balance_at(card, program, current_merchant().zone, now())
    return Half(customer, card, points, card.stamps_balance, codes, rewards, program)


def _count(model: Any) -> Any:
    """Count what is on the card: codes in force, rewards not yet handed over."""
    inside = [model.merchant_id == LoyaltyCard.merchant_id, model.card_id == LoyaltyCard.id]
    inside += [model.revoked_at.is_(None)] if model is CardToken else _ready(model)
    count = select(func.count(model.id)).where(*inside).correlate(LoyaltyCard)
    return count.scalar_subquery()


def _ready(model: Any) -> list[Any]:
    return [model.status == "issued", or_(model.expires_at.is_(None), model.expires_at > now())]

"""A shop to try the rules of the ledger in: one merchant, one program, one card, and the verbs in short.

Each verb is committed, as a door does; `refused` expects a no, and rolls back, as a door does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models import LoyaltyCard, LoyaltyProgram, LoyaltyTransaction, Merchant, RewardIssue
from portal.models.actor import Actor
from portal.services.ledger.accounts import Posting
from portal.services.ledger.earning import earn
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import cancel_reward, issue_reward, redeem
from portal.services.ledger.stamping import stamp
from portal.services.ledger.visits import Visit
from portal.services.ledger.voiding import void
from tests.factories import NOW, make_card, make_merchant, make_program, owner_of

HOUR, DAY = 60, 24 * 60
# A program in which nothing but what a test is about stands in the way.
PLAIN = {
    "loyalty_type": "points",
    "points_per_euro": 1,
    "minimum_redemption_points": 0,
    "cooldown_minutes": 0,
    "max_daily_stamps": 0,
    "max_stamps_per_transaction": 100,
}
FOR_EVER = 8_760  # hours


@dataclass
class Shop:
    """One merchant with one card; minutes are counted from NOW."""

    merchant: Merchant
    program: LoyaltyProgram
    card: LoyaltyCard
    owner: Actor

    def visit(self, minutes: float = 0, **more: Any) -> Visit:
        """The circumstances of an act so many minutes from NOW, by the owner unless told."""
        return Visit(**{"by": self.owner, "now": at(minutes), **more})

    def earn(self, cents: int, minutes: float = 0, *, on: LoyaltyCard | None = None, **more: Any) -> Posting:
        """Earn for a purchase; what the verb does not know describes the visit."""
        verb, visit = apart(more, "excluded_cents", "discount_cents", "order_id", "stamps")
        return done(earn((on or self.card).id, spent_cents=cents, visit=self.visit(minutes, **visit), **verb))

    def stamp(self, quantity: int = 1, minutes: float = 0, **visit: Any) -> Posting:
        """Put stamps on the card."""
        return done(stamp(self.card.id, quantity=quantity, visit=self.visit(minutes, **visit)))

    def issue(self, reward: Any, minutes: float = 0, *, at_once: bool = False, **visit: Any) -> Posting:
        """Take a reward for points."""
        how = {"at_once": at_once, "visit": self.visit(minutes, **visit)}
        return done(issue_reward(self.card.id, reward.id, **how))

    def redeem(self, issue: int | None, minutes: float = 0, **visit: Any) -> Posting:
        """Hand over a reward that was issued."""
        return done(redeem(self.card.id, issue, visit=self.visit(minutes, **visit)))

    def cancel(self, issue: int | None, minutes: float = 0, **visit: Any) -> Posting:
        """Take back a reward that was issued."""
        return done(cancel_reward(self.card.id, issue, visit=self.visit(minutes, **visit)))

    def refund(self, row: LoyaltyTransaction, cents: int, minutes: float = 0, **more: Any) -> Posting:
        """Take back the points of a part of a purchase."""
        verb, visit = apart(more, "given_back", "refund_id")
        return done(reverse_earn(row, cents, visit=self.visit(minutes, **visit), **verb))

    def void(self, row: LoyaltyTransaction, minutes: float = 0, **more: Any) -> Posting:
        """Reverse a row."""
        verb, visit = apart(more, "reason_code")
        return done(void(row, visit=self.visit(minutes, **visit), **verb))

    def change(self, **rules: Any) -> None:
        """Change the rules of the program from here on."""
        for field, value in rules.items():
            setattr(self.program, field, value)
        db.session.commit()

    def movements(self) -> list[LoyaltyTransaction]:
        """Every movement of the card, the oldest first."""
        row = LoyaltyTransaction
        mine = row.of(self.merchant).where(row.card_id == self.card.id).order_by(row.id)
        return list(db.session.scalars(mine))

    def rows(self) -> list[tuple[str, int, int]]:
        """Every movement of the card, as type, points and stamps."""
        return [(row.type, row.points_delta, row.stamps_delta) for row in self.movements()]

    @property
    def points(self) -> int:
        """The card's points."""
        db.session.refresh(self.card)
        return self.card.points_balance

    @property
    def stamps(self) -> int:
        """The card's stamps."""
        db.session.refresh(self.card)
        return self.card.stamps_balance

    def issues(self) -> list[RewardIssue]:
        """The rewards handed out, the oldest first."""
        query = RewardIssue.of(self.merchant).order_by(RewardIssue.id)
        return list(db.session.scalars(query.execution_options(populate_existing=True)))


def at(minutes: float) -> datetime:
    """So many minutes from NOW."""
    return NOW + timedelta(minutes=minutes)


def open_shop(timezone: str = "Europe/Luxembourg", **rules: Any) -> Shop:
    """A merchant with a program by these rules, and one card."""
    merchant = make_merchant(timezone=timezone)
    program = make_program(merchant, **{**PLAIN, **rules})
    return Shop(merchant, program, make_card(program), owner_of(merchant))


def apart(more: dict[str, Any], *names: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what the verb takes from what describes the visit."""
    return (
        {name: more[name] for name in names if name in more},
        {name: value for name, value in more.items() if name not in names},
    )


def done(posting: Posting) -> Posting:
    """Commit, and leave the rows readable."""
    db.session.commit()
    for row in posting.rows:
        db.session.refresh(row)
    return posting


@contextmanager
def refused(code: str, says: str = "", **details: Any) -> Iterator[None]:
    """Expect a no with this code, these words in its sentence, and these details."""
    with pytest.raises(Refused) as told:
        yield
    db.session.rollback()
    no = told.value
    assert (no.code, {name: no.details.get(name) for name in details}) == (code, details)
    assert says in str(no)
    assert str(no).endswith(".")


def dead(row: Any) -> Any:
    """Read a row also when it is in the trash."""
    query = select(type(row)).where(type(row).merchant_id == row.merchant_id, type(row).id == row.id)
    options = {"include_deleted": True, "populate_existing": True}
    return db.session.scalars(query, execution_options=options).one()


def sentences(names: str, rows: list[tuple[Any, ...]]) -> pytest.MarkDecorator:
    """Run a test once for each row; its first cell is the sentence of the rules that it holds to."""
    return pytest.mark.parametrize(names.split(), [pytest.param(*row[1:], id=row[0]) for row in rows])

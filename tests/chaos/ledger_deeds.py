"""What the other sides do to the ledger: each in transactions of its own, as a web worker does."""

import time
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DBAPIError

from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.tenancy import scoped
from portal.services import trouble
from portal.services.ledger.accounts import Posting
from portal.services.ledger.earning import earn
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.visits import Visit
from tests.factories import NOW

PRICE = 10  # points; a purchase of PRICE euros earns as many
GROUP = 4  # three purchases, then a reward: the card never runs dry
PATIENCE = 60  # seconds for one act, over any number of tries


def earn_once(merchant: int, card: int, key: str) -> str:
    """Earn PRICE points by a key."""
    with scoped(db.session, merchant):
        posting = earn(card, spent_cents=PRICE * 100, visit=visit_by(key))
        db.session.commit()
    return "again" if posting.is_replay else "done"


def take_once(merchant: int, card: int, reward: int, key: str) -> str:
    """Take a reward at the till by a key."""
    with scoped(db.session, merchant):
        issue_reward(card, reward, at_once=True, visit=visit_by(key))
        db.session.commit()
    return "done"


def live_on(*, merchant: int, cards: list[int], reward: int, times: int, acks: str) -> list[float]:
    """Earn and redeem so often, each act by its own key, and write down what was acknowledged.

    It goes on after what was written down before: the act in doubt is asked for again, by its key.
    Answers how long each act took, in seconds.
    """
    took, name = [], Path(acks).name
    with Path(acks).open("ab", buffering=0) as out:
        for n in range(len(Path(acks).read_text().splitlines()), times):
            started = time.monotonic()
            points = until_done(merchant, cards[n // GROUP % len(cards)], reward, f"{name}-{n}")
            took.append(time.monotonic() - started)
            out.write(f"{name}-{n} {points}\n".encode())
    return took


def until_done(merchant: int, card: int, reward: int, key: str) -> int:
    """Ask for it again, by the same key, until the database has answered; the points it moved."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with scoped(db.session, merchant):
                points = act(card, reward, key).points
                db.session.commit()
        except DBAPIError as no:
            if not trouble.is_busy(no) or time.monotonic() > deadline:
                raise
            db.session.rollback()
            time.sleep(0.02)
        else:
            return points


def act(card: int, reward: int, key: str) -> Posting:
    """Three purchases, then a reward."""
    if int(key.rsplit("-", maxsplit=1)[-1]) % GROUP == GROUP - 1:
        return issue_reward(card, reward, at_once=True, visit=visit_by(key))
    return earn(card, spent_cents=PRICE * 100, visit=visit_by(key))


def visit_by(key: str) -> Visit:
    return Visit(by=OPERATOR, now=NOW, key=key, source="till")


DEEDS: dict[str, Any] = {"earn_once": earn_once, "take_once": take_once, "live_on": live_on}

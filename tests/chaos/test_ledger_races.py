"""The ledger among many at once: real threads, real processes, both engines.

`make chaos` runs the long forms: RACE_ROUNDS repeats each race that often, WRITERS says how many
processes write at once, OPERATIONS how many acts they do in all.
"""

import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select

from portal.errors import Refused
from portal.extensions import db
from portal.models import IdempotencyKey, LoyaltyCard, LoyaltyTransaction
from portal.models.tenancy import across_merchants
from portal.services.ledger.earning import earn
from tests.chaos import ledger_deeds
from tests.chaos.ledger_deeds import GROUP, PRICE
from tests.chaos.sides import Side, at_once
from tests.factories import (
    give,
    make_card,
    make_merchant,
    make_order,
    make_program,
    make_reward,
    make_store,
    within,
)
from tests.services.ledger.stage import PLAIN
from tests.services.trash_stage import findings

ROUNDS = int(os.environ.get("RACE_ROUNDS", "4"))
WRITERS = int(os.environ.get("WRITERS", "8"))
OPERATIONS = int(os.environ.get("OPERATIONS", "96"))
THREADS = 24
SAME = 20
P99 = 2 if ROUNDS >= 50 else 10  # seconds; in the short form other tests run beside it
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300 + OPERATIONS)]


class Shop:
    """A program with one reward; its numbers only, for rows are read anew in every thread."""

    def __init__(self):
        merchant = make_merchant()
        program = make_program(merchant, **PLAIN)
        self.merchant, self.program = merchant, program
        self.reward = make_reward(program, points_required=PRICE)
        self.hundred = make_reward(program, points_required=100)
        self.id = merchant.id
        db.session.expunge_all()

    def card(self, points=0):
        card = make_card(self.program)
        if points:
            give(card, points=points)
        db.session.expunge_all()
        return card

    def count(self, column, *where):
        with within(self.id):
            found = db.session.scalar(select(func.count(column)).where(*where))
            db.session.rollback()
        return found

    def balances(self):
        with within(self.id):
            found = db.session.execute(select(LoyaltyCard.points_balance, LoyaltyCard.stamps_balance)).all()
            db.session.rollback()
        return [tuple(row) for row in found]


@pytest.fixture
def shop(app):
    return Shop()


class Crowd:
    """So many threads that each do a thing in the same moment, round after round."""

    def __init__(self, app, size):
        self.app, self.size = app, size

    def at_once(self, deed):
        """Let each thread do the deed once; what each heard."""
        heard, barrier = [None] * self.size, threading.Barrier(self.size)

        def one(n):
            with self.app.app_context():
                try:
                    barrier.wait(30)
                    heard[n] = deed(n)
                except Refused as no:
                    heard[n] = no.code
                except Exception as error:  # noqa: BLE001 - told by the round that compares what was heard
                    heard[n] = repr(error)
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(self.size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "a thread never ended"
        return heard


def test_twenty_with_the_same_key_have_one_effect(app, shop):
    for n in range(max(1, ROUNDS // 4)):
        card = shop.card().id
        heard = Crowd(app, SAME).at_once(lambda _, c=card, k=f"k{n}": ledger_deeds.earn_once(shop.id, c, k))
        assert sorted(heard) == ["again"] * (SAME - 1) + ["done"]
        assert shop.count(LoyaltyTransaction.id, LoyaltyTransaction.card_id == card) == 1
        assert shop.count(IdempotencyKey.id, IdempotencyKey.key == f"k{n}") == 1


def test_the_last_hundred_points_go_to_exactly_one(app, shop):
    crowd = Crowd(app, THREADS)
    for n in range(ROUNDS):
        card = shop.card(points=100).id

        def take(thread, card=card, n=n):
            return ledger_deeds.take_once(shop.id, card, shop.hundred.id, f"r{n}-{thread}")

        heard = crowd.at_once(take)
        assert sorted(heard) == ["done"] + ["insufficient_points"] * (THREADS - 1)
    assert set(shop.balances()) == {(0, 0)}


def test_the_last_one_in_stock_goes_to_exactly_one(app, shop):
    """As many cards as people: the cards' locks do not help, the reward's must."""
    crowd = Crowd(app, THREADS)
    for n in range(max(1, ROUNDS // 4)):
        with within(shop.id):
            reward = make_reward(shop.program, points_required=1, stock=1).id
        cards = [shop.card(points=1).id for _ in range(THREADS)]

        def take(thread, cards=cards, reward=reward, n=n):
            return ledger_deeds.take_once(shop.id, cards[thread], reward, f"s{n}-{thread}")

        assert sorted(crowd.at_once(take)) == ["done"] + ["out_of_stock"] * (THREADS - 1)


def test_one_order_on_many_cards_earns_once(app, shop):
    """Two tablets, two customers, one receipt."""
    crowd = Crowd(app, 8)
    with within(shop.id):
        store = make_store(shop.merchant)
    for _ in range(max(1, ROUNDS // 4)):
        with within(shop.id):
            order = make_order(store, total_cents=500).id
        cards = [shop.card().id for _ in range(crowd.size)]

        def put(thread, cards=cards, order=order):
            with within(shop.id):
                earn(
                    cards[thread],
                    spent_cents=500,
                    order_id=order,
                    visit=ledger_deeds.visit_by(f"{order}-{thread}"),
                )
                db.session.commit()
            return "done"

        assert sorted(crowd.at_once(put)) == ["already_earned"] * (crowd.size - 1) + ["done"]


@pytest.fixture
def two(app, database):
    """Two others."""
    sides = [Side(database.settings) for _ in "ab"]
    yield sides
    for side in sides:
        side.close()


@pytest.mark.parametrize("kind", ["loyalty_cards", "customers", "loyalty_programs"])
def test_delete_against_earn(two, app, kind):
    """The loser hears a conflict; what was earned is on the card, dead or alive."""
    said = set()
    for n in range(2 * ROUNDS):
        shop = Shop()
        card = shop.card()
        row = {"loyalty_cards": card.id, "customers": card.customer_id, "loyalty_programs": card.program_id}[
            kind
        ]
        act, answer = at_once(
            (two[0], "delete", {"kind": kind, "merchant": shop.id, "row": row}),
            (two[1], "earn_once", {"merchant": shop.id, "card": card.id, "key": f"d{n}"}),
        )
        assert isinstance(act, int)
        said.add(answer)
        with across_merchants(db.session, "a test"):
            query = select(LoyaltyTransaction.points_delta).where(LoyaltyTransaction.card_id == card.id)
            assert db.session.scalars(query).all() == ([PRICE] if answer == "done" else [])
            db.session.rollback()
    assert said <= {"done", "card_gone", "program_gone"}
    assert findings() == []


def test_many_writing_processes_lose_nothing(app, database, shop, tmp_path):
    """Each earns and redeems by its keys on shared cards: none fails, none is lost, none waits long."""
    cards = [shop.card().id for _ in range(3)]
    sides = [Side(database.settings) for _ in range(WRITERS)]
    times = max(GROUP, OPERATIONS // WRITERS // GROUP * GROUP)
    how = {"merchant": shop.id, "cards": cards, "reward": shop.reward.id, "times": times}
    files = [tmp_path / f"w{n}" for n in range(WRITERS)]
    for file in files:
        file.touch()
    took = at_once(*((side, "live_on", how | {"acks": str(f)}) for side, f in zip(sides, files, strict=True)))
    for side in sides:
        side.close()
    assert [answer for answer in took if not isinstance(answer, list)] == []
    everything_once(shop, files, times)
    every = sorted(seconds for answer in took for seconds in answer)
    assert len(every) == times * WRITERS
    if database.name == "sqlite":
        assert every[len(every) * 99 // 100] < P99


def everything_once(shop: Shop, files: list[Path], times: int) -> None:
    """Each act that was acknowledged is there, once, as it was acknowledged; and there is nothing else."""
    said = dict(line.split() for file in files for line in file.read_text().splitlines())
    with within(shop.id):
        rows = (
            select(IdempotencyKey.key, func.count(), func.sum(LoyaltyTransaction.points_delta))
            .join(
                LoyaltyTransaction,
                (LoyaltyTransaction.merchant_id == IdempotencyKey.merchant_id)
                & (LoyaltyTransaction.key_id == IdempotencyKey.id),
            )
            .where(IdempotencyKey.merchant_id == shop.id)
            .group_by(IdempotencyKey.key)
        )
        found = {key: (count, int(points)) for key, count, points in db.session.execute(rows)}
        db.session.rollback()
    assert len(said) == times * len(files)
    assert found == {key: (1, int(points)) for key, points in said.items()}
    assert sum(points for points, _ in shop.balances()) == sum(map(int, said.values()))

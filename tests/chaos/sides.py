"""Somebody else at the same moment: a process of its own, told what to do and when.

Each side has its own app, engine and transactions, as a web worker has. What a side can do is in
DEEDS; it answers what the deed gave, or the code of the refusal.
"""

import multiprocessing
import os
import signal
import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError

from portal import create_app
from portal.errors import Refused
from portal.extensions import db
from portal.models import Deletion, MerchantOwner, Product, Store
from portal.models.actor import OPERATOR
from portal.models.base import Model
from portal.models.tenancy import scoped
from portal.services import trash
from portal.services.ledger.accounts import open_account
from portal.services.ledger.visits import Visit
from tests.chaos import ledger_deeds
from tests.factories import NOW

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.chaos.sides"])
CLASSES = {m.local_table.name: m.class_ for m in Model.registry.mappers}
DEAD_TOO = {"include_deleted": True}
PATIENCE = 60 + int(os.environ.get("OPERATIONS", "0"))  # seconds for one deed


class Side:
    """One process that does one thing after the other."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.pipe, theirs = CONTEXT.Pipe()
        self.process = CONTEXT.Process(target=serve, args=(theirs, settings), daemon=True)
        self.process.start()
        theirs.close()
        assert self.pipe.recv() == "ready"

    def start(self, deed: str, **how: Any) -> "Side":
        """Begin a deed; `at` lets several begin in the same moment."""
        self.pipe.send((deed, how))
        return self

    def answer(self, patience: float = 60) -> Any:
        """Wait for what the deed gave."""
        assert self.pipe.poll(patience), "the other side never answered"
        return self.pipe.recv()

    def close(self) -> None:
        """Let the process go."""
        if self.process.is_alive():
            self.pipe.send(None)
            self.process.join(20)
        if self.process.is_alive():
            self.process.kill()
        self.pipe.close()


def at_once(*deeds: tuple[Side, str, dict[str, Any]]) -> list[Any]:
    """Let each side begin its deed in the same moment; their answers in order."""
    at = time.time() + 0.02
    for side, deed, how in deeds:
        side.start(deed, at=at, **how)
    return [side.answer(PATIENCE) for side, _, _ in deeds]


def serve(pipe: Any, settings: dict[str, Any]) -> None:
    """Do what the pipe says until it says nothing more."""
    with create_app(settings).app_context():
        pipe.send("ready")
        while (order := pipe.recv()) is not None:
            deed, how = order
            wait_until(how.pop("at", 0))
            pipe.send(outcome(deed, how))
        db.session.remove()
        db.engine.dispose()


def wait_until(moment: float) -> None:
    """Wait, the last part awake."""
    time.sleep(max(0, moment - time.time() - 0.002))
    while time.time() < moment:
        pass


def outcome(deed: str, how: dict[str, Any]) -> Any:
    """Do it in one transaction; a refusal rolls it back."""
    try:
        return DEEDS[deed](**how)
    except Refused as no:
        return no.code
    except IntegrityError:
        return "taken"
    except OperationalError as error:
        return f"{type(error.orig).__name__}: {error.orig}"
    finally:
        db.session.rollback()


def delete(kind: str, merchant: int, row: int) -> int:
    ident = row if kind in ("users", "merchants") else (merchant, row)
    with scoped(db.session, merchant or None):
        found = db.session.get(CLASSES[kind], ident, execution_options=DEAD_TOO)
        act = trash.soft_delete_cascade(found, by=OPERATOR, now=NOW).id
        db.session.commit()
    return act


def restore(merchant: int, act: int) -> str:
    with scoped(db.session, merchant):
        trash.restore(db.session.get(Deletion, (merchant, act)), by=OPERATOR, now=NOW)
        db.session.commit()
    return "done"


def put_product(merchant: int, store: int, sku: str) -> str:
    with scoped(db.session, merchant):
        db.session.add(Product(store_id=store, name=sku, sku=sku, price_cents=1))
        db.session.commit()
    return "done"


def put_store(merchant: int, code: str) -> str:
    with scoped(db.session, merchant):
        db.session.add(Store(name=code, store_code=code, join_code=f"{code}{time.time_ns()}"))
        db.session.commit()
    return "done"


def put_owner(merchant: int, user: int) -> str:
    with scoped(db.session, merchant):
        db.session.add(MerchantOwner(user_id=user))
        db.session.commit()
    return "done"


def add_points(merchant: int, card: int, times: int) -> float:
    """Lock the card, read, add one and write, again and again; the longest it took."""
    longest = 0.0
    for _ in range(times):
        started = time.monotonic()
        with scoped(db.session, merchant):
            open_account(card, Visit(by=OPERATOR, now=NOW)).post("adjust", points=1, rule_snapshot={})
            db.session.commit()
        longest = max(longest, time.monotonic() - started)
    return longest


def die_at(words: str, then: str, **how: Any) -> Any:
    """Begin a deed and be killed just before the statement that begins so, or before the commit."""

    def die(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def look(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(words):
            die()

    event.listen(db.engine, "before_cursor_execute", look)
    if words == "COMMIT":
        event.listen(db.engine, "commit", die)
    return DEEDS[then](**how)


DEEDS: dict[str, Any] = {
    "delete": delete,
    "restore": restore,
    "put_product": put_product,
    "put_store": put_store,
    "put_owner": put_owner,
    "add_points": add_points,
    "die_at": die_at,
    **ledger_deeds.DEEDS,
}

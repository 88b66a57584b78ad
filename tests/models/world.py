"""Two merchants whose rows are alive, dead, and dead with their store: what queries are asked about."""

from types import SimpleNamespace

from portal.extensions import db
from portal.models import OrderLine
from portal.models.actor import OPERATOR
from portal.services import trash
from tests.factories import (
    NOW,
    make_customer,
    make_member,
    make_merchant,
    make_order,
    make_product,
    make_store,
    make_user,
    within,
)


def make_world() -> SimpleNamespace:
    """Merchant `a`, whose scope the tests open, and `b`, of whom nothing may ever be seen.

    Each has the stores gare (living) and quai (dead, with its product `buried`), and in gare the
    products `live`, `second` and `dead`; a sale of each of `live` and `dead` by a dead customer in
    the dead store; and a dead sale.
    """
    world = SimpleNamespace(a=_half("a"), b=_half("b"))
    gone = make_user("Gone")
    world.gone = gone.id
    trash.soft_delete_cascade(gone, by=OPERATOR, now=NOW)
    db.session.commit()
    db.session.remove()
    return world


def _half(letter: str) -> SimpleNamespace:
    merchant = make_merchant(f"{letter} merchant")
    gare, quai = (make_store(merchant, f"{letter} {name}") for name in ("gare", "quai"))
    live, second, dead = (
        make_product(gare, f"{letter} {name}", price_cents=cents)
        for name, cents in (("live", 100), ("second", 20), ("dead", 3000))
    )
    buried = make_product(quai, f"{letter} buried", price_cents=50000)
    here, left = (make_member(gare, make_user(f"{letter} {name}")) for name in ("here", "left"))
    known, lost = (make_customer(merchant, f"{letter} {name}") for name in ("known", "lost"))
    order = make_order(quai, lost, [live, dead], number=f"{letter} order")
    void = make_order(gare, known, [live], number=f"{letter} void")
    half = SimpleNamespace(
        id=merchant.id,
        gare=gare.id,
        quai=quai.id,
        live=live.id,
        second=second.id,
        dead=dead.id,
        buried=buried.id,
        here=here.id,
        person=here.user_id,
        left=left.id,
        known=known.id,
        lost=lost.id,
        order=order.id,
        void=void.id,
    )
    with within(merchant):
        for row in (dead, quai, left, lost, void):
            trash.soft_delete_cascade(row, by=OPERATOR, now=NOW)
        db.session.commit()
        assert db.session.query(OrderLine).count() == 3
    return half

"""What the tests of merging share: two records of one person, and the verbs in short."""

from datetime import timedelta

from sqlalchemy import select

from portal.extensions import db
from portal.models import AuditEntry, LoyaltyTransaction
from portal.services.ledger.earning import earn
from portal.services.ledger.enrolling import enrol
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.unmerging import unmerge
from portal.services.ledger.verifying import verify
from portal.services.ledger.visits import Visit
from tests.factories import NOW, owner_of

TIERS = [
    {"key": "base", "name": "Base", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 100, "multiplier_bp": 10_000},
]
STAMPS = {
    "loyalty_type": "hybrid",
    "stamps_target": 10,
    "cooldown_minutes": 0,
    "max_daily_stamps": 0,
    "max_stamps_per_transaction": 20,
    "points_per_euro": 1,
    "minimum_redemption_points": 0,
}


def visit(shop, minutes=0, **more):
    return Visit(by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def join(shop, name, minutes=0, **more):
    return enrol(shop, visit=visit(shop, minutes), secret="key", name=name, **more)


def pair(shop, **more):
    """Lea and her other record."""
    return join(shop, "Lea", phone="621 123 456"), join(shop, "Lea M", email="lea@example.com", **more)


def buy(shop, who, euros, minutes=1):
    return earn(who.card.id, spent_cents=euros * 100, visit=visit(shop, minutes)).rows[-1]


def merge(shop, survivor, loser, minutes=10, **more):
    done = merge_customers(survivor.customer, loser.customer, visit=visit(shop, minutes, **more))
    assert list(verify(shop.id)) == []
    return done


def apart(shop, done, minutes=20, **more):
    undone = unmerge(done, visit=visit(shop, minutes, **more))
    assert list(verify(shop.id)) == []
    return undone


def balance(who):
    return (who.card.points_balance, who.card.stamps_balance)


def rows(who, *types):
    mine = (LoyaltyTransaction.merchant_id == who.card.merchant_id, LoyaltyTransaction.card_id == who.card.id)
    found = db.session.scalars(select(LoyaltyTransaction).where(*mine).order_by(LoyaltyTransaction.id))
    return [row for row in found if not types or row.type in types]


def actions(shop):
    return [entry.action for entry in db.session.scalars(AuditEntry.of(shop).order_by(AuditEntry.id))]


def columns(row, *but):
    db.session.refresh(row)
    names = set(row.__table__.c.keys()) - {"updated_at", *but}
    return {name: getattr(row, name) for name in names}

"""A program for tests of its screens: started as an owner does, and what its tabs send."""

import re
from datetime import UTC, datetime

from portal.extensions import db
from portal.models import LoyaltyProgram
from portal.services import programs
from tests.factories import owner_of, within
from tests.web.conftest import path

TIERS = [
    {"key": "guest", "name": "Guest", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 300, "multiplier_bp": 15_000},
]
SETTINGS = ("earning", "tiers", "limits", "branding", "wallet", "terms")


def start(merchant, **rules):
    """Start a program as an owner does, with its first version."""
    by, session = owner_of(merchant), db.session()
    with within(merchant):
        made = programs.create_program(merchant, by=by, now=datetime.now(UTC), **rules)
        session.expire_on_commit = False
        session.commit()
        session.expire_on_commit = True
        session.expunge_all()
    return made


def read(merchant, *, dead=False):
    """Read the program again; None when there is none."""
    with within(merchant):
        db.session.expunge_all()
        query = LoyaltyProgram.of(merchant).order_by(LoyaltyProgram.id.desc()).limit(1)
        row = db.session.scalar(query, execution_options={"include_deleted": dead})
        db.session.expunge_all()
        db.session.rollback()
    return row


def to(cast, *parts):
    """The address of a part of the program."""
    return path(cast.merchant, "program", *parts)


def earning(**changes):
    """What the earning tab sends as it is shown first."""
    return {
        "loyalty_type": "points",
        "points_per_euro": "1",
        "minimum_purchase": "0.00",
        "welcome_bonus_points": "0",
        "points_expiration_days": "",
        "point_value": "",
        "stamps_target": "10",
        "stamps_reward_description": "Free item",
        "stamps_reward_value": "",
        "cooldown_minutes": "15",
        "max_daily_stamps": "5",
        "max_stamps_per_transaction": "10",
    } | changes


def rows(*tiers):
    """What the rows of the tiers send: (name, key, threshold, multiplier)."""
    columns = zip(*tiers, strict=True) if tiers else ((), (), (), ())
    names = ("tier_name", "tier_key", "tier_threshold", "tier_multiplier")
    return {"tiers": "1", **{n: list(c) for n, c in zip(names, columns, strict=True)}}


def bad(answer):
    """The names of the fields that are told to be wrong."""
    return re.findall(
        r'aria-invalid="true"[^>]*name="(\w+)"|name="(\w+)"[^>]*aria-invalid="true"', answer.text
    )

"""What the rules of a program may say: ranges, lengths and patterns."""

import re
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint

from portal.errors import Refused
from portal.models.field_words import field_word
from portal.words import _, number

TYPES = ("stamps", "points", "hybrid")
CLAWBACKS = ("allow_negative", "clamp_to_zero")
# field -> lowest, highest (None: no limit), also CHECKed by the database
LIMITS: dict[str, tuple[int, int | None]] = {
    "stamps_target": (1, 100),
    "points_per_euro": (0, 10_000),
    "cooldown_minutes": (0, None),
    "max_daily_stamps": (0, None),
    "max_stamps_per_transaction": (1, None),
    "welcome_bonus_points": (0, None),
    "minimum_redemption_points": (0, None),
    "minimum_purchase_cents": (0, None),
    "void_window_hours": (0, None),
    "tier_grace_days": (0, None),
}
# the same for what may be left empty
OPTIONAL_LIMITS: dict[str, tuple[int, int | None]] = {
    "points_expiration_days": (1, None),
    "reward_valid_days": (1, None),
    "tier_window_days": (1, None),
    "stamps_reward_value_cents": (0, None),
    "adjust_approval_points": (0, None),
    "point_value_cents": (0, None),
    "convert_rate": (0, None),
}
# Where the database knows no highest: what nobody means, and what a deadline can still be counted with.
CEILINGS = {
    "cooldown_minutes": 525_600,
    "void_window_hours": 8_760,
    "tier_grace_days": 3_650,
    "tier_window_days": 3_650,
    "points_expiration_days": 3_650,
    "reward_valid_days": 3_650,
    "max_daily_stamps": 10_000,
    "max_stamps_per_transaction": 10_000,
    "point_value_cents": 1_000_000,
    "convert_rate": 1_000_000,
}
CEILING = 100_000_000
DECIMALS = ("point_value_cents", "convert_rate")
SMALLEST_PART = Decimal("0.0001")  # four decimals are kept
TEXTS = {"card_name": 120, "stamps_reward_description": 120, "terms_text": 20_000}
LONGEST_URL = 500
HTTPS = re.compile(r"https://[^\s/?#\\@]+\.[^\s/?#\\@]+([/?#]\S*)?")
LOCAL = re.compile(r"/[^/\\\s]\S*")
# field -> pattern, what would be right
WALLET: dict[str, tuple[str, str]] = {
    "google_issuer_id": (r"[0-9]{10,25}", "3388000000022123456"),
    "google_class_id": (r"[0-9]{10,25}\.[A-Za-z0-9._-]{1,100}", "3388000000022123456.loyalty"),
    "apple_pass_type_id": (r"pass\.[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "pass.com.example.loyalty"),
    "apple_team_id": (r"[A-Z0-9]{10}", "A1B2C3D4E5"),
}


def limits_of(field: str) -> tuple[int, int]:
    """Say the lowest and the highest a number may be."""
    lowest, highest = (LIMITS | OPTIONAL_LIMITS)[field]
    return lowest, highest or CEILINGS.get(field, CEILING)


def checked_number(value: Any, field: str) -> Any:
    """Hold a number to its range; raises Refused("not_a_number", "out_of_range")."""
    if value is None and field in OPTIONAL_LIMITS:
        return None
    lowest, highest = limits_of(field)
    what = field_word(field).capitalize()
    kinds = (int, Decimal) if field in DECIMALS else (int,)
    if not isinstance(value, kinds) or isinstance(value, bool) or not Decimal(value).is_finite():
        raise Refused("not_a_number", _("%(field)s must be a whole number.", field=what), field=field)
    if not lowest <= value <= highest:
        most = number(highest)
        between = _(
            "%(field)s must be between %(lowest)s and %(highest)s.", field=what, lowest=lowest, highest=most
        )
        raise Refused("out_of_range", between, field=field)
    return value


def checked_wallet_id(value: str | None, field: str) -> str | None:
    """Hold an id of a wallet to its pattern; raises Refused("bad_wallet_id")."""
    typed = (value or "").strip()
    pattern, example = WALLET[field]
    if typed and not re.fullmatch(pattern, typed):
        message = _("This does not look like one. Write it like %(example)s.", example=example)
        raise Refused("bad_wallet_id", message, field=field)
    return typed or None


def checked_https(value: str | None, field: str) -> str | None:
    """Hold an address of elsewhere to https; raises Refused("bad_address")."""
    typed = (value or "").strip()
    if typed and (len(typed) > LONGEST_URL or not HTTPS.fullmatch(typed)):
        message = _("Write the whole address with https://, like https://example.com/privacy.")
        raise Refused("bad_address", message, field=field)
    return typed or None


def checked_own_address(value: str | None, field: str) -> str | None:
    """Hold a picture's address to one of this server; raises Refused("bad_address")."""
    if value and not LOCAL.fullmatch(value):
        message = _("Upload the image; its address is one of this server.")
        raise Refused("bad_address", message, field=field)
    return value or None


def colour_check(column: str) -> CheckConstraint:
    """Let the database refuse what is no colour."""
    # No regular expression works on both engines: length, the sign, and nothing left over.
    rest = f"substr({column}, 2)"
    hexes = f"trim(lower({rest}), '0123456789abcdef')"
    return CheckConstraint(
        f"{column} IS NULL OR (length({column}) = 7 AND substr({column}, 1, 1) = '#' AND {hexes} = '')",
        name=f"{column}_is_hex",
    )


def limit_check(column: str, lowest: int, highest: int | None) -> CheckConstraint:
    """Let the database refuse a number out of range."""
    within_limits = f"{column} >= {lowest}" + (f" AND {column} <= {highest}" if highest else "")
    empty = f"{column} IS NULL OR " if column in OPTIONAL_LIMITS else ""
    return CheckConstraint(empty + within_limits, name=f"{column}_in_range")

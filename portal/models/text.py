"""How text is compared: folded in Python, for SQLite's lower() knows only ASCII."""

import re
import unicodedata
from functools import cache
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email

from portal.errors import Refused

LONGEST_CODE = 63  # a label of a host name, RFC 1035
LONGEST_NAME = 120
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
RESERVED = frozenset(
    [
        "admin",
        "api",
        "app",
        "assets",
        "auth",
        "billing",
        "carnet",
        "demo",
        "docs",
        "help",
        "invite",
        "join",
        "login",
        "logout",
        "mail",
        "metrics",
        "portal",
        "reset",
        "root",
        "static",
        "status",
        "store",
        "stores",
        "support",
        "system",
        "till",
        "www",
    ]
)


def fold(text: str) -> str:
    """Fold a name for search: no case, no accents, single spaces."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(kept.casefold().split())


def fold_code(text: str) -> str:
    """Fold an e-mail address, username, code or subdomain: no case, no outer spaces."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def is_slug(text: str) -> bool:
    """Tell whether the folded text is made of a-z, 0-9 and inner hyphens only."""
    return SLUG.fullmatch(text) is not None


def slug_from(text: str) -> str:
    """Propose a code for a name: Café Lumière becomes cafe-lumiere."""
    return re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")


def checked_code(value: str, what: str) -> str:
    """Fold a code and hold it to a-z, 0-9 and hyphens; raises Refused("bad_code", "reserved").

    Words the platform needs for itself are refused: specification of soft delete, section 5.
    """
    folded = fold_code(value)
    field = what.replace(" ", "_")
    if not is_slug(folded) or len(folded) > LONGEST_CODE:
        message = f"The {what} takes 1 to {LONGEST_CODE} letters a-z, digits and inner hyphens, like gare-2."
        raise Refused("bad_code", message, field=field)
    if folded in RESERVED:
        raise Refused("reserved", f"“{folded}” is reserved. Choose another {what}.", field=field)
    return folded


def checked_email(value: str) -> str:
    """Fold an e-mail address and hold it to its grammar (RFC 5322); raises Refused("bad_email")."""
    try:
        return fold_code(validate_email(value.strip(), check_deliverability=False).normalized)
    except EmailNotValidError as fault:
        message = "This is no e-mail address. Write it like name@example.com."
        raise Refused("bad_email", message, field="email") from fault


@cache
def _timezones() -> set[str]:
    return available_timezones()  # reads the disk


def checked_timezone(name: str) -> str:
    """Hold a time zone to the names of the IANA database; raises Refused("bad_timezone")."""
    if name not in _timezones():
        message = f"“{name}” is no IANA time zone. Write it like Europe/Luxembourg."
        raise Refused("bad_timezone", message, field="timezone")
    return name


def checked_text(value: str | None, what: str, longest: int) -> str | None:
    """Trim a text and hold it to its length, no control characters; raises Refused("bad_text")."""
    trimmed = (value or "").strip()
    field = what.replace(" ", "_")
    if len(trimmed) > longest:
        raise Refused("bad_text", f"The {what} may have at most {longest} characters.", field=field)
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in trimmed):
        raise Refused("bad_text", f"The {what} holds a control character. Type it again.", field=field)
    return trimmed or None


def checked_name(value: str | None, what: str = "name") -> str:
    """Trim a name of 1 to 120 characters; raises Refused("bad_text")."""
    trimmed = checked_text(value, what, LONGEST_NAME)
    if trimmed is None:
        raise Refused("bad_text", f"Give a {what}.", field=what.replace(" ", "_"))
    return trimmed

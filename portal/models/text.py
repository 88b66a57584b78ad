"""How text is compared: folded in Python, for SQLite's lower() knows only ASCII."""

import re
import unicodedata
from functools import cache
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from email_validator import EmailNotValidError, validate_email

from portal.errors import Refused
from portal.models.field_words import field_word
from portal.words import _, number

LONGEST_CODE = 63  # a label of a host name, RFC 1035
LONGEST_NAME = 120
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # what follows could read backwards
LOCALE = re.compile(r"[a-z]{2,3}(?:_[A-Z][a-z]{3})?(?:_[A-Z]{2})?")
EXAMPLES = {"username": "lea-m", "subdomain": "cafe-lumiere"}
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
        message = _(
            "The %(field)s takes 1 to %(longest)s letters a-z, digits and inner hyphens, like %(example)s.",
            field=field_word(field),
            example=EXAMPLES.get(field, "gare-2"),
            longest=LONGEST_CODE,
        )
        raise Refused("bad_code", message, field=field)
    if folded in RESERVED:
        message = _(
            "“%(value)s” is reserved. Choose another %(field)s.", value=folded, field=field_word(field)
        )
        raise Refused("reserved", message, field=field)
    return folded


def checked_email(value: str) -> str:
    """Fold an e-mail address and hold it to its grammar (RFC 5322); raises Refused("bad_email")."""
    try:
        return fold_code(validate_email(value.strip(), check_deliverability=False).normalized)
    except EmailNotValidError as fault:
        message = _("This is no e-mail address. Write it like name@example.com.")
        raise Refused("bad_email", message, field="email") from fault


@cache
def _timezones() -> set[str]:
    return available_timezones()  # reads the disk


def checked_timezone(name: str) -> str:
    """Hold a time zone to the names of the IANA database; raises Refused("bad_timezone")."""
    if name not in _timezones():
        message = _("“%(name)s” is no IANA time zone. Write it like Europe/Luxembourg.", name=name)
        raise Refused("bad_timezone", message, field="timezone")
    return name


def checked_locale(name: str) -> str:
    """Hold a locale to those Babel knows, written like de_LU; raises Refused("bad_locale")."""
    try:
        found = str(Locale.parse(name.strip().replace("-", "_")))
    except (UnknownLocaleError, ValueError) as fault:
        raise _no_locale(name) from fault
    if LOCALE.fullmatch(found) is None:
        raise _no_locale(name)
    return found


def _no_locale(name: str) -> Refused:
    message = _("“%(name)s” is no locale we know. Write it like en, fr or de_LU.", name=name.strip()[:20])
    return Refused("bad_locale", message, field="locale")


def checked_text(value: str | None, what: str, longest: int) -> str | None:
    """Trim a text and hold it to its length, no control characters; raises Refused("bad_text")."""
    trimmed = (value or "").strip()
    field = what.replace(" ", "_")
    if len(trimmed) > longest:
        message = _(
            "The %(field)s may have at most %(longest)s characters.",
            field=field_word(field),
            longest=number(longest),
        )
        raise Refused("bad_text", message, field=field)
    if TURNS.search(trimmed):
        message = _(
            "The %(field)s holds an invisible sign that turns the direction of the writing. Type it again.",
            field=field_word(field),
        )
        raise Refused("bad_text", message, field=field)
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in trimmed):
        message = _("The %(field)s holds a control character. Type it again.", field=field_word(field))
        raise Refused("bad_text", message, field=field)
    return trimmed if any(_is_seen(c) for c in trimmed) else None


def _is_seen(sign: str) -> bool:
    """Tell whether people see a sign; of a zero-width space alone nobody could say what it names."""
    return not sign.isspace() and unicodedata.category(sign) != "Cf"


def checked_name(value: str | None, what: str = "name") -> str:
    """Trim a name of 1 to 120 characters; raises Refused("bad_text")."""
    trimmed = checked_text(value, what, LONGEST_NAME)
    if trimmed is None:
        field = what.replace(" ", "_")
        raise Refused("bad_text", _("Give a %(field)s.", field=field_word(field)), field=field)
    return trimmed

"""How text is compared: folded in Python, for SQLite's lower() knows only ASCII."""

import re
import unicodedata

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
RESERVED = frozenset(
    "admin api app assets auth billing carnet demo docs help invite join login logout mail"
    " metrics portal reset root static status store stores support system till www".split()
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

"""Passwords: 8 to 128 characters, no common ones, kept as argon2id."""

import re
import unicodedata
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from portal.errors import Refused
from portal.words import _

SHORTEST, LONGEST = 8, 128
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_nobody = _hasher.hash("nobody has this password")  # makes unknown and wrong take the same time
COMMON = frozenset(
    [
        "password",
        "passwort",
        "motdepasse",
        "passw0rd",
        "p@ssword",
        "pass",
        "qwerty",
        "qwertz",
        "azerty",
        "qwertyuiop",
        "qwertzuiop",
        "asdf",
        "asdfgh",
        "asdfghjkl",
        "yxcvbnm",
        "zxcvbnm",
        "welcome",
        "willkommen",
        "bienvenue",
        "admin",
        "administrator",
        "root",
        "letmein",
        "iloveyou",
        "monkey",
        "dragon",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "soccer",
        "hockey",
        "superman",
        "batman",
        "master",
        "shadow",
        "michael",
        "jordan",
        "jennifer",
        "charlie",
        "daniel",
        "thomas",
        "hunter",
        "trustno",
        "hello",
        "hallo",
        "bonjour",
        "salut",
        "login",
        "user",
        "guest",
        "test",
        "tester",
        "testing",
        "secret",
        "geheim",
        "default",
        "changeme",
        "carnet",
        "cafe",
        "coffee",
        "loyalty",
        "loyaltycard",
        "abc",
        "abcd",
        "abcdef",
        "abcdefgh",
        "abcdefghi",
        "starwars",
        "whatever",
        "computer",
        "internet",
        "summer",
        "sommer",
        "winter",
        "spring",
        "autumn",
        "herbst",
        "ete",
        "hiver",
        "luxembourg",
        "luxemburg",
        "lulu",
        "manager",
        "owner",
        "staff",
        "store",
        "shop",
        "kasse",
        "caisse",
        "till",
        "pizza",
        "chocolate",
        "cookie",
        "cheese",
        "freedom",
        "ninja",
        "mustang",
        "access",
        "flower",
        "lovely",
        "samsung",
        "google",
        "facebook",
        "liverpool",
        "arsenal",
        "chelsea",
        "juventus",
        "barcelona",
    ]
)


def hash_password(password: str, *, of: tuple[str | None, ...] = ()) -> str:
    """Hash a new password; raises Refused("weak_password") with what to do.

    `of` are the person's own names, which make no password.
    """
    text = unicodedata.normalize("NFKC", password)
    _refuse_weak(text, of)
    return _hasher.hash(text)


def is_right(password: str, password_hash: str | None) -> bool:
    """Check a password; takes as long when there is none to compare with."""
    text = unicodedata.normalize("NFKC", password)[: LONGEST + 1]
    try:
        _hasher.verify(password_hash or _nobody, text)
    except (Argon2Error, InvalidHashError):
        return False
    return password_hash is not None


def _refuse_weak(text: str, own: tuple[str | None, ...]) -> None:
    if not SHORTEST <= len(text) <= LONGEST:
        message = _(
            "A password has %(shortest)s to %(longest)s characters. Three or four words are a good one.",
            shortest=SHORTEST,
            longest=LONGEST,
        )
        raise Refused("weak_password", message, field="password")
    names = {part for name in own if name for part in re.split(r"[@.\s-]", name.casefold())}
    if _cores(text) & (COMMON | names) or _is_run(text):
        message = _("This password is among the first that are tried. Take three or four words.")
        raise Refused("weak_password", message, field="password")


def _cores(text: str) -> set[str]:
    """Strip what people put around a common word, and undo the letters they replace in it."""
    plain, letters = text.casefold(), str.maketrans("@$!", "asi")
    return {_stripped(plain), _stripped(plain).translate(letters), _stripped(plain.translate(letters))} - {""}


def _stripped(text: str) -> str:
    return re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)


def _is_run(text: str) -> bool:
    """Whether it is one character repeated, a run like 12345678, or a short number."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps in ({0}, {1}, {-1}) or (text.isdigit() and len(text) < 12)

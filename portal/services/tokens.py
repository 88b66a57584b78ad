"""Secrets that people carry: random, and kept only as a hash."""

import hashlib
import secrets

from sqlalchemy import select

from portal.extensions import db
from portal.models.merchant import Merchant

READABLE = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


def new_secret() -> str:
    """Make a secret of 128 bits that fits in a link."""
    return secrets.token_urlsafe(16)


def digest(secret: str) -> str:
    """Hash a random secret; it needs no salt, for nobody guesses 128 bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_ref(length: int = 8) -> str:
    """Make a short public reference that can be read out."""
    return "".join(secrets.choice(READABLE) for _ in range(length))


def bearer(merchant: Merchant, secret: str) -> str:
    """Write a bearer secret: the merchant first, so that it is found without searching all."""
    return f"{merchant.public_ref}.{secret}"


def merchant_and_secret(token: str) -> tuple[Merchant | None, str]:
    """Read a bearer secret; the merchant is None when there is no living one."""
    public_ref, _, secret = token.partition(".")
    if not (token.isascii() and token.isprintable()):
        return None, ""
    merchant = db.session.scalar(select(Merchant).where(Merchant.public_ref == public_ref))
    return merchant, secret

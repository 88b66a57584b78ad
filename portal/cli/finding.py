"""Finding what a command names: a merchant, a store, a person, a deletion."""

from contextlib import AbstractContextManager

from sqlalchemy import select

from portal.cli.words import ID
from portal.errors import Refused
from portal.extensions import db
from portal.models.deletion import Deletion
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.models.tenancy import PLATFORM, across_merchants, scoped
from portal.models.text import fold_code
from portal.models.user import User
from portal.services.accounts import find_user
from portal.services.merchants import find_merchant

DEAD_TOO = {"include_deleted": True}


def merchant_named(subdomain: str) -> Merchant:
    """Find the living merchant; raises Refused("unknown_merchant")."""
    merchant = find_merchant(fold_code(subdomain))
    if merchant is None:
        message = f"There is no merchant “{subdomain}”. See: flask merchants list"
        raise Refused("unknown_merchant", message)
    return merchant


def merchant_dead_or_alive(subdomain: str) -> Merchant:
    """Find the living merchant, or else the one deleted last: its trash is still there."""
    same = select(Merchant).where(Merchant.subdomain == fold_code(subdomain))
    newest = same.order_by(Merchant.deleted_at.desc(), Merchant.id.desc()).limit(1)
    dead = newest.where(Merchant.deletion_id.is_not(None))
    merchant = find_merchant(fold_code(subdomain)) or db.session.scalar(dead, execution_options=DEAD_TOO)
    return merchant or merchant_named(subdomain)


def without_program(merchant: Merchant) -> Refused:
    """Say that a merchant has no program, and how to start one."""
    start = f"Start one with: flask program set --merchant {merchant.subdomain}"
    return Refused("no_program", f"{merchant.name} has no program. {start}")


def store_coded(merchant: Merchant, code: str) -> Store:
    """Find a living store by its code, in the merchant's scope; raises Refused("unknown_store")."""
    store = db.session.scalar(Store.of(merchant).where(Store.store_code == fold_code(code)))
    if store is None:
        codes = db.session.scalars(
            select(Store.store_code).where(Store.merchant_id == merchant.id).order_by(Store.store_code)
        )
        known = ", ".join(codes) or "none yet"
        message = f"{merchant.name} has no store “{code}”. Its stores: {known}."
        raise Refused("unknown_store", message)
    return store


def person_called(login: str) -> User:
    """Find the living person by e-mail address or username; raises Refused("unknown_person")."""
    user = find_user(login)
    if user is None:
        message = f"Nobody signs in as “{login}”. See: flask accounts list"
        raise Refused("unknown_person", message)
    return user


def any_person(word: str) -> User:
    """Find who did something, deleted meanwhile or not, by login or #ID; raises Refused("unknown_person")."""
    number = number_after_sign(word)
    if number is None:
        return person_called(word)
    user = db.session.scalar(select(User).where(User.id == number), execution_options=DEAD_TOO)
    return user or person_numbered(number)


def number_after_sign(word: str) -> int | None:
    """Read #12; None for a login, UsageError for a number nobody can have."""
    digits = word.removeprefix("#")
    if digits == word or not (digits.isascii() and digits.isdecimal()):
        return None
    return ID.convert(digits, None, None)


def person_numbered(number: int) -> User:
    """Find the living person by number, for those who do not sign in; raises Refused("unknown_person")."""
    user = db.session.scalar(select(User).where(User.id == number))
    if user is None:
        raise Refused("unknown_person", f"There is no person {number}. See: flask accounts list")
    return user


def deletion_numbered(number: int, merchant: Merchant | None = None) -> Deletion:
    """Find a deletion by its number, in one merchant or in all; raises Refused("unknown_deletion")."""
    with across_merchants(db.session, "the operator names a deletion by its number alone"):
        act = db.session.scalar(select(Deletion).where(Deletion.id == number))
    if act is None or (merchant is not None and act.merchant_id != merchant.id):
        place = f" of {merchant.name}" if merchant else ""
        message = f"There is no deletion {number}{place}. See: flask trash list --all"
        raise Refused("unknown_deletion", message)
    return act


def scope_of(act: Deletion) -> AbstractContextManager[None]:
    """Open the scope a deletion lives in; a person's has parts in several merchants."""
    if act.merchant_id == PLATFORM:
        return across_merchants(db.session, "a person's deletion has parts in several merchants")
    return scoped(db.session, act.merchant_id)


def scope_for(merchant: Merchant | None, why: str) -> AbstractContextManager[None]:
    """Open the scope of one merchant, or of all."""
    return scoped(db.session, merchant.id) if merchant else across_merchants(db.session, why)


def every_tenant() -> list[int]:
    """List the merchants, dead ones too, and the platform itself, one by one for the jobs."""
    ids = select(Merchant.id).order_by(Merchant.id)
    return [PLATFORM, *db.session.scalars(ids, execution_options=DEAD_TOO)]

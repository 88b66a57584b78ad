"""Who is asking, for which merchant, and what is theirs to see."""

from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from flask import abort, g, request
from flask_login import current_user
from sqlalchemy import Select, literal, select, union_all

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.session import PortalSession
from portal.models.store_user import StoreUser
from portal.models.tenancy import Person, Tenant, merchant_of, scoped
from portal.models.user import User
from portal.services.merchants import find_merchant

Owned = TypeVar("Owned", bound=Tenant)


def now() -> datetime:
    """The moment of this request, one for all it does; UTC."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    moment: datetime = g.now
    return moment


def current_person() -> User:
    """Name the signed-in person."""
    person: User = current_user.user
    return person


def current_merchant() -> Merchant:
    """Name the merchant whose portal this is."""
    merchant: Merchant = g.merchant
    return merchant


def actor() -> Actor:
    """Say who acts: the person, their role with this merchant and their stores."""
    acting: Actor = g.actor
    return acting


def enter_merchant(subdomain: str) -> None:
    """Open the scope of the merchant in the address; 404 for whoever does not belong to it."""
    merchant = find_merchant(subdomain)
    if merchant is None:
        abort(404)
    session = cast(PortalSession, db.session())
    session.info["scope"] = merchant.id
    session.tell_database()
    acting = _role_with(merchant, current_person())
    if acting is None:
        abort(404)
    g.merchant, g.actor = merchant, acting


def _role_with(merchant: Merchant, person: User) -> Actor | None:
    owns = select(literal("owner"), literal(None)).where(
        MerchantOwner.merchant_id == merchant.id, MerchantOwner.user_id == person.id
    )
    works = select(StoreUser.role, StoreUser.store_id).where(
        StoreUser.merchant_id == merchant.id, StoreUser.user_id == person.id
    )
    found: list[Any] = list(db.session.execute(union_all(owns, works)))
    if not found:
        return None
    role = max(Role.of_word(word) for word, _ in found)
    # A person may manage one store and help in another: only the stores of the role count.
    stores = {store_id for word, store_id in found if store_id and Role.of_word(word) == role}
    return Actor(user_id=person.id, role=role, store_ids=frozenset(stores))


def find(model: type[Owned], row_id: int, *, include_deleted: bool = False) -> Owned:
    """Load one row of the current merchant, or answer 404."""
    query = model.of(current_merchant()).where(model.id == row_id)  # type: ignore[attr-defined]
    options = {"include_deleted": True} if include_deleted else {}
    row: Owned | None = db.session.scalar(query, execution_options=options)
    if row is None:
        abort(404)
    return row


def in_own_stores(query: Select[Any], column: Any) -> Select[Any]:
    """Narrow a query to the stores of a manager or staff; owners have every store."""
    acting = actor()
    return query if acting.role >= Role.OWNER else query.where(column.in_(acting.store_ids))


def refuse_foreign_store(store_id: int | None) -> None:
    """Answer 404 for a store that is not theirs to run."""
    if not actor().works_in(store_id):
        abort(404)


def merchants_of(person: User) -> list[Merchant]:
    """List the merchants a person belongs to, by name."""
    with scoped(db.session, Person(person.id)):
        owned = select(MerchantOwner.merchant_id).where(MerchantOwner.user_id == person.id)
        worked = select(StoreUser.merchant_id).where(StoreUser.user_id == person.id)
        ids = set(db.session.scalars(owned)) | set(db.session.scalars(worked))
    query = select(Merchant).where(Merchant.id.in_(ids)).order_by(Merchant.name, Merchant.id)
    return list(db.session.scalars(query))


def in_a_merchant() -> bool:
    """Whether this request has entered a merchant."""
    return "merchant" in g and merchant_of(db.session()) is not None


def reads_only() -> bool:
    """Whether this request may write nothing."""
    return request.method in ("GET", "HEAD", "OPTIONS")

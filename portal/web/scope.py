"""Who is asking, for which merchant, and what is theirs to see."""

from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from flask import abort, g, request
from flask_login import current_user
from sqlalchemy import Label, Select, func, literal, null, select, union_all

from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant, MerchantOwner
from portal.models.records import AuditEntry
from portal.models.session import PortalSession
from portal.models.store_user import StoreUser
from portal.models.tenancy import Person, Tenant, during, merchant_of, scoped
from portal.models.text import fold_code
from portal.models.user import User
from portal.web import language

Owned = TypeVar("Owned", bound=Tenant)
AT_ONCE = 200  # entries, or movements, one transaction may be overtaken by


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
    person, door = current_person().id, current_user.door
    if door is None:
        abort(404)
    session = cast(PortalSession, db.session())
    with during(session, "scope", Person(person, door)):
        session.tell_database()
        # Always looked up anew: whoever was removed is out at the next request.
        g.memberships = session.execute(_memberships(person).add_columns(_version(door))).all()
    asked = (door, fold_code(subdomain))
    mine = [row for row in g.memberships if (row.Merchant.id, row.Merchant.subdomain) == asked]
    if not mine:
        abort(404)
    g.merchant, g.actor, g.version = mine[0].Merchant, _actor(mine), mine[0].version
    language.change()
    # The database was told of this merchant above, and of the person: their own memberships
    # elsewhere stay behind the first wall alone, which spares every request a statement.
    session.info["scope"] = g.merchant.id


def memberships_of(person: User) -> list[Any]:
    """Read all the person's memberships in one query: rows of .Merchant, .role and .store_id, by name."""
    if "memberships" not in g:
        with scoped(db.session, Person(person.id)):
            g.memberships = db.session.execute(_memberships(person.id)).all()
    return list(g.memberships)


def _memberships(user_id: int) -> Select[Any]:
    owns = select(MerchantOwner.merchant_id, literal("owner").label("role"), null().label("store_id"))
    works = select(StoreUser.merchant_id, StoreUser.role, StoreUser.store_id)
    both = union_all(
        owns.where(MerchantOwner.user_id == user_id), works.where(StoreUser.user_id == user_id)
    ).subquery()
    query = select(Merchant, both.c.role, both.c.store_id).join(both, both.c.merchant_id == Merchant.id)
    return query.order_by(Merchant.name, Merchant.id)


def _version(merchant_id: int | None) -> Label[Any]:
    """Every act of a merchant leaves an audit entry or moves its ledger: the newest ids make its version.

    Their sum, not the newest alone: an entry made earlier may be committed later. Each one that comes in, at
    the end or between, makes the sum larger: it adds its id and at most pushes the lowest out.
    """
    written, moved = _newest(AuditEntry, merchant_id), _newest(LoyaltyTransaction, merchant_id)
    return (func.coalesce(written, 0) + func.coalesce(moved, 0)).label("version")


def _newest(model: Any, merchant_id: int | None) -> Any:
    newest = select(model.id).where(model.merchant_id == merchant_id)
    some = newest.order_by(model.id.desc()).limit(AT_ONCE).subquery()
    return select(func.sum(some.c.id)).scalar_subquery()


def _actor(memberships: list[Any]) -> Actor:
    role = max(Role.of_word(row.role) for row in memberships)
    # A person may manage one store and help in another: only the stores of the role count.
    stores = {row.store_id for row in memberships if row.store_id and Role.of_word(row.role) == role}
    return Actor(user_id=current_person().id, role=role, store_ids=frozenset(stores))


def find(model: type[Owned], row_id: int, *, include_deleted: bool = False) -> Owned:
    """Load one row of the current merchant, or answer 404."""
    query = model.of(current_merchant()).where(model.id == row_id)  # type: ignore[attr-defined]  # of Model
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
    return list(dict.fromkeys(row.Merchant for row in memberships_of(person)))


def in_a_merchant() -> bool:
    """Whether this request has entered a merchant."""
    return "merchant" in g and merchant_of(db.session()) is not None


def reads_only() -> bool:
    """Whether this request may write nothing."""
    return request.method in ("GET", "HEAD", "OPTIONS")

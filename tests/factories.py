"""Rows to test with: functions, the parent first, each committed.

Each opens the scope of its merchant. What they return stays readable after their commit; after
a commit of the test's own, read it again inside the scope: `within(merchant)`.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from portal.extensions import db
from portal.models import (
    CardToken,
    Customer,
    CustomerMerge,
    Deletion,
    LoginSession,
    LoyaltyCard,
    LoyaltyProgram,
    LoyaltyReward,
    LoyaltyTransaction,
    Merchant,
    MerchantOwner,
    Order,
    OrderLine,
    Product,
    StaffPin,
    Store,
    StoreUser,
    TillDevice,
    User,
)
from portal.models.actor import JOBS, OPERATOR, Actor, Role
from portal.models.tenancy import scoped
from portal.models.text import slug_from
from portal.services.ledger.accounts import open_account
from portal.services.ledger.earning import earn
from portal.services.ledger.visits import Visit

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
ADMIN = Actor(user_id=None, role=Role.ADMIN)
OWNER = Actor(user_id=None, role=Role.OWNER)
_numbers = count(1)

__all__ = ["ADMIN", "JOBS", "NOW", "OPERATOR", "OWNER", "within"]


def owner_of(merchant: Merchant, user: User | None = None) -> Actor:
    """An owner of the merchant: this person, or the first."""
    return Actor(user_id=user.id if user else first_owner(merchant).user_id, role=Role.OWNER)


def first_owner(merchant: Merchant) -> MerchantOwner:
    """The membership of the merchant's first owner."""
    first = MerchantOwner.of(merchant).order_by(MerchantOwner.id).limit(1)
    was_quiet = not db.session().in_transaction()
    with within(merchant), _remembering():
        owner = db.session.scalars(first).one()
        if was_quiet:
            db.session.commit()  # an open transaction would lock SQLite for everybody else
    return owner


def manager_of(*stores: Store, user: User | None = None) -> Actor:
    """Somebody who runs these stores."""
    return Actor(user.id if user else None, Role.MANAGER, frozenset(s.id for s in stores))


def staff_of(*stores: Store, user: User | None = None) -> Actor:
    """Somebody who serves in these stores."""
    return Actor(user.id if user else None, Role.STAFF, frozenset(s.id for s in stores))


def within(merchant: Merchant | int) -> AbstractContextManager[None]:
    """Work for one merchant."""
    return scoped(db.session, merchant if isinstance(merchant, int) else merchant.id)


def make_user(display_name: str = "", **fields: Any) -> User:
    """A person, with an e-mail address and no way to sign in."""
    n = next(_numbers)
    fields.setdefault("email", f"person{n}@example.com")
    return _made(User(display_name=display_name or f"Person {n}", **fields))


def make_login(user: User, **fields: Any) -> LoginSession:
    """A signed-in browser."""
    n = next(_numbers)
    times = {"created_at": NOW, "last_seen_at": NOW}
    return _made(LoginSession(user_id=user.id, token_hash=f"session-{n}", **times | fields))


def make_merchant(name: str = "", *, owner: User | None = None, **fields: Any) -> Merchant:
    """A merchant with one owner."""
    n = next(_numbers)
    owner = owner or make_user()
    fields.setdefault("subdomain", f"merchant-{n}")
    fields.setdefault("public_ref", f"ref{n}")
    merchant = _made(Merchant(name=name or f"Merchant {n}", **fields))
    make_owner(merchant, owner)
    return merchant


def make_owner(merchant: Merchant, user: User | None = None) -> MerchantOwner:
    """One more owner of the merchant."""
    user = user or make_user()
    return _made(MerchantOwner(merchant_id=merchant.id, user_id=user.id))


def make_store(merchant: Merchant, name: str = "", **fields: Any) -> Store:
    """A store of the merchant."""
    n = next(_numbers)
    name = name or f"Store {n}"
    fields.setdefault("store_code", slug_from(name))
    fields.setdefault("join_code", f"join{n}")
    return _made(Store(merchant_id=merchant.id, name=name, **fields))


def make_member(store: Store, user: User | None = None, *, role: str = "staff", **fields: Any) -> StoreUser:
    """Somebody who works in the store."""
    user = user or make_user()
    return _made(StoreUser(user_id=user.id, role=role, **_of_store(store), **fields))


def make_product(store: Store, name: str = "", **fields: Any) -> Product:
    """Something the store sells."""
    n = next(_numbers)
    fields.setdefault("sku", f"sku-{n}")
    fields.setdefault("price_cents", 250)
    return _made(Product(name=name or f"Product {n}", **_of_store(store), **fields))


def make_device(store: Store, name: str = "", **fields: Any) -> TillDevice:
    """A tablet paired with the store."""
    n = next(_numbers)
    fields.setdefault("token_hash", f"device-{n}")
    return _made(TillDevice(name=name or f"Tablet {n}", **_of_store(store), **fields))


def make_pin(store: Store, of: StoreUser | MerchantOwner, **fields: Any) -> StaffPin:
    """A PIN in the store, of a team member or of an owner of the merchant."""
    fields.setdefault("pin_hash", "hash")
    key = "store_user_id" if isinstance(of, StoreUser) else "merchant_owner_id"
    return _made(StaffPin(**{key: of.id}, **_of_store(store), **fields))


def make_customer(merchant: Merchant, name: str = "", **fields: Any) -> Customer:
    """A member of the merchant."""
    n = next(_numbers)
    fields.setdefault("phone", f"+352621{n:06}")
    return _made(Customer(merchant_id=merchant.id, name=name or f"Customer {n}", **fields))


def make_merge(survivor: Customer, loser: Customer, **fields: Any) -> CustomerMerge:
    """A merge that was written down and moved nothing: for what only needs one to be there."""
    keys = {"survivor_id": survivor.id, "loser_id": loser.id, "merchant_id": survivor.merchant_id}
    return _made(CustomerMerge(merged_at=NOW, moved={}, **keys, **fields))


def make_program(merchant: Merchant, **fields: Any) -> LoyaltyProgram:
    """The merchant's program."""
    return _made(LoyaltyProgram(merchant_id=merchant.id, **fields))


def make_reward(program: LoyaltyProgram, name: str = "", **fields: Any) -> LoyaltyReward:
    """What points buy in the program."""
    fields.setdefault("points_required", 100)
    name = name or f"Reward {next(_numbers)}"
    keys = {"merchant_id": program.merchant_id, "program_id": program.id}
    return _made(LoyaltyReward(name=name, **keys, **fields))


def make_card(program: LoyaltyProgram, customer: Customer | None = None, **fields: Any) -> LoyaltyCard:
    """The customer's card in the program."""
    customer = customer or make_customer(_merchant_of(program))
    keys = {"program_id": program.id, "customer_id": customer.id}
    return _made(LoyaltyCard(merchant_id=program.merchant_id, **keys, **fields))


def make_token(card: LoyaltyCard, *, kind: str = "qr", value: str = "", **fields: Any) -> CardToken:
    """A way to the card."""
    value = value or f"token-{next(_numbers)}"
    keys = {"merchant_id": card.merchant_id, "card_id": card.id}
    return _made(CardToken(kind=kind, value=value, **keys, **fields))


def make_order(
    store: Store,
    customer: Customer | None = None,
    lines: Iterable[Product] = (),
    **fields: Any,
) -> Order:
    """One sale of the store: a line for each product."""
    fields.setdefault("number", f"R-{next(_numbers)}")
    fields.setdefault("occurred_at", NOW)
    products = list(lines)
    fields.setdefault("total_cents", sum(p.price_cents for p in products))
    customer_id = customer.id if customer else None
    order = _made(Order(customer_id=customer_id, **_of_store(store), **fields))
    for position, product in enumerate(products, 1):
        money = {"unit_price_cents": product.price_cents, "amount_cents": product.price_cents}
        keys = {"merchant_id": order.merchant_id, "order_id": order.id, "product_id": product.id}
        earns = {"earns_points": product.earns_points}
        _made(OrderLine(name=product.name, position=position, **keys, **money, **earns))
    return order


def give(
    card: LoyaltyCard,
    *,
    points: int = 0,
    stamps: int = 0,
    kind: str = "import",
    at: datetime = NOW,
    **more: Any,
) -> LoyaltyTransaction:
    """Move the card's balances by one row of the ledger; unless told, of the kind that may do anything."""
    visit = {name: more.pop(name) for name in ("source", "store_id", "batch_id") if name in more}
    by = more.pop("by", OWNER)
    more = {"rule_snapshot": {}, **more}
    with within(card.merchant_id), _remembering():
        account = open_account(card.id, Visit(by=by, now=at, **visit))
        row = account.post(kind, points=points, stamps=stamps, **more)
        db.session.commit()
    return row


def make_earn(
    order: Order, card: LoyaltyCard, *, at: datetime | None = None, **more: Any
) -> LoyaltyTransaction:
    """Let the order earn by the rules of its program, at the till; lines that earn nothing are left out."""
    visit = Visit(
        by=more.pop("by", OWNER), now=at or order.occurred_at, source="till", store_id=order.store_id
    )
    with within(order.merchant_id), _remembering():
        mine = (OrderLine.merchant_id == order.merchant_id, OrderLine.order_id == order.id)
        nothing = select(OrderLine.amount_cents).where(*mine, OrderLine.earns_points.is_(False))
        amounts = {"spent_cents": order.total_cents, "excluded_cents": sum(db.session.scalars(nothing))}
        posting = earn(card.id, order_id=order.id, visit=visit, **{**amounts, **more})
        db.session.commit()
    return next(row for row in posting.rows if row.type == "earn")


def make_everything(merchant: Merchant) -> SimpleNamespace:
    """One row of every kind that can die, in one store."""
    store, program = make_store(merchant), make_program(merchant)
    owner, member = first_owner(merchant), make_member(store)
    customer, product = make_customer(merchant), make_product(store)
    card = make_card(program, customer)
    return SimpleNamespace(
        merchant=merchant,
        store=store,
        owner=owner,
        member=member,
        product=product,
        device=make_device(store),
        pin=make_pin(store, member),
        owner_pin=make_pin(store, owner),
        customer=customer,
        program=program,
        reward=make_reward(program),
        card=card,
        token=make_token(card),
        order=make_order(store, customer, [product]),
    )


def act_of(merchant: Merchant | int, act_id: int) -> Deletion:
    """Read a deletion again, with what other sessions wrote into it."""
    merchant_id = merchant if isinstance(merchant, int) else merchant.id
    return db.session.get(Deletion, (merchant_id, act_id), populate_existing=True)


def _of_store(store: Store) -> dict[str, int]:
    return {"merchant_id": store.merchant_id, "store_id": store.id}


def _merchant_of(row: Any) -> Merchant:
    merchant = db.session.get(Merchant, row.merchant_id)
    assert merchant is not None
    return merchant


def _made(row: Any) -> Any:
    scope = getattr(row, "merchant_id", None)
    with scoped(db.session, scope or db.session().info.get("scope")), _remembering():
        db.session.add(row)
        db.session.commit()
    return row


@contextmanager
def _remembering() -> Any:
    """Leave what is committed readable, with no transaction left open behind it."""
    session = db.session()
    session.expire_on_commit = False
    try:
        yield
    finally:
        session.expire_on_commit = True

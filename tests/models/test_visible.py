"""What a query may see: over many shapes, no dead row and no other merchant's."""

import pickle
from collections import Counter

import pytest
from sqlalchemy import (
    and_,
    case,
    delete,
    exists,
    extract,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    tuple_,
    union,
    union_all,
    update,
)
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import (
    Bundle,
    aliased,
    contains_eager,
    defer,
    immediateload,
    joinedload,
    load_only,
    selectinload,
    subqueryload,
    with_parent,
)
from werkzeug.exceptions import NotFound

from portal.errors import NoMerchant
from portal.extensions import db
from portal.models import (
    Customer,
    Merchant,
    MerchantOwner,
    Order,
    OrderLine,
    Product,
    Store,
    StoreUser,
    User,
)
from portal.models.actor import OPERATOR
from portal.models.soft_delete import including_deleted
from portal.models.tenancy import Person, across_merchants, merchant_of, scoped
from portal.models.visible import visible
from portal.services import trash
from tests.factories import NOW, within
from tests.models.world import make_world

LIVING = ["live", "second"]
ALL = ["buried", "dead", "live", "second"]
OTHER = aliased(Product)
HOT = visible(select(Product).order_by(Product.id))


@pytest.fixture
def world(app):
    return make_world()


@pytest.fixture
def s(session, world):
    """The session, in the scope of merchant a."""
    with within(world.a.id):
        yield session
        session.rollback()


def names(rows):
    """The last words of the rows' names, sorted; a row of merchant b keeps its letter."""
    texts = [getattr(row, "name", row) for row in rows]
    return sorted(str(text).removeprefix("a ") for text in texts)


def by_number(rows):
    return names(row.number for row in rows)


def p(*columns):
    return select(*columns or (Product,))


def recursive():
    top = select(Product.id, Product.name, literal(0).label("depth")).cte("walk", recursive=True)
    step = select(Product.id, Product.name, top.c.depth + 1)
    return top.union_all(step.join(top, Product.id == top.c.id).where(top.c.depth < 1))


def of_store(s, option):
    return names(s.scalars(select(Store).options(option)).unique().one().products)


def seen(store):
    return names(store.products)


def in_batches(result):
    return names(row for part in result for row in part)


def move_behind(s, store):
    """Move a living and a dead product to the store, behind the session's back."""
    products = Product.__table__
    some = products.c.name.in_(["a live", "a dead"])
    mine = (products.c.merchant_id == store.merchant_id, some)
    move = update(products).where(*mine).values(store_id=store.id)
    s.execute(move, execution_options={"include_deleted": True})


def fresh_store(s, w):
    """A new store, then dead and living products behind the session's back."""
    store = Store(name="a new", store_code="new", join_code="new")
    s.add(store)
    s.flush()
    move_behind(s, store)
    return store


def lazily_from_insert(s, w):
    row = {"merchant_id": w.a.id, "name": "a new", "name_key": "", "store_code": "n", "join_code": "n"}
    store = s.scalars(insert(Store).returning(Store), [row]).one()
    move_behind(s, store)
    return seen(store)


def lazily_from_merge(s, w):
    store = s.get(Store, w.a.gare)
    s.expunge(store)
    return seen(s.merge(store))


def windowed():
    rank = func.row_number().over(order_by=Product.id).label("rank")
    ranked = select(Product.name, rank).subquery()
    return select(ranked.c.name).where(ranked.c.rank <= 9)


def per_store():
    count = select(func.count(Product.id)).where(Product.store_id == Store.id)
    return select(count.correlate(Store).scalar_subquery())


def with_dead_in_map(s, ident):
    """Load everything, the dead too, and keep it: then ask for one by its id."""
    kept = s.scalars(p().execution_options(include_deleted=True)).all()
    assert len(kept) == 4
    return s.get(Product, ident)


DEAD = Product.name == "a dead"
OF_STORE = Product.store_id == Store.id
BY_HAND = and_(Product.store_id == Store.id, Product.merchant_id == Store.merchant_id)

# name -> (what is asked, what is right)
SHAPES = {
    # one row
    "get the living": (lambda s, w: s.get(Product, w.a.live).name, "a live"),
    "get the dead": (lambda s, w: s.get(Product, w.a.dead), None),
    "get a buried one": (lambda s, w: s.get(Product, w.a.buried), None),
    "get by merchant and id": (lambda s, w: s.get(Product, (w.a.id, w.a.dead)), None),
    "get another merchant's": (lambda s, w: s.get(Product, w.b.live), None),
    "get a dead one that is loaded": (lambda s, w: with_dead_in_map(s, w.a.dead), None),
    "get a living one that is loaded": (lambda s, w: with_dead_in_map(s, w.a.live).name, "a live"),
    "get anew": (lambda s, w: s.get(Product, w.a.dead, populate_existing=True), None),
    "get and lock": (lambda s, w: s.get(Product, w.a.dead, with_for_update=True), None),
    "get with options": (
        lambda s, w: s.get(Product, w.a.dead, options=[selectinload(Product.store)]),
        None,
    ),
    "get a dead person": (lambda s, w: s.get(User, w.gone), None),
    "get a living person": (lambda s, w: s.get(User, w.a.person).display_name, "a here"),
    "one": (lambda s, w: s.scalars(p().where(Product.name.like("% live"))).one().name, "a live"),
    "one or none": (lambda s, w: s.scalars(p().where(DEAD)).one_or_none(), None),
    "first": (lambda s, w: s.scalars(p().order_by(Product.price_cents.desc())).first().name, "a live"),
    "scalar": (lambda s, w: s.scalar(select(func.max(Product.price_cents))), 100),
    # lists
    "entities": (lambda s, w: names(s.scalars(p())), LIVING),
    "of the merchant": (lambda s, w: names(s.scalars(Product.of(s.get(Merchant, w.a.id)))), LIVING),
    "of another merchant": (
        lambda s, w: names(s.scalars(Product.of(s.get(Merchant, w.b.id)))),
        [],
    ),
    "columns": (lambda s, w: names(s.scalars(p(Product.name))), LIVING),
    "columns through execute": (lambda s, w: names(r.name for r in s.execute(p(Product.name))), LIVING),
    "a bundle": (
        lambda s, w: names(r[0].name for r in s.execute(p(Bundle("b", Product.name)))),
        LIVING,
    ),
    "mappings": (lambda s, w: names(r["name"] for r in s.execute(p(Product.name)).mappings()), LIVING),
    "unique": (lambda s, w: names(s.scalars(p()).unique()), LIVING),
    "partitions": (lambda s, w: in_batches(s.scalars(p()).partitions(1)), LIVING),
    "yield per": (
        lambda s, w: names(s.scalars(p().execution_options(yield_per=1))),
        LIVING,
    ),
    "streamed": (
        lambda s, w: names(s.scalars(p().execution_options(stream_results=True))),
        LIVING,
    ),
    "where or": (lambda s, w: names(s.scalars(p().where(or_(DEAD, true())))), LIVING),
    "in a list": (
        lambda s, w: names(s.scalars(p().where(Product.id.in_([w.a.dead, w.a.live, w.b.live])))),
        ["live"],
    ),
    "in a list of pairs": (
        lambda s, w: names(
            s.scalars(
                p().where(
                    tuple_(Product.merchant_id, Product.id).in_(
                        [(w.a.id, w.a.dead), (w.a.id, w.a.live), (w.b.id, w.b.live)]
                    )
                )
            )
        ),
        ["live"],
    ),
    "limit and offset": (
        lambda s, w: names(s.scalars(p().order_by(Product.id).limit(9).offset(1))),
        ["second"],
    ),
    "distinct": (lambda s, w: len(s.scalars(p(Product.store_id).distinct()).all()), 1),
    "load only": (lambda s, w: names(s.scalars(p().options(load_only(Product.name)))), LIVING),
    "deferred": (
        lambda s, w: names(x.name for x in s.scalars(p().options(defer(Product.name)))),
        LIVING,
    ),
    "locked": (lambda s, w: names(s.scalars(p().with_for_update())), LIVING),
    "read anew": (
        lambda s, w: names(s.scalars(p().execution_options(populate_existing=True))),
        LIVING,
    ),
    "a hot constant": (lambda s, w: names(s.scalars(HOT)), LIVING),
    "a hot constant, limited": (lambda s, w: names(s.scalars(HOT.limit(1))), ["live"]),
    # sums
    "count all": (lambda s, w: s.scalar(select(func.count()).select_from(Product)), 2),
    "count ids": (lambda s, w: s.scalar(p(func.count(Product.id))), 2),
    "count a subquery": (lambda s, w: s.scalar(select(func.count()).select_from(p().subquery())), 2),
    "sum": (lambda s, w: s.scalar(p(func.sum(Product.price_cents))), 120),
    "sum of cases": (lambda s, w: s.scalar(p(func.sum(case((DEAD, 1), else_=0)))), 0),
    "filtered count": (lambda s, w: s.scalar(p(func.count(Product.id).filter(DEAD))), 0),
    "group by": (
        lambda s, w: (
            s.execute(
                p(Product.store_id, func.count()).group_by(Product.store_id).having(func.count() > 0)
            ).all()
            == [(w.a.gare, 2)]
        ),
        True,
    ),
    "a window": (lambda s, w: names(s.scalars(windowed())), LIVING),
    "a running sum": (
        lambda s, w: max(s.scalars(p(func.sum(Product.price_cents).over()))),
        120,
    ),
    # subqueries
    "a subquery's columns": (lambda s, w: names(s.scalars(select(p().subquery().c.name))), LIVING),
    "an entity over a subquery": (
        lambda s, w: names(s.scalars(select(aliased(Product, p().subquery())))),
        LIVING,
    ),
    "in a subquery": (
        lambda s, w: names(s.scalars(p().where(Product.id.in_(select(OTHER.id))))),
        LIVING,
    ),
    "not in a subquery": (
        lambda s, w: names(s.scalars(p().where(Product.id.not_in(select(OTHER.id).where(OTHER.id > 0))))),
        [],
    ),
    "a scalar subquery": (
        lambda s, w: s.scalar(select(select(func.count(Product.id)).scalar_subquery())),
        2,
    ),
    "a correlated count": (lambda s, w: s.scalars(per_store()).all(), [2]),
    "exists alone": (lambda s, w: s.scalar(select(exists().where(DEAD))), False),
    "not exists alone": (lambda s, w: s.scalar(select(~exists().where(DEAD))), True),
    "a part of a date": (
        lambda s, w: len(s.scalars(select(func.count(extract("year", Product.created_at)))).all()),
        1,
    ),
    "the parts of dates": (
        lambda s, w: len(s.execute(select(extract("year", Product.created_at))).all()),
        2,
    ),
    "a truth": (lambda s, w: s.execute(select(~Product.earns_points)).all(), [(False,)] * 2),
    "exists of a select": (lambda s, w: s.scalar(select(exists(p().where(DEAD)))), False),
    "exists of the living": (lambda s, w: s.scalar(select(exists(p()))), True),
    "where exists": (
        lambda s, w: names(s.scalars(select(Store).where(exists().where(BY_HAND, DEAD)))),
        [],
    ),
    "where exists a select": (
        lambda s, w: names(s.scalars(select(Store).where(p(Product.id).where(BY_HAND, DEAD).exists()))),
        [],
    ),
    "where not exists": (
        lambda s, w: names(s.scalars(select(Store).where(~exists().where(BY_HAND, DEAD)))),
        ["gare"],
    ),
    "where any of a lookup": (
        lambda s, w: names(s.scalars(p().where(Product.store_id == select(Store.id).scalar_subquery()))),
        LIVING,
    ),
    "ordered by a subquery": (
        lambda s, w: names(
            s.scalars(
                select(Store).order_by(
                    select(func.count(Product.id)).where(OF_STORE).correlate(Store).scalar_subquery()
                )
            )
        ),
        ["gare"],
    ),
    "any": (lambda s, w: names(s.scalars(select(Store).where(Store.products.any(DEAD)))), []),
    "any at all": (lambda s, w: names(s.scalars(select(Store).where(Store.products.any()))), ["gare"]),
    "not any": (lambda s, w: names(s.scalars(select(Store).where(~Store.products.any(DEAD)))), ["gare"]),
    "has": (lambda s, w: names(s.scalars(p().where(Product.store.has()))), LIVING),
    "has a dead one": (
        lambda s, w: by_number(s.scalars(select(Order).where(Order.store.has(Store.name == "a quai")))),
        [],
    ),
    "any through a join": (
        lambda s, w: names(
            s.scalars(select(Store).where(Store.store_users.any(StoreUser.user.has(User.id > 0))))
        ),
        ["gare"],
    ),
    # joins
    "join": (lambda s, w: names(s.scalars(p(Product.name).join(Product.store))), LIVING),
    "join the other way": (
        lambda s, w: names(s.scalars(select(Product.name).select_from(Store).join(Store.products))),
        LIVING,
    ),
    "join by hand": (lambda s, w: names(s.scalars(p().join(Store, BY_HAND))), LIVING),
    "join with more": (
        lambda s, w: names(s.scalars(select(Store).join(Store.products.and_(DEAD)))),
        [],
    ),
    "outer join": (
        lambda s, w: sorted(
            str(name)
            for name in s.scalars(
                select(Product.name).select_from(Store).outerjoin(Store.products.and_(DEAD))
            )
        ),
        ["None"],
    ),
    "join an alias": (
        lambda s, w: names(
            s.scalars(select(OTHER.name).select_from(Store).join(OTHER, OTHER.store_id == Store.id))
        ),
        LIVING,
    ),
    "join itself": (
        lambda s, w: Counter(
            s.execute(p(Product.name, OTHER.name).join(OTHER, Product.store_id == OTHER.store_id))
            .scalars()
            .all()
        ),
        Counter({"a live": 2, "a second": 2}),
    ),
    "join a subquery": (
        lambda s, w: names(
            s.scalars(select(Store).join(sub := p().where(DEAD).subquery(), sub.c.store_id == Store.id))
        ),
        [],
    ),
    "two entities": (
        lambda s, w: names(row[0] for row in s.execute(select(Product, Store).join(Product.store))),
        LIVING,
    ),
    "the product of two tables": (
        lambda s, w: len(s.execute(select(Product.id, Customer.id).join(Customer, true())).all()),
        2,
    ),
    "a sum over lines reads their order": (
        lambda s, w: s.scalar(select(func.sum(OrderLine.amount_cents)).join(OrderLine.order)),
        3100,
    ),
    "join through parts": (
        lambda s, w: names(
            s.scalars(select(Product.name).select_from(Order).join(Order.lines).join(OrderLine.product))
        ),
        ["live"],
    ),
    # tables made on the way
    "common table expression": (lambda s, w: names(s.scalars(select(p().cte().c.name))), LIVING),
    "entity over a common table expression": (
        lambda s, w: names(s.scalars(select(aliased(Product, p().cte())))),
        LIVING,
    ),
    "recursive": (lambda s, w: names(set(s.scalars(select(recursive().c.name)))), LIVING),
    "union": (
        lambda s, w: names(s.scalars(union(p(Product.name), p(Product.name).where(DEAD)))),
        LIVING,
    ),
    "union of entities": (
        lambda s, w: names(s.scalars(select(Product).from_statement(union_all(p().where(DEAD), p())))),
        LIVING,
    ),
    "entity over a union": (
        lambda s, w: names(s.scalars(select(aliased(Product, union_all(p(), p().where(DEAD)).subquery())))),
        LIVING,
    ),
    "except": (
        lambda s, w: names(s.scalars(p(Product.name).except_(p(Product.name).where(DEAD)))),
        LIVING,
    ),
    "intersect": (
        lambda s, w: names(s.scalars(p(Product.name).intersect(p(Product.name)))),
        LIVING,
    ),
    # collections
    "lazy": (lambda s, w: seen(s.get(Store, w.a.gare)), LIVING),
    "lazy from a constant": (
        lambda s, w: seen(s.scalars(visible(select(Store))).one()),
        LIVING,
    ),
    "selectinload": (lambda s, w: of_store(s, selectinload(Store.products)), LIVING),
    "joinedload": (lambda s, w: of_store(s, joinedload(Store.products)), LIVING),
    "subqueryload": (lambda s, w: of_store(s, subqueryload(Store.products)), LIVING),
    "immediateload": (lambda s, w: of_store(s, immediateload(Store.products)), LIVING),
    "loaded with more": (
        lambda s, w: of_store(s, selectinload(Store.products.and_(Product.price_cents > 50))),
        ["live"],
    ),
    "two deep": (
        lambda s, w: names(
            m.user.display_name
            for m in s.scalars(
                select(Store).options(selectinload(Store.store_users).selectinload(StoreUser.user))
            )
            .one()
            .store_users
        ),
        ["here"],
    ),
    "contains_eager": (
        lambda s, w: names(
            s.scalars(select(Store).join(Store.products).options(contains_eager(Store.products)))
            .unique()
            .one()
            .products
        ),
        LIVING,
    ),
    "with parent": (
        lambda s, w: names(s.scalars(p().where(with_parent(s.get(Store, w.a.gare), Store.products)))),
        LIVING,
    ),
    "lazy from a new object": (lambda s, w: seen(fresh_store(s, w)), ["live"]),
    "lazy from a merged object": (lazily_from_merge, LIVING),
    "lazy from an inserted row": (lazily_from_insert, ["live"]),
    "lazy after expire": (lambda s, w: (s.expire(x := s.get(Store, w.a.gare)), seen(x))[1], LIVING),
    "lazy after refresh": (lambda s, w: (s.refresh(x := s.get(Store, w.a.gare)), seen(x))[1], LIVING),
    "refresh of the collection": (
        lambda s, w: (s.refresh(x := s.get(Store, w.a.gare), ["products"]), seen(x))[1],
        LIVING,
    ),
    "lazy of a dead owner": (
        lambda s, w: seen(s.get(Store, w.a.quai, execution_options={"include_deleted": True})),
        [],
    ),
    "lazy of a person": (
        lambda s, w: [m.merchant_id == w.a.id for m in s.get(User, w.a.person).store_users],
        [True],
    ),
    # changes
    "update": (lambda s, w: s.execute(update(Product).values(category="x")).rowcount, 2),
    "update of the dead": (lambda s, w: s.execute(update(Product).where(DEAD).values(sku="x")).rowcount, 0),
    "update without memory": (
        lambda s, w: (
            s.execute(
                update(Product).values(category="x"), execution_options={"synchronize_session": False}
            ).rowcount
        ),
        2,
    ),
    "update with a subquery": (
        lambda s, w: (
            s.execute(
                update(Product).where(Product.store_id.in_(select(Store.id))).values(category="x")
            ).rowcount
        ),
        2,
    ),
    "update that answers": (
        lambda s, w: names(s.scalars(update(Product).values(category="x").returning(Product.name))),
        LIVING,
    ),
    "update for all, the dead too": (
        lambda s, w: (
            s.execute(
                update(Product).values(category="x"), execution_options={"include_deleted": True}
            ).rowcount
        ),
        4,
    ),
    "delete of parts": (
        lambda s, w: s.execute(delete(OrderLine).where(OrderLine.id > 0)).rowcount,
        3,
    ),
    # the old way
    "query": (lambda s, w: names(s.query(Product)), LIVING),
    "query count": (lambda s, w: s.query(Product).count(), 2),
    "query filter": (lambda s, w: s.query(Product).filter_by(name="a dead").first(), None),
    "query exists": (lambda s, w: s.query(s.query(Product).where(DEAD).exists()).scalar(), False),
    "query paginate": (lambda s, w: db.paginate(p()).total, 2),
    "query update": (lambda s, w: s.query(Product).update({"category": "x"}), 2),
    # said aloud
    "the dead too": (
        lambda s, w: names(s.scalars(p(), execution_options={"include_deleted": True})),
        ALL,
    ),
    "the dead too, from a constant": (
        lambda s, w: names(s.scalars(HOT, execution_options={"include_deleted": True})),
        ALL,
    ),
    "the dead too, one": (
        lambda s, w: s.get(Product, w.a.dead, execution_options={"include_deleted": True}).name,
        "a dead",
    ),
    "the dead too, one that is loaded": (
        lambda s, w: (
            s.scalars(p(), execution_options={"include_deleted": True}).all(),
            s.get(Product, w.a.dead, execution_options={"include_deleted": {Product}}).name,
        )[1],
        "a dead",
    ),
    "the dead too, another merchant's": (
        lambda s, w: s.get(Product, w.b.dead, execution_options={"include_deleted": True}),
        None,
    ),
    "the dead of one kind": (
        lambda s, w: names(s.scalars(p(), execution_options={"include_deleted": {Product}})),
        ALL,
    ),
    "the dead of one kind hide those of another": (
        lambda s, w: names(
            s.scalars(
                p().join(Product.store),
                execution_options={"include_deleted": {Product}},
            )
        ),
        ["dead", *LIVING],
    ),
    "the dead of another kind": (
        lambda s, w: names(s.scalars(p(), execution_options={"include_deleted": {Store}})),
        LIVING,
    ),
    "the dead of two kinds": (
        lambda s, w: names(
            s.scalars(p().join(Product.store), execution_options={"include_deleted": {Product, Store}})
        ),
        ALL,
    ),
    "the dead in a collection": (
        lambda s, w: names(
            s.scalars(
                select(Store).options(selectinload(Store.products)).where(Store.id == w.a.gare),
                execution_options={"include_deleted": True},
            )
            .one()
            .products
        ),
        ["dead", *LIVING],
    ),
    "the dead through the merchants' door": (
        lambda s, w: len(s.scalars(select(Merchant), execution_options={"include_deleted": True}).all()),
        2,
    ),
}


def test_a_query_sees_the_living_of_one_merchant(s, world, subtests):
    for shape, (ask, right) in SHAPES.items():
        with subtests.test(shape):
            assert ask(s, world) == right
        s.rollback()
        s.expunge_all()


def test_an_uncovered_select_sees_the_dead_when_it_says_so(s, world):
    dead = select(exists().where(DEAD))
    assert s.scalar(dead, execution_options={"include_deleted": True}) is True
    assert s.execute(dead).scalar() is False
    assert s.scalars(dead).all() == [False]


def test_an_uncovered_select_needs_a_merchant(session, world):
    with pytest.raises(NoMerchant):
        session.scalar(select(exists().where(DEAD)))


def test_there_are_many_shapes():
    assert len(SHAPES) > 100


# to-one: an owner of the living lives, and history stays readable

TO_ONE = {
    "lazy": (),
    "selectinload": (selectinload(Order.store), selectinload(Order.customer)),
    "subqueryload": (subqueryload(Order.store), subqueryload(Order.customer)),
    "immediateload": (immediateload(Order.store), immediateload(Order.customer)),
}


@pytest.mark.parametrize("how", TO_ONE)
def test_an_order_remembers_its_dead_store_and_customer(s, world, how):
    order = s.scalars(select(Order).options(*TO_ONE[how])).one()
    assert (order.store.name, order.customer.name) == ("a quai", "a lost")
    assert order.store.is_deleted


def test_lines_remember_dead_products(s, world):
    chain = selectinload(Order.lines).selectinload(OrderLine.product)
    for options in ((), (chain,)):
        s.expunge_all()
        order = s.scalars(select(Order).options(*options)).one()
        assert names(line.product for line in order.lines) == ["dead", "live"]


def test_a_to_one_hides_another_merchants_row(s, world):
    order = s.scalars(select(Order)).one()
    with s.no_autoflush:
        order.store_id = world.b.gare
        s.expire(order, ["store"])
        assert order.store is None
    s.rollback()


def test_reports_join_the_dead_by_saying_so(s, world):
    revenue = select(func.sum(OrderLine.amount_cents)).join(OrderLine.order).join(OrderLine.product)
    assert s.scalar(revenue) == 100
    assert s.scalar(revenue, execution_options={"include_deleted": {Product}}) == 3100


# the dead on purpose


def test_within_including_deleted_lazy_loads_show_the_dead(s, world):
    with including_deleted(s):
        store = s.get(Store, world.a.quai)
        assert seen(store) == ["buried"]
    s.expire_all()
    assert seen(store) == []


def test_including_deleted_of_one_kind_reaches_lazy_loads(s, world):
    store = s.get(Store, world.a.gare)
    with including_deleted(s, {Product}):
        assert seen(store) == ["dead", *LIVING]
        assert names(s.scalars(select(Store))) == ["gare"]


def test_including_deleted_ends_where_it_ends(s, world):
    with including_deleted(s, {Product}):
        with including_deleted(s):
            assert len(s.scalars(select(Store)).all()) == 2
        assert len(s.scalars(select(Store)).all()) == 1
    assert names(s.scalars(p())) == LIVING


def test_including_deleted_never_shows_another_merchants_rows(s, world):
    with including_deleted(s):
        assert {x.merchant_id for x in s.scalars(p())} == {world.a.id}
        with pytest.raises(NoMerchant):
            s.get(Product, (world.b.id, world.b.live))


def test_a_list_and_its_total_agree_on_the_dead(s, world):
    page = db.paginate(p().execution_options(include_deleted=True))
    with including_deleted(s):
        page = db.paginate(p())
        assert (len(page.items), page.total) == (4, 4)


# the moment of dying


def test_get_does_not_find_what_just_died(s, world):
    product = s.get(Product, world.a.live)
    trash.soft_delete(product, by=OPERATOR, now=NOW)
    assert s.get(Product, world.a.live) is None


def test_a_loaded_collection_loses_what_just_died(s, world):
    store = s.get(Store, world.a.gare)
    assert seen(store) == LIVING
    trash.soft_delete(s.get(Product, world.a.live), by=OPERATOR, now=NOW)
    assert seen(store) == ["second"]


def test_a_loaded_collection_regains_what_was_restored(s, world):
    store = s.get(Store, world.a.gare)
    act = trash.soft_delete(s.get(Product, world.a.live), by=OPERATOR, now=NOW)
    assert seen(store) == ["second"]
    trash.restore(act, by=OPERATOR, now=NOW)
    assert seen(store) == LIVING


def test_unflushed_changes_outlive_a_death(s, world):
    second = s.get(Product, world.a.second)
    second.category = "kept"
    trash.soft_delete(s.get(Product, world.a.live), by=OPERATOR, now=NOW)
    assert second.category == "kept"


def test_a_dead_row_can_be_refreshed(s, world):
    dead = s.get(Product, world.a.dead, execution_options={"include_deleted": True})
    s.refresh(dead)
    s.expire(dead)
    assert dead.name == "a dead"


# refused


def test_get_or_404_does_not_find_the_dead(s, world):
    for ident in (world.a.dead, world.b.live):
        with pytest.raises(NotFound):
            db.get_or_404(Product, ident)
    with pytest.raises(NotFound):
        db.one_or_404(p().where(DEAD))


def test_get_one_does_not_find_the_dead(s, world):
    with pytest.raises(NoResultFound):
        s.get_one(Product, world.a.dead)


def test_the_legacy_get_is_refused(s, world):
    with pytest.raises(RuntimeError, match=r"not Query\.get"):
        s.query(Product).get(world.a.dead)


@pytest.mark.parametrize("kind", ["live", "dead"])
def test_a_mortal_row_is_never_deleted_by_the_session(s, world, kind):
    product = s.get(Product, getattr(world.a, kind), execution_options={"include_deleted": True})
    with pytest.raises(TypeError, match="soft_delete"):
        s.delete(product)


def test_merging_onto_a_dead_key_inserts_no_second_row(s, world):
    copy = Product(
        merchant_id=world.a.id, id=world.a.dead, store_id=world.a.gare, name="a dead", price_cents=1
    )
    merged = s.merge(copy)
    assert merged.is_deleted
    s.flush()
    count = s.scalar(select(func.count(Product.id)), execution_options={"include_deleted": True})
    assert count == 4


INSERTS = {
    "from a select": lambda: insert(Product).from_select(
        ["merchant_id", "store_id", "name", "name_key", "price_cents"],
        select(Product.merchant_id, Product.store_id, Product.name, Product.name_key, literal(1)),
    ),
    "of values": lambda: insert(Product).values(name="x", name_key="x", price_cents=1),
    "of people from a select": lambda: insert(User).from_select(["display_name"], select(User.display_name)),
}


@pytest.mark.parametrize("how", INSERTS)
def test_an_insert_that_hides_its_rows_is_refused(s, how):
    with pytest.raises(RuntimeError, match="pass rows as parameters"):
        s.execute(INSERTS[how]())


def product_row(half, **fields):
    row = {"store_id": half.gare, "name": "x", "name_key": "x", "price_cents": 1}
    return row | fields


def test_bulk_rows_take_the_merchant_of_the_scope(s, world):
    s.execute(insert(Product), [product_row(world.a)])
    assert s.scalars(p(Product.merchant_id).where(Product.name == "x")).one() == world.a.id


def test_bulk_rows_may_name_the_merchant(s, world):
    s.execute(insert(Product), [product_row(world.a, merchant_id=world.a.id)])
    assert len(s.scalars(p()).all()) == 3


def test_bulk_rows_of_another_merchant_are_refused(s, world):
    with pytest.raises(NoMerchant):
        s.execute(insert(Product), [product_row(world.b, merchant_id=world.b.id)])


def test_one_row_of_another_merchant_among_many_is_refused(s, world):
    rows = [product_row(world.a, merchant_id=m) for m in (world.a.id, world.b.id)]
    with pytest.raises(NoMerchant):
        s.execute(insert(Product), rows)


def test_a_table_that_is_nobodys_takes_any_insert(s, now):
    from portal.models import SignInAttempt

    s.execute(insert(SignInAttempt).values(subject="x", attempted_at=now))
    assert len(s.scalars(select(SignInAttempt)).all()) == 1


BULK = {
    "by key": lambda s, row: s.execute(update(Product), [row]),
    "mappings": lambda s, row: s.bulk_update_mappings(Product, [row]),
    "objects": lambda s, row: s.bulk_save_objects([Product(**row)]),
    "new mappings": lambda s, row: s.bulk_insert_mappings(Product, [row]),
}


@pytest.mark.parametrize("how", BULK)
def test_bulk_changes_that_would_pass_by_the_checks_are_refused(s, world, how):
    row = product_row(world.b, merchant_id=world.b.id, id=world.b.dead)
    with pytest.raises(RuntimeError, match="not in bulk"):
        BULK[how](s, row)


@pytest.mark.parametrize("column", ["merchant_id", "store_id", "deletion_id"])
def test_rows_are_not_moved_or_killed_without_looking_at_them(s, world, column):
    with pytest.raises(RuntimeError, match=f"change {column} row by row"):
        s.execute(update(Product).values({column: 1}))
    with pytest.raises(RuntimeError, match=f"change {column} row by row"):
        s.execute(update(Product).where(Product.id == 1), {column: 1})


def test_mortal_rows_are_not_deleted_by_a_condition(s, world):
    with pytest.raises(TypeError, match="soft_delete"):
        s.execute(delete(Product).where(DEAD))
    with pytest.raises(TypeError, match="soft_delete"):
        s.query(Product).delete()


# whose


def test_without_a_merchant_a_tenant_table_cannot_be_asked(session, world):
    for statement in (
        select(Product),
        select(func.count()).select_from(Product),
        select(User).where(User.store_users.any()),
        select(Merchant).join(Merchant.owners),
        update(Product).values(category="x"),
        delete(OrderLine),
        select(User).where(exists().where(StoreUser.user_id == User.id)),
    ):
        with pytest.raises(NoMerchant):
            session.execute(statement)
        session.rollback()


def test_without_a_merchant_no_tenant_row_is_loaded_by_id(session, world):
    with pytest.raises(NoMerchant):
        session.get(Product, world.a.live)
    with pytest.raises(NoMerchant):
        session.get(Product, (world.a.id, world.a.live))


def test_without_a_merchant_a_collection_cannot_be_read(session, world):
    person = session.get(User, world.a.person)
    with pytest.raises(NoMerchant):
        _ = person.store_users


def test_without_a_merchant_the_platforms_tables_are_read(session, world):
    assert names(u.display_name for u in session.scalars(select(User)) if "here" in u.display_name) == [
        "b here",
        "here",
    ]
    assert "Gone" not in [u.display_name for u in session.scalars(select(User))]
    assert len(session.scalars(select(Merchant)).all()) == 2


def test_without_a_merchant_no_tenant_row_is_written(session, world):
    session.add(Product(store_id=world.a.gare, name="x", price_cents=1))
    with pytest.raises(NoMerchant):
        session.flush()


def test_in_one_scope_no_row_of_another_merchant_is_written(s, world):
    s.add(Product(merchant_id=world.b.id, store_id=world.b.gare, name="x", price_cents=1))
    with pytest.raises(NoMerchant):
        s.flush()


def test_a_row_never_changes_its_merchant(s, world):
    s.get(Product, world.a.live).merchant_id = world.b.id
    with pytest.raises(NoMerchant, match="never changes"):
        s.flush()


def test_across_merchants_sees_the_living_of_all(session, world):
    with across_merchants(session, "a test"):
        found = names(session.scalars(select(Product)))
        assert found == ["b live", "b second", *LIVING]
        assert names(session.scalars(HOT)) == found
        assert session.get(Product, (world.b.id, world.b.live)).name == "b live"
        assert session.get(Product, (world.b.id, world.b.dead)) is None
        assert len(session.scalars(select(Product), execution_options={"include_deleted": True}).all()) == 8
        of_one = {"include_deleted": {Product}}
        assert len(session.scalars(select(Product), execution_options=of_one).all()) == 8


def test_across_merchants_a_bare_id_is_refused(session, world):
    with across_merchants(session, "a test"), pytest.raises(NoMerchant):
        session.get(Product, world.a.live)


def test_across_merchants_wants_a_reason(session):
    with pytest.raises(ValueError, match="say why"):
        across_merchants(session, "")


def test_the_chooser_sees_the_own_memberships_alone(session, world):
    with scoped(session, Person(world.a.person)):
        assert [m.id for m in session.scalars(select(StoreUser))] == [world.a.here]
        assert session.scalars(select(MerchantOwner)).all() == []
        with including_deleted(session):
            assert [m.id for m in session.scalars(select(StoreUser))] == [world.a.here]
        with pytest.raises(NoMerchant):
            session.scalars(select(Product)).all()


def test_at_the_door_the_own_memberships_and_that_merchant_are_seen(session, world):
    with scoped(session, Person(world.a.person, world.a.id)):
        assert [m.id for m in session.scalars(select(StoreUser))] == [world.a.here]
        assert set(session.scalars(select(Product.merchant_id))) == {world.a.id}
        session.add(Product(merchant_id=world.a.id, store_id=1, name="X", price_cents=1))
        with pytest.raises(NoMerchant):
            session.flush()
        session.rollback()


def test_outside_the_chooser_a_person_is_in_no_scope(session, world):
    with scoped(session, Person(world.a.person)):
        statement = select(StoreUser)
        assert len(session.scalars(statement).all()) == 1
    with pytest.raises(NoMerchant):
        session.scalars(statement).all()


def test_a_scope_is_given_back_after_an_error(session, world):
    with within(world.a.id):
        with pytest.raises(KeyError), within(world.b.id):
            raise KeyError
        assert merchant_of(session) == world.a.id
        session.rollback()
    assert merchant_of(session) is None


def test_work_left_unflushed_belongs_to_its_scope(session, world):
    with within(world.a.id):
        session.get(Product, world.a.live).category = "mine"
        with within(world.b.id):
            assert session.scalars(select(Product.category)).all() == [None, None]
        assert "mine" in session.scalars(select(Product.category)).all()
        session.rollback()


def test_two_sessions_keep_their_scopes_apart(session, world, elsewhere):
    def other():
        with within(world.b.id):
            return names(db.session.scalars(select(Product)))

    with within(world.a.id):
        session().info["read_only"] = True
        rows = iter(session.scalars(select(Product).order_by(Product.id).execution_options(yield_per=1)))
        first = next(rows)
        assert elsewhere(other).result() == ["b live", "b second"]
        assert names([first, *rows]) == LIVING
        session.rollback()


# loaded rows


def test_loaded_rows_can_be_pickled(s, world):
    store = s.scalars(select(Store).options(selectinload(Store.products))).one()
    copy = pickle.loads(pickle.dumps(store))
    assert seen(copy) == LIVING


def test_a_pickled_row_that_comes_back_still_hides_the_dead(s, world):
    words = pickle.dumps(s.scalars(select(Store)).one())
    s.expunge_all()
    store = pickle.loads(words)
    s.add(store)
    assert seen(store) == LIVING


def test_the_prebuilt_option_adds_no_statement_to_the_cache(s, world):
    s.scalars(p()).all()
    engine = s.get_bind()
    size = len(engine._compiled_cache)
    for _ in range(5):
        s.scalars(p()).all()
    assert len(engine._compiled_cache) == size

"""Something to try out."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from portal.errors import Conflict
from portal.extensions import db
from portal.models import (
    AuditEntry,
    ConsentEvent,
    Customer,
    Deletion,
    LoyaltyCard,
    LoyaltyProgram,
    LoyaltyTransaction,
    Merchant,
    MerchantOwner,
    Order,
    OrderLine,
    Product,
    RewardIssue,
    Store,
    StoreUser,
    User,
)
from portal.models.actor import OPERATOR
from portal.models.soft_delete import including_deleted
from portal.models.tenancy import across_merchants
from portal.services import accounts, demo, merchants, reviews, trash
from portal.services.ledger.expiring import due_at
from portal.services.ledger.verifying import verify
from tests.factories import NOW, make_merchant, within
from tests.tour import copy

SEEN = {"enrol", "welcome_bonus", "earn", "stamp", "stamp_complete", "redeem", "redeem_cancel"}
SEEN |= {"merge_in", "merge_out"}
SEEN |= {"refund_reversal", "void", "adjust", "expire"}
once = pytest.mark.sqlite  # building takes its time: what no engine can change is looked at on one
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Where the demo is kept once it was built on SQLite, for the next test to copy."""
    return tmp_path_factory.mktemp("demo") / "built.db"


@pytest.fixture
def cafe(session, engine_name, built):
    is_kept = engine_name == "sqlite" and built.exists()
    if is_kept:
        copy(built, db.engine.url.database)
    else:
        demo.build(seed=1, now=NOW)
        session.commit()
    if engine_name == "sqlite" and not is_kept:
        copy(db.engine.url.database, built)
    return merchants.find_merchant("cafe-lumiere")


def count(session, merchant, model):
    return session.scalar(select(func.count()).select_from(model.of(merchant).subquery()))


@once
def test_the_cafe_has_three_stores_nine_people_and_forty_products(session, cafe):
    with within(cafe):
        assert count(session, cafe, Store) == 3
        assert count(session, cafe, Product) == 40
        people = {m.user_id for m in session.scalars(StoreUser.of(cafe))}
        people |= {o.user_id for o in session.scalars(MerchantOwner.of(cafe))}
        assert len(people) == 9
        till_only = [u for u in session.scalars(select(User).where(User.id.in_(people))) if not u.can_sign_in]
        assert len(till_only) == 2


@once
def test_its_trash_holds_what_different_people_deleted(session, cafe):
    with within(cafe):
        acts = session.scalars(Deletion.of(cafe).order_by(Deletion.id)).all()
        assert [act.root_kind for act in acts] == ["stores", "customers", "store_users", *["products"] * 2]
        assert len({act.deleted_by_id for act in acts}) == 4
        assert all(0 < act.days_left(NOW) <= 30 for act in acts)


@once
def test_its_sales_stay_in_every_preview(session, cafe):
    with within(cafe):
        gare = session.scalars(Store.of(cafe).where(Store.store_code == "gare")).one()
        assert "orders" in {kind.name for kind in trash.preview(gare).stays}
    with across_merchants(session, "test"):
        assert trash.doctor() == []


@once
def test_its_past_carries_the_times_of_what_it_tells(session, cafe):
    with within(cafe):
        acts = session.scalars(Deletion.of(cafe)).all()
        told = session.scalars(select(AuditEntry).where(AuditEntry.merchant_id == cafe.id)).all()
        deleted = {e.details["deletion_id"]: e.occurred_at for e in told if e.action.endswith(".delete")}
        assert deleted == {act.id: act.deleted_at for act in acts}
        begun = [e for e in told if not e.action.endswith(".delete")]
        assert begun
        opening = [e for e in begun if e.occurred_at < NOW - timedelta(days=379)]
        assert len(opening) > 60
        assert all(NOW - e.occurred_at < timedelta(days=410) for e in opening)
        newest = sorted(told, key=lambda e: (e.occurred_at, e.id))
        assert [e.id for e in newest] == sorted(e.id for e in told)  # written in the order they happened
        joined = {m.created_at for m in session.scalars(StoreUser.of(cafe))}
        assert len(joined) > 5
        opened = min(s.created_at for s in session.scalars(Store.of(cafe)))
        assert all(opened < moment <= NOW - timedelta(days=380) for moment in joined)
        program = session.scalars(LoyaltyProgram.of(cafe)).one()
        cards = session.execute(
            select(LoyaltyCard.created_at, Customer.created_at).join(LoyaltyCard.customer)
        ).all()
        assert all(card == customer > program.created_at for card, customer in cards)
        assert max(row.updated_at for row in session.scalars(Product.of(cafe))) < NOW


@once
def test_neighbours_show_tenancy_and_one_person_works_for_two(session, cafe):
    assert len(session.scalars(select(Merchant)).all()) == 3
    luca = accounts.find_user("luca")
    with across_merchants(session, "test"):
        work = session.scalars(select(StoreUser.merchant_id).where(StoreUser.user_id == luca.id)).all()
    assert len(set(work)) == 2


@once
def test_everybody_named_may_sign_in(session, cafe):
    for username, _ in demo.SIGN_INS:
        user, _ = accounts.sign_in(username, demo.PASSWORD, now=NOW)
        assert user.username == username
    assert accounts.find_user("robin").is_platform_admin


def picture(session):
    cafe = merchants.find_merchant("cafe-lumiere")
    with within(cafe), including_deleted(session):
        names = session.scalars(
            select(Customer.name).where(Customer.merchant_id == cafe.id).order_by(Customer.id)
        )
        sales = session.execute(
            select(Order.number, Order.total_cents, Order.occurred_at)
            .where(Order.merchant_id == cafe.id)
            .order_by(Order.id)
        )
        return [*names, *(tuple(sale) for sale in sales)]


@once
def test_the_same_seed_makes_the_same_customers_and_sales(session):
    pictures = []
    for seed in (1, 1, 2):
        demo.build(seed=seed, now=NOW)
        pictures.append(picture(session))
        session.rollback()
    assert pictures[0] == pictures[1] != pictures[2]


def test_every_balance_is_the_sum_of_its_movements(session, cafe):
    row = LoyaltyTransaction
    with within(cafe), including_deleted(session):
        sums = select(row.card_id, func.sum(row.points_delta), func.sum(row.stamps_delta))
        counted = session.execute(sums.where(row.merchant_id == cafe.id).group_by(row.card_id)).all()
        kept = {c.id: (c.points_balance, c.stamps_balance) for c in session.scalars(LoyaltyCard.of(cafe))}
        assert {card: (points, stamps) for card, points, stamps in counted} == kept
        assert list(verify(cafe.id)) == []


@once
def test_its_ledger_is_about_a_year_long_and_tied_to_its_orders(session, cafe):
    row = LoyaltyTransaction
    with within(cafe):
        rows = session.scalars(row.of(cafe).order_by(row.id)).all()
        assert [r.created_at for r in rows] == sorted(r.created_at for r in rows)
        assert timedelta(days=330) < NOW - rows[0].created_at < timedelta(days=380)
        earned = [r for r in rows if r.type == "earn"]
        orders = {o.id: o for o in session.scalars(Order.of(cafe))}
        assert len(earned) > 400
        assert all(orders[r.order_id].total_cents == r.amount_cents for r in earned)
        assert {r.type for r in rows} >= SEEN
        statuses = set(session.scalars(select(RewardIssue.status).where(RewardIssue.merchant_id == cafe.id)))
        assert statuses == {"issued", "redeemed", "expired"}


@once
def test_the_kiosk_sold_until_it_closed(session, cafe):
    with within(cafe), including_deleted(session):
        last = select(Store.store_code, func.max(Order.occurred_at)).join(Order.store)
        latest = dict(session.execute(last.where(Order.merchant_id == cafe.id).group_by(Store.id)).all())
    closed = NOW - timedelta(days=12)
    assert latest.pop("kiosk") <= closed < min(latest.values())


@once
def test_its_members_differ(session, cafe):
    with within(cafe):
        cards = session.scalars(LoyaltyCard.of(cafe)).all()
        program = session.scalars(LoyaltyProgram.of(cafe)).one()
        assert {card.status for card in cards} == {"active", "suspended"}
        assert {card.tier_key for card in cards} == {"guest", "regular", "friend"}
        due = [due_at(card, program, cafe.zone) for card in cards if card.points_balance > 0]
        assert any(NOW < moment < NOW + timedelta(days=30) for moment in due)
        assert not [moment for moment in due if moment <= NOW]
        consents = session.scalars(select(ConsentEvent).where(ConsentEvent.merchant_id == cafe.id)).all()
        assert 0 < len(consents) < len(cards)
        assert reviews.how_many_open(cafe) == 1


@once
def test_nobody_is_sold_what_was_thrown_away(session, cafe):
    with within(cafe), including_deleted(session):
        late = select(Order.number).join(OrderLine.order).join(OrderLine.product)
        late = late.where(Order.merchant_id == cafe.id, Order.occurred_at > Product.deleted_at)
        assert session.scalars(late).all() == []


@once
def test_it_knows_whether_it_is_here_even_in_the_trash(session, cafe):
    assert demo.is_here()
    with within(cafe):
        merchants.delete_merchant(cafe, by=OPERATOR, now=NOW)
        session.commit()
    assert demo.is_here()


def test_it_is_refused_whole_when_a_name_is_taken(session):
    make_merchant("Other", subdomain="librairie-papyrus")
    assert not demo.is_here()
    with pytest.raises(Conflict, match="librairie-papyrus"):
        demo.build(seed=1, now=NOW)
    session.rollback()
    assert Counter(m.subdomain for m in session.scalars(select(Merchant))) == {"librairie-papyrus": 1}

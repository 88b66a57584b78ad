"""An id once given is never given again: the audit log and programs outside know rows by it."""

from sqlalchemy import func, select

from portal.extensions import db
from portal.models import Product, Store
from portal.models.actor import OPERATOR
from portal.services import trash
from tests.factories import NOW, make_merchant, make_product, make_store, within


def test_the_id_of_a_purged_row_is_not_used_again(app):
    merchant = make_merchant()
    store = make_store(merchant)
    product = make_product(store)
    gone, store_id = product.id, store.id
    with within(merchant):
        act = trash.soft_delete(product, by=OPERATOR, now=NOW)
        db.session.commit()
        trash.purge(act, by=OPERATOR, now=NOW)
        db.session.commit()
        everything = {"include_deleted": True}
        left = select(func.count()).where(Product.merchant_id == merchant.id, Product.id == gone)
        assert db.session.scalar(left, execution_options=everything) == 0
        store = db.session.scalars(Store.of(merchant).where(Store.id == store_id)).one()
        assert make_product(store).id > gone


def test_lower_knows_more_than_ascii_on_both_engines(app):
    assert db.session.scalar(select(func.lower("ÉPICERIE"))) == "épicerie"
    assert db.session.scalar(select(func.lower(None))) is None

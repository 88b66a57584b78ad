"""Changing a merchant: its names, and how long it keeps its trash."""

import pytest

from portal.errors import Conflict, Refused
from portal.models import Deletion, Merchant, Store
from portal.models.actor import OPERATOR
from portal.services import merchants, stores, trash
from tests.factories import make_customer, make_merchant, make_order, make_store, within


def test_what_differs_is_named(session):
    merchant = make_merchant("Café")
    changed = merchants.change_merchant(merchant, by=OPERATOR, name="Café", retention_days=60)
    assert changed == ["retention_days"]
    assert session.get(Merchant, merchant.id).retention_days == 60


def test_a_taken_subdomain_is_refused(session):
    make_merchant(subdomain="moulin")
    with pytest.raises(Conflict):
        merchants.change_merchant(make_merchant(), by=OPERATOR, subdomain="moulin")


@pytest.mark.parametrize("days", [-1, 3_651])
def test_a_senseless_retention_is_refused(session, days):
    with pytest.raises(Refused) as no:
        merchants.change_merchant(make_merchant(), by=OPERATOR, retention_days=days)
    assert no.value.code == "bad_retention"


def test_keeping_for_ever_keeps_what_lies_there_too(session, now):
    merchant = make_merchant()
    store = make_store(merchant)
    with within(merchant):
        act = stores.delete_store(session.get(Store, store.id), by=OPERATOR, now=now)
        session.commit()
        assert act.purge_after is not None
        session.commit()
    merchants.change_merchant(session.get(Merchant, merchant.id), by=OPERATOR, retention_days=0)
    with within(merchant):
        assert session.get(Deletion, (merchant.id, act.id)).purge_after is None


def test_what_goes_with_the_merchant_is_not_said_to_stay(session):
    """Customers remember their first store, and go all the same."""
    merchant = make_merchant()
    store = make_store(merchant)
    customer = make_customer(merchant, home_store_id=store.id)
    make_order(store, customer)
    with within(merchant):
        seen = trash.preview(session.get(Merchant, merchant.id))
        of_store = trash.preview(session.get(Store, (merchant.id, store.id)))
    assert [kind.name for kind in seen.stays] == ["orders"]
    assert {kind.name for kind in of_store.stays} == {"orders", "customers"}


@pytest.mark.parametrize(
    ("typed", "kept"), [("de-LU", "de_LU"), (" fr ", "fr"), ("zh_hant_tw", "zh_Hant_TW")]
)
def test_a_locale_is_written_as_babel_does(session, typed, kept):
    merchant = make_merchant()
    merchants.change_merchant(merchant, by=OPERATOR, locale=typed)
    assert session.get(Merchant, merchant.id).locale == kept


@pytest.mark.parametrize("wrong", ["", "zz", "klingon", "de_XX", "de@euro", "en_US_POSIX", "x" * 300])
def test_a_locale_nobody_knows_is_refused(session, wrong):
    with pytest.raises(Refused) as no:
        merchants.change_merchant(make_merchant(), by=OPERATOR, locale=wrong)
    assert (no.value.code, no.value.details["field"]) == ("bad_locale", "locale")

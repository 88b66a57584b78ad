"""What programs hear of a customer who was merged into another."""

import pytest

from portal.api import acts, door
from portal.extensions import db
from portal.models import Customer, Deletion
from portal.models.actor import OPERATOR
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.visits import Visit
from tests.factories import NOW, make_customer, make_merchant, within


@pytest.fixture
def merged(app):
    """The numbers of the merchant, the survivor, the other record, and the act that took it."""
    merchant = make_merchant()
    with within(merchant):
        lea, twin = make_customer(merchant, "Lea"), make_customer(merchant, "Lea M.")
        act_id = merge_customers(lea, twin, visit=Visit(by=OPERATOR, now=NOW)).loser_deletion_id
        numbers = (merchant.id, lea.id, twin.id, act_id)
        db.session.commit()
    db.session.remove()
    return numbers


def test_the_act_of_a_merged_customer_is_not_restorable(call, merged):
    told = call("GET", f"/deletions/{merged[3]}").json
    assert (told["status"], told["restorable"], told["restorable_until"]) == ("done", False, None)


def test_a_preview_of_the_restore_names_the_survivor(app, merged, monkeypatch):
    merchant_id, survivor_id, twin_id, act_id = merged
    monkeypatch.setattr(door, "actor", lambda: OPERATOR)
    with within(merchant_id):
        twin = db.session.get(Customer, (merchant_id, twin_id), execution_options={"include_deleted": True})
        seen = acts.foresee(twin)
        assert db.session.get(Deletion, (merchant_id, act_id)).status == "done"
        db.session.rollback()
    refused = [(no["code"], no["details"]) for no in seen["refusals"]]
    assert (seen["act"], refused) == ("restore", [("merged", {"survivor_id": survivor_id})])
    assert "Lea M. was merged into another customer" in seen["refusals"][0]["message"]

"""Many rows thrown away and brought back at once."""

from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, Deletion, Product
from portal.models.actor import OPERATOR
from portal.models.tenancy import across_merchants
from portal.services import products, stores, trash
from portal.services.customers import delete_customer
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_customer,
    make_merchant,
    make_product,
    make_store,
    manager_of,
    owner_of,
    within,
)
from tests.services.trash_stage import statements


@pytest.fixture
def store(app):
    return make_store(make_merchant("Café"), "Gare")


@pytest.fixture
def two(store):
    return [make_product(store, "Espresso", sku="E"), make_product(store, "Latte", sku="L")]


@pytest.fixture
def inside(store):
    with within(store.merchant_id):
        yield store
        db.session.rollback()


def throw(two, **more):
    return trash.soft_delete_many(two, by=OPERATOR, now=NOW, **more)


def living():
    return sorted(db.session.scalars(select(Product.name)))


def sound():
    with across_merchants(db.session, "a test"):
        return trash.doctor() == []


def test_each_row_has_an_act_of_its_own(two, inside):
    acts = throw(two, reason="season over")
    assert [(a.root_id, a.counts, a.status, a.reason) for a in acts] == [
        (two[0].id, {"products": 1}, "done", "season over"),
        (two[1].id, {"products": 1}, "done", "season over"),
    ]
    assert all(a.purge_after and a.store_id == inside.id for a in acts)
    assert living() == []
    assert sound()


def test_an_act_of_many_is_written_like_an_act_of_one(two, inside):
    many = throw(two[:1])[0]
    one = trash.soft_delete_cascade(two[1], by=OPERATOR, now=NOW)
    different = {"id", "root_id", "root_label", "label_key"}
    for column in set(Deletion.__table__.c.keys()) - different:
        assert getattr(many, column) == getattr(one, column), column
    noted = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))
    assert list(noted) == ["products.delete", "products.delete"]


def test_lying_in_the_trash_is_no_change(two, inside):
    before = two[0].updated_at
    throw(two)
    assert two[0].updated_at == before


def test_the_dead_are_passed_over(two, inside):
    first = throw(two[:1])
    assert [a.root_id for a in throw(two)] == [two[1].id]
    assert throw(two) == []
    assert two[0].deletion_id == first[0].id


def test_nothing_is_nothing(app):
    assert throw([]) == []
    trash.restore_many([], by=OPERATOR, now=NOW)


def test_rows_that_own_others_go_one_by_one(store, two):
    with within(store.merchant_id):
        acts = throw([store])
        assert acts[0].counts == {"stores": 1, "products": 2}
        db.session.rollback()


def test_all_come_back_at_once(two, inside):
    acts = throw(two)
    with statements() as sent:
        trash.restore_many(acts, by=OPERATOR, now=NOW)
    assert len([one for one in sent if one.startswith("UPDATE products")]) == 1
    assert living() == ["Espresso", "Latte"]
    assert {(a.status, a.restored_at) for a in acts} == {("restored", NOW)}
    assert sound()


def test_a_restored_one_among_them_changes_nothing(two, inside):
    acts = throw(two)
    trash.restore(acts[0], by=OPERATOR, now=NOW)
    trash.restore_many(acts, by=OPERATOR, now=NOW)
    assert living() == ["Espresso", "Latte"]


def test_a_taken_value_is_named_as_by_a_single_restore(two, inside):
    acts = throw(two)
    products.add_product(inside, name="New latte", sku="L", price_cents=1, by=OPERATOR)
    with pytest.raises(Conflict) as no:
        trash.restore_many(acts, by=OPERATOR, now=NOW)
    assert no.value.code == "value_taken"


def test_a_dead_store_is_named_as_by_a_single_restore(two, inside):
    acts = throw(two)
    stores.delete_store(inside, by=OPERATOR, now=NOW)
    with pytest.raises(Conflict) as no:
        trash.restore_many(acts, by=OPERATOR, now=NOW)
    assert no.value.code == "owner_deleted"


def test_a_manager_does_not_bring_back_what_an_owner_deleted(two, inside):
    acts = trash.soft_delete_many(two, by=owner_of(inside.merchant), now=NOW)
    with pytest.raises(Refused) as no:
        trash.restore_many(acts, by=manager_of(inside), now=NOW)
    assert no.value.code == "not_allowed"
    assert living() == []


def test_one_that_was_restored_elsewhere_meanwhile_is_looked_at_again(two, inside, monkeypatch):
    acts = throw(two)
    trash.restore(acts[0], by=OPERATOR, now=NOW)
    monkeypatch.setattr("portal.services.trash.many._are_alike", lambda _: True)
    trash.restore_many(acts, by=OPERATOR, now=NOW)
    assert living() == ["Espresso", "Latte"]


@pytest.fixture
def people(inside):
    """The acts of somebody who was merged, and of somebody who was deleted."""
    lea, twin, tom = (make_customer(inside.merchant, name) for name in ("Lea", "Lea M.", "Tom"))
    by = owner_of(inside.merchant)
    merge = merge_customers(lea, twin, visit=Visit(by=by, now=NOW))
    merged = db.session.get(Deletion, (inside.merchant_id, merge.loser_deletion_id))
    return SimpleNamespace(by=by, merged=merged, tom=delete_customer(tom, by=by, now=NOW), lea=lea)


def test_a_merged_record_is_passed_over_and_the_rest_comes_back(people, two):
    acts = [people.merged, people.tom, *throw(two)]
    assert trash.restore_many(acts, by=OPERATOR, now=NOW) == [people.merged]
    assert [act.status for act in acts] == ["done", "restored", "restored", "restored"]


def test_where_there_are_only_merged_records_the_first_is_refused_by_name(people):
    with pytest.raises(Refused, match=r"Lea M\. was merged into another customer") as no:
        trash.restore_many([people.merged], by=people.by, now=NOW)
    assert (no.value.code, no.value.details) == ("merged", {"survivor_id": people.lea.id})


def test_the_survivors_of_merged_records_are_found_in_one_question(people, two):
    acts = [people.merged, people.tom, *throw(two)]
    told = {people.merged.id: people.lea.id}
    assert {act.status for act in acts} == {"done"}
    with statements() as sent:
        assert trash.survivors_of(acts) == told
    assert len(sent) == 1
    assert trash.survivors_of(acts[2:]) == {}

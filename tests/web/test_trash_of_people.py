"""Customers in the trash: those who were merged, and those who can still be erased."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Customer, CustomerMerge, Deletion
from portal.models.actor import Actor, Role
from portal.services.customers import delete_customer
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.visits import Visit
from tests.factories import make_customer, within
from tests.web.cast import make_cast
from tests.web.conftest import path

OWNER, MANAGER = Actor(None, Role.OWNER), Actor(None, Role.MANAGER)
MERGED = "was merged into another record"


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def as_manager(app, cast, sign_in):
    return sign_in(cast.manager, app.test_client())


@pytest.fixture
def people(cast):
    """Lea M., merged into Lea an hour ago; and Tom, whom a manager deleted."""
    lea, twin, tom = (make_customer(cast.merchant, name).id for name in ("Lea", "Lea M.", "Tom"))
    acts = {"twin": merged(cast, lea, twin), "tom": deleted(cast, tom)}
    return SimpleNamespace(lea=lea, twin_id=twin, tom_id=tom, **acts)


def merged(cast, lea, twin, hours=1):
    """Merge two records so long ago: the act, which managers see too."""
    moment = datetime.now(UTC) - timedelta(hours=hours)
    with within(cast.merchant.id):
        both = [db.session.get(Customer, (cast.merchant.id, each)) for each in (lea, twin)]
        merge = merge_customers(*both, visit=Visit(by=OWNER, now=moment))
        act = db.session.get(Deletion, (cast.merchant.id, merge.loser_deletion_id))
        act.deleted_by_role = "manager"
        act_id = act.id
        db.session.commit()
        db.session.refresh(cast.merchant)
    return act_id


def deleted(cast, customer):
    with within(cast.merchant.id):
        again = db.session.get(Customer, (cast.merchant.id, customer))
        act_id = delete_customer(again, by=MANAGER, now=datetime.now(UTC)).id
        db.session.commit()
        db.session.refresh(cast.merchant)
    return act_id


def status(cast, act_id):
    with within(cast.merchant.id):
        return db.session.scalar(select(Deletion.status).where(Deletion.id == act_id))


def at(cast, *parts):
    return path(cast.merchant, "trash", *parts)


def test_a_merged_customer_is_offered_for_no_restore(as_owner, cast, people):
    survivor = f'href="{path(cast.merchant, "customers", people.lea)}"'
    for here in (at(cast, people.twin), at(cast, "")):
        text = as_owner.get(here).text
        assert "Merged into" in text
        assert survivor in text
        assert f'action="{at(cast, people.twin, "restoration")}"' not in text
        assert "A restore brings back" not in text
        assert f'value="{people.twin}"' not in text  # nor a box to tick
    assert f'value="{people.tom}"' in as_owner.get(at(cast, "")).text
    gone = as_owner.get(path(cast.merchant, "customers", people.twin_id))
    assert gone.status_code == 404
    assert "Merged into" in gone.text
    assert survivor in gone.text
    assert "be brought back" not in gone.text


def test_the_way_to_take_a_merge_back_is_told_to_whom_it_is_open(as_owner, as_manager, cast, people):
    assert "You can take the merge back on that page, until" in as_owner.get(at(cast, people.twin)).text
    told = as_manager.get(at(cast, people.twin)).text
    assert "cannot be restored from here" in told
    assert "take the merge back" not in told
    with within(cast.merchant.id):
        act = db.session.get(Deletion, (cast.merchant.id, people.twin))
        act.deleted_at = datetime.now(UTC) - timedelta(hours=25)
        db.session.commit()
    over = as_owner.get(at(cast, people.twin)).text
    assert "cannot be restored from here" in over
    assert "take the merge back" not in over


def test_of_several_the_merged_stays_and_is_named(as_owner, cast, people):
    chosen = {"ids": f"{people.twin},{people.tom}"}
    preview = as_owner.post(at(cast, "restoration/preview"), data=chosen).text
    assert "Restore customer Tom?" in preview
    assert f"Left in the trash, for it {MERGED}: Lea M." in preview
    assert f'name="ids" value="{people.tom}"' in preview
    as_owner.post(at(cast, "restoration"), data=chosen)
    assert (status(cast, people.twin), status(cast, people.tom)) == ("done", "restored")
    told = as_owner.get(at(cast, "")).text
    assert "Restored customer Tom." in told
    assert f"for it {MERGED}: Lea M." in told


def test_many_merged_are_named_and_counted(as_owner, cast, people):
    for n in range(6):
        ana, twin = (make_customer(cast.merchant, f"Ana {n}{more}").id for more in ("", " B"))
        merged(cast, ana, twin)
    everything = as_owner.post(at(cast, "restoration/preview"), data={"everything": "1"}).text
    assert "for they were merged into other records: Ana 5 B, Ana 4 B" in everything
    assert "2 more" in everything


def test_where_all_are_merged_nothing_is_asked(as_owner, cast, people):
    chosen = {"ids": people.twin}
    assert as_owner.post(at(cast, "restoration/preview"), data=chosen).status_code == 303
    nothing = as_owner.piece(at(cast, "restoration/preview"), method="POST", data=chosen)
    assert nothing.status_code == 422
    assert MERGED in nothing.text
    refused = as_owner.post(at(cast, "restoration"), data=chosen)
    assert refused.status_code == 422
    assert "Lea M. was merged into another customer" in refused.text


def test_an_owner_erases_from_the_trash(as_owner, as_manager, cast, people):
    erasure = path(cast.merchant, "customers", people.tom_id, "erasure")
    assert f'href="{erasure}"' in as_owner.get(at(cast, people.tom)).text
    assert f'href="{erasure}"' not in as_manager.get(at(cast, people.tom)).text
    assert f'href="{at(cast, people.tom)}"' in as_owner.get(erasure).text
    as_owner.post(erasure, data={"typed_name": "Tom"})
    assert f'href="{erasure}"' not in as_owner.get(at(cast, people.tom)).text
    twin = path(cast.merchant, "customers", people.twin_id, "erasure")
    assert f'href="{twin}"' not in as_owner.get(at(cast, people.twin)).text


def test_the_merge_of_the_act_is_there(cast, people):
    with within(cast.merchant.id):
        merge = db.session.scalars(select(CustomerMerge)).one()
        assert (merge.loser_deletion_id, merge.survivor_id) == (people.twin, people.lea)

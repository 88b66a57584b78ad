"""The trash as people meet it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.models import AuditEntry, Deletion, LoyaltyProgram, Product, Store
from portal.models.actor import JOBS, OPERATOR, Actor, Role
from portal.services import accounts, products, team, trash
from portal.services.trash import throw_away as threshold
from tests.factories import (
    NOW,
    make_member,
    make_merchant,
    make_product,
    make_program,
    make_store,
    make_user,
    manager_of,
    owner_of,
    within,
)
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def as_manager(cast, sign_in):
    return sign_in(cast.manager)


@pytest.fixture
def as_manager_too(app, cast, sign_in):
    return sign_in(cast.manager, app.test_client())


def throw_away(row, by=None, when=NOW, reason=None):
    """Put a row in the trash and give the number of the act."""
    merchant_id = row.merchant_id
    db.session.remove()  # what the test has made stays readable
    owner = by or Actor(user_id=None, role=Role.OWNER)
    with within(merchant_id):
        again = db.session.get(type(row), (merchant_id, row.id))
        act = trash.soft_delete_cascade(again, by=owner, now=when, reason=reason)
        db.session.commit()
        act_id = act.id
        db.session.rollback()
    db.session.remove()
    return act_id


def read(merchant_id, act_id):
    with within(merchant_id):
        act = db.session.get(Deletion, (merchant_id, act_id))
        db.session.expunge_all()
        db.session.rollback()
    return act


def living(model, merchant_id):
    with within(merchant_id):
        count = db.session.scalar(select(func.count()).select_from(select(model).subquery()))
        db.session.rollback()
    return count


def change(merchant_id, act_id, **fields):
    db.session.remove()
    with within(merchant_id):
        act = db.session.get(Deletion, (merchant_id, act_id))
        for name, value in fields.items():
            setattr(act, name, value)
        db.session.commit()
    db.session.remove()


# The list


def test_the_list_shows_one_row_for_each_act_with_what_it_took(cast, as_owner):
    make_product(cast.gare)
    throw_away(cast.gare, by=owner_of(cast.merchant, cast.owner), reason="Lease ended")
    answer = as_owner.get(path(cast.merchant, "trash/"))
    assert answer.status_code == 200
    assert answer.text.count('<tr id="act-') == 1
    for told in ("Gare", "2 team members", "1 product", "Lease ended", "Olga Owner"):
        assert told in answer.text


def test_an_empty_trash_and_a_search_without_a_match_say_different_things(cast, as_owner):
    assert "The trash is empty" in as_owner.get(path(cast.merchant, "trash/")).text
    throw_away(cast.gare)
    answer = as_owner.get(path(cast.merchant, "trash/?q=nowhere"))
    assert "Nothing matches" in answer.text


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("q=GAR", True),
        ("q=are", True),
        ("q=rea", False),
        ("from=2026-03-15&to=2026-03-13", False),
        ("person=operator", False),
        ("kind=stores", True),
        ("kind=products", False),
        ("kind=nonsense", True),
        ("person={owner}", True),
        ("person={staff}", False),
        ("person=x", True),
        ("from=2026-03-14", True),
        ("from=2026-03-15", False),
        ("to=2026-03-14", True),
        ("to=2026-03-13", False),
        ("from=yesterday&to=0001-01-01", True),
        ("to=9999-12-31", True),
    ],
)
def test_filters_leave_what_they_name(cast, as_owner, asked, shown):
    throw_away(cast.gare, by=owner_of(cast.merchant, cast.owner))
    asked = asked.format(owner=cast.owner.id, staff=cast.staff.id)
    answer = as_owner.get(path(cast.merchant, f"trash/?{asked}"))
    assert ('id="act-' in answer.text) is shown


def test_days_are_those_of_the_merchant(cast, as_owner):
    throw_away(cast.gare, when=datetime(2026, 3, 14, 23, 30, tzinfo=UTC))  # 00:30 in Luxembourg
    assert 'id="act-' not in as_owner.get(path(cast.merchant, "trash/?to=2026-03-14")).text
    assert 'id="act-' in as_owner.get(path(cast.merchant, "trash/?from=2026-03-15")).text


def test_the_newest_comes_first_and_pages_go_on_where_the_last_ended(cast, as_owner):
    db.session.remove()
    with within(cast.merchant):
        for n in range(60):
            product = products.add_product(
                db.session.get(Store, (cast.merchant.id, cast.gare.id)),
                name=f"Tea {n:02}",
                price_cents=100,
                by=owner_of(cast.merchant),
            )
            products.delete_product(product, by=owner_of(cast.merchant), now=NOW + timedelta(minutes=n))
        db.session.commit()
    first = as_owner.get(path(cast.merchant, "trash/"))
    assert first.text.count('<tr id="act-') == 50
    assert first.text.index("Tea 59") < first.text.index("Tea 10")
    assert "Tea 09" not in first.text
    following = first.text.split('id="page-next"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = as_owner.get(following)
    assert "Tea 09" in second.text
    assert "Tea 10" not in second.text


def test_the_list_costs_the_same_with_many_acts(cast, as_owner, statements):
    counts = []
    for _ in range(2):
        throw_away(make_product(cast.gare))
        throw_away(make_product(cast.gare))
        with statements() as sent:
            as_owner.piece(path(cast.merchant, "trash/"))
        counts.append(len([s for s in sent if s.startswith("SELECT")]))
        about_acts = [s for s in sent if "deletions" in s]
        assert len(about_acts) == 2
    assert counts[0] == counts[1]


def test_a_manager_sees_what_staff_and_managers_deleted_in_their_stores(cast, as_manager):
    make_product(cast.gare, "Cookie")
    throw_away(make_product(cast.gare, "Ours"), by=manager_of(cast.gare, user=cast.manager))
    theirs = throw_away(make_product(cast.belval, "Theirs"), by=manager_of(cast.belval))
    owners = throw_away(make_product(cast.gare, "Owned"))
    text = as_manager.get(path(cast.merchant, "trash/")).text
    assert "Ours" in text
    assert "Theirs" not in text
    assert "Owned" not in text
    for act in (theirs, owners):
        assert as_manager.get(path(cast.merchant, "trash", act)).status_code == 404
        assert as_manager.post(path(cast.merchant, "trash", act, "restoration")).status_code == 404


def people_offered(answer):
    return re.findall(r"<option[^>]*>([^<]*)", answer.text.split('name="person"')[1].split("</select>")[0])


def test_everybody_who_deleted_something_is_offered(cast, as_owner):
    gone = make_member(cast.gare, make_user("Rita Removed"), role="manager")
    throw_away(make_product(cast.gare), by=manager_of(cast.gare, user=gone.user))
    throw_away(gone)
    throw_away(make_product(cast.gare), by=OPERATOR)
    throw_away(make_product(cast.gare), by=owner_of(cast.merchant, cast.owner))
    offered = people_offered(as_owner.get(path(cast.merchant, "trash/")))
    assert offered[0] == "By anybody"
    assert {"Rita Removed", "Olga Owner", "The operator"} <= set(offered)
    assert "Mia Manager" not in offered
    assert as_owner.get(path(cast.merchant, "trash/?person=operator")).text.count('<tr id="act-') == 2


def test_a_manager_is_offered_only_whom_they_see(cast, as_manager):
    other = make_member(cast.belval, make_user("Bela Belval"), role="manager")
    throw_away(make_product(cast.belval), by=manager_of(cast.belval, user=other.user))
    throw_away(make_product(cast.gare), by=manager_of(cast.gare, user=cast.manager))
    throw_away(make_product(cast.gare), by=owner_of(cast.merchant, cast.owner))
    assert people_offered(as_manager.get(path(cast.merchant, "trash/"))) == ["By anybody", "Mia Manager"]


def test_days_the_wrong_way_round_are_said_to_be(cast, as_owner):
    throw_away(cast.gare)
    text = as_owner.get(path(cast.merchant, "trash/?from=2026-03-15&to=2026-03-13")).text
    assert "The first day is after the last" in text
    assert "Nothing matches" not in text


@pytest.mark.parametrize("sort", ["what", "kept", "deleted_at"])
def test_every_order_shows_each_act_once_over_all_pages(cast, as_owner, sort):
    for n in range(3):
        act = throw_away(make_product(cast.gare, f"Tea {n}"))
        throw_away(make_product(cast.gare, f"Tea {n}"))
    change(cast.merchant.id, act, hold=True)
    for way in ("asc", "desc"):
        address, seen = path(cast.merchant, f"trash/?sort={sort}&direction={way}"), []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("portal.services.keyset.PAGE_SIZE", 2)
            while address:
                text = as_owner.get(address).text
                seen += re.findall(r'<tr id="act-(\d+)"', text)
                link = re.search(r'id="page-next"\s+href="([^"]+)"', text)
                address = link and link[1].replace("&amp;", "&")
        assert len(seen) == len(set(seen)) == 6


def test_the_export_has_what_the_list_shows(cast, as_owner, as_manager_too):
    throw_away(make_product(cast.gare, "=Tea"), by=manager_of(cast.gare, user=cast.manager), reason="Old")
    throw_away(make_product(cast.belval, "Coffee"), by=OPERATOR)
    whole = as_owner.get(path(cast.merchant, "trash/export.csv"))
    assert whole.headers["Content-Disposition"].endswith('-trash.csv"')
    lines = whole.text.splitlines()
    assert lines[0].startswith("deleted_at,kind,name,took,deleted_by,role,reason,kept_until")
    assert ",product,'=Tea,1 product,Mia Manager,manager,Old," in lines[1]
    assert "The operator" in lines[2]
    assert "export.csv?q=coffee" in as_owner.get(path(cast.merchant, "trash/?q=coffee")).text
    assert len(as_owner.get(path(cast.merchant, "trash/export.csv?q=coffee")).text.splitlines()) == 2
    assert len(as_manager_too.get(path(cast.merchant, "trash/export.csv")).text.splitlines()) == 2


def test_a_product_names_its_store_where_there_are_several(cast, as_owner):
    act = throw_away(make_product(cast.gare, "Espresso"))
    text = as_owner.get(path(cast.merchant, "trash/")).text
    assert "Product at Gare" in text
    assert "Restore product Espresso at Gare" in text
    address = path(cast.merchant, "trash", act, "undo")
    assert "Restored product Espresso at Gare." in as_owner.piece(address, method="POST").text


def test_staff_have_no_trash(cast, sign_in):
    act = throw_away(cast.belval)
    browser = sign_in(cast.staff)
    assert browser.get(path(cast.merchant, "trash/")).status_code == 403
    assert browser.post(path(cast.merchant, "trash", act, "undo")).status_code == 403


def test_a_stranger_finds_nothing(cast, sign_in):
    act = throw_away(cast.gare)
    browser = sign_in(cast.stranger)
    assert browser.get(path(cast.merchant, "trash/")).status_code == 404
    for address in (act, f"{act}/purge", 2**63, 10**30):
        assert browser.get(path(cast.elsewhere, "trash", address)).status_code == 404
    for deed in ("restoration", "undo", "purge", "hold", "hold/end"):
        assert browser.post(path(cast.elsewhere, "trash", act, deed)).status_code == 404
    assert read(cast.merchant.id, act).status == "done"


# Looking at one act


def test_the_page_of_an_act_tells_what_a_restore_brings_and_what_was_deleted_earlier(cast, as_owner):
    earlier = make_product(cast.gare, "Old cake")
    make_product(cast.gare, "New cake")
    throw_away(earlier)
    act = throw_away(cast.gare)
    text = as_owner.get(path(cast.merchant, "trash", act)).text
    brings, stays = text.split("Deleted earlier")
    assert "New cake" in brings
    assert "Old cake" in stays
    assert 'id="restore"' in text


def test_the_page_shows_beforehand_what_stands_in_the_way(cast, as_owner):
    act = throw_away(cast.gare)
    code = f"stores-{cast.gare.id}-store_code"
    make_store(cast.merchant, "Gare", store_code="gare")
    text = as_owner.get(path(cast.merchant, "trash", act)).text
    assert f'name="{code}"' in text
    assert 'id="restore"' not in text


def test_restored_and_purged_acts_stay_readable(cast, as_owner):
    act = throw_away(cast.gare)
    as_owner.post(path(cast.merchant, "trash", act, "restoration"))
    assert "Restored" in as_owner.get(path(cast.merchant, "trash", act)).text
    gone = throw_away(make_product(cast.gare, "Tea"))
    as_owner.post(path(cast.merchant, "trash", gone, "purge"), data={"typed_name": "tea"})
    assert "Purged for good" in as_owner.get(path(cast.merchant, "trash", gone)).text


def test_other_acts_about_the_same_thing_are_linked(cast, as_owner):
    first = throw_away(cast.gare)
    as_owner.post(path(cast.merchant, "trash", first, "restoration"))
    second = throw_away(cast.gare)
    text = as_owner.get(path(cast.merchant, "trash", second)).text
    assert path(cast.merchant, "trash", first) + '"' in text


def test_what_waits_with_an_act_since_is_told(cast, as_owner):
    product = make_product(cast.gare, "Tea")
    early = throw_away(product)
    late = throw_away(cast.gare)
    change(cast.merchant.id, late, received={"products": 1}, departed={"store_users": 2})
    text = as_owner.get(path(cast.merchant, "trash", late)).text
    assert "Waits with it" in text
    assert "2 team members, purged since, erased" in text
    blocked = as_owner.get(path(cast.merchant, "trash", early)).text
    assert "Restore it too" in blocked


def test_what_an_operator_deleted_only_an_operator_restores(cast, as_owner):
    act = throw_away(cast.gare, by=JOBS)
    text = as_owner.get(path(cast.merchant, "trash", act)).text
    assert "by the operator" in text
    assert 'id="restore"' not in text
    assert "Ask a person with that role" in text
    assert as_owner.post(path(cast.merchant, "trash", act, "restoration")).status_code == 403


def test_the_part_of_a_deleted_person_points_to_the_operator(cast, as_owner):
    db.session.remove()
    with within(cast.merchant):
        person = db.session.get(type(cast.staff), cast.staff.id)
        accounts.delete_user(person, by=owner_of(cast.merchant), now=NOW)
        db.session.commit()
        part = db.session.scalars(Deletion.of(cast.merchant).order_by(Deletion.id.desc())).first().id
    db.session.remove()
    text = as_owner.get(path(cast.merchant, "trash", part)).text
    assert "Only your operator" in text
    assert 'id="purge"' not in text


# Bringing back


def test_a_restore_brings_back_exactly_what_the_act_took(cast, as_owner):
    make_product(cast.gare)
    act = throw_away(cast.gare)
    answer = as_owner.post(path(cast.merchant, "trash", act, "restoration"))
    assert answer.status_code == 303
    assert answer.headers["Location"] == path(cast.merchant, "trash/")
    assert read(cast.merchant.id, act).status == "restored"
    assert living(Store, cast.merchant.id) == 2
    assert living(Product, cast.merchant.id) == 1


def test_htmx_hears_a_toast_and_the_list_loads_itself_again(cast, as_owner):
    act = throw_away(cast.gare)
    answer = as_owner.piece(path(cast.merchant, "trash", act, "restoration"), method="POST")
    assert answer.status_code == 200
    assert "list:changed" in answer.headers["HX-Trigger"]
    assert "Restored store Gare." in answer.text


def test_put_on_the_act_restores_it(cast, as_owner):
    act = throw_away(cast.gare)
    assert as_owner.put(path(cast.merchant, "trash", act)).status_code == 303
    assert read(cast.merchant.id, act).status == "restored"


def test_restoring_twice_is_harmless(cast, as_owner):
    act = throw_away(cast.gare)
    for _ in range(2):
        answer = as_owner.post(path(cast.merchant, "trash", act, "restoration"))
        assert answer.status_code == 303


def test_a_manager_restores_what_a_manager_deleted(cast, as_manager):
    act = throw_away(make_product(cast.gare), by=manager_of(cast.gare, user=cast.manager))
    assert as_manager.post(path(cast.merchant, "trash", act, "restoration")).status_code == 303
    assert read(cast.merchant.id, act).status == "restored"


@pytest.fixture
def taken(cast):
    """A store in the trash whose code another one has now."""
    act = throw_away(cast.gare)
    make_store(cast.merchant, "New Gare", store_code="gare")
    cast.act, cast.code = act, f"stores-{cast.gare.id}-store_code"
    cast.address = path(cast.merchant, "trash", act, "restoration")
    return cast


@pytest.mark.parametrize("piece", [True, False])
def test_a_taken_code_is_answered_with_a_form_for_a_new_one(taken, as_owner, piece):
    ask = as_owner.piece if piece else as_owner.open
    answer = ask(taken.address, method="POST")
    assert answer.status_code == 409
    assert f'name="{taken.code}"' in answer.text
    assert "store New Gare" in answer.text
    assert ("<html" in answer.text) is not piece
    assert read(taken.merchant.id, taken.act).status == "done"


def test_a_new_code_brings_the_store_back(taken, as_owner):
    answer = as_owner.post(taken.address, data={taken.code: "Gare-2"})
    assert answer.status_code == 303
    assert living(Store, taken.merchant.id) == 3


def test_a_new_code_that_is_taken_too_is_said_so(taken, as_owner):
    answer = as_owner.post(taken.address, data={taken.code: "belval"})
    assert answer.status_code == 409
    assert "is taken too" in answer.text
    assert 'value="belval"' in answer.text


@pytest.mark.parametrize(("typed", "said"), [("", "Give it a new value"), ("a b", "letters a-z")])
def test_a_new_code_out_of_shape_is_refused_beside_its_field(taken, as_owner, typed, said):
    answer = as_owner.post(taken.address, data={taken.code: typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_a_value_that_is_no_part_of_the_act_is_refused(taken, as_owner):
    answer = as_owner.post(taken.address, data={f"stores-{taken.belval.id}-store_code": "mine"})
    assert answer.status_code == 422
    assert living(Store, taken.merchant.id) == 2


def test_a_value_that_may_be_empty_can_be_cleared(cast, as_owner):
    tea = make_product(cast.gare, "Tea", external_ref="T1")
    act = throw_away(tea)
    make_product(cast.gare, "Green tea", external_ref="T1")
    address = path(cast.merchant, "trash", act, "restoration")
    assert as_owner.post(address).status_code == 409
    assert as_owner.post(address, data={f"products-{tea.id}-external_ref": " "}).status_code == 303


def test_a_dead_owner_is_named_and_both_come_back_together(cast, as_owner):
    early = throw_away(make_product(cast.gare, "Tea"))
    late = throw_away(cast.gare)
    address = path(cast.merchant, "trash", early, "restoration")
    answer = as_owner.post(address)
    assert answer.status_code == 409
    assert "store Gare" in answer.text
    assert "Restore it too" in answer.text
    assert as_owner.post(address, data={"together": "1"}).status_code == 303
    assert {read(cast.merchant.id, act).status for act in (early, late)} == {"restored"}


def test_an_owner_that_cannot_come_back_itself_is_shown_first(cast, as_owner):
    early = throw_away(make_product(cast.gare, "Tea"))
    late = throw_away(cast.gare)
    make_store(cast.merchant, "New Gare", store_code="gare")
    answer = as_owner.post(path(cast.merchant, "trash", early, "restoration"), data={"together": "1"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == path(cast.merchant, "trash", late)


def test_the_current_program_makes_room_for_the_old_one(cast, as_owner):
    act = throw_away(make_program(cast.merchant))
    make_program(cast.merchant)
    address = path(cast.merchant, "trash", act, "restoration")
    answer = as_owner.post(address)
    assert answer.status_code == 409
    assert "Replace the current program" in answer.text
    assert as_owner.post(address, data={"replace": "1"}).status_code == 303
    assert living(LoyaltyProgram, cast.merchant.id) == 1


def test_a_person_who_works_there_again_stands_in_the_way_for_good(cast, as_owner):
    member = make_member(cast.belval, cast.staff)
    act = throw_away(member)
    make_member(cast.belval, cast.staff)
    answer = as_owner.post(path(cast.merchant, "trash", act, "restoration"))
    assert answer.status_code == 409
    assert "cannot come back" in answer.text
    assert "Try again" in answer.text


def test_an_act_in_progress_says_so(cast, as_owner):
    act = throw_away(cast.gare)
    change(cast.merchant.id, act, status="running")
    listed = as_owner.get(path(cast.merchant, "trash/"))
    assert "In progress" in listed.text
    assert listed.headers["Cache-Control"] == "no-store"
    assert "In progress" in as_owner.get(path(cast.merchant, "trash", act)).text
    for deed in ("restoration", "undo"):
        answer = as_owner.post(path(cast.merchant, "trash", act, deed))
        assert answer.status_code == 409
        assert "in progress" in answer.text


def test_a_large_restore_goes_on_chunk_by_chunk(cast, as_owner, monkeypatch):
    for _ in range(3):
        make_product(cast.gare)
    act = throw_away(cast.gare)
    monkeypatch.setattr("portal.services.trash.bring_back.IN_ONE_TRANSACTION", 1)
    assert threshold.IN_ONE_TRANSACTION > 1
    answer = as_owner.post(path(cast.merchant, "trash", act, "restoration"))
    assert answer.status_code == 303
    assert read(cast.merchant.id, act).status == "restored"


def test_what_takes_longer_goes_on_by_itself(cast, as_owner, monkeypatch):
    act = throw_away(cast.gare)
    monkeypatch.setattr("portal.services.trash.bring_back.IN_ONE_TRANSACTION", 1)
    monkeypatch.setattr("portal.web.under_way.PATIENCE_SECONDS", -1)
    answer = as_owner.piece(path(cast.merchant, "trash", act, "restoration"), method="POST")
    assert "goes on by itself" in answer.text
    assert read(cast.merchant.id, act).status == "restoring"


# Undo


def test_undo_restores_that_act_and_leads_back(cast, as_owner):
    act = throw_away(cast.gare)
    came_from = path(cast.merchant, "products/")
    referrer = {"Referer": f"http://localhost{came_from}?q=tea"}
    answer = as_owner.post(path(cast.merchant, "trash", act, "undo"), headers=referrer)
    assert answer.headers["Location"] == f"{came_from}?q=tea"
    assert read(cast.merchant.id, act).status == "restored"


@pytest.mark.parametrize("referrer", ["http://elsewhere.example/m/x", "http://localhost/login", ""])
def test_undo_leads_nowhere_else(cast, as_owner, referrer):
    act = throw_away(cast.gare)
    answer = as_owner.post(path(cast.merchant, "trash", act, "undo"), headers={"Referer": referrer})
    assert answer.headers["Location"] == path(cast.merchant, "trash/")


def test_undo_leads_to_the_act_when_something_stands_in_the_way(taken, as_owner):
    address, page = path(taken.merchant, "trash", taken.act, "undo"), path(taken.merchant, "trash", taken.act)
    assert as_owner.post(address).headers["Location"] == page
    assert as_owner.piece(address, method="POST").headers["HX-Redirect"] == page


def batch_of(cast, *rows):
    """Remove several members as one bulk action; the number of its Undo."""
    db.session.remove()
    with within(cast.merchant):
        members = [db.session.get(type(row), (row.merchant_id, row.id)) for row in rows]
        acts = team.remove_members(members, by=owner_of(cast.merchant), now=NOW)
        ids = [act.id for act in acts]
        entry = trash_batch(cast, ids)
        db.session.commit()
    db.session.remove()
    return entry, ids


def trash_batch(cast, ids):
    from portal.services import audit

    return audit.note_batch("store_users", ids, merchant_id=cast.merchant.id, by=owner_of(cast.merchant))


def test_one_undo_takes_a_whole_bulk_action_back(cast, as_owner):
    batch, ids = batch_of(cast, make_member(cast.belval), make_member(cast.belval))
    answer = as_owner.post(path(cast.merchant, "trash/batches", batch, "undo"))
    assert answer.status_code == 303
    assert {read(cast.merchant.id, act).status for act in ids} == {"restored"}


def test_a_bulk_undo_is_all_or_nothing(cast, as_owner):
    person = make_user()
    batch, ids = batch_of(cast, make_member(cast.belval), make_member(cast.belval, person))
    make_member(cast.belval, person)
    assert as_owner.post(path(cast.merchant, "trash/batches", batch, "undo")).status_code == 409
    assert {read(cast.merchant.id, act).status for act in ids} == {"done"}


def test_a_batch_of_others_is_not_found(cast, sign_in, as_owner, client):
    batch, ids = batch_of(cast, make_member(cast.belval))
    stranger = sign_in(cast.stranger, client.application.test_client())
    assert stranger.post(path(cast.elsewhere, "trash/batches", batch, "undo")).status_code == 404
    manager = sign_in(cast.manager, client.application.test_client())
    assert manager.post(path(cast.merchant, "trash/batches", batch, "undo")).status_code == 404
    assert read(cast.merchant.id, ids[0]).status == "done"


def test_an_entry_that_is_no_bulk_action_cannot_be_undone(cast, as_owner):
    throw_away(cast.gare)
    with within(cast.merchant):
        entry = db.session.scalar(
            select(func.max(AuditEntry.id)).where(AuditEntry.merchant_id == cast.merchant.id)
        )
        db.session.rollback()
    assert as_owner.post(path(cast.merchant, "trash/batches", entry, "undo")).status_code == 404


# Several at once


def test_several_acts_come_back_in_one_step(cast, as_owner):
    acts = [throw_away(make_product(cast.gare, f"Tea {n}")) for n in range(10)]
    preview = as_owner.post(path(cast.merchant, "trash/restoration/preview"), data={"everything": "1"})
    assert preview.status_code == 200
    assert "Restore 10 deletions?" in preview.text
    assert "and 2 more" in preview.text
    answer = as_owner.post(path(cast.merchant, "trash/restoration"), data={"ids": ",".join(map(str, acts))})
    assert answer.status_code == 303
    assert {read(cast.merchant.id, act).status for act in acts} == {"restored"}


def test_one_chosen_act_is_called_by_its_name(cast, as_owner):
    act = throw_away(cast.gare)
    preview = as_owner.post(path(cast.merchant, "trash/restoration/preview"), data={"ids": act})
    assert "Restore store Gare?" in preview.text


def test_more_than_one_step_takes_is_said_so(cast, as_owner, monkeypatch):
    monkeypatch.setattr("portal.web.listing.ALL_MATCHING", 1)
    for _ in range(2):
        throw_away(make_product(cast.gare))
    preview = as_owner.post(path(cast.merchant, "trash/restoration/preview"), data={"everything": "1"})
    assert "the first 1 of what matches" in preview.text


def test_choosing_nothing_is_refused(cast, as_owner, sign_in, client):
    act = throw_away(cast.gare)
    assert as_owner.post(path(cast.merchant, "trash/restoration/preview")).status_code == 303
    stranger = sign_in(cast.stranger, client.application.test_client())
    assert stranger.post(path(cast.elsewhere, "trash/restoration"), data={"ids": act}).status_code == 303
    nothing = stranger.piece(path(cast.elsewhere, "trash/restoration"), method="POST", data={"ids": act})
    assert nothing.status_code == 422
    assert read(cast.merchant.id, act).status == "done"


# Keeping and purging


def test_a_purge_asks_for_the_name(cast, as_owner):
    product = make_product(cast.gare, "Thé vert")
    act = throw_away(product)
    address = path(cast.merchant, "trash", act, "purge")
    assert "Purge for good" in as_owner.get(address).text
    wrong = as_owner.post(address, data={"typed_name": "the"})
    assert wrong.status_code == 422
    assert "not the name" in wrong.text
    assert read(cast.merchant.id, act).status == "done"
    assert as_owner.post(address, data={"typed_name": "thé  VERT"}).status_code == 303
    assert read(cast.merchant.id, act).status == "purged"
    assert as_owner.post(path(cast.merchant, "trash", act, "restoration")).status_code == 422


def test_what_has_no_name_is_called_by_its_number(cast, as_owner):
    act = throw_away(make_product(cast.gare))
    change(cast.merchant.id, act, root_label=None)
    number = read(cast.merchant.id, act).root_id
    assert f"product #{number}" in as_owner.get(path(cast.merchant, "trash", act)).text


def test_a_large_purge_goes_on_by_itself(cast, as_owner, monkeypatch):
    act = throw_away(make_product(cast.gare, "Tea"))
    monkeypatch.setattr("portal.web.under_way.PATIENCE_SECONDS", -1)
    address = path(cast.merchant, "trash", act, "purge")
    answer = as_owner.piece(address, method="POST", data={"typed_name": "Tea"})
    assert "goes on by itself" in answer.text
    assert "being purged" in as_owner.get(path(cast.merchant, "trash", act)).text


def test_a_manager_may_not_purge_nor_hold(cast, as_manager):
    act = throw_away(make_product(cast.gare, "Tea"), by=manager_of(cast.gare, user=cast.manager))
    assert as_manager.get(path(cast.merchant, "trash", act, "purge")).status_code == 403
    for deed in ("purge", "hold", "hold/end"):
        answer = as_manager.post(path(cast.merchant, "trash", act, deed), data={"typed_name": "Tea"})
        assert answer.status_code == 403
    assert read(cast.merchant.id, act).status == "done"


def test_a_hold_keeps_it_until_it_is_lifted(cast, as_owner):
    act = throw_away(make_product(cast.gare, "Tea"))
    for _ in range(2):
        assert as_owner.post(path(cast.merchant, "trash", act, "hold")).status_code == 303
    assert "On hold" in as_owner.get(path(cast.merchant, "trash/")).text
    page = as_owner.get(path(cast.merchant, "trash", act)).text
    assert "Lift the hold" in page
    assert 'id="purge"' not in page
    refused = as_owner.post(path(cast.merchant, "trash", act, "purge"), data={"typed_name": "Tea"})
    assert refused.status_code == 422
    assert as_owner.post(path(cast.merchant, "trash", act, "hold/end")).status_code == 303
    assert read(cast.merchant.id, act).hold is False


def test_what_is_not_in_the_trash_cannot_be_held(cast, as_owner):
    act = throw_away(cast.gare)
    as_owner.post(path(cast.merchant, "trash", act, "restoration"))
    assert as_owner.post(path(cast.merchant, "trash", act, "hold")).status_code == 422


def test_a_merchant_that_keeps_for_ever_says_so(cast, as_owner):
    act = throw_away(cast.gare, when=datetime.now(UTC) - timedelta(days=29))
    assert 'class="days-few"' in as_owner.get(path(cast.merchant, "trash/")).text
    change(cast.merchant.id, act, purge_after=None)
    assert "Kept for ever" in as_owner.get(path(cast.merchant, "trash/")).text


def test_another_merchants_trash_stays_apart(sign_in, cast):
    other = make_merchant(owner=cast.owner)
    throw_away(make_store(other, "Far away"))
    assert "Far away" not in sign_in(cast.owner).get(path(cast.merchant, "trash/")).text

"""The team as people meet it."""

import csv
import html
import io
import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Invitation, MerchantOwner, StoreUser
from portal.models.actor import Actor, Role
from portal.services import team
from tests.factories import make_member, make_owner, make_store, make_user, within
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    cast = make_cast()
    cast.anna = make_member(cast.gare, make_user("Anna Berg", email="anna@example.com"), position="Barista")
    cast.ben = make_member(cast.belval, make_user("Ben Mirkes", email=None))
    return cast


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def as_manager(cast, sign_in):
    return sign_in(cast.manager)


def read(row):
    """Read a row again, dead or alive."""
    db.session.remove()
    model = type(row)
    with within(row.merchant_id):
        mine = select(model).where(model.merchant_id == row.merchant_id, model.id == row.id)
        found = db.session.scalars(mine, execution_options={"include_deleted": True}).one()
        db.session.expunge_all()
        db.session.rollback()
    return found


def all_of(model, merchant):
    db.session.remove()
    with within(merchant):
        found = db.session.scalars(model.of(merchant).order_by(model.id)).all()
        for row in found:
            assert row.id
        db.session.expunge_all()
        db.session.rollback()
    return found


def names(text):
    return re.findall(r'class="name"[^>]*>([^<]+)</a>', text)


def invite(cast, **fields):
    """An open invitation, by the owner unless said otherwise."""
    db.session.remove()
    asked = {"display_name": "Ina", "role": "staff", "by": Actor(cast.owner.id, Role.OWNER)} | fields
    with within(cast.merchant):
        invitation, token = team.invite(cast.merchant, now=datetime.now(UTC), **asked)
        db.session.commit()
        assert invitation.id
        db.session.expunge_all()
    db.session.remove()
    return invitation, token


# The list


def test_the_list_shows_who_works_where_and_who_owns_the_business(cast, as_owner):
    text = as_owner.get(path(cast.merchant, "team/")).text
    assert names(text) == ["Anna Berg", "Ben Mirkes", "Mia Manager", "Stan Staff"]
    assert "Barista" in text
    assert "anna@example.com" in text
    assert "At the till only" in text
    assert "Olga Owner" in text.split('id="owners-title"')[1]


def test_a_manager_sees_their_stores_only(cast, as_manager):
    text = as_manager.get(path(cast.merchant, "team/")).text
    assert names(text) == ["Anna Berg", "Mia Manager", "Stan Staff"]
    assert f"member-{cast.anna.id}-edit" in text
    assert text.count("-remove") == 2  # herself and owners are not hers to remove


def test_staff_see_names_and_no_addresses_nor_deeds(cast, sign_in):
    browser = sign_in(cast.staff)
    text = browser.get(path(cast.merchant, "team/")).text
    assert "Anna Berg" in text
    for hidden in ("anna@example.com", "-edit", 'name="ids"', "new-invitation", "export.csv"):
        assert hidden not in text
    assert names(browser.get(path(cast.merchant, "team/?q=anna@example.com")).text) == []
    assert browser.get(path(cast.merchant, "team", cast.anna.id)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("q=BERG", ["Anna Berg"]),
        ("q=anna@ex", ["Anna Berg"]),
        ("store={belval}", ["Ben Mirkes"]),
        ("store=nowhere", ["Anna Berg", "Ben Mirkes", "Mia Manager", "Stan Staff"]),
        ("role=manager", ["Mia Manager"]),
        ("role=owner&sort=name&direction=desc", ["Stan Staff", "Mia Manager", "Ben Mirkes", "Anna Berg"]),
        ("sort=store&direction=asc", ["Ben Mirkes", "Mia Manager", "Stan Staff", "Anna Berg"]),
        ("q=nobody", []),
    ],
)
def test_search_filters_and_order_are_in_the_address(cast, as_owner, asked, found):
    address = path(cast.merchant, f"team/?{asked.format(belval=cast.belval.id)}")
    assert names(as_owner.get(address).text) == found


def test_an_empty_team_invites_to_invite(sign_in, cast):
    text = sign_in(cast.stranger).get(path(cast.elsewhere, "team/")).text
    assert "Nobody works here yet" in text
    assert "Invite somebody" in text


def test_the_list_costs_the_same_with_many_people(cast, as_owner, statements):
    counts = []
    for _ in range(2):
        for _ in range(5):
            make_member(cast.gare)
        with statements() as sent:
            as_owner.piece(path(cast.merchant, "team/"))
        reads = [s for s in sent if s.startswith("SELECT") and "login_sessions" not in s]
        counts.append(len(reads))
    assert counts[0] == counts[1]
    assert counts[0] <= 6 + 4  # person, merchant, role and version come on top


def test_the_list_goes_into_a_csv_file(cast, as_owner, as_manager):
    answer = as_owner.get(path(cast.merchant, "team/export.csv?q=berg"))
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["name"], row["store"]) for row in rows] == [("Anna Berg", "gare")]
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_manager_takes_away_their_stores_only(cast, as_manager):
    rows = list(csv.DictReader(io.StringIO(as_manager.get(path(cast.merchant, "team/export.csv")).text)))
    assert "Ben Mirkes" not in {row["name"] for row in rows}


def test_staff_and_strangers_take_nothing_away(cast, sign_in, client):
    assert sign_in(cast.staff).get(path(cast.merchant, "team/export.csv")).status_code == 403
    stranger = sign_in(cast.stranger, client.application.test_client())
    assert stranger.get(path(cast.merchant, "team/export.csv")).status_code == 404
    assert "Anna" not in stranger.get(path(cast.elsewhere, "team/export.csv")).text


# Adding somebody for the till


def test_somebody_is_added_for_the_till(cast, as_owner):
    assert as_owner.get(path(cast.merchant, "team/new")).status_code == 200
    data = {"display_name": "Eva Kremer", "store": cast.belval.id, "position": "Cashier"}
    answer = as_owner.post(path(cast.merchant, "team/"), data=data)
    assert answer.status_code == 303
    page = as_owner.get(path(cast.merchant, "team/?q=eva")).text
    assert "Added Eva Kremer." in page
    assert names(page) == ["Eva Kremer"]
    newest = all_of(StoreUser, cast.merchant)[-1]
    assert (newest.role, newest.position, newest.store_id) == ("staff", "Cashier", cast.belval.id)


def test_htmx_hears_that_the_list_changed(cast, as_manager):
    data = {"display_name": "Eva Kremer", "store": cast.gare.id}
    answer = as_manager.piece(path(cast.merchant, "team/"), method="POST", data=data)
    assert "list:changed" in answer.headers["HX-Trigger"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("display_name", ""), ("display_name", "x" * 121), ("store", ""), ("store", "x"), ("display_name", " ")],
)
def test_a_bad_form_comes_back_with_the_fault_beside_its_field(cast, as_owner, field, value):
    data = {"display_name": "Eva", "store": cast.gare.id} | {field: value}
    answer = as_owner.post(path(cast.merchant, "team/"), data=data)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert len(all_of(StoreUser, cast.merchant)) == 4


def test_a_manager_adds_to_their_stores_only(cast, as_manager):
    data = {"display_name": "Eva", "store": cast.belval.id}
    assert as_manager.post(path(cast.merchant, "team/"), data=data).status_code == 422
    assert len(all_of(StoreUser, cast.merchant)) == 4


# Changing


def edit_of(cast, member):
    return path(cast.merchant, "team", member.id)


def test_a_row_is_edited_in_its_place(cast, as_owner):
    to_row = {"HX-Target": f"tr#member-{cast.anna.id}"}
    editing = as_owner.piece(edit_of(cast, cast.anna) + "/edit", headers=to_row)
    assert 'class="editing"' in editing.text
    data = {"role": "manager", "position": "Lead"}
    saved = as_owner.piece(edit_of(cast, cast.anna), method="POST", data=data, headers=to_row)
    assert saved.text.lstrip().startswith("<tr")
    assert "Manager" in saved.text
    again = as_owner.piece(edit_of(cast, cast.anna), headers=to_row)
    assert again.text.lstrip().startswith("<tr")
    changed = read(cast.anna)
    assert (changed.role, changed.position) == ("manager", "Lead")


def test_a_bad_change_comes_back_in_the_row(cast, as_owner):
    to_row = {"HX-Target": f"tr#member-{cast.anna.id}"}
    data = {"role": "king", "position": "x" * 121}
    answer = as_owner.piece(edit_of(cast, cast.anna), method="POST", data=data, headers=to_row)
    assert answer.status_code == 422
    assert 'class="editing"' in answer.text
    assert read(cast.anna).role == "staff"


def test_without_script_the_same_is_a_page(cast, as_owner):
    assert "<html" in as_owner.get(edit_of(cast, cast.anna) + "/edit").text
    assert "Berg" in as_owner.get(edit_of(cast, cast.anna)).text
    answer = as_owner.post(edit_of(cast, cast.anna), data={"role": "staff", "position": ""})
    assert answer.status_code == 303
    assert read(cast.anna).position is None


def test_a_new_role_signs_the_person_out(cast, as_owner, sign_in, client):
    theirs = sign_in(cast.staff, client.application.test_client())
    assert theirs.get(path(cast.merchant, "team/")).status_code == 200
    member = next(m for m in all_of(StoreUser, cast.merchant) if m.user_id == cast.staff.id)
    as_owner.post(edit_of(cast, member), data={"role": "manager", "position": ""})
    assert theirs.get(path(cast.merchant, "team/")).status_code == 302


def test_a_manager_changes_staff_and_makes_no_managers(cast, as_manager):
    data = {"role": "staff", "position": "Lead"}
    assert as_manager.post(edit_of(cast, cast.anna), data=data).status_code == 303
    risen = as_manager.post(edit_of(cast, cast.anna), data=data | {"role": "manager"})
    assert risen.status_code == 422
    assert read(cast.anna).role == "staff"


def test_managers_are_the_owners_affair(cast, as_manager):
    herself = next(m for m in all_of(StoreUser, cast.merchant) if m.user_id == cast.manager.id)
    assert as_manager.get(edit_of(cast, herself) + "/edit").status_code == 403
    assert as_manager.get(edit_of(cast, herself) + "/deletion").status_code == 403
    assert as_manager.post(edit_of(cast, herself) + "/deletion").status_code == 403
    for data in ({"role": "staff"}, {"role": "manager"}):
        assert as_manager.post(edit_of(cast, herself), data=data).status_code in (403, 422)
    assert read(herself).role == "manager"


def test_another_store_is_not_found_by_a_manager(cast, as_manager):
    for ending in ("", "/edit", "/deletion"):
        assert as_manager.get(edit_of(cast, cast.ben) + ending).status_code == 404
    assert as_manager.post(edit_of(cast, cast.ben), data={"role": "staff"}).status_code == 404
    assert as_manager.post(edit_of(cast, cast.ben) + "/deletion").status_code == 404


def test_staff_change_nobody(cast, sign_in):
    browser = sign_in(cast.staff)
    for ending in ("/edit", "/deletion"):
        assert browser.get(edit_of(cast, cast.anna) + ending).status_code == 403
    assert browser.post(edit_of(cast, cast.anna), data={"role": "staff"}).status_code == 403
    assert browser.post(path(cast.merchant, "team/"), data={"display_name": "X"}).status_code == 403


def test_a_stranger_finds_nobody(cast, sign_in):
    browser = sign_in(cast.stranger)
    member = path(cast.elsewhere, "team", cast.anna.id)
    for ending in ("", "/edit", "/deletion"):
        assert browser.get(member + ending).status_code == 404
    assert browser.post(member, data={"role": "manager"}).status_code == 404
    assert browser.post(member + "/deletion").status_code == 404
    assert read(cast.anna).deletion_id is None


# Removing


def test_removing_shows_a_preview_and_then_an_undo(cast, as_owner):
    preview = as_owner.get(edit_of(cast, cast.anna) + "/deletion").text
    assert "Remove Anna Berg from Gare?" in preview
    answer = as_owner.post(edit_of(cast, cast.anna) + "/deletion", data={"reason": "Moved away"})
    assert answer.status_code == 303
    gone = read(cast.anna)
    assert gone.is_deleted
    page = as_owner.get(path(cast.merchant, "team/")).text
    assert "Anna Berg from the team of Gare" in page
    assert path(cast.merchant, "trash", gone.deletion_id, "undo") in page
    as_owner.post(path(cast.merchant, "trash", gone.deletion_id, "undo"))
    assert not read(cast.anna).is_deleted


def test_whoever_is_removed_is_out_at_the_next_request_and_stays_out_after_a_restore(
    cast, as_owner, sign_in, client
):
    theirs = sign_in(cast.staff, client.application.test_client())
    member = next(m for m in all_of(StoreUser, cast.merchant) if m.user_id == cast.staff.id)
    as_owner.post(edit_of(cast, member) + "/deletion")
    assert theirs.get(path(cast.merchant, "team/")).status_code == 302
    as_owner.post(path(cast.merchant, "trash", read(member).deletion_id, "undo"))
    assert theirs.get(path(cast.merchant, "team/")).status_code == 302


def test_the_address_of_somebody_removed_says_so_to_their_own_people(cast, as_owner, sign_in, client):
    as_owner.post(edit_of(cast, cast.anna) + "/deletion")
    answer = as_owner.get(edit_of(cast, cast.anna))
    assert answer.status_code == 404
    assert "in the trash" in answer.text
    stranger = sign_in(cast.stranger, client.application.test_client())
    told = stranger.get(path(cast.elsewhere, "team", cast.anna.id)).text.partition("<main")[2]
    assert "trash" not in told.partition("</main>")[0]


def test_removing_oneself_is_warned_about(cast, as_owner):
    me = make_member(cast.gare, cast.owner)
    assert "This is you" in as_owner.get(edit_of(cast, me) + "/deletion").text
    preview = as_owner.post(path(cast.merchant, "team/deletion/preview"), data={"ids": me.id})
    assert "This is you" in preview.text


def test_several_are_removed_with_one_undo(cast, as_owner):
    ids = f"{cast.anna.id},{cast.ben.id}"
    preview = as_owner.post(path(cast.merchant, "team/deletion/preview"), data={"ids": ids}).text
    assert "Remove 2 team members?" in preview
    assert "Anna Berg, Ben Mirkes" in preview
    answer = as_owner.post(path(cast.merchant, "team/deletion"), data={"ids": ids})
    assert answer.status_code == 303
    assert read(cast.anna).is_deleted
    assert read(cast.ben).is_deleted
    page = as_owner.get(path(cast.merchant, "team/")).text
    undo = re.search(r'action="([^"]*/batches/\d+/undo)"', page).group(1)
    as_owner.post(undo)
    assert not read(cast.anna).is_deleted
    assert not read(cast.ben).is_deleted


def test_everything_that_matches_is_removed_but_never_more_than_one_may(cast, as_manager, monkeypatch):
    preview = as_manager.post(path(cast.merchant, "team/deletion/preview"), data={"everything": "1"})
    assert "Remove 2 team members?" in preview.text
    monkeypatch.setattr("portal.web.listing.ALL_MATCHING", 1)
    preview = as_manager.post(path(cast.merchant, "team/deletion/preview"), data={"everything": "1"})
    assert "the first 1 of what matches" in preview.text


def test_a_bulk_removal_passes_over_what_is_not_ones_own(cast, as_manager):
    everybody = ",".join(str(m.id) for m in all_of(StoreUser, cast.merchant))
    as_manager.post(path(cast.merchant, "team/deletion"), data={"ids": everybody})
    assert not read(cast.ben).is_deleted
    assert read(cast.anna).is_deleted
    alone = as_manager.piece(path(cast.merchant, "team/deletion"), method="POST", data={"ids": cast.ben.id})
    assert alone.status_code == 422
    assert not read(cast.ben).is_deleted


# Owners


def test_another_owner_is_removed_with_a_preview(cast, as_owner):
    other = make_owner(cast.merchant, make_user("Otto Other"))
    address = path(cast.merchant, "team/owners", other.id, "deletion")
    assert "Remove Otto Other as an owner?" in as_owner.get(address).text
    assert as_owner.post(address).status_code == 303
    assert read(other).is_deleted


def test_the_last_owner_stays(cast, as_owner):
    mine = all_of(MerchantOwner, cast.merchant)[0]
    address = path(cast.merchant, "team/owners", mine.id, "deletion")
    preview = as_owner.piece(address).text
    assert "Invite another owner first." in preview
    assert "<form" not in preview
    for ask in (as_owner.open, as_owner.piece):
        answer = ask(address, method="POST")
        assert answer.status_code == 422
        assert "Invite another owner first." in answer.text
    assert not read(mine).is_deleted


def test_an_owner_who_leaves_is_warned_and_out(cast, as_owner):
    make_owner(cast.merchant)
    mine = next(o for o in all_of(MerchantOwner, cast.merchant) if o.user_id == cast.owner.id)
    address = path(cast.merchant, "team/owners", mine.id, "deletion")
    assert "This is you" in as_owner.get(address).text
    as_owner.post(address)
    assert as_owner.get(path(cast.merchant, "team/")).status_code == 302


def test_a_manager_does_not_touch_owners(cast, as_manager):
    owner = all_of(MerchantOwner, cast.merchant)[0]
    address = path(cast.merchant, "team/owners", owner.id, "deletion")
    assert as_manager.get(address).status_code == 403
    assert as_manager.post(address).status_code == 403


# Invitations


def test_an_invitation_shows_its_link_once(cast, as_owner, app):
    assert as_owner.get(path(cast.merchant, "team/invitations/new")).status_code == 200
    data = {"display_name": "Lara", "email": "Lara@Example.com", "role": "manager", "store": cast.belval.id}
    answer = as_owner.post(path(cast.merchant, "team/invitations"), data=data)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    link = re.search(r'value="([^"]*/invite/[^"]+)"', answer.text).group(1)
    assert link.startswith(app.config["PUBLIC_URL"] + f"/invite/{cast.merchant.public_ref}.")
    listed = as_owner.get(path(cast.merchant, "team/")).text
    assert "Lara" in listed
    assert "/invite/" not in listed
    made = all_of(Invitation, cast.merchant)[0]
    assert (made.role, made.store_id, made.email) == ("manager", cast.belval.id, "lara@example.com")


def test_an_owner_is_invited_to_the_whole_business(cast, as_owner):
    data = {"display_name": "Lara", "role": "owner", "store": cast.belval.id}
    assert (
        as_owner.piece(path(cast.merchant, "team/invitations"), method="POST", data=data).status_code == 200
    )
    assert all_of(Invitation, cast.merchant)[0].store_id is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("display_name", ""), ("email", "nobody"), ("role", "king"), ("store", ""), ("store", "99999999")],
)
def test_a_bad_invitation_comes_back_with_the_fault(cast, as_owner, field, value):
    data = {"display_name": "Lara", "role": "staff", "store": cast.gare.id} | {field: value}
    answer = as_owner.post(path(cast.merchant, "team/invitations"), data=data)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert all_of(Invitation, cast.merchant) == []


def test_a_manager_invites_staff_to_their_stores(cast, as_manager):
    data = {"display_name": "Lara", "role": "staff", "store": cast.gare.id}
    address = path(cast.merchant, "team/invitations")
    assert as_manager.post(address, data=data).status_code == 200
    for more in ({"role": "manager"}, {"role": "owner"}, {"store": cast.belval.id}):
        assert as_manager.post(address, data=data | more).status_code == 422
    assert len(all_of(Invitation, cast.merchant)) == 1


def test_a_manager_sees_the_invitations_of_their_stores(cast, as_manager):
    invite(cast, display_name="Here", store=cast.gare)
    invite(cast, display_name="There", store=cast.belval)
    invite(cast, display_name="Above", role="owner")
    text = as_manager.get(path(cast.merchant, "team/")).text
    assert "Here" in text
    assert "There" not in text
    assert "Above" not in text


def test_an_invitation_is_withdrawn(cast, as_owner, client):
    invitation, token = invite(cast, store=cast.gare)
    address = path(cast.merchant, "team/invitations", invitation.id, "revocation")
    assert as_owner.post(address).status_code == 303
    assert client.application.test_client().get(f"/invite/{token}").status_code == 404
    assert as_owner.post(address).status_code == 422


def test_invitations_of_others_are_not_found(cast, as_manager, sign_in, client):
    there, _ = invite(cast, store=cast.belval)
    above, _ = invite(cast, role="owner")
    for invitation in (there, above):
        address = path(cast.merchant, "team/invitations", invitation.id, "revocation")
        assert as_manager.post(address).status_code == 404
    here, _ = invite(cast, role="manager", store=cast.gare)
    address = path(cast.merchant, "team/invitations", here.id, "revocation")
    assert as_manager.post(address).status_code == 403
    stranger = sign_in(cast.stranger, client.application.test_client())
    theirs = path(cast.elsewhere, "team/invitations", here.id, "revocation")
    assert stranger.post(theirs).status_code == 404


def test_an_invitation_to_a_store_that_is_gone_is_listed_no_more(cast, as_owner):
    store = make_store(cast.merchant, "Short")
    invite(cast, display_name="Late", store=store)
    assert "Late" in as_owner.get(path(cast.merchant, "team/")).text
    as_owner.post(path(cast.merchant, "stores", store.id, "deletion"))
    assert "Late" not in as_owner.get(path(cast.merchant, "team/")).text


def test_positions_can_be_sorted(cast, as_owner):
    answer = as_owner.get(path(cast.merchant, "team/?sort=position&direction=desc"))
    assert answer.status_code == 200
    assert 'id="sort-position"' in answer.text


def test_a_role_that_somebody_else_gave_meanwhile_stays(cast, as_owner):
    here = path(cast.merchant, "team", cast.anna.id)
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', as_owner.get(f"{here}/edit").text)[1])
    as_owner.post(here, data={"role": "manager"})
    as_owner.post(here, data={"role": "staff", "position": "Lead", "seen": seen})
    assert (read(cast.anna).role, read(cast.anna).position) == ("manager", "Lead")
    late = as_owner.piece(here, method="POST", data={"role": "manager", "position": "Chef", "seen": seen})
    assert late.status_code == 409
    assert "Somebody changed this meanwhile: “Lead”" in late.text

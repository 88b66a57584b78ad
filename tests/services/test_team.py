"""The team: invited, added, changed, removed."""

from datetime import timedelta

import pytest

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import AuditEntry, Invitation, MerchantOwner, Store, StoreUser, User
from portal.models.actor import OPERATOR, Actor, Role
from portal.services import accounts, stores, team, tokens
from tests.factories import (
    NOW,
    make_member,
    make_merchant,
    make_owner,
    make_store,
    make_user,
    manager_of,
    owner_of,
    staff_of,
    within,
)


@pytest.fixture
def merchant(session):
    return make_merchant("Café Lumière")


@pytest.fixture
def store(merchant):
    return make_store(merchant, "Gare")


@pytest.fixture
def inside(merchant, store):
    """Work for the merchant; what was made stays readable."""
    db.session.remove()
    with within(merchant):
        yield
        db.session.rollback()


@pytest.fixture
def boss(merchant, store):
    return owner_of(merchant)


def test_a_member_is_added_once(merchant, store, boss, inside):
    person = accounts.create_user(display_name="Anna", by=OPERATOR)
    mine = db.session.merge(store)
    member = team.add_member(mine, person, role="staff", by=boss, position="Barista")
    assert member.position == "Barista"
    assert not member.is_manager
    with pytest.raises(Conflict, match="Anna is in the team of Gare already"):
        team.add_member(mine, person, role="manager", by=boss)
    with pytest.raises(TypeError, match="salary"):
        team.add_member(mine, make_user(), role="staff", by=boss, salary=3)


def test_somebody_for_the_till_has_no_way_to_sign_in(merchant, store, boss, inside):
    member = team.add_till_person(db.session.merge(store), display_name="Eva", by=boss)
    assert not member.user.can_sign_in
    assert member.role == "staff"


@pytest.mark.parametrize(
    ("role", "code"), [("manager", "not_allowed"), ("owner", "not_allowed"), ("king", "bad_role")]
)
def test_a_manager_deals_with_staff_only(store, role, code):
    with pytest.raises(Refused) as told:
        team.refuse_role_above(manager_of(store), role)
    assert told.value.code == code
    team.refuse_role_above(manager_of(store), "staff")


def test_a_manager_cannot_remove_a_manager_also_not_among_many(merchant, store, inside):
    boss = make_member(store, role="manager")
    helper = make_member(store)
    members = [db.session.merge(row) for row in (helper, boss)]
    with pytest.raises(Refused):
        team.remove_members(members, by=manager_of(store), now=NOW)
    assert not members[0].is_deleted
    acts = team.remove_members(members, by=owner_of(merchant), now=NOW, reason="Closed")
    assert [act.reason for act in acts] == ["Closed", "Closed"]


def test_a_new_role_is_noted_and_an_old_one_is_not(merchant, store, boss, inside):
    member = db.session.merge(make_member(store))
    assert team.change_member(member, by=boss, now=NOW, position="Lead") == ["position"]
    assert team.change_member(member, by=boss, now=NOW, role="manager", position="Lead") == ["role"]
    with pytest.raises(Refused):
        team.change_member(member, by=manager_of(store), now=NOW, role="staff")
    noted = db.session.scalars(AuditEntry.of(merchant).where(AuditEntry.action == "store_users.change")).all()
    assert [entry.details["fields"] for entry in noted] == [["position"], ["role"]]


def test_nobody_joins_a_dead_store(merchant, store, boss, inside):
    mine = db.session.merge(store)
    stores.delete_store(mine, by=boss, now=NOW)
    with pytest.raises(Conflict) as told:
        team.add_member(mine, make_user(), role="staff", by=boss)
    assert told.value.code == "owner_deleted"


# Invitations


def invited(merchant, where, by, **fields):
    words = {"display_name": "Ina", "role": "staff", "store": where, "now": NOW} | fields
    return team.invite(merchant, by=by, **words)


def test_the_secret_of_an_invitation_is_kept_only_as_a_hash(merchant, store, boss, inside):
    invitation, token = invited(merchant, store, boss, email="Ina@Example.com")
    ref, _, secret = token.partition(".")
    assert ref == merchant.public_ref
    assert secret not in invitation.token_hash
    assert invitation.email == "ina@example.com"
    found, found_secret = tokens.merchant_and_secret(token)
    assert (found.id, found_secret) == (merchant.id, secret)
    assert team.find_invitation(merchant, secret, now=NOW).id == invitation.id
    assert team.find_invitation(merchant, "other", now=NOW) is None


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"store": None}, "no_store"),
        ({"role": "owner"}, "no_store"),
        ({"role": "king"}, "bad_role"),
        ({"email": "nobody"}, "bad_email"),
        ({"display_name": " "}, "bad_text"),
    ],
)
@pytest.mark.usefixtures("inside")
def test_an_invitation_out_of_shape_is_refused(merchant, store, boss, fields, code):
    with pytest.raises(Refused) as told:
        invited(merchant, store, boss, **fields)
    assert told.value.code == code


def test_an_invitation_is_over_after_72_hours_or_when_withdrawn(merchant, store, boss, inside):
    invitation, token = invited(merchant, store, boss)
    secret = token.partition(".")[2]
    late = NOW + timedelta(hours=72)
    assert team.find_invitation(merchant, secret, now=late - timedelta(seconds=1))
    assert team.find_invitation(merchant, secret, now=late) is None
    with pytest.raises(Refused):
        team.accept(invitation, make_user(), now=late)
    assert len(team.open_invitations(merchant, by=boss, now=NOW)) == 1
    team.revoke_invitation(invitation, by=boss, now=NOW)
    db.session.flush()
    assert team.open_invitations(merchant, by=boss, now=NOW) == []
    with pytest.raises(Refused, match="not open any more"):
        team.revoke_invitation(invitation, by=boss, now=NOW)


def test_a_manager_sees_the_staff_invited_to_their_stores(merchant, store, boss, inside):
    mine, _ = invited(merchant, store, boss)
    invited(merchant, store, boss, role="manager")
    invited(merchant, None, boss, role="owner")
    seen = team.open_invitations(merchant, by=manager_of(store), now=NOW)
    assert [invitation.id for invitation in seen] == [mine.id]


def test_accepting_makes_a_member_or_an_owner(merchant, store, boss, inside):
    person = accounts.create_user(display_name="Ina", by=OPERATOR)
    member = team.accept(invited(merchant, store, boss, role="manager")[0], person, now=NOW)
    assert isinstance(member, StoreUser)
    assert member.is_manager
    owner = team.accept(invited(merchant, None, boss, role="owner")[0], person, now=NOW)
    assert isinstance(owner, MerchantOwner)
    with pytest.raises(Conflict, match="owner already"):
        team.accept(invited(merchant, None, boss, role="owner")[0], person, now=NOW)


def test_a_link_to_a_store_that_died_leads_nowhere(merchant, store, boss, inside):
    invitation, token = invited(merchant, store, boss)
    stores.delete_store(db.session.get(Store, (merchant.id, store.id)), by=boss, now=NOW)
    assert team.find_invitation(merchant, token.partition(".")[2], now=NOW) is None
    with pytest.raises(Conflict) as told:
        team.accept(invitation, make_user(), now=NOW)
    assert told.value.code == "owner_deleted"


@pytest.mark.parametrize(
    ("inviter", "role", "works"),
    [
        ("operator", "owner", True),
        ("owner", "owner", True),
        ("manager", "staff", True),
        ("manager", "manager", False),
        ("nobody", "staff", False),
    ],
)
@pytest.mark.usefixtures("inside")
def test_a_link_works_as_long_as_whoever_made_it_may_invite(merchant, store, inviter, role, works):
    person = make_user()
    if inviter == "owner":
        make_owner(merchant, person)
    elif inviter == "manager":
        make_member(store, person, role="manager")
    by = Actor(None if inviter == "operator" else person.id, Role.OWNER)
    invitation, token = invited(merchant, None if role == "owner" else store, by, role=role)
    found = team.find_invitation(merchant, token.partition(".")[2], now=NOW)
    assert (found is not None) is works
    guest = make_user()
    if works:
        assert team.accept(invitation, guest, now=NOW)
    else:
        with pytest.raises(Refused):
            team.accept(invitation, guest, now=NOW)


def test_an_account_made_by_an_invitation_joins_at_once(merchant, store, boss, inside):
    invitation, _ = invited(merchant, store, boss)
    words = {"display_name": "Ina", "password": "three blue stamps", "now": NOW}
    person = team.accept_as_new(invitation, login="ina@example.com", **words)
    assert person.email == "ina@example.com"
    assert db.session.scalars(StoreUser.of(merchant)).one().user_id == person.id
    other, _ = invited(merchant, store, boss)
    assert team.accept_as_new(other, login="Ina-2", **words).username == "ina-2"
    with pytest.raises(Refused, match="address or a username"):
        team.accept_as_new(invited(merchant, store, boss)[0], login="", **words)


def test_of_two_who_follow_one_link_at_once_one_is_let_in(merchant, store, boss, elsewhere):
    db.session.remove()
    with within(merchant):
        invitation_id = invited(merchant, store, boss)[0].id
        db.session.commit()
    db.session.remove()
    people = [make_user(), make_user()]

    def follow(user_id):
        with within(merchant):
            invitation = db.session.get(Invitation, (merchant.id, invitation_id))
            try:
                team.accept(invitation, db.session.get(User, user_id), now=NOW)
            except Refused as told:
                return told.code
            db.session.commit()
        return "in"

    told = [thread.result() for thread in [elsewhere(follow, person.id) for person in people]]
    assert sorted(told) == ["in", "not_open"]


def test_whoever_was_removed_may_be_added_again(merchant, store, boss, inside):
    person = make_user()
    member = db.session.merge(make_member(store, person))
    team.remove_member(member, by=boss, now=NOW)
    again = team.add_member(db.session.get(Store, (merchant.id, store.id)), person, role="staff", by=boss)
    assert again.id != member.id


def test_staff_may_nothing(store):
    with pytest.raises(Refused):
        team.refuse_role_above(staff_of(store), "manager")

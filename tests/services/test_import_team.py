"""Importing the team."""

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.models import StoreUser, User
from portal.models.actor import OPERATOR
from portal.services import team
from portal.services.imports import ALL_STORES
from tests.factories import NOW, make_member, make_merchant, make_store, make_user, within
from tests.services.importing import committed, counted, take_in

HEADER = "external_ref,store,name,email,role,position\n"


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare", external_ref="3")


@pytest.fixture
def belval(bean):
    return make_store(bean, "Belval")


def crew(session, merchant):
    with within(merchant):
        query = StoreUser.of(merchant).order_by(StoreUser.id)
        return [
            (m.external_ref, m.store.store_code, m.user.display_name, m.user.email, m.role, m.position)
            for m in session.scalars(query)
        ]


def till_only(name):
    return make_user(name, email=None)


def test_people_without_email_are_known_only_at_the_till(session, bean, gare):
    report, _ = take_in("team", bean, HEADER + "7,gare,Kelsey Cameron,,manager,Boss\n8,3,Emi,,,\n")
    assert counted(report) == {"new": 2}
    assert crew(session, bean) == [
        ("7", "gare", "Kelsey Cameron", None, "manager", "Boss"),
        ("8", "gare", "Emi", None, "staff", None),
    ]
    people = session.scalars(select(User).where(User.display_name == "Emi")).all()
    assert [person.can_sign_in for person in people] == [False]


def test_first_and_last_name_are_joined_and_a_name_goes_before_them(session, bean, gare):
    text = "store,first_name,last_name,name\ngare,Kelsey,Cameron,\ngare,Emi,,\ngare,A,B,Ana Bell\n"
    take_in("team", bean, text)
    assert [name for _, _, name, *_ in crew(session, bean)] == ["Kelsey Cameron", "Emi", "Ana Bell"]


def test_the_same_file_again_changes_nothing(bean, gare):
    text = HEADER + "7,gare,Kelsey,kelsey@example.com,manager,Boss\n8,gare,Emi,,,\n,gare,Ana,,,\n"
    take_in("team", bean, text)
    report, _ = take_in("team", bean, text)
    assert counted(report) == {"unchanged": 3}
    assert report.warned == 0


def test_roles_and_positions_change(session, bean, gare):
    take_in("team", bean, HEADER + "7,gare,Kelsey,,staff,Barista\n")
    report, _ = take_in("team", bean, HEADER + "7,gare,,,manager,Boss\n")
    assert counted(report) == {"updated": 1}
    assert crew(session, bean) == [("7", "gare", "Kelsey", None, "manager", "Boss")]


def test_words_for_roles_are_mapped_and_unknown_ones_refused(session, bean, gare):
    text = "store,name,position\ngare,Kelsey,Store Manager\ngare,Emi,Wrangler\n"
    options = {"maps": {"role": "position"}, "values": [("role", "store manager", "manager")]}
    report, fates = take_in("team", bean, text, **options)
    assert counted(report) == {"new": 1, "refused": 1}
    assert fates[1].reason == "“Wrangler” is no role; it must be manager or staff."
    assert crew(session, bean) == [(None, "gare", "Kelsey", None, "manager", "Store Manager")]


def test_a_person_found_by_email_keeps_what_is_theirs(session, bean, gare):
    make_member(make_store(make_merchant("Stranger")), make_user("Ana Secret", email="ana@example.com"))
    report, (fate,) = take_in("team", bean, HEADER + "7,gare,Ana Public,ANA@example.com,,\n")
    assert counted(report) == {"new": 1}
    assert "Secret" not in str(fate)
    assert crew(session, bean) == [("7", "gare", "Ana Secret", "ana@example.com", "staff", None)]


def test_a_new_person_with_an_email_cannot_sign_in_yet(session, bean, gare):
    take_in("team", bean, HEADER + ",gare,Ana,ana@example.com,,\n")
    person = session.scalars(select(User).where(User.email == "ana@example.com")).one()
    assert not person.can_sign_in


def test_the_name_and_email_of_one_known_at_the_till_are_taken_over(session, bean, gare):
    make_member(gare, till_only("Kelsy"), external_ref="7")
    report, _ = take_in("team", bean, HEADER + "7,gare,Kelsey,kelsey@example.com,,\n")
    assert counted(report) == {"updated": 1}
    assert crew(session, bean)[0][2:4] == ("Kelsey", "kelsey@example.com")


def test_the_name_and_email_of_one_who_has_an_email_are_their_own(session, bean, gare):
    make_member(gare, make_user("Ana", email="ana@example.com"), external_ref="7")
    report, (fate,) = take_in("team", bean, HEADER + "7,gare,Anna,anna@example.com,,\n")
    assert counted(report) == {"unchanged": 1}
    assert fate.warnings == [
        "The display name and email of this person differ; what is the person's own was kept."
    ]


def test_an_email_that_a_colleague_holds_is_left_out_with_their_name(session, bean, gare):
    make_member(gare, make_user("Ana", email="ana@example.com"))
    make_member(gare, till_only("Kelsey"), external_ref="7")
    report, (fate,) = take_in("team", bean, HEADER + "7,gare,Kelsey,ana@example.com,,\n")
    assert counted(report) == {"unchanged": 1}
    assert fate.warnings == ["The e-mail “ana@example.com” is held by Ana; it was left out."]


def test_an_email_that_a_stranger_holds_is_left_out_without_a_name(session, bean, gare):
    make_user("Secret", email="ana@example.com")
    make_member(gare, till_only("Kelsey"), external_ref="7")
    _, (fate,) = take_in("team", bean, HEADER + "7,gare,Kelsey B,ana@example.com,,\n")
    assert fate.warnings == ["The e-mail “ana@example.com” is held by somebody else; it was left out."]
    assert crew(session, bean)[0][2:4] == ("Kelsey B", None)


def test_a_member_without_reference_is_given_the_rows_by_email(session, bean, gare):
    make_member(gare, make_user("Ana", email="ana@example.com"))
    report, _ = take_in("team", bean, HEADER + "7,gare,Ana,ana@example.com,,\n")
    assert counted(report) == {"updated": 1}
    assert crew(session, bean)[0][0] == "7"


def test_a_member_who_has_another_reference_is_not_taken_for_this_one(bean, gare):
    make_member(gare, make_user("Ana", email="ana@example.com"), external_ref="8")
    _, (fate,) = take_in("team", bean, HEADER + "7,gare,Ana,ana@example.com,,\n")
    assert fate.reason == "ana@example.com is in the team of Gare already, as “8”."


def test_a_membership_does_not_move(bean, gare, belval):
    make_member(belval, till_only("Kelsey"), external_ref="7")
    _, (fate,) = take_in("team", bean, HEADER + "7,gare,Kelsey,,,\n")
    assert fate.reason == "“7” is Kelsey in Belval. A membership does not move: remove it there first."


def test_without_reference_the_email_says_who(session, bean, gare):
    make_member(gare, make_user("Ana", email="ana@example.com"))
    report, _ = take_in("team", bean, HEADER + ",gare,Ana,ana@example.com,manager,\n")
    assert counted(report) == {"updated": 1}


def test_without_either_the_name_says_who_if_only_one_bears_it(session, bean, gare):
    make_member(gare, till_only("Ana"))
    make_member(gare, make_user("Ana"))
    report, fates = take_in("team", bean, HEADER + ",gare,ANA,,manager,\n,gare,,,,\n")
    assert counted(report) == {"updated": 1, "refused": 1}
    assert fates[1].reason == "The row has no external_ref, email or name."


def test_a_name_that_cannot_tell_is_refused(bean, gare):
    make_member(gare, till_only("Ana"))
    make_member(gare, till_only("Ana"))
    _, (fate,) = take_in("team", bean, HEADER + ",gare,Ana,,,\n")
    assert fate.reason == "Several people here have this name. Give the row an external_ref or an email."


def test_who_was_removed_is_skipped(session, bean, gare):
    gone = [make_member(gare, till_only("Ana"), external_ref=ref) for ref in ("7", None)]
    with committed(bean.id):
        for member in gone:
            team.remove_member(member, by=OPERATOR, now=NOW)
    report, _ = take_in("team", bean, HEADER + "7,gare,Ana,,,\n,gare,Ana,,,\n")
    assert counted(report) == {"skipped": 2}


def test_a_team_is_not_imported_into_all_stores(session, bean, gare, belval):
    for text in ("external_ref,name\n7,Ana\n", "name\nAna\n"):
        with pytest.raises(Refused, match="Import store by store, or map “store” to a column"):
            take_in("team", bean, text, store=ALL_STORES)
    assert not crew(session, bean)


def test_one_person_may_work_in_several_stores(session, bean, gare, belval):
    report, _ = take_in("team", bean, "email,name,store\na@x.example,Ana,gare\na@x.example,Ana,belval\n")
    assert counted(report) == {"new": 2}
    assert len(session.scalars(select(User).where(User.display_name == "Ana")).all()) == 1


def test_rows_that_lack_something_are_refused(bean, gare):
    rows = (
        "7,gare,,,,\n8,gare,Ana,nobody,,\n9,HQ,Ana,,,\n,gare,Ana,a@example.com,,\n,gare,Bo,a@example.com,,\n"
    )
    _, fates = take_in("team", bean, HEADER + rows)
    assert [fate.reason for fate in fates] == [
        "A new person needs a name.",
        "This is no e-mail address. Write it like name@example.com.",
        "There is no store “HQ”.",
        "",
        "Line 5 is about the same one.",
    ]

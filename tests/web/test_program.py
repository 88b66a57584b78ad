"""The program as people meet it: started, looked at, switched off, deleted."""

import html
import re
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import ProgramVersion
from portal.web.program.fields import TIMES
from portal.web.program.told import differences
from tests.factories import make_card, make_member, make_program, make_user, within
from tests.web.cast import make_cast
from tests.web.conftest import looked, path
from tests.web.programs import SETTINGS, TIERS, bad, earning, read, rows, start, to


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def program(cast):
    return start(cast.merchant, card_name="Carte Lumière")


# no program yet


def test_without_a_program_its_owner_is_asked_to_start_one(as_owner, cast):
    answer = as_owner.get(to(cast, ""))
    assert answer.status_code == 200
    assert "Start your program" in answer.text
    for words in ("Ten stamps fill a card", "One point for each unit spent", "One card for both"):
        assert words in answer.text
    for tab in (*SETTINGS, "rewards/", "rewards/new", "rewards/rules", "history", "activation", "deletion"):
        assert as_owner.get(to(cast, tab)).location == to(cast, ""), tab
    assert as_owner.get(to(cast, "history/1")).status_code == 404
    assert as_owner.get(path(cast.merchant, "brand-1.css")).status_code == 404


@pytest.mark.parametrize("kind", ["stamps", "points", "hybrid"])
def test_a_program_is_started_with_one_choice(as_owner, cast, kind):
    answer = as_owner.post(to(cast, ""), data={"loyalty_type": kind, "card_name": " Carte "})
    assert (answer.status_code, answer.location) == (303, to(cast, "earning"))
    started = read(cast.merchant)
    assert (started.loyalty_type, started.card_name, started.version) == (kind, "Carte", 1)
    assert started.is_active
    assert started.activated_at is not None
    assert "Your program runs." in as_owner.get(answer.location).text
    assert as_owner.get(to(cast, "")).location == to(cast, "earning")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"loyalty_type": "", "card_name": "Kept"}, "Choose one of the three."),
        (
            {"loyalty_type": "cash", "card_name": "Kept"},
            "Choose one of these: Stamps, Points, Stamps and points.",
        ),
        ({"loyalty_type": "points", "card_name": "Kept" * 40}, "at most 120 letters"),
    ],
)
def test_a_bad_start_keeps_what_was_typed(as_owner, cast, typed, sentence):
    answer = as_owner.post(to(cast, ""), data=typed)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="Kept' in answer.text
    assert read(cast.merchant) is None


def test_a_second_program_is_refused_in_words(as_owner, cast, program):
    answer = as_owner.post(to(cast, ""), data={"loyalty_type": "points"})
    assert answer.status_code == 409
    assert "There is a program already" in answer.text


def test_who_does_not_own_sees_that_an_owner_starts_it(sign_in, cast):
    answer = sign_in(cast.manager).get(to(cast, ""))
    assert "An owner starts it." in answer.text
    assert "Start the program" not in answer.text


@pytest.mark.parametrize(
    "tab", [*SETTINGS, "activation", "deactivation", "deletion", "rewards/", "rewards/rules"]
)
def test_saving_without_a_program_says_that_it_is_gone(as_owner, cast, tab):
    for answer in (as_owner.post(to(cast, tab)), as_owner.piece(to(cast, tab), method="POST")):
        assert answer.status_code == 409
        assert "There is no program any more" in answer.text


# who may

LOOK = [*SETTINGS, "rewards/", "history", "history/1"]
CHANGE = [
    ("get", "activation"),
    ("post", "activation"),
    ("get", "deactivation"),
    ("post", "deactivation"),
    ("get", "deletion"),
    ("post", "deletion"),
    ("get", "rewards/new"),
    ("post", "rewards/"),
    ("get", "rewards/rules"),
    ("post", "rewards/rules"),
    ("post", "branding/logo"),
    ("post", "branding/hero/removal"),
    *(("post", tab) for tab in SETTINGS),
    ("post", ""),
]


@pytest.mark.parametrize("tab", LOOK)
def test_managers_look_and_cannot_change(sign_in, cast, program, tab):
    answer = sign_in(cast.manager).get(to(cast, tab))
    assert answer.status_code == 200
    for words in ('id="save"', "Delete…", "Switch off…", "New reward", "Take it off", 'type="file"'):
        assert words not in answer.text
    assert sign_in(cast.staff).get(to(cast, tab)).status_code == 403
    assert sign_in(cast.stranger).get(to(cast, tab)).status_code == 404


@pytest.mark.parametrize("door", CHANGE)
def test_only_owners_change(sign_in, client, cast, program, door):
    method, tab = door
    assert getattr(client, method)(to(cast, tab)).location.startswith("/login")
    for person, status in ((cast.staff, 403), (cast.manager, 403), (cast.stranger, 404)):
        assert (
            getattr(sign_in(person), method)(to(cast, tab), data=earning(points_per_euro="9")).status_code
            == status
        )
    assert (read(cast.merchant).version, read(cast.merchant).is_active) == (1, True)


def test_the_program_stands_in_the_navigation_of_those_who_may(sign_in, cast):
    here = f'href="{to(cast, "")}"'
    assert here in sign_in(cast.manager).get(path(cast.merchant, "stores/")).text
    assert here not in sign_in(cast.staff).get(path(cast.merchant, "stores/")).text


# on, off, gone


def day(days, zone="Europe/Luxembourg"):
    from zoneinfo import ZoneInfo

    return (datetime.now(ZoneInfo(zone)) + timedelta(days=days)).date()


def test_switching_off_asks_until_when_and_says_what_stops(as_owner, cast, program):
    page = as_owner.get(to(cast, "deactivation")).text
    assert "nobody enrols and nobody earns" in page
    assert f'value="{day(30)}"' in page
    until = day(10)
    answer = as_owner.post(to(cast, "deactivation"), data={"redeem_until": str(until)})
    assert (answer.status_code, answer.location) == (303, to(cast, "earning"))
    off = read(cast.merchant)
    assert not off.is_active
    assert off.redeem_until.astimezone(cast.merchant.zone) == datetime.combine(
        until + timedelta(days=1), datetime.min.time(), tzinfo=cast.merchant.zone
    )
    page = as_owner.get(answer.location).text
    assert "The program is off." in page
    assert f"{until.day} {until:%b %Y}" in page
    assert f'value="{until}"' in as_owner.get(to(cast, "deactivation")).text
    assert as_owner.post(to(cast, "deactivation"), data={"redeem_until": ""}).status_code == 303
    assert read(cast.merchant).redeem_until is None
    assert "cannot be redeemed either" in as_owner.get(to(cast, "earning")).text


@pytest.mark.parametrize(
    "typed", ["yesterday", "2020-01-01", "2099-01-01", "1999-12-31", "9999-12-31", "26-12-24"]
)
def test_a_day_that_cannot_be_is_told(as_owner, cast, program, typed):
    answer = as_owner.post(to(cast, "deactivation"), data={"redeem_until": typed})
    assert answer.status_code == 422
    assert [name or other for name, other in bad(answer)] == ["redeem_until"]
    assert f'value="{typed}"' in answer.text
    assert read(cast.merchant).is_active


def test_switched_on_again_it_runs_as_before(as_owner, cast, program):
    began = read(cast.merchant).activated_at
    as_owner.post(to(cast, "deactivation"), data={"redeem_until": str(day(0))})
    assert "can enrol, collect and redeem again" in as_owner.get(to(cast, "activation")).text
    assert as_owner.post(to(cast, "activation")).status_code == 303
    on = read(cast.merchant)
    assert (on.is_active, on.redeem_until, on.activated_at, on.version) == (True, None, began, 3)
    answer = as_owner.post(to(cast, "activation"))
    assert "It was active already." in as_owner.get(answer.location).text
    assert read(cast.merchant).version == 3


def test_deleting_shows_before_what_goes(as_owner, cast, program):
    make_card(program)
    text = as_owner.get(to(cast, "deletion")).text
    assert "Delete the program Carte Lumière?" in text
    assert "1 card<" in text
    answer = as_owner.post(to(cast, "deletion"), data={"reason": "a better one"})
    assert (answer.status_code, answer.location) == (303, to(cast, ""))
    page = as_owner.get(answer.location).text
    assert "The program Carte Lumière is in the trash" in page
    assert "Start a new one" in page
    act = read(cast.merchant, dead=True).deletion_id
    undo = path(cast.merchant, "trash", act, "undo")
    assert page.count(f'action="{undo}"') == 2  # the message's Undo, and the page's own
    answer = as_owner.post(undo, headers={"Referer": f"http://localhost{to(cast, '')}"})
    assert answer.location == to(cast, "")
    assert read(cast.merchant).deletion_id is None


def test_who_may_not_restore_is_told_who_may(as_owner, sign_in, cast, program):
    as_owner.post(to(cast, "deletion"))
    page = sign_in(cast.manager).get(to(cast, "")).text
    assert "Restore it" not in page
    assert "No program yet" in page


def test_an_earlier_program_can_take_the_place_of_the_current(as_owner, cast, program):
    as_owner.post(to(cast, "deletion"))
    act = read(cast.merchant, dead=True).deletion_id
    as_owner.post(to(cast, ""), data={"loyalty_type": "stamps", "card_name": "New one"})
    page = as_owner.get(to(cast, "history")).text
    back = path(cast.merchant, "trash", act, "restoration")
    assert f'action="{back}"' in page
    answer = as_owner.post(back)
    assert answer.status_code == 409
    assert "Replace the current program" in answer.text
    assert "New one" in answer.text
    assert as_owner.post(back, data={"replace": "1"}).status_code == 303
    assert read(cast.merchant).card_name == "Carte Lumière"


# history


def test_the_history_says_who_changed_what(as_owner, cast, program):
    as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro="2", points_expiration_days="90")))
    as_owner.post(to(cast, "branding"), data={"card_color": "#112233", "card_name": "Carte Lumière"})
    as_owner.post(to(cast, "tiers"), data=looked(rows(("Guest", "", "0", "1"), ("Gold", "", "1000", "1.5"))))
    as_owner.post(to(cast, "limits"), data={"clawback_policy": "clamp_to_zero"})
    as_owner.post(to(cast, "deactivation"), data={"redeem_until": ""})
    text = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", as_owner.get(to(cast, "history")).text)).split())
    for said in (
        "Version 6 Counts now",
        "Active was yes is no",
        "was the balance goes below zero is the balance stops at zero",
        f"Tiers was not used is Guest from 0 ({TIMES}1), Gold from 1,000 ({TIMES}1.5)",
        "Colour of the card was #4F46E5 is #112233",
        "Points per unit spent was 1 point is 2 points",
        "Points expire after was not used is 90 days",
        "The program was started.",
        "Olga Owner",
    ):
        assert said in text, said
    assert "Stamps on a full card" not in text


def test_one_version_is_shown_in_full_with_its_own_colours(as_owner, sign_in, cast, program):
    as_owner.post(to(cast, "branding"), data={"card_color": "#112233"})
    answer = as_owner.get(to(cast, "history/1"))
    assert answer.status_code == 200
    assert "brand-1.css" in answer.text
    assert "#4F46E5" in answer.text
    assert "Pause between two stamps" in answer.text
    assert as_owner.get(to(cast, "history/3")).status_code == 404
    assert as_owner.get(to(cast, f"history/{2**63 - 1}")).status_code == 404


def test_the_history_takes_the_same_number_written_otherwise_for_no_change(app):
    old = {"point_value_cents": "1", "convert_rate": "0.1", "points_per_euro": 1}
    new = {"point_value_cents": "1.0000", "convert_rate": "0.1000", "points_per_euro": 2}
    with app.test_request_context():
        assert [told.label for told in differences(old, new)] == ["Points per unit spent"]
        assert [told.new for told in differences({}, new | {"points_per_euro": None})] == ["0.01", "0.1"]


def test_a_long_history_has_pages(as_owner, cast, program):
    for n in range(2, 24):
        as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro=str(n))))
    first = as_owner.get(to(cast, "history")).text
    assert first.count('id="version-') == 20
    older = re.search(r'href="([^"]+)"\s+id="older"', first).group(1)
    second = as_owner.get(html.unescape(older)).text
    assert re.findall(r'id="version-(\d+)"', second) == ["3", "2", "1"]
    assert 'id="older"' not in second
    assert as_owner.get(to(cast, "history?before=x")).text.count('id="version-') == 20


def test_a_program_from_before_versions_has_an_empty_history(as_owner, cast):
    make_program(cast.merchant)
    assert "No versions here" in as_owner.get(to(cast, "history")).text
    assert "Pause between two stamps" in as_owner.get(to(cast, "history/1")).text
    as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro="2")))
    assert "What was before is not kept." in as_owner.get(to(cast, "history")).text


def test_who_saved_stays_named_after_leaving(as_owner, sign_in, cast, program):
    paul = make_user("Paul Past")
    from tests.factories import make_owner

    make_owner(cast.merchant, paul)
    sign_in(paul).post(to(cast, "earning"), data=looked(earning(points_per_euro="2")))
    with within(cast.merchant):
        from portal.services import accounts
        from tests.factories import ADMIN, NOW

        accounts.delete_user(db.session.merge(paul), by=ADMIN, now=NOW)
        db.session.commit()
    assert "Paul Past" in sign_in(cast.owner).get(to(cast, "history")).text


# how it asks the database


@pytest.mark.parametrize("tab", LOOK)
def test_a_tab_asks_the_database_little(as_owner, cast, statements, tab):
    from tests.factories import make_reward

    made = start(cast.merchant, tier_config=TIERS)
    as_owner.get(to(cast, tab))

    def asked():
        with statements() as sent:
            assert as_owner.get(to(cast, tab)).status_code == 200
        return len([s for s in sent if s.lstrip().upper().startswith(("SELECT", "WITH"))])

    few = asked()
    for n in range(12):
        make_reward(made, tier_key="gold", position=n)
        as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro=str(n + 2))))
    assert asked() == few <= 6


def test_versions_belong_to_their_program(as_owner, cast, program):
    """A new program counts from 1 again; the versions of the old one are not its own."""
    for n in (2, 3):
        as_owner.post(to(cast, "earning"), data=looked(earning(points_per_euro=str(n))))
    as_owner.post(to(cast, "deletion"))
    as_owner.post(to(cast, ""), data={"loyalty_type": "stamps"})
    assert as_owner.get(to(cast, "history/2")).status_code == 404
    assert as_owner.get(to(cast, "history")).text.count('id="version-') == 1
    with within(cast.merchant):
        assert len(db.session.scalars(select(ProgramVersion)).all()) == 4
        db.session.rollback()


def test_a_member_of_two_merchants_sees_each_ones_own(as_owner, sign_in, cast, program):
    both = SimpleNamespace(user=make_user("Luca"))
    make_member(cast.gare, both.user, role="manager")
    other = start(cast.elsewhere, card_name="Elsewhere Card")
    assert "Elsewhere Card" not in sign_in(both.user).get(to(cast, "earning")).text
    assert sign_in(both.user).get(path(cast.elsewhere, "program/earning")).status_code == 404
    assert other.version == 1


@pytest.mark.parametrize(
    ("address", "tab"),
    [
        ("branding/logo", "branding"),
        ("branding/hero/removal", "branding"),
    ],
)
def test_an_address_that_a_refusal_left_in_the_bar_leads_to_its_tab(as_owner, cast, program, address, tab):
    assert as_owner.get(to(cast, address)).location == to(cast, tab)


def test_a_wrong_method_is_nobodys_fault(as_owner, cast):
    answer = as_owner.put(to(cast, "tiers"))
    assert answer.status_code == 405
    assert "That does not work here" in answer.text
    assert "broke" not in answer.text


def test_switching_on_what_is_on_says_so(as_owner, cast, program):
    answer = as_owner.get(to(cast, "activation"))
    assert answer.location == to(cast, "earning")
    assert "It was active already." in as_owner.get(answer.location).text

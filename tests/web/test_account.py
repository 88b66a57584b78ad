"""One's own account: the name, the login, and the browsers one is signed in with."""

import json
import re

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import AuditEntry, LoginSession, User
from portal.services import passwords
from portal.web import browsers
from tests.factories import make_member, make_merchant, make_store, make_user, within
from tests.web.conftest import path

SECRET = "three blue stamps"


@pytest.fixture(scope="session")
def secret_hash():
    return passwords.hash_password(SECRET)


@pytest.fixture
def olga(app, secret_hash):
    return make_user("Olga Owner", email="olga@example.com", username="olga", password_hash=secret_hash)


@pytest.fixture
def as_olga(olga, sign_in):
    return sign_in(olga)


def typed(**changes):
    kept = {"display_name": "Olga Owner", "email": "olga@example.com", "username": "olga", "current": ""}
    return kept | changes


def read(user):
    db.session.expunge_all()
    person = db.session.scalars(select(User).where(User.id == user.id)).one()
    db.session.expunge_all()
    db.session.rollback()
    return person


def sign(browser, agent, login="olga"):
    data = {"login": login, "password": SECRET}
    return browser.post("/login", data=data, headers={"User-Agent": agent})


def ended(user):
    db.session.remove()
    mine = select(LoginSession.ended_why).where(LoginSession.user_id == user.id).order_by(LoginSession.id)
    whys = list(db.session.scalars(mine))
    db.session.rollback()
    return whys


# Profile


def test_somebody_without_a_merchant_has_an_account_too(as_olga):
    answer = as_olga.get("/account/")
    assert answer.status_code == 200
    assert 'value="Olga Owner"' in answer.text
    assert "Back to work" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_a_name_is_changed_and_seen_at_once(as_olga, olga):
    merchant = make_merchant(owner=olga)
    team = path(merchant, "team/")
    tag = as_olga.get(team).headers["ETag"]
    answer = as_olga.post("/account/", data=typed(display_name="Olga Weber"))
    assert (answer.status_code, answer.location) == (303, "/account/")
    assert "Saved." in as_olga.get(answer.location).text
    seen = as_olga.get(team, headers={"If-None-Match": tag})
    assert seen.status_code == 200
    assert "Olga Weber" in seen.text


def test_nothing_new_is_said_so(as_olga):
    answer = as_olga.post("/account/", data=typed())
    assert "Nothing differs" in as_olga.get(answer.location).text


@pytest.mark.parametrize(
    ("current", "sentence"),
    [("", "type your current password"), ("wrong one", "This is not your current password.")],
)
def test_a_new_login_takes_the_current_password(as_olga, olga, current, sentence):
    answer = as_olga.post("/account/", data=typed(email="new@example.com", current=current))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert 'value="new@example.com"' in answer.text
    assert "wrong one" not in answer.text
    assert read(olga).email == "olga@example.com"


def test_with_the_password_a_login_is_new(as_olga, olga, client):
    as_olga.post("/account/", data=typed(email="new@example.com", username="", current=SECRET))
    assert (read(olga).email, read(olga).username) == ("new@example.com", None)
    another = client.application.test_client()
    assert sign(another, "", "new@example.com").status_code == 303


def test_guessing_the_password_is_counted(as_olga):
    for _ in range(10):
        as_olga.post("/account/", data=typed(username="other", current="guess"))
    answer = as_olga.post("/account/", data=typed(username="other", current=SECRET))
    assert answer.status_code == 429
    assert as_olga.post("/account/", data=typed(display_name="Olga W")).status_code == 303


def test_what_else_is_wrong_is_no_guess_at_the_password(as_olga):
    make_user("Secret Sam", username="sam")
    for wrong in ({"username": "sam"}, {"username": "no spaces"}, {"username": "x" * 64}) * 4:
        assert as_olga.post("/account/", data=typed(current=SECRET, **wrong)).status_code in (409, 422)
    for _ in range(12):
        as_olga.post("/account/", data=typed(username="other"))
    assert as_olga.post("/account/", data=typed(username="other", current=SECRET)).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"display_name": ""}, "Type your name."),
        ({"display_name": "x" * 121}, "Write at most 120 letters."),
        ({"display_name": "A\x00B"}, "control character"),
        ({"email": "nonsense", "current": SECRET}, "no e-mail address"),
        ({"username": "no spaces", "current": SECRET}, "letters a-z"),
        ({"username": "admin", "current": SECRET}, "reserved"),
        ({"email": "", "username": "", "current": SECRET}, "Keep an e-mail address or a username"),
    ],
)
def test_a_bad_profile_comes_back_with_a_sentence(as_olga, olga, wrong, sentence):
    answer = as_olga.post("/account/", data=typed(**wrong))
    assert answer.status_code == 422
    assert sentence in answer.text
    assert answer.text.count('aria-invalid="true"') == 1
    assert (read(olga).display_name, read(olga).email) == ("Olga Owner", "olga@example.com")


def test_a_login_in_use_is_a_conflict_that_names_nobody(as_olga):
    make_user("Secret Sam", username="sam")
    answer = as_olga.post("/account/", data=typed(username="sam", current=SECRET))
    assert answer.status_code == 409
    assert "is taken" in answer.text
    assert "Secret Sam" not in answer.text


def test_what_another_browser_saved_meanwhile_is_not_lost(as_olga):
    seen = json.dumps({"display_name": "Olga Before", "email": "olga@example.com", "username": "olga"})
    answer = as_olga.post("/account/", data=typed(display_name="Olga Mine", seen=seen))
    assert answer.status_code == 409
    assert "Olga Owner" in answer.text


def test_the_way_back_leads_to_ones_own_merchant_only(as_olga, olga):
    mine, theirs = make_merchant("Café Lumière", owner=olga), make_merchant("Secret Shop")
    text = as_olga.get(f"/account/?from={mine.subdomain}").text
    assert "Back to Café Lumière" in text
    assert f'href="/account/sessions?from={mine.subdomain}"' in text
    text = as_olga.get(f"/account/?from={theirs.subdomain}").text
    assert "Secret Shop" not in text
    assert "Back to work" in text


def test_the_menu_leads_to_ones_account(as_olga, olga):
    merchant = make_merchant(owner=olga)
    text = as_olga.get(path(merchant, "stores/")).text
    assert f'href="/account/?from={merchant.subdomain}"' in text
    assert f'href="/account/sessions?from={merchant.subdomain}"' in text


# Sign-ins


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = f"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) {APPLE} Version/19.0 Mobile/1 Safari/604.1"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0"
AGENTS = [
    (FIREFOX, "Firefox on Linux"),
    (IPHONE, "Safari on iPhone"),
    (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36 Edg/140.0", "Edge on Windows"),
    (f"Mozilla/5.0 (Linux; Android 16; SM-S) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
    (
        f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Version/19.0 Safari/605.1.15",
        "Safari on Mac",
    ),
    (f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36", "Chrome on ChromeOS"),
    ("Opera/9.80 (Windows NT 6.1)", "Windows"),
    ("curl/8.5.0", None),
    ("", None),
    ("<script>" * 2000, None),
]


@pytest.mark.parametrize(("sent", "named"), AGENTS)
def test_a_browser_is_named_in_few_words(sent, named):
    assert browsers.named(sent) == named


def test_a_browser_nobody_knows_is_a_browser():
    assert browsers.said(None) == "A browser"
    assert browsers.said("Firefox") == "Firefox"
    assert browsers.said("Firefox on Linux") == "Firefox on Linux"


def test_every_name_fits():
    names = {browser for _, browser in browsers.BROWSERS}, {system for _, system in browsers.SYSTEMS}
    assert sum(max(map(len, each)) for each in names) + len(browsers.ON) <= 60


@pytest.fixture
def two(olga, client):
    """Olga at the office and on her phone."""
    phone = client.application.test_client()
    assert sign(client, FIREFOX).status_code == sign(phone, IPHONE).status_code == 303
    return client, phone


def ids_in(browser):
    return [int(found) for found in re.findall(r'id="session-(\d+)"', browser.get("/account/sessions").text)]


def test_sign_ins_are_listed_and_this_one_is_marked(two, sign_in):
    office, _ = two
    sign_in(make_user(), office.application.test_client())
    answer = office.get("/account/sessions")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Firefox on Linux" in answer.text
    assert "Safari on iPhone" in answer.text
    assert answer.text.count("This one") == 1
    assert answer.text.index("Safari on iPhone") < answer.text.index("Firefox on Linux")
    assert len(ids_in(office)) == 2


def test_one_is_signed_out_at_its_next_request(two, olga):
    office, phone = two
    phone_id = ids_in(office)[0]
    answer = office.post(f"/account/sessions/{phone_id}/end")
    assert (answer.status_code, answer.location) == (303, "/account/sessions")
    assert "Signed out: Safari on iPhone." in office.get(answer.location).text
    assert phone.get("/account/").location.startswith("/login")
    assert ended(olga) == [None, "signed out"]


def test_signing_out_this_one_leads_to_the_sign_in_page(two, olga):
    office, phone = two
    answer = office.post(f"/account/sessions/{ids_in(office)[1]}/end")
    assert answer.location == "/login"
    assert "Clear-Site-Data" in answer.headers
    assert office.get("/account/").location.startswith("/login")
    assert phone.get("/account/").status_code == 200


def test_everywhere_else_keeps_this_one(two):
    office, phone = two
    answer = office.post("/account/sessions/others/end")
    text = office.get(answer.location).text
    assert "Signed out in 1 other browser." in text
    assert "Sign out everywhere else" not in text
    assert phone.get("/account/").location.startswith("/login")


def test_everywhere_leads_to_the_sign_in_page(two, olga):
    office, phone = two
    answer = office.post("/account/sessions/end")
    assert answer.location == "/login"
    for browser in (office, phone):
        assert browser.get("/account/").location.startswith("/login")
    assert ended(olga) == ["signed out everywhere"] * 2


@pytest.mark.parametrize("number", [None, 2**62, 2**70])
def test_another_persons_sign_in_is_not_there(two, number):
    office, phone = two
    stranger = make_user(username="sam", password_hash=passwords.hash_password(SECRET))
    theirs = office.application.test_client()
    sign(theirs, FIREFOX, "sam")
    target = number or ids_in(theirs)[0]
    assert phone.post(f"/account/sessions/{target}/end").status_code == 404
    assert ended(stranger) == [None]


def test_signing_out_is_written_down(two, olga):
    office, _ = two
    office.post(f"/account/sessions/{ids_in(office)[0]}/end")
    office.post("/account/sessions/others/end")
    with within(0):
        noted = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        told = [(entry.action, entry.actor_id, entry.channel) for entry in noted]
        db.session.rollback()
    assert told == [("login_sessions.end", olga.id, "portal"), ("users.end_sessions", olga.id, "portal")]


def test_the_times_are_those_of_where_one_works(two, olga):
    office, _ = two
    make_member(make_store(make_merchant(timezone="Pacific/Kiritimati")), olga)
    signed_in = office.get("/account/sessions").text
    assert "Signed in" in signed_in


def test_the_account_asks_few_questions_however_many_sign_ins(two, olga, statements):
    office, _ = two
    with statements() as few:
        office.get("/account/sessions")
    for _ in range(5):
        sign(office.application.test_client(), FIREFOX)
    with statements() as many:
        office.get("/account/sessions")
    asked = [each for each in many if each.startswith("SELECT")]
    assert len(many) == len(few)
    assert len(asked) <= 6

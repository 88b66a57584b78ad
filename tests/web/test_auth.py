"""Signing in and out, the password, and joining by an invitation."""

import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.models import Invitation, LoginSession, MerchantOwner, Store, StoreUser, User
from portal.models.actor import Actor, Role
from portal.services import accounts, merchants, passwords, stores, team, tokens, trash
from tests.factories import make_member, make_merchant, make_owner, make_store, make_user, within
from tests.web.conftest import path

SECRET = "three blue stamps"


@pytest.fixture(scope="session")
def secret_hash():
    return passwords.hash_password(SECRET)


@pytest.fixture
def cast(app, secret_hash):
    owner = make_user("Olga Owner", email="olga@example.com", password_hash=secret_hash)
    merchant = make_merchant("Café Lumière", owner=owner)
    store = make_store(merchant, "Gare")
    staff = make_user("Stan Staff", email=None, username="stan", password_hash=secret_hash)
    member = make_member(store, staff)
    return SimpleNamespace(merchant=merchant, owner=owner, store=store, staff=staff, member=member)


@pytest.fixture
def another(client):
    """One more browser."""
    return client.application.test_client()


def sign(browser, login="olga@example.com", password=SECRET, **more):
    return browser.post("/login", data={"login": login, "password": password, **more})


def is_in(browser, cast):
    return browser.get(path(cast.merchant, "team/")).status_code == 200


def count(cast, model, **where):
    """Count living rows, of the merchant if they are one's."""
    db.session.remove()
    with within(cast.merchant):
        found = db.session.scalar(select(func.count(model.id)).filter_by(**where))
        db.session.rollback()
    return found


def do(cast, work):
    """Do something in the merchant's scope, and keep it."""
    db.session.remove()
    with within(cast.merchant):
        result = work()
        db.session().expire_on_commit = False  # what was made stays readable
        db.session.commit()
        db.session().expire_on_commit = True
    db.session.remove()
    return result


def invite(cast, role="staff", by=None, **fields):
    by = by or Actor(cast.owner.id, Role.OWNER)
    store = None if role == "owner" else cast.store
    asked = {"display_name": "Ina New", "role": role, "store": store, "now": datetime.now(UTC)} | fields
    invitation, token = do(cast, lambda: team.invite(cast.merchant, by=by, **asked))
    return f"/invite/{token}", invitation


LARA = {"display_name": "Lara", "role": "owner"}
NEW = {"display_name": "Ina New", "login": "ina@example.com", "new": SECRET, "again": SECRET}


# Signing in


def test_signing_in_leads_to_ones_merchant(cast, client):
    assert client.get("/login").headers["Cache-Control"] == "no-store"
    answer = sign(client)
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/"
    assert client.get("/").headers["Location"].startswith(f"/m/{cast.merchant.subdomain}/")
    assert is_in(client, cast)


def test_a_username_in_any_case_does(cast, client):
    assert sign(client, " Stan ").status_code == 303


def test_unknown_and_wrong_get_the_same_answer(cast, client, another):
    wrong, unknown = sign(client, password="something else"), sign(another, "nobody@example.com")
    assert wrong.status_code == unknown.status_code == 422
    said = [
        re.search(r'id="password-error".*?<span>(.*?)</span>', a.text, re.DOTALL).group(1)
        for a in (wrong, unknown)
    ]
    assert said[0] == said[1]
    assert "olga@example.com" in wrong.text  # what was typed stays, the password does not
    assert "something else" not in wrong.text


@pytest.mark.parametrize("data", [{"login": ""}, {"password": ""}, {"login": "x" * 255}])
def test_an_incomplete_form_comes_back(cast, client, data):
    assert sign(client, **{"login": "olga@example.com", "password": SECRET} | data).status_code == 422


def test_somebody_without_a_password_cannot_sign_in(cast, client):
    make_user(email="till@example.com")
    assert sign(client, "till@example.com", "").status_code == 422
    assert sign(client, "till@example.com", SECRET).status_code == 422


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/m/x/team/?q=a", "/m/x/team/?q=a"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("/%0d%0aSet-Cookie:x", "/%0d%0aSet-Cookie:x"),
        ("/a\r\nb", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_next_leads_within_this_host_only(cast, client, asked, led):
    assert sign(client, next=asked).headers["Location"] == led
    assert client.get("/login", query_string={"next": asked}).headers["Location"] == led


def test_a_protected_page_is_come_back_to(cast, client):
    wanted = path(cast.merchant, "team/?q=stan")
    asked = client.get(wanted)
    assert asked.status_code == 302
    page = client.get(asked.headers["Location"]).text
    kept = re.search(r'name="next" value="([^"]*)"', page).group(1)
    assert sign(client, next=kept).headers["Location"] == wanted


def test_each_sign_in_gets_a_cookie_of_its_own(cast, client):
    with client.session_transaction() as kept:
        kept["_user_id"], kept["planted"] = "a secret somebody planted", "yes"
    sign(client)
    with client.session_transaction() as kept:
        first = kept["_user_id"]
        assert first != "a secret somebody planted"
        assert "planted" not in kept
    client.post("/logout")
    sign(client)
    with client.session_transaction() as kept:
        assert kept["_user_id"] != first


def test_the_eleventh_try_in_five_minutes_waits(cast, client):
    for _ in range(10):
        assert sign(client, password="wrong wrong").status_code == 422
    answer = sign(client)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "300"
    assert "Too many tries" in answer.text


def test_one_address_may_not_try_many_names(cast, client):
    for n in range(10):
        sign(client, f"nobody{n}@example.com", "wrong wrong")
    assert sign(client).status_code == 429


def test_a_whole_shop_may_sign_in_from_one_address(cast, client):
    for _ in range(12):
        assert sign(client.application.test_client()).status_code == 303


@pytest.mark.postgresql
def test_sixteen_at_once_are_not_more_than_ten(cast, app, elsewhere):
    def guess():
        return sign(app.test_client(), password="wrong wrong").status_code

    answers = [thread.result(60) for thread in [elsewhere(guess) for _ in range(16)]]
    assert answers.count(422) <= 10
    assert answers.count(429) >= 6


def test_old_tries_are_forgotten(cast, client, app):
    for _ in range(10):
        sign(client, password="wrong wrong")
    with app.app_context():
        assert accounts.forget_old_attempts(datetime.now(UTC)) == 0
        assert accounts.forget_old_attempts(datetime.now(UTC) + timedelta(days=2)) == 20
        db.session.commit()
    assert sign(client).status_code == 303


# Sessions


def test_signing_out_ends_the_session_for_good(cast, client):
    sign(client)
    with client.session_transaction() as kept:
        stolen = dict(kept)
    answer = client.post("/logout")
    assert answer.status_code == 303
    assert "cookies" in answer.headers["Clear-Site-Data"]
    with client.session_transaction() as kept:
        kept.update(stolen)
    assert not is_in(client, cast)
    assert client.post("/logout").status_code == 303


@pytest.mark.parametrize(
    ("idle", "age", "stays"),
    [(11, 13 * 24, True), (13, 13 * 24, False), (1, 15 * 24, False)],
)
def test_a_session_ends_after_twelve_idle_hours_and_after_a_fortnight(cast, client, idle, age, stays):
    now = datetime.now(UTC)
    times = {"last_seen_at": now - timedelta(hours=idle), "created_at": now - timedelta(hours=age)}
    old = LoginSession(user_id=cast.owner.id, token_hash=tokens.digest("secret"), **times)
    do(cast, lambda: db.session.add(old))
    with client.session_transaction() as kept:
        kept["_user_id"] = "secret"
    assert is_in(client, cast) is stays


@pytest.mark.parametrize(
    "ask",
    [
        lambda browser, cast: browser.get(path(cast.merchant, "team/")),
        lambda browser, cast: browser.post(path(cast.merchant, "team/invitations"), data=LARA),
    ],
    ids=["reading", "writing"],
)
def test_being_here_is_noted_once_in_ten_minutes(cast, client, sign_in, ask):
    sign_in(cast.owner)
    for minutes, noted in ((5, False), (15, True)):
        seen = datetime.now(UTC) - timedelta(minutes=minutes)
        do(
            cast,
            lambda seen=seen: db.session.execute(LoginSession.__table__.update().values(last_seen_at=seen)),
        )
        assert is_in(client, cast)
        db.session.remove()
        last = db.session.scalars(select(LoginSession)).one().last_seen_at
        assert (last > seen) is noted


def ways_out(cast):
    def merchant():
        again = db.session.get(type(cast.merchant), cast.merchant.id)
        merchants.delete_merchant(again, by=Actor(None, Role.ADMIN), now=datetime.now(UTC))

    def store():
        again = db.session.get(Store, (cast.merchant.id, cast.store.id))
        stores.delete_store(again, by=Actor(None, Role.OWNER), now=datetime.now(UTC))

    def member():
        again = db.session.get(StoreUser, (cast.merchant.id, cast.member.id))
        team.remove_member(again, by=Actor(None, Role.OWNER), now=datetime.now(UTC))

    def user():
        again = db.session.get(User, cast.staff.id)
        accounts.delete_user(again, by=Actor(None, Role.ADMIN), now=datetime.now(UTC))

    def role():
        again = db.session.get(StoreUser, (cast.merchant.id, cast.member.id))
        team.change_member(again, by=Actor(None, Role.OWNER), now=datetime.now(UTC), role="manager")

    def password():
        again = db.session.get(User, cast.staff.id)
        accounts.set_password(again, "four green apples", by=Actor(None, Role.ADMIN), now=datetime.now(UTC))

    return {f.__name__: f for f in (merchant, store, member, user, role, password)}


@pytest.mark.parametrize("way", ["merchant", "store", "member", "user", "role", "password"])
def test_who_is_put_out_is_out_at_the_next_request(cast, client, sign_in, way):
    sign_in(cast.staff)
    assert is_in(client, cast)
    do(cast, ways_out(cast)[way])
    answer = client.get(path(cast.merchant, "team/"))
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login")


def test_a_restored_person_must_sign_in_again(cast, client, sign_in):
    sign_in(cast.staff)
    do(cast, ways_out(cast)["member"])

    def back():
        gone = db.session.scalars(
            StoreUser.of(cast.merchant).where(StoreUser.id == cast.member.id),
            execution_options={"include_deleted": True},
        ).one()
        trash.restore(trash.deletion_of(gone), by=Actor(None, Role.OWNER), now=datetime.now(UTC))

    do(cast, back)
    assert not is_in(client, cast)
    assert sign(client, "stan").status_code == 303
    assert is_in(client, cast)


# The password


def change(browser, current=SECRET, new="four green apples", again=None):
    data = {"current": current, "new": new, "again": new if again is None else again}
    return browser.post("/password", data=data)


def test_a_new_password_signs_every_other_browser_out(cast, client, another):
    sign(client)
    sign(another)
    assert client.get("/password").headers["Cache-Control"] == "no-store"
    assert change(client).status_code == 303
    assert is_in(client, cast)
    assert not is_in(another, cast)
    assert sign(another).status_code == 422
    assert sign(another, password="four green apples").status_code == 303


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"current": "wrong wrong"}, "current"),
        ({"new": "short", "again": "short"}, "new"),
        ({"new": "password1", "again": "password1"}, "new"),
        ({"new": "Olga1234", "again": "Olga1234"}, "new"),
        ({"new": "x" * 129}, "new"),
        ({"new": ""}, "new"),
        ({"again": "something else"}, "again"),
    ],
)
def test_a_bad_password_is_refused_beside_its_field(cast, client, sign_in, words, field):
    sign_in(cast.owner)
    answer = change(client, **words)
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert sign(client.application.test_client()).status_code == 303


def test_guessing_the_current_password_is_limited(cast, client, sign_in):
    sign_in(cast.owner)
    for _ in range(10):
        assert change(client, current="wrong wrong").status_code == 422
    assert change(client).status_code == 429


# Joining by an invitation


def test_an_invitation_tells_who_invites_whom_to_what(cast, client):
    address, _ = invite(cast, email="ina@example.com")
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    for told in (
        "Café Lumière",
        "Gare",
        "staff",
        "Olga Owner",
        'value="ina@example.com"',
        "Sign in to accept",
    ):
        assert told in answer.text


@pytest.mark.parametrize("login", ["ina@example.com", "ina-new"])
def test_a_new_person_gets_an_account_and_is_let_in(cast, client, login):
    address, _ = invite(cast)
    answer = client.post(address, data=NEW | {"login": login})
    assert answer.status_code == 303
    assert answer.headers["Location"] == path(cast.merchant, "")
    assert is_in(client, cast)
    assert sign(client.application.test_client(), login).status_code == 303


def test_an_owner_may_be_invited(cast, client):
    address, _ = invite(cast, role="owner")
    assert "to own Café Lumière together" in client.get(address).text
    client.post(address, data=NEW)
    assert client.get(path(cast.merchant, "team/invitations/new")).status_code == 200
    assert count(cast, MerchantOwner, merchant_id=cast.merchant.id) == 2


def test_a_link_works_once(cast, client, another):
    address, _ = invite(cast)
    client.post(address, data=NEW)
    assert another.get(address).status_code == 404
    assert another.post(address, data=NEW | {"login": "thief@example.com"}).status_code == 404
    assert count(cast, User, email="thief@example.com") == 0


def test_whoever_is_signed_in_joins_with_one_button(cast, client, sign_in):
    person = make_user("Peter Present")
    address, _ = invite(cast)
    sign_in(person)
    with client.session_transaction() as kept:
        before = kept["_user_id"]
    assert "Join as Peter Present" in client.get(address).text
    assert client.post(address).status_code == 303
    assert is_in(client, cast)
    with client.session_transaction() as kept:
        assert kept["_user_id"] != before


def test_somebody_with_an_account_signs_in_and_comes_back(cast, client, secret_hash):
    make_user("Peter Present", email="peter@example.com", password_hash=secret_hash)
    address, _ = invite(cast)
    page = client.get(address).text
    href = re.search(r'id="sign-in"\s+href="([^"]+)"', page).group(1)
    kept = re.search(r'name="next" value="([^"]*)"', client.get(href).text).group(1)
    assert sign(client, "peter@example.com", next=kept).headers["Location"] == address


def test_who_works_there_already_is_told_so_and_the_link_stays(cast, client, sign_in):
    address, invitation = invite(cast)
    sign_in(cast.staff)
    assert client.post(address).status_code == 409
    assert count(cast, Invitation, id=invitation.id, accepted_at=None) == 1


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"display_name": ""}, "display_name"),
        ({"login": ""}, "login"),
        ({"login": "not an address@"}, "login"),
        ({"login": "no spaces please"}, "login"),
        ({"login": "root"}, "login"),
        ({"new": "short", "again": "short"}, "new"),
        ({"again": "other"}, "again"),
    ],
)
def test_a_bad_form_comes_back_beside_its_field(cast, client, fields, at):
    address, invitation = invite(cast)
    answer = client.post(address, data=NEW | fields)
    assert answer.status_code == 422
    assert f'id="{at}-error"' in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert count(cast, Invitation, id=invitation.id, accepted_at=None) == 1


def test_an_address_in_use_is_led_to_the_sign_in(cast, client):
    address, _ = invite(cast)
    answer = client.post(address, data=NEW | {"login": "olga@example.com"})
    assert answer.status_code == 409
    assert "sign in to accept" in answer.text
    assert "Olga Owner" not in answer.text.split("</p>", 1)[1]


def test_trying_names_on_an_invitation_is_limited(cast, client):
    address, _ = invite(cast)
    for n in range(10):
        client.post(address, data=NEW | {"login": f"name{n}@example.com", "again": "x"})
    assert client.post(address, data=NEW).status_code == 429


def over(cast, invitation, how):
    def make_over():
        again = db.session.get(Invitation, (cast.merchant.id, invitation.id))
        if how == "expired":
            again.expires_at = datetime.now(UTC) - timedelta(seconds=1)
        elif how == "withdrawn":
            team.revoke_invitation(again, by=Actor(None, Role.OWNER), now=datetime.now(UTC))
        elif how == "store":
            ways_out(cast)["store"]()
        elif how == "merchant":
            ways_out(cast)["merchant"]()

    do(cast, make_over)


@pytest.mark.parametrize("how", ["expired", "withdrawn", "store", "merchant"])
def test_a_link_that_is_over_shows_one_calm_page(cast, client, how):
    address, invitation = invite(cast)
    over(cast, invitation, how)
    for answer in (client.get(address), client.post(address, data=NEW)):
        assert answer.status_code == 404
        assert "does not work" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert count(cast, User, email="ina@example.com") == 0


@pytest.mark.parametrize("token", ["x", "x.y", "{ref}.", "{ref}.wrong", ".", "{ref}"])
def test_a_made_up_link_shows_the_same_page(cast, client, token):
    address = f"/invite/{token.format(ref=cast.merchant.public_ref)}"
    assert "does not work" in client.get(address).text


def test_a_link_does_not_work_with_another_merchants_name(cast, client):
    address, _ = invite(cast)
    other = make_merchant()
    elsewhere = address.replace(cast.merchant.public_ref, other.public_ref)
    assert client.get(elsewhere).status_code == 404


def test_a_link_of_somebody_removed_works_no_more(cast, client):
    other = make_owner(cast.merchant, make_user())
    address, _ = invite(cast, role="owner", by=Actor(other.user_id, Role.OWNER))
    assert client.get(address).status_code == 200

    def remove():
        again = db.session.get(MerchantOwner, (cast.merchant.id, other.id))
        merchants.remove_owner(again, by=Actor(None, Role.OWNER), now=datetime.now(UTC))

    do(cast, remove)
    assert client.get(address).status_code == 404
    assert client.post(address, data=NEW).status_code == 404


def test_get_writes_nothing(cast, client, statements):
    address, _ = invite(cast)
    with statements() as sent:
        client.get(address)
        client.get("/login")
    assert not [s for s in sent if s.startswith(("INSERT", "UPDATE", "DELETE"))]


def test_search_engines_may_know_the_sign_in_page_and_no_invitation(client):
    assert "noindex" not in client.get("/login").text
    assert "noindex" in client.get("/invite/none").text

"""The start: to one's merchant, or to a choice of them."""

from tests.factories import make_member, make_merchant, make_store, make_user
from tests.web.conftest import path


def test_one_merchant_is_entered_at_once(app, client, sign_in):
    person = make_user()
    merchant = make_merchant(owner=person)
    sign_in(person)
    answer = client.get("/", follow_redirects=True)
    assert answer.request.path == path(merchant, "")


def test_several_are_offered_for_a_choice(app, client, sign_in):
    person = make_user()
    own, works = make_merchant("Café Lumière", owner=person), make_merchant("Bäckerei Schmit")
    make_member(make_store(works), person)
    make_merchant("Somebody else's")
    sign_in(person)
    answer = client.get("/", follow_redirects=True)
    assert answer.request.path == "/choose"
    for merchant in (own, works):
        assert f'href="{path(merchant, "")}"' in answer.text
    assert "Somebody else" not in answer.text
    assert client.get(path(works, "")).status_code == 200


def test_a_merchant_appears_once_however_many_stores_one_works_in(app, client, sign_in):
    person = make_user()
    merchant = make_merchant(owner=person)
    make_member(make_store(merchant), person)
    sign_in(person)
    assert client.get("/choose").text.count(f'href="{path(merchant, "")}"') == 1


def test_somebody_with_no_merchant_is_told_what_to_do(app, client, sign_in):
    sign_in(make_user())
    assert "No business yet" in client.get("/", follow_redirects=True).text


def test_a_platform_admin_is_told_what_the_account_is_for(app, client, sign_in):
    sign_in(make_user(is_platform_admin=True))
    page = client.get("/choose").text
    assert "This account is for the admin API and the command line" in page
    assert "Ask the person" not in page


def test_nobody_is_led_to_the_sign_in_page(app, client):
    assert client.get("/").headers["Location"].startswith("/login")
    assert client.get("/choose").headers["Location"].startswith("/login")


def test_a_merchant_that_does_not_exist_is_not_found(app, client, sign_in):
    sign_in(make_user())
    assert client.get("/m/nowhere/").status_code == 404

"""Every screen there is, in both themes and at three widths: no barrier, nothing cut off, no complaint.

The screens come from the app's own map: a new one is looked at by itself.
"""

import logging
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page
from werkzeug.serving import make_server

from portal import create_app
from portal.extensions import db
from portal.models.actor import Role
from portal.services import demo
from tests import tour
from tests.browser.conftest import faults
from tests.fixtures import make_sqlite

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
WIDTHS = {"phone": (390, 844), "tablet": (1024, 768), "desktop": (1440, 900)}
PEOPLE = {"lea": Role.OWNER, "sofia": Role.MANAGER, "nina": Role.STAFF}
# An owner sees all that others see; of those a phone tells enough.
VISITS = [("lea", width, theme) for width in WIDTHS for theme in ("light", "dark")]
VISITS += [("sofia", "phone", "light"), ("nina", "phone", "light")]


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[tuple[str, list[tour.Stop]]]:
    """A server with the demo that nobody changes, and every screen of it."""
    database = make_sqlite(tmp_path_factory.mktemp("tour"))
    database.clean()
    app = create_app(database.settings)
    with app.app_context():
        tour.build_demo()
        stops = list(tour.stops(app))
        db.session.remove()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", stops
    server.shutdown()
    thread.join(10)
    server.server_close()
    with app.app_context():
        db.engine.dispose()
    database.remove()


def may_see(stop: tour.Stop, role: Role) -> bool:
    return stop.allowed in ("anyone", "signed_in") or role >= Role.of_word(stop.allowed)


def is_a_page(page: Page, address: str, role: Role) -> bool:
    """Whether the address answers with a page; a file would be downloaded."""
    answer = page.request.get(address, max_redirects=0)
    if answer.status in (301, 302, 303, 308):
        return False
    # Some rows are none of a lesser role's: a manager of another store, say.
    assert answer.status == 200 or (role < Role.OWNER and answer.status in (403, 404)), address
    return answer.status == 200 and answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("who", "width", "theme"), VISITS)
def test_every_screen_is_without_barriers(page, house, who, width, theme):
    url, stops = house
    w, h = WIDTHS[width]
    page.set_viewport_size({"width": w, "height": h})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    page.goto(f"{url}/login")
    page.get_by_label("E-mail or username").fill(who)
    page.get_by_label("Password").fill(demo.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)
    found, seen = {}, 0
    for stop in stops:
        if may_see(stop, PEOPLE[who]) and is_a_page(page, url + stop.address, PEOPLE[who]):
            page.goto(url + stop.address)
            seen += 1
            if wrong := faults(page):
                found[stop.endpoint] = wrong
    assert found == {}
    assert seen > 7  # the tour did go somewhere

"""Take the pictures of docs/use anew, from the demo: `make pictures`, or with names only those."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "use" / "pictures"
BIN = Path(sys.executable).parent
BROWSER = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PASSWORD = "three warm croissants"  # noqa: S105 - the demo's, printed by it
PORT = 8765
WIDE, PHONE = (1200, 750), (390, 780)


def nothing(_: Page) -> None:
    """Leave the page as it opened."""


class Shot(NamedTuple):
    """One picture: its name, the page of the café, what to do there first, and how large."""

    name: str
    path: str
    first: Callable[[Page], None] = nothing
    size: tuple[int, int] = WIDE
    who: str = "lea"
    theme: str = "light"


def delete_gare(page: Page) -> None:
    """Ask to delete the store Gare, and stop at the preview."""
    page.get_by_label("More for Gare").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("dialog").wait_for()


def open_first_act(page: Page) -> None:
    """Open the newest thing in the trash."""
    page.locator("td.title a").first.click()
    page.get_by_role("heading", level=1).wait_for()


def search_products(page: Page) -> None:
    """Search as one types."""
    page.locator("#q").fill("cap")
    page.wait_for_url("**q=cap**")


def edit_in_place(page: Page) -> None:
    """Open the first product's row."""
    page.locator("tbody tr").first.get_by_role("link", name="Edit").first.click()
    page.locator("tr.editing").wait_for()


def open_palette(page: Page) -> None:
    """Find anything."""
    page.keyboard.press("Control+k")
    page.keyboard.type("gar", delay=30)
    page.wait_for_timeout(600)


def refund_first_order(page: Page) -> None:
    """Ask to refund the newest order, write an amount, and wait for what it would do."""
    page.locator("tbody tr").first.get_by_role("link").first.click()
    page.get_by_role("link", name="Refund…").click()
    page.get_by_role("dialog").locator("#amount").fill("1.00")
    page.locator("#refund-told strong").wait_for()


def open_full_card(page: Page) -> None:
    """Open the card with the most points."""
    page.locator("td.title a").first.click()
    page.locator("#statement").wait_for()


def accept_first(page: Page) -> None:
    """Ask to accept what waits for review."""
    page.get_by_role("link", name="Accept…").first.click()
    page.get_by_role("dialog").wait_for()


def look_before_saving(page: Page) -> None:
    """Change a rule and see what it would have changed."""
    page.get_by_label("Points per unit spent").fill("12")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save these rules").wait_for()


def convert_stamps(page: Page) -> None:
    """Collect points only from now on, and see what the frozen stamps would become."""
    page.get_by_text("Points for what they spend.").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Save these rules").click()
    page.get_by_role("link", name="Convert them into points…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Points for one stamp").fill("10")
    dialog.get_by_role("button", name="See what it does").click()
    dialog.get_by_role("button", name="Convert", exact=True).wait_for()


SHOTS = (
    Shot("dashboard", "/m/cafe-lumiere/"),
    Shot("dashboard-phone", "/m/cafe-lumiere/", size=PHONE),
    Shot("stores", "/m/cafe-lumiere/stores/"),
    Shot("store-delete", "/m/cafe-lumiere/stores/", delete_gare),
    Shot("products", "/m/cafe-lumiere/products/"),
    Shot("products-search", "/m/cafe-lumiere/products/", search_products),
    Shot("products-edit", "/m/cafe-lumiere/products/", edit_in_place),
    Shot("products-phone", "/m/cafe-lumiere/products/", size=PHONE),
    Shot("products-dark", "/m/cafe-lumiere/products/", theme="dark"),
    Shot("team", "/m/cafe-lumiere/team/"),
    Shot("team-invite", "/m/cafe-lumiere/team/new"),
    Shot("program-earning", "/m/cafe-lumiere/program/"),
    Shot("program-look", "/m/cafe-lumiere/program/earning", look_before_saving),
    Shot("program-rewards", "/m/cafe-lumiere/program/rewards"),
    Shot("program-branding", "/m/cafe-lumiere/program/branding"),
    Shot("program-history", "/m/cafe-lumiere/program/history"),
    Shot("customers", "/m/cafe-lumiere/customers/"),
    Shot("customers-phone", "/m/cafe-lumiere/customers/", size=PHONE),
    Shot("card", "/m/cafe-lumiere/cards/?sort=points&direction=desc", open_full_card),
    Shot("order-refund", "/m/cafe-lumiere/orders/", refund_first_order),
    Shot("review-accept", "/m/cafe-lumiere/reviews/", accept_first),
    Shot("trash", "/m/cafe-lumiere/trash/"),
    Shot("trash-act", "/m/cafe-lumiere/trash/", open_first_act),
    Shot("audit", "/m/cafe-lumiere/audit/"),
    Shot("settings", "/m/cafe-lumiere/settings/"),
    Shot("palette", "/m/cafe-lumiere/products/", open_palette),
    Shot("program-conversion", "/m/cafe-lumiere/program/earning", convert_stamps),
)


def main() -> None:
    """Show the demo to a browser and keep what it sees."""
    wanted = set(sys.argv[1:]) or {shot.name for shot in SHOTS}
    FOLDER.mkdir(parents=True, exist_ok=True)
    with demo() as url, sync_playwright() as drivers:
        browser = drivers.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        for shot in SHOTS:
            if shot.name in wanted:
                take(browser, url, shot)
                print(shot.name)


def take(browser: Browser, url: str, shot: Shot) -> None:
    """Sign in, go there and take the picture."""
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if shot.theme == "dark" else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{url}/login")
    page.get_by_label("E-mail or username").fill(shot.who)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto(url + shot.path)
    shot.first(page)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{shot.name}.png", caret="initial")
    context.close()


@contextmanager
def demo() -> Iterator[str]:
    """Serve a demo of its own, in a folder that goes away."""
    url = f"http://127.0.0.1:{PORT}"
    with tempfile.TemporaryDirectory() as folder:
        own = {"DATABASE_URL": f"sqlite:///{folder}/pictures.db", "INSTANCE_PATH": folder, "PUBLIC_URL": url}
        env = {**os.environ, **own, "FLASK_APP": "wsgi.py"}
        server = subprocess.Popen([BIN / "python", "tools/run.py", str(PORT)], cwd=ROOT, env=env)
        try:
            wait_for(url)
            yield url
        finally:
            server.terminate()
            server.wait(10)


def wait_for(url: str) -> None:
    """Wait until it answers, for a minute."""
    for _ in range(120):
        try:
            urlopen(f"{url}/healthz", timeout=2).close()  # noqa: S310 - our own address
        except (URLError, OSError):
            time.sleep(0.5)
        else:
            return
    sys.exit("The demo did not start.")


if __name__ == "__main__":
    main()

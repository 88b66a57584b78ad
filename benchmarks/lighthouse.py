"""What a phone makes of our pages: Lighthouse's four scores, and how much goes over the wire.

Needs node, npm and a browser; npm puts Lighthouse into a cache folder of the user's, outside the project.
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

from benchmarks.measuring import Figure
from config import ROOT
from portal.services.demo.people import PASSWORD
from tests import engines

VERSION = "13.5.0"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST, TIMES = 95, 3
FIRST_VISIT, AFTERWARDS = 150, 15  # KB
WHO = "lea"
PAGES = {"sign-in": "/login", "product list": "/m/cafe-lumiere/products/", "trash": "/m/cafe-lumiere/trash/"}
FLAGS = "--headless --no-sandbox --disable-gpu"


def figures(engine: str) -> Iterator[Figure]:
    """Measure three pages of the demo merchant as a phone on a slow line sees them; once, on SQLite."""
    if engine != "sqlite":
        return
    chromium = engines.chromium()
    if not (shutil.which("npm") and shutil.which("node") and chromium):
        yield Figure(
            "lighthouse", engine, "left out: it needs node, npm and a browser", "–", "–", is_met=True
        )
        return
    program = _program()
    with _served() as address:
        cookie = _signed_in(address)
        for name, path in PAGES.items():
            who = "" if path == "/login" else cookie
            told = [_measure(program, chromium, address + path, who) for _ in range(TIMES)]
            yield from _figures(name, told)


def _figures(name: str, told: list[dict[str, Any]]) -> Iterator[Figure]:
    scores = {
        c: round(100 * statistics.median(each["categories"][c]["score"] for each in told)) for c in CATEGORIES
    }
    figure = ", ".join(f"{category} {score}" for category, score in scores.items())
    line = f"{name} on a phone, median of {TIMES}"
    yield Figure("lighthouse", "sqlite", line, figure, f"≥ {LEAST} each", min(scores.values()) >= LEAST)
    requests = told[0]["audits"]["network-requests"]["details"]["items"]
    first = sum(each["transferSize"] for each in requests) / 1024
    page = next(each["transferSize"] for each in requests if each["resourceType"] == "Document") / 1024
    goals = f"≤ {FIRST_VISIT} KB, ≤ {AFTERWARDS} KB"
    is_light = first <= FIRST_VISIT and page <= AFTERWARDS
    yield Figure(
        "weight", "sqlite", f"{name}: first visit, after", f"{first:.0f} KB, {page:.0f} KB", goals, is_light
    )


def _program() -> Path:
    """Find Lighthouse in the cache of this user, fetching it the first time."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "carnet" / f"lighthouse-{VERSION}"
    program = folder / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ["--no-audit", "--no-fund", "--silent", "--ignore-scripts"]
        command = ["npm", "install", "--prefix", str(folder), *quiet, f"lighthouse@{VERSION}"]
        subprocess.run(command, check=True, cwd=folder)
    return program


@contextmanager
def _served() -> Iterator[str]:
    """Serve a fresh demo merchant with a web server of its own, as an installation would."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        taken.close()
        address = f"http://127.0.0.1:{port}"
        environ = os.environ | {"INSTANCE_PATH": folder, "PUBLIC_URL": address, "FLASK_APP": "wsgi.py"}
        environ |= {"CARNET_ENV": "local", "DATABASE_URL": "", "LOG_LEVEL": "error"}
        for words in (["db", "upgrade"], ["demo", "--if-empty"]):
            command = [sys.executable, "-m", "flask", *words]
            subprocess.run(command, check=True, cwd=ROOT, env=environ, capture_output=True)
        options = ["--worker-class=gthread", "--threads=8", f"--bind=127.0.0.1:{port}", "--no-control-socket"]
        command = [sys.executable, "-m", "gunicorn", *options, "--log-level=error", "wsgi:app"]
        with subprocess.Popen(command, cwd=ROOT, env=environ) as server:
            try:
                _wait_for_small_files(address)
                yield address
            finally:
                server.terminate()


def _wait_for_small_files(address: str) -> None:
    """Wait until the server answers, and has pressed the files it serves."""
    opener = build_opener()
    until = time.monotonic() + 120
    while time.monotonic() < until:
        try:
            style = re.search(r'href="([^"]+tabler\.css)"', opener.open(f"{address}/login").read().decode())
            asked = Request(address + style[1] if style else address, headers={"Accept-Encoding": "br"})  # noqa: S310 - our own server
            if opener.open(asked).headers["Content-Encoding"] == "br":
                return
        except URLError:
            pass
        time.sleep(0.5)
    raise RuntimeError("the server did not come up")


def _signed_in(address: str) -> str:
    """Sign in as a person does, and answer with the cookie."""
    jar = CookieJar()
    opener = build_opener(HTTPCookieProcessor(jar))
    page = opener.open(f"{address}/login").read().decode()
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    form = {"login": WHO, "password": PASSWORD, "csrf_token": token[1] if token else ""}
    opener.open(f"{address}/login", urlencode(form).encode()).read()
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar)


def _measure(program: Path, chromium: str, address: str, cookie: str) -> dict[str, Any]:
    """Run Lighthouse once, as a phone."""
    with tempfile.TemporaryDirectory() as folder:
        told, headers = Path(folder, "told.json"), Path(folder, "headers.json")
        headers.write_text(json.dumps({"Cookie": cookie} if cookie else {}), encoding="utf-8")
        command = ["node", str(program), address, "--quiet", "--output=json", f"--output-path={told}"]
        command += [f"--chrome-flags={FLAGS}", f"--extra-headers={headers}"]
        command += [f"--only-categories={','.join(CATEGORIES)}"]
        environ = os.environ | {"CHROME_PATH": chromium}
        if subprocess.run(command, check=False, env=environ, timeout=300).returncode:  # a busy machine
            subprocess.run(command, check=True, env=environ, timeout=300)
        found: dict[str, Any] = json.loads(told.read_text(encoding="utf-8"))
        if found["finalDisplayedUrl"].partition("?")[0] != address:
            raise RuntimeError(f"{address} led to {found['finalDisplayedUrl']}")
        return found

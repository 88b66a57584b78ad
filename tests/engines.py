"""The engines the tests run on: PostgreSQL and a browser.

Mark a test `postgresql` or `browser` and it runs only where that engine is. A missing
one fails the test when CI is set; otherwise the test is skipped and the run's last
lines say so.

PostgreSQL comes from TEST_DATABASE_URL (a superuser's, or one that may create roles
and databases), else from the machine's own programs, else from a wheel. The server of
the tests' own is one per run, also with xdist. TEST_POSTGRES_BIN names a folder of
programs to use instead; CHROMIUM names a browser.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url

from tests import cluster

OWNER = "carnet_owner"
APP = "carnet_app"
# How the controller tells its workers.
ADDRESS = "CARNET_TEST_POSTGRES"
MISSING = "CARNET_TEST_POSTGRES_MISSING"

TOO_STRONG = """
    SELECT 1 FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)
"""
NO_POSTGRES = "PostgreSQL is missing"
NO_BROWSER = "Chromium is missing"
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


@dataclass(frozen=True)
class Postgres:
    """A server for the tests, and the two roles Carnet runs as."""

    address: str

    def admin_url(self, dbname: str = "postgres") -> str:
        """Say how the superuser reaches a database."""
        return make_url(self.address).set(database=dbname).render_as_string(False)

    def owner_url(self, dbname: str) -> str:
        """Say how the role that migrates reaches a database."""
        return self.role_url(OWNER, dbname)

    def app_url(self, dbname: str) -> str:
        """Say how the role that serves reaches a database; row security binds it."""
        return self.role_url(APP, dbname)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database of the owner's, empty or a copy of another."""
        parts = [sql.Identifier(name), sql.Identifier(OWNER)]
        text = "CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE {}"
        parts.append(sql.Identifier(template or "template0"))
        self.do(sql.SQL(text).format(*parts))

    def drop_database(self, name: str) -> None:
        """Remove a database, sending away whoever is still connected."""
        text = "DROP DATABASE IF EXISTS {} WITH (FORCE)"
        self.do(sql.SQL(text).format(sql.Identifier(name)))

    def role_url(self, role: str, dbname: str) -> str:
        """Say how one role reaches one database."""
        url = make_url(self.address).set(username=role, database=dbname)
        return url.set(password=self.password()).render_as_string(hide_password=False)

    def password(self) -> str | None:
        """Make up the roles' password; the server of our own asks for none."""
        if make_url(self.address).password is None:
            return None
        return hashlib.sha256(self.address.encode()).hexdigest()

    def do(self, *statements: sql.Composable) -> None:
        """Run statements as the superuser, each on its own."""
        with self.connected() as connection:
            for statement in statements:
                connection.execute(statement)

    def ask(self, question: str, *values: object) -> list[tuple]:
        """Read rows as the superuser."""
        with self.connected() as connection:
            return connection.execute(question, values).fetchall()

    def connected(self) -> psycopg.Connection:
        """Open a connection of the superuser's."""
        dsn = self.admin_url().replace("postgresql+psycopg", "postgresql", 1)
        return psycopg.connect(dsn, autocommit=True)


def postgres() -> Postgres | None:
    """Find the run's PostgreSQL, starting it at the first call; None if it has none."""
    if ADDRESS not in os.environ and MISSING not in os.environ:
        provide()
    address = os.environ.get(ADDRESS)
    return Postgres(address) if address else None


def why_missing() -> str:
    """Say why there is no PostgreSQL; empty when there is one."""
    return os.environ.get(MISSING, "")


@cache
def chromium() -> str | None:
    """Find the machine's browser; None if it has none."""
    names = (os.environ.get("CHROMIUM", ""), *BROWSERS)
    return next((found for name in names if name and (found := shutil.which(name))), None)


def is_ci() -> bool:
    """Tell whether a missing engine is a failure here."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def need_postgres() -> Postgres:
    """Give the run's PostgreSQL; without one, skip the test or fail it."""
    server = postgres()
    if server is None:
        give_up(f"{NO_POSTGRES}: {why_missing()}")
    return server


def need_chromium() -> str:
    """Give the machine's browser; without one, skip the test or fail it."""
    path = chromium()
    if path is None:
        give_up(f"{NO_BROWSER}: 'make test' installs it for root; or set CHROMIUM.")
    return path


def give_up(sentence: str) -> None:
    """Fail where every engine is promised, else skip."""
    (pytest.fail if is_ci() else pytest.skip)(sentence)


def provide() -> None:
    """Start or reach PostgreSQL and leave its address where the workers look."""
    try:
        server = Postgres(given() or started())
        make_roles(server)
    except (
        cluster.NoServerError,
        psycopg.Error,
        OSError,
        subprocess.SubprocessError,
    ) as no:
        stop()
        os.environ[MISSING] = " ".join(str(no).split())
    else:
        os.environ[ADDRESS] = server.address


def given() -> str | None:
    """Read the server the environment names, in the form SQLAlchemy wants."""
    address = os.environ.get("TEST_DATABASE_URL")
    if not address:
        return None
    return make_url(address).set(drivername="postgresql+psycopg").render_as_string(False)


_OURS: list[cluster.Cluster] = []


def started() -> str:
    """Start a server of the tests' own."""
    _OURS.append(cluster.Cluster(cluster.find()))
    return _OURS[0].url("postgres", "postgres")


def stop() -> None:
    """Stop the server of the tests' own, if there is one."""
    while _OURS:
        _OURS.pop().close()
        os.environ.pop(ADDRESS, None)


def make_roles(server: Postgres) -> None:
    """Make the two roles as an installation has them, or set them right."""
    for role, may in ((OWNER, "CREATEDB"), (APP, "NOCREATEDB")):
        texts = (
            "DO $$ BEGIN CREATE ROLE {}; EXCEPTION WHEN duplicate_object THEN END $$",
            f"ALTER ROLE {{}} LOGIN NOCREATEROLE {may} PASSWORD {{}}",
            "GRANT {} TO CURRENT_USER",
        )
        parts = sql.Identifier(role), sql.Literal(server.password())
        server.do(*(sql.SQL(t).format(*parts[: t.count("{}")]) for t in texts))
    if server.ask(TOO_STRONG, [OWNER, APP]):
        raise cluster.NoServerError(f"{OWNER} or {APP} may skip row security there.")


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL before xdist starts its workers; one process waits for need."""
    is_worker = hasattr(config, "workerinput")
    has_workers = bool(getattr(config.option, "numprocesses", None))
    if has_workers and not is_worker and not config.option.collectonly:
        postgres()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started, however the run ended."""
    stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Ask for the engine a test is marked with before anything else is set up."""
    if item.get_closest_marker("postgresql"):
        need_postgres()
    if item.get_closest_marker("browser"):
        need_chromium()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say plainly which engine was missing and how many tests that skipped."""
    skipped = [str(r.longrepr) for r in terminalreporter.stats.get("skipped", [])]
    for what in (NO_POSTGRES, NO_BROWSER):
        mine = [text for text in skipped if what in text]
        if mine:
            line = f"{what}; tests skipped for it: {len(mine)}."
            terminalreporter.write_line(line, yellow=True, bold=True)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    """Start the machine's own browser, silent on the network."""
    flags = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    path = {"executable_path": need_chromium()}
    return {**browser_type_launch_args, **path, "args": flags}


def main() -> int:
    """Install a missing browser where that is possible, and say what is here."""
    if chromium() is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install_chromium()
        chromium.cache_clear()
    server = postgres()
    print(f"PostgreSQL: {'ready' if server else why_missing()}")
    print(f"Chromium: {chromium() or 'missing'}")
    stop()
    return 1 if is_ci() and not (server and chromium()) else 0


def install_chromium() -> None:
    """Install Debian's browser; a failure is told by its absence."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ("update", "install -y --no-install-recommends chromium"):
        subprocess.run(["apt-get", "-q", *command.split()], check=False, env=env)


if __name__ == "__main__":
    sys.exit(main())

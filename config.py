"""Settings: the environment is read once, and a bad value is refused with a sentence.

CARNET_ENV            local, production or testing; local when unset
PUBLIC_URL            the address people type; links in mails are built from it
TRUSTED_HOSTS         the host names we answer to, with commas between
SECRET_KEY            signs sessions; local use makes one and keeps it in INSTANCE_PATH
DATABASE_URL          sqlite:///file or postgresql://user:password@host/name
MIGRATION_DATABASE_URL  the same database as the role that owns it, for `flask db`
DATABASE_APP_ROLE     who gets the grants when migrating; the user of DATABASE_URL
POOL_SIZE             connections each worker keeps open, 1 to 100
INSTANCE_PATH         the folder of the local database and key
PROXY_HOPS            how many proxies of yours stand in front, 0 to 5
RATE_LIMIT_STORAGE    where attempts are counted: memory:// or redis://host
LOG_LEVEL             debug, info, warning or error
LOG_FORMAT            json or text

SECRET_KEY, DATABASE_URL, MIGRATION_DATABASE_URL and RATE_LIMIT_STORAGE may lie in a
file instead, named by the same word with _FILE. An empty value counts as unset.
"""

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

VERSION = "0.1.0"
ROOT = Path(__file__).resolve().parent
SHORTEST_KEY = 32
# How long a statement, a lock and a forgotten transaction may last.
PATIENCE = "-c statement_timeout=5s -c lock_timeout=4s -c idle_in_transaction_session_timeout=15s"
HOST = re.compile(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
ROLE = re.compile(r"[A-Za-z_][A-Za-z0-9_$-]{0,62}")


class BadSetting(ValueError):
    """A setting nobody should run with: which one, what is wrong and what to do."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(f"{name}: {sentence}")
        self.name = name


class Environment(NamedTuple):
    """The words of one environment, each read in its own way."""

    words: Mapping[str, str]

    def text(self, name: str, default: str = "") -> str:
        """Read a setting as it stands."""
        return self.words.get(name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """Read a setting that may lie in the file NAME_FILE names instead."""
        file = self.text(f"{name}_FILE")
        if not file:
            return self.text(name, default)
        if self.text(name):
            raise BadSetting(name, f"both {name} and {name}_FILE are set. Keep one.")
        return read_secret(f"{name}_FILE", Path(file))

    def choice(self, name: str, options: tuple[str, ...], default: str) -> str:
        """Read a setting that must be one of a few words."""
        value = self.text(name, default).lower()
        if value not in options:
            raise BadSetting(name, f"{value!r} is none of {', '.join(options)}.")
        return value

    def number(self, name: str, lowest: int, highest: int, default: int) -> int:
        """Read a setting that must be a whole number in a range."""
        value = self.text(name, str(default))
        if re.fullmatch("[0-9]{1,6}", value) and lowest <= int(value) <= highest:
            return int(value)
        raise BadSetting(name, f"{value!r} is no number from {lowest} to {highest}.")


def from_environment(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Turn the environment into Flask's configuration, or raise BadSetting."""
    env = Environment(environ)
    kind = env.choice("CARNET_ENV", ("local", "production", "testing"), "local")
    instance = Path(env.text("INSTANCE_PATH", str(ROOT / "instance"))).absolute()
    url = public_url(env, kind)
    return {
        "CARNET_ENV": kind,
        "TESTING": kind == "testing",
        "VERSION": VERSION,
        "INSTANCE_PATH": str(instance),
        "SECRET_KEY": secret_key(env, kind, instance),
        **addresses(env, kind, url),
        **database(env, kind, instance),
        **cookies(kind),
        **limits(env),
        **logs(env, kind),
    }


def read_secret(name: str, file: Path) -> str:
    """Read a file that holds one secret."""
    try:
        value = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(name, f"{file} cannot be read. Check its path and rights.") from (error)
    if not value:
        raise BadSetting(name, f"{file} is empty. Put the secret into it.")
    return value


def public_url(env: Environment, kind: str) -> SplitResult:
    """Read the address people type, which has a host and no path."""
    value = env.text("PUBLIC_URL", "http://127.0.0.1:8000")
    try:
        url = urlsplit(value)
        _ = url.port  # Only asking shows that a port is no number.
    except ValueError as error:
        raise BadSetting("PUBLIC_URL", f"{value!r} is not an address.") from error
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise BadSetting("PUBLIC_URL", "write it like https://cards.example.com.")
    if url.path.strip("/") or url.query or url.fragment or url.username is not None:
        raise BadSetting("PUBLIC_URL", "write the scheme and host only, with no path.")
    if kind == "production" and url.scheme != "https":
        raise BadSetting("PUBLIC_URL", "production needs an address with https://.")
    return url


def secret_key(env: Environment, kind: str, instance: Path) -> str:
    """Read the key that signs sessions; local use makes its own."""
    name = "SECRET_KEY"
    key = env.secret(name) or (own_key(instance) if kind == "local" else "")
    if not key and kind == "testing":
        return secrets.token_hex(SHORTEST_KEY)
    advice = "Make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
    if not key:
        raise BadSetting(name, f"production needs one. {advice}")
    if len(key) < SHORTEST_KEY:
        raise BadSetting(name, f"it is shorter than {SHORTEST_KEY} signs. {advice}")
    return key


def own_key(instance: Path) -> str:
    """Read the key this installation made for itself, making it the first time."""
    file = instance / "secret_key"
    if not file.exists():
        instance.mkdir(parents=True, exist_ok=True)
        fresh = instance / f"secret_key.{secrets.token_hex(8)}"
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(secrets.token_hex(SHORTEST_KEY))
        # A link never overwrites: of two workers that start at once, one key stays.
        with suppress(FileExistsError):
            os.link(fresh, file)
        fresh.unlink()
    return read_secret("SECRET_KEY", file)


def addresses(env: Environment, kind: str, url: SplitResult) -> dict[str, Any]:
    """Settle which hosts we answer to and how far the proxies are trusted."""
    return {
        "PUBLIC_URL": f"{url.scheme}://{url.netloc}",
        "PREFERRED_URL_SCHEME": url.scheme,
        "TRUSTED_HOSTS": trusted_hosts(env, kind, url.hostname or ""),
        "PROXY_HOPS": env.number("PROXY_HOPS", 0, 5, default=0),
    }


def trusted_hosts(env: Environment, kind: str, own: str) -> list[str]:
    """Read the host names we answer to; our own address must be one of them."""
    name = "TRUSTED_HOSTS"
    words = [word.strip().lower() for word in env.text(name).split(",")]
    hosts = [word for word in words if word]
    for host in hosts:
        if not HOST.fullmatch(host):
            raise BadSetting(name, f"{host!r} is not a host name alone.")
    if not hosts:
        if kind == "production":
            raise BadSetting(name, "production needs one, such as cards.example.com.")
        return list(dict.fromkeys(["127.0.0.1", "localhost", own]))
    if not any(is_within(own, host) for host in hosts):
        raise BadSetting(name, f"{own}, the host of PUBLIC_URL, is missing. Add it.")
    return hosts


def is_within(host: str, pattern: str) -> bool:
    """Tell whether a trusted host covers this one; a leading dot covers subdomains."""
    return f".{host}".endswith(pattern) if pattern[0] == "." else host == pattern


def database(env: Environment, kind: str, instance: Path) -> dict[str, Any]:
    """Settle which database serves, which role migrates, and how we connect."""
    default = shown(URL.create("sqlite", database=str(instance / "carnet.db")))
    url = database_url("DATABASE_URL", env.secret("DATABASE_URL", default), instance)
    if kind != "testing" and url.database == ":memory:":
        raise BadSetting("DATABASE_URL", "memory forgets all. Name a file.")
    name = "MIGRATION_DATABASE_URL"
    owner = env.secret(name)
    owner_url = database_url(name, owner, instance) if owner else url
    if owner_url.drivername != url.drivername:
        raise BadSetting(name, "it must lead to the same database as DATABASE_URL.")
    return {
        "SQLALCHEMY_DATABASE_URI": shown(url),
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options(env, url),
        "MIGRATION_DATABASE_URL": shown(owner_url),
        "DATABASE_APP_ROLE": app_role(env, url),
    }


def shown(url: URL) -> str:
    """Write an address out, password and all, for the engine alone."""
    return url.render_as_string(hide_password=False)


def database_url(name: str, value: str, instance: Path) -> URL:
    """Read a database's address; a relative SQLite file lies in the instance folder."""
    try:
        url = make_url(value)
    except (ArgumentError, ValueError):
        # The address may hold a password: neither it nor the cause is repeated.
        raise BadSetting(name, "it is not a database's address.") from None
    if url.drivername in {"postgres", "postgresql", "postgresql+psycopg"}:
        if not url.database:
            raise BadSetting(name, "it names no database. Add /carnet at its end.")
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in {"sqlite", "sqlite+pysqlite"}:
        return sqlite_url(url, instance)
    raise BadSetting(name, f"{url.drivername} is not served; use sqlite or postgresql.")


def sqlite_url(url: URL, instance: Path) -> URL:
    """Make a SQLite file's place independent of where the program was started."""
    if url.database in {None, "", ":memory:"}:
        return url.set(drivername="sqlite", database=":memory:")
    path = instance / str(url.database)
    return url.set(drivername="sqlite", database=str(path))


def app_role(env: Environment, url: URL) -> str:
    """Read which role gets the grants; SQLite knows none."""
    if url.drivername == "sqlite":
        return ""
    role = env.text("DATABASE_APP_ROLE", url.username or "")
    if not ROLE.fullmatch(role):
        sentence = "name the role that DATABASE_URL signs in as, in plain letters."
        raise BadSetting("DATABASE_APP_ROLE", sentence)
    return role


def engine_options(env: Environment, url: URL) -> dict[str, Any]:
    """Say how to connect: quietly about values, and never waiting for ever."""
    size = env.number("POOL_SIZE", 1, 100, default=10)
    if url.database == ":memory:":
        return {"hide_parameters": True}
    if url.drivername == "sqlite":
        return {"hide_parameters": True, "pool_size": size}
    options = {"pool_pre_ping": True, "connect_args": {"options": PATIENCE}}
    return {"hide_parameters": True, "pool_size": size, **options}


def logs(env: Environment, kind: str) -> dict[str, Any]:
    """Say how much is logged, and whether for programs or for people."""
    levels = ("debug", "info", "warning", "error")
    form = "json" if kind == "production" else "text"
    return {
        "LOG_LEVEL": env.choice("LOG_LEVEL", levels, "info"),
        "LOG_FORMAT": env.choice("LOG_FORMAT", ("json", "text"), form),
    }


def cookies(kind: str) -> dict[str, Any]:
    """Keep the session cookie from scripts, other sites and plain http."""
    return {
        "SESSION_COOKIE_NAME": "__Host-carnet" if kind == "production" else "carnet",
        "SESSION_COOKIE_SECURE": kind == "production",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": timedelta(days=14),
        # A till stays open all day; the token ends with its session.
        "WTF_CSRF_TIME_LIMIT": None,
    }


def limits(env: Environment) -> dict[str, Any]:
    """Bound what a request may carry and say where attempts are counted."""
    name = "RATE_LIMIT_STORAGE"
    storage = env.secret(name, "memory://")
    if not storage.startswith(("memory://", "redis://", "rediss://")):
        raise BadSetting(name, "write memory:// or redis://host:6379/0.")
    return {
        "MAX_CONTENT_LENGTH": 2 * 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 64 * 1024,
        "MAX_FORM_PARTS": 1000,
        "RATELIMIT_STORAGE_URI": storage,
    }

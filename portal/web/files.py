"""Serving our own files: their address carries a fingerprint of all, so they may be kept for a year."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Lock, Thread
from typing import Any, cast
from wsgiref.headers import Headers

import structlog
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise
from whitenoise.responders import StaticFile

from portal.web.pressing import ENCODINGS, press

log = structlog.get_logger()
YEAR_SECONDS = 31_536_000


class Files(WhiteNoise):  # type: ignore[misc]  # WhiteNoise has no types
    """Answers for files before Flask is asked, from copies pressed small where there are some.

    The copies are made beside the first request after an update, and found again at every start.
    Until they are there, and where they cannot be written, the files go out as they are.
    """

    FOREVER = YEAR_SECONDS

    def __init__(self, application: Any, folder: Path, prefix: str, copies: Path | None) -> None:
        self.folder, self.prefix, self.copies = folder, prefix, copies
        self.once = Lock()
        self.is_pressed = copies is None or copies.is_dir()
        self.pressing = Thread(target=self._press, daemon=True, name="pressing files")
        super().__init__(application, root=str(folder), prefix=prefix, immutable_file_test=lambda *_: True)

    def __call__(self, environ: Any, start_response: Callable[..., Any]) -> Any:
        """Serve a file or ask the application; the first call sees to the copies."""
        if not self.is_pressed and self.once.acquire(blocking=False):
            self.pressing.start()
        return super().__call__(environ, start_response)

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        """Describe one file and its copies; the copies lie in another folder."""
        del stat_cache  # knows nothing of the copies
        headers = Headers([("X-Content-Type-Options", "nosniff")])
        self.add_mime_headers(headers, path, url)
        self.add_cache_headers(headers, path, url)
        return StaticFile(path, headers.items(), encodings=dict(self._copies_of(Path(path))))

    def _copies_of(self, path: Path) -> Iterator[tuple[str, str]]:
        for encoding, ending in ENCODINGS.items():
            copy = self.copies and self.copies / f"{path.relative_to(self.folder)}{ending}"
            if copy and copy.is_file():
                yield encoding, str(copy)

    def _press(self) -> None:
        """Make the copies unless another worker was faster, and look at all files again."""
        copies = cast(Path, self.copies)
        try:
            if not copies.is_dir():
                press(self.folder, copies)
        except OSError as error:
            log.warning("files_not_pressed", folder=str(copies), why=str(error))
        self.add_files(str(self.folder), self.prefix)


def address_of_files(folder: Path) -> str:
    """Make the address under which the files stand; it changes when any of them does."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            digest.update(path.read_bytes())
    return f"/static/{digest.hexdigest()[:12]}"


def init_app(app: Flask) -> None:
    """Let WhiteNoise answer for files before Flask is asked, and trust as many proxies as there are."""
    folder, prefix = Path(str(app.static_folder)), str(app.static_url_path)
    copies = Path(app.config["INSTANCE_PATH"], "static", prefix.rpartition("/")[2])
    files = Files(app.wsgi_app, folder, prefix, None if app.testing else copies)
    app.wsgi_app = files  # type: ignore[method-assign]  # WSGI
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # WSGI

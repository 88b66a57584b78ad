"""Serving our own files: their address carries a fingerprint of all, so they may be kept for a year."""

import hashlib
from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix
from whitenoise import WhiteNoise

YEAR_SECONDS = 31_536_000


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
    folder, prefix = str(app.static_folder), str(app.static_url_path)
    app.wsgi_app = WhiteNoise(app.wsgi_app, root=folder, prefix=prefix, max_age=YEAR_SECONDS)  # type: ignore[method-assign]  # WSGI
    hops = app.config["PROXY_HOPS"]
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]  # WSGI

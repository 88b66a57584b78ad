"""Making answers small on their way: pages as they are sent, our own files once after an update."""

import gzip
import shutil
import tempfile
from pathlib import Path

import brotli
from flask import Flask, Response, request
from flask_compress import Compress

# What an encoding is called, and how its copies end.
ENCODINGS = {"br": ".br", "gzip": ".gz"}
PRESSABLE = frozenset({".css", ".js", ".json", ".svg", ".txt"})
WORTH_IT = 500  # bytes; smaller ones fit into one packet anyway
UNFINISHED = "making-"
KEPT = 3  # folders of copies: of this version, and of those a worker may still serve
# Texts alone. Lists as CSV stay as they are: they go out line by line.
SETTINGS = {
    "COMPRESS_REGISTER": False,
    "COMPRESS_MIMETYPES": ["text/html", "text/css", "application/json", "image/svg+xml"],
    "COMPRESS_ALGORITHM": ["br", "zstd", "gzip"],
    "COMPRESS_BR_LEVEL": 5,
    "COMPRESS_LEVEL": 1,
    "COMPRESS_STREAMS": False,
    "COMPRESS_MIN_SIZE": WORTH_IT,
    "COMPRESS_EVALUATE_CONDITIONAL_REQUEST": False,  # freshness.py does that before the page is made
}
compress = Compress()


def press(folder: Path, copies: Path) -> None:
    """Write small copies of the files of a folder; whole or not at all, whoever else does the same."""
    copies.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=copies.parent))
    try:
        for path in folder.rglob("*"):
            if path.suffix in PRESSABLE and path.stat().st_size >= WORTH_IT:
                _press_one(path, made / path.relative_to(folder))
        made.chmod(0o755)
        _put_in_place(made, copies)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    _forget_the_oldest(copies.parent)


def _put_in_place(made: Path, copies: Path) -> None:
    try:
        made.rename(copies)
    except OSError:
        if not copies.is_dir():  # else another worker was first
            raise


def _press_one(path: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    plain = path.read_bytes()
    for encoding, ending in ENCODINGS.items():
        small = brotli.compress(plain) if encoding == "br" else gzip.compress(plain, mtime=0)
        copy.with_name(copy.name + ending).write_bytes(small)


def _forget_the_oldest(folder: Path) -> None:
    whole = [path for path in folder.iterdir() if not path.name.startswith(UNFINISHED)]
    for old in sorted(whole, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def make_small(response: Response) -> Response:
    """Press a page, unless another site led the browser here.

    A page holds the token of its forms and may repeat what the address says. Who could make a browser
    ask again and again, and see how long each answer is, could guess the token letter by letter.
    What another site asks for therefore keeps its full length; the session cookie does not even go
    along but for a whole page the person is led to.
    """
    response.vary.add("Accept-Encoding")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return response
    return compress.after_request(response)


def init_app(app: Flask) -> None:
    """Press what the app answers."""
    app.config.update(SETTINGS)
    compress.init_app(app)
    app.after_request(make_small)

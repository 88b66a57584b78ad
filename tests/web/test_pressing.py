"""Small on the way: pages pressed as they are sent, our own files once after an update."""

import gzip
import stat
from threading import Thread

import brotli
import pytest
from backports import zstd
from werkzeug.test import Client

from portal import create_app
from portal.web import pressing
from portal.web.files import Files
from tests.web.cast import make_cast
from tests.web.conftest import path

BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
PLAIN = {"Accept-Encoding": "identity"}
STYLE = "/static/abc/css/a.css"
WORDS = b".shop { colour: ink }\n" * 200
UNPRESSED = {"br": brotli.decompress, "gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.fixture
def cast(app):
    """A merchant's people."""
    return make_cast()


@pytest.fixture
def owner(cast, sign_in):
    """The owner's browser."""
    return sign_in(cast.owner)


@pytest.fixture
def folder(tmp_path):
    """Files of ours: one large, one tiny, one that is small by nature."""
    (tmp_path / "source/css").mkdir(parents=True)
    (tmp_path / "source/css/a.css").write_bytes(WORDS)
    (tmp_path / "source/tiny.js").write_bytes(b"1")
    (tmp_path / "source/font.woff2").write_bytes(WORDS)
    return tmp_path / "source"


def files_of(folder, copies):
    def lost(_environ, start_response):
        start_response("404 Not Found", [])
        return [b""]

    return Files(lost, folder, "/static/abc", copies)


def served(files, address=STYLE, **headers):
    return Client(files).get(address, headers=headers or BROWSER, buffered=True)


def names_in(folder):
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


@pytest.mark.parametrize("encoding", UNPRESSED)
def test_a_page_is_sent_small(cast, owner, encoding):
    address = path(cast.merchant, "stores/")
    plain = owner.get(address)
    small = owner.get(address, headers={"Accept-Encoding": encoding})
    assert small.headers["Content-Encoding"] == encoding
    assert "Accept-Encoding" in small.headers["Vary"]
    assert "Cookie" in small.headers["Vary"]
    assert int(small.headers["Content-Length"]) == len(small.data) < len(plain.data) / 3
    assert b"Gare" in UNPRESSED[encoding](small.data)


def test_who_takes_nothing_pressed_gets_it_plain(cast, owner):
    for accepts in ("identity", "x-unknown", ""):
        answer = owner.get(path(cast.merchant, "stores/"), headers={"Accept-Encoding": accepts})
        assert "Content-Encoding" not in answer.headers
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_pressed_page_is_not_sent_again_either(cast, owner):
    address = path(cast.merchant, "stores/")
    first = owner.get(address, headers=BROWSER)
    again = owner.get(address, headers=BROWSER | {"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "Accept-Encoding" in again.headers["Vary"]


def test_a_tiny_answer_stays_as_it_is(client):
    assert "Content-Encoding" not in client.get("/healthz", headers=BROWSER).headers


def test_a_list_as_csv_still_goes_out_line_by_line(cast, owner):
    answer = owner.get(path(cast.merchant, "stores/export.csv"), headers=BROWSER, buffered=False)
    assert answer.is_streamed
    assert "Content-Encoding" not in answer.headers
    assert "Content-Length" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_what_another_site_asks_for_tells_nothing_by_its_length(cast, owner, site):
    address = path(cast.merchant, "stores/?q=guess")
    assert "Content-Encoding" not in owner.get(address, headers=BROWSER | {"Sec-Fetch-Site": site}).headers
    assert "Content-Encoding" in owner.get(address, headers=BROWSER | {"Sec-Fetch-Site": "none"}).headers


def test_files_are_pressed_after_the_first_request(folder, tmp_path):
    files = files_of(folder, tmp_path / "copies/abc")
    first = served(files, STYLE, **PLAIN)  # the copies may be there before this is answered
    assert first.data == WORDS
    files.pressing.join(20)
    for encoding in ("br", "gzip"):
        small = served(files, STYLE, **{"Accept-Encoding": encoding})
        assert small.headers["Content-Encoding"] == encoding
        assert UNPRESSED[encoding](small.data) == WORDS
        assert "immutable" in small.headers["Cache-Control"]
        assert small.headers["X-Content-Type-Options"] == "nosniff"
        assert "Accept-Encoding" in small.headers["Vary"]
    assert names_in(tmp_path / "copies") == ["abc/css/a.css.br", "abc/css/a.css.gz"]
    assert names_in(folder) == ["css/a.css", "font.woff2", "tiny.js"]
    assert stat.S_IMODE((tmp_path / "copies/abc").stat().st_mode) == 0o755


def test_copies_are_found_again_at_the_next_start(folder, tmp_path):
    pressing.press(folder, tmp_path / "copies/abc")
    files = files_of(folder, tmp_path / "copies/abc")
    assert served(files).headers["Content-Encoding"] == "br"
    assert not files.pressing.is_alive()
    assert files.pressing.ident is None


def test_copies_of_another_version_are_not_taken(folder, tmp_path):
    pressing.press(folder, tmp_path / "copies/old")
    (folder / "css/a.css").write_bytes(WORDS * 2)
    files = files_of(folder, tmp_path / "copies/new")
    assert served(files, STYLE, **PLAIN).data == WORDS * 2
    files.pressing.join(20)
    assert brotli.decompress(served(files).data) == WORDS * 2


def test_without_a_place_to_write_files_go_out_as_they_are(folder, tmp_path):
    (tmp_path / "copies").write_text("no folder")
    files = files_of(folder, tmp_path / "copies/abc")
    served(files)
    files.pressing.join(20)
    answer = served(files)
    assert (answer.data, answer.headers.get("Content-Encoding")) == (WORDS, None)


def test_workers_that_start_at_once_leave_one_set_of_copies(folder, tmp_path):
    copies = tmp_path / "copies/abc"
    workers = [Thread(target=pressing.press, args=(folder, copies)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert names_in(tmp_path / "copies") == ["abc/css/a.css.br", "abc/css/a.css.gz"]


def test_a_worker_that_another_one_overtook_takes_those_copies(folder, tmp_path):
    files = files_of(folder, tmp_path / "copies/abc")
    pressing.press(folder, tmp_path / "copies/abc")
    served(files)
    files.pressing.join(20)
    assert served(files).headers["Content-Encoding"] == "br"


def test_a_place_that_can_not_be_taken_is_told(folder, tmp_path):
    copies = tmp_path / "copies/abc"
    copies.parent.mkdir()
    copies.write_text("in the way")
    with pytest.raises(OSError, match="abc"):
        pressing.press(folder, copies)
    assert names_in(tmp_path / "copies") == ["abc"]


def test_old_versions_are_forgotten(folder, tmp_path):
    for version in "abcde":
        pressing.press(folder, tmp_path / "copies" / version)
    assert sorted(each.name for each in (tmp_path / "copies").iterdir()) == ["c", "d", "e"]


def test_the_app_keeps_its_copies_under_its_instance(database, tmp_path):
    app = create_app(database.settings | {"TESTING": False, "INSTANCE_PATH": str(tmp_path)})
    files = app.wsgi_app
    assert files.copies.parent == tmp_path / "static"
    assert files.copies.name == app.static_url_path.rpartition("/")[2]
    assert create_app(database.settings).wsgi_app.copies is None

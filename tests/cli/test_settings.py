"""How `flask` and the web server answer settings nobody should run with."""

import os
import subprocess
import sys

import pytest

from config import ROOT


def run(*words, **settings):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environ = kept | {"FLASK_APP": "wsgi.py"} | settings
    command = [sys.executable, "-m", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=60
    )


def test_a_bad_setting_is_one_sentence_and_2():
    done = run("flask", "accounts", "list", PUBLIC_URL="ftp://x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "PUBLIC_URL: write it like https://cards.example.com.\n"


def test_the_web_server_says_it_too_and_does_not_try_for_ever(tmp_path):
    bind = f"--bind=unix:{tmp_path}/socket"
    done = run("gunicorn", bind, "--no-control-socket", "wsgi:app", CARNET_ENV="moon")
    assert done.returncode == 3
    assert "CARNET_ENV: 'moon' is none of local, production, testing." in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [["accounts", "list"], ["jobs", "run", "attempts"]])
def test_an_instance_folder_that_cannot_be_is_one_sentence_and_1(tmp_path, words):
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run("flask", *words, INSTANCE_PATH=str(tmp_path / "file" / "below"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("INSTANCE_PATH: ")
    assert "cannot be written" in done.stderr


def test_what_is_loaded_is_not_searched_for_garbage_but_all_that_comes_after(tmp_path):
    code = "import gc, wsgi; print(gc.isenabled(), gc.get_stats()[2]['collections'])"
    settings = {"INSTANCE_PATH": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=settings, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True", "0"]

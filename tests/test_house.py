"""Rules of the house that no linter knows."""

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import config
from config import ROOT
from portal.models.base import Model
from portal.models.ownership import is_mortal

PORTAL = ROOT / "portal"
PYTHON = sorted(PORTAL.rglob("*.py"))
VERBS = sorted((PORTAL / "services").rglob("*.py"))
DOORS = [path for room in ("web", "cli", "api") for path in sorted((PORTAL / room).rglob("*.py"))]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
TABLES_ALLOWED = (PORTAL / "models", PORTAL / "services" / "trash")
SHARED_TEMPLATES = {"layouts", "shared", "errors", "email"}
# The only room below the doors that keeps something on its own: tries to sign in and last_seen.
OWN_TRANSACTIONS = {"accounts.py", "sessions.py"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def calls_in(path: Path) -> set[str]:
    """Name every attribute that is called in a file: commit, add, execute."""
    nodes = ast.walk(ast.parse(path.read_text()))
    return {n.func.attr for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}


def attributes_in(path: Path) -> set[str]:
    return {n.attr for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Attribute)}


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_no_file_outgrows_the_house(path):
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_no_template_outgrows_the_house(path):
    assert len(path.read_text().splitlines()) <= 120


@pytest.mark.parametrize("path", sorted((ROOT / "static" / "js").glob("*.js")), ids=name_of)
def test_a_behaviour_of_the_browser_is_under_60_lines(path):
    assert len(path.read_text().splitlines()) < 62


@pytest.mark.parametrize("path", VERBS, ids=name_of)
def test_verbs_never_commit(path):
    assert not calls_in(path) & {"commit", "rollback"}
    if path.name not in OWN_TRANSACTIONS:
        assert "session_apart" not in path.read_text()


@pytest.mark.parametrize("path", DOORS, ids=name_of)
def test_doors_write_through_verbs_only(path):
    source = path.read_text()
    assert not re.search(r"session\.(add|add_all|delete|merge)\(", source)
    assert not re.search(r"from sqlalchemy import .*\b(insert|update|delete)\b", source)


@pytest.mark.parametrize(
    "path",
    [
        p
        for p in PYTHON
        if not p.is_relative_to(TABLES_ALLOWED[0]) and not p.is_relative_to(TABLES_ALLOWED[1])
    ],
    ids=name_of,
)
def test_tables_and_raw_sql_stay_in_models_and_the_trash(path):
    attributes = attributes_in(path)
    raw = {"__table__"} & attributes and path.name not in {"audit.py", "saving.py"} and "c" in attributes
    assert not raw, "no statements on tables outside models and services/trash: no hook reaches them"
    spoken = re.findall(r"\btext\(\s*[\"'](\w+)", path.read_text())
    assert not set(spoken) - {"SELECT", "PRAGMA"} or path.name == "extensions.py"


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_nobody_uses_the_legacy_query(path):
    assert not re.search(r"session\.query\(|\b[A-Z]\w+\.query\b", path.read_text())


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_a_to_one_is_never_joined_eagerly(path):
    """joinedload would hide the dead where history must stay readable."""
    assert "joinedload" not in path.read_text()


@pytest.mark.parametrize("path", PYTHON, ids=name_of)
def test_every_reason_for_crossing_merchants_is_given(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "across_merchants":
            assert len(node.args) == 2


def test_every_screen_template_belongs_to_a_blueprint(app):
    screens = [path for path in TEMPLATES if not path.name.startswith("_")]
    folders = {path.relative_to(ROOT / "templates").parts[0] for path in screens} - SHARED_TEMPLATES
    assert folders <= set(app.blueprints)


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_templates_hold_no_script_and_no_style(path):
    source = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", source)
    assert "<style" not in source
    assert not re.search(r"\sstyle=", source)
    assert not re.search(r"\son[a-z]+=|hx-on|\bjs:", source)


@pytest.mark.parametrize("path", sorted((ROOT / "static" / "css").glob("*.css")), ids=name_of)
def test_colours_stand_in_one_file(path):
    literal = re.compile(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(")
    lines = [line for line in path.read_text().splitlines() if literal.search(line)]
    assert path.name == "tokens.css" or not lines


def test_every_text_of_a_mortal_row_is_scrubbed_or_kept_on_purpose():
    kept = {  # words of ours, never of people
        "role",
        "status",
        "kind",
        "loyalty_type",
        "clawback_policy",
        "card_color",
        "timezone",
        "currency",
        "country",
        "locale",
        "pin_hash",
        "tier_config",
    }
    for mapper in Model.registry.mappers:
        if not is_mortal(mapper.local_table):
            continue
        columns = [c for c in mapper.local_table.c if c.computed is None]  # those follow the others
        texts = {c.name for c in columns if c.type.python_type is str}
        assert texts <= set(mapper.class_.scrubs) | kept, mapper.class_.__name__


def test_the_version_stands_once():
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert written == config.VERSION


def test_no_word_of_the_workplace_and_no_host_of_a_registry():
    words = (
        "/work" + "/",
        "/ro" + "ot/",
        "regis" + "try.npmjs",
        "py" + "pi.org",
        "files.python" + "hosted",
        "deb.deb" + "ian",
    )
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if not name or name.startswith("static/vendor/") or not path.is_file():
            continue
        text = path.read_bytes().decode(errors="ignore")
        assert not [word for word in words if word in text], name

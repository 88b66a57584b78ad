"""The pages for people lead where they say."""

import re

import pytest

from config import ROOT
from tools.pictures import FOLDER, SHOTS

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\((?!https?://|#|<)([^)#\s]+)")


def name_of(path):
    return str(path.relative_to(ROOT))


def links_in(path):
    return [path.parent / target for target in LINK.findall(path.read_text())]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_link_leads_somewhere(path):
    assert [str(target) for target in links_in(path) if not target.exists()] == []


@pytest.mark.parametrize("path", [p for p in PAGES if p.name != "README.md"], ids=name_of)
def test_every_page_is_reached_from_another(path):
    others = [page for page in PAGES if page != path]
    assert path in {target.resolve() for page in others for target in links_in(page)}


def test_every_picture_is_taken_by_the_script_and_shown_somewhere():
    taken = {f"{shot.name}.png" for shot in SHOTS}
    shown = {t.name for page in PAGES for t in links_in(page) if t.parent.resolve() == FOLDER}
    assert {path.name for path in FOLDER.iterdir()} == taken == shown

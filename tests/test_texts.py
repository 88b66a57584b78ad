"""Texts for translators: gathered, merged into a language, and held to their placeholders."""

import gettext

import pytest

from tools import texts

PO = "fr/LC_MESSAGES/messages.po"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project of one template and one verb, with no language yet."""
    (tmp_path / "portal").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "pyproject.toml").write_bytes((texts.ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "portal" / "verbs.py").write_text('NAME, NOUNS = later("Name"), counted("store", "stores")\n')
    (tmp_path / "templates" / "page.html").write_text('{{ _("Saved %(name)s.", name=x) }}')
    monkeypatch.setattr(texts, "ROOT", tmp_path)
    monkeypatch.setattr(texts, "FOLDER", tmp_path / "portal" / "translations")
    monkeypatch.setattr(texts, "POT", tmp_path / "portal" / "translations" / "messages.pot")
    return texts.FOLDER


def run(monkeypatch, *words):
    monkeypatch.setattr("sys.argv", ["texts.py", *words])
    return texts.main()


def test_texts_are_gathered_and_checked(folder, monkeypatch, capsys):
    assert run(monkeypatch, "--check") == 1
    assert "messages.pot is not up to date. Run: make texts" in capsys.readouterr().err
    assert run(monkeypatch) == 0
    written = texts.POT.read_text()
    for text in ('msgid "Name"', 'msgid "store"', 'msgid_plural "stores"', 'msgid "Saved %(name)s."'):
        assert text in written
    assert run(monkeypatch, "--check") == 0


def test_a_new_language_is_merged_and_compiled(folder, monkeypatch, capsys):
    assert run(monkeypatch, "--to", "fr") == 0
    po = folder / PO
    po.write_text(po.read_text().replace('"Name"\nmsgstr ""', '"Name"\nmsgstr "Nom"'))
    (texts.ROOT / "templates" / "more.html").write_text('{{ _("Trash") }}')
    assert run(monkeypatch, "--check") == 1
    assert run(monkeypatch) == 0
    assert 'msgid "Trash"' in po.read_text()
    assert gettext.translation("messages", folder, ["fr"]).gettext("Name") == "Nom"
    assert run(monkeypatch, "--to", "fr") == 1
    assert "is there already" in capsys.readouterr().err


def test_a_translation_with_other_placeholders_is_refused(folder, monkeypatch, capsys):
    run(monkeypatch, "--to", "fr")
    po = folder / PO
    po.write_text(
        po.read_text().replace(
            '"Saved %(name)s."\nmsgstr ""', '"Saved %(name)s."\nmsgstr "%(nom)s est noté."'
        )
    )
    assert run(monkeypatch) == 1
    assert "Saved %(name)s." in capsys.readouterr().err
    said = gettext.translation("messages", folder, ["fr"]).gettext("Saved %(name)s.")
    assert said == "Saved %(name)s."  # compiled without it: a page must not break on it


def test_a_language_nobody_knows_is_refused(folder, monkeypatch, capsys):
    assert run(monkeypatch, "--to", "klingonish") == 1
    assert "is no language Babel knows" in capsys.readouterr().err

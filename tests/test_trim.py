"""Cutting down the style sheet others wrote: what our pages use stays, in its order."""

import sys

from tools import trim

WHOLE = """@charset "UTF-8";/*! Banner {x} */
:root{--a:1px;--b:var(--a);--c:2px;--idle:"}";--far:var(--idle)}
.btn,.idle{padding:var(--b);background:url("data:image/svg+xml;{};")}
.btn:not(.idle)>.icon{margin:0}.btn.idle{margin:1px}a:hover{color:red}
@media (min-width:1px){.idle{top:0}.btn{top:var(--c);animation:turn 1s}}
@media print{.idle{top:0}}
@keyframes turn{from{top:0}to{top:1px}}@keyframes idle{from{top:0}}
"""


def cut(*used, ours=""):
    return trim.trimmed(WHOLE, frozenset(used), ours)


def test_only_what_can_match_stays():
    made = cut("btn", "icon")
    assert '.btn{padding:var(--b);background:url("data:image/svg+xml;{};")}' in made
    assert ".btn:not(.idle)>.icon{margin:0}" in made
    assert "a:hover{color:red}" in made
    assert ".btn.idle" not in made
    assert "@media print" not in made
    assert "@media (min-width:1px){.btn{top:var(--c);animation:turn 1s}}" in made


def test_variables_and_animations_stay_as_long_as_somebody_uses_them():
    made = cut("btn")
    assert ":root{--a:1px;--b:var(--a);--c:2px}" in made
    assert "@keyframes turn{" in made
    assert "@keyframes idle" not in made
    assert '--idle:"}";--far:var(--idle)' in cut(ours="p{top:var(--far)}")


def test_the_banner_of_the_makers_stays():
    assert cut().startswith('@charset "UTF-8";/*! Banner {x} */\n')


def test_cutting_twice_changes_nothing():
    made = cut("btn", "icon")
    assert trim.facts(trim.parsed(trim.trimmed(made, frozenset({"btn", "icon"}), ""))) == trim.facts(
        trim.parsed(made)
    )


def test_a_class_that_is_missing_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["trim.py", "--check"])
    assert trim.main() == 0
    cut_short = tmp_path / "tabler.css"
    cut_short.write_text(trim.TRIMMED.read_text().replace(".btn-primary{", ".other{"))
    monkeypatch.setattr(trim, "TRIMMED", cut_short)
    assert trim.main() == 1
    assert ".btn-primary" in capsys.readouterr().err


def test_it_writes_what_it_then_finds_well(tmp_path, monkeypatch):
    monkeypatch.setattr(trim, "TRIMMED", tmp_path / "tabler.css")
    for words, code in ((["--check"], 1), ([], 0), (["--check"], 0)):
        monkeypatch.setattr(sys, "argv", ["trim.py", *words])
        assert trim.main() == code

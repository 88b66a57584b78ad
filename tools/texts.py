"""Gather every text of the portal for translators, bring the languages up to date, or begin a new one.

`python tools/texts.py` writes portal/translations/messages.pot, and merges it into each language there is.
`--check` changes nothing and says what is not up to date. `--to fr` begins French.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "portal" / "translations"
POT = FOLDER / "messages.pot"
# No line numbers and no date: the file changes only when a text does.
QUIETLY = ("--omit-header", "--no-location", "--sort-output", "--no-wrap")
MARKS = ("-k", "later", "-k", "counted:1,2")  # beside _ and ngettext: portal/words.py


def main() -> int:
    """Do what the command line asks and answer with an exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, change nothing")
    parser.add_argument("--to", default="", metavar="LANGUAGE", help="begin a language, such as fr or pt_BR")
    asked = parser.parse_args()
    if asked.check:
        return report(list(faults()))
    if asked.to:
        return begin(asked.to)
    gather(POT)
    for po in languages():
        update(po)
    return report(list(faults()))


def gather(target: Path) -> None:
    """Write every text that is marked in portal/ and templates/."""
    target.parent.mkdir(exist_ok=True)
    babel("extract", "-F", str(ROOT / "pyproject.toml"), *QUIETLY, *MARKS, "-o", str(target), *folders())


def folders() -> tuple[str, str]:
    """Where texts are written; the commands of the terminal stay English."""
    return str(ROOT / "portal"), str(ROOT / "templates")


def begin(language: str) -> int:
    """Make the file a translator fills in."""
    try:
        name = str(Locale.parse(language.replace("-", "_")))
    except (UnknownLocaleError, ValueError):
        return report([f"{language!r} is no language Babel knows. Write it like fr, de or pt_BR"])
    po = FOLDER / name / "LC_MESSAGES" / "messages.po"
    if po.exists():
        return report([f"{shown(po)} is there already. Fill it in, then: make texts"])
    gather(POT)
    babel("init", "-i", str(POT), "-d", str(FOLDER), "-l", name, "--no-wrap")
    return update(po)


def update(po: Path) -> int:
    """Merge new texts into a language, and compile what is translated and sure."""
    name = po.parent.parent.name
    babel("update", "-i", str(POT), "-o", str(po), "-l", name, "--no-wrap", "--ignore-pot-creation-date")
    catalogue = read(po)
    for message, _errors in list(catalogue.check()):
        catalogue.delete(message.id)  # shown in English, rather than not at all
    with po.with_suffix(".mo").open("wb") as compiled:
        write_mo(compiled, catalogue)
    return 0


def faults() -> Iterator[str]:
    """Find what is not up to date, and translations whose placeholders are not those of the text."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "messages.pot"
        gather(fresh)
        if not POT.exists() or POT.read_bytes() != fresh.read_bytes():
            yield f"{shown(POT)} is not up to date. Run: make texts"
        wanted = {message.id for message in read(fresh) if message.id}
    for po in languages():
        catalogue = read(po)
        if {message.id for message in catalogue if message.id} != wanted:
            yield f"{shown(po)} is not up to date. Run: make texts"
        for message, errors in catalogue.check():
            yield f"{shown(po)}: {message.id!r}: {errors[0]}"


def languages() -> list[Path]:
    """List the files of the languages there are."""
    return sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))


def read(po: Path) -> Catalog:
    """Read a file of texts."""
    with po.open("rb") as source:
        return read_po(source, locale=po.parent.parent.name if po.suffix == ".po" else None)


def babel(*words: str) -> None:
    """Run one of Babel's own commands."""
    CommandLineInterface().run(["pybabel", "--quiet", *words])


def shown(path: Path) -> str:
    """Name a file as seen from the project's folder."""
    return str(path.relative_to(ROOT))


def report(found: list[str]) -> int:
    """Print what was found; any is a failure."""
    for fault in found:
        print(fault, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

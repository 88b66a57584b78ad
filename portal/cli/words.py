"""Reading the words of options; what is malformed is a usage error."""

from pathlib import Path

import click


def pairs(ctx: click.Context, option: click.Parameter, words: tuple[str, ...]) -> list[tuple[str, str]]:
    """Read NAME=VALUE, several times."""
    read = []
    for word in words:
        name, sign, value = word.partition("=")
        _refuse_malformed(ctx, option, word, well=bool(name.strip() and sign))
        read.append((name.strip(), value))
    return read


def triples(
    ctx: click.Context, option: click.Parameter, words: tuple[str, ...]
) -> list[tuple[str, str, str]]:
    """Read FIELD:FROM=TO, several times."""
    read = []
    for word in words:
        name, colon, change = word.partition(":")
        old, sign, new = change.partition("=")
        _refuse_malformed(ctx, option, word, well=bool(name.strip() and colon and sign))
        read.append((name.strip(), old, new))
    return read


def readable(_: click.Context, __: click.Parameter, word: str) -> str:
    """Refuse a word whose bytes are no text in the terminal's encoding."""
    if not all(ord(sign) < 0xD800 or ord(sign) > 0xDFFF for sign in word):
        raise click.BadParameter("This is no readable text. Write it in UTF-8.")
    return word


def in_a_folder(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    """Refuse a file that cannot be made, before anything else is done."""
    if path is not None and not path.absolute().parent.is_dir():
        raise click.BadParameter(f"There is no folder “{path.parent}”.")
    return path


def _refuse_malformed(ctx: click.Context, option: click.Parameter, word: str, *, well: bool) -> None:
    if not well:
        raise click.BadParameter(f"“{word}” is not {option.make_metavar(ctx)}.")

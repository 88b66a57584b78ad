"""In which language the pages speak: the merchant's, or the one the browser asks for."""

from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, get_translations, refresh
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from portal import words
from portal.words import Catalogue

babel = Babel(configure_jinja=False)
WRITTEN_IN = "en"
MINUS = "\N{MINUS SIGN}"


def language() -> str:
    """Choose among the languages there are texts in."""
    if not has_request_context():
        return WRITTEN_IN
    if "language" not in g:
        asked = (tag for tag, quality in request.accept_languages if quality > 0)  # the dearest first
        g.language = next(filter(None, map(_offered, asked)), WRITTEN_IN)
    chosen: str = g.language
    return chosen


def locale() -> str:
    """How numbers and days are written: as the merchant says, else as in the language."""
    chosen: str = g.get("locale") or language()
    return chosen


def change() -> None:
    """Speak as the merchant wants from now on; who it is was not known before."""
    g.locale = g.merchant.locale.replace("-", "_")
    g.language = _offered(g.locale) or WRITTEN_IN
    g.pop("catalogue", None)
    refresh()


def catalogue() -> Catalogue:
    """Hand over the texts of the reader's language; a page asks a thousand times, so they stay at hand."""
    try:
        kept: Catalogue = g.catalogue
    except (AttributeError, RuntimeError):  # not yet, or in nobody's name
        kept = get_translations()
        if has_request_context():
            g.catalogue = kept
    return kept


def number(value: float) -> str:
    """Write a number with its thousands apart; on screens with a true minus, plain elsewhere."""
    return with_minus(_written(value, locale())) if has_request_context() else _written(value, WRITTEN_IN)


def with_minus(figure: str) -> str:
    """Write the minus of a figure as the statement does, whatever the language's own looks like."""
    return figure.replace("-", MINUS)


@lru_cache(4096)
def _written(value: float, how: str) -> str:
    return format_decimal(value, locale=how)


def _offered(tag: str) -> str | None:
    """Find the language we have texts in for fr, fr-LU or fr_LU; None for one we do not speak."""
    names: dict[str, str] = current_app.extensions["languages"]
    asked = tag.replace("-", "_").lower()
    return names.get(asked) or names.get(asked.partition("_")[0])


@pass_context
def _saying(context: Context, text: str, /, **values: Any) -> str:
    """Say a text in a template; its values are escaped where the template escapes."""
    return _filled(context, words.reader.catalogue().gettext(text), values)


@pass_context
def _counting(context: Context, one: str, many: str, num: int, /, **values: Any) -> str:
    """Say a text that counts, in a template: `%(num)s` takes the number as the reader writes it."""
    said = words.reader.catalogue().ngettext(one, many, num)
    return _filled(context, said, {"num": number(num), **values})


def _filled(context: Context, said: str, values: dict[str, Any]) -> str:
    said = Markup(said) if context.eval_ctx.autoescape else said  # noqa: S704 - a text of ours
    return said % values if "%" in said else said  # most have nothing to fill in: lists say hundreds


def init_app(app: Flask) -> None:
    """Let templates and verbs say their texts in the reader's language."""
    babel.init_app(app, locale_selector=language)
    with app.app_context():  # reads the disk, so once: a new catalogue wants a new start
        found = {WRITTEN_IN, *map(str, babel.list_translations())}
    app.extensions["languages"] = {name.lower(): name for name in found}
    words.reader.catalogue, words.reader.number = catalogue, number
    app.jinja_env.globals |= {"_": _saying, "gettext": _saying, "ngettext": _counting}
    app.jinja_env.globals["language"] = language

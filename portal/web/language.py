"""In which language the pages speak: the merchant's, or the one the browser asks for."""

from typing import Any

from babel.numbers import format_decimal
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, get_translations, refresh
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from portal import words

babel = Babel(configure_jinja=False)
WRITTEN_IN = "en"


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
    refresh()


def number(value: float) -> str:
    """Write a number with its thousands apart."""
    return format_decimal(value, locale=locale() if has_request_context() else WRITTEN_IN)


def _offered(tag: str) -> str | None:
    """Find the language we have texts in for fr, fr-LU or fr_LU; None for one we do not speak."""
    names: dict[str, str] = current_app.extensions["languages"]
    asked = tag.replace("-", "_").lower()
    return names.get(asked) or names.get(asked.partition("_")[0])


@pass_context
def _counting(_: Context, one: str, many: str, num: int, /, **values: Any) -> Markup:
    """Say a text that counts, in a template: `%(num)s` takes the number as the reader writes it."""
    said = Markup(words.reader.catalogue().ngettext(one, many, num))  # noqa: S704 - a text of ours
    return said % {"num": number(num), **values}


def init_app(app: Flask) -> None:
    """Let templates and verbs say their texts in the reader's language."""
    babel.init_app(app, locale_selector=language)
    with app.app_context():  # reads the disk, so once: a new catalogue wants a new start
        found = {WRITTEN_IN, *map(str, babel.list_translations())}
    app.extensions["languages"] = {name.lower(): name for name in found}
    words.reader.catalogue, words.reader.number = get_translations, number
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        gettext=lambda text: words.reader.catalogue().gettext(text),
        ngettext=lambda one, many, num: words.reader.catalogue().ngettext(one, many, num),
        newstyle=True,
    )
    app.jinja_env.globals["ngettext"] = _counting
    app.jinja_env.globals["language"] = language

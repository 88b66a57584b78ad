"""In which language the pages speak: the merchant's, or the one the browser asks for."""

from flask import Flask, g, has_request_context, request
from flask_babel import Babel, get_translations, refresh

from portal import words

babel = Babel(configure_jinja=False)
WRITTEN_IN = "en"


def language() -> str:
    """Choose among the languages there are texts in."""
    if not has_request_context():
        return WRITTEN_IN
    offered = [str(locale) for locale in babel.list_translations()]
    merchant = g.get("merchant")
    if merchant is None:
        return request.accept_languages.best_match(offered) or WRITTEN_IN
    wanted = merchant.locale.replace("-", "_")
    return next((each for each in (wanted, wanted.partition("_")[0]) if each in offered), WRITTEN_IN)


def change() -> None:
    """Look again: the merchant is known only now."""
    refresh()


def init_app(app: Flask) -> None:
    """Let templates and verbs say their texts in the reader's language."""
    babel.init_app(app, locale_selector=language)
    words.reader.catalogue = get_translations
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        gettext=lambda text: words.reader.catalogue().gettext(text),
        ngettext=lambda one, many, num: words.reader.catalogue().ngettext(one, many, num),
        newstyle=True,
    )
    app.jinja_env.globals["language"] = language

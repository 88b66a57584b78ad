"""Which browser somebody signs in with, in a few words: Firefox on Linux, Safari on iPhone."""

from flask import request

from portal.words import _

ON = " on "
# What a User-Agent says, and what it means. The first found counts: most say they are Safari, too.
BROWSERS = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("OPiOS/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("Ddg/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


def agent() -> str | None:
    """Name the browser that asks, for its session; None for one we do not know."""
    return named(request.user_agent.string)


def named(user_agent: str) -> str | None:
    """Say it in words of ours alone, so that nothing a stranger sends is kept."""
    found = [_first(table, user_agent) for table in (BROWSERS, SYSTEMS)]
    return ON.join(word for word in found if word) or None


def said(agent: str | None) -> str:
    """Tell the person which browser it is, in their language."""
    if agent is None:
        return _("A browser")
    browser, on, system = agent.partition(ON)
    return _("%(browser)s on %(system)s", browser=browser, system=system) if on else agent


def _first(table: tuple[tuple[str, str], ...], text: str) -> str:
    return next((word for mark, word in table if mark in text), "")

"""How templates show money, time, numbers and addresses of files.

Figures and currency are written as the merchant does, words as the page speaks.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal
from flask import Flask, current_app, g
from jinja2 import pass_context

from portal.models.actor import role_word
from portal.models.merchant import Merchant
from portal.services.trash.names import word
from portal.web.language import language, locale, number, with_minus
from portal.web.scope import now


def money(cents: int) -> str:
    """Show cents in the merchant's currency and locale: 4,50 €, −4,50 €."""
    merchant = g.get("merchant")
    currency = merchant.currency if merchant else "EUR"
    return with_minus(format_currency(Decimal(cents).scaleb(-2), currency, locale=locale()))


def amount(value: Decimal, decimals: int = 0) -> str:
    """Write an amount as the merchant types it, with at least so many decimals: 1234,50."""
    return format_decimal(value, "0." + "0" * decimals + "#" * (12 - decimals), locale=locale())


def money_typed(cents: int | None) -> str:
    """Write cents as the merchant types them: 4,50; nothing for none."""
    return "" if cents is None else amount(Decimal(cents).scaleb(-2), 2)


def when(moment: datetime, of: Merchant | None = None) -> str:
    """Show a moment in the time zone of the merchant, or `of` another: 22 Nov 2026, 14:05."""
    zone = of.zone if of else _zone()
    return format_datetime(moment.astimezone(zone), "d MMM y, HH:mm", locale=language())


def day(moment: datetime) -> str:
    """Show the day of a moment in the merchant's time zone: 22 Nov 2026."""
    return format_datetime(moment.astimezone(_zone()), "d MMM y", locale=language())


def month(moment: datetime) -> str:
    """Show the month of a moment in the merchant's time zone: November 2026."""
    return str(format_skeleton("yMMMM", moment.astimezone(_zone()), locale=language()))


def ago(moment: datetime) -> str:
    """Show how long ago it was: 2 days ago."""
    return format_timedelta(moment - now(), add_direction=True, locale=language(), threshold=0.9)


def static_url(path: str) -> str:
    """Address a file of ours; the address changes with the files."""
    return f"{current_app.static_url_path}/{path}"  # not url_for: a list asks for it hundreds of times


def _zone() -> ZoneInfo:
    merchant = g.get("merchant")
    zone: ZoneInfo = merchant.zone if merchant else ZoneInfo("UTC")
    return zone


def _at_each_asking(show: Callable[..., str]) -> Callable[..., str]:
    """Keep Jinja from showing a constant once, when the template is compiled, for whoever came first."""
    return pass_context(lambda _context, *args, **kwargs: show(*args, **kwargs))


def init_app(app: Flask) -> None:
    """Hang them on the templates."""
    for show in (money, number, amount, when, day, month, ago):
        app.jinja_env.filters[show.__name__] = _at_each_asking(show)
    app.jinja_env.filters["role"] = role_word
    app.jinja_env.filters["kind"] = word
    app.jinja_env.globals["static_url"] = static_url

"""What people choose among: time zones, countries, currencies, locales; named in the reader's language."""

from functools import cache
from zoneinfo import available_timezones

from babel import Locale
from babel.numbers import get_territory_currencies

from portal.models.text import fold
from portal.web.language import language

Choices = list[tuple[str, str]]
NO_COUNTRIES = frozenset(["EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"])
ENGLISH = ("en", "en_GB", "en_IE")
FRENCH = ("fr", "fr_BE", "fr_CH", "fr_LU")
GERMAN = ("de", "de_AT", "de_CH", "de_LU")
OTHERS = ("cs", "da", "es", "fi", "it", "lb", "nb", "nl", "nl_BE", "pl", "pt", "pt_BR", "sv")


@cache
def zones() -> Choices:
    """List the time zones people live in, by name."""
    lived_in = sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "posix/")))
    return [(zone, zone) for zone in (*lived_in, "UTC")]


@cache
def zones_by_region(current: str) -> dict[str, Choices]:
    """Group the time zones by region, each by its city, so that typing “lux” finds it."""
    regions: dict[str, Choices] = {}
    for zone, _ in with_current(zones(), current):
        region, slash, city = zone.partition("/")
        regions.setdefault(region if slash else zone, []).append((zone, (city or zone).replace("_", " ")))
    return regions


def countries() -> Choices:
    """List the countries by name."""
    return _countries(language())


@cache
def _countries(tongue: str) -> Choices:
    named = Locale.parse(tongue).territories.items()
    states = [(code, str(name)) for code, name in named if _is_country(code)]
    return sorted(states, key=lambda choice: fold(choice[1]))


def currencies() -> Choices:
    """List the currencies people pay with today, by name."""
    return _currencies(language())


@cache
def _currencies(tongue: str) -> Choices:
    used = {
        code for country in map(str, Locale("en").territories) for code in get_territory_currencies(country)
    }
    names = Locale.parse(tongue).currencies
    named = [(code, f"{names.get(code, code)} ({code})") for code in used]
    return sorted(named, key=lambda choice: fold(choice[1]))


@cache
def locales() -> Choices:
    """List the locales most shops need, each in its own words."""
    named = [
        (code, Locale.parse(code).get_display_name() or code)
        for code in (*ENGLISH, *FRENCH, *GERMAN, *OTHERS)
    ]
    return sorted(((code, name[:1].upper() + name[1:]) for code, name in named), key=lambda c: fold(c[1]))


def with_current(choices: Choices, current: str) -> Choices:
    """Keep what is set now among the choices, even if it is none of the usual ones."""
    known = any(code == current for code, _ in choices)
    return choices if known or not current else [*choices, (current, current)]


def _is_country(code: str) -> bool:
    return len(code) == 2 and code.isalpha() and code not in NO_COUNTRIES

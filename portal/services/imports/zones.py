"""Time zones as files name them: by the names of the IANA, or in the words Square uses."""

from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from portal.services.imports.matching import plain

ALONE = frozenset(["UTC", "GMT"])  # other short names, such as EST, keep no summer time
WORDS = {
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Anchorage",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Arizona": "America/Phoenix",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Saskatchewan": "America/Regina",
    "Eastern Time (US & Canada)": "America/New_York",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Atlantic Time (Canada)": "America/Halifax",
    "Newfoundland": "America/St_Johns",
    "London": "Europe/London",
    "Edinburgh": "Europe/London",
    "Dublin": "Europe/Dublin",
    "Paris": "Europe/Paris",
    "Madrid": "Europe/Madrid",
    "Tokyo": "Asia/Tokyo",
    "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo",
    "Perth": "Australia/Perth",
    "Darwin": "Australia/Darwin",
    "Adelaide": "Australia/Adelaide",
    "Brisbane": "Australia/Brisbane",
    "Sydney": "Australia/Sydney",
    "Melbourne": "Australia/Melbourne",
    "Canberra": "Australia/Sydney",
    "Hobart": "Australia/Hobart",
}
KNOWN = {plain(words): name for words, name in WORDS.items()}


@lru_cache(maxsize=256)
def zone_called(text: str) -> ZoneInfo | None:
    """Find the time zone a cell names; None when it is not certain which."""
    name = KNOWN.get(plain(text), text)
    is_sure = name in available_timezones() and ("/" in name or name in ALONE)
    return ZoneInfo(name) if is_sure else None

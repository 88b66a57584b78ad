"""Words that several pages of a customer use."""

from portal.services.customers import Twin
from portal.words import later

SAME = {"name": later("same name"), "phone": later("same phone"), "email": later("same e-mail")}
SOURCES = {
    "till": later("at the till"),
    "portal": later("in the portal"),
    "join": later("on the join page"),
    "card": later("on the card page"),
    "import": later("imported"),
    "api": later("by another program"),
}


def same_words(twin: Twin) -> str:
    """Say what two people have in common: same name, same phone."""
    return ", ".join(str(SAME[field]) for field in twin.same)


def source_words(source: str, person: str | None) -> str:
    """Say where a word was given, and who wrote it down: at the till, Nina."""
    return ", ".join(part for part in (str(SOURCES.get(source, source)), person) if part)

"""The audit log as people read it: who did what, when, through which door, in a sentence."""

from portal.services.history.entries import Entry, entries_of, entry_of, people_of
from portal.services.history.exporting import HISTORY, exported
from portal.services.history.phrases import DEEDS, PHRASES, did, phrase_for
from portal.services.history.things import GROUPS, THINGS, Thing, ids_named

__all__ = [
    "DEEDS",
    "GROUPS",
    "HISTORY",
    "PHRASES",
    "THINGS",
    "Entry",
    "Thing",
    "did",
    "entries_of",
    "entry_of",
    "exported",
    "ids_named",
    "people_of",
    "phrase_for",
]

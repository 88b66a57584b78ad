"""Taking in other programs' tables: stores, team and products from CSV files.

`open_table` reads a file, `plan` matches its columns to fields, `run` writes row by row and yields
the fate of each, chunk by chunk. The door commits every chunk, or rolls all back: a dry run.
"""

from portal.services.imports.fates import Fate, Report
from portal.services.imports.plans import ALL_STORES, KINDS, Plan, plan
from portal.services.imports.running import at_once, note, run
from portal.services.imports.tables import Line, Table, open_table

__all__ = [
    "ALL_STORES",
    "KINDS",
    "Fate",
    "Line",
    "Plan",
    "Report",
    "Table",
    "at_once",
    "note",
    "open_table",
    "plan",
    "run",
]

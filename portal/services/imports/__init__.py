"""Taking in other programs' tables: stores, team, products, customers and orders from CSV files.

`open_table` reads a file, `plan` matches its columns to fields, `run` writes row by row and yields
the fate of each, chunk by chunk. The door commits every chunk, or rolls all back: a dry run.
Customers and orders have plans and runs of their own, and leave a batch that can be taken back.
"""

from portal.services.imports.baskets import Reader
from portal.services.imports.batches import batches_of, counts_of, finish, notable_rows
from portal.services.imports.customers import run_customers
from portal.services.imports.fates import Fate, Report
from portal.services.imports.formats import FORMATS
from portal.services.imports.orders import run_orders
from portal.services.imports.outcomes import Outcome
from portal.services.imports.plans import ALL_STORES, KINDS, Plan, plan
from portal.services.imports.receipts import Receipts
from portal.services.imports.resuming import line_of
from portal.services.imports.running import at_once, note, run
from portal.services.imports.settling import Asked, plan_customers, plan_orders
from portal.services.imports.tables import Line, Table, open_table
from portal.services.imports.undoing import batch_numbered, made_count, undo

__all__ = [
    "ALL_STORES",
    "FORMATS",
    "KINDS",
    "Asked",
    "Fate",
    "Line",
    "Outcome",
    "Plan",
    "Reader",
    "Receipts",
    "Report",
    "Table",
    "at_once",
    "batch_numbered",
    "batches_of",
    "counts_of",
    "finish",
    "line_of",
    "made_count",
    "notable_rows",
    "note",
    "open_table",
    "plan",
    "plan_customers",
    "plan_orders",
    "run",
    "run_customers",
    "run_orders",
    "undo",
]

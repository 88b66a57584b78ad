"""Ready-made mappings: what the columns are called that other programs export.

A column is found by its name, and the first of several names that the file has is taken; of those that
reach a person, the first that is filled in the row. What is not listed fills nothing; --map says more,
and goes before.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from portal.errors import Refused
from portal.services.imports.matching import plain
from portal.words import _

REACH = ("contact", "email", "phone")


class Format(NamedTuple):
    """What one program exports: names of columns by field, and how days are written."""

    columns: Mapping[str, Sequence[str]]
    needs: tuple[str, ...]
    dates: str | None = None


FORMATS: Mapping[str, Mapping[str, Format]] = {
    "square": {
        "customers": Format(
            {
                "external_ref": ("Square Customer ID", "Reference ID"),
                "first_name": ("First Name", "Given Name"),
                "last_name": ("Last Name", "Family Name", "Surname"),
                "email": ("Email Address", "Email"),
                "phone": ("Phone Number", "Phone"),
                "birthday": ("Birthday",),
                "notes": ("Memo", "Note"),
            },
            needs=("external_ref", "first_name"),
            dates="mdy",
        ),
        "orders": Format(
            {
                "number": ("Transaction ID",),
                "date": ("Date",),
                "time": ("Time",),
                "time_zone": ("Time Zone",),
                "store": ("Location",),
                "customer": ("Customer ID",),
                "sku": ("SKU",),
                "name": ("Item",),
                "quantity": ("Qty",),
                "amount": ("Net Sales",),
                "receipt_type": ("Event Type",),
            },
            needs=("number", "date", "amount"),
            dates="mdy",
        ),
    },
    "shopify": {
        "customers": Format(
            {
                "external_ref": ("Customer ID",),
                "first_name": ("First Name",),
                "last_name": ("Last Name",),
                "email": ("Email",),
                "phone": ("Phone", "Default Address Phone"),
                "notes": ("Note",),
            },
            needs=("first_name", "email"),
        ),
        "orders": Format(
            {
                "number": ("Name",),
                "date": ("Created at",),
                "store": ("Location",),
                "contact": ("Email", "Phone"),
                "sku": ("Lineitem sku",),
                "name": ("Lineitem name",),
                "quantity": ("Lineitem quantity",),
                "price": ("Lineitem price",),
                "discount": ("Lineitem discount",),
                "sale_status": ("Financial Status",),
                "cancelled_at": ("Cancelled at",),
                "refunded_amount": ("Refunded Amount",),
            },
            needs=("number", "date", "price"),
        ),
    },
    "loyverse": {
        "customers": Format(
            {
                "external_ref": ("Customer ID",),
                "name": ("Customer name", "Name"),
                "email": ("Email",),
                "phone": ("Phone",),
                "card_number": ("Customer code",),
                "points": ("Points balance",),
                "notes": ("Note",),
            },
            needs=("name",),
        ),
        "orders": Format(
            {
                "number": ("Receipt number",),
                "date": ("Date",),
                "store": ("Store",),
                "contact": ("Customer contacts",),
                "sku": ("SKU",),
                "name": ("Item",),
                "quantity": ("Quantity",),
                "amount": ("Net sales",),
                "receipt_type": ("Receipt type",),
                "sale_status": ("Status",),
            },
            needs=("number", "date", "amount"),
        ),
    },
    "smile": {
        "customers": Format(
            {
                "external_ref": ("Customer ID", "ID"),
                "first_name": ("First Name",),
                "last_name": ("Last Name",),
                "email": ("Email",),
                "birthday": ("Date of Birth", "Birthday"),
                "points": ("Points Balance", "Points"),
            },
            needs=("email",),
        ),
    },
}


def format_of(name: str, kind: str) -> Format:
    """Find the mapping of a program for a kind of rows; raises Refused("unknown_format")."""
    found = FORMATS[name].get(kind)
    if found is None:
        kinds = ", ".join(FORMATS[name])
        message = _("%(name)s exports no %(kind)s. It exports: %(kinds)s.", name=name, kind=kind, kinds=kinds)
        raise Refused("unknown_format", message)
    return found


def maps_of(name: str, kind: str, columns: Sequence[str]) -> dict[str, str]:
    """Say which column of the file fills each field; raises Refused("not_this_format")."""
    told = format_of(name, kind)
    there = {plain(column): column for column in columns if column}
    maps = {
        field: next((there[plain(known)] for known in names if plain(known) in there), "")
        for field, names in told.columns.items()
    }
    missing = [" / ".join(told.columns[field]) for field in told.needs if not maps[field]]
    if missing:
        message = _(
            "This is no export of %(name)s: it has no column %(missing)s.",
            name=name,
            missing=", ".join(missing),
        )
        raise Refused("not_this_format", message)
    return maps


def spares_of(name: str, kind: str, columns: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Say which further columns reach the person where the first one is blank."""
    there = {plain(column): at for at, column in enumerate(columns) if column}
    told = format_of(name, kind).columns
    found = {
        field: tuple(there[plain(known)] for known in told[field] if plain(known) in there)[1:]
        for field in REACH
        if field in told
    }
    return {field: spares for field, spares in found.items() if spares}

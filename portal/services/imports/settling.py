"""Settling an import of customers or of orders before its first row: columns, rows, baskets, rules."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from portal.errors import Refused
from portal.extensions import db
from portal.models.import_batch import ImportBatch
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.services.imports.fields import CUSTOMERS, ORDERS, Fields
from portal.services.imports.formats import format_of, maps_of, spares_of
from portal.services.imports.matching import column_called, match, plain
from portal.services.imports.plans import Plan, chosen_rows, replacements
from portal.services.imports.resuming import refuse_beside_unfinished
from portal.services.imports.tables import Table
from portal.words import _

CARD = "card_number"
NO_PROGRAM = "There is no program yet. Set it first: flask program set --merchant SUBDOMAIN"


@dataclass(frozen=True)
class Asked:
    """What whoever imports has said about the file."""

    maps: Sequence[tuple[str, str]] = ()
    values: Sequence[tuple[str, str, str]] = ()
    where: Sequence[tuple[str, str]] = ()
    format: str | None = None
    dates: str | None = None
    store: str | None = None
    group_by: Sequence[str] = ()
    is_earning: bool = False
    file_name: str | None = None


def plan_customers(merchant: Merchant, table: Table, asked: Asked) -> Plan:
    """Settle an import of customers, in the merchant's scope.

    A card number may stand in several columns: called alike, numbered, or each named by `maps`.
    Raises what `plan` raises, and Refused("undo_first", "unfinished_import", "not_this_format",
    "no_identity", "no_program").
    """
    refuse_beside_undo(merchant)
    cards = _card_columns(table, asked)
    fields = {name: field for name, field in CUSTOMERS.items() if name != CARD}
    found = replace(_planned("customers", merchant, table, asked, fields), cards=cards)
    if not {"external_ref", "email", "phone"} & found.columns.keys() and not cards:
        message = _("No column says who is who. Map one to external_ref, email, phone or card_number.")
        raise Refused("no_identity", message)
    if (cards or {"points", "stamps"} & found.columns.keys()) and program_of(merchant.id) is None:
        raise Refused("no_program", _(NO_PROGRAM))
    return found


def plan_orders(merchant: Merchant, table: Table, asked: Asked) -> Plan:
    """Settle an import of orders, in the merchant's scope.

    Lines with the same values in the columns of `group_by` are one basket; without it, those with
    the same number. Raises what `plan` raises, and Refused("undo_first", "unfinished_import",
    "not_this_format", "no_basket", "no_date", "no_amount", "no_store", "no_program", "not_earning",
    "no_points").
    """
    refuse_beside_undo(merchant)
    found = _planned("orders", merchant, table, asked, ORDERS)
    columns = found.columns
    groups = tuple(column_called(name, table.columns) for name in asked.group_by)
    groups = groups or tuple(columns[name] for name in ("number",) if name in columns)
    if not groups:
        raise Refused("no_basket", _("Say which columns make a basket: --group-by, or map “number” to one."))
    if "date" not in columns:
        raise Refused("no_date", _("No column says when. Map “date” to one."))
    if not {"amount", "price"} & columns.keys():
        raise Refused("no_amount", _("No column says how much. Map “amount” or “price” to one."))
    if asked.store is None and "store" not in columns:
        raise Refused("no_store", _("No column says which store. Choose one with --store, or map “store”."))
    if asked.is_earning:
        refuse_if_not_earning(program_of(merchant.id))
    kept = {name: at for name, at in columns.items() if not (name == "store" and asked.store)}
    found = replace(found, columns=kept, group_by=groups, store=asked.store, is_earning=asked.is_earning)
    # What the known programs number is unique in all stores of an account.
    return replace(found, is_numbered_by_store=not (asked.group_by or asked.format))


def refuse_beside_undo(merchant: Merchant) -> None:
    """Refuse while an import is being taken back, or was half; raises Refused("undo_first")."""
    half = ImportBatch.of(merchant).where(ImportBatch.status == "undoing").order_by(ImportBatch.id)
    batch = db.session.scalars(half.limit(1)).first()
    if batch is not None:
        message = _(
            "Import %(number)s is not taken back to its end. Finish that first:"
            " flask import undo %(number)s --merchant %(subdomain)s",
            number=batch.id,
            subdomain=merchant.subdomain,
        )
        raise Refused("undo_first", message)


def program_of(merchant_id: int) -> LoyaltyProgram | None:
    """Find the merchant's living program."""
    return db.session.scalar(select(LoyaltyProgram).where(LoyaltyProgram.merchant_id == merchant_id))


def refuse_if_not_earning(program: LoyaltyProgram | None) -> LoyaltyProgram:
    """Hold an import that earns to a running program of points; raises Refused."""
    if program is None:
        raise Refused("no_program", _(NO_PROGRAM))
    if not program.is_active:
        raise Refused("not_earning", _("The program is paused. An owner can start it again."))
    if not program.is_points_enabled:
        raise Refused("no_points", _("This program collects stamps, not points."))
    return program


def _planned(kind: str, merchant: Merchant, table: Table, asked: Asked, fields: Fields) -> Plan:
    dates = asked.dates
    spares: dict[str, tuple[int, ...]] = {}
    maps = {field: column for field, column in asked.maps if (kind, field) != ("customers", CARD)}
    if asked.format:
        ready = maps_of(asked.format, kind, table.columns)
        others = dict.fromkeys(fields, "") | {name: at for name, at in ready.items() if name in fields}
        maps = others | maps
        dates = dates or format_of(asked.format, kind).dates
        spares = spares_of(asked.format, kind, table.columns)
    columns = match(fields, table.columns, maps, kind=kind)
    found = Plan(
        kind,
        merchant,
        table,
        columns,
        values=replacements(fields, columns, asked.values, kind=kind),
        where=chosen_rows(table, asked.where),
        dates=dates,
        file_name=asked.file_name,
        source_hash=_known_again(kind, table, _said(asked)),
        said=_said(asked),
        spares={name: at for name, at in spares.items() if name not in dict(asked.maps)},
    )
    refuse_beside_unfinished(found)
    return found


def _said(asked: Asked) -> dict[str, Any]:
    """List what was typed beside the file; the file's name does not matter."""
    return {name: value for name, value in vars(asked).items() if name != "file_name"}


def _known_again(kind: str, table: Table, said: Mapping[str, Any]) -> str:
    """Hash the file with what was said about it."""
    words = json.dumps([kind, table.digest(), said], sort_keys=True, default=list)
    return hashlib.sha256(words.encode()).hexdigest()


def _card_columns(table: Table, asked: Asked) -> tuple[int, ...]:
    named = [column for field, column in asked.maps if field == CARD]
    if named:
        return tuple(column_called(column, table.columns) for column in named if column)
    if asked.format:
        told = maps_of(asked.format, "customers", table.columns).get(CARD)
        return (column_called(told, table.columns),) if told else ()
    names = {CARD, *CUSTOMERS[CARD].also}
    return tuple(at for at, column in enumerate(table.columns) if _unnumbered(column) in names)


def _unnumbered(column: str) -> str:
    return re.sub(r"_?[0-9]+$", "", plain(column))

"""Carrying out imports that leave a batch: customers, and receipts that become orders."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click

from portal.cli.door import now
from portal.cli.finding import merchant_named
from portal.cli.importing import (
    TOLD,
    Story,
    committed,
    is_nothing_left,
    refuse_same_file,
    refuse_twice,
    refused_rows,
    seekable,
    tell_plan,
    write_refused,
)
from portal.cli.showing import progress
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.merchant import Merchant
from portal.models.tenancy import scoped
from portal.services import imports
from portal.services.exports import csv_lines

NOTES = {
    "amount_differs": "{} an amount that is not quantity × price less discount; the printed amount was kept.",
    "unknown_customer": "{} a customer who is not known here; the order was kept without one.",
    "unknown_product": "{} a product that is not sold in the store; the line was kept, and counts.",
    "unknown_seller": "{} a seller who is not in the team.",
    "unknown_zone": "{} a time zone that is not known; the merchant's own was used.",
    "no_card": "{} a customer without a card in the program; nothing was earned.",
    "card_suspended": "{} a customer whose card is suspended; nothing was earned.",
    "differs": "{} another total than the order that is here, which was left as it is.",
    "other_time": "{} another time than the order that is here. Is a column missing in --group-by?",
}

ENDED = {  # what was no sale in the end
    "voided": "{} voided or cancelled, and left out.",
    "refunded": "{} refunded whole, and left out.",
    "money_back": "{} left out: money given back. Refund the order here that it belongs to.",
    "unpaid": "{} not paid yet, and left out. Import a later file.",
    "partly_refunded": "{} refunded in part; what was kept counts.",
    "ended_since": "{} voided or refunded since, and here before: left as they are. Look at them.",
}
REJECTED = ("refused", "not_sold")
ALSO = {"updated": "  earned now", "not_sold": "", "left_out": "  lines, by --where"}
TOLD_WHY = {"refused": "refused", "skipped": "skipped", "not_sold": "left out"}
UNDONE = {
    "voided": "The points of {:,} orders were taken back.",
    "taken_back": "{:,} went to the trash.",
    "set_back": "{:,} became what they were, where nobody changed them since.",
}


@contextmanager
def opened(path: str, rejects: Path | None, subdomain: str) -> Iterator[tuple[Merchant, imports.Table]]:
    """Look through the file, then find the merchant and open their scope: nobody waits for the reading."""
    refuse_same_file(path, rejects)
    with click.open_file(path, "rb") as source:
        file: BinaryIO = seekable(source)
        with closing(imports.open_table(file)) as table:
            whose = merchant_named(subdomain)
            with scoped(db.session, whose.id):
                yield whose, table


def name_of(path: str) -> str | None:
    """Name the file without its folders; what comes through a pipe has no name."""
    return None if path == "-" else Path(path).name


def take_customers(
    ctx: click.Context, path: str, asked: imports.Asked, *, merchant: str, dry_run: bool, rejects: Path | None
) -> None:
    """Import customers, commit chunk by chunk, tell what became of them; exit code 1 if a row was refused."""
    refuse_twice(list(asked.maps), but="card_number")
    story = Story()
    with opened(path, rejects, merchant) as (whose, table):
        plan = imports.plan_customers(whose, table, asked)
        tell_plan(plan)
        unit: Any = imports.at_once if dry_run else committed
        with progress("Importing customers", table.count) as step, refused_rows(rejects, plan) as file:
            for fates in imports.run_customers(plan, by=OPERATOR, now=now(), unit=unit):
                story.add(fates)
                write_refused(file, fates)
                step(len(fates))
        batch_id = _closed(plan, story.report.counts, dry_run=dry_run)
    story.tell(dry_run=dry_run, elsewhere=rejects)
    _tell_batch(batch_id, merchant)
    if story.report.counts["refused"] or is_nothing_left(plan, story.report.counts):
        ctx.exit(1)


def take_orders(
    ctx: click.Context, path: str, asked: imports.Asked, *, merchant: str, dry_run: bool, rejects: Path | None
) -> None:
    """Import receipts as orders, commit chunk by chunk, tell it in words; exit code 1 if one was refused."""
    refuse_twice(list(asked.maps))
    story = Receipts()
    with opened(path, rejects, merchant) as (whose, table), closing(imports.Receipts()) as receipts:
        plan = imports.plan_orders(whose, table, asked)
        tell_plan(plan)
        reader = imports.Reader(plan, now=now())
        db.session.expunge(whose)  # what is read of the merchant stays readable
        db.session.rollback()  # nobody waits while the lines are sorted
        with progress("Sorting lines", table.count) as step:
            for _left in reader.gather(receipts, step):
                story.counts["left_out"] += 1
        unit: Any = imports.at_once if dry_run else committed
        with progress("Importing orders", receipts.lines) as step, refused_rows(rejects, plan) as file:
            for outcomes in imports.run_orders(reader, receipts, by=OPERATOR, now=reader.now, unit=unit):
                story.add(outcomes)
                _write_refused(file, outcomes)
                step(sum(len(each.basket.lines) for each in outcomes))
        batch_id = _closed(plan, story.counts, dry_run=dry_run)
    story.tell(rejects, is_earning=plan.is_earning)
    if dry_run:
        click.echo("Dry run: nothing was written.")
    _tell_batch(batch_id, merchant)
    if story.counts["refused"] or is_nothing_left(plan, story.counts):
        ctx.exit(1)


def _closed(plan: imports.Plan, counts: Counter[str], *, dry_run: bool) -> int | None:
    if dry_run:
        db.session.rollback()
        return None
    batch = imports.finish(plan, counts, by=OPERATOR, now=now())
    batch_id = batch.id if batch else None
    db.session.commit()
    return batch_id


def _tell_batch(batch_id: int | None, merchant: str) -> None:
    if batch_id is not None:
        click.echo(f"Batch {batch_id}. To take it back: flask import undo {batch_id} --merchant {merchant}")


def take_back(number: int, merchant: str) -> None:
    """Undo a batch, commit chunk by chunk, and say what became of what it had made."""
    counts: Counter[str] = Counter()
    found = merchant_named(merchant)
    with scoped(db.session, found.id):
        batch = imports.batch_numbered(found, number)
        with progress(f"Taking import {number} back", imports.made_count(batch)) as step:
            for done in imports.undo(batch, by=OPERATOR, now=now(), unit=committed):
                counts += done
                step(done["taken_back"] + done["set_back"])
    for name, sentence in UNDONE.items():
        if counts[name]:
            click.echo(sentence.format(counts[name]))
    click.echo(f"Import {number} is taken back.")


def _write_refused(file: Any, outcomes: list[imports.Outcome]) -> None:
    """Write all lines of a basket that was not taken: it is mended and imported as a whole."""
    if file is not None:
        file.writelines(
            csv_lines(
                [line.number, each.reason, *line.cells]
                for each in outcomes
                if each.outcome in REJECTED
                for line in each.basket.lines
            )
        )


def _of(count: int, one: str, many: str = "") -> str:
    """Count things in words: 1 line, 2 lines."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


class Receipts:
    """What is told of an import of receipts: the sums in words, and what needs a look."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.cards: set[int] = set()
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        self.more: Counter[str] = Counter()

    def add(self, outcomes: list[imports.Outcome]) -> None:
        """Take in what became of some baskets more."""
        for each in outcomes:
            self.counts += each.counts
            if each.card_id is not None:
                self.cards.add(each.card_id)
            if each.outcome in TOLD_WHY:
                line = f"Line {each.basket.first_line}"
                self._note(each.outcome, f"{line} {TOLD_WHY[each.outcome]}: {each.reason}")
            for code, said in each.notes:
                if said:
                    begun = "" if said.startswith("Line ") else f"Line {each.basket.first_line}: "
                    self._note(code, f"{begun}{said}")

    def _note(self, code: str, said: str) -> None:
        if len(self.told[code]) == TOLD:
            self.more[code] += 1
        else:
            self.told[code].append(said)

    def tell(self, rejects: Path | None, *, is_earning: bool) -> None:
        """Say what needs a look, then the sums in words."""
        self._tell_looks(rejects)
        for outcome in ("new", "unchanged", "skipped", "refused"):
            click.echo(f"{outcome:<10}{self.counts[outcome]:>9,}")
        for outcome, more in ALSO.items():
            if self.counts[outcome]:
                click.echo(f"{outcome.replace('_', ' '):<10}{self.counts[outcome]:>9,}{more}")
        for sentence in self._sentences(is_earning=is_earning):
            click.echo(sentence)

    def _tell_looks(self, rejects: Path | None) -> None:
        for code, lines in self.told.items():
            for line in lines:
                click.echo(line, err=True)
            if self.more[code]:
                where = f"; {rejects} has them all" if rejects and code in REJECTED else ""
                click.echo(f"... and {self.more[code]:,} more{where}", err=True)

    def _sentences(self, *, is_earning: bool) -> Iterator[str]:
        counts = self.counts
        anonymous = _of(counts["anonymous"], "is anonymous", "are anonymous")
        lines, baskets = _of(counts["lines"], "line is", "lines are"), _of(counts["baskets"], "basket")
        yield f"{lines} {baskets}; {_of(counts['new'], 'became an order', 'became orders')}."
        yield from self._of_before()
        if is_earning:
            on = f"{_of(counts['points'], 'point')} on {_of(len(self.cards), 'card')}"
            yield f"{counts['earned']:,} earned {on}; {anonymous}."
        else:
            yield f"{anonymous}. Nothing was earned: there was no --earn."
        yield from self._looks()

    def _of_before(self) -> Iterator[str]:
        counts = self.counts
        if counts["updated"]:
            were = _of(counts["updated"], "order was", "orders were")
            yield f"{were} here already without points, and earned now."
        if counts["resumed"]:
            yield f"{counts['resumed']:,} of them were made before this import was cut off."

    def _looks(self) -> Iterator[str]:
        counts = self.counts
        for code, sentence in NOTES.items():
            if counts[code]:
                thing = "line has" if code in ("amount_differs", "unknown_product") else "basket has"
                things = thing.replace(" has", "s have")
                yield sentence.format(f"{counts[code]:,} {thing if counts[code] == 1 else things}")
        for code, sentence in ENDED.items():
            if counts[code]:
                things = "basket was" if counts[code] == 1 else "baskets were"
                yield sentence.format(f"{counts[code]:,} {things}")

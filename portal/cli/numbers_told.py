"""Telling the numbers of a program: one part after the other, each in a few lines."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

import click
from sqlalchemy import select

from portal.cli.showing import names_of, table
from portal.extensions import db
from portal.models.merchant import Merchant
from portal.models.store import Store
from portal.services.ledger import numbers, reports
from portal.services.ledger.numbers import Period

MONTHS = 12


def tell(merchant: Merchant, period: Period, days: tuple[date, date], now: datetime) -> None:
    """Print all parts."""
    click.echo(f"{merchant.name}, {days[0]} to {days[1]}")
    _members(merchant, period)
    _points(merchant, period)
    _owed(merchant, now)
    _stores(merchant, period)
    _staff(merchant, period)
    _months(merchant, min(now, period.until))


def _members(merchant: Merchant, period: Period) -> None:
    came = numbers.members(merchant, period)
    _part("Members")
    table(
        ("JOINED", "ACTIVE", "CAME AGAIN", "REPEAT RATE"),
        [(f"{came.joined:,}", f"{came.active:,}", f"{came.repeated:,}", _percent(came.repeat_bp))],
        empty="",
    )


def _points(merchant: Merchant, period: Period) -> None:
    points = numbers.points(merchant, period)
    _part("Points")
    row = (points.issued, points.redeemed, points.expired, points.forfeited, points.taken)
    table(("ISSUED", "REDEEMED", "EXPIRED", "FORFEITED", "TAKEN"), [[f"{n:,}" for n in row]], empty="")


def _owed(merchant: Merchant, now: datetime) -> None:
    owed = numbers.liability(merchant, now=now)
    _part("Owed now")
    money = [_money(cents, merchant) for cents in (owed.gross_cents, owed.net_cents)]
    counts = [f"{n:,}" for n in (owed.points, owed.in_rewards, owed.stamp_rewards)]
    header = ("POINTS", "IN REWARDS", "STAMP REWARDS", "GROSS", "BREAKAGE", "NET")
    table(header, [(*counts, money[0], _percent(owed.breakage_bp), money[1])], empty="")


def _stores(merchant: Merchant, period: Period) -> None:
    flows = reports.store_flows(merchant, period)
    names = _store_names(merchant, (store for flow in flows for store in flow[:2]))
    _part("Points redeemed, by where they came from")
    rows = [(names[f.issued_store], names[f.redeemed_store], f"{f.points:,}") for f in flows]
    table(("COLLECTED IN", "REDEEMED IN", "POINTS"), rows, empty="None.")


def _staff(merchant: Merchant, period: Period) -> None:
    people = reports.staff_operations(merchant, period)
    names = names_of(person.staff_id for person in people)
    _part("Staff")
    header = ("WHO", "PURCHASES", "STAMPS", "REWARDS", "VOIDS", "ADJUSTED", "POINTS ADJUSTED", "")
    table(header, [_person(person, names[person.staff_id]) for person in people], empty="Nothing was done.")


def _person(person: reports.Staff, name: str) -> tuple[str, ...]:
    counts = (person.purchases, person.stamps, person.rewards, person.voids, person.adjustments)
    stands_out = "stands out" if person.is_outlier else ""
    return (name, *(f"{count:,}" for count in counts), f"{person.adjusted_points:,}", stands_out)


def _months(merchant: Merchant, now: datetime) -> None:
    found = reports.cohorts(merchant, now=now, months=MONTHS)
    _part("Of those first seen in a month, how many came in each month from then on")
    header = ("FIRST SEEN", "MEMBERS", *(f"+{number}" for number in range(MONTHS)))
    table(header, [_cohort(cohort) for cohort in found], empty="Nobody was seen.")


def _cohort(cohort: reports.Cohort) -> tuple[str, ...]:
    year, month = cohort.month
    shares = (_share(came, cohort.members) for came in cohort.came)
    return (f"{year}-{month:02}", f"{cohort.members:,}", *[*shares, *[""] * MONTHS][:MONTHS])


def _share(part: int, whole: int) -> str:
    return f"{part * 100 // whole}%"


def _percent(basis_points: int | None) -> str:
    return "-" if basis_points is None else f"{basis_points // 100}.{basis_points % 100:02}%"


def _money(cents: int | None, merchant: Merchant) -> str:
    return "no value set" if cents is None else f"{Decimal(cents).scaleb(-2):,.2f} {merchant.currency}"


def _part(title: str) -> None:
    click.echo(f"\n{title}")


def _store_names(merchant: Merchant, ids: Iterable[int | None]) -> dict[int | None, str]:
    """Name stores, the deleted too."""
    wanted = select(Store.id, Store.name).where(
        Store.merchant_id == merchant.id, Store.id.in_({i for i in ids if i})
    )
    found = db.session.execute(wanted, execution_options={"include_deleted": True})
    return {None: "no store"} | {row.id: row.name for row in found}

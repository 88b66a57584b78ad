"""`flask program`: the rules of a merchant's loyalty program."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from shlex import quote
from typing import Any

import click

from portal.cli.door import Room, now, whole
from portal.cli.finding import merchant_named, without_program
from portal.cli.showing import moment
from portal.cli.words import DAY, capped, each_once, readable
from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import OPERATOR
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.merchant import Merchant
from portal.models.program_rules import DECIMALS, LIMITS, OPTIONAL_LIMITS, SMALLEST_PART
from portal.models.tenancy import scoped
from portal.services import programs
from portal.services.amounts import cents_from, part_from

WHOLE = re.compile(r"[0-9]+")
MOST = 10**12  # above every limit: the limit is what is told
YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
PAUSING = {"is_active", "redeem_until"}  # no rules: what starts and stops a program
SETTABLE = programs.FIELDS | PAUSING
# A field may be named without its unit; money is then an amount, not cents.
SHORT = {
    field.removesuffix(unit): field
    for unit in ("_cents", "_points", "_days", "_minutes", "_hours")
    for field in sorted(SETTABLE)
    if field.endswith(unit)
} | {"type": "loyalty_type", "tiers": "tier_config"}
NEEDED = {"key", "name", "threshold", "multiplier_bp"}  # of a tier


@click.group("program", cls=Room)
def program() -> None:
    """The rules of a merchant's loyalty program.

    Examples:
      flask program set --merchant cafe-lux points_per_euro=10 minimum_purchase=0
      flask program show --merchant cafe-lux
    """


@program.command("show", reads=True)
@click.option("--merchant", required=True, metavar="SUBDOMAIN", help="Whose.")
def show(*, merchant: str) -> None:
    """Show the rules, each as `set` takes it.

    Example:
      flask program show --merchant cafe-lux
    """
    whose = merchant_named(merchant)
    with scoped(db.session, whose.id):
        found = programs.find_program(whose)
        if found is None:
            raise without_program(whose)
        click.echo(f"# {found.display_name}, version {found.version}, {_standing(found, whose)}")
        for field in sorted(SETTABLE):
            value = getattr(found, field)
            click.echo(f"{field}={_written(_last_day(value, whose) if field == 'redeem_until' else value)}")


@program.command("set")
@click.option("--merchant", required=True, metavar="SUBDOMAIN", help="Whose.")
@click.argument("changes", metavar="[FIELD=VALUE]...", nargs=-1)
@click.pass_context
def set_(ctx: click.Context, *, merchant: str, changes: tuple[str, ...]) -> None:
    """Change the rules; a merchant without a program gets one.

    What is not named stays, or begins as the form on the screen does. FIELD= takes a value away.
    Amounts: minimum_purchase=4.50 or minimum_purchase_cents=450. is_active=no pauses the program;
    redeem_until=DAY, with it or later, is the last day on which rewards can be redeemed.

    Examples:
      flask program set --merchant cafe-lux loyalty_type=points points_per_euro=10 minimum_purchase=0
      flask program set --merchant cafe-lux points_expiration_days=365 card_name="Lux Club"
      flask program set --merchant cafe-lux reward_valid_days=
      flask program set --merchant cafe-lux is_active=no redeem_until=2026-12-31
      flask program set --merchant cafe-lux tiers='[{"key": "gold", "name": "Gold", ...}]'
    """
    wanted = each_once(_change(readable(ctx, ctx.command.params[-1], change)) for change in changes)
    whose = merchant_named(merchant)

    def save() -> str:
        said = _save(whose, wanted)
        db.session.commit()
        return said

    with scoped(db.session, whose.id):
        click.echo(whole(save))


def _save(merchant: Merchant, wanted: dict[str, Any]) -> str:
    acts: dict[str, Any] = {"by": OPERATOR, "now": now()}
    found = programs.find_program(merchant, to_change=True)
    _refuse_an_end_while_running(found, wanted)
    if found is None:
        wanted.pop("redeem_until", None)
        made = programs.create_program(merchant, **acts, **wanted)
        return f"Started the program “{made.display_name}” of {merchant.name}, version {made.version}."
    rules = {field: value for field, value in wanted.items() if field not in PAUSING}
    changed = programs.change_program(found, **acts, **rules)
    if wanted.get("is_active") and programs.activate_program(found, **acts):
        changed.append("is_active")
    stopped = _stop(found, merchant, wanted, acts)
    changed += stopped
    if not changed:
        return "Nothing differs; nothing was changed."
    said = f"Changed: {', '.join(sorted(changed))}. It is version {found.version} now."
    return f"{said} {_until(found, merchant)}" if stopped else said


def _refuse_an_end_while_running(found: LoyaltyProgram | None, wanted: dict[str, Any]) -> None:
    is_running = wanted.get("is_active", found is None or found.is_active)
    if wanted.get("redeem_until") and (found is None or is_running):
        raise click.UsageError("redeem_until is for a program that is paused: is_active=no pauses it.")


def _stop(
    found: LoyaltyProgram, merchant: Merchant, wanted: dict[str, Any], acts: dict[str, Any]
) -> list[str]:
    """Pause the program, or change the end of redeeming of a paused one; the fields that differ."""
    was = {field: getattr(found, field) for field in PAUSING}
    is_to_stop = wanted.get("is_active") is False and found.is_active
    if is_to_stop or ("redeem_until" in wanted and not found.is_active):
        end = _end_of(wanted.get("redeem_until"), merchant)
        programs.deactivate_program(found, **acts, redeem_until=end)
    return [field for field, value in was.items() if getattr(found, field) != value]


def _end_of(day: date | None, merchant: Merchant) -> datetime | None:
    """Say when a day of the merchant's ends, in UTC."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=merchant.zone).astimezone(UTC)


def _last_day(end: datetime | None, merchant: Merchant) -> date | None:
    return (end - timedelta(seconds=1)).astimezone(merchant.zone).date() if end else None


def _until(found: LoyaltyProgram, merchant: Merchant) -> str:
    day = _last_day(found.redeem_until, merchant)
    return f"Rewards can be redeemed until {day}." if day else "Rewards cannot be redeemed any more."


def _standing(found: LoyaltyProgram, merchant: Merchant) -> str:
    if found.is_active:
        return f"runs since {moment(found.activated_at, merchant.zone)}"
    if found.redeem_until is None:
        return "paused"
    return f"paused; rewards can be taken until {moment(found.redeem_until, merchant.zone)}"


def _written(value: Any) -> str:
    """Write a value as a terminal takes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return quote(json.dumps(value, ensure_ascii=False))
    return quote(f"{value.normalize():f}" if isinstance(value, Decimal) else str(value))


def _change(change: str) -> tuple[str, Any]:
    name, equals, value = change.partition("=")
    field = SHORT.get(name, name)
    if not equals or field not in SETTABLE:
        fields = ", ".join(sorted(SETTABLE))
        raise click.UsageError(f"“{change}” is no change. Write FIELD=VALUE with one of {fields}.")
    if value == "":
        return field, _nothing(field)
    if name != field and field.endswith("_cents"):
        return field, _amount(field, value)
    return field, _reader_of(field)(field, value)


def _reader_of(field: str) -> Callable[[str, str], Any]:
    if field in DECIMALS:
        return _decimal
    if field in LIMITS or field in OPTIONAL_LIMITS:
        return _whole
    kinds: dict[str, Callable[[str, str], Any]] = {
        "is_active": _yes_or_no,
        "require_staff_pin": _yes_or_no,
        "redeem_until": _day,
        "tier_config": _tiers,
    }
    return kinds.get(field, _text)


def _nothing(field: str) -> Any:
    if field == "tier_config":
        return []
    if field in LIMITS or field in ("is_active", "require_staff_pin", "loyalty_type", "clawback_policy"):
        raise click.UsageError(f"{field} needs a value.")
    return None


def _text(_field: str, value: str) -> str:
    return value


def _whole(field: str, value: str) -> int:
    if not WHOLE.fullmatch(value):
        raise click.UsageError(f"{field} is a whole number, like {field}=10; “{value}” is none.")
    return capped(value, MOST)


def _decimal(field: str, value: str, times: int = 1) -> Decimal:
    try:
        read = part_from(value) * times
    except Refused:
        raise click.UsageError(f"{field} is a number, like {field}=0.5; “{value}” is none.") from None
    if read != read.quantize(SMALLEST_PART):
        raise click.UsageError(f"{field} keeps four decimals; “{value}” has more.")
    return read


def _amount(field: str, value: str) -> int | Decimal:
    """Read an amount of money; what a point is worth may be parts of a cent."""
    name = field.removesuffix("_cents")
    if field in DECIMALS:
        return _decimal(name, value, 100)
    try:
        return cents_from(value)
    except Refused as refusal:
        raise click.UsageError(f"{name}: {refusal.message}") from None


def _yes_or_no(field: str, value: str) -> bool:
    if value.lower() not in YES:
        raise click.UsageError(f"{field} is yes or no; “{value}” is neither.")
    return YES[value.lower()]


def _day(field: str, value: str) -> date:
    try:
        return DAY.convert(value, None, None)
    except click.BadParameter as no:
        raise click.UsageError(f"{field}: {no.message}") from None


def _tiers(field: str, value: str) -> list[dict[str, Any]]:
    said = f"{field} is a list of tiers in JSON, each with key, name, threshold and multiplier_bp."
    try:
        tiers = json.loads(value)
    except ValueError:
        raise click.UsageError(said) from None
    if not isinstance(tiers, list) or not all(isinstance(t, dict) and {*t} >= NEEDED for t in tiers):
        raise click.UsageError(said)
    return tiers

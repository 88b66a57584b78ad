"""A movement in words: what it was, and by which rule it counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency, format_decimal, get_currency_symbol

from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.merchant import Merchant
from portal.services.ledger.reasons import reason_word
from portal.words import _, later, ngettext, number

PLAIN_BP = 10_000
OF_ONE_KIND = {
    "enrol": later("Joined the program"),
    "welcome_bonus": later("Welcome bonus"),
    "forfeit": later("Forfeited"),
}


@dataclass(frozen=True)
class Telling:
    """Whose figures are used, and the rules of the card; says money as the merchant writes it."""

    merchant: Merchant
    program: LoyaltyProgram

    def money(self, cents: int) -> str:
        """Write cents in the merchant's currency: €19.99."""
        return money(self.merchant, cents)

    def one(self) -> str:
        """Name one unit of the merchant's currency: €."""
        return get_currency_symbol(self.merchant.currency, locale=self._locale)

    def decimal(self, value: Decimal) -> str:
        """Write a number with its decimals: 1.5."""
        return format_decimal(value, locale=self._locale)

    def tier(self, key: str) -> str:
        """Name a tier; one that is gone by its key."""
        return next((str(t["name"]) for t in self.program.tier_config if t["key"] == key), key)

    @property
    def _locale(self) -> str:
        return self.merchant.locale.replace("-", "_")


@dataclass(frozen=True)
class Subject:
    """What a movement is about, beside its own row."""

    row: LoyaltyTransaction
    linked: LoyaltyTransaction | None = None
    reward: str = ""
    issue_status: str = ""
    other_person: str = ""
    refunded_cents: int | None = None
    second_bonus: int = 0


def money(merchant: Merchant, cents: int) -> str:
    """Write cents as the merchant writes money: €19.99."""
    locale = merchant.locale.replace("-", "_")
    return format_currency(Decimal(cents).scaleb(-2), merchant.currency, locale=locale)


def signed(value: int) -> str:
    """Write a number with its sign: +199, −5."""
    return f"+{number(value)}" if value > 0 else f"−{number(-value)}" if value < 0 else number(0)


def what(subject: Subject, telling: Telling) -> str:
    """Say what it was: Purchase of €19.99."""
    row = subject.row
    if row.type in OF_ONE_KIND:
        return str(OF_ONE_KIND[row.type])
    return WHAT[row.type](subject, telling)


def why(subject: Subject, telling: Telling) -> list[str]:
    """Say by which rule it counts so many, and what made it fewer."""
    row = subject.row
    if row.type == "earn":
        return list(_rules(row, telling))
    said = list(_taken_back(row)) if row.type in ("refund_reversal", "void") else []
    if subject.second_bonus:
        bonus = subject.second_bonus
        said.append(
            ngettext(
                "less the second welcome bonus of %(num)s point",
                "less the second welcome bonus of %(num)s points",
                bonus,
            )
        )
    if row.type == "expire":
        said += _for_how_long(row)
    if row.reason_code:
        said.append(reason_word(row.reason_code))
    return said


def _earn(subject: Subject, telling: Telling) -> str:
    if subject.row.amount_cents is None:
        return _("Purchase")
    return _("Purchase of %(money)s", money=telling.money(subject.row.amount_cents))


def _stamp(subject: Subject, telling: Telling) -> str:
    del telling
    return ngettext("%(num)s stamp", "%(num)s stamps", subject.row.stamps_delta)


def _complete(subject: Subject, telling: Telling) -> str:
    del telling
    target = -subject.row.stamps_delta
    return ngettext(
        "Card full: %(num)s stamp became a reward", "Card full: %(num)s stamps became a reward", target
    )


def _redeem(subject: Subject, telling: Telling) -> str:
    name = _reward(subject, telling)
    if subject.row.points_delta:
        return _("Reward “%(name)s” taken", name=name)
    return _("Reward “%(name)s” handed over", name=name)


def _cancel(subject: Subject, telling: Telling) -> str:
    name = _reward(subject, telling)
    if subject.issue_status == "expired":
        return _("Reward “%(name)s” was not collected in time", name=name)
    return _("Reward “%(name)s” cancelled", name=name)


def _return(subject: Subject, telling: Telling) -> str:
    return _("Reward “%(name)s” given back", name=_reward(subject, telling))


def _reward(subject: Subject, telling: Telling) -> str:
    return subject.reward or telling.program.stamps_reward_description


def _refund(subject: Subject, telling: Telling) -> str:
    given = subject.linked
    counted = subject.row.eligible_cents or 0
    part, back = telling.money(counted), subject.refunded_cents
    if back is not None and back != counted:
        return _("Refund of %(money)s, of which %(part)s counted", money=telling.money(back), part=part)
    if given is None or given.amount_cents is None:
        return _("Refund of %(part)s", part=part)
    if back is None and given.eligible_cents != given.amount_cents:
        whole = telling.money(given.eligible_cents or 0)
        return _("Refund of %(part)s of the %(whole)s that counted", part=part, whole=whole)
    return _("Refund of %(part)s of %(whole)s", part=part, whole=telling.money(given.amount_cents))


def _void(subject: Subject, telling: Telling) -> str:
    if subject.linked is None:
        return _("Voided")
    of = replace(subject, row=subject.linked, linked=None)
    return _("Voided: %(what)s", what=what(of, telling))


def _adjust(subject: Subject, telling: Telling) -> str:
    del telling
    row = subject.row
    if row.points_delta + row.stamps_delta < 0:
        return _("Taken away by hand")
    return _("Added by hand")


def _expire(subject: Subject, telling: Telling) -> str:
    del telling
    return ngettext("%(num)s point expired", "%(num)s points expired", -subject.row.points_delta)


def _merge_in(subject: Subject, telling: Telling) -> str:
    del telling
    if not subject.other_person:
        return _("Taken over from another card")
    return _("Taken over from the card of %(name)s", name=subject.other_person)


def _merge_out(subject: Subject, telling: Telling) -> str:
    del telling
    if not subject.other_person:
        return _("Moved to another card")
    return _("Moved to the card of %(name)s", name=subject.other_person)


def _import(subject: Subject, telling: Telling) -> str:
    del telling
    if subject.row.linked_id is not None or subject.row.points_delta + subject.row.stamps_delta < 0:
        return _("Import taken back")
    return _("Balance from an import")


def _convert(subject: Subject, telling: Telling) -> str:
    del telling
    row = subject.row
    if row.points_delta < 0 or row.stamps_delta > 0:
        return _("Points turned into stamps")
    return _("Stamps turned into points")


WHAT: dict[str, Callable[[Subject, Telling], str]] = {
    "earn": _earn,
    "stamp": _stamp,
    "stamp_complete": _complete,
    "redeem": _redeem,
    "redeem_cancel": _cancel,
    "refund_reversal": _refund,
    "refund_return": _return,
    "void": _void,
    "adjust": _adjust,
    "expire": _expire,
    "merge_in": _merge_in,
    "merge_out": _merge_out,
    "import": _import,
    "convert": _convert,
}


def _rules(row: LoyaltyTransaction, telling: Telling) -> Iterator[str]:
    rules = row.rule_snapshot
    eligible = row.eligible_cents or 0
    if row.amount_cents is not None and eligible != row.amount_cents:
        yield _("%(money)s of it counts", money=telling.money(eligible))
    if "points_per_euro" not in rules:
        return
    least = rules["minimum_purchase_cents"]
    if eligible < least:
        yield _("below the smallest purchase that counts, %(money)s", money=telling.money(least))
        return
    yield ngettext(
        "%(num)s point per %(unit)s",
        "%(num)s points per %(unit)s",
        rules["points_per_euro"],
        unit=telling.one(),
    )
    yield from _multiplied(rules, telling)


def _multiplied(rules: dict[str, Any], telling: Telling) -> Iterator[str]:
    if rules["multiplier_bp"] == PLAIN_BP:
        return
    times = telling.decimal(Decimal(rules["multiplier_bp"]) / PLAIN_BP)
    tier = telling.tier(rules["tier_key"] or "")
    yield _("× %(times)s for %(tier)s", times=times, tier=tier)


def _taken_back(row: LoyaltyTransaction) -> Iterator[str]:
    """Say why fewer points went than came: what had expired before, what was forgiven."""
    gone = sum(part["points"] for part in row.rule_snapshot.get("set_off", ()))
    forgiven = row.rule_snapshot.get("forgiven", 0)
    if gone or forgiven:
        owed = row.rule_snapshot["owed"]
        yield ngettext("%(num)s point to take back", "%(num)s points to take back", owed)
    if gone:
        yield ngettext("%(num)s had expired already", "%(num)s had expired already", gone)
    if forgiven:
        yield ngettext("%(num)s forgiven", "%(num)s forgiven", forgiven)


def _for_how_long(row: LoyaltyTransaction) -> list[str]:
    days = row.rule_snapshot.get("points_expiration_days")
    return [ngettext("no visit for %(num)s day", "no visit for %(num)s days", days)] if days else []

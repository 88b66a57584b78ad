"""What the page of one card shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from flask import abort, request, url_for
from sqlalchemy import Select, func, select

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import CardToken, LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.loyalty_reward import LoyaltyReward
from portal.models.review_item import ReviewItem
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.adjusting import PROPOSAL
from portal.services.ledger.statement import Line, Outlook, outlook, statement_of
from portal.web.drawing import in_halves
from portal.web.filters import day
from portal.web.happenings import link_to
from portal.web.removal import living_or_404
from portal.web.scope import current_merchant, now
from portal.words import later, number

DEAD_TOO = {"include_deleted": True}
KINDS = {"qr": later("QR code"), "number": later("Number"), "legacy": later("Old card")}
BECAME = {
    "issued": later("Until %(day)s"),
    "redeemed": later("Handed over on %(day)s"),
    "cancelled": later("Cancelled on %(day)s"),
    "expired": later("Expired on %(day)s"),
}
ISSUES = 100  # the newest rewards of a card; those that can still be taken come first
PAST = 3  # of the rewards that were taken or are over
MOVEMENTS = 25  # of the statement, on one page


@dataclass(frozen=True)
class Page:
    """One card with its customer, its program, the codes that lead to it and the rewards it got."""

    card: LoyaltyCard
    customer: Customer
    program: LoyaltyProgram
    tokens: Sequence[CardToken]
    asked_at: datetime
    waiting: int = 0  # adjustments that were proposed, and that nobody else agreed to yet

    @property
    def href(self) -> str:
        """The address of the card."""
        return url_for("cards.show", card_id=self.card.id)

    @property
    def customer_href(self) -> str:
        """Where the customer is to be seen."""
        return link_to("customers.show", customer_id=self.customer.id)

    @cached_property
    def outlook(self) -> Outlook:
        """How the card stands now, and what will expire."""
        return outlook(self.card, self.program, current_merchant(), self.asked_at)

    @property
    def void_since(self) -> datetime:
        """From when on movements can be voided: managers have the window of the program."""
        return self.asked_at - timedelta(hours=self.program.void_window_hours)

    @property
    def has_points(self) -> bool:
        """Whether points are shown: they are counted, or there are some."""
        return self.program.is_points_enabled or bool(self.outlook.points)

    @property
    def has_stamps(self) -> bool:
        """Whether stamps are shown: they are counted, or there are some."""
        return self.program.is_stamps_enabled or bool(self.outlook.stamps)

    @property
    def question(self) -> str:
        """The balance the statement explains."""
        return number(self.outlook.points if self.has_points else self.outlook.stamps)

    @property
    def tier(self) -> str:
        """The name of its tier."""
        named = (t["name"] for t in self.program.tier_config if t["key"] == self.card.tier_key)
        return str(next(named, ""))

    @property
    def number(self) -> str:
        """The number it is known by now; nothing for a card that has none."""
        known = [token for token in self.tokens if token.kind != "qr" and token.revoked_at is None]
        ours = sorted(known, key=lambda token: (token.kind == "number", token.id))
        return in_halves(ours[-1].value) if ours else ""

    @property
    def codes(self) -> list[dict[str, Any]]:
        """The codes that lead to it, those in force first; a QR is a secret and never shown."""
        ordered = sorted(self.tokens, key=lambda token: (token.revoked_at is not None, -token.id))
        return [
            {
                "kind": str(KINDS[token.kind]),
                "value": "" if token.kind == "qr" else in_halves(token.value),
                "revoked_at": token.revoked_at,
                "since": token.created_at,
            }
            for token in ordered
        ]


def opened(card_id: int) -> Page:
    """Read a living card with customer, program and codes in one statement; else answer 404."""
    here = current_merchant().id
    columns: list[Any] = [LoyaltyCard, Customer, LoyaltyProgram, CardToken, _waiting(card_id)]
    query = (
        select(*columns)
        .join(Customer, (Customer.merchant_id == here) & (Customer.id == LoyaltyCard.customer_id))
        .join(
            LoyaltyProgram,
            (LoyaltyProgram.merchant_id == here) & (LoyaltyProgram.id == LoyaltyCard.program_id),
        )
        .outerjoin(CardToken, (CardToken.merchant_id == here) & (CardToken.card_id == LoyaltyCard.id))
        .where(LoyaltyCard.merchant_id == here, LoyaltyCard.id == card_id)
    )
    found = db.session.execute(query, execution_options=DEAD_TOO).all()
    if not found:
        abort(404)
    first = found[0]
    living_or_404(first.LoyaltyCard)
    tokens = [row.CardToken for row in found if row.CardToken is not None]
    return Page(first.LoyaltyCard, first.Customer, first.LoyaltyProgram, tokens, now(), first.waiting)


def _waiting(card_id: int) -> Any:
    """Count the adjustments of a card that wait for a second person."""
    open_ones = select(func.count(ReviewItem.id)).where(
        ReviewItem.merchant_id == current_merchant().id,
        ReviewItem.card_id == card_id,
        ReviewItem.kind == PROPOSAL,
        ReviewItem.status == "open",
    )
    return open_ones.scalar_subquery().label("waiting")


def shown(card_id: int) -> dict[str, Any]:
    """Gather what the page of a card shows: the card, its rewards, one page of its statement."""
    card = opened(card_id)
    found = statement_of(
        card.card,
        card.program,
        current_merchant(),
        before=request.args.get("before"),
        after=request.args.get("after"),
        size=MOVEMENTS,
    )
    lines: Sequence[Line] = found.rows
    return {
        "page": card,
        "lines": lines,
        "newer_href": _page(card, "before", found.previous),
        "older_href": _page(card, "after", found.next),
        "issues": issues_of(card.card),
    }


def issues_of(card: LoyaltyCard) -> list[dict[str, Any]]:
    """Read the rewards a card was given: all that can still be taken, and the last few of the others."""
    newest = _issues(card).order_by(RewardIssue.status != "issued", RewardIssue.id.desc()).limit(ISSUES)
    found = db.session.execute(newest, execution_options=DEAD_TOO)
    issues = [_issue(row.RewardIssue, row.name) for row in found]
    ready = [issue for issue in issues if issue["is_ready"]]
    return ready + [issue for issue in issues if not issue["is_ready"]][:PAST]


def issue_of(card: LoyaltyCard, issue_id: int) -> dict[str, Any]:
    """Read one reward of the card, or answer 404."""
    mine = _issues(card).where(RewardIssue.id == issue_id)
    row = db.session.execute(mine, execution_options=DEAD_TOO).first()
    if row is None:
        abort(404)
    return _issue(row.RewardIssue, row.name)


def _issues(card: LoyaltyCard) -> Select[Any]:
    name = func.coalesce(LoyaltyReward.name, LoyaltyProgram.stamps_reward_description)
    columns: list[Any] = [RewardIssue, name.label("name")]
    program = (LoyaltyProgram.merchant_id == card.merchant_id) & (LoyaltyProgram.id == card.program_id)
    reward = (LoyaltyReward.merchant_id == card.merchant_id) & (LoyaltyReward.id == RewardIssue.reward_id)
    named = select(*columns).select_from(RewardIssue).join(LoyaltyProgram, program)
    return named.outerjoin(LoyaltyReward, reward).where(
        RewardIssue.merchant_id == card.merchant_id, RewardIssue.card_id == card.id
    )


def _issue(issue: RewardIssue, name: str) -> dict[str, Any]:
    is_over = issue.expires_at is not None and issue.expires_at <= now()
    is_ready = issue.status == "issued" and not is_over
    status = "expired" if issue.status == "issued" and is_over else issue.status
    return {"issue": issue, "name": name, "is_ready": is_ready, "said": _said(issue, status)}


def _said(issue: RewardIssue, status: str) -> str:
    """Say what became of a reward, and when."""
    moment = {
        "issued": issue.expires_at,
        "redeemed": issue.redeemed_at,
        "cancelled": issue.cancelled_at,
        "expired": issue.expires_at,
    }[status]
    return str(BECAME[status]) % {"day": day(moment)} if moment else ""


def _page(card: Page, way: str, cursor: str | None) -> str:
    return f"{card.href}?{way}={cursor}#statement" if cursor else ""

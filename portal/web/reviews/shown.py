"""What the review list shows: open items with the reason in words, settled ones below."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import request, url_for
from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from portal.extensions import db
from portal.models.customer import Customer
from portal.models.loyalty_card import LoyaltyCard
from portal.models.loyalty_program import LoyaltyProgram
from portal.models.review_item import ReviewItem
from portal.models.store import Store
from portal.models.user import User
from portal.services import keyset, reviews
from portal.services.ledger.adjusting import PROPOSAL
from portal.services.ledger.foreseeing import Foreseen, foresee
from portal.services.ledger.reasons import reason_word
from portal.services.ledger.sentences import signed
from portal.web.happenings import link_to
from portal.web.scope import actor, current_merchant, in_own_stores, now
from portal.words import _

DEAD_TOO = {"include_deleted": True}
SETTLED = 20  # the newest, below what is open
_proposer = aliased(User, name="proposer")


@dataclass(frozen=True)
class Item:
    """One item, ready to be read."""

    row: Any

    @property
    def item(self) -> ReviewItem:
        """The item itself."""
        item: ReviewItem = self.row.ReviewItem
        return item

    @property
    def id(self) -> int:
        """Its number."""
        return self.item.id

    @property
    def title(self) -> str:
        """What kind of thing it is."""
        return reviews.kind_word(self.item)

    @property
    def is_proposal(self) -> bool:
        """Whether it is an adjustment that waits for a second person."""
        return self.item.kind == PROPOSAL

    @property
    def is_open(self) -> bool:
        """Whether it waits still."""
        return self.item.status == "open"

    @property
    def is_own(self) -> bool:
        """Whether the person who looks proposed it."""
        return self.is_proposal and self.item.details.get("proposed_by_id") == actor().user_id

    @property
    def sentence(self) -> str:
        """Say what it is about: +500 points, goodwill, proposed by Mia."""
        return ", ".join([*self._moved(), reason_word(self.item.reason_code), *self._by()])

    @cached_property
    def foreseen(self) -> Foreseen | None:
        """What accepting a proposed adjustment would make of the card, while the card lives."""
        if self.item.status != "open" or not self.is_proposal or not self.card_href:
            return None
        moved = {unit: self.item.details[unit] for unit in ("points", "stamps")}
        return foresee(self.row.LoyaltyCard, self.row.LoyaltyProgram, current_merchant(), **moved, now=now())

    @property
    def outcome(self) -> str:
        """How it was settled."""
        return reviews.outcome_word(self.item)

    @property
    def name(self) -> str:
        """Whose card it is about."""
        named = self.row.customer_name
        if named and self.row.card_died and not self.row.customer_purged:
            return _("%(name)s (deleted)", name=named)
        return named or ""

    @property
    def card_href(self) -> str:
        """Where the card is to be seen, while it lives."""
        if self.item.card_id is None or self.row.card_died:
            return ""
        return link_to("cards.show", card_id=self.item.card_id)

    def _moved(self) -> list[str]:
        points, stamps = (self.item.details.get(unit, 0) for unit in ("points", "stamps"))
        told = [_("%(points)s points", points=signed(points))] if points else []
        return told + ([_("%(stamps)s stamps", stamps=signed(stamps))] if stamps else [])

    def _by(self) -> list[str]:
        who = self.row.proposed_by
        return [_("proposed by %(name)s", name=who)] if who else []


def listed() -> dict[str, Any]:
    """Read one page of what is open, and what was settled lately."""
    order = keyset.Order("newest", ReviewItem.id, ReviewItem.id, falls=True)
    waiting = _told().where(ReviewItem.status == "open")
    before, after = request.args.get("before"), request.args.get("after")
    found = keyset.read_page(waiting, order, before=before, after=after)
    settled = _told().where(ReviewItem.status != "open").order_by(ReviewItem.id.desc()).limit(SETTLED)
    return {
        "items": [Item(row) for row in found.rows],
        "settled": [Item(row) for row in db.session.execute(settled)],
        "newer_href": url_for("reviews.index", before=found.previous) if found.previous else "",
        "older_href": url_for("reviews.index", after=found.next) if found.next else "",
    }


def one(item: ReviewItem) -> Item:
    """Read one item with the names around it."""
    return Item(db.session.execute(_told().where(ReviewItem.id == item.id)).one())


def _told() -> Select[Any]:
    here = current_merchant().id
    program = (LoyaltyProgram.merchant_id == here) & (LoyaltyProgram.id == LoyaltyCard.program_id)
    columns: list[Any] = [
        ReviewItem,
        LoyaltyCard,
        LoyaltyProgram,
        Store.name.label("store_name"),
        Customer.name.label("customer_name"),
        Customer.purged_at.label("customer_purged"),
        LoyaltyCard.deleted_at.label("card_died"),
        User.display_name.label("settled_by"),
        _proposer.display_name.label("proposed_by"),
    ]
    proposed_by = ReviewItem.details["proposed_by_id"].as_integer()
    query = (
        select(*columns)
        .outerjoin(Store, (Store.merchant_id == here) & (Store.id == ReviewItem.store_id))
        .outerjoin(LoyaltyCard, (LoyaltyCard.merchant_id == here) & (LoyaltyCard.id == ReviewItem.card_id))
        .outerjoin(LoyaltyProgram, program)
        .outerjoin(Customer, (Customer.merchant_id == here) & (Customer.id == LoyaltyCard.customer_id))
        .outerjoin(User, User.id == ReviewItem.resolved_by_id)
        .outerjoin(_proposer, _proposer.id == proposed_by)
        .where(ReviewItem.merchant_id == here)
    )
    return _theirs(query).execution_options(**DEAD_TOO)


def _theirs(query: Select[Any]) -> Select[Any]:
    """Leave out what happened in a store that is not theirs."""
    mine = in_own_stores(select(Store.id).where(Store.merchant_id == current_merchant().id), Store.id)
    return query.where(ReviewItem.store_id.is_(None) | ReviewItem.store_id.in_(mine))

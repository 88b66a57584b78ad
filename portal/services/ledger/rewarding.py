"""Handing out rewards, and taking them back (specification of loyalty, section 5)."""

from datetime import datetime

from sqlalchemy import func, select, update

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models.loyalty_reward import LoyaltyReward, RewardStore
from portal.models.loyalty_transaction import LoyaltyTransaction
from portal.models.reward_issue import RewardIssue
from portal.services.ledger.accounts import Account, Posting, once
from portal.services.ledger.stamping import valid_until
from portal.services.ledger.undoing import refuse_if_not_theirs
from portal.services.ledger.visits import Visit
from portal.words import _, ngettext


def issue_reward(card_id: int, reward_id: int, *, visit: Visit, at_once: bool = False) -> Posting:
    """Take the points and the stock for a reward; `at_once` hands it over too, as at the till.

    Raises Refused("insufficient_points", "below_redemption_minimum", "reward_gone", "out_of_stock",
    "not_valid_today", "limit_reached", "wrong_tier", "not_redeeming", "frozen", "card_suspended").
    """

    def work(account: Account) -> Posting:
        reward = _locked_reward(account, reward_id)
        _refuse_if_not_redeeming(account)
        if not account.program.is_points_enabled:
            raise Refused(
                "frozen", _("This program counts stamps; points are frozen until it counts them again.")
            )
        _refuse_if_not_for(account, reward)
        issue = _issued(account, reward)
        if at_once:
            _hand_over(issue, account)
        return Posting(account.card, account.rows, "redeemed" if at_once else "issued")

    return once(card_id, "issue_reward", {"reward": reward_id, "at_once": at_once}, work, visit=visit)


def redeem(card_id: int, issue_id: int, *, visit: Visit) -> Posting:
    """Hand over a reward that was issued; of stamps or of points.

    A card that is below zero must first be filled up again. Raises Refused("issue_gone",
    "issue_expired", "not_redeeming", "insufficient_points", "card_suspended"), Conflict("already_redeemed").
    """

    def work(account: Account) -> Posting:
        issue = _open_issue(account, issue_id)
        _refuse_if_not_redeeming(account)
        if not issue.is_of_stamps:
            _refuse_if_short(account, 0)
        _hand_over(issue, account)
        # The points of a points reward went when it was issued; this row says when it was handed over.
        account.post("redeem", reward_issue_id=issue.id)
        return Posting(account.card, account.rows, "redeemed")

    return once(card_id, "redeem", {"issue": issue_id}, work, visit=visit)


def cancel_reward(card_id: int, issue_id: int, *, visit: Visit) -> Posting:
    """Take back a reward that was issued and not handed over: points, stamps and stock return.

    Raises Refused("issue_gone", "issue_expired", "too_late", "not_allowed"), Conflict("already_redeemed").
    """

    def work(account: Account) -> Posting:
        issue = _open_issue(account, issue_id)
        refuse_if_not_theirs(account, _issued_by(issue), issue.issued_at)
        give_back(account, issue)
        return Posting(account.card, account.rows, "cancelled")

    return once(card_id, "cancel_reward", {"issue": issue_id}, work, visit=visit)


def give_back(account: Account, issue: RewardIssue, *, kind: str = "redeem_cancel") -> LoyaltyTransaction:
    """Cancel an issue and return what it cost."""
    issue.status, issue.cancelled_at = "cancelled", account.visit.now
    issue.redeemed_at = issue.redeemed_store_id = None
    give_stock_back(issue)
    return account.post(kind, points=issue.points_price, stamps=issue.stamps_target, reward_issue_id=issue.id)


def give_stock_back(issue: RewardIssue) -> None:
    """Put one back on the shelf, also of a reward in the trash."""
    if issue.reward_id is None:
        return
    stocked = update(LoyaltyReward).where(
        LoyaltyReward.merchant_id == issue.merchant_id,
        LoyaltyReward.id == issue.reward_id,
        LoyaltyReward.stock.is_not(None),
    )
    db.session.execute(
        stocked.values(stock=LoyaltyReward.stock + 1), execution_options={"include_deleted": True}
    )


def _locked_reward(account: Account, reward_id: int) -> LoyaltyReward:
    query = select(LoyaltyReward).where(
        LoyaltyReward.merchant_id == account.card.merchant_id,
        LoyaltyReward.program_id == account.card.program_id,
        LoyaltyReward.id == reward_id,
    )
    reward = db.session.scalar(query.with_for_update(), execution_options={"populate_existing": True})
    if reward is None:
        raise Refused("reward_gone", _("This reward is not offered any more. Choose another."))
    return reward


def _refuse_if_not_redeeming(account: Account) -> None:
    program, now = account.program, account.visit.now
    if not program.is_active and (program.redeem_until is None or now >= program.redeem_until):
        raise Refused("not_redeeming", _("The program is paused, and rewards cannot be taken now."))
    account.refuse_if_suspended()


def _refuse_if_not_for(account: Account, reward: LoyaltyReward) -> None:
    now, least = account.visit.now, account.program.minimum_redemption_points
    _refuse_if_short(account, reward.points_required)
    if account.card.points_balance < least:
        raise Refused("below_redemption_minimum", _("Rewards start at %(least)s points.", least=least))
    if reward.stock == 0:
        raise Refused("out_of_stock", _("“%(name)s” is out of stock.", name=reward.name))
    _refuse_outside_its_days(reward, now)
    if reward.tier_key and not account.program.reaches(account.card.tier_key, reward.tier_key):
        raise Refused("wrong_tier", _("“%(name)s” is for a higher tier.", name=reward.name))
    _refuse_in_other_stores(account, reward)
    _refuse_above_limit(account, reward)


def _refuse_if_short(account: Account, points: int) -> None:
    short = points - account.card.points_balance
    if short > 0:
        said = ngettext("%(num)s point is missing.", "%(num)s points are missing.", short)
        raise Refused("insufficient_points", said, short=short)


def _refuse_outside_its_days(reward: LoyaltyReward, now: datetime) -> None:
    begins, ends = reward.valid_from, reward.valid_until
    if (begins and now < begins) or (ends and now >= ends):
        raise Refused("not_valid_today", _("“%(name)s” is not offered today.", name=reward.name))


def _refuse_in_other_stores(account: Account, reward: LoyaltyReward) -> None:
    """A reward limited to some stores is taken there; the office, which is no store, may hand it out."""
    mine = (RewardStore.merchant_id == reward.merchant_id, RewardStore.reward_id == reward.id)
    allowed = set(db.session.scalars(select(RewardStore.store_id).where(*mine)))
    if allowed and account.visit.store_id is not None and account.visit.store_id not in allowed:
        raise Refused("wrong_store", _("“%(name)s” is not offered in this store.", name=reward.name))


def _refuse_above_limit(account: Account, reward: LoyaltyReward) -> None:
    if reward.per_customer_limit is None:
        return
    taken = select(func.count()).where(
        RewardIssue.merchant_id == reward.merchant_id,
        RewardIssue.card_id.in_(account.cards()),  # with the customer's older cards
        RewardIssue.reward_id == reward.id,
        RewardIssue.status.in_(("issued", "redeemed")),
    )
    if (
        db.session.scalar(taken, execution_options={"include_deleted": True}) or 0
    ) >= reward.per_customer_limit:
        raise Refused("limit_reached", _("This customer has had “%(name)s” already.", name=reward.name))


def _issued(account: Account, reward: LoyaltyReward) -> RewardIssue:
    if reward.stock is not None:
        reward.stock -= 1
    issue = RewardIssue(
        merchant_id=reward.merchant_id,
        card_id=account.card.id,
        reward_id=reward.id,
        points_price=reward.points_required,
        discount_cents=reward.discount_cents,
        issued_at=account.visit.now,
        expires_at=valid_until(account),
        issued_store_id=account.visit.store_id,
    )
    db.session.add(issue)
    db.session.flush()  # the row names it
    account.post("redeem", points=-reward.points_required, reward_issue_id=issue.id)
    return issue


def _hand_over(issue: RewardIssue, account: Account) -> None:
    issue.status, issue.redeemed_at = "redeemed", account.visit.now
    issue.redeemed_store_id = account.visit.store_id


def _issued_by(issue: RewardIssue) -> int | None:
    """Find who issued it: who posted the row that paid for it."""
    row = LoyaltyTransaction
    paid = select(row.staff_id).where(
        row.merchant_id == issue.merchant_id,
        row.reward_issue_id == issue.id,
        row.type.in_(("redeem", "stamp_complete")),
    )
    return db.session.scalar(paid.order_by(row.id).limit(1))


def _open_issue(account: Account, issue_id: int) -> RewardIssue:
    query = select(RewardIssue).where(
        RewardIssue.merchant_id == account.card.merchant_id,
        RewardIssue.card_id == account.card.id,
        RewardIssue.id == issue_id,
    )
    # Read it anew: somebody else may have handed it over while we waited for the card.
    issue = db.session.scalar(query, execution_options={"populate_existing": True})
    if issue is None:
        raise Refused("issue_gone", _("This reward is not on this card."))
    if issue.status != "issued":
        raise Conflict("already_redeemed", _("This reward was taken or taken back already."))
    if issue.expires_at and issue.expires_at <= account.visit.now:
        raise Refused("issue_expired", _("This reward has expired."), at=issue.expires_at)
    return issue

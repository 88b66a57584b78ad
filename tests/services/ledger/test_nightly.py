"""What the night does with points and rewards whose time is over."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import (
    LoyaltyTransaction,
    OutboxMessage,
    RewardIssue,
)
from portal.services import merchants, programs, trash
from portal.services.ledger.expiring import due_at
from portal.services.ledger.nightly import (
    expire_rewards_some,
    expire_some,
    warn_some,
)
from tests.factories import NOW, OPERATOR, give, make_card, make_reward
from tests.services.ledger.stage import Shop

LONG = timedelta(days=400)
DAY = timedelta(days=1)


def expire(shop: Shop, now: datetime, **more):
    chunk = expire_some(shop.merchant, now=now, **more)
    db.session.commit()
    return chunk


def expire_rewards(shop: Shop, now: datetime, **more):
    chunk = expire_rewards_some(shop.merchant, now=now, **more)
    db.session.commit()
    return chunk


def warn(shop: Shop, now: datetime, **more):
    chunk = warn_some(shop.merchant, now=now, **more)
    db.session.commit()
    return chunk.done


def earned(shop: Shop, points=20, at=NOW, card=None, **more):
    return give(card or shop.card, points=points, kind="earn", at=at, **more)


def rows(shop: Shop):
    mine = LoyaltyTransaction.of(shop.merchant).order_by(LoyaltyTransaction.id)
    return [(row.type, row.points_delta) for row in db.session.scalars(mine)]


def test_points_expire_at_local_midnight_after_the_last_day(shop_with):
    shop = shop_with("America/New_York", points_expiration_days=10)
    earned(shop, at=datetime(2026, 3, 1, 4, 59, tzinfo=UTC))  # 28 February, 23:59 in New York
    midnight = datetime(
        2026, 3, 11, 4, tzinfo=UTC
    )  # 11 March 00:00 there; the clocks went forward on the 8th
    assert expire(shop, midnight - timedelta(seconds=1)).done == 0
    assert expire(shop, midnight) == (1, 20, None)
    row = db.session.scalars(LoyaltyTransaction.of(shop.merchant).where(LoyaltyTransaction.type == "expire"))
    one = row.one()
    assert (one.occurred_at, one.created_at, one.source, shop.card.points_balance) == (
        midnight,
        midnight,
        "system",
        0,
    )


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29, tzinfo=UTC), 23), (datetime(2026, 10, 25, tzinfo=UTC), 25)],
)
def test_days_of_23_and_25_hours_are_one_day(shop_with, day, hours):
    """The last day to come lasts as long as it lasts."""
    zone = ZoneInfo("Europe/Luxembourg")
    shop = shop_with(points_expiration_days=1)
    last = datetime(day.year, day.month, day.day, 12, tzinfo=zone) - DAY
    earned(shop, at=last)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)
    assert due_at(shop.card, shop.program, zone) == begin + timedelta(hours=hours)
    assert expire(shop, begin + timedelta(hours=hours, seconds=-1)).done == 0
    assert expire(shop, begin + timedelta(hours=hours)).done == 1


def test_expiring_again_changes_nothing(shop_with):
    shop = shop_with(points_expiration_days=10)
    earned(shop)
    assert expire(shop, NOW + LONG).done == 1
    assert expire(shop, NOW + LONG).done == 0
    assert rows(shop) == [("earn", 20), ("expire", -20)]


def test_only_positive_points_expire_and_stamps_never(shop_with):
    shop = shop_with(points_expiration_days=10)
    earned(shop, points=0)
    give(shop.card, points=-5, stamps=4)
    assert expire(shop, NOW + LONG).done == 0
    assert (shop.card.points_balance, shop.card.stamps_balance) == (-5, 4)


def test_chunks_go_on_after_the_last_card(shop_with):
    shop = shop_with(points_expiration_days=10)
    cards = [shop.card, *(make_card(shop.program) for _ in range(3))]
    for card in cards:
        earned(shop, card=card)
    earned(shop, card=cards[1], at=NOW + LONG)  # still active
    first = expire(shop, NOW + LONG, limit=2)
    assert first == (2, 40, cards[2].id)
    assert expire(shop, NOW + LONG, after=first.after, limit=2) == (1, 20, None)
    assert [card.points_balance for card in cards] == [0, 40, 0, 0]


def test_floors_of_card_and_program_are_waited_for(shop_with):
    shop = shop_with(points_expiration_days=10)
    earned(shop)
    due = NOW + timedelta(days=60)
    shop.card.expiry_floor_at = due
    db.session.commit()
    assert expire(shop, due - DAY).done == 0
    shop.card.expiry_floor_at, shop.program.expiry_floor_at = None, due
    db.session.commit()
    assert expire(shop, due - DAY).done == 0
    assert expire(shop, due).done == 1


def test_the_dead_and_the_timeless_are_passed_over(shop_with):
    shop = shop_with(points_expiration_days=None)
    earned(shop)
    assert expire(shop, NOW + LONG).done == 0
    shop.change(points_expiration_days=10)
    trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
    db.session.commit()
    assert expire(shop, NOW + LONG).done == 0
    programs.delete_program(shop.program, by=OPERATOR, now=NOW)
    db.session.commit()
    assert (expire(shop, NOW + LONG).done, warn(shop, NOW + LONG)) == (0, 0)


def test_a_card_that_dies_meanwhile_is_passed_over(shop_with, monkeypatch):
    shop = shop_with(points_expiration_days=10)
    earned(shop)
    from portal.services.ledger import nightly

    real = nightly.open_account

    def late(card_id, visit):
        trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
        return real(card_id, visit)

    monkeypatch.setattr(nightly, "open_account", late)
    assert expire(shop, NOW + LONG).done == 0


def test_another_time_zone_moves_no_posted_row(shop_with):
    shop = shop_with("Europe/Luxembourg", points_expiration_days=10)
    earned(shop)
    expire(shop, NOW + LONG)
    before = [
        (r.id, r.occurred_at, r.points_delta)
        for r in db.session.scalars(LoyaltyTransaction.of(shop.merchant))
    ]
    merchants.change_merchant(shop.merchant, by=OPERATOR, timezone="Pacific/Auckland")
    db.session.commit()
    again = [
        (r.id, r.occurred_at, r.points_delta)
        for r in db.session.scalars(LoyaltyTransaction.of(shop.merchant))
    ]
    assert again == before
    earned(shop, at=NOW + LONG)
    due = due_at(shop.card, shop.program, shop.merchant.zone)
    assert due is not None
    assert due.astimezone(ZoneInfo("Pacific/Auckland")).hour == 0  # later deadlines are its own


# Rewards


def issued(shop: Shop, **fields) -> RewardIssue:
    reward = make_reward(shop.program, points_required=15, **fields)
    shop.issue(reward)
    return db.session.scalars(RewardIssue.of(shop.merchant)).one()


def test_an_expired_points_reward_gives_points_and_stock_back(shop_with):
    shop = shop_with(reward_valid_days=5)
    earned(shop)
    issue = issued(shop, stock=3)
    reward = issue.reward_id
    assert expire_rewards(shop, issue.expires_at - timedelta(seconds=1)).done == 0
    assert expire_rewards(shop, issue.expires_at) == (1, 15, None)
    assert expire_rewards(shop, issue.expires_at).done == 0
    db.session.refresh(issue)
    assert (issue.status, issue.cancelled_at, shop.card.points_balance) == ("expired", None, 20)
    assert rows(shop)[-1] == ("redeem_cancel", 15)
    from portal.models import LoyaltyReward

    assert db.session.get(LoyaltyReward, reward).stock == 3


def test_an_expired_stamp_reward_gives_nothing_back(shop_with):
    shop = shop_with(loyalty_type="stamps", stamps_target=10, reward_valid_days=5)
    shop.stamp(12)
    issue = db.session.scalars(RewardIssue.of(shop.merchant)).one()
    assert expire_rewards(shop, issue.expires_at) == (1, 0, None)
    db.session.refresh(issue)
    assert (issue.status, shop.card.stamps_balance) == ("expired", 2)
    assert [kind for kind, _ in rows(shop)] == ["stamp", "stamp_complete"]


def test_rewards_of_the_dead_wait_for_their_return(shop_with):
    shop = shop_with(reward_valid_days=5)
    earned(shop)
    issued(shop)
    act = trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
    db.session.commit()
    assert expire_rewards(shop, NOW + LONG).done == 0
    trash.restore(act, by=OPERATOR, now=NOW)
    db.session.commit()
    assert expire_rewards(shop, NOW + LONG).done == 1


@pytest.mark.parametrize("what", ["taken", "gone"])
def test_a_reward_taken_meanwhile_is_passed_over(shop_with, monkeypatch, what):
    shop = shop_with(reward_valid_days=5)
    earned(shop)
    issue = issued(shop)
    from portal.services.ledger import nightly

    real = nightly.open_account

    def late(card_id, visit):
        account = real(card_id, visit)
        if what == "taken":
            issue.status, issue.redeemed_at = "redeemed", NOW
            return account
        trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
        return real(card_id, visit)

    monkeypatch.setattr(nightly, "open_account", late)
    assert expire_rewards(shop, issue.expires_at).done == 0


def test_rewards_are_taken_chunk_by_chunk(shop_with):
    shop = shop_with(reward_valid_days=5)
    earned(shop, points=100)
    reward = make_reward(shop.program, points_required=10)
    for minute in range(3):
        shop.issue(reward, minute)
    first = expire_rewards(shop, NOW + LONG, limit=2)
    assert (first.done, first.points) == (2, 20)
    assert expire_rewards(shop, NOW + LONG, after=first.after, limit=2) == (1, 10, None)


# Warnings


def outbox(shop: Shop):
    sent = select(OutboxMessage).where(OutboxMessage.merchant_id == shop.merchant.id)
    return [(m.kind, m.payload) for m in db.session.scalars(sent.order_by(OutboxMessage.id))]


def test_warnings_go_out_30_and_7_days_before_once_each(shop_with):
    shop = shop_with(points_expiration_days=100)
    earned(shop)
    due = due_at(shop.card, shop.program, shop.merchant.zone)
    assert due is not None
    said = {left: warn(shop, due - timedelta(days=left)) for left in (31, 30, 29, 8, 7, 6, 1, 0)}
    assert said == {31: 0, 30: 1, 29: 0, 8: 0, 7: 1, 6: 0, 1: 0, 0: 0}
    payload = {"card_id": shop.card.id, "expires_at": due.isoformat()}
    assert outbox(shop) == [
        ("expiry_warning", {**payload, "days": 30}),
        ("expiry_warning", {**payload, "days": 7}),
    ]


def test_who_comes_late_is_warned_once_only(shop_with):
    """A job that did not run for weeks sends the nearest warning alone."""
    shop = shop_with(points_expiration_days=100)
    earned(shop)
    due = due_at(shop.card, shop.program, shop.merchant.zone)
    assert due is not None
    assert [warn(shop, due - timedelta(days=3)), warn(shop, due - timedelta(days=2))] == [1, 0]
    assert outbox(shop)[0][1]["days"] == 7


def test_after_a_new_visit_there_is_a_new_warning(shop_with):
    shop = shop_with(points_expiration_days=40)
    earned(shop)
    assert warn(shop, NOW + timedelta(days=15)) == 1
    earned(shop, at=NOW + timedelta(days=20))
    assert warn(shop, NOW + timedelta(days=30)) == 0
    assert warn(shop, NOW + timedelta(days=35)) == 1


def test_a_floor_puts_the_warning_off(shop_with):
    shop = shop_with(points_expiration_days=40)
    earned(shop)
    shop.card.expiry_floor_at = NOW + timedelta(days=90)
    db.session.commit()
    assert warn(shop, NOW + timedelta(days=35)) == 0
    assert warn(shop, NOW + timedelta(days=60)) == 1


def test_nobody_without_points_is_warned(shop_with):
    shop = shop_with(points_expiration_days=40)
    earned(shop, points=0)
    assert warn(shop, NOW + timedelta(days=35)) == 0
    shop.change(points_expiration_days=None)
    assert warn(shop, NOW + timedelta(days=35)) == 0


def test_warnings_go_chunk_by_chunk_and_another_run_is_no_second_one(shop_with, monkeypatch):
    shop = shop_with(points_expiration_days=20)
    for card in (shop.card, make_card(shop.program), make_card(shop.program)):
        earned(shop, card=card)
    first = warn_some(shop.merchant, now=NOW, limit=2)
    db.session.commit()
    assert first.done == 2
    assert warn_some(shop.merchant, now=NOW, after=first.after, limit=2) == (1, 0, None)
    db.session.commit()
    from portal.services.ledger import nightly

    monkeypatch.setattr(nightly, "_not_yet", lambda merchant, wanted: sorted(wanted))
    assert warn(shop, NOW) == 0

"""Tiers by night: up where it was missed, down after the grace, every change a row."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.extensions import db
from portal.models import Customer, TierChange
from portal.services import programs, trash
from portal.services.ledger import grading
from portal.services.ledger.grading import run_tiers_some
from tests.factories import NOW, OPERATOR, give, make_card, make_customer
from tests.services.ledger.stage import DAY, Shop

TIERS = [
    {"key": "bronze", "name": "Bronze", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "silver", "name": "Silver", "threshold": 100, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 200, "multiplier_bp": 10_000},
]


def tiers_of(**thresholds):
    return [{**tier, "threshold": thresholds.get(tier["key"], tier["threshold"])} for tier in TIERS]


def days(count: float):
    return NOW + timedelta(days=count)


def night(shop: Shop, day: float, **more):
    graded = run_tiers_some(shop.merchant, now=days(day), **more)
    db.session.commit()
    db.session.refresh(shop.card)
    return graded


def changes(shop: Shop):
    rows = db.session.scalars(TierChange.of(shop.merchant).order_by(TierChange.id))
    return [(row.from_key, row.to_key, row.qualifying_points) for row in rows]


@pytest.fixture
def shop(shop_with) -> Shop:
    """One year looks back, ten days are the grace; the rules are kept as version 1 long before."""
    shop = shop_with(tier_config=TIERS, tier_window_days=365, tier_grace_days=10)
    programs.keep_version(shop.program, by=shop.owner, now=NOW - timedelta(days=900))
    db.session.commit()
    return shop


def test_who_missed_a_step_goes_up_at_once(shop):
    give(shop.card, points=150, kind="earn", at=NOW)
    assert night(shop, 1) == (1, 0, None)
    assert night(shop, 2) == (0, 0, None)
    assert (shop.card.tier_key, changes(shop)) == ("silver", [(None, "silver", 150)])


def test_the_threshold_is_inclusive(shop):
    give(shop.card, points=200, kind="earn")
    night(shop, 1)
    assert shop.card.tier_key == "gold"


def test_every_member_is_in_the_first_tier(shop):
    night(shop, 1)
    assert shop.card.tier_key == "bronze"


def test_down_only_after_the_grace(shop):
    """The 200 points leave the window at day 365; ten days later the tier is gone."""
    shop.earn(200_00)
    assert shop.card.tier_key == "gold"
    assert night(shop, 364.9).down == 0
    assert night(shop, 374.99).down == 0
    assert night(shop, 375) == (0, 1, None)
    assert changes(shop) == [(None, "gold", 200), ("gold", "bronze", 0)]


def test_points_earned_within_the_grace_keep_the_tier(shop):
    shop.earn(200_00)
    shop.earn(200_00, 370 * DAY)
    assert night(shop, 376).down == 0
    assert night(shop, 400).down == 0
    assert shop.card.tier_key == "gold"


def test_points_that_came_and_went_within_the_grace_start_it_anew(shop):
    """On day 370 gold was reached again, and voided an hour later: ten days from then."""
    shop.earn(200_00)
    again = shop.earn(200_00, 370 * DAY).rows[0]
    shop.void(again, 370 * DAY + 60)
    assert night(shop, 380).down == 0
    assert night(shop, 380 + 1 / 24).down == 1


def test_down_to_the_highest_tier_that_held_in_the_grace(shop):
    shop.earn(120_00, 20 * DAY)
    shop.earn(80_00)
    shop.earn(10_00, 300 * DAY)
    assert night(shop, 375).down == 1  # since day 365 only 130 points count
    assert shop.card.tier_key == "silver"
    assert night(shop, 394).down == 0
    assert night(shop, 395).down == 1
    assert changes(shop)[-2:] == [("gold", "silver", 130), ("silver", "bronze", 10)]


def test_a_refund_starts_the_grace_and_voiding_it_ends_it(shop):
    earned = shop.earn(200_00).rows[0]
    back = shop.refund(earned, 150_00, 20 * DAY).rows[0]
    assert night(shop, 29.9).down == 0
    shop.void(back, 29 * DAY + 12 * 60, by=OPERATOR)
    assert night(shop, 60).down == 0
    assert shop.card.tier_key == "gold"


def test_a_refund_takes_the_tier_after_the_grace(shop):
    earned = shop.earn(200_00).rows[0]
    shop.refund(earned, 150_00, 20 * DAY)
    assert (night(shop, 29.9).down, night(shop, 30).down, shop.card.tier_key) == (0, 1, "bronze")


def test_a_raised_threshold_starts_the_grace_with_its_version(shop):
    shop.earn(150_00)
    assert shop.card.tier_key == "silver"
    raised = tiers_of(silver=180)
    programs.change_program(shop.program, by=shop.owner, now=days(50), tier_config=raised)
    db.session.commit()
    assert night(shop, 51).down == 0
    assert night(shop, 59.9).down == 0
    assert night(shop, 60).down == 1


def test_a_shorter_window_starts_the_grace_with_its_version(shop):
    shop.earn(150_00)
    programs.change_program(shop.program, by=shop.owner, now=days(50), tier_window_days=30)
    programs.change_program(shop.program, by=shop.owner, now=days(55), cooldown_minutes=1)
    db.session.commit()
    assert (night(shop, 59.9).down, night(shop, 60).down) == (0, 1)


def test_a_raise_taken_back_in_time_takes_nobody_down(shop):
    shop.earn(150_00)
    programs.change_program(shop.program, by=shop.owner, now=days(50), tier_config=tiers_of(silver=180))
    programs.change_program(shop.program, by=shop.owner, now=days(58), tier_config=TIERS)
    db.session.commit()
    assert night(shop, 70).down == 0


def test_a_lowered_threshold_lifts_at_once(shop):
    shop.earn(150_00)
    programs.change_program(shop.program, by=shop.owner, now=days(50), tier_config=tiers_of(gold=150))
    db.session.commit()
    assert night(shop, 50).up == 1


def test_a_tier_that_is_no_more_is_left_at_once(shop):
    shop.earn(200_00)
    programs.change_program(shop.program, by=shop.owner, now=days(50), tier_config=TIERS[:2])
    db.session.commit()
    assert night(shop, 51) == (0, 1, None)
    assert shop.card.tier_key == "silver"
    programs.change_program(shop.program, by=shop.owner, now=days(60), tier_config=[])
    db.session.commit()
    assert (night(shop, 61).down, shop.card.tier_key) == (1, None)
    assert night(shop, 62) == (0, 0, None)


def test_no_grace_is_no_grace(shop):
    shop.change(tier_grace_days=0)
    shop.earn(200_00)
    assert (night(shop, 364.9).down, night(shop, 365).down) == (0, 1)


def test_lifetime_never_takes_down(shop):
    shop.change(tier_window_days=None)
    shop.earn(200_00)
    assert night(shop, 2_000).down == 0


def test_a_program_younger_than_its_grace(shop_with):
    """No version is older than the grace: the first one begins it."""
    shop = shop_with(tier_config=TIERS, tier_window_days=None, tier_grace_days=100)
    programs.keep_version(shop.program, by=shop.owner, now=NOW)
    earned = shop.earn(200_00, DAY).rows[0]
    shop.void(earned, DAY + 60)
    assert (night(shop, 50).down, night(shop, 101).down, night(shop, 102).down) == (0, 0, 1)


def test_what_a_merged_person_earned_counts(shop):
    loser = make_customer(shop.merchant)
    give(make_card(shop.program, loser), points=120, kind="earn")
    trash.soft_delete_cascade(loser, by=OPERATOR, now=NOW)
    db.session.execute(
        update(Customer)
        .where(Customer.merchant_id == shop.merchant.id, Customer.id == loser.id)
        .values(merged_into_id=shop.card.customer_id),
        execution_options={"include_deleted": True, "synchronize_session": False},
    )
    db.session.commit()
    night(shop, 1)
    assert (shop.card.tier_key, changes(shop)) == ("silver", [(None, "silver", 120)])


def test_cards_come_chunk_by_chunk(shop):
    cards = [shop.card, make_card(shop.program), make_card(shop.program)]
    first = night(shop, 1, limit=2)
    assert first == (2, 0, cards[1].id)
    assert night(shop, 1, after=first.after, limit=2) == (1, 0, None)


@pytest.mark.parametrize("what", ["dead", "moved"])
def test_a_card_is_looked_at_again_once_it_is_locked(shop, monkeypatch, what):
    real = grading.open_account

    def late(card_id, visit):
        if what == "dead":
            trash.soft_delete_cascade(shop.card.customer, by=OPERATOR, now=NOW)
            return real(card_id, visit)
        account = real(card_id, visit)
        account.card.tier_key = "bronze"
        return account

    monkeypatch.setattr(grading, "open_account", late)
    assert run_tiers_some(shop.merchant, now=days(1)) == (0, 0, None)
    db.session.rollback()


def test_without_a_program_nothing_happens(shop):
    programs.delete_program(shop.program, by=OPERATOR, now=NOW)
    db.session.commit()
    assert run_tiers_some(shop.merchant, now=NOW) == (0, 0, None)


def test_voiding_a_stamp_or_an_adjustment_takes_no_tier(shop):
    shop.change(loyalty_type="hybrid")
    shop.earn(200_00)
    shop.void(shop.stamp(1, 10).rows[0], 20)
    assert night(shop, 100).down == 0

"""`flask loyalty`, and the jobs that run by night."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from portal.extensions import db
from portal.models import EnrolmentFingerprint, LoyaltyCard, OutboxMessage
from portal.models.actor import OPERATOR
from portal.services import trash
from portal.services.ledger.earning import earn
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.visits import Visit
from tests.factories import (
    OWNER,
    give,
    make_card,
    make_customer,
    make_merchant,
    make_program,
    make_reward,
    make_store,
    make_token,
    within,
)
from tests.services.importing import committed

NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=400)


@pytest.fixture
def cafe(app):
    return make_merchant("Café Lux", subdomain="cafe-lux")


@pytest.fixture
def bakery(app):
    return make_merchant("Bakery", subdomain="bakery")


def card_in(merchant, points=0, at=LONG_AGO, **rules):
    rules = {"loyalty_type": "points", "points_expiration_days": 100, "minimum_redemption_points": 0, **rules}
    program = make_program(merchant, **rules)
    return card_of(program, points, at)


def card_of(program, points=0, at=LONG_AGO):
    """A card whose numbers stay readable outside of any business."""
    card = make_card(program)
    if points:
        give(card, points=points, kind="earn", at=at)
    return SimpleNamespace(id=card.id, merchant_id=program.merchant_id, program=program, row=card)


def balance(card) -> tuple[int, int]:
    with within(card.merchant_id):
        found = db.session.execute(
            select(LoyaltyCard.points_balance, LoyaltyCard.stamps_balance).where(
                LoyaltyCard.merchant_id == card.merchant_id, LoyaltyCard.id == card.id
            )
        ).one()
    db.session.rollback()
    return (found[0], found[1])


# expire


def test_points_and_rewards_expire_in_every_business(flask, cafe, bakery):
    cards = [card_in(cafe, 20), card_in(bakery, 30, reward_valid_days=10)]
    reward = make_reward(cards[1].program, points_required=5)
    with committed(bakery.id):
        issue_reward(cards[1].id, reward.id, visit=Visit(by=OWNER, now=LONG_AGO))
    result = flask("loyalty", "expire")
    assert (result.exit_code, result.output) == (
        0,
        "Expired 45 points of 2 cards.\nExpired 1 reward nobody collected; 5 points went back.\n",
    )
    assert [balance(card)[0] for card in cards] == [0, 5]
    assert flask("jobs", "run", "expiry").output.startswith("Expired 0 points of 0 cards.")


def test_one_business_alone_expires(flask, cafe, bakery):
    cards = [card_in(cafe, 20), card_in(bakery, 30)]
    assert "Expired 20 points of 1 card." in flask("loyalty", "expire", "--merchant", "cafe-lux").output
    assert [balance(card)[0] for card in cards] == [0, 30]


def test_a_business_in_the_trash_is_passed_over(flask, cafe):
    card_in(cafe, 20)
    with committed(cafe.id):
        trash.soft_delete_cascade(cafe, by=OPERATOR, now=NOW)
    assert "Expired 0 points" in flask("loyalty", "expire").output


def test_a_trouble_in_one_business_does_not_stop_the_next(flask, cafe, bakery, monkeypatch):
    from portal.cli import nights

    monkeypatch.setattr("portal.services.trouble.PAUSE_SECONDS", 0)
    cards = [card_in(cafe, 20), card_in(bakery, 30)]
    real = nights.expire_some

    def hesitant(merchant, **how):
        if merchant.id == cafe.id:
            raise OperationalError("", {}, Exception("database is locked"))
        return real(merchant, **how)

    monkeypatch.setattr(nights, "expire_some", hesitant)
    for words in (("loyalty", "expire"), ("jobs", "run", "expiry")):
        result = flask(*words)
        assert result.exit_code == 1
        assert "The database is busy" in result.stderr
    assert [balance(card)[0] for card in cards] == [20, 0]


def test_many_cards_are_done_in_chunks(flask, cafe, monkeypatch):
    from functools import partial

    from portal.cli import nights

    monkeypatch.setattr(nights, "expire_some", partial(nights.expire_some, limit=2))
    first = card_in(cafe, 1)
    for _ in range(4):
        card_of(first.program, 1)
    assert "Expired 5 points of 5 cards." in flask("loyalty", "expire").output


# tiers, warnings, fingerprints

TIERS = [{"key": "gold", "name": "Gold", "threshold": 0, "multiplier_bp": 15_000}]


def test_cards_are_put_into_their_tiers(flask, cafe, monkeypatch):
    card_in(cafe, 20, tier_config=TIERS)
    assert flask("loyalty", "tiers", "--merchant", "cafe-lux").output == "1 card went up, 0 cards down.\n"
    assert flask("jobs", "run", "tiers").output == "0 cards went up, 0 cards down.\n"
    monkeypatch.setattr("portal.cli.nights._each", lambda tenants, work: ({"up": 0, "down": 0}, False))
    assert flask("loyalty", "tiers").exit_code == 1


def test_warnings_are_put_out(flask, cafe):
    card_in(cafe, 20, at=NOW - timedelta(days=95))
    assert flask("jobs", "run", "warnings").output == "1 warning of coming expiry.\n"
    assert flask("jobs", "run", "warnings").output == "0 warnings of coming expiry.\n"
    with within(cafe):
        message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.merchant_id == cafe.id)).one()
        assert (message.kind, message.payload["days"]) == ("expiry_warning", 7)
    db.session.rollback()


def test_old_fingerprints_are_forgotten(flask, cafe, session):
    with committed(cafe.id):
        session.add(
            EnrolmentFingerprint(
                merchant_id=cafe.id, kind="email", fingerprint="x", forget_after=NOW - timedelta(days=1)
            )
        )
    assert flask("jobs", "run", "fingerprints").output.startswith("Forgot 1 mark")


# verify


def test_a_good_ledger_agrees(flask, cafe, bakery):
    card = card_in(cafe, points_per_euro=1)
    card_in(bakery)
    with committed(cafe.id):
        earn(card.id, spent_cents=5_00, visit=Visit(by=OWNER, now=NOW))
    result = flask("loyalty", "verify")
    assert (result.exit_code, result.output) == (0, "Every balance agrees: 2 cards, 1 movement.\n")
    assert flask("loyalty", "verify", "--merchant", "bakery").output == (
        "Every balance agrees: 1 card, 0 movements.\n"
    )


def test_a_ledger_that_does_not_agree_is_told(flask, cafe, bakery):
    """A purchase without rules, as the test's own short way makes them."""
    card = card_in(cafe, 20)
    give(card.row, points=1, kind="earn")
    card_in(bakery)
    result = flask("loyalty", "verify")
    assert (result.exit_code, result.stdout) == (1, "")
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"merchant {cafe.id}: card {card.id}: movement ")
    assert lines[0].endswith("took down no rules to count it by (rules_taken_down)")
    assert lines[-1] == "2 findings."
    assert flask("loyalty", "verify", "--merchant", "bakery").exit_code == 0


def test_what_concerns_no_card_is_told_too(flask, cafe, monkeypatch):
    from portal.services.ledger.verifying import Finding

    said = [Finding("append_only", None, "a trigger is missing")]
    monkeypatch.setattr(import_module("portal.cli.loyalty"), "unguarded", lambda: said)
    result = flask("loyalty", "verify")
    assert result.stderr.splitlines() == ["platform: a trigger is missing (append_only)", "1 finding."]


def test_a_ledger_in_the_trash_is_verified_too(flask, cafe):
    card_in(cafe, 20)
    with committed(cafe.id):
        trash.soft_delete_cascade(cafe, by=OPERATOR, now=NOW)
    assert flask("loyalty", "verify", "--merchant", "cafe-lux").exit_code == 1


# balances


def test_balances_come_as_csv_and_as_a_table(flask, cafe):
    program = make_program(cafe)
    card = make_card(program, make_customer(cafe, external_ref="598"))
    make_token(card, kind="number", value="62860028")
    give(card, points=7, stamps=2)
    csv = flask("loyalty", "balances", "--merchant", "cafe-lux", "--format", "csv")
    assert csv.output.splitlines() == ["external_ref,card_number,points,stamps", "598,62860028,7,2"]
    lines = flask("loyalty", "balances", "--merchant", "cafe-lux").output.splitlines()
    assert [line.split() for line in lines] == [
        ["EXTERNAL", "REF", "CARD", "NUMBER", "POINTS", "STAMPS"],
        ["598", "62860028", "7", "2"],
    ]


def test_no_cards_are_said(flask, cafe):
    assert flask("loyalty", "balances", "--merchant", "cafe-lux").stdout == "Café Lux has no cards yet.\n"


# stats


def test_the_numbers_of_a_time_are_told(flask, cafe):
    store = make_store(cafe, "Gare")
    card = card_in(cafe, points_per_euro=1, point_value_cents=Decimal(1))
    give(card.row, kind="enrol", at=NOW - timedelta(days=3))
    reward = make_reward(card.program, points_required=20)
    with committed(cafe.id):
        here = Visit(by=OWNER, now=NOW - timedelta(days=2), store_id=store.id)
        earn(card.id, spent_cents=150_00, visit=here)
        issue_reward(card.id, reward.id, visit=here, at_once=True)
    said = flask("loyalty", "stats", "--merchant", "cafe-lux").output
    told = [" ".join(line.split()) for line in said.splitlines()]
    assert "1 1 0 0.00%" in told
    assert "150 20 0 0 0" in told
    assert "130 0 0 1.30 EUR 0.00% 1.30 EUR" in told
    assert "Gare Gare 20" in told
    assert "operator 1 0 1 0 0 0" in told
    assert any("100%" in line for line in told)


def test_a_time_without_anything(flask, cafe):
    words = ("loyalty", "stats", "--merchant", "cafe-lux", "--since", "2026-01-01", "--until", "2026-01-31")
    said = flask(*words).stdout
    assert said.startswith("Café Lux, 2026-01-01 to 2026-01-31\n")
    for words in ("no value set", "None.", "Nothing was done.", "Nobody was seen."):
        assert words in said


def test_a_time_that_ends_before_it_begins_is_a_usage_error(flask, cafe):
    words = ("--since", "2026-02-01", "--until", "2026-01-31")
    result = flask("loyalty", "stats", "--merchant", "cafe-lux", *words)
    assert result.exit_code == 2
    assert "--since, 2026-02-01, must not be after --until, 2026-01-31." in result.stderr


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_time_beyond_the_calendar_is_a_usage_error(flask, cafe, day):
    result = flask("loyalty", "stats", "--merchant", "cafe-lux", "--until", day)
    assert (result.exit_code, "beyond the calendar" in result.stderr) == (2, True)


# convert


def test_all_cards_are_converted(flask, cafe, monkeypatch):
    from functools import partial

    from portal.services.ledger import converting

    card = card_in(cafe, loyalty_type="stamps", stamps_target=100, points_expiration_days=None)
    other = card_of(card.program)
    for each, points in ((card, 45), (other, 30)):
        give(each.row, points=points)
    monkeypatch.setattr(converting, "convert_some", partial(converting.convert_some, limit=1))
    result = flask("loyalty", "convert", "--merchant", "cafe-lux", "--rate", "0,1")
    assert result.output == "Converted 75 into 7 on 2 cards.\n"
    assert [balance(each) for each in (card, other)] == [(0, 4), (0, 3)]


def test_a_rate_turned_round_is_refused_before_anything_is_converted(flask, cafe, monkeypatch):
    from functools import partial

    from portal.services.ledger import converting

    card = card_in(cafe, loyalty_type="stamps", stamps_target=10, points_expiration_days=None)
    other = card_of(card.program)
    for each, points in ((card, 20), (other, 1010)):
        give(each.row, points=points)
    monkeypatch.setattr(converting, "convert_some", partial(converting.convert_some, limit=1))
    result = flask("loyalty", "convert", "--merchant", "cafe-lux", "--rate", "1")
    assert (result.exit_code, "a card would be filled 101 times" in result.stderr) == (1, True)
    assert [balance(each) for each in (card, other)] == [(20, 0), (1010, 0)]


def test_where_nothing_is_left_to_convert_a_run_does_no_harm(flask, cafe):
    card_in(cafe, loyalty_type="stamps", stamps_target=10)
    result = flask("loyalty", "convert", "--merchant", "cafe-lux", "--rate", "1")
    assert (result.exit_code, result.output) == (0, "Converted 0 into 0 on 0 cards.\n")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--rate", "much"), 2, "--rate is a number"),
        ((), 1, "Give a rate above 0"),
    ],
)
def test_a_rate_is_needed_to_convert(flask, cafe, words, code, says):
    card_in(cafe, loyalty_type="stamps")
    result = flask("loyalty", "convert", "--merchant", "cafe-lux", *words)
    assert (result.exit_code, says in result.stderr) == (code, True)


def test_there_must_be_a_program_to_convert(flask, cafe):
    result = flask("loyalty", "convert", "--merchant", "cafe-lux", "--rate", "1")
    assert (result.exit_code, result.stderr) == (
        1,
        "Café Lux has no program. Start one with: flask program set --merchant cafe-lux\n",
    )

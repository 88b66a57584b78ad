"""Rewards: offered, changed, put in order, deleted."""

from datetime import timedelta

import pytest

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import LoyaltyReward
from portal.services import programs, rewards, trash
from tests.factories import make_merchant, make_program, make_reward, make_store, owner_of, within
from tests.services.test_programs import TIERS, acts, at_once


@pytest.fixture
def merchant(app):
    return make_merchant()


@pytest.fixture
def owner(merchant):
    return owner_of(merchant)


@pytest.fixture
def program(merchant):
    made = make_program(merchant, tier_config=TIERS)
    with within(merchant):
        yield db.session.merge(made)
        db.session.rollback()


def order(program):
    return [r.name for r in db.session.scalars(rewards.rewards_of(program))]


def offer(program, owner, *names):
    return [rewards.add_reward(program, name=name, points_required=80, by=owner) for name in names]


def test_a_new_reward_is_the_last(merchant, owner, program):
    offer(program, owner, "Tea", "Cake", "Bread")
    assert order(program) == ["Tea", "Cake", "Bread"]
    assert acts(merchant)[-1][0] == "loyalty_rewards.create"


def test_a_new_reward_is_the_last_also_after_a_deletion(owner, program, now):
    tea, _cake = offer(program, owner, "Tea", "Cake")
    rewards.delete_reward(tea, by=owner, now=now)
    offer(program, owner, "Bread")
    assert order(program) == ["Cake", "Bread"]


def test_a_reward_moves_up_and_down_and_stops_at_the_ends(merchant, owner, program):
    _tea, _cake, bread = offer(program, owner, "Tea", "Cake", "Bread")
    assert rewards.move_reward(bread, steps=-1, by=owner)
    assert order(program) == ["Tea", "Bread", "Cake"]
    assert acts(merchant)[-1] == ("loyalty_rewards.move", {"fields": ["position"]})
    assert rewards.move_reward(bread, steps=-1, by=owner)
    before = len(acts(merchant))
    assert not rewards.move_reward(bread, steps=-1, by=owner)
    assert len(acts(merchant)) == before
    assert rewards.move_reward(bread, steps=9, by=owner)
    assert order(program) == ["Tea", "Cake", "Bread"]


def test_rewards_of_one_place_still_move_one_by_one(merchant, owner, program):
    for name in ("Tea", "Cake", "Bread"):
        made = make_reward(program, name)  # all at position 0
    assert order(program) == ["Tea", "Cake", "Bread"]
    bread = db.session.get(LoyaltyReward, (merchant.id, made.id))
    rewards.move_reward(bread, steps=-1, by=owner)
    assert order(program) == ["Tea", "Bread", "Cake"]


def test_a_restored_reward_takes_a_place(merchant, owner, program, now):
    tea, cake = offer(program, owner, "Tea", "Cake")
    act = rewards.delete_reward(tea, by=owner, now=now)
    rewards.move_reward(cake, steps=1, by=owner)
    trash.restore(act, by=owner, now=now)
    assert sorted(order(program)) == ["Cake", "Tea"]


def test_a_reward_is_changed(merchant, owner, program, now):
    (tea,) = offer(program, owner, "Tea")
    day = timedelta(days=1)
    later = {"valid_from": now + 30 * day, "valid_until": now + 60 * day}
    rewards.change_reward(tea, by=owner, valid_from=now, valid_until=now + day)
    assert rewards.change_reward(tea, by=owner, **later) == ["valid_from", "valid_until"]
    assert rewards.change_reward(tea, by=owner, tier_key="gold", stock=3) == ["stock", "tier_key"]
    assert rewards.change_reward(tea, by=owner, tier_key="gold", stock=3) == []
    assert acts(merchant)[-1] == ("loyalty_rewards.change", {"fields": ["stock", "tier_key"]})
    with pytest.raises(Refused, match="last day"):
        rewards.change_reward(tea, by=owner, valid_until=now + 30 * day)


@pytest.mark.parametrize("details", [{"tier_key": "platinum"}, {"valid_from": "same", "valid_until": "same"}])
def test_a_reward_that_cannot_be_is_refused(owner, program, now, details):
    known = {name: now if value == "same" else value for name, value in details.items()}
    with pytest.raises(Refused):
        rewards.add_reward(program, name="Tea", points_required=80, by=owner, **known)
    (tea,) = offer(program, owner, "Tea")
    with pytest.raises(Refused):
        rewards.change_reward(tea, by=owner, **known)


def test_what_is_no_field_is_a_bug(owner, program):
    with pytest.raises(TypeError):
        rewards.add_reward(program, name="Tea", points_required=80, by=owner, colour="red")


def test_nobody_reads_a_thousand_rewards(owner, program, monkeypatch):
    monkeypatch.setattr(rewards, "MOST_REWARDS", 2)
    offer(program, owner, "Tea", "Cake")
    with pytest.raises(Refused, match="at most 2 rewards"):
        offer(program, owner, "Bread")


def test_a_reward_deleted_meanwhile_does_not_move(owner, program, now):
    tea, _cake = offer(program, owner, "Tea", "Cake")
    rewards.delete_reward(tea, by=owner, now=now)
    dead = db.session.scalars(
        rewards.rewards_of(program).where(LoyaltyReward.name == "Tea"),
        execution_options={"include_deleted": True},
    ).one()
    with pytest.raises(Conflict, match="deleted meanwhile"):
        rewards.move_reward(dead, steps=1, by=owner)


def test_two_who_add_at_once_take_two_places(app, merchant, owner):
    make_program(merchant)
    db.session.expunge_all()

    def add(name):
        def work():
            held = programs.find_program(merchant, to_change=True)
            return rewards.add_reward(held, name=name, points_required=80, by=owner).position

        return work

    assert sorted(at_once(app, merchant, *(add(f"R{n}") for n in range(4)))) == [1, 2, 3, 4]


def test_a_store_of_another_merchant_is_none_to_choose(merchant, owner, program):
    (tea,) = offer(program, owner, "Tea")
    for there in (make_store(make_merchant()).id, 99):
        with pytest.raises(Refused, match="among the stores you have") as refused:
            rewards.change_reward(tea, by=owner, store_ids=[make_store(merchant).id, there])
        assert refused.value.details["field"] == "store_ids"

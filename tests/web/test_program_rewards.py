"""Rewards as people meet them: their list and order, their form, their deletion."""

import html
import json
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from portal.extensions import db
from portal.models import LoyaltyReward, Store
from portal.services import trash
from tests.factories import NOW, make_merchant, make_program, make_reward, make_store, owner_of, within
from tests.web.cast import make_cast
from tests.web.conftest import looked, path
from tests.web.programs import TIERS, bad, read, start, to


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def program(cast):
    return start(cast.merchant, tier_config=TIERS)


@pytest.fixture
def three(program):
    return [make_reward(program, name, position=n) for n, name in enumerate(("Tea", "Cake", "Bread"), 1)]


def order(cast):
    return [reward.name for reward in rewards_of(cast)]


def rewards_of(cast):
    with within(cast.merchant):
        db.session.expunge_all()
        mine = LoyaltyReward.of(cast.merchant).order_by(LoyaltyReward.position, LoyaltyReward.id)
        found = list(db.session.scalars(mine))
        db.session.expunge_all()
        db.session.rollback()
    return found


def test_an_empty_list_offers_the_first_reward(as_owner, sign_in, cast, program):
    assert "No rewards yet" in as_owner.get(to(cast, "rewards/")).text
    assert to(cast, "rewards/new") in as_owner.get(to(cast, "rewards/")).text
    form = as_owner.get(to(cast, "rewards/new"))
    assert (form.status_code, "Offer it" in form.text, "Gold" in form.text) == (200, True, True)
    assert "An owner offers them." in sign_in(cast.manager).get(to(cast, "rewards/")).text


def test_a_reward_is_offered_with_all_it_has(as_owner, cast, program):
    typed = {
        "name": " Free espresso ",
        "description": "Single\r\nor double",
        "points_required": "1 200",
        "discount": "2,50",
        "stock": "0",
        "per_customer_limit": "1",
        "tier_key": "gold",
        "valid_from": "2026-03-29",
        "valid_until": "2026-03-29",
    }
    answer = as_owner.post(to(cast, "rewards/"), data=typed)
    assert (answer.status_code, answer.location) == (303, to(cast, "rewards/"))
    (made,) = rewards_of(cast)
    assert (made.name, made.description, made.points_required) == (
        "Free espresso",
        "Single\nor double",
        1_200,
    )
    assert (made.discount_cents, made.stock, made.per_customer_limit, made.tier_key) == (250, 0, 1, "gold")
    zone = ZoneInfo("Europe/Luxembourg")  # a day of 23 hours
    assert made.valid_from == datetime(2026, 3, 29, tzinfo=zone)
    assert made.valid_until == datetime(2026, 3, 30, tzinfo=zone)
    assert (made.valid_until - made.valid_from.astimezone(UTC)).total_seconds() == 23 * 3600
    form = as_owner.get(to(cast, "rewards", made.id, "edit")).text
    for value in ("Free espresso", "1200", "2.50", "0", "2026-03-29"):
        assert f'value="{value}"' in form
    assert form.count('value="2026-03-29"') == 2
    listed = html.unescape(as_owner.get(to(cast, "rewards/")).text)
    assert "Only Gold, 1 time each, from 29 Mar 2026, until 29 Mar 2026" in listed
    assert "Over" in listed


def test_most_of_a_reward_may_stay_empty(as_owner, cast, program):
    assert (
        as_owner.post(to(cast, "rewards/"), data={"name": "Tea", "points_required": "80"}).status_code == 303
    )
    (made,) = rewards_of(cast)
    assert (made.discount_cents, made.stock, made.tier_key, made.valid_until) == (None, None, None, None)
    assert "Every member" in as_owner.get(to(cast, "rewards/")).text


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Give the reward a name."),
        ("name", "x" * 121, "at most 120 letters"),
        ("description", "x" * 501, "at most 500 letters"),
        ("points_required", "", "Say how many points it costs."),
        ("points_required", "0", "whole number from 1 to"),
        ("points_required", "80.5", "whole number from 1 to"),
        ("discount", "2.505", "at most two decimals"),
        ("stock", "-1", "whole number from 0 to"),
        ("per_customer_limit", "0", "whole number from 1 to"),
        ("tier_key", "platinum", "Choose one of these"),
        ("valid_from", "tomorrow", "Write the day like"),
        ("valid_until", "2026-01-31", "last day must not be before the first"),
    ],
)
def test_a_bad_reward_is_told_beside_its_field(as_owner, cast, program, field, typed, sentence):  # noqa: PLR0917 - a table
    sent = {"name": "Kept", "points_required": "77", "valid_from": "2026-02-01"} | {field: typed}
    for ask in (as_owner.post, lambda where, data: as_owner.piece(where, method="POST", data=data)):
        answer = ask(to(cast, "rewards/"), data=sent)
        assert answer.status_code == 422
        assert sentence in html.unescape(answer.text)
        assert answer.text.count('aria-invalid="true"') == 1
        assert 'value="77"' in answer.text or field == "points_required"
    assert rewards_of(cast) == []


def test_from_the_dialog_the_list_loads_again(as_owner, cast, program):
    answer = as_owner.piece(
        to(cast, "rewards/"), method="POST", data={"name": "Tea", "points_required": "80"}
    )
    assert set(json.loads(answer.headers["HX-Trigger"])) == {"dialog:close", "list:changed"}
    assert "Added Tea." in answer.text


def test_a_reward_is_changed_and_two_editors_are_told(as_owner, cast, three):
    here = to(cast, "rewards", three[0].id)
    page = as_owner.get(f"{here}/edit").text
    seen = html.unescape(re.search(r'name="seen"\s+value="([^"]*)"', page).group(1))
    assert as_owner.post(here, data={"points_required": "90", "name": "Tea"}).status_code == 303
    answer = as_owner.post(here, data={"points_required": "120", "name": "Tea", "seen": seen})
    assert answer.status_code == 409
    assert "“90”" in html.unescape(answer.text)
    assert as_owner.post(here, data={"points_required": "x"}).status_code == 422
    assert next((r.name, r.points_required) for r in rewards_of(cast)) == ("Tea", 90)


def test_rewards_move_by_buttons(as_owner, cast, three):
    last = to(cast, "rewards", three[2].id, "position")
    assert as_owner.post(last, data={"direction": "up"}).status_code == 303
    assert order(cast) == ["Tea", "Bread", "Cake"]
    answer = as_owner.piece(last, method="POST", data={"direction": "up"})
    assert "Bread is number 1 now." in answer.text
    assert "list:changed" in answer.headers["HX-Trigger"]
    as_owner.post(last, data={"direction": "up"})
    assert order(cast) == ["Bread", "Tea", "Cake"]
    as_owner.post(last, data={"direction": "down"})
    assert order(cast) == ["Tea", "Bread", "Cake"]
    assert as_owner.post(last, data={"direction": "sideways"}).status_code == 422
    page = as_owner.get(to(cast, "rewards/")).text
    assert page.count('aria-disabled="true"') == 2
    assert page.index("Tea") < page.index("Bread") < page.index("Cake")


def test_a_deleted_reward_comes_back_by_undo(as_owner, cast, three):
    here = to(cast, "rewards", three[1].id, "deletion")
    assert "What members were promised" in as_owner.get(here).text
    answer = as_owner.post(here)
    assert (answer.status_code, answer.location) == (303, to(cast, "rewards/"))
    assert order(cast) == ["Tea", "Bread"]
    page = as_owner.get(answer.location).text
    undo = html.unescape(re.search(r'action="([^"]+/undo)"', page).group(1))
    assert as_owner.post(undo).status_code == 303
    assert order(cast) == ["Tea", "Cake", "Bread"]
    as_owner.post(here)
    answer = as_owner.get(to(cast, "rewards", three[1].id, "edit"))
    assert answer.status_code == 404
    assert "in the trash" in answer.text


GUARDED = [
    ("get", "{id}/edit"),
    ("post", "{id}"),
    ("post", "{id}/position"),
    ("get", "{id}/deletion"),
    ("post", "{id}/deletion"),
]


@pytest.mark.parametrize(("method", "address"), GUARDED)
def test_every_door_of_a_reward_asks_who_it_is(sign_in, cast, three, method, address):
    here = to(cast, "rewards", address.format(id=three[2].id))
    sent = {"name": "Mine", "points_required": "1", "direction": "up"}
    for person, status in ((cast.staff, 403), (cast.manager, 403), (cast.stranger, 404)):
        assert getattr(sign_in(person), method)(here, data=sent).status_code == status
    theirs = make_reward(make_program(cast.elsewhere), "Hidden")
    for number in (theirs.id + 1_000, 2**63, theirs.id):
        answer = getattr(sign_in(cast.owner), method)(
            to(cast, "rewards", address.format(id=number)), data=sent
        )
        assert answer.status_code == 404
    assert order(cast) == ["Tea", "Cake", "Bread"]


def test_rules_for_all_rewards(as_owner, cast, program):
    form = as_owner.get(to(cast, "rewards/rules")).text
    assert 'value="100"' in form
    typed = {"minimum_redemption_points": "0", "reward_valid_days": "30"}
    assert as_owner.post(to(cast, "rewards/rules"), data=typed).status_code == 303
    saved = read(cast.merchant)
    assert (saved.minimum_redemption_points, saved.reward_valid_days, saved.version) == (0, 30, 2)
    assert "good for 30 days" in as_owner.get(to(cast, "rewards/")).text
    answer = as_owner.post(to(cast, "rewards/rules"), data=typed | {"reward_valid_days": "0"})
    assert answer.status_code == 422
    assert bad(answer)


def test_a_tier_that_a_reward_needs_cannot_go(as_owner, cast, program):
    make_reward(program, "Cake", tier_key="gold")
    answer = as_owner.post(to(cast, "tiers"), data=looked({"tiers": "1"}))
    assert answer.status_code == 422
    assert "“Cake” is for the tier “Gold”" in html.unescape(answer.text)
    assert read(cast.merchant).tier_config == TIERS


def test_standing_is_said_in_the_list(as_owner, cast, program):
    make_reward(program, "Soon", valid_from=datetime(2090, 1, 1, tzinfo=UTC))
    make_reward(program, "Past", valid_until=datetime(2020, 1, 1, tzinfo=UTC))
    make_reward(program, "Gone", stock=0)
    make_reward(program, "Some", stock=3)
    page = as_owner.get(to(cast, "rewards/")).text
    for said in ("Not yet", "Over", "Out of stock", "3 left"):
        assert said in page


def test_a_program_of_stamps_says_that_its_rewards_wait(as_owner, cast):
    start(cast.merchant, loyalty_type="stamps")
    assert "They wait until it collects points." in as_owner.get(to(cast, "rewards/")).text
    assert path(cast.merchant, "program", "rewards/") in as_owner.get(to(cast, "earning")).text


def test_an_address_of_a_reward_that_a_refusal_left_in_the_bar_leads_to_the_list(as_owner, cast):
    owner = as_owner
    start(cast.merchant, loyalty_type="points")
    listed = path(cast.merchant, "program", "rewards/")
    owner.post(listed, data={"name": "Cake", "points_required": "9"})
    reward_id = re.search(r'id="reward-(\d+)"', owner.get(listed).text)[1]
    for rest in ("", "/position"):
        assert owner.get(f"{listed}{reward_id}{rest}").location == listed
    assert owner.get(f"{listed}999999").status_code == 404


def test_a_reward_is_limited_to_some_stores_and_a_deleted_one_keeps_its_place(as_owner, cast, program):
    nord, sud = make_store(cast.merchant, "Nord"), make_store(cast.merchant, "Sud")
    typed = {"name": "Tea", "points_required": "50", "store_ids": [sud.id, nord.id]}
    as_owner.post(to(cast, "rewards/"), data=typed)
    assert "only in Nord, Sud" in as_owner.get(to(cast, "rewards/")).text
    with within(cast.merchant):
        trash.soft_delete_cascade(db.session.get(Store, nord.id), by=owner_of(cast.merchant), now=NOW)
        db.session.commit()
    reward = rewards_of(cast)[0]
    form = as_owner.get(to(cast, f"rewards/{reward.id}/edit")).text
    assert "Nord (deleted)" in form
    typed["store_ids"] = [nord.id]
    as_owner.post(to(cast, f"rewards/{reward.id}"), data=typed)
    assert "only in Nord" in as_owner.get(to(cast, "rewards/")).text
    typed["store_ids"] = []
    as_owner.post(to(cast, f"rewards/{reward.id}"), data=typed)
    assert "only in" not in as_owner.get(to(cast, "rewards/")).text


def test_a_store_of_another_is_no_choice(as_owner, cast, program):
    other = make_store(make_merchant())
    typed = {"name": "Tea", "points_required": "50", "store_ids": [other.id]}
    answer = as_owner.post(to(cast, "rewards/"), data=typed)
    assert (answer.status_code, rewards_of(cast)) == (422, [])

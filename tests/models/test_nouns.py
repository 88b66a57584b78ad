"""The nouns alone: what a record and the clock can answer, and what each refuses to hold."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import insert, select

from portal.errors import NoMerchant, Refused
from portal.models import (
    CardToken,
    Customer,
    Deletion,
    Invitation,
    LoginSession,
    LoyaltyProgram,
    LoyaltyReward,
    Merchant,
    Product,
    Store,
    StoreUser,
    User,
    tenancy,
)
from portal.models.actor import Actor, Role
from portal.models.text import fold, is_slug, slug_from
from tests.factories import NOW

# what each refuses: the field, the value, the refusal's code
REFUSED = [
    (Merchant, "subdomain", "no dots.please", "bad_code"),
    (Merchant, "subdomain", "www", "reserved"),
    (Merchant, "timezone", "Europe/Nowhere", "bad_timezone"),
    (Merchant, "currency", "EURO", "bad_currency"),
    (Merchant, "currency", "€€€", "bad_currency"),
    (Merchant, "country", "L1", "bad_country"),
    (Store, "store_code", "", "bad_code"),
    (Store, "store_code", "x" * 300, "bad_code"),
    (Store, "subdomain", "admin", "reserved"),
    (Store, "timezone", "Moon/Base", "bad_timezone"),
    (Store, "city", "x" * 300, "bad_text"),
    (Store, "city", "a\x00b", "bad_text"),
    (Store, "name", "  ", "bad_text"),
    (StoreUser, "position", "x" * 300, "bad_text"),
    (User, "email", "nobody", "bad_email"),
    (User, "username", "Jean Paul", "bad_code"),
    (User, "username", "root", "reserved"),
    (Customer, "email", "@", "bad_email"),
    (Product, "price_cents", -1, "bad_price"),
    (Product, "price_cents", 10**12, "bad_price"),
    (LoyaltyProgram, "loyalty_type", "miles", "bad_type"),
    (LoyaltyProgram, "stamps_target", 0, "out_of_range"),
    (LoyaltyProgram, "stamps_target", 101, "out_of_range"),
    (LoyaltyProgram, "cooldown_minutes", -1, "out_of_range"),
    (LoyaltyProgram, "card_color", "blue", "bad_colour"),
    (LoyaltyProgram, "card_secondary_color", "#12345", "bad_colour"),
]
# what each folds or puts straight
FOLDED = [
    (Merchant, "subdomain", " Café-2 ".replace("é", "e"), "cafe-2"),
    (Merchant, "currency", "eur", "EUR"),
    (Merchant, "country", " lu ", "LU"),
    (Merchant, "timezone", "Europe/Paris", "Europe/Paris"),
    (Store, "store_code", "GARE", "gare"),
    (Store, "subdomain", None, None),
    (Store, "timezone", "", None),
    (Store, "timezone", "Asia/Tokyo", "Asia/Tokyo"),
    (StoreUser, "position", " Chef ", "Chef"),
    (User, "email", "Ada@Example.COM", "ada@example.com"),
    (User, "email", "", None),
    (User, "username", "ADA-L", "ada-l"),
    (User, "username", None, None),
    (Product, "price_cents", 0, 0),
    (LoyaltyProgram, "loyalty_type", "hybrid", "hybrid"),
    (LoyaltyProgram, "stamps_target", 100, 100),
    (LoyaltyProgram, "card_secondary_color", None, None),
    (LoyaltyProgram, "card_color", "#abCDef", "#abCDef"),
]


def case(row):
    return f"{row[0].__name__}-{row[1]}-{str(row[2])[:12]}"


@pytest.mark.parametrize(("noun", "field", "value", "code"), REFUSED, ids=map(case, REFUSED))
def test_a_noun_refuses(noun, field, value, code):
    with pytest.raises(Refused) as no:
        noun(**{field: value})
    assert no.value.code == code


@pytest.mark.parametrize(("noun", "field", "value", "kept"), FOLDED, ids=map(case, FOLDED))
def test_a_noun_keeps(noun, field, value, kept):
    assert getattr(noun(**{field: value}), field) == kept


def test_a_range_is_told_in_words():
    with pytest.raises(Refused, match="Stamps target must be between 1 and 100"):
        LoyaltyProgram(stamps_target=0)
    with pytest.raises(Refused, match="Cooldown minutes must be between 0 and 525,600"):
        LoyaltyProgram(cooldown_minutes=-1)


def test_a_name_carries_its_key_to_search_by():
    for noun in (Store, Product, Customer):
        assert noun(name="Café  Lumière").name_key == "cafe lumiere"
    assert User(display_name="Ærø Ströß").name_key == fold("Ærø Ströß")


def test_a_customers_phone_is_searched_by_its_end():
    assert Customer(phone="+352621000001").phone_reversed == "100000126253+"
    assert Customer(phone=None).phone_reversed is None


def test_a_slug_is_proposed_from_a_name():
    assert slug_from("Café Lumière & Fils!") == "cafe-lumiere-fils"
    assert is_slug("a-b2")
    assert not is_slug("-a")


def test_a_store_says_its_place_on_one_line():
    store = Store(address="1, rue de la Gare", postal_code="L-1611", city="Luxembourg")
    assert store.place == "1, rue de la Gare, L-1611 Luxembourg"
    assert Store().place == ""


def test_a_merchant_has_a_zone():
    assert Merchant(timezone="Europe/Luxembourg").zone.key == "Europe/Luxembourg"


def test_a_manager_runs_the_store():
    assert StoreUser(role="manager").is_manager
    assert not StoreUser(role="staff").is_manager


def test_only_a_person_with_a_password_signs_in():
    assert User(password_hash="x").can_sign_in
    assert not User().can_sign_in


def test_an_invitation_is_open_until_used_revoked_or_late(now):
    def invitation(**fields):
        return Invitation(**({"expires_at": now + timedelta(hours=1)} | fields))

    assert invitation().is_open(now)
    assert not invitation(accepted_at=now).is_open(now)
    assert not invitation(revoked_at=now).is_open(now)
    assert not invitation(expires_at=now).is_open(now)


def test_a_session_ends_idle_old_or_ended(now):
    def session(idle=timedelta(), age=timedelta(), ended_at=None):
        return LoginSession(last_seen_at=now - idle, created_at=now - age, ended_at=ended_at)

    assert session().is_open(now)
    assert not session(idle=timedelta(hours=12)).is_open(now)
    assert not session(age=timedelta(days=14)).is_open(now)
    assert not session(ended_at=now).is_open(now)


@pytest.mark.parametrize("status", ["running", "done", "restoring", "restored", "purging", "purged"])
def test_an_act_knows_how_it_stands(status):
    act = Deletion(status=status)
    assert act.is_in_trash == (status in ("running", "done", "restoring"))
    assert act.is_unfinished == (status in ("running", "restoring", "purging"))


def test_an_acts_label_carries_its_key():
    assert Deletion(root_label="Café").label_key == "cafe"
    assert Deletion(root_label=None).label_key is None


def test_roles_have_words_and_an_order():
    assert Role.of_word("manager") is Role.MANAGER
    assert Role.STAFF < Role.MANAGER < Role.OWNER < Role.ADMIN
    assert Actor(1, Role.OWNER).works_in(7)
    assert not Actor(1, Role.MANAGER, frozenset({8})).works_in(7)


# the program


def test_a_program_says_what_its_card_collects():
    kinds = {k: LoyaltyProgram(loyalty_type=k) for k in ("stamps", "points", "hybrid")}
    assert [k for k, p in kinds.items() if p.is_stamps_enabled] == ["stamps", "hybrid"]
    assert [k for k, p in kinds.items() if p.is_points_enabled] == ["points", "hybrid"]


def test_a_program_has_a_name_also_without_one():
    assert LoyaltyProgram(card_name="Gold").display_name == "Gold"
    assert LoyaltyProgram().display_name == "Loyalty Card"


def test_a_program_lists_its_living_rewards():
    rewards = [LoyaltyReward(id=n, name=f"R{n}", points_required=n) for n in (1, 2)]
    rewards[1].deletion_id = 7
    program = LoyaltyProgram(rewards=rewards)
    wanted = {"id": 1, "name": "R1", "points_required": 1, "description": None}
    assert program.points_rewards == [wanted]
    assert program.get_points_reward(1) == wanted
    assert program.get_points_reward(2) is None


def test_a_program_starts_and_stops(now):
    program = LoyaltyProgram()
    program.activate(now)
    program.deactivate(redeem_until=now + timedelta(days=1))
    assert not program.is_active
    assert program.redeem_until == now + timedelta(days=1)
    program.activate(now + timedelta(days=2))
    assert (program.is_active, program.redeem_until, program.activated_at) == (True, None, now)


# the scope


def test_the_persons_scope_alone_answers_for_a_person():
    tenancy.running.set(None)
    with pytest.raises(NoMerchant, match="no person"):
        tenancy._person_in_scope()


def test_people_are_made_in_bulk_in_any_scope(session):
    session.execute(insert(User), [{"display_name": "x", "name_key": "x"}])
    assert [u.display_name for u in session.scalars(select(User))] == ["x"]
    session.rollback()


def test_a_token_that_is_revoked_leaves_its_value_free():
    (index,) = [i for i in CardToken.__table__.indexes if i.name == "uq_card_tokens_value_live"]
    assert "revoked_at IS NULL" in str(index.dialect_kwargs["postgresql_where"])
    assert NOW.tzinfo is not None


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("stamps_target", None, "not_a_number"),
        ("stamps_target", "10", "not_a_number"),
        ("stamps_target", 5.5, "not_a_number"),
        ("stamps_target", True, "not_a_number"),
        ("stamps_target", 101, "out_of_range"),
        ("points_expiration_days", 0, "out_of_range"),
        ("reward_valid_days", -1, "out_of_range"),
        ("point_value_cents", Decimal("-0.5"), "out_of_range"),
        ("privacy_url", "http://example.com/privacy", "bad_address"),
        ("privacy_url", "javascript:alert(1)", "bad_address"),
        ("logo_url", "https://elsewhere.example/logo.png", "bad_address"),
        ("logo_url", "//elsewhere.example/logo.png", "bad_address"),
        ("card_name", "x" * 121, "bad_text"),
        ("card_color", None, "bad_colour"),
    ],
)
def test_a_program_refuses_what_its_rules_cannot_mean(field, value, code):
    with pytest.raises(Refused) as no:
        LoyaltyProgram(**{field: value})
    assert no.value.code == code


def test_a_program_takes_what_its_rules_can_mean():
    program = LoyaltyProgram(
        reward_valid_days=None,
        point_value_cents=Decimal("0.5"),
        privacy_url="https://example.com/privacy",
        logo_url="/media/7",
        card_name="  Carnet  ",
        stamps_reward_description="",
    )
    assert program.card_name == "Carnet"
    assert program.stamps_reward_description == "Free item"
    assert (program.logo_url, program.privacy_url) == ("/media/7", "https://example.com/privacy")

"""Bringing back: exactly what one act took, never live under dead, never a value twice."""

import pytest
from sqlalchemy import select, update

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import Customer, Deletion, LoyaltyProgram, Merchant, Product, Store, User
from portal.models.actor import Actor, Role
from portal.models.ownership import Rule
from portal.models.tenancy import across_merchants
from portal.services import trash
from portal.services.trash import asking, bring_back
from tests.factories import (
    OWNER,
    make_card,
    make_customer,
    make_member,
    make_merchant,
    make_order,
    make_owner,
    make_pin,
    make_product,
    make_program,
    make_store,
    make_user,
    manager_of,
    staff_of,
    within,
)
from tests.ownership_rules import classified
from tests.services.test_trash_delete import TAKES, part_ids
from tests.services.trash_stage import (
    TABLES,
    bare,
    bring,
    change,
    empty,
    everything,
    findings,
    lives,
    look,
    stage,
    throw,
)


@pytest.fixture
def things(app):
    return stage()


def refusal(act, **how):
    """The refusal of a restore, and that it changed nothing."""
    before = everything()
    with pytest.raises(Refused) as no:
        bring(act, **how)
    assert everything() == before
    return no.value


@pytest.mark.parametrize("what", TAKES)
def test_delete_then_restore_leaves_every_column_equal(things, what):
    before = everything()
    act = throw(getattr(things, what))
    assert bring(act) == TAKES[what]
    assert everything() == before
    assert findings() == []


def test_a_person_comes_back_with_the_memberships(things):
    user = db.session.get(User, things.member.user_id)
    before = everything()
    act = throw(user)
    assert bring(act) == {"users": 1, "store_users": 1, "staff_pins": 1}
    assert everything() == before
    assert {look(part).status for part in part_ids(act)} == {"restored"}


def test_a_restore_is_written_down(things, now):
    act = throw(things.store, by=OWNER)
    bring(act, by=OWNER)
    found = look(act)
    assert (found.status, found.restored_at, found.restored_by_id) == ("restored", now, None)
    assert found.counts == TAKES["store"]  # never changes


def test_what_died_earlier_stays_dead(things):
    first = throw(things.product)
    second = throw(things.store)
    bring(second)
    assert lives(things.store)
    assert bare("products", things.product.id).deletion_id == first


def test_restoring_twice_changes_nothing(things):
    act = throw(things.store)
    bring(act)
    before = everything()
    assert bring(act) == {}
    assert everything() == before


def test_a_purged_act_does_not_come_back(things, now):
    act = throw(things.product)
    empty(act)
    no = refusal(act)
    assert no.code == "purged"
    assert now.date().isoformat() in no.message


@pytest.mark.parametrize("status", ["running", "restoring"])
def test_an_act_under_way_does_not_come_back(things, status):
    act = throw(things.store)
    change(act, status=status)
    assert refusal(act).code == "in_progress"


def test_an_act_that_is_being_purged_does_not_come_back(things):
    act = throw(things.store)
    change(act, status="purging")
    assert "just now" in refusal(act).message


# owners


def test_under_a_dead_owner_nothing_comes_back(things):
    product = throw(things.product)
    store = throw(things.store)
    no = refusal(product)
    assert isinstance(no, Conflict)
    assert (no.code, no.holder) == ("owner_deleted", f"store {things.store.name}")
    assert no.blocked_by["deletion_id"] == store
    assert no.details == {"act_id": product}


def test_restore_it_too_brings_the_owners_first(things):
    product, store, merchant = (throw(x) for x in (things.product, things.store, things.merchant))
    assert bring(product, with_owners=True) == {"products": 1}
    assert [look(act).status for act in (product, store, merchant)] == ["restored"] * 3
    assert lives(things.product)
    assert findings() == []


def test_restore_it_too_brings_a_person(things):
    user = db.session.get(User, things.member.user_id)
    pin = throw(things.pin)
    person = throw(user)
    bring(pin, with_owners=True)
    assert look(person).status == "restored"
    assert lives(things.pin)


def test_a_part_of_a_persons_deletion_waits_for_the_person(things):
    person = throw(db.session.get(User, things.member.user_id))
    (part,) = part_ids(person)
    assert refusal(part).blocked_by["deletion_id"] == person
    assert bring(part, with_owners=True) == {}
    assert lives(things.member)
    assert findings() == []


def test_an_owner_that_the_actor_may_not_restore_is_in_the_way(things):
    product = throw(things.product, by=manager_of(things.store))
    throw(things.store, by=OWNER)
    no = refusal(product, by=manager_of(things.store), with_owners=True)
    assert no.code == "not_allowed"


def test_what_protects_needs_the_living(things):
    order = throw(things.order)
    with classified("orders", "store_id", Rule.PROTECT):
        throw(things.store)
        assert refusal(order).code == "owner_deleted"


# handing over


def test_a_card_waits_for_the_owner_who_stays_dead(things):
    customer = throw(things.customer)
    program = throw(things.program)
    assert bring(customer) == {"customers": 1}
    card = bare("loyalty_cards", things.card.id)
    token = bare("card_tokens", things.token.id)
    assert (card.deletion_id, token.deletion_id) == (program, program)
    assert look(customer).departed == {"loyalty_cards": 1, "card_tokens": 1}
    assert look(program).received == {"loyalty_cards": 1, "card_tokens": 1}
    assert look(program).counts == {"loyalty_programs": 1, "loyalty_rewards": 1}
    assert findings() == []
    assert bring(program) == TAKES["program"]
    assert lives(things.token)
    assert findings() == []


@pytest.mark.parametrize("first", ["customer", "program"])
def test_no_order_of_restores_leaves_live_under_dead(things, first):
    acts = {"customer": throw(things.customer), "program": throw(things.program)}
    bring(acts.pop(first))
    assert findings() == []
    assert not lives(things.card)
    bring(*acts.values())
    assert findings() == []
    assert lives(things.card)


def test_a_membership_waits_for_its_dead_person(things):
    store = throw(things.store)
    person = throw(db.session.get(User, things.member.user_id))
    bring(store)
    (part,) = part_ids(person)
    assert bare("store_users", things.member.id).deletion_id == part
    assert bare("staff_pins", things.pin.id).deletion_id == part
    assert lives(things.owner_pin)
    assert findings() == []
    assert bring(person)["store_users"] == 1
    assert lives(things.pin)
    assert findings() == []


def test_a_second_membership_waits_in_the_part_that_is_there(things):
    user = db.session.get(User, things.member.user_id)
    other = make_store(db.session.get(Merchant, things.merchant.id))
    make_member(other, user)
    store = throw(things.store)
    person = throw(user)
    parts = part_ids(person)
    bring(store)
    assert part_ids(person) == parts
    assert look(parts[0]).received == {"store_users": 1, "staff_pins": 1}
    bring(person)
    assert findings() == []


def test_a_person_who_comes_back_leaves_memberships_with_dead_stores(things):
    user = db.session.get(User, things.member.user_id)
    person = throw(user)
    store = throw(things.store)
    bring(person)
    assert bare("store_users", things.member.id).deletion_id == store
    assert findings() == []
    bring(store)
    assert lives(things.member)


def test_a_pin_has_three_owners(things):
    """An owner's PIN dies with the store, the ownership or the person, and needs them all."""
    make_owner_too(things)
    person = throw(db.session.get(User, things.owner.user_id))
    store = throw(things.store)
    bring(person)
    assert bare("staff_pins", things.owner_pin.id).deletion_id == store
    bring(store)
    assert lives(things.owner_pin)
    assert findings() == []


def make_owner_too(things):
    make_owner(things.merchant)


# values


def test_a_value_taken_meanwhile_is_named_with_its_holder(things):
    act = throw(things.store)
    twin = make_store(db.session.get(Merchant, things.merchant.id), things.store.name)
    no = refusal(act)
    assert (no.code, no.holder) == ("value_taken", f"store {twin.name}")
    (clash,) = no.conflicts
    assert clash.key == f"stores-{things.store.id}-store_code"
    assert (clash.value, clash.holder_id, clash.can_change, clash.can_clear) == (
        things.store.store_code,
        bare("stores", clash.holder_id).id,
        True,
        False,
    )
    assert "is taken now by store" in no.message


def test_a_new_value_lets_it_back(things):
    act = throw(things.store)
    twin = make_store(db.session.get(Merchant, things.merchant.id), things.store.name)
    key = f"stores-{things.store.id}-store_code"
    bring(act, overrides={key: "  GARE-2 "})
    assert bare("stores", things.store.id).store_code == "gare-2"  # folded by the noun's own rule
    assert lives(twin)
    assert findings() == []


def test_a_new_value_is_held_to_the_nouns_rules(things):
    act = throw(things.store)
    assert refusal(act, overrides={f"stores-{things.store.id}-store_code": "not a code!"}).code


def test_a_value_that_may_be_missing_can_be_cleared(things):
    act = throw(things.product)
    make_product(things.store, sku=things.product.sku)
    bring(act, overrides={f"products-{things.product.id}-sku": ""})
    assert bare("products", things.product.id).sku is None


@pytest.mark.parametrize(
    "key",
    [
        "products-{id}-name",
        "products-{id}-store_id",
        "products-0-sku",
        "stores-{id}-store_code",
        "nothing-{id}-sku",
        "products-x-sku",
        "products",
    ],
)
def test_other_values_are_not_changed_by_a_restore(things, key):
    act = throw(things.product)
    assert refusal(act, overrides={key.format(id=things.product.id): "x"}).code == "bad_override"


@pytest.mark.parametrize("key", ["merchants-{id}-public_ref", "merchants-{id}-subdomain"])
def test_what_begins_secrets_is_no_value_to_change_and_some_cannot_be_left_out(things, key):
    act = throw(things.merchant)
    key = key.format(id=things.merchant.id)
    assert refusal(act, overrides={key: ""}).code == "bad_override"


def test_several_values_taken_are_named_together(things):
    merchant = db.session.get(Merchant, things.merchant.id)
    act = throw(things.customer)
    make_customer(merchant, phone=things.customer.phone)
    twin = make_card(things.program)
    with within(things.merchant.id):
        move = update(TABLES["loyalty_cards"]).where(TABLES["loyalty_cards"].c.id == twin.id)
        move = move.where(TABLES["loyalty_cards"].c.merchant_id == things.merchant.id)
        values = {"customer_id": things.customer.id}
        db.session.execute(move.values(values), execution_options={"include_deleted": True})
        db.session.commit()
    no = refusal(act)
    assert {c.field for c in no.conflicts} == {"phone", "customer_id"}
    place = next(c for c in no.conflicts if c.field == "customer_id")
    assert (place.can_change, place.sentence) == (False, "another card has taken its place.")


def test_a_strangers_value_is_not_named(things):
    """A subdomain is unique on the whole platform: its holder is told to the platform's people alone."""
    store = make_store(db.session.get(Merchant, things.merchant.id), subdomain="gare")
    act = throw(store, by=OWNER)
    make_store(make_merchant(), "Elsewhere", subdomain="gare")
    no = refusal(act, by=OWNER)
    assert (no.conflicts[0].holder, no.conflicts[0].holder_id) == ("", None)
    assert no.message.endswith("is taken now.")
    assert refusal(act).holder == "store Elsewhere"


def test_a_persons_address_taken_meanwhile(app):
    user = make_user("Ada", email="ada@example.com")
    act = throw(user)
    make_user("Bea", email="ada@example.com")
    no = refusal(act)
    assert no.conflicts[0].field == "email"
    bring(act, overrides={f"users-{user.id}-email": "ada2@example.com"})
    assert findings() == []


def test_a_race_the_look_did_not_see_is_the_same_conflict(things, monkeypatch):
    """The value is taken between the look and the write: the database says no, people hear the same."""
    act = throw(things.store)
    make_store(db.session.get(Merchant, things.merchant.id), things.store.name)
    # The first look finds nothing; what is said after the refusal is looked up anew.
    monkeypatch.setattr(bring_back, "clashes_of", first_blind(bring_back.clashes_of))
    no = refusal(act)
    assert (no.code, no.conflicts[0].field) == ("value_taken", "store_code")


def first_blind(see):
    looks = []

    def look(act, by):
        looks.append(act)
        return [] if len(looks) == 1 else see(act, by)

    return look


def test_a_conflict_that_is_over_when_we_look_has_a_sentence_all_the_same(things, monkeypatch):
    act = throw(things.store)
    make_store(db.session.get(Merchant, things.merchant.id), things.store.name)
    monkeypatch.setattr(bring_back, "clashes_of", lambda *_: [])
    no = refusal(act)
    assert (no.code, no.holder, no.conflicts) == ("value_taken", "", ())
    assert no.message == "A living one has this value now. Try again."


def test_an_older_program_takes_the_place_of_the_current(things):
    act = throw(things.program)
    current = make_program(db.session.get(Merchant, things.merchant.id))
    assert refusal(act).conflicts[0].kind == "loyalty_programs"
    bring(act, replace_holder=True)
    assert lives(things.program)
    assert bare("loyalty_programs", current.id).deletion_id
    assert findings() == []


def test_only_a_program_takes_anothers_place(things):
    act = throw(things.product)
    make_product(things.store, sku=things.product.sku)
    assert refusal(act, replace_holder=True).code == "value_taken"


# who may


LEAST = {"staff": Role.STAFF, "manager": Role.MANAGER, "owner": Role.OWNER, "admin": Role.ADMIN}


@pytest.mark.parametrize("deleted_by", LEAST)
@pytest.mark.parametrize("actor", LEAST)
def test_a_restore_takes_at_least_the_role_that_deleted(things, deleted_by, actor):
    stores = frozenset({things.store.id})
    act = throw(things.product, by=Actor(None, LEAST[deleted_by], stores))
    by = Actor(None, LEAST[actor], stores)
    if LEAST[actor] >= LEAST[deleted_by] and actor != "staff":
        assert bring(act, by=by) == {"products": 1}
    else:
        no = refusal(act, by=by)
        assert no.code == "not_allowed"
        article = "an" if deleted_by in ("owner", "admin") else "a"
        assert f"deleted by {article} {deleted_by}" in no.message


def test_a_manager_restores_in_the_own_stores_alone(things):
    act = throw(things.product, by=staff_of(things.store))
    other = make_store(db.session.get(Merchant, things.merchant.id))
    assert refusal(act, by=manager_of(other)).code == "not_allowed"
    assert bring(act, by=manager_of(things.store)) == {"products": 1}


def test_a_manager_restores_what_belongs_to_no_store(things):
    act = throw(things.customer, by=manager_of(things.store))
    assert bring(act, by=manager_of())["customers"] == 1


@pytest.mark.parametrize("role", LEAST)
def test_people_find_in_the_trash_what_they_may_restore(things, role):
    stores = frozenset({things.store.id})
    for by in LEAST.values():
        throw(make_product(things.store), by=Actor(None, by, stores))
    by = Actor(None, LEAST[role], stores)
    with within(things.merchant.id):
        seen = db.session.scalars(select(Deletion).where(Deletion.seen_by(by))).all()
        roles = {act.deleted_by_role for act in seen}
        db.session.rollback()
    wanted = set(LEAST) if LEAST[role] >= Role.OWNER else {"staff", "manager"}
    assert roles == wanted


# erased people


def test_an_erased_customer_stays_gone(things, now):
    act = throw(things.merchant)
    with across_merchants(db.session, "a test"):
        customer = db.session.get(
            Customer, (things.merchant.id, things.customer.id), execution_options={"include_deleted": True}
        )
        customer.erased_at = now
        found = db.session.get(Deletion, (things.merchant.id, act))
        found.departed = {"customers": 1}
        db.session.commit()
    bring(act)
    assert lives(things.merchant)
    assert not lives(things.customer)
    assert [f.rule for f in findings() if f.rule != "live_under_dead"] == []


# looking before


def test_a_preview_counts_names_and_says_what_stays(things):
    for n in range(4):
        make_product(things.store, f"Bread {n}")
    make_order(things.store)
    db.session.expunge_all()
    with within(things.merchant.id):
        shown = trash.preview(db.session.get(Store, things.store.id))
        db.session.rollback()
    takes = {k.name: k for k in shown.takes}
    assert (shown.kind, shown.word, shown.label) == ("stores", "store", things.store.name)
    assert takes["products"].text == "5 products"
    assert len(takes["products"].examples) == 3
    assert takes["products"].more == 2
    assert takes["staff_pins"].text == "2 PINs"
    assert [(k.name, k.text) for k in shown.stays] == [("orders", "2 orders")]


def test_a_preview_of_a_person_looks_into_every_merchant(things):
    user = db.session.get(User, things.member.user_id)
    other = stage()
    make_member(other.store, user)
    db.session.expunge_all()
    with across_merchants(db.session, "a test"):
        shown = trash.preview(db.session.get(User, user.id))
        db.session.rollback()
    members = next(k for k in shown.takes if k.name == "store_users")
    assert (members.count, members.examples) == (2, (user.display_name, user.display_name))


def test_a_preview_of_somebody_known_nowhere(session):
    user = make_user()
    with across_merchants(session, "a test"):
        assert trash.preview(user).takes == ()
        session.rollback()


def test_a_preview_of_a_whole_merchant(things):
    with within(things.merchant.id):
        shown = trash.preview(db.session.get(Merchant, things.merchant.id))
        db.session.rollback()
    assert {k.name for k in shown.takes} == TAKES["merchant"].keys() - {"merchants"}
    assert [k.name for k in shown.stays] == ["orders"]


def test_a_long_preview_stops_counting(things, monkeypatch):
    monkeypatch.setattr(asking, "AT_MOST", 2)
    for _ in range(3):
        make_product(things.store)
    with within(things.merchant.id):
        shown = trash.preview(db.session.get(Store, things.store.id))
        db.session.rollback()
        assert next(k for k in shown.takes if k.name == "products").text == "2+ products"


def test_a_restore_says_before_what_it_brings_and_what_is_in_its_way(things):
    throw(things.product)
    act = throw(things.store)
    twin = make_store(db.session.get(Merchant, things.merchant.id), things.store.name)
    merchant = throw(db.session.get(Merchant, things.merchant.id))
    with within(things.merchant.id):
        shown = trash.preview_restore(db.session.get(Deletion, (things.merchant.id, act)), by=OWNER)
        blocked_by = shown.blocked_by.id
        db.session.rollback()
    assert {k.name: k.count for k in shown.brings} == {
        k: v for k, v in TAKES["store"].items() if k != "products"
    }
    assert [(k.name, k.count) for k in shown.earlier] == [("products", 1)]
    assert blocked_by == merchant
    assert shown.clashes == ()  # the twin died with the merchant
    bring(merchant)
    with within(things.merchant.id):
        shown = trash.preview_restore(db.session.get(Deletion, (things.merchant.id, act)), by=OWNER)
        assert shown.blocked_by is None
        assert [c.holder_id for c in shown.clashes] == [twin.id]
        db.session.rollback()


def test_a_restore_of_a_person_says_before_what_it_brings(things):
    act = throw(db.session.get(User, things.member.user_id))
    with across_merchants(db.session, "a test"):
        shown = trash.preview_restore(db.session.get(Deletion, (0, act)), by=OWNER)
        assert [k.name for k in shown.brings] == ["users"]
        db.session.rollback()


def test_a_row_knows_the_act_that_holds_it(things):
    act = throw(things.store)
    dead_too = {"include_deleted": True}
    with within(things.merchant.id):
        product = db.session.get(Product, things.product.id, execution_options=dead_too)
        assert trash.deletion_of(product).id == act
        program = db.session.get(LoyaltyProgram, things.program.id)
        assert trash.deletion_of(program) is None
        db.session.rollback()
    act = throw(things.merchant)
    with within(things.merchant.id):
        merchant = db.session.get(Merchant, things.merchant.id, execution_options=dead_too)
        assert trash.deletion_of(merchant).id == act
        db.session.rollback()


def test_a_pin_in_another_store_waits_for_its_own_store(things):
    """A PIN may stand in another store than the membership: it needs both."""
    other = make_store(db.session.get(Merchant, things.merchant.id))
    member = make_member(other, make_user())
    pin = make_pin(things.store, member)
    here, there = throw(things.store), throw(other)
    bring(there)
    assert bare("staff_pins", pin.id).deletion_id == here
    bring(here)
    assert lives(pin)
    assert findings() == []

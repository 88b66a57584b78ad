"""Joining the program: one person, one card, one welcome bonus."""

from datetime import timedelta

import pytest
from sqlalchemy import delete as delete_rows

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import (
    AuditEntry,
    CardToken,
    Customer,
    EnrolmentFingerprint,
    IdempotencyKey,
    LoyaltyCard,
    Merchant,
    TierChange,
)
from portal.services import cards, consents, customers, programs
from portal.services.ledger import enrolling, fingerprints, merging
from portal.services.ledger.enrolling import change_member, enrol
from portal.services.ledger.visits import Visit
from portal.services.ledger.welcoming import give_welcome_bonus
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_merchant,
    make_program,
    make_store,
    owner_of,
    within,
)

SECRET = "a secret of the application"
PHONE = "+352621123456"
TIERS = [
    {"key": "base", "name": "Base", "threshold": 0, "multiplier_bp": 10_000},
    {"key": "gold", "name": "Gold", "threshold": 100, "multiplier_bp": 15_000},
]


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.fixture
def program(shop):
    return make_program(shop, welcome_bonus_points=50)


def visit(shop, minutes=0, **more):
    return Visit(by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def join(shop, minutes=0, *, name="Lea Muller", is_self=False, agrees=False, **more):
    keys = {key: more.pop(key) for key in ("key", "source", "store_id", "happened_at") if key in more}
    how = {"secret": SECRET, "is_self": is_self, "agrees": agrees, **more}
    return enrol(shop, visit=visit(shop, minutes, **keys), name=name, **how)


def change(shop, customer, minutes=0, **changes):
    return change_member(customer, visit=visit(shop, minutes), secret=SECRET, **changes)


def types(enrolled):
    return [row.type for row in enrolled.posting.rows]


def actions(shop):
    return [entry.action for entry in db.session.scalars(AuditEntry.of(shop).order_by(AuditEntry.id))]


def fingerprints_of(shop):
    return db.session.scalars(EnrolmentFingerprint.of(shop).order_by(EnrolmentFingerprint.kind)).all()


def delete(shop, customer):
    customers.delete_customer(customer, by=owner_of(shop), now=NOW)


def test_somebody_new_has_a_card_with_codes_and_a_bonus(shop, program):
    store = make_store(shop, country="DE")
    lea = join(shop, phone="0151 23456789", email="lea@example.com", store_id=store.id, notes="oat milk")
    assert (lea.customer.phone, lea.customer.home_store_id, lea.customer.notes) == (
        "+4915123456789",
        store.id,
        "oat milk",
    )
    assert (types(lea), lea.bonus, lea.card.points_balance) == (["enrol", "welcome_bonus"], 50, 50)
    assert (lea.posting.code, lea.is_new_person, lea.card.last_activity_at) == ("enrolled", True, NOW)
    assert cards.find_card(shop, lea.codes.qr) == cards.find_card(shop, lea.codes.number) == lea.card
    assert lea.posting.rows[1].linked_id == lea.posting.rows[0].id
    assert {row.store_id for row in lea.posting.rows} == {store.id}
    assert actions(shop) == ["customers.enrol"]


def test_a_name_is_enough_to_join_and_the_bonus_waits_for_a_contact(shop, program):
    lea = join(shop, key="k")
    assert (types(lea), lea.bonus, lea.waits_for_contact) == (["enrol"], 0, True)
    assert join(shop, 5, key="k").waits_for_contact
    assert [join(shop).bonus for _again in range(3)] == [0, 0, 0]
    assert fingerprints_of(shop) == []
    assert not join(shop, phone=PHONE).waits_for_contact


@pytest.mark.parametrize("contact", [{"phone": PHONE}, {"email": "lea@example.com"}])
def test_the_first_contact_brings_the_bonus_that_waited(shop, program, contact):
    lea = join(shop)
    changed = change(shop, lea.customer, 5, **contact)
    assert (changed.fields, changed.bonus, lea.card.points_balance) == (list(contact), 50, 50)
    assert change(shop, lea.customer, 6, name="Lea M").bonus == 0
    assert change(shop, lea.customer, 7, phone="621 999 999", email="new@example.com").bonus == 0
    assert len(fingerprints_of(shop)) == 3
    delete(shop, lea.customer)
    assert join(shop, **contact).bonus == 0


def test_a_contact_that_had_the_bonus_brings_no_second(shop, program):
    delete(shop, join(shop, phone=PHONE).customer)
    lea = join(shop)
    assert change(shop, lea.customer, phone=PHONE).bonus == 0
    assert lea.card.points_balance == 0


def test_a_contact_given_up_or_changed_where_none_was_missing_brings_nothing(shop, program):
    nameless, known = join(shop).customer, make_customer(shop, "Ana", phone=PHONE)
    assert change(shop, known, phone=None).bonus == change(shop, known, phone=PHONE).bonus == 0
    assert change(shop, nameless, notes="oat milk").fields == ["notes"]
    assert change(shop, nameless, email="").fields == []


def test_the_bonus_waits_on_while_the_program_or_the_card_rests(shop, program):
    lea, rules = join(shop), db.session.merge(program)
    rules.deactivate()
    assert change(shop, lea.customer, phone=PHONE).bonus == 0
    rules.activate(NOW)
    cards.suspend_card(lea.card.id, visit=visit(shop))
    assert change(shop, lea.customer, phone="621 888 888").bonus == 0
    cards.lift_suspension(lea.card.id, visit=visit(shop))
    assert change(shop, lea.customer, phone="621 999 999").bonus == 50


def test_a_scan_gives_what_waits_as_soon_as_a_contact_is_known(shop, program):
    nameless, alone = join(shop), join(shop, is_self=True)
    for each in (nameless, alone):
        assert give_welcome_bonus(each.card.id, visit=visit(shop), secret=SECRET).code == "no_bonus"
    assert change(shop, alone.customer, phone=PHONE).bonus == 0  # nobody has seen them yet
    customers.change_customer(nameless.customer, email="lea@example.com", by=owner_of(shop), now=NOW)
    for each in (nameless, alone):
        assert give_welcome_bonus(each.card.id, visit=visit(shop), secret=SECRET).points == 50


def test_where_no_bonus_was_promised_none_waits(shop):
    rules = make_program(shop, welcome_bonus_points=0)
    lea, brought = join(shop), join(shop, source="import")
    rules.welcome_bonus_points = 50
    assert not lea.waits_for_contact
    assert change(shop, lea.customer, phone=PHONE).bonus == 0
    assert change(shop, brought.customer, phone="621 999 999").bonus == 0
    assert not join(shop, source="import").waits_for_contact


def test_a_known_phone_has_its_card_already(shop, program):
    first = join(shop, phone="621 123 456")
    again = join(shop, 1, name="Somebody", phone="+352 621 123 456", agrees=True)
    assert (again.card, again.customer.name, again.codes) == (first.card, "Lea Muller", None)
    assert (again.posting.code, again.posting.rows, again.is_new_person) == ("known", [], False)
    assert consents.consent_of(first.customer) is None


def test_without_a_phone_the_address_is_known(shop, program):
    first = join(shop, email="lea@example.com")
    assert join(shop, email="LEA@example.com").card == first.card
    with pytest.raises(Conflict, match="taken by Lea Muller"):
        join(shop, phone="621 123 456", email="lea@example.com")


def test_another_merchants_customer_is_nobody_here(shop, program):
    strange = make_merchant()
    with within(strange):
        theirs = make_customer(strange, phone=PHONE)
    assert join(shop, phone=PHONE).customer.id != theirs.id


def test_a_known_customer_without_a_card_is_given_one(shop, program):
    lea = make_customer(shop, "Lea", phone=PHONE)
    done = join(shop, phone=PHONE)
    assert (done.customer.id, done.is_new_person, done.bonus) == (lea.id, False, 50)
    assert done.codes is not None


def test_one_key_enrols_once(shop, program):
    first = join(shop, phone=PHONE, key="k")
    again = join(shop, 5, phone="621123456", key="k")
    assert (again.card, again.customer, again.codes) == (first.card, first.customer, None)
    assert (again.posting.is_replay, again.posting.code, again.bonus) == (True, "enrolled", 50)
    assert [r.id for r in again.posting.rows] == [r.id for r in first.posting.rows]
    with pytest.raises(Conflict, match="another request"):
        join(shop, name="Luca", phone=PHONE, key="k")


def test_a_replay_answers_also_when_the_card_is_in_the_trash(shop, program):
    first = join(shop, phone=PHONE, key="k")
    delete(shop, first.customer)
    assert join(shop, phone=PHONE, key="k").card == first.card


def test_what_is_kept_of_a_request_tells_nobody_who_it_was(shop, program):
    join(shop, phone=PHONE, key="k")
    kept = db.session.scalars(IdempotencyKey.of(shop)).one()
    guess = enrolling.digest_of("enrol", {"who": "Lea Muller", "store": None})
    assert kept.request_hash != guess
    assert kept.result_kind == "enrolled"


def test_the_bonus_is_given_once_to_a_person(shop, program):
    lea = join(shop, phone=PHONE, email="lea@example.com")
    delete(shop, lea.customer)
    again = join(shop, phone=PHONE)
    assert again.card != lea.card
    assert (again.bonus, again.is_new_person) == (0, True)
    delete(shop, again.customer)
    assert join(shop, email="lea@example.com", name="Other").bonus == 0


def test_the_contact_that_came_along_is_known_too(shop, program):
    delete(shop, join(shop, phone=PHONE).customer)
    both = join(shop, phone=PHONE, email="new@example.com")
    assert both.bonus == 0
    delete(shop, both.customer)
    assert join(shop, email="new@example.com").bonus == 0


def test_a_new_program_brings_no_second_bonus(shop, program):
    lea = make_customer(shop, "Lea", phone=None)
    make_card(program, lea)
    db.session.commit()
    with_bonus = join(shop, name="Luca", phone=PHONE)
    programs.delete_program(db.session.merge(program), by=owner_of(shop), now=NOW)
    fresh = make_program(shop, welcome_bonus_points=80)
    again = join(shop, phone=PHONE)
    assert (again.customer, again.card.program_id, again.bonus) == (with_bonus.customer, fresh.id, 0)


def test_who_left_no_fingerprint_is_known_by_their_older_card(shop, program):
    lea = join(shop, phone=PHONE)
    programs.delete_program(program, by=owner_of(shop), now=NOW)
    db.session.execute(delete_rows(EnrolmentFingerprint))
    fresh = make_program(shop, welcome_bonus_points=80)
    again = join(shop, phone=lea.customer.phone)
    assert (again.card.program_id, again.bonus) == (fresh.id, 0)


def test_a_new_phone_has_had_the_bonus_too(shop, program):
    lea = join(shop, phone=PHONE, email="lea@example.com").customer
    change(shop, lea, phone="621 999 999")
    change(shop, lea, name="Lea M")
    ends = [row.forget_after for row in db.session.scalars(EnrolmentFingerprint.of(shop))]
    assert sorted(ends, key=str) == [NOW + timedelta(days=1826), None, None]
    delete(shop, lea)
    assert join(shop, phone="621 999 999").bonus == 0


def test_whoever_gives_up_their_only_contact_is_remembered_for_five_years(shop, program):
    lea = join(shop, phone=PHONE).customer
    change(shop, lea, phone=None)
    assert [row.forget_after for row in fingerprints_of(shop)] == [NOW + timedelta(days=1826)]
    assert join(shop, phone=PHONE).bonus == 0


def test_a_new_phone_of_somebody_without_a_bonus_leaves_no_fingerprint(shop, program):
    lea = make_customer(shop, "Lea", phone=PHONE)
    change(shop, lea, phone="621 999 999")
    assert fingerprints_of(shop) == []
    assert join(shop, phone="621 999 999").bonus == 50


def test_a_phone_that_came_with_a_merge_has_had_the_bonus_too(shop, program):
    lea = join(shop, email="lea@example.com")
    other = make_customer(shop, "Lea M", phone=PHONE)
    merging.merge_customers(lea.customer, other, visit=visit(shop), secret=SECRET)
    delete(shop, lea.customer)
    assert join(shop, phone=PHONE).bonus == 0


def test_fingerprints_are_keyed_and_differ_between_merchants(shop, program):
    join(shop, phone=PHONE, email="lea@example.com")
    mine = {row.fingerprint for row in fingerprints_of(shop)}
    strange = make_merchant()
    with within(strange):
        make_program(strange, welcome_bonus_points=50)
        assert join(strange, phone=PHONE, email="lea@example.com").bonus == 50
        theirs = {row.fingerprint for row in fingerprints_of(strange)}
    assert len(mine) == len(theirs) == 2
    assert not mine & theirs
    assert fingerprints.keyed("one", "p", PHONE) != fingerprints.keyed("two", "p", PHONE)


def test_fingerprints_end_five_years_after_an_erasure(shop, program):
    lea = join(shop, phone=PHONE, email="lea@example.com").customer
    nobody = join(shop, name="Nobody").customer
    for each in (lea, nobody):
        fingerprints.forget_later(each, secret=SECRET, now=NOW)
    assert {row.forget_after for row in fingerprints_of(shop)} == {NOW + timedelta(days=1826)}
    assert fingerprints.forget_old(NOW + timedelta(days=1825)) == 0
    assert fingerprints.forget_old(NOW + timedelta(days=1826)) == 2
    assert fingerprints_of(shop) == []


def test_who_comes_back_after_an_erasure_is_remembered_again(shop, program):
    lea = join(shop, phone=PHONE).customer
    fingerprints.forget_later(lea, secret=SECRET, now=NOW)
    delete(shop, lea)
    assert join(shop, phone=PHONE).bonus == 0
    db.session.expire_all()
    assert [row.forget_after for row in fingerprints_of(shop)] == [None]


def test_whoever_joins_alone_has_the_bonus_at_the_first_scan(shop, program):
    lea = join(shop, phone=PHONE, is_self=True)
    assert (types(lea), lea.bonus, fingerprints_of(shop)) == (["enrol"], 0, [])
    first = give_welcome_bonus(lea.card.id, visit=visit(shop, 5, key="scan"), secret=SECRET)
    assert (first.code, first.points, lea.card.points_balance) == ("bonus", 50, 50)
    again = give_welcome_bonus(lea.card.id, visit=visit(shop, 9), secret=SECRET)
    assert (again.code, again.points, lea.card.points_balance) == ("no_bonus", 0, 50)


def test_a_card_from_elsewhere_waits_for_no_bonus(shop, program):
    bare = make_card(program)
    staffed = join(shop, phone=PHONE)
    for card_id in (bare.id, staffed.card.id):
        assert give_welcome_bonus(card_id, visit=visit(shop), secret=SECRET).code == "no_bonus"


def test_a_suspended_card_gets_no_bonus(shop, program):
    lea = join(shop, phone=PHONE, is_self=True)
    cards.suspend_card(lea.card.id, visit=visit(shop))
    with pytest.raises(Refused, match="suspended"):
        give_welcome_bonus(lea.card.id, visit=visit(shop), secret=SECRET)


def test_an_import_brings_no_bonus(shop, program):
    assert join(shop, phone=PHONE, source="import").bonus == 0
    assert fingerprints_of(shop) == []


@pytest.mark.parametrize("rules", [{"loyalty_type": "stamps"}, {"welcome_bonus_points": 0}])
def test_a_program_without_a_bonus_gives_none(shop, rules):
    make_program(shop, **{"welcome_bonus_points": 50, **rules})
    assert types(join(shop, phone=PHONE)) == ["enrol"]


def test_the_first_tier_is_written_down(shop):
    make_program(shop, tier_config=TIERS)
    lea = join(shop)
    change = db.session.scalars(TierChange.of(shop)).one()
    assert (lea.card.tier_key, change.from_key, change.to_key) == ("base", None, "base")
    assert change.transaction_id == lea.posting.rows[0].id


def test_consent_is_noted_only_when_it_was_given(shop, program):
    assert consents.consent_of(join(shop, phone=PHONE).customer) is None
    luca = join(shop, name="Luca", agrees=True, source="till").customer
    event = consents.consent_of(luca)
    assert (event.is_given, event.source) == (True, "till")


def test_a_paused_program_takes_nobody_but_knows_its_members(shop, program):
    lea = join(shop, phone=PHONE)
    make_customer(shop, "Cardless", phone="+352621999999")
    rules = db.session.merge(program)
    rules.deactivate()
    assert join(shop, phone=PHONE).card == lea.card
    for phone in ("+352621888888", "+352621999999"):
        with pytest.raises(Refused, match="paused"):
            join(shop, phone=phone)
    assert len(db.session.scalars(Customer.of(shop)).all()) == 2


def test_without_a_program_there_is_nothing_to_join(shop):
    with pytest.raises(Refused, match="no program") as refused:
        join(shop, phone=PHONE)
    assert refused.value.code == "no_program"


def test_a_store_in_the_trash_enrols_nobody(shop, program):
    strange = make_store(make_merchant())
    with pytest.raises(Conflict, match="store is in the trash"):
        join(shop, store_id=strange.id)


@pytest.mark.parametrize("field", [{"phone": "12"}, {"email": "lea@"}, {"name": ""}])
def test_what_is_out_of_shape_is_refused(shop, program, field):
    with pytest.raises(Refused) as refused:
        join(shop, **field)
    assert refused.value.details["field"] == next(iter(field))


def test_when_another_till_was_faster_its_card_is_given(shop, program, monkeypatch):
    lea = join(shop, phone=PHONE)
    really, asked = enrolling._known, []

    def too_early(merchant, told):
        asked.append(told)
        return None if len(asked) == 1 else really(merchant, told)

    monkeypatch.setattr(enrolling, "_known", too_early)
    assert join(shop, phone=PHONE).card == lea.card


@pytest.mark.parametrize("keys", [["a", "b", "c", "d"], ["same"] * 4])
def test_four_tills_at_once_make_one_card(shop, program, elsewhere, keys):
    merchant_id = shop.id
    db.session.commit()

    def at_a_till(key):
        with within(merchant_id):
            merchant = db.session.get(Merchant, merchant_id)
            done = join(merchant, phone=PHONE, key=key)
            db.session.commit()
            return done.codes is not None

    tills = [elsewhere(at_a_till, key) for key in keys]
    assert sorted(till.result() for till in tills) == [False, False, False, True]
    assert [card.points_balance for card in db.session.scalars(LoyaltyCard.of(shop))] == [50]
    assert len(db.session.scalars(CardToken.of(shop)).all()) == 2

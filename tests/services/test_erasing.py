"""Erasing a person: nothing personal is left in any table, and the ledger still adds up."""

from datetime import date, timedelta

import pytest
from sqlalchemy import LargeBinary, select

from portal.errors import Conflict, Refused
from portal.extensions import db
from portal.models import (
    AuditEntry,
    CardToken,
    Customer,
    Deletion,
    EnrolmentFingerprint,
    ImportBatch,
    ImportRow,
    LoyaltyCard,
    LoyaltyTransaction,
    Order,
    OrderRefund,
    OutboxMessage,
    ReviewItem,
    RewardIssue,
    TransactionNote,
)
from portal.models.base import Model
from portal.models.tenancy import across_merchants
from portal.services import cards, consents, customers, merchants, phones, programs, trash
from portal.services.erasing import erase_customer
from portal.services.ledger.earning import earn
from portal.services.ledger.enrolling import enrol
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.refunding import reverse_earn
from portal.services.ledger.rewarding import issue_reward
from portal.services.ledger.stamping import stamp
from portal.services.ledger.verifying import verify
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_merchant,
    make_order,
    make_program,
    make_reward,
    make_store,
    make_token,
    manager_of,
    owner_of,
    within,
)

SECRET = "a secret of the application"
UNGUARDED = pytest.mark.unguarded("reads every table, the dead too")
PERSONAL = (  # however they are written
    "zélie",
    "zelie",
    "z\\u00e9lie",
    "quartz",
    "621123456",
    "621 123 456",
    "654321126",
    "@secret.example",
    "oat milk",
    "1987-04-02",
    "crm-4711",
    "old-9977",
)


@pytest.fixture
def shop(app):
    merchant = make_merchant()
    with within(merchant):
        yield merchant


@pytest.fixture
def program(shop):
    return make_program(shop, loyalty_type="hybrid", points_per_euro=1, welcome_bonus_points=50)


def visit(shop, minutes=0, **more):
    return Visit(by=owner_of(shop), now=NOW + timedelta(minutes=minutes), **more)


def join(shop, name="Zélie Quartz", **more):
    return enrol(shop, visit=visit(shop), secret=SECRET, name=name, **more)


def zelie(shop, **more):
    told = {
        "phone": "621 123 456",
        "email": "zelie@secret.example",
        "birthday": date(1987, 4, 2),
        "notes": "likes oat milk",
        "external_ref": "crm-4711",
    }
    return join(shop, **told | more)


def erase(shop, customer, minutes=10, **more):
    gone = erase_customer(customer, visit=visit(shop, minutes, **more), secret=SECRET)
    assert list(verify(shop.id)) == []
    return gone


def add(*rows):
    db.session.add_all(rows)
    db.session.flush()


def everything():
    """Read every column of every table as text, blobs too."""
    with across_merchants(db.session, "the whole database is searched"):
        for table in Model.metadata.sorted_tables:
            for row in db.session.execute(select(table)):
                for column, value in zip(table.c, row, strict=True):
                    is_blob = isinstance(column.type, LargeBinary) and value
                    text = value.decode("latin-1") if is_blob else str(value)
                    yield f"{table.name}.{column.name}", text.lower()


def found():
    return sorted({place for place, text in everything() for word in PERSONAL if word in text})


def write_about(shop, who):
    """Leave something about the person wherever people and imports write."""
    store = make_store(shop)
    batch = ImportBatch(merchant_id=shop.id, kind="customers", source_hash="h", status="done")
    add(batch)
    keys = {"merchant_id": shop.id, "batch_id": batch.id}
    note = TransactionNote(
        merchant_id=shop.id, transaction_id=who.posting.rows[0].id, text="said she loves oat milk"
    )
    stranger = join(shop, "Luca", phone="621 777 777")
    other = TransactionNote(
        merchant_id=shop.id, transaction_id=stranger.posting.rows[0].id, text="friend of ZÉLIE QUARTZ"
    )
    order = make_order(store, who.customer, number="R-621123456", total_cents=900)
    order.external_ref = "zelie@secret.example/1"
    order = db.session.merge(order)
    add(
        note,
        other,
        ImportRow(
            row_key="crm-4711",
            line=1,
            fate="changed",
            made_kind="customers",
            made_id=who.customer.id,
            message="Zélie was there",  # her own row, so a first name is enough
            before={"name": ["Zélie", "Zélie Quartz"]},
            **keys,
        ),
        ImportRow(
            row_key="c-2",
            line=2,
            fate="new",
            made_kind="customers",
            made_id=stranger.customer.id,
            message="The e-mail “Zelie@secret.example” is held by Zélie Quartz; it was left out.",
            **keys,
        ),
        ImportRow(row_key="zelie@secret.example", line=3, fate="refused", code="twice", **keys),
        ImportRow(row_key="c-4", line=4, fate="changed", before={"notes": ["ask Zélie Quartz", ""]}, **keys),
        OutboxMessage(merchant_id=shop.id, kind="mail", payload={"to": "zelie@secret.example"}),
        OutboxMessage(
            merchant_id=shop.id,
            kind="wallet",
            payload={"customer_id": who.customer.id, "greeting": "Hello Zélie"},
            sent_at=NOW,
        ),
        OutboxMessage(merchant_id=shop.id, kind="mail", last_error="no box zelie@secret.example"),
        ReviewItem(
            merchant_id=shop.id,
            kind="odd",
            reason_code="odd",
            card_id=who.card.id,
            details={"who": "Zélie Quartz"},
        ),
        OrderRefund(
            merchant_id=shop.id,
            order_id=order.id,
            amount_cents=1,
            external_ref="zelie@secret.example/r",
            occurred_at=NOW,
        ),
    )
    make_token(who.card, kind="legacy", value="OLD-9977")
    luca = stranger.customer
    act = customers.delete_customer(luca, by=owner_of(shop), now=NOW, reason="asked by Zélie Quartz")
    trash.restore(act, by=owner_of(shop), now=NOW)
    return order


@UNGUARDED
def test_nothing_personal_is_left_in_any_table(shop, program):
    who = zelie(shop)
    order = write_about(shop, who)
    old = customers.delete_customer(who.customer, by=owner_of(shop), now=NOW, reason="Zélie asked")
    trash.restore(old, by=owner_of(shop), now=NOW)
    consents.note_consent(who.customer, is_given=True, source="till", by=owner_of(shop), now=NOW)
    earn(who.card.id, spent_cents=700, visit=visit(shop, 1, key="k"))
    twin = join(shop, "Zelie Quartz-Old", email="z.quartz@secret.example")
    merge_customers(who.customer, twin.customer, visit=visit(shop, 2))
    assert {
        "customers.name",
        "customers.phone_reversed",
        "import_rows.before",
        "outbox.payload",
        "deletions.root_label",
        "deletions.reason",
        "transaction_notes.text",
        "card_tokens.value",
        "review_items.details",
        "order_refunds.external_ref",
        "orders.number",
    } <= set(found())
    erase(shop, who.customer)
    db.session.commit()
    assert found() == []
    assert db.session.get(Order, order.id).customer_id == who.customer.id
    assert trash.doctor() == []


def test_what_is_about_others_stays(shop, program):
    who = zelie(shop)
    write_about(shop, who)
    marie = join(shop, "Marie", phone="621 888 888")
    first = marie.posting.rows[0].id
    add(TransactionNote(merchant_id=shop.id, transaction_id=first, text="paid in coins"))
    erase(shop, who.customer)
    kept = db.session.scalars(select(TransactionNote.text).where(TransactionNote.text.is_not(None))).all()
    assert kept == ["paid in coins"]
    assert (marie.customer.name, marie.card.points_balance) == ("Marie", 50)
    rows = db.session.scalars(ImportRow.of(shop).order_by(ImportRow.line)).all()
    assert [row.row_key.partition("-")[0] for row in rows] == ["erased", "c", "erased", "c"]
    sent = db.session.scalars(OutboxMessage.of(shop).order_by(OutboxMessage.id)).all()
    assert [mail.sent_at for mail in sent] == [NOW + timedelta(minutes=10), NOW, NOW + timedelta(minutes=10)]


def test_the_balance_is_forfeited_and_the_ledger_stays(shop, program):
    who = zelie(shop)
    bought = earn(who.card.id, spent_cents=700, visit=visit(shop, 1)).rows[0]
    stamp(who.card.id, visit=visit(shop, 2), quantity=3)
    erase(shop, who.customer)
    rows = db.session.scalars(LoyaltyTransaction.of(shop).order_by(LoyaltyTransaction.id)).all()
    assert [row.type for row in rows] == ["enrol", "welcome_bonus", "earn", "stamp", "forfeit"]
    assert (rows[-1].points_delta, rows[-1].stamps_delta, rows[-1].reason_code) == (-57, -3, "erased")
    assert (who.card.points_balance, who.card.stamps_balance) == (0, 0)
    assert [e.action for e in db.session.scalars(AuditEntry.of(shop).order_by(AuditEntry.id))][-1] == (
        "customers.erase"
    )
    # What was forfeited is not taken again by a refund.
    assert reverse_earn(bought, 700, visit=visit(shop, 20)).points == 0


def test_rewards_not_handed_over_go_back_to_the_shelf(shop, program):
    reward = make_reward(program, points_required=100, stock=1)
    who = zelie(shop)
    earn(who.card.id, spent_cents=10_000, visit=visit(shop, 1))
    issue_reward(who.card.id, reward.id, visit=visit(shop, 2))
    erase(shop, who.customer)
    db.session.refresh(reward := db.session.merge(reward))
    assert (db.session.scalars(RewardIssue.of(shop)).one().status, reward.stock) == ("cancelled", 1)
    assert who.card.points_balance == 0


def test_what_is_owed_is_not_forgiven_and_nothing_is_nothing(shop, program):
    reward = make_reward(program, points_required=100)
    who = zelie(shop)
    bought = earn(who.card.id, spent_cents=10_000, visit=visit(shop, 1)).rows[0]
    issue_reward(who.card.id, reward.id, visit=visit(shop, 2), at_once=True)
    reverse_earn(bought, 10_000, visit=visit(shop, 3))
    erase(shop, who.customer)
    assert who.card.points_balance == -50
    last = db.session.scalars(LoyaltyTransaction.of(shop).order_by(LoyaltyTransaction.id.desc())).first()
    assert last.type == "refund_reversal"


def test_no_code_leads_to_the_card(shop, program):
    who = zelie(shop)
    make_token(who.card, kind="legacy", value="OLD-9977")
    erase(shop, who.customer)
    for code in (who.codes.qr, who.codes.number, "OLD-9977"):
        with pytest.raises(Refused, match="No card has this code"):
            cards.find_card(shop, code)
    tokens = db.session.scalars(CardToken.of(shop), execution_options={"include_deleted": True}).all()
    assert {token.revoked_at for token in tokens} == {NOW + timedelta(minutes=10)}


def test_no_restore_brings_an_erased_customer_back(shop, program):
    who = zelie(shop)
    act = customers.delete_customer(who.customer, by=owner_of(shop), now=NOW)
    erase(shop, who.customer)
    db.session.refresh(act)
    assert (act.status, act.root_label, act.departed) == (
        "purged",
        f"#{who.customer.id}",
        {"customers": 1, "loyalty_cards": 1, "card_tokens": 2},
    )
    with pytest.raises(Refused, match="cannot come back"):
        trash.restore(act, by=owner_of(shop), now=NOW)


def test_an_erased_one_stays_away_when_the_program_or_the_business_is_restored(shop, program):
    who, luca = zelie(shop), join(shop, "Luca", phone="621 777 777")
    gone = programs.delete_program(db.session.merge(program), by=owner_of(shop), now=NOW)
    customers.delete_customer(who.customer, by=owner_of(shop), now=NOW)
    erase(shop, who.customer)
    trash.restore(gone, by=owner_of(shop), now=NOW)
    living = db.session.scalars(LoyaltyCard.of(shop)).all()
    assert [card.id for card in living] == [luca.card.id]
    assert trash.doctor() == []
    at = visit(shop, 20)
    whole = merchants.delete_merchant(shop, by=at.by, now=NOW)
    erase_customer(luca.customer, visit=at, secret=SECRET)
    trash.restore(whole, by=at.by, now=NOW)
    assert db.session.scalars(Customer.of(shop)).all() == []
    assert trash.doctor() == []


def test_the_phone_is_free_and_brings_no_second_bonus_for_five_years(shop, program):
    who = zelie(shop)
    erase(shop, who.customer)
    ends = {row.forget_after for row in db.session.scalars(EnrolmentFingerprint.of(shop))}
    assert ends == {NOW + timedelta(minutes=10, days=1826)}
    again = join(shop, phone="621 123 456")
    assert (again.customer.id != who.customer.id, again.bonus) == (True, 0)


def test_merged_records_are_erased_with_the_person(shop, program):
    who = zelie(shop)
    twin = join(shop, "Zelie Quartz-Old", email="z.quartz@secret.example")
    merge_customers(who.customer, twin.customer, visit=visit(shop, 2))
    with pytest.raises(Refused, match="Erase that one"):
        erase(shop, twin.customer)
    erase(shop, who.customer)
    for each in (who.customer, twin.customer):
        db.session.refresh(each)
        assert each.erased_at == each.purged_at == NOW + timedelta(minutes=10)
        assert each.name == f"deleted customer #{each.id}"


def test_erasing_twice_is_harmless(shop, program):
    who = zelie(shop)
    erase(shop, who.customer, key="k")
    erase(shop, who.customer, 11, key="k")
    erase(shop, who.customer, 12)
    assert who.customer.erased_at == NOW + timedelta(minutes=10)
    forfeits = LoyaltyTransaction.of(shop).where(LoyaltyTransaction.type == "forfeit")
    assert len(db.session.scalars(forfeits).all()) == 1


def test_a_namesakes_first_name_takes_nothing_from_others(shop, program):
    lea = join(shop, "Lea", phone="621 123 456", external_ref="17")
    other = join(shop, "Lea", phone="621 777 777").posting.rows[0].id
    mail = OutboxMessage(
        merchant_id=shop.id, kind="mail", payload={"greeting": "Hello Lea Muller", "no": 117}
    )
    add(mail, TransactionNote(merchant_id=shop.id, transaction_id=other, text="Lea paid 17.00 in coins"))
    erase(shop, lea.customer)
    assert db.session.scalars(select(TransactionNote.text)).all() == ["Lea paid 17.00 in coins"]
    db.session.refresh(mail)
    assert mail.payload["no"] == 117


@UNGUARDED
def test_who_was_purged_before_can_be_erased_too(shop, program):
    who = zelie(shop)
    act = customers.delete_customer(who.customer, by=owner_of(shop), now=NOW)
    trash.purge(act, by=owner_of(shop), now=NOW)
    erase(shop, db.session.get(Customer, who.customer.id, execution_options={"include_deleted": True}))
    assert found() == []
    assert db.session.get(Deletion, act.id).status == "purged"


def test_a_customer_without_card_phone_or_long_name_is_erased(shop):
    lee = make_customer(shop, "Li", phone=None)
    erase(shop, lee)
    assert db.session.get(Customer, lee.id) is None


def test_an_edit_that_began_before_writes_nothing_into_an_erased_record(shop, program, elsewhere):
    customer, merchant_id, at = zelie(shop).customer, shop.id, visit(shop)
    customer_id = customer.id
    db.session.commit()
    erase_customer(db.session.get(Customer, customer_id), visit=at, secret=SECRET)

    def edit():
        with within(merchant_id):
            row = db.session.get(Customer, customer_id)
            if row is None:
                return "gone"
            try:
                customers.change_customer(row, notes="likes oat milk", by=at.by, now=NOW)
            except Conflict as refused:
                return refused.code
            db.session.commit()
            return "written"

    editing = elsewhere(edit)
    editing.join(0.5)
    db.session.commit()
    assert editing.result() in ("gone", "customer_gone")
    erased = db.session.get(Customer, customer_id, execution_options={"include_deleted": True})
    assert erased.notes is None


def test_erasing_is_the_owners(shop, program):
    who = zelie(shop)
    by = manager_of(make_store(shop))
    with pytest.raises(Refused, match="Only an owner"):
        erase_customer(who.customer, visit=Visit(by=by, now=NOW), secret=SECRET)


def test_another_merchants_customer_is_not_erased(shop):
    strange = make_merchant()
    with within(strange):
        theirs = make_customer(strange, "Lea")
        make_card(make_program(strange), theirs)
    with pytest.raises(Conflict, match="not there any more"):
        erase(shop, theirs)


@pytest.mark.parametrize(
    ("phone", "forms"),
    [
        (None, set()),
        ("1234", {"1234"}),
        ("+352621123456", {"+352621123456", "+352 621 123 456", "621 123 456", "352621123456", "621123456"}),
    ],
)
def test_a_phone_is_looked_for_in_every_way_it_is_written(phone, forms):
    assert phones.written_forms(phone) == forms

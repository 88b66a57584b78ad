"""Importing customers."""

from datetime import date, timedelta

import pytest

from portal.errors import Refused
from portal.models import (
    AuditEntry,
    CardToken,
    Customer,
    ImportBatch,
    ImportRow,
    LoyaltyCard,
    LoyaltyTransaction,
)
from portal.models.actor import OPERATOR
from portal.services import customer_exports, trash
from portal.services.cards import find_card, give_codes, is_number
from portal.services.customers import delete_customer
from portal.services.exports import csv_lines
from portal.services.ledger.earning import earn
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_merchant,
    make_program,
    make_store,
    make_token,
    within,
)
from tests.services.importing import committed, counted, take_customers, undo

NO_PHONE = (
    "This is no phone number. Write it like 628 123 456 or +352 628 123 456."
    " “1.2.2000” may be read two ways. Say --dates mdy or --dates dmy."
)
HEADER = "external_ref,name,phone,email,birthday,home_store,card_number\n"


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


@pytest.fixture
def program(bean):
    return make_program(bean, loyalty_type="hybrid")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare", external_ref="3", country="US")


def people(session, merchant):
    with within(merchant):
        return list(session.scalars(Customer.of(merchant).order_by(Customer.id)))


def rows_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


def numbers(session, merchant):
    return [token.value for token in rows_of(session, merchant, CardToken) if token.kind == "legacy"]


def test_a_customer_comes_with_a_card_and_the_number_of_the_old_one(session, bean, program, gare):
    row = "1,Kelly Key,(212) 555-0100,Venus@Adipiscing.edu,1950-05-29,3,908-424-2890\n"
    report, _, batch = take_customers(bean, HEADER + row)
    assert counted(report) == {"new": 1}
    (kelly,) = people(session, bean)
    assert (kelly.name, kelly.phone, kelly.email) == ("Kelly Key", "+12125550100", "venus@adipiscing.edu")
    assert (kelly.birthday, kelly.home_store_id, kelly.external_ref) == (date(1950, 5, 29), gare.id, "1")
    (card,) = rows_of(session, bean, LoyaltyCard)
    assert (card.customer_id, card.program_id, card.points_balance) == (kelly.id, program.id, 0)
    (token,) = rows_of(session, bean, CardToken)
    assert (token.kind, token.value, token.card_id) == ("legacy", "908-424-2890", card.id)
    assert rows_of(session, bean, LoyaltyTransaction) == []  # an import is no activity, and gives no bonus
    assert card.last_activity_at is None
    (made,) = rows_of(session, bean, ImportRow)
    assert (made.batch_id, made.row_key, made.fate, made.made_id) == (batch.id, "1", "new", kelly.id)
    assert (batch.status, batch.counts) == ("done", {"new": 1})


def test_the_import_is_noted_with_a_phrase(session, bean, program):
    take_customers(bean, HEADER + "1,Kelly,,,,,\n")
    with within(bean):
        entry = session.scalars(AuditEntry.of(bean).where(AuditEntry.action == "customers.import")).one()
    assert entry.details["new"] == 1


def test_the_same_file_again_changes_nothing_and_leaves_no_batch(session, bean, program, gare):
    text = HEADER + "1,Kelly,+352 621 123 456,k@example.com,1950-05-29,3,A 1\n,Emi,,e@example.com,,,\n"
    take_customers(bean, text)
    report, _, batch = take_customers(bean, text, now=NOW + timedelta(days=1))
    assert (counted(report), report.warned, batch) == ({"unchanged": 2}, 0, None)
    assert len(rows_of(session, bean, ImportBatch)) == 1


def test_what_differs_is_changed_and_remembered(session, bean, program):
    take_customers(bean, HEADER + "1,Kelly,,k@example.com,1950-05-29,,A1\n")
    report, _, batch = take_customers(bean, HEADER + "1,Kelly Key,,,1951-05-29,,A2\n")
    assert counted(report) == {"updated": 1}
    (kelly,) = people(session, bean)
    assert (kelly.name, kelly.email) == ("Kelly Key", "k@example.com")  # a blank leaves what is there
    made = rows_of(session, bean, ImportRow)[-1]
    token = rows_of(session, bean, CardToken)[-1]
    assert (made.fate, made.batch_id) == ("changed", batch.id)
    assert made.before == {
        "name": ["Kelly", "Kelly Key"],
        "birthday": ["1950-05-29", "1951-05-29"],
        "tokens": [token.id],
    }
    assert numbers(session, bean) == ["A1", "A2"]


def test_an_email_that_differs_only_in_case_is_held_by_the_first(session, bean, program):
    text = HEADER + "598,Laurel,,Porter@Pellentesque.gov,,,\n5437,Zelda,,Porter@pellentesque.gov,,,\n"
    report, fates, _batch = take_customers(bean, text)
    assert counted(report) == {"new": 2}
    assert fates[1].warnings == ["The e-mail “porter@pellentesque.gov” is held by Laurel; it was left out."]
    assert [person.email for person in people(session, bean)] == ["porter@pellentesque.gov", None]


def test_a_phone_somebody_has_is_left_out_of_a_change_too(session, bean, program):
    make_customer(bean, "Ana", phone="+352621123456")
    take_customers(bean, HEADER + "1,Kelly,,,,,\n")
    _, (fate,), _ = take_customers(bean, HEADER + "1,Kelly,621 123 456,,,,\n")
    assert fate.warnings == ["The phone “+352621123456” is held by Ana; it was left out."]
    assert fate.outcomes == ["unchanged"]


def test_several_old_numbers_lead_to_one_card(session, bean, program):
    text = "id,name,card_number,card_number_2,card_number\n1,Kelly,A1,A2,A3\n"
    take_customers(bean, text)
    assert numbers(session, bean) == ["A1", "A2", "A3"]
    text = "id,name,old,older\n2,Emi,B1,B  2\n"
    take_customers(bean, text, maps=[("card_number", "old"), ("card_number", "older")])
    assert numbers(session, bean)[3:] == ["B1", "B 2"]


def test_card_numbers_can_be_left_out(session, bean, program):
    take_customers(bean, HEADER + "1,Kelly,,,,,A1\n", maps=[("card_number", "")])
    assert numbers(session, bean) == []


def test_a_number_that_leads_to_another_card_is_left_out(session, bean, program):
    _, fates, _ = take_customers(bean, HEADER + "1,Kelly,,,,,A1\n2,Emi,,,,,A1\n")
    assert fates[1].warnings == ["The card number “A1” leads to another card; it was left out."]
    assert numbers(session, bean) == ["A1"]


def test_a_card_that_no_old_number_leads_to_gets_one_of_ours(session, bean, program, monkeypatch):
    drawn = iter(["11111119", "11111119", "11111119", "22222228", "33333333", "22222228", "33333332"])
    monkeypatch.setattr("portal.services.imports.numbering._drawn", lambda: next(drawn))
    text = HEADER + "1,Kelly,,,,,A1\n2,Emi,,,,,\n"
    take_customers(bean, text)
    take_customers(bean, text + "3,Ana,,,,,\n4,Zoé,,,,,\n")
    found = {(token.kind, token.value) for token in rows_of(session, bean, CardToken)}
    assert found == {("legacy", "A1"), *(("number", n) for n in ("11111119", "22222228", "33333333"))}
    with within(bean):
        owner = find_card(bean, "1111 1119").customer_id
        assert session.get(Customer, (bean.id, owner)).name == "Emi"


def test_the_numbers_of_ours_are_well_formed(session, bean, program):
    take_customers(bean, HEADER + "".join(f"{n},P{n},,,,,\n" for n in range(9)))
    found = [token.value for token in rows_of(session, bean, CardToken)]
    assert len(set(found)) == 9
    assert all(is_number(number) for number in found)


def test_a_balance_is_posted_once_as_one_row(session, bean, program):
    text = "id,name,points,stamps\n1,Kelly,120,3\n2,Emi,0,\n"
    take_customers(bean, text)
    (row,) = rows_of(session, bean, LoyaltyTransaction)
    assert (row.type, row.source, row.points_delta, row.stamps_delta) == ("import", "import", 120, 3)
    assert (row.points_after, row.stamps_after) == (120, 3)
    card = rows_of(session, bean, LoyaltyCard)[0]
    assert (card.points_balance, card.stamps_balance) == (120, 3)
    report, _, _ = take_customers(bean, text)
    assert counted(report) == {"unchanged": 2}
    _, fates, _ = take_customers(bean, "id,name,points,stamps\n1,Kelly,130,3\n")
    assert fates[0].warnings == ["The card has a balance here already; it was left as it is."]
    assert len(rows_of(session, bean, LoyaltyTransaction)) == 1


def test_a_balance_may_come_later(session, bean, program):
    take_customers(bean, "id,name\n1,Kelly\n")
    report, _, _ = take_customers(bean, "id,name,points\n1,Kelly,7.5\n")
    assert (counted(report), report.warned) == ({"updated": 1}, 1)
    (row,) = rows_of(session, bean, LoyaltyTransaction)
    assert rows_of(session, bean, ImportRow)[-1].before == {"balance": row.id}


def test_what_was_exported_comes_back_unchanged(session, bean, program, gare):
    take_customers(bean, HEADER + "1,Kelly,212 555 0100,k@example.com,1950-05-29,3,A1\n2,Emi,,,,,\n")
    with committed(bean.id):
        kelly, emi = rows_of(session, bean, LoyaltyCard)
        for card in (kelly, emi):
            earn(card.id, spent_cents=9_500, visit=Visit(by=OPERATOR, now=NOW))
        give_codes(emi, session.merge(bean))
    lines = csv_lines(customer_exports.customers(bean, now=NOW))
    text = "".join(lines)
    assert ",95," in text
    report, _, batch = take_customers(bean, text)
    assert (counted(report), report.warned, batch) == ({"unchanged": 2}, 0, None)
    assert [card.points_balance for card in rows_of(session, bean, LoyaltyCard)] == [95, 95]


def test_a_card_with_movements_of_its_own_is_given_no_balance(session, bean, program):
    take_customers(bean, "id,name\n1,Kelly\n")
    with committed(bean.id):
        earn(rows_of(session, bean, LoyaltyCard)[0].id, spent_cents=500, visit=Visit(by=OPERATOR, now=NOW))
    _, (fate,), _ = take_customers(bean, "id,name,points\n1,Kelly,120\n")
    assert fate.warnings == ["The card has a balance here already; it was left as it is."]
    assert len(rows_of(session, bean, LoyaltyTransaction)) == 1


def test_without_a_program_customers_come_without_cards_and_get_them_later(session, bean):
    text = "id,name\n1,Kelly\n"
    take_customers(bean, text)
    assert rows_of(session, bean, LoyaltyCard) == []
    make_program(bean)
    report, _, _ = take_customers(bean, text)
    assert counted(report) == {"updated": 1}
    (card,) = rows_of(session, bean, LoyaltyCard)
    (number,) = rows_of(session, bean, CardToken)
    assert rows_of(session, bean, ImportRow)[-1].before == {"card": card.id, "tokens": [number.id]}


@pytest.mark.parametrize("column", ["card_number", "points", "stamps"])
def test_without_a_program_there_is_nowhere_to_put_numbers_and_balances(bean, column):
    with pytest.raises(Refused, match="There is no program yet"):
        take_customers(bean, f"id,name,{column}\n1,Kelly,1\n")


def test_a_file_that_says_nothing_about_who_is_who_is_refused(bean, program):
    with pytest.raises(Refused, match="No column says who is who"):
        take_customers(bean, "name,birthday\nKelly,1950-05-29\n")


def test_without_a_reference_email_phone_and_number_say_who(session, bean, program):
    take_customers(bean, HEADER + "1,Kelly,,k@example.com,,,A1\n,Emi,621 123 456,,,,\n")
    text = "name,phone,email,card_number\nKelly K,,K@example.com,\nEmi E,+352621123456,,\nKelly Key,,,A1\n"
    report, _, _ = take_customers(bean, text)
    assert counted(report) == {"updated": 3}
    assert [person.name for person in people(session, bean)] == ["Kelly Key", "Emi E"]


def test_somebody_without_a_reference_is_given_the_rows(session, bean, program):
    make_customer(bean, "Ana", email="a@example.com")
    take_customers(bean, HEADER + "7,Ana,,a@example.com,,,\n")
    assert [person.external_ref for person in people(session, bean)] == ["7"]


def test_somebody_with_a_reference_is_not_taken_for_another(session, bean, program):
    make_customer(bean, "Ana", email="a@example.com", external_ref="7")
    take_customers(bean, HEADER + "8,Anna,,a@example.com,,,\n")
    assert [person.email for person in people(session, bean)] == ["a@example.com", None]


def test_a_number_of_a_card_without_a_program_names_nobody(session, bean, program):
    holder = make_token(make_card(program), kind="legacy", value="A1")
    with committed(bean.id):
        trash.soft_delete_cascade(session.merge(program), by=OPERATOR, now=NOW)
    assert holder
    make_program(bean)
    report, _, _ = take_customers(bean, "name,card_number\nKelly,A1\n")
    assert counted(report) == {"new": 1}


def test_who_lies_in_the_trash_is_skipped(session, bean, program):
    take_customers(bean, HEADER + "1,Kelly,,,,,\n")
    with committed(bean.id):
        act = delete_customer(people(session, bean)[0], by=OPERATOR, now=NOW)
    report, (fate,), _ = take_customers(bean, HEADER + "1,Kelly,,,,,\n")
    assert counted(report) == {"skipped": 1}
    assert fate.reason == f"It is in the trash (deletion {act.id}). Restore it to have it back."


MERGED = "This customer was merged into another one"


def merged_into_another(session, bean):
    take_customers(bean, HEADER + "1,Kelly,,,,,\n2,Kelly K,,,,,\n")
    with committed(bean.id):
        loser, survivor = people(session, bean)
        merge_customers(survivor, loser, visit=Visit(by=OPERATOR, now=NOW))


@pytest.mark.parametrize("mail", ["", "k@example.com"])
def test_who_was_merged_is_the_survivor_and_stays_as_it_is(session, bean, program, mail):
    merged_into_another(session, bean)
    report, _, batch = take_customers(bean, HEADER + f"1,Kelly New,,{mail},,,\n")
    assert (counted(report), batch) == ({"unchanged": 1}, None)
    assert list(report.warnings) == [f"{MERGED}, who was left unchanged."]
    (survivor,) = people(session, bean)
    assert (survivor.name, survivor.external_ref, survivor.email) == ("Kelly K", "2", None)


def test_who_was_merged_into_somebody_in_the_trash_is_skipped(session, bean, program):
    merged_into_another(session, bean)
    with committed(bean.id):
        delete_customer(people(session, bean)[0], by=OPERATOR, now=NOW)
    report, (fate,), _ = take_customers(bean, HEADER + "1,Kelly,,,,,\n")
    assert (counted(report), fate.reason) == ({"skipped": 1}, f"{MERGED}, who is in the trash.")
    assert people(session, bean) == []


def test_who_has_the_reference_of_a_merged_one_is_changed(session, bean, program):
    merged_into_another(session, bean)
    make_customer(bean, "Kelly again", external_ref="1")
    report, _, _ = take_customers(bean, HEADER + "1,Kelly Anew,,,,,\n")
    assert (counted(report), list(report.warnings)) == ({"updated": 1}, [])
    assert sorted(each.name for each in people(session, bean)) == ["Kelly Anew", "Kelly K"]


def test_a_row_that_lay_in_the_trash_when_it_was_written_is_skipped(session, bean, program):
    report, _, _ = take_customers(bean, "id,name,deleted_at\n1,Kelly,2026-01-01T00:00:00+00:00\n2,Emi,\n")
    assert counted(report) == {"skipped": 1, "new": 1}


def test_rows_that_lack_something_are_refused_and_remembered_without_words(session, bean, program, gare):
    rows = (
        "1,,,,,,\n,Emi,,,,,\n3,Ana,1,nobody,1.2.2000,HQ,\n4,Bo,,,1850-01-01,,\n5,Cy\n6,Di,,,,,\n6,Di,,,,,\n"
    )
    report, fates, batch = take_customers(bean, HEADER + rows)
    assert counted(report) == {"refused": 6, "new": 1}
    assert [fate.reason for fate in fates] == [
        "A new customer needs a name, or else an e-mail address or a phone.",
        "The row has no external_ref, email, phone or card number.",
        "This is no e-mail address. Write it like name@example.com. There is no store “HQ”. " + NO_PHONE,
        "A birthday lies between 1900 and today. Check the year.",
        "The row has 2 cells, the header 7.",
        "",
        "Line 7 is about the same one.",
    ]
    kept = [row for row in rows_of(session, bean, ImportRow) if row.fate == "refused"]
    assert [(row.line, row.code, row.message) for row in kept] == [
        (line, "refused", None) for line in (2, 3, 4, 5, 6, 8)
    ]
    assert batch.counts["refused"] == 6


def test_an_import_that_refuses_every_row_leaves_no_batch(session, bean, program):
    _, _, batch = take_customers(bean, HEADER + "1,,,,,,\n")
    assert batch is None
    assert rows_of(session, bean, ImportBatch) == rows_of(session, bean, ImportRow) == []


def test_balances_that_make_no_sense_are_refused(bean, program):
    _, fates, _ = take_customers(bean, "id,name,points,stamps\n1,Kelly,many,\n2,Emi,,10\n3,Luca,,-1\n")
    assert [fate.reason for fate in fates] == [
        "“many” is no balance. Write it like 120.",
        "A card is full at 10 stamps. Write fewer.",
        "A card has no fewer than 0 stamps.",
    ]


def test_somebody_without_a_name_is_called_by_their_address(session, bean, program):
    _, (fate,), _ = take_customers(bean, "email,points\nvenus@example.com,5\n")
    assert [person.name for person in people(session, bean)] == ["venus"]
    assert fate.warnings == ["A row without a name was called by its e-mail address, up to the @."]


def test_somebody_without_name_and_address_is_called_by_their_phone(session, bean, program):
    _, (fate,), _ = take_customers(bean, "phone,points\n621123456,5\n")
    assert [person.name for person in people(session, bean)] == ["+352 621 123 456"]
    assert fate.warnings == ["A row without a name was called by its phone number."]


def test_a_balance_below_nought_comes_along_and_can_be_taken_back(session, bean, program):
    text = 'id,name,points\n1,Kelly,-12.5\n2,Emi,"1,250.50"\n'
    _, fates, batch = take_customers(bean, text)
    told = ["A balance with decimals was cut to the whole number below."]
    assert [fate.warnings for fate in fates] == [told, told]
    assert [card.points_balance for card in rows_of(session, bean, LoyaltyCard)] == [-13, 1250]
    assert take_customers(bean, text)[2] is None
    undo(batch)
    assert [row.points_delta for row in rows_of(session, bean, LoyaltyTransaction)] == [-13, 1250, 13, -1250]


def test_a_birthday_without_a_year_is_left_out(session, bean, program):
    _, (fate,), _ = take_customers(bean, "id,name,birthday\n1,Kelly,0000-09-21\n")
    assert fate.warnings == ["A birthday without a year was left out."]
    assert people(session, bean)[0].birthday is None


def test_rows_are_chosen(session, bean, program):
    report, _, _ = take_customers(
        bean, "id,name,kind\n1,Kelly,member\n2,Emi,guest\n", where=[("kind", "member")]
    )
    assert counted(report) == {"new": 1, "left_out": 1}


def test_the_same_import_goes_on_where_it_was_cut_off(session, bean, program, monkeypatch):
    monkeypatch.setattr("portal.services.imports.customers.CHUNK", 2)
    make_customer(bean, "Old", external_ref="2")
    text = HEADER + "1,Kelly,,,,,A1\n2,Emi,,,,,A2\n3,Ana,,,,,\n4,,,,,,\n"
    with monkeypatch.context() as cut:
        cut.setattr("portal.services.imports.finish", lambda *_args, **_more: None)
        take_customers(bean, text)
    report, _, batch = take_customers(bean, text)
    assert counted(report) == {"new": 2, "updated": 1, "refused": 1}
    assert (batch.id, batch.status) == (1, "done")
    assert batch.counts == {"new": 2, "updated": 1, "refused": 1}
    assert len(rows_of(session, bean, ImportRow)) == 4


def test_another_merchants_customers_are_not_seen(session, bean, program):
    other = make_merchant("Stranger")
    make_customer(other, "Secret", external_ref="1", email="k@example.com", phone="+352621123456")
    _, (fate,), _ = take_customers(bean, HEADER + "1,Kelly,621 123 456,k@example.com,,,\n")
    assert (fate.outcomes, fate.warnings) == (["new"], [])
    assert [person.name for person in people(session, other)] == ["Secret"]

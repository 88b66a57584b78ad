"""Ready-made mappings for what other programs export."""

from datetime import UTC, date, datetime

import pytest

from portal.errors import Refused
from portal.models import CardToken, Customer, LoyaltyTransaction, Order, OrderLine
from portal.services.imports.formats import FORMATS
from portal.services.imports.plans import KINDS
from tests.factories import make_customer, make_merchant, make_product, make_program, make_store, within
from tests.services.importing import take_customers, take_orders

SQUARE_PEOPLE = (
    "Reference ID,First Name,Last Name,Email Address,Phone Number,Birthday,Memo,Square Customer ID\n"
    ",Kelly,Key,k@example.com,+1 212-555-0100,05/29/1990,likes tea,SQ1\n"
)
SQUARE_ITEMS = (
    "Date,Time,Time Zone,Item,Qty,SKU,Gross Sales,Discounts,Net Sales,"
    "Transaction ID,Event Type,Location,Customer ID\n"
    "03/14/2026,09:30:00,Eastern Time (US & Canada),Latte,2,L1,$9.00,-$1.00,$8.00,T1,Payment,Gare,SQ1\n"
    "03/14/2026,09:30:00,Eastern Time (US & Canada),Cake,1,,$4.00,$0.00,$4.00,T1,Payment,Gare,SQ1\n"
    "03/14/2026,11:00:00,Eastern Time (US & Canada),Latte,-1,L1,-$4.50,$0.00,-$4.50,T2,Refund,Gare,SQ1\n"
)
SHOPIFY_PEOPLE = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Phone,Phone,Note,Tags\n"
    "'7001,Kelly,Key,k@example.com,yes,,+352621123456,,vip\n"
)
SHOPIFY_ORDERS = (
    "Name,Email,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,"
    "Lineitem discount,Location\n"
    "#1001,k@example.com,12.00,2026-03-14 09:30:00 -0500,2,Latte,4.50,L1,1.00,Gare\n"
    "#1001,k@example.com,,,1,Cake,4.00,,0.00,\n"
)
LOYVERSE_PEOPLE = (
    "Customer ID,Customer name,Email,Phone,Customer code,Points balance,Note,Total visits\n"
    "abc,Kelly Key,k@example.com,621 123 456,C-77,12.50,,3\n"
)
LOYVERSE_RECEIPTS = (
    "Date,Receipt number,Receipt type,SKU,Item,Quantity,Gross sales,Discounts,Net sales,"
    "Store,Customer contacts\n"
    "14.03.26 09:30,1-1001,Sale,L1,Latte,2.000,9.00,1.00,8.00,Gare,k@example.com\n"
    "14.03.26 10:30,1-1002,Refund,L1,Latte,1.000,-4.50,0.00,-4.50,Gare,k@example.com\n"
)
SMILE_PEOPLE = "First Name,Last Name,Email,Points Balance\n,,k@example.com,250\n"


@pytest.fixture
def bean(session):
    merchant = make_merchant("Bean", timezone="America/New_York", currency="USD")
    make_product(make_store(merchant, "Gare"), "Latte macchiato", sku="L1")
    make_program(merchant, loyalty_type="points", points_per_euro=10)
    return merchant


def all_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


@pytest.mark.parametrize(
    ("program", "text", "ref", "phone"),
    [
        ("square", SQUARE_PEOPLE, "SQ1", "+12125550100"),
        ("shopify", SHOPIFY_PEOPLE, "7001", "+352621123456"),
        ("loyverse", LOYVERSE_PEOPLE, "abc", "+352621123456"),
    ],
)
def test_customers_come_as_the_program_exports_them(session, bean, program, text, ref, phone):  # noqa: PLR0917 - a table
    report, _, _ = take_customers(bean, text, format=program)
    assert report.counts["new"] == 1
    (kelly,) = all_of(session, bean, Customer)
    assert (kelly.name, kelly.email) == ("Kelly Key", "k@example.com")
    assert (kelly.external_ref, kelly.phone) == (ref, phone)


def test_square_writes_days_with_the_month_first_and_a_memo(session, bean):
    take_customers(bean, SQUARE_PEOPLE, format="square")
    (kelly,) = all_of(session, bean, Customer)
    assert (kelly.birthday, kelly.notes) == (date(1990, 5, 29), "likes tea")


def test_loyverse_brings_a_code_and_points_cut_to_whole_ones(session, bean):
    report, _, _ = take_customers(bean, LOYVERSE_PEOPLE, format="loyverse")
    assert report.warned == 1
    assert [token.value for token in all_of(session, bean, CardToken)] == ["C-77"]
    assert [row.points_delta for row in all_of(session, bean, LoyaltyTransaction)] == [12]


def test_a_phone_is_taken_from_the_column_that_is_filled_in_the_row(session, bean):
    text = (
        "Customer ID,First Name,Email,Default Address Phone,Phone\n"
        "1,Kelly,k@example.com,,+352621123456\n2,Emi,e@example.com,+352621123457,\n3,Luca,l@example.com,,\n"
    )
    take_customers(bean, text, format="shopify")
    people = all_of(session, bean, Customer)
    assert [person.phone for person in people] == ["+352621123456", "+352621123457", None]
    _, (fate,), _ = take_customers(bean, text[: text.index("2,Emi")], format="shopify", maps=[("phone", "")])
    assert fate.outcomes == ["unchanged"]


def test_an_order_with_a_phone_alone_has_its_customer(session, bean):
    kelly = make_customer(bean, "Kelly", phone="+352621123456")
    text = SHOPIFY_ORDERS.replace("Location\n", "Location,Phone\n").replace("Gare\n", "Gare,+352621123456\n")
    now = datetime(2026, 4, 1, tzinfo=UTC)
    text = text.replace("k@example.com", "").replace("0.00,\n", "0.00,,\n")
    take_orders(bean, text, format="shopify", now=now)
    assert [order.customer_id for order in all_of(session, bean, Order)] == [kelly.id]


def test_smile_brings_points_of_people_known_by_email_alone(session, bean):
    make_customer(bean, "Kelly", email="k@example.com")
    report, _, _ = take_customers(bean, SMILE_PEOPLE, format="smile")
    assert report.counts["updated"] == 1
    assert [row.points_delta for row in all_of(session, bean, LoyaltyTransaction)] == [250]


@pytest.mark.parametrize(
    ("program", "text", "number", "cents", "at", "dates"),
    [
        ("square", SQUARE_ITEMS, "T1", [800, 400], (13, 30), None),
        ("shopify", SHOPIFY_ORDERS, "#1001", [800, 400], (14, 30), None),
        ("loyverse", LOYVERSE_RECEIPTS, "1-1001", [800], (13, 30), "dmy"),
    ],
)
def test_receipts_come_as_the_program_exports_them(session, bean, program, text, number, cents, at, dates):  # noqa: PLR0917 - a table
    kelly = make_customer(bean, "Kelly", email="k@example.com", external_ref="SQ1")
    now = datetime(2026, 4, 1, tzinfo=UTC)
    counts, outcomes, _ = take_orders(bean, text, format=program, dates=dates, is_earning=True, now=now)
    others = ["not_sold"] * (program != "shopify")
    assert [each.outcome for each in outcomes] == ["new", *others], [each.reason for each in outcomes]
    (order,) = all_of(session, bean, Order)
    assert (order.number, order.customer_id, order.total_cents) == (number, kelly.id, sum(cents))
    assert order.occurred_at == datetime(2026, 3, 14, *at, tzinfo=UTC)
    lines = all_of(session, bean, OrderLine)
    assert [each.amount_cents for each in lines] == cents
    assert (lines[0].name, lines[0].product_id is not None) == ("Latte", True)
    assert counts["money_back"] == len(others)


@pytest.mark.parametrize(
    ("zone", "hour", "notes"),
    [
        ("Pacific Time (US & Canada)", 16, []),
        ("europe/paris", 13, ["unknown_zone"]),
        ("Europe/Paris", 8, []),
        ("UTC", 9, []),
        ("EST", 13, ["unknown_zone"]),
        ("", 13, []),
    ],
)
def test_a_receipt_is_of_the_hour_its_own_time_zone_says(session, bean, zone, hour, notes):
    now = datetime(2026, 4, 1, tzinfo=UTC)
    text = SQUARE_ITEMS.replace("Eastern Time (US & Canada)", zone)
    counts, outcomes, _ = take_orders(bean, text, format="square", now=now)
    (order,) = all_of(session, bean, Order)
    assert order.occurred_at == datetime(2026, 3, 14, hour, 30, tzinfo=UTC)
    assert [code for each in outcomes for code, _said in each.notes if code == "unknown_zone"] == notes
    assert counts["unknown_zone"] == len(notes)


def test_a_map_goes_before_the_format(session, bean):
    take_customers(
        bean, SQUARE_PEOPLE, format="square", maps=[("notes", ""), ("external_ref", "Email Address")]
    )
    (kelly,) = all_of(session, bean, Customer)
    assert (kelly.notes, kelly.external_ref) == (None, "k@example.com")


def test_what_the_format_does_not_name_fills_nothing(session, bean):
    take_customers(bean, SQUARE_PEOPLE.replace("Memo", "card_number"), format="square")
    assert [token.kind for token in all_of(session, bean, CardToken)] == ["number"]  # not an old one


def test_a_file_of_another_program_is_refused(bean):
    with pytest.raises(Refused, match="smile exports no orders"):
        take_orders(bean, SMILE_PEOPLE, format="smile")
    with pytest.raises(Refused, match="This is no export of shopify: it has no column Created at"):
        take_orders(bean, "Name,Lineitem price\n#1,2.50\n", format="shopify")


def test_every_field_of_a_format_is_one_the_kind_has():
    for program, kinds in FORMATS.items():
        for kind, told in kinds.items():
            assert set(told.columns) <= set(KINDS[kind]), program
            assert set(told.needs) <= set(told.columns), program

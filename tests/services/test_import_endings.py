"""Sales that were voided, refunded or not paid in the program they come from."""

from datetime import UTC, datetime

import pytest

from portal.errors import Refused
from portal.models import ImportRow, LoyaltyTransaction, Order, OrderLine
from portal.services.imports.endings import cancelled, given_back, receipt_type, status
from tests.factories import make_merchant, make_program, make_store, within
from tests.services.importing import take_customers, take_orders, undo

NOW = datetime(2026, 4, 1, tzinfo=UTC)
SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Total,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem sku,Cancelled at,Refunded Amount,Location,Lineitem discount\n"
)
AT = "2026-03-14 09:30:00 -0500"
SQUARE = "Date,Time,Time Zone,Item,Qty,SKU,Net Sales,Transaction ID,Event Type,Location,Customer ID\n"
LOYVERSE = "Date,Receipt number,Receipt type,SKU,Item,Quantity,Net sales,Store,Customer contacts,Status\n"


@pytest.fixture
def bean(session):
    merchant = make_merchant("Bean", timezone="America/New_York", currency="USD")
    make_store(merchant, "Gare")
    make_program(merchant, loyalty_type="points", points_per_euro=10)
    take_customers(merchant, "id,name,email\nSQ1,Kelly,k@example.com\n")
    return merchant


def all_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


def shopify(*, name="#1", status="paid", cancelled="", back="0.00"):
    """An order of 12.00 in two lines; only the first says how it stands."""
    return (
        f"{name},k@example.com,{status},{AT},12.00,{AT},2,Latte,4.00,,{cancelled},{back},Gare,0.00\n"
        f"{name},k@example.com,,,,{AT},1,Cake,4.00,,,,,0.00\n"
    )


def take(merchant, text, program="shopify", **asked):
    return take_orders(merchant, text, format=program, is_earning=True, now=NOW, **asked)


def test_a_sale_that_is_paid_and_kept_counts_whole(session, bean):
    counts, _, _ = take(bean, SHOPIFY + shopify())
    assert (counts["new"], counts["points"], counts["partly_refunded"]) == (1, 120, 0)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"status": "voided"}, "voided"),
        ({"status": "Voided "}, "voided"),
        ({"status": "expired"}, "voided"),
        ({"cancelled": AT}, "voided"),
        ({"status": "refunded", "back": "12.00"}, "refunded"),
        ({"status": "partially_refunded", "back": "13.50"}, "refunded"),
        ({"status": "pending"}, "unpaid"),
        ({"status": "partially_paid"}, "unpaid"),
    ],
)
def test_what_was_no_sale_in_the_end_is_left_out_and_named(session, bean, said, code):
    counts, outcomes, _ = take(bean, SHOPIFY + shopify() + shopify(name="#2", **said))
    assert [order.number for order in all_of(session, bean, Order)] == ["#1"]
    assert [(each.outcome, bool(each.reason)) for each in outcomes] == [("new", False), ("not_sold", True)]
    assert (counts["not_sold"], counts[code], counts["points"], counts["refused"]) == (1, 1, 120, 0)
    row = all_of(session, bean, ImportRow)[-1]
    assert (row.row_key, row.fate, row.code, row.made_id) == ("#2", "refused", code, None)
    assert row.message == outcomes[1].reason


def test_of_a_sale_refunded_in_part_what_was_kept_counts(session, bean):
    counts, outcomes, batch = take(bean, SHOPIFY + shopify(status="partially_refunded", back="5.00"))
    (order,) = all_of(session, bean, Order)
    assert order.total_cents == 700
    assert [line.amount_cents for line in all_of(session, bean, OrderLine)] == [466, 234]
    (row,) = all_of(session, bean, LoyaltyTransaction)
    assert (row.amount_cents, row.eligible_cents, row.points_delta) == (700, 700, 70)
    told = "Line 2: 5.00 was given back; 7.00 was kept, and counts."
    assert outcomes[0].notes == [("partly_refunded", told)]
    assert counts["partly_refunded"] == 1
    assert undo(batch)["voided"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (shopify(status="partially_refunded"), "refunded in part, but nothing says how much"),
        (shopify(status="exchanged"), "--map-value “sale_status:exchanged=paid”"),
        (shopify(back="€5.00"), "The price says €, but the money here is USD"),
        (shopify(back="some"), "is no amount of money"),
        (
            shopify(status="voided").replace("Cake", "Cake\n#1,,paid,,,,1,Tea,4.00,,,,,0.00\n#1,,,,,,1,x"),
            "disagree",
        ),
    ],
)
def test_what_is_not_certain_is_refused_not_guessed(session, bean, text, why):
    _, (outcome,), _ = take(bean, SHOPIFY + text)
    assert outcome.outcome == "refused"
    assert why in outcome.reason


def test_a_status_that_is_not_known_can_be_said(session, bean):
    counts, _, _ = take(
        bean, SHOPIFY + shopify(status="Exchanged"), values=[("sale_status", "exchanged", "paid")]
    )
    assert counts["new"] == 1
    counts, _, _ = take(bean, SHOPIFY + shopify(name="#3", status="pending"), maps=[("sale_status", "")])
    assert counts["new"] == 1


@pytest.mark.parametrize("said", [{"status": "refunded", "back": "12.00"}, {"cancelled": AT}])
def test_a_sale_that_ended_after_it_was_imported_is_named(session, bean, said):
    take(bean, SHOPIFY + shopify())
    counts, (outcome,), batch = take(bean, SHOPIFY + shopify(**said))
    assert (outcome.outcome, counts["ended_since"], batch) == ("unchanged", 1, None)
    assert outcome.notes[0][1].endswith("It is an order here, and was left as it is. Look at it.")
    assert [order.total_cents for order in all_of(session, bean, Order)] == [1200]


def test_square_gives_money_back_in_receipts_of_their_own(session, bean):
    rows = (
        "03/16/2026,11:00:00,,Latte,-1,,-$4.50,T2,Refund,Gare,SQ1\n"
        "03/16/2026,10:00:00,,Cake,-1,,($4.00),T1,Refund,Gare,SQ1\n"
        "03/14/2026,09:30:00,,Latte,2,,$8.00,T1,Payment,Gare,SQ1\n"
        "03/14/2026,09:30:00,,Cake,1,,$4.00,T1,Payment,Gare,SQ1\n"
        "03/14/2026,09:40:00,,Gift,1,,-$1.00,T3,Payment,Gare,SQ1\n"
    )
    counts, outcomes, _ = take(bean, SQUARE + rows, "square")
    assert {each.basket.key: each.outcome for each in outcomes} == {
        "T1": "new",
        "T2": "not_sold",
        "T3": "not_sold",
    }
    (order,) = all_of(session, bean, Order)
    assert (order.total_cents, order.occurred_at) == (800, datetime(2026, 3, 14, 13, 30, tzinfo=UTC))
    assert (counts["money_back"], counts["partly_refunded"], counts["points"]) == (2, 1, 80)


def test_loyverse_names_refunds_by_type_and_voids_by_status(session, bean):
    rows = (
        "14.03.26 09:30,1-1,Sale,,Latte,1.000,8.00,Gare,k@example.com,Closed\n"
        "14.03.26 09:40,1-2,sale,,Latte,1.000,8.00,Gare,k@example.com,Cancelled\n"
        "14.03.26 09:50,1-3,REFUND,,Latte,1.000,8.00,Gare,k@example.com,Closed\n"
    )
    counts, outcomes, _ = take(bean, LOYVERSE + rows, "loyverse", dates="dmy")
    assert [each.outcome for each in outcomes] == ["new", "not_sold", "not_sold"]
    assert (counts["voided"], counts["money_back"], counts["points"]) == (1, 1, 80)
    _, (outcome,), _ = take(
        bean, LOYVERSE + rows.splitlines()[0].replace("Sale", "Venta"), "loyverse", dates="dmy"
    )
    assert "--map-value “receipt_type:Venta=sale”" in outcome.reason


def test_a_refund_that_cannot_be_read_is_refused(session, bean):
    row = "03/16/2026,11:00:00,,Latte,-1,,-some,T2,Refund,Gare,SQ1\n"
    _, (outcome,), _ = take(bean, SQUARE + row, "square")
    assert outcome.outcome == "refused"


@pytest.mark.parametrize(
    ("text", "means"), [("no", ""), ("0000-00-00", ""), ("2026-03-14", "voided"), ("yes", "voided")]
)
def test_any_moment_of_cancelling_means_cancelled(text, means):
    assert cancelled(text) == means


@pytest.mark.parametrize(
    ("text", "means"), [("0.00", ""), ("-", ""), ("-5.00", "5.00"), ("($5.00)", "$5.00")]
)
def test_what_was_given_back_is_read_without_its_sign(text, means):
    assert given_back(text) == means


def test_words_are_known_whatever_their_case():
    assert (status("Partially Refunded"), receipt_type("PAYMENT")) == ("partly_refunded", "sold")
    with pytest.raises(Refused, match="is a sale is not known"):
        receipt_type("Exchange")

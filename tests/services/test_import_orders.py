"""Importing receipts as orders."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event, select

from portal.errors import Refused
from portal.extensions import db
from portal.models import (
    AuditEntry,
    ImportBatch,
    ImportRow,
    LoyaltyCard,
    LoyaltyTransaction,
    Order,
    OrderLine,
)
from portal.models.actor import OPERATOR
from portal.services import imports, trash
from portal.services.customers import delete_customer
from portal.services.ledger.merging import merge_customers
from portal.services.ledger.visits import Visit
from tests.factories import (
    NOW,
    make_card,
    make_customer,
    make_member,
    make_merchant,
    make_product,
    make_program,
    make_store,
    within,
)
from tests.services.importing import committed, take_orders

HEADER = "receipt,date,time,shop,till,customer_id,staff_id,product_id,quantity,line_amount,unit_price\n"
MAPS = (("number", "receipt"), ("store", "shop"))
GROUP = ("receipt", "date", "shop")


@pytest.fixture
def bean(session):
    return make_merchant("Bean", timezone="America/New_York", currency="USD")


@pytest.fixture
def gare(bean):
    return make_store(bean, "Gare", external_ref="3")


@pytest.fixture
def program(bean):
    return make_program(bean, loyalty_type="points", points_per_euro=10)


@pytest.fixture
def kelly(bean, program):
    customer = make_customer(bean, "Kelly", external_ref="558")
    make_card(program, customer)
    return customer


def take(merchant, rows, **asked):
    asked = {"maps": MAPS, "group_by": GROUP, **asked}
    text = rows if isinstance(rows, bytes) else HEADER + rows
    return take_orders(merchant, text, **asked)


def all_of(session, merchant, model):
    with within(merchant):
        return list(session.scalars(model.of(merchant).order_by(model.id)))


def line(receipt="7", when="2019-04-01", clock="12:04:43", who="558", amount="2.50", **more):
    told = {"shop": "3", "staff": "", "product": "", "quantity": "1", "price": amount} | more
    keys = ("shop", "staff", "product", "quantity", "price")
    shop, staff, product, quantity, price = (told[key] for key in keys)
    return f"{receipt},{when},{clock},{shop},1,{who},{staff},{product},{quantity},{amount},{price}\n"


def test_lines_become_baskets_and_baskets_orders_that_earn(session, bean, gare, kelly):
    rows = line(amount="2.50") + line(amount="7.00", quantity="2", price="3.50")
    counts, _, batch = take(bean, rows, is_earning=True)
    (order,) = all_of(session, bean, Order)
    assert (order.number, order.external_ref, order.total_cents) == ("7", "7/2019-04-01/3", 950)
    assert (order.store_id, order.customer_id) == (gare.id, kelly.id)
    assert order.occurred_at == datetime(2019, 4, 1, 16, 4, 43, tzinfo=UTC)
    lines = all_of(session, bean, OrderLine)
    assert [(each.position, each.quantity, each.unit_price_cents, each.amount_cents) for each in lines] == [
        (1, Decimal(1), 250, 250),
        (2, Decimal(2), 350, 700),
    ]
    (row,) = all_of(session, bean, LoyaltyTransaction)
    assert (row.type, row.source, row.points_delta, row.points_after) == ("earn", "import", 95, 95)
    assert (row.order_id, row.attempt_no, row.batch_id) == (order.id, 1, batch.id)
    assert (row.occurred_at, row.created_at) == (order.occurred_at, NOW)
    assert (counts["lines"], counts["baskets"], counts["new"], counts["earned"]) == (2, 1, 1, 1)
    assert batch.counts["points"] == 95
    (card,) = all_of(session, bean, LoyaltyCard)
    assert (card.points_balance, card.last_activity_at) == (95, order.occurred_at)
    assert card.expiry_floor_at == NOW + timedelta(days=30)


def test_the_import_is_noted(session, bean, gare, kelly):
    take(bean, line())
    with within(bean):
        entry = session.scalars(AuditEntry.of(bean).where(AuditEntry.action == "orders.import")).one()
    assert entry.details["new"] == 1


def test_importing_again_changes_nothing(session, bean, gare, kelly):
    take(bean, line() + line("8"), is_earning=True)
    counts, outcomes, batch = take(bean, line() + line("8"), is_earning=True, now=NOW + timedelta(days=1))
    assert ([each.outcome for each in outcomes], batch) == (["unchanged", "unchanged"], None)
    assert counts["resumed"] == 0
    assert len(all_of(session, bean, Order)) == len(all_of(session, bean, LoyaltyTransaction)) == 2
    assert len(all_of(session, bean, ImportBatch)) == 1


def test_an_order_that_is_here_with_another_total_stays_as_it_is(session, bean, gare):
    take(bean, line(who="0"))
    _, (outcome,), _ = take(bean, line(who="0", amount="9.00"))
    assert outcome.notes == [("differs", "It is here with another total, and was left as it is.")]
    assert [order.total_cents for order in all_of(session, bean, Order)] == [250]


def test_another_sale_under_a_number_that_is_here_is_named(session, bean, gare):
    take(bean, line(who="0"), group_by=())
    _, (outcome,), _ = take(bean, line(who="0", when="2019-05-02"), group_by=())
    assert outcome.outcome == "unchanged"
    assert outcome.notes == [
        ("other_time", "It is here as sold at another time, and was left as it is. Is it another sale?")
    ]


def test_without_a_number_nobody_could_know_a_sale_again(session, bean, gare):
    counts, outcomes, _ = take(bean, line("") + line("", amount="3.00") + line("8"), group_by=())
    assert counts["new"] == 1
    told = [each.reason for each in outcomes if each.outcome == "refused"]
    assert told == ["Nothing says which basket it is of: “receipt” is blank."] * 2


def test_lines_of_days_apart_are_not_one_basket(session, bean, gare):
    night = line(who="0", clock="23:55") + line(who="0", when="2019-04-02", clock="00:05")
    apart = line("8", who="0") + line("8", who="0", when="2019-04-09")
    _, outcomes, _ = take(bean, night + apart, group_by=())
    told = {each.basket.key: each for each in outcomes}
    assert (told["7"].outcome, told["8/3"].outcome) == ("new", "refused")
    assert "were sold more than a day apart. Is a column missing in --group-by?" in told["8/3"].reason


def test_the_broken_header_of_one_cell_is_mended(session, bean, gare, kelly):
    names = HEADER.strip().split(",")
    header = '"' + names[0] + "," + ",".join(f'""{name}""' for name in names[1:]) + '"\n'
    counts, _, _ = take(bean, (header + line()).encode())
    assert counts["new"] == 1


def test_lines_of_a_basket_need_not_be_adjacent_and_orders_are_made_by_time(session, bean, gare, kelly):
    rows = line("2", clock="15:00") + line("1", clock="09:00") + line("2", clock="15:00", amount="1.00")
    take(bean, rows + line("3", clock="09:00"), is_earning=True)
    assert [(order.number, order.total_cents) for order in all_of(session, bean, Order)] == [
        ("1", 250),
        ("3", 250),
        ("2", 350),
    ]
    assert [row.points_after for row in all_of(session, bean, LoyaltyTransaction)] == [25, 50, 85]


def test_the_same_number_on_another_day_is_another_basket(session, bean, gare):
    counts, _, _ = take(bean, line(who="0") + line(who="0", when="2019-04-02"))
    assert counts["new"] == 2


def test_without_group_by_the_number_makes_the_basket(session, bean, gare):
    counts, _, _ = take(bean, line(who="0") + line(who="0"), group_by=())
    assert counts["new"] == 1
    assert all_of(session, bean, Order)[0].external_ref == "7"


@pytest.mark.parametrize("who", ["0", ""])
def test_nobody_is_anonymous(session, bean, gare, kelly, who):
    counts, _, _ = take(bean, line(who=who), is_earning=True)
    assert (counts["anonymous"], counts["earned"], counts["unknown_customer"]) == (1, 0, 0)
    assert [order.customer_id for order in all_of(session, bean, Order)] == [None]


def test_an_unknown_customer_makes_an_anonymous_order_that_is_reported(session, bean, gare, kelly):
    counts, (outcome,), _ = take(bean, line(who="5000"), is_earning=True)
    assert outcome.notes == [
        ("unknown_customer", "There is no customer “5000”; the order is kept without one.")
    ]
    assert (counts["new"], counts["unknown_customer"], counts["anonymous"], counts["earned"]) == (1, 1, 0, 0)
    (row,) = all_of(session, bean, ImportRow)
    assert (row.fate, row.code, row.made_kind) == ("kept_anonymous", "unknown_customer", "orders")


def test_a_line_keeps_the_amount_that_is_printed_and_is_reported(session, bean, gare, kelly):
    counts, (outcome,), _ = take(bean, line(amount="1.00", price="3.75"), is_earning=True)
    assert outcome.notes == [("amount_differs", "Line 2: 1 × 3.75 is not 1.00; the printed amount was kept.")]
    assert counts["amount_differs"] == 1
    (sold,) = all_of(session, bean, OrderLine)
    assert (sold.unit_price_cents, sold.amount_cents) == (375, 100)
    assert [row.points_delta for row in all_of(session, bean, LoyaltyTransaction)] == [10]


def test_products_say_their_name_and_whether_they_earn(session, bean, gare, kelly):
    make_product(gare, "Coffee", external_ref="52")
    make_product(gare, "Gift card", external_ref="99", earns_points=False)
    make_product(gare, "Tea", sku="T1")
    rows = line(product="52") + line(product="99", amount="50.00") + line(product="77", amount="1.00")
    counts, (outcome,), _ = take(bean, rows, is_earning=True)
    lines = all_of(session, bean, OrderLine)
    assert [(each.name, each.earns_points, each.product_id is None) for each in lines] == [
        ("Coffee", True, False),
        ("Gift card", False, False),
        ("77", True, True),
    ]
    (row,) = all_of(session, bean, LoyaltyTransaction)
    assert (row.amount_cents, row.eligible_cents, row.points_delta) == (5350, 350, 35)
    assert ("unknown_product", "Nothing is sold here as “77”; it earns points.") in outcome.notes
    assert counts["unknown_product"] == 1


def test_products_are_found_by_sku_too_and_a_name_in_the_file_goes_before(session, bean, gare):
    make_product(gare, "Tea", sku="T1", external_ref="1")
    text = "receipt_number,date,store,sku,item,qty,net_sales\nR1,2019-04-01,gare,T1,Green tea,3,10.00\n"
    take_orders(bean, text)
    (sold,) = all_of(session, bean, OrderLine)
    assert (sold.name, sold.unit_price_cents, sold.amount_cents) == ("Green tea", 333, 1000)
    assert sold.product_id is not None


def test_a_price_alone_makes_the_amount_less_the_discount(session, bean, gare):
    text = "order_number,date,store,lineitem_quantity,lineitem_price,lineitem_discount\nR1,2019-04-01,gare,"
    take_orders(bean, text + "3,2.50,0.50\n")
    (sold,) = all_of(session, bean, OrderLine)
    assert (sold.name, sold.amount_cents) == ("-", 700)
    counts, (outcome,), _ = take_orders(bean, text.replace("R1", "R2") + "1,2.50,3.00\n")
    assert counts["refused"] == 1
    assert outcome.reason == "Line 2 gives more off than it costs."


def test_a_quantity_of_nought_keeps_its_amount(session, bean, gare):
    take_orders(bean, "order_number,date,store,qty,amount\nR1,2019-04-01,gare,0,2.50\n")
    (sold,) = all_of(session, bean, OrderLine)
    assert (sold.unit_price_cents, sold.amount_cents) == (250, 250)


def test_who_sold_is_kept_when_known(session, bean, gare):
    member = make_member(gare, external_ref="12")
    counts, _, _ = take(bean, line(who="0", staff="12") + line("8", who="0", staff="13"))
    assert [order.sold_by_id for order in all_of(session, bean, Order)] == [member.user_id, None]
    assert counts["unknown_seller"] == 1


def test_a_basket_is_refused_whole_with_all_that_is_wrong(session, bean, gare, kelly):
    rows = line() + line(amount="free", price="1") + line("8") + line("9", shop="HQ")
    counts, outcomes, batch = take(bean, rows)
    told = {each.basket.key: each.reason for each in outcomes if each.outcome == "refused"}
    assert told == {
        "7/2019-04-01/3": "“free” is no amount of money. Write it like 4.50.",
        "9/2019-04-01/HQ": "There is no store “HQ”.",
    }
    assert (counts["new"], counts["refused"]) == (1, 2)
    assert [order.number for order in all_of(session, bean, Order)] == ["8"]
    refused = [row for row in all_of(session, bean, ImportRow) if row.fate == "refused"]
    assert [(row.row_key, row.code, row.message) for row in refused] == [
        (key, "refused", reason) for key, reason in told.items()
    ]
    assert batch.counts["refused"] == 2


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (line(when="4.3.2019"), "may be read two ways"),
        (line(when="14.3.2019"), "has the day first"),
        (line(clock="25:00"), "no time of the day"),
        (line(when="2999-01-01"), "sold in the future"),
        (line(when="1019-04-01"), "sold before 1970"),
        (line(when="9999-12-31", clock="23:59"), "is no date"),
        (line(amount="", price=""), "Line 2 has no amount."),
        (line(price="-2.50", amount="x"), "no amount of money"),
        (line(amount="€2.50"), "The price says €, but the money here is USD."),
        (line(quantity="x"), "no quantity"),
        (line(shop=""), "The row names no store."),
        (line() + line(who="559"), "customer is “558” and “559”. Is a column missing in --group-by?"),
        ("7,2019-04-01,12:00,3,1\n", "The row has 5 cells"),
        ("7\n", "The row has 1 cell"),
        (line(amount="60000000.00") * 2, "more than anybody means"),
    ],
)
@pytest.mark.usefixtures("gare", "kelly")
def test_what_cannot_be_understood_is_refused(session, bean, rows, why):
    _, (outcome,), batch = take(bean, rows)
    assert outcome.outcome == "refused"
    assert why in outcome.reason
    assert batch is None
    assert all_of(session, bean, Order) == []


def test_an_order_in_the_trash_is_skipped(session, bean, gare):
    take(bean, line(who="0"))
    with committed(bean.id):
        act = trash.soft_delete_cascade(all_of(session, bean, Order)[0], by=OPERATOR, now=NOW)
    _, (outcome,), _ = take(bean, line(who="0"))
    assert outcome.outcome == "skipped"
    assert outcome.reason == f"It is in the trash (deletion {act.id}). Restore it to have it back."


def test_below_the_minimum_a_visit_is_recorded_without_points(session, bean, gare):
    program = make_program(bean, loyalty_type="points", minimum_purchase_cents=300)
    make_card(program, make_customer(bean, external_ref="558"))
    counts, _, _ = take(bean, line() + line("8", amount="3.00"), is_earning=True)
    assert [row.points_delta for row in all_of(session, bean, LoyaltyTransaction)] == [0, 3]
    assert counts["earned"] == 2


def test_without_a_card_and_with_a_suspended_one_nothing_is_earned(session, bean, gare, program):
    make_customer(bean, external_ref="1")
    make_card(program, make_customer(bean, external_ref="2"), status="suspended")
    counts, outcomes, _ = take(bean, line(who="1") + line("8", who="2"), is_earning=True)
    assert [each.notes[0][0] for each in outcomes] == ["no_card", "card_suspended"]
    assert (counts["new"], counts["earned"], counts["anonymous"]) == (2, 0, 0)
    assert all(order.customer_id for order in all_of(session, bean, Order))


def test_a_merged_customer_leads_to_the_survivor(session, bean, gare, program, kelly):
    survivor = make_customer(bean, "Kelly Key", external_ref="1")
    with committed(bean.id):
        merge_customers(session.merge(survivor), session.merge(kelly), visit=Visit(by=OPERATOR, now=NOW))
    take(bean, line(), is_earning=True)
    assert [order.customer_id for order in all_of(session, bean, Order)] == [survivor.id]
    cards = {card.customer_id: card.points_balance for card in all_of(session, bean, LoyaltyCard)}
    assert cards[survivor.id] == 25


@pytest.mark.parametrize("is_merged", [True, False])
def test_a_receipt_of_somebody_in_the_trash_is_nobodys(session, bean, gare, kelly, is_merged):
    survivor = make_customer(bean, "Kelly Key", external_ref="1")
    with committed(bean.id):
        gone, other = session.merge(kelly), session.merge(survivor)
        if is_merged:
            merge_customers(other, gone, visit=Visit(by=OPERATOR, now=NOW))
        delete_customer(other if is_merged else gone, by=OPERATOR, now=NOW)
    counts, _, _ = take(bean, line(), is_earning=True)
    assert [order.customer_id for order in all_of(session, bean, Order)] == [None]
    assert counts["earned"] == 0


@pytest.mark.parametrize(
    "contact", ["K@example.com", "621 123 456", "call me; k@example.com", "x, +352621123456"]
)
def test_a_customer_is_found_by_what_reaches_them(session, gare, bean, contact):
    make_customer(bean, "Kelly", email="k@example.com", phone="+352621123456")
    text = f'receipt_number,date,store,customer_email,amount\nR1,2019-04-01,gare,"{contact}",2.50\n'
    take_orders(bean, text)
    assert [order.customer_id is not None for order in all_of(session, bean, Order)] == [True]


def test_all_can_go_into_one_store(session, bean, gare):
    take(bean, line(shop="HQ", who="0"), store="gare")
    assert [order.store_id for order in all_of(session, bean, Order)] == [gare.id]


def test_stores_are_known_by_name_too(session, bean, gare):
    take(bean, line(shop="GARE", who="0") + line("8", shop="3", who="0"))
    assert {order.store_id for order in all_of(session, bean, Order)} == {gare.id}


def test_lines_are_chosen(session, bean, gare):
    counts, _, _ = take(bean, line(who="0") + line("8", who="0", shop="4"), where=[("shop", "3")])
    assert (counts["new"], counts["left_out"]) == (1, 1)


@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("when,total", "Say which columns make a basket"),
        ("receipt_number,amount", "No column says when"),
        ("receipt_number,date", "No column says how much"),
        ("receipt_number,date,amount", "No column says which store"),
    ],
)
def test_what_is_needed_must_be_there(bean, header, why):
    with pytest.raises(Refused, match=why):
        take_orders(bean, f"{header}\n{','.join('1' for _ in header.split(','))}\n")


def test_earning_needs_a_running_program_of_points(session, bean, gare):
    with pytest.raises(Refused, match="There is no program yet"):
        take(bean, line(), is_earning=True)
    program = make_program(bean, loyalty_type="stamps")
    with pytest.raises(Refused, match="collects stamps"):
        take(bean, line(), is_earning=True)
    with committed(bean.id):
        session.merge(program).deactivate()
    with pytest.raises(Refused, match="paused"):
        take(bean, line(), is_earning=True)


def test_the_same_import_goes_on_where_it_was_cut_off(session, bean, gare, kelly, monkeypatch):
    monkeypatch.setattr("portal.services.imports.orders.CHUNK", 2)
    bad = line("0", clock="08:00", amount="free", price="")
    odd = line("2", clock="09:00", who="5000", amount="1.00", price="2.00")
    rows = bad + odd + "".join(line(str(n), clock=f"1{n}:00") for n in range(3, 7))
    take(bean, rows, is_earning=True, stop_after=2)
    assert len(all_of(session, bean, Order)) == 3
    assert [batch.status for batch in all_of(session, bean, ImportBatch)] == ["running"]
    counts, _, batch = take(bean, rows, is_earning=True, now=NOW + timedelta(hours=1))
    assert (counts["new"], counts["resumed"], counts["refused"]) == (5, 3, 1)
    assert (counts["earned"], counts["points"], counts["unknown_customer"]) == (4, 100, 1)
    assert counts["amount_differs"] == 1
    assert (batch.id, batch.status) == (1, "done")
    assert len(all_of(session, bean, Order)) == 5
    assert [row.points_after for row in all_of(session, bean, LoyaltyTransaction)] == [25, 50, 75, 100]
    assert len(all_of(session, bean, ImportRow)) == 6


def test_another_merchants_stores_products_and_people_are_not_seen(session, bean, gare, program):
    other = make_merchant("Stranger")
    make_customer(other, external_ref="558")
    make_product(make_store(other, external_ref="4"), "Secret", external_ref="52")
    counts, outcomes, _ = take(bean, line(product="52") + line("8", shop="4"))
    assert counts["unknown_customer"] == 1
    assert [each.outcome for each in outcomes] == ["new", "refused"]
    assert [each.name for each in all_of(session, bean, OrderLine)] == ["52"]


def test_what_is_read_of_a_chunk_does_not_grow_with_it(session, bean, gare, kelly, app):
    sent = []
    event.listen(db.engine, "before_cursor_execute", lambda *args: sent.append(args[2]))
    take(bean, line(), is_earning=True)
    few = len(sent)
    sent.clear()
    take(bean, "".join(line(f"A{n}") for n in range(50)), is_earning=True)
    assert len(sent) <= few


def test_the_rows_of_a_batch_that_need_a_look_are_read(session, bean, gare, kelly):
    _, _, batch = take(bean, line() + line("8", who="5000"))
    with within(bean):
        found = list(imports.notable_rows(session.merge(batch)))
        assert [row.row_key for row in found] == ["8/2019-04-01/3"]
        assert [each.id for each in imports.batches_of(bean)] == [batch.id]
        assert session.scalar(select(ImportRow.fate).where(ImportRow.merchant_id == bean.id).limit(1))

"""Finding customers as people type."""

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql, sqlite

from portal.extensions import db
from portal.models import Customer
from portal.models.tenancy import scoped
from portal.services import customer_search, trash
from tests.factories import (
    NOW,
    OWNER,
    make_card,
    make_customer,
    make_merchant,
    make_program,
    make_token,
    within,
)

LEA = {"phone": "+352621123456", "email": "lea.m@example.com", "external_ref": "C-17"}


@pytest.fixture
def merchant(app):
    merchant = make_merchant(country="LU")
    lea = make_customer(merchant, "Léa Martin", **LEA)
    make_customer(merchant, "Martin Weber", phone="+33612345678")
    make_customer(merchant, "Maria del Carmen López", phone=None)
    card = make_card(make_program(merchant), lea)
    make_token(card, kind="number", value="40170019")
    make_token(card, kind="legacy", value="OLD-88")
    make_token(card, kind="number", value="55512340", revoked_at=NOW)
    return merchant


def names(merchant, q, country="LU"):
    """Who is found, and that the condition without an end finds the same."""
    with within(merchant):
        hits = customer_search.found(q, country)
        some = select(Customer.name).join(hits, hits.c.id == Customer.id).order_by(Customer.name_key)
        found = db.session.scalars(some.where(Customer.merchant_id == merchant.id)).all()
        all_ = Customer.of(merchant).where(customer_search.matching(q, country))
        again = db.session.scalars(all_.order_by(Customer.name_key)).all()
        assert found == [customer.name for customer in again]
        db.session.expunge_all()
        db.session.rollback()
    return found


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("lea", ["Léa Martin"]),
        ("LÉA  m", ["Léa Martin"]),
        ("martin", ["Léa Martin", "Martin Weber"]),
        ("mart lea", ["Léa Martin"]),
        ("le mar", ["Léa Martin"]),
        ("lop", ["Maria del Carmen López"]),
        ("maria lo", ["Maria del Carmen López"]),
        ("lopez maria del", ["Maria del Carmen López"]),
        ("artin", []),
        ("+352 621 12", ["Léa Martin"]),
        ("00352621", ["Léa Martin"]),
        ("621 123", ["Léa Martin"]),
        ("0621", ["Léa Martin"]),
        ("3456", ["Léa Martin"]),
        ("34-56", ["Léa Martin"]),
        ("+33 (0)", ["Martin Weber"]),
        ("5678", ["Martin Weber"]),
        ("lea.m@", ["Léa Martin"]),
        ("Lea.M@Example.com", ["Léa Martin"]),
        ("C-1", ["Léa Martin"]),
        ("c-17", ["Léa Martin"]),
        ("4017", ["Léa Martin"]),
        ("4017 0019", ["Léa Martin"]),
        ("old-8", ["Léa Martin"]),
        ("5551", []),
        ("1", []),
        ("%", []),
        ("_", []),
        ("\u0301", []),
        ("zoe", []),
    ],
)
def test_people_are_found_by_what_is_typed(merchant, q, found):
    assert names(merchant, q) == found


def test_a_number_without_its_code_is_one_of_the_country(merchant):
    assert names(merchant, "06 12 34", country="fr") == ["Martin Weber"]
    assert names(merchant, "06 12 34") == []
    assert names(merchant, "621", country="??") == []


def test_nobody_is_found_in_the_trash_or_at_another_merchant(merchant):
    other = make_merchant(country="LU")
    make_customer(other, "Lea Other", phone="+352621123456")
    assert names(merchant, "lea") == ["Léa Martin"]
    with within(merchant):
        lea = db.session.scalars(Customer.of(merchant).where(Customer.external_ref == "C-17")).one()
        trash.soft_delete_cascade(lea, by=OWNER, now=NOW)
        db.session.commit()
    for q in ("lea", "3456", "C-17", "4017", "OLD", "lea.m"):
        assert names(merchant, q) == []


def test_each_way_is_read_up_to_a_bound(merchant, monkeypatch):
    for n in range(5):
        make_customer(merchant, f"Zoe {n}")
    monkeypatch.setattr(customer_search, "MOST", 3)
    with within(merchant):
        hits = customer_search.found("zoe", "LU")
        assert len(db.session.execute(select(hits)).all()) == 3
        db.session.rollback()


# Which index serves each way; tried on both engines.
INDEXES = {
    "ix_customers_name_live",
    "ix_customers_last_name_live",
    "uq_customers_email_live",
    "uq_customers_external_ref_live",
    "uq_customers_phone_live",
    "ix_customers_phone_reversed_live",
    "card_tokens_value",
}


def plan_of(merchant, arm):
    """How the database means to answer; asked without a scan of the whole table as a way out."""
    with scoped(db.session, merchant.id):
        name = db.session.get_bind().dialect.name
        mine = arm.where(Customer.merchant_id == merchant.id, Customer.deleted_at.is_(None))
        dialect = {"postgresql": postgresql.dialect(), "sqlite": sqlite.dialect()}[name]
        words = str(mine.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        words = words.replace(customer_search.LAST, "z")  # SQLite's shell of this test reads no such letter
        if name == "postgresql":
            for way in ("seqscan", "bitmapscan", "sort"):
                db.session.execute(text(f"SET LOCAL enable_{way} = off"))
            told = db.session.execute(text(f"EXPLAIN {words.replace('%%', '%')}")).scalars().all()
        else:
            told = [row.detail for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {words}"))]
        db.session.rollback()
    return "\n".join(told)


@pytest.mark.unguarded("explains what the session would send")
def test_every_way_of_finding_is_a_range_of_an_index(merchant):
    used = set()
    for q in ("lea", "lea martin", "621 123", "C-17"):
        for column, fits in customer_search._customers(q, "LU"):
            plan = plan_of(merchant, customer_search._arm(column, fits).limit(51))
            used |= set(re.findall(r"[iu][xq]_\w+", plan))
            assert "SCAN" not in plan.replace("SEARCH", ""), plan
            assert "Sort" not in plan, plan
            assert "TEMP B-TREE" not in plan, plan
            ranges = re.findall("Index Cond: .* >= .* < |SEARCH .*>. AND .*<.", plan)
            assert ranges, plan  # a filter on a whole index is no range, whatever the index
        for column, fits in customer_search._tokens(q):
            arm = customer_search._token_arm(column, fits)
            live = arm.where(text("card_tokens.deleted_at IS NULL AND loyalty_cards.deleted_at IS NULL"))
            mine = live.where(text(f"card_tokens.merchant_id = {merchant.id}")).limit(51)
            used |= set(re.findall(r"[iu][xq]_\w+", plan_of(merchant, mine)))
    # Codes have two: of the living alone, and of all; either serves.
    named = {re.sub("^[iu][xq]_(card_tokens_value).*", r"\1", name) for name in used}
    assert named >= INDEXES

"""The commands of docs/run/import.md, on the real sample data when it is there."""

import os
import re
import shlex
from pathlib import Path

import pytest
from sqlalchemy import func, select

from config import ROOT
from portal.models import Customer, LoyaltyCard, LoyaltyTransaction, Order, Product, Store, StoreUser
from portal.services import merchants
from tests.factories import within

pytestmark = [pytest.mark.data, pytest.mark.timeout(300)]
PLACES = [os.environ.get("CARNET_SAMPLE_DATA"), ROOT.parent / "shared" / "data" / "coffee-shop"]
FOUND = [Path(place) for place in PLACES if place and (Path(place) / "outlets.csv").exists()]
SUMS = [
    {"new": 8},
    {"new": 40, "refused": 15},
    {"new": 704},
]


def commands():
    """What the page tells people to type, in its order."""
    page = (ROOT / "docs" / "run" / "import.md").read_text(encoding="utf-8")
    chain = page[page.index("## A chain of coffee shops") :]
    blocks = re.findall(r"```sh\n(.*?)```", chain, re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


@pytest.fixture
def typed(flask, tmp_path):
    if not FOUND:
        pytest.skip("the sample data is not here; CARNET_SAMPLE_DATA names its folder")

    def run(words, *more):
        words = [word.replace("coffee-shop/", f"{FOUND[0]}/") for word in words]
        words = [str(tmp_path / word) if word == "refused-staff.csv" else word for word in words]
        return flask(*words, *more)

    return run


def sums(result):
    words = [line.split() for line in result.stdout.splitlines()]
    known = {"new", "updated", "unchanged", "skipped", "refused", "warnings"}
    return {w[0]: int(w[1].replace(",", "")) for w in words if w[0] in known and w[1] != "0"}


def counts(session):
    session.rollback()
    bean = merchants.find_merchant("bean")
    with within(bean):
        found = [
            session.scalar(select(func.count()).select_from(model.of(bean).subquery()))
            for model in (Store, StoreUser, Product)
        ]
    session.rollback()
    return found


def test_the_commands_of_the_page_take_the_chain_in(typed, session, tmp_path):
    founding, (outlets, staff, products) = commands()[:2], commands()[2:5]
    for words in founding:
        assert typed(words).exit_code == 0
    for words, expected in zip((outlets, staff, products), SUMS, strict=True):
        before = counts(session)
        dry = typed(words, "--dry-run")
        assert sums(dry) == expected
        assert counts(session) == before
        result = typed(words)
        assert sums(result) == expected
        assert result.exit_code == (1 if "refused" in expected else 0)
    assert counts(session) == [8, 40, 704]
    refused = (tmp_path / "refused-staff.csv").read_text(encoding="utf-8")
    assert [refused.count(f"There is no store “{name}”") for name in ("HQ", "WH", "FL")] == [2, 3, 10]
    for words, expected in zip((outlets, staff, products), SUMS, strict=True):
        again = {"unchanged": expected["new"], **{k: v for k, v in expected.items() if k != "new"}}
        assert sums(typed(words)) == again
    assert counts(session) == [8, 40, 704]
    check_details(session)


@pytest.mark.timeout(600)
def test_the_receipts_of_two_weeks_become_balances_right_to_the_point(typed, session):
    *founding, customers, receipts, verify, balances = commands()
    for words in founding:
        typed(words)
    taken = typed(customers)
    assert sums(taken) == {"new": 2_246, "warnings": 1}
    assert "The e-mail “porter@pellentesque.gov” is held by Laurel Rutledge; it was left out." in taken.stderr
    sold = typed(receipts)
    assert sold.exit_code == 0
    assert "Warning: The header is one cell in quotation marks. It was read as 14 columns." in sold.stderr
    assert sold.stdout.splitlines()[-6:-1] == [
        "refused           0",
        "23,712 lines are 18,760 baskets; 18,760 became orders.",
        "13,432 earned 747,555 points on 2,235 cards; 5,324 are anonymous.",
        "79 lines have an amount that is not quantity × price less discount; the printed amount was kept.",
        "4 baskets have a customer who is not known here; the order was kept without one.",
    ]
    before = balances_of(session)
    assert before == (2_246, 18_760, 13_432, 747_555)
    assert typed(verify).exit_code == 0
    told = typed(balances).stdout
    assert sum(int(line.split(",")[2]) for line in told.splitlines()[1:]) == 747_555
    assert sums(typed(customers)) == {"unchanged": 2_246, "warnings": 1}
    assert sums(typed(receipts)) == {"unchanged": 18_760}
    assert balances_of(session) == before
    assert typed(balances).stdout == told


def balances_of(session):
    session.rollback()
    bean = merchants.find_merchant("bean")
    with within(bean):
        counted = [
            session.scalar(select(func.count()).select_from(model.of(bean).subquery()))
            for model in (Customer, Order, LoyaltyTransaction)
        ]
        points = select(func.sum(LoyaltyCard.points_balance)).where(LoyaltyCard.merchant_id == bean.id)
        total = int(session.scalar(points))
    session.rollback()
    return (*counted, total)


def check_details(session):
    bean = merchants.find_merchant("bean")
    with within(bean):
        astoria = session.scalars(Store.of(bean).where(Store.store_code == "3")).one()
        assert (astoria.name, astoria.external_ref) == ("Astoria", "3")
        team = session.scalars(StoreUser.of(bean).where(StoreUser.store_id == astoria.id)).all()
        assert sorted(member.role for member in team) == ["manager", *["staff"] * 4]
        assert not any(member.user.can_sign_in or member.user.email for member in team)
        coffee = Product.of(bean).where(Product.store_id == astoria.id, Product.external_ref == "1")
        assert session.scalars(coffee).one().price_cents == 1800

"""The audit log as owners read it, filter it and take it away."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from portal.extensions import db
from portal.models import AuditEntry, Product, StoreUser
from portal.models.actor import JOBS, OPERATOR
from portal.services import audit, products, stores
from tests.factories import NOW, make_product, make_store, manager_of, owner_of, within
from tests.web.cast import make_cast
from tests.web.conftest import path

ROW = re.compile(r'<tr id="entry-\d+">(.*?)</tr>', re.DOTALL)
SENTENCE = re.compile(r'<td class="title">\s*<span>(.*?)</span>', re.DOTALL)
NEXT = re.compile(r'id="page-next"\s+href="([^"]+)"')


@pytest.fixture
def cast(app):
    return make_cast()


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


@pytest.fixture
def log(cast):
    """The address of the log."""
    return path(cast.merchant, "audit/")


def wrote(cast, work):
    """Do something for the merchant and keep it; what the test made stays readable."""
    db.session.expunge_all()
    with within(cast.merchant):
        answer = work()
        db.session.commit()
    db.session.remove()
    return answer


def noted(cast, verb, row, *, by, when=None, **details):
    """Write an entry, at some moment."""
    entry = {
        "merchant_id": cast.merchant.id,
        "actor_id": by.user_id,
        "actor_role": by.role.word,
        "channel": by.channel,
        "action": f"{row.__tablename__}.{verb}",
        "subject_kind": row.__tablename__,
        "subject_id": row.id,
        "store_id": getattr(row, "store_id", None),
        "details": details,
        "occurred_at": when or NOW,
    }
    wrote(cast, lambda: db.session.execute(insert(AuditEntry), [entry]))


def told(answer):
    """The sentences of a page, as people read them."""
    assert answer.status_code == 200
    found = SENTENCE.findall(answer.text)
    return [" ".join(html.unescape(re.sub(r"<[^>]+>", "", each)).split()) for each in found]


@pytest.mark.parametrize("address", ["", "export.csv"])
def test_the_log_is_for_owners(cast, sign_in, client, log, address):
    assert client.get(log + address).status_code == 302
    for person, status in (("staff", 403), ("manager", 403), ("stranger", 404), ("owner", 200)):
        assert sign_in(getattr(cast, person)).get(log + address).status_code == status


def test_nothing_yet_and_no_match_are_told_apart(as_owner, log):
    assert "Nothing was done yet" in as_owner.get(log).text
    assert "Nothing matches" in as_owner.get(f"{log}?did=purged").text


def test_an_entry_says_who_did_what_when_where_and_as_what(as_owner, cast, log):
    product = make_product(cast.gare, "Croissant")
    noted(
        cast, "change", product, by=manager_of(cast.gare, user=cast.manager), fields=["price_cents", "name"]
    )
    answer = as_owner.get(log)
    assert told(answer) == ["Mia Manager changed product Croissant: price, name"]
    row = ROW.findall(answer.text)[0]
    assert f'href="{path(cast.merchant, "products", product.id)}"' in row
    assert '<time datetime="2026-03-14T10:30:00+01:00"' in row
    assert 'title="14 March 2026, 10:30:00 Central European Standard Time"' in row
    for words in ("14 Mar 2026, 10:30", "Manager", "Portal", "at Gare"):
        assert words in row


def test_names_are_escaped(as_owner, cast, log):
    product = make_product(cast.gare, "<script>alert(1)</script> 100% %(who)s")
    noted(cast, "change", product, by=owner_of(cast.merchant), fields=["<b>"])
    answer = as_owner.get(log)
    assert "<script>alert" not in answer.text
    assert "<b>" not in answer.text
    assert told(answer) == ["Olga Owner changed product <script>alert(1)</script> 100% %(who)s: <b>"]


def test_the_dead_lead_to_the_trash_and_the_purged_nowhere(as_owner, cast, log):
    product = make_product(cast.gare, "Old cake")
    by = owner_of(cast.merchant)

    def throw_away():
        row = db.session.get(Product, (cast.merchant.id, product.id))
        return products.delete_product(row, by=by, now=NOW).id

    act = wrote(cast, throw_away)
    answer = as_owner.get(log)
    assert told(answer) == ["Olga Owner put product Old cake in the trash"]
    assert f'href="{path(cast.merchant, "trash", act)}"' in answer.text
    as_owner.post(path(cast.merchant, "trash", act, "purge"), data={"typed_name": "Old cake"})
    answer = as_owner.get(log)
    gone = f"deleted product #{product.id}"
    assert told(answer) == [f"Olga Owner removed {gone} for good", f"Olga Owner put {gone} in the trash"]
    assert "Old cake" not in answer.text.partition('id="list"')[2]
    assert "<a" not in "".join(SENTENCE.findall(answer.text))


def test_only_the_merchants_own_acts_are_there(as_owner, cast, log):
    theirs = make_store(cast.elsewhere, "Hidden store")
    db.session.expunge_all()
    with within(cast.elsewhere):
        audit.record("change", theirs, by=OPERATOR, fields=["name"])
        db.session.commit()
    audit.note("set_password", ("users", cast.owner.id), merchant_id=0, by=OPERATOR)
    db.session.commit()
    assert "Nothing was done yet" in as_owner.get(log).text
    assert len(as_owner.get(f"{log}export.csv").text.splitlines()) == 1


@pytest.fixture
def four(cast):
    """Four acts of four kinds, by three people, a minute apart."""
    owner, mia = owner_of(cast.merchant), manager_of(cast.gare, user=cast.manager)
    product = make_product(cast.gare, "Crème brûlée")
    noted(cast, "create", cast.gare, by=OPERATOR, when=NOW)
    noted(cast, "create", product, by=mia, when=NOW + timedelta(minutes=1))
    noted(cast, "change", cast.merchant, by=owner, when=NOW + timedelta(minutes=2), fields=["name"])
    noted(cast, "finish_delete", cast.belval, by=JOBS, when=NOW + timedelta(minutes=3))
    return product


SAID = [
    "A nightly job finished putting store Belval in the trash",
    "Olga Owner changed the settings: name",
    "Mia Manager added product Crème brûlée",
    "The operator opened store Gare",
]


@pytest.mark.parametrize(
    ("query", "left"),
    [
        ("", [0, 1, 2, 3]),
        ("sort=when&direction=asc", [3, 2, 1, 0]),
        ("person=operator", [0, 3]),
        ("person={owner}", [1]),
        ("person={manager}", [2]),
        ("kind=stores", [0, 3]),
        ("kind=settings", [1]),
        ("kind=products", [2]),
        ("did=added", [2, 3]),
        ("did=changed", [1]),
        ("did=deleted", [0]),
        ("kind=stores&did=added", [3]),
        ("q=creme", [2]),
        ("q=GARE", [3]),
        ("q=nowhere", []),
        # What the filters do not know filters nothing.
        ("person=x&kind=x&did=x", [0, 1, 2, 3]),
        ("person=99999999999999999999", [0, 1, 2, 3]),
    ],
)
def test_filters_leave_what_they_say(as_owner, cast, four, query, left):
    ids = {"owner": cast.owner.id, "manager": cast.manager.id}
    address = f"{path(cast.merchant, 'audit/')}?{query.format(**ids)}"
    assert told(as_owner.get(address)) == [SAID[n] for n in left]


def test_a_thing_is_found_by_its_number(as_owner, cast, log):
    product = make_product(cast.gare, "Tea")
    make_product(cast.gare, "Cake")
    for number in (product.id, 9_000_000):
        product.id, kept = number, product.id
        noted(cast, "create", product, by=OPERATOR)
        product.id = kept
    assert told(as_owner.get(f"{log}?q=%239000000")) == ["The operator added deleted product #9000000"]
    assert told(as_owner.get(f"{log}?q=9000000")) == ["The operator added deleted product #9000000"]
    assert told(as_owner.get(f"{log}?q=%23{product.id}")) == ["The operator added product Tea"]


def test_the_deleted_are_found_by_name_and_counted(as_owner, cast, log):
    product = make_product(cast.gare, "Old cake")

    def throw_away():
        row = db.session.get(Product, (cast.merchant.id, product.id))
        products.delete_product(row, by=owner_of(cast.merchant), now=NOW)

    wrote(cast, throw_away)
    answer = as_owner.get(f"{log}?q=cake")
    assert told(answer) == ["Olga Owner put product Old cake in the trash"]
    assert "1 entry" in answer.text


def test_people_who_left_can_still_be_chosen(as_owner, cast, log):
    text = as_owner.get(log).text
    assert f'<option value="{cast.manager.id}"' in text
    as_manager = StoreUser.of(cast.merchant).where(StoreUser.user_id == cast.manager.id)
    member = wrote(cast, lambda: db.session.scalars(as_manager).one().id)
    as_owner.post(path(cast.merchant, "team", member, "deletion"))
    assert f'<option value="{cast.manager.id}"' in as_owner.get(log).text
    assert "Sam Stranger" not in as_owner.get(log).text


# Luxembourg put its clocks forward at 1:00 UTC on 29 March 2026, and back on 25 October.
@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-28T22:59:59", "2026-03-28"),
        ("2026-03-28T23:00:00", "2026-03-29"),
        ("2026-03-29T21:59:59", "2026-03-29"),
        ("2026-03-29T22:00:00", "2026-03-30"),
        ("2026-10-24T22:00:00", "2026-10-25"),
        ("2026-10-25T22:59:59", "2026-10-25"),
        ("2026-10-25T23:00:00", "2026-10-26"),
    ],
)
def test_a_day_is_the_merchants_also_when_the_clocks_change(as_owner, cast, log, moment, day):
    noted(cast, "create", cast.gare, by=OPERATOR, when=datetime.fromisoformat(moment).replace(tzinfo=UTC))
    this = datetime.fromisoformat(day).date()
    assert len(told(as_owner.get(f"{log}?from={day}&to={day}"))) == 1
    assert told(as_owner.get(f"{log}?from={this + timedelta(days=1)}")) == []
    for place in ("", "export.csv"):
        wrong = as_owner.get(f"{log}{place}?to=2026-99-99")
        assert (wrong.status_code, "“2026-99-99” is no day" in wrong.text) == (422, True)
    assert told(as_owner.get(f"{log}?to={this - timedelta(days=1)}")) == []


def test_days_the_wrong_way_round_are_told(as_owner, cast, log, four):
    text = as_owner.get(f"{log}?from=2026-03-15&to=2026-03-01").text
    assert "The first day is after the last" in text


def test_the_pages_show_every_entry_once(as_owner, cast, log, monkeypatch):
    monkeypatch.setattr("portal.services.keyset.PAGE_SIZE", 2)
    for n in range(5):  # several in the same moment
        noted(cast, "change", cast.gare, by=OPERATOR, when=NOW + timedelta(minutes=n // 2), fields=[f"f{n}"])
    seen, address = [], f"{log}?kind=stores"
    while address:
        answer = as_owner.get(address)
        seen.append([sentence[-1] for sentence in told(answer)])
        found = NEXT.search(answer.text)
        address = html.unescape(found[1]) if found else None
    assert seen == [["4", "3"], ["2", "1"], ["0"]]


@pytest.mark.parametrize("query", ["", "?did=added", "?q=gare", "?sort=when&direction=asc"])
def test_the_file_holds_what_the_list_shows_in_its_order(as_owner, cast, log, four, query):
    listed = as_owner.get(log + query)
    href = html.unescape(re.search(r'href="([^"]*export\.csv[^"]*)"', listed.text)[1])
    answer = as_owner.get(href)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["told"] for row in rows] == told(listed)
    assert all(datetime.fromisoformat(row["occurred_at"]).tzinfo for row in rows)


def test_the_file_runs_no_formula(as_owner, cast, log):
    product = make_product(cast.gare, "=cmd()")
    noted(cast, "create", product, by=OPERATOR)
    row = next(csv.DictReader(io.StringIO(as_owner.get(f"{log}export.csv").text)))
    assert row["name"] == "'=cmd()"


def test_reading_writes_nothing(as_owner, cast, log, four):
    for address in (log, f"{log}export.csv", f"{log}?q=gare"):
        before = len(told(as_owner.get(log)))
        assert as_owner.get(address).status_code == 200
        assert as_owner.piece(address).status_code == 200
        assert len(told(as_owner.get(log))) == before


def test_the_log_costs_the_same_however_long_it_is(as_owner, cast, log, statements):
    def cost():
        with statements() as sent:
            as_owner.piece(f"{log}?q=s")
        return len([one for one in sent if one.lstrip().startswith(("SELECT", "WITH"))])

    noted(cast, "create", cast.gare, by=OPERATOR)
    few = cost()

    def many():
        merchant = db.session.merge(cast.merchant)
        for n in range(30):
            store = stores.open_store(merchant, name=f"S{n}", store_code=f"s{n}", by=OPERATOR)
            products.add_product(store, name=f"P{n}", price_cents=1, by=OPERATOR)

    wrote(cast, many)
    assert cost() == few <= 6

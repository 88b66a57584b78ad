"""What narrows the list of customers: days that are none, and the newest word of merged people."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from portal.extensions import db
from portal.models import ConsentEvent, Customer
from portal.services import consents
from portal.services.ledger import merging
from portal.services.ledger.visits import Visit
from tests.factories import NOW, make_customer, owner_of, within
from tests.web.cast import make_cast
from tests.web.conftest import path


@pytest.fixture
def cast(app):
    cast = make_cast()
    cast.lea = make_customer(cast.merchant, "Léa Martin")
    cast.tom = make_customer(cast.merchant, "Tom Weber")
    return cast


@pytest.fixture
def as_owner(cast, sign_in):
    return sign_in(cast.owner)


def at(cast, *parts):
    return path(cast.merchant, "customers", *parts)


def names_in(answer):
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    return [html.unescape(name) for name in re.findall(r'class="name"[^>]*>([^<]+)<', main)]


def test_a_day_that_is_none_is_told_beside_its_field(as_owner, cast):
    answer = as_owner.get(at(cast, "?since=nonsense"))
    assert answer.status_code == 422
    assert "“nonsense” is no day from 1970-01-02 to 9000-01-01." in answer.text
    assert names_in(answer) == []
    taken = as_owner.get(at(cast, "export.csv?since=nonsense"))
    assert (taken.status_code, "“nonsense” is no day" in taken.text) == (422, True)


def test_a_word_given_under_a_merged_record_counts_in_the_list_as_on_the_page(as_owner, cast):
    lea_id, twin_id = cast.lea.id, make_customer(cast.merchant, "Lea M.").id
    by = owner_of(cast.merchant)

    def say(customer_id, hours, *, is_given):
        with within(cast.merchant):
            row = db.session.get(Customer, (cast.merchant.id, customer_id))
            at = NOW + timedelta(hours=hours)
            consents.note_consent(row, is_given=is_given, source="till", by=by, now=at)
            db.session.commit()

    def listed(answer):
        return names_in(as_owner.get(at(cast, f"?consent={answer}")))

    say(twin_id, 2, is_given=True)
    say(lea_id, 1, is_given=False)
    assert listed("yes") == ["Lea M."]
    with within(cast.merchant):
        rows = [db.session.get(Customer, (cast.merchant.id, each)) for each in (lea_id, twin_id)]
        merging.merge_customers(*rows, visit=Visit(by=by, now=datetime.now(UTC)))
        db.session.commit()
        assert db.session.scalar(select(func.count(ConsentEvent.id))) == 2  # no word of its own
        db.session.expunge_all()
    assert (listed("yes"), listed("no")) == (["Léa Martin"], ["Tom Weber"])
    exported = as_owner.get(at(cast, "export.csv?consent=yes")).text
    assert ("Léa Martin" in exported, "Lea M." in exported) == (True, False)
    say(lea_id, 3, is_given=False)
    assert listed("yes") == []

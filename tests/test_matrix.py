"""Who gets through which door: every address of the app, for every role, with ids of another merchant.

Generated from the app's own map: a new screen is in it by itself. One that takes an id this file
does not know fails here, until it is told whose row that is.
"""

import hashlib
import re
from types import SimpleNamespace

import pytest
from flask import Blueprint, url_for
from sqlalchemy import select

from portal import create_app, web
from portal.extensions import db
from portal.models.actor import Actor, Role
from portal.models.base import Model
from portal.models.reward_issue import RewardIssue
from portal.services import audit, reviews, team, trash
from portal.web.access import WORDS, allow
from tests.factories import (
    NOW,
    give,
    make_customer,
    make_everything,
    make_member,
    make_merchant,
    make_merge,
    make_product,
    make_store,
    make_user,
    within,
)
from tests.web.conftest import HTMX, app, sign_in  # noqa: F401 - fixtures

# What stands in an address and is no row of anybody.
NO_IDS = {"use": "logo"}
ROLES = ("nobody", "staff", "manager", "owner", "stranger", "admin")
RANK = {"staff": Role.STAFF, "manager": Role.MANAGER, "owner": Role.OWNER}


@pytest.fixture
def world(app):  # noqa: F811 - a fixture
    """Two merchants; people of the first in every role, an owner of the second, and an admin of neither."""
    people = SimpleNamespace(
        nobody=None,
        staff=make_user(),
        manager=make_user(),
        owner=make_user(),
        stranger=make_user(),
        admin=make_user(is_platform_admin=True),
    )
    ours = make_merchant(owner=people.owner)
    shop = make_store(ours)
    make_member(shop, people.staff)
    make_member(shop, people.manager, role="manager")
    theirs = make_merchant(owner=people.stranger)
    return SimpleNamespace(people=people, ours=ours, theirs=theirs, ids=ids_of(theirs))


def ids_of(merchant):
    """One row of the merchant for every id an address may take."""
    rows, spare = make_everything(merchant), make_product(make_store(merchant))
    by = Actor(rows.owner.user_id, Role.OWNER)
    known = {"store_id": rows.store, "product_id": rows.product, "member_id": rows.member}
    ids = {name: row.id for name, row in known.items()} | {"owner_id": rows.owner.id, **NO_IDS}
    ids |= {"reward_id": rows.reward.id, "version": rows.program.version}
    ids |= {"customer_id": rows.customer.id, "other_id": make_customer(merchant).id}
    ids |= {"merge_id": make_merge(rows.customer, make_customer(merchant)).id}
    ids |= {"order_id": rows.order.id, "card_id": rows.card.id}
    ids["movement_id"] = give(rows.card, kind="adjust", points=500).id
    db.session.remove()  # what was made stays readable
    with within(merchant):
        asked = {"display_name": "Ina", "role": "staff", "store": rows.store}
        ids["invitation_id"] = team.invite(merchant, by=by, now=NOW, **asked)[0].id
        ids |= made_of_card(rows)
        act = trash.soft_delete(db.session.merge(spare), by=by, now=NOW)
        ids["deletion_id"] = act.id
        ids["batch_id"] = audit.note_batch("products", [act.id], merchant_id=merchant.id, by=by)
        db.session.commit()
    db.session.remove()
    return ids


def made_of_card(rows):
    """A reward that is ready on the card, and something to look at."""
    card = {"merchant_id": rows.card.merchant_id, "card_id": rows.card.id}
    ready = RewardIssue(reward_id=rows.reward.id, points_price=100, issued_at=NOW, **card)
    item = reviews.flag("negative_stamps", "mistake", now=NOW, **card)
    db.session.add(ready)
    db.session.flush()
    return {"issue_id": ready.id, "item_id": item.id}


def portal_rules(app):  # noqa: F811 - an app
    """Every address of a merchant's portal, with each way to ask."""
    for rule in app.url_map.iter_rules():
        if "merchant" in rule.arguments:
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield rule, method


def address(app, rule, merchant, ids):  # noqa: F811 - an app
    unknown = rule.arguments - {"merchant"} - set(ids)
    assert not unknown, f"{rule.rule}: tell this test whose row {', '.join(unknown)} is"
    values = {name: ids[name] for name in rule.arguments - {"merchant"}}
    with app.test_request_context():
        return url_for(rule.endpoint, merchant=merchant.subdomain, **values)


def form(ids):
    """What a form may say: another merchant's rows, by every name."""
    numbers = ",".join(str(number) for number in ids.values())
    return {
        "ids": numbers,
        "store": ids["store_id"],
        "store_id": ids["store_id"],
        "name": "Mine",
        "together": "1",
    }


def checksum(merchant):
    """The whole of what a merchant has, as one number."""
    digest = hashlib.sha256()
    db.session.remove()
    with within(merchant):
        for table in Model.metadata.sorted_tables:
            if "merchant_id" in table.c or table.name == "merchants":
                key = table.c.id if table.name == "merchants" else table.c.merchant_id
                rows = select(table).where(key == merchant.id).order_by(table.c.id)
                for row in db.session.execute(rows, execution_options={"include_deleted": True}):
                    digest.update(repr(tuple(row)).encode())
        db.session.rollback()
    db.session.remove()
    return digest.hexdigest()


def browser_of(role, world, app, sign_in):  # noqa: F811 - fixtures
    person = getattr(world.people, role)
    browser = app.test_client()
    return sign_in(person, browser) if person else browser


def is_led_to_sign_in(answer):
    return answer.status_code == 302 and answer.location.startswith("/login")


@pytest.mark.parametrize("role", [role for role in ROLES if role != "stranger"])
def test_nobody_gets_at_another_merchant(app, world, sign_in, role):  # noqa: F811 - fixtures
    browser, before = browser_of(role, world, app, sign_in), checksum(world.theirs)
    for rule, method in portal_rules(app):
        target = address(app, rule, world.theirs, world.ids)
        for headers in ({}, HTMX):
            answer = browser.open(target, method=method, data=form(world.ids), headers=headers)
            told = f"{role}: {method} {target} answered {answer.status_code}"
            if role != "nobody":
                assert answer.status_code == 404, told
            elif headers:
                assert answer.headers["HX-Redirect"].startswith("/login"), told
            else:
                assert is_led_to_sign_in(answer), told
    assert checksum(world.theirs) == before


@pytest.mark.parametrize("role", ROLES)
def test_ids_of_another_merchant_do_not_exist_in_ones_own(app, world, sign_in, role):  # noqa: F811 - fixtures
    browser, before = browser_of(role, world, app, sign_in), checksum(world.theirs)
    for rule, method in portal_rules(app):
        target = address(app, rule, world.ours, world.ids)
        answer = browser.open(target, method=method, data=form(world.ids))
        told = f"{role}: {method} {target} answered {answer.status_code}"
        least = app.view_functions[rule.endpoint].allowed
        if role == "nobody":
            assert is_led_to_sign_in(answer), told
        elif role in ("stranger", "admin"):
            assert answer.status_code == 404, told
        elif RANK[role] < Role.of_word(least):
            assert answer.status_code == 403, told
        elif rule.arguments - {"merchant", *NO_IDS}:
            assert answer.status_code == 404, told
        else:
            assert answer.status_code in (200, 302, 303, 409, 422), told
    assert checksum(world.theirs) == before


def test_doors_for_the_signed_in_lead_others_to_the_sign_in_page(app, client):  # noqa: F811 - fixtures
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static" and app.view_functions[rule.endpoint].allowed == "signed_in":
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                target = re.sub(r"<int:\w+>", "1", rule.rule)
                assert is_led_to_sign_in(client.open(target, method=method)), target


def test_every_view_says_who_may(app):  # noqa: F811 - a fixture
    said = {e: v.allowed for e, v in app.view_functions.items() if e != "static"}
    assert {e for e, who in said.items() if who == "admin"} == {e for e in said if e.startswith("admin.")}
    assert set(said.values()) <= {*WORDS, "admin"}
    needs_merchant = {r.endpoint for r in app.url_map.iter_rules() if "merchant" in r.arguments}
    assert {e for e, who in said.items() if who in RANK} == needs_merchant


def test_a_view_that_does_not_say_who_may_stops_the_start(database, monkeypatch):
    silent = Blueprint("silent", __name__)
    silent.add_url_rule("/silent", "door", lambda: "come in")
    monkeypatch.setattr(web, "SCREENS", (*web.SCREENS, silent))
    with pytest.raises(RuntimeError, match=r"say who may: silent\.door"):
        create_app(database.settings)


def test_a_rule_for_nobody_known_is_refused():
    with pytest.raises(ValueError, match="guests"):
        allow("guests")

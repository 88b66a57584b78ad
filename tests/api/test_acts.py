"""Deleting, looking before, restoring; lists that show the dead when asked; calls that are sent twice."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Deletion, IdempotencyKey, Product
from portal.models.actor import OPERATOR
from portal.models.tenancy import PLATFORM, across_merchants
from portal.services import trash
from portal.services.once import forget_old_keys
from tests.factories import (
    make_everything,
    make_member,
    make_merchant,
    make_owner,
    make_product,
    make_store,
    make_user,
    within,
)

DEAD = ("deleted_at", "deleted_by", "deletion_id")


def ids_in(answer):
    assert answer.status_code == 200, answer.data
    return [one["id"] for one in answer.json["items"]]


def test_a_deletion_tells_all_about_itself(call, robin, world):
    make_product(world.gare)
    answer = call("DELETE", f"/stores/{world.gare.id}?reason=closed").json
    assert answer["root"] == {"kind": "stores", "id": world.gare.id, "label": "Gare"}
    assert answer["counts"] == {"stores": 1, "products": 1}
    assert answer["deleted_by"] == {"id": robin.id, "name": "Robin", "role": "admin"}
    assert (answer["merchant_id"], answer["reason"]) == (world.cafe.id, "closed")
    assert (answer["channel"], answer["status"], answer["restorable"]) == ("api", "done", True)
    kept = datetime.fromisoformat(answer["restorable_until"]) - datetime.fromisoformat(answer["deleted_at"])
    assert kept.days == 30
    assert call("GET", f"/deletions/{answer['id']}").json == answer


def test_deleting_the_dead_answers_the_first_deletion(call, world):
    first, second = (call("DELETE", f"/stores/{world.gare.id}").json for _ in range(2))
    assert first == second
    assert len(call("GET", "/deletions").json["items"]) == 1


def test_restoring_brings_exactly_that_deletion(call, world):
    spare_id = make_product(world.gare).id
    make_product(world.gare)
    db.session.remove()
    with within(world.cafe):
        trash.soft_delete(db.session.get(Product, spare_id), by=OPERATOR, now=datetime.now(UTC))
        db.session.commit()
    act = call("DELETE", f"/stores/{world.gare.id}").json
    before = call("POST", f"/stores/{world.gare.id}/preview").json
    assert (before["act"], before["deletion_id"]) == ("restore", act["id"])
    assert {kind["kind"]: kind["count"] for kind in before["takes"]} == act["counts"]
    assert [(kind["kind"], kind["count"]) for kind in before["stays"]] == [("products", 1)]
    back = call("PUT", f"/stores/{world.gare.id}/restore").json
    assert back == {
        "kind": "stores",
        "id": world.gare.id,
        "restored": True,
        "deletion_id": act["id"],
        "deletions": [act["id"]],
        "counts": {"stores": 1, "products": 1},
    }
    again = call("PUT", f"/stores/{world.gare.id}/restore", json={}).json
    assert (again["restored"], again["counts"], again["deletion_id"]) == (False, {}, None)


def test_the_preview_of_the_living_changes_nothing(call, world):
    make_everything(world.cafe)
    seen = call("POST", f"/merchants/{world.cafe.id}/preview").json
    assert (seen["act"], seen["deletion_id"], seen["conflicts"]) == ("delete", None, [])
    taken = {kind["kind"]: kind["count"] for kind in seen["takes"]}
    assert taken["stores"] == 2
    assert [kind["kind"] for kind in seen["stays"]] == ["orders"]
    assert call("DELETE", f"/merchants/{world.cafe.id}").json["counts"] == {"merchants": 1} | taken


def test_a_value_taken_meanwhile_is_named_and_can_be_changed(call, world):
    call("DELETE", f"/stores/{world.gare.id}")
    new = make_store(world.cafe, "Gare neuve", store_code="gare")
    refused = call("PUT", f"/stores/{world.gare.id}/restore")
    assert refused.status_code == 409
    (clash,) = refused.json["error"]["details"]["conflicts"]
    assert (clash["field"], clash["value"]) == ("store_code", "gare")
    assert clash["holder"] == {"kind": "stores", "id": new.id, "label": "store Gare neuve"}
    assert (clash["override"], clash["may_be_cleared"]) == (f"stores-{world.gare.id}-store_code", False)
    seen = call("POST", f"/stores/{world.gare.id}/preview").json
    assert (seen["conflicts"], seen["refusals"]) == ([clash], [refused.json["error"]])
    for overrides in ({"store_code": None}, {"store_code": "Gare 2!"}):
        assert (
            call("PUT", f"/stores/{world.gare.id}/restore", json={"overrides": overrides}).status_code == 422
        )
    back = call("PUT", f"/stores/{world.gare.id}/restore", json={"overrides": {clash["override"]: "gare-2"}})
    assert back.json["restored"] is True
    assert call("GET", f"/stores/{world.gare.id}").json["store_code"] == "gare-2"


def test_a_bare_field_is_one_of_the_thing_itself(call, world):
    call("DELETE", f"/stores/{world.gare.id}")
    make_store(world.cafe, "Gare neuve", store_code="gare")
    back = call("PUT", f"/stores/{world.gare.id}/restore", json={"overrides": {"store_code": "gare-2"}})
    assert back.status_code == 200


def test_what_went_first_waits_for_its_owner(call, world):
    act = call("DELETE", f"/stores/{world.gare.id}").json
    above = call("DELETE", f"/merchants/{world.cafe.id}").json
    refused = call("PUT", f"/stores/{world.gare.id}/restore")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "owner_deleted")
    blocked_by = {
        "kind": "merchants",
        "id": world.cafe.id,
        "deletion_id": above["id"],
        "label": "merchant Café Lumière",
    }
    assert refused.json["error"]["details"]["blocked_by"] == blocked_by
    seen = call("POST", f"/stores/{world.gare.id}/preview").json
    assert (seen["blocked_by"], seen["refusals"]) == (blocked_by, [refused.json["error"]])
    both = call("PUT", f"/stores/{world.gare.id}/restore", json={"with_owners": True})
    assert (both.status_code, both.json["deletion_id"]) == (200, act["id"])
    assert both.json["deletions"] == [above["id"], act["id"]]
    assert both.json["counts"] == {"stores": 1} | above["counts"]
    assert call("GET", f"/merchants/{world.cafe.id}").json["owner_ids"] == [world.olga.id]


def test_what_went_with_another_comes_back_with_it(call, world):
    above = call("DELETE", f"/merchants/{world.cafe.id}").json
    refused = call("PUT", f"/stores/{world.gare.id}/restore")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "owner_deleted")
    assert refused.json["error"]["details"]["blocked_by"]["deletion_id"] == above["id"]
    seen = call("POST", f"/stores/{world.gare.id}/preview").json
    assert seen["blocked_by"] == refused.json["error"]["details"]["blocked_by"]
    assert seen["refusals"] == [refused.json["error"]]
    back = call("PUT", f"/stores/{world.gare.id}/restore", json={"with_owners": True}).json
    assert (back["deletion_id"], back["counts"]["merchants"]) == (above["id"], 1)
    assert call("GET", f"/stores/{world.gare.id}").status_code == 200


def test_what_was_purged_is_gone_with_its_day(call, world):
    act_id = call("DELETE", f"/stores/{world.gare.id}").json["id"]
    with within(world.cafe):
        act = db.session.scalars(select(Deletion).where(Deletion.id == act_id)).one()
        trash.purge(act, by=OPERATOR, now=datetime(2026, 4, 1, tzinfo=UTC))
        db.session.commit()
    refused = call("PUT", f"/stores/{world.gare.id}/restore")
    assert (refused.status_code, refused.json["error"]["code"]) == (410, "purged")
    assert refused.json["error"]["details"] == {"purged_at": "2026-04-01T00:00:00Z"}
    assert "2026-04-01" in refused.json["error"]["message"]
    assert ids_in(call("GET", "/stores?only_deleted=true")) == []


def test_what_is_half_way_is_in_progress(call, world):
    act_id = call("DELETE", f"/stores/{world.gare.id}").json["id"]
    with within(world.cafe):
        db.session.scalars(select(Deletion).where(Deletion.id == act_id)).one().status = "running"
        db.session.commit()
    refused = call("PUT", f"/stores/{world.gare.id}/restore")
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "in_progress")
    seen = call("POST", f"/stores/{world.gare.id}/preview").json
    assert seen["refusals"] == [refused.json["error"]]


def test_the_preview_of_a_person_says_what_the_deletion_would_answer(call, robin, world):
    for person in (robin, world.olga):
        seen = call("POST", f"/users/{person.id}/preview").json
        refused = call("DELETE", f"/users/{person.id}")
        assert refused.status_code == 422
        assert seen["refusals"] == [refused.json["error"]]
    merchants = refused.json["error"]["details"]["merchants"]
    assert merchants == [
        {"merchant_id": world.cafe.id, "name": "Café Lumière"},
        {"merchant_id": world.books.id, "name": "Livres"},
    ]
    make_owner(world.cafe)
    call("DELETE", f"/merchants/{world.books.id}")
    assert call("POST", f"/users/{world.olga.id}/preview").json["refusals"] == []
    assert call("DELETE", f"/users/{world.olga.id}").status_code == 200


def test_a_deletion_of_a_person_counts_what_it_took_everywhere(call, world):
    nina = make_user("Nina")
    for store in (world.gare, world.shelf):
        make_member(store, nina)
    seen = call("POST", f"/users/{nina.id}/preview").json
    act = call("DELETE", f"/users/{nina.id}").json
    assert act["counts"] == {"users": 1, "store_users": 2}
    assert [(kind["kind"], kind["count"]) for kind in seen["takes"]] == [("store_users", 2)]
    assert [(one["merchant_id"], one["counts"]) for one in act["parts"]] == [
        (world.cafe.id, {"store_users": 1}),
        (world.books.id, {"store_users": 1}),
    ]
    parts = call("GET", f"/deletions?parent={act['id']}").json["items"]
    assert [one["id"] for one in parts[::-1]] == [one["id"] for one in act["parts"]]
    for part in parts:
        assert (part["parent_id"], part["parts"]) == (act["id"], [])
        assert (part["restorable"], part["restorable_until"]) == (False, None)
    assert act["restorable"] is True
    back = call("PUT", f"/users/{nina.id}/restore").json
    assert (back["counts"], back["deletions"]) == (act["counts"], [act["id"]])


def test_who_lost_the_race_is_told_so(call, world, monkeypatch):
    call("DELETE", f"/stores/{world.gare.id}")
    monkeypatch.setattr(trash, "restore_each", lambda *_, **__: {})
    late = call("PUT", f"/stores/{world.gare.id}/restore").json
    assert (late["restored"], late["deletion_id"], late["deletions"]) == (False, None, [])


@pytest.mark.parametrize("kind", ["users", "merchants", "stores"])
def test_lists_show_the_dead_when_asked_and_nothing_else_more(call, robin, world, kind):
    """With include_deleted the living are told word for word as before; what is more is dead."""
    made = {"users": make_user("Gone"), "merchants": make_merchant("Gone", owner=world.olga)}
    dead = made.get(kind) or make_store(world.cafe, "Gone")
    plain_before = call("GET", f"/{kind}").json["items"]
    act = call("DELETE", f"/{kind}/{dead.id}").json
    plain, everything, bin_ = (
        call("GET", f"/{kind}{query}").json["items"]
        for query in ("", "?include_deleted=true", "?only_deleted=true")
    )
    assert plain == [one for one in plain_before if one["id"] != dead.id]
    assert [one for one in everything if one["deletion_id"] is None] == plain
    assert [one for one in everything if one["deletion_id"] is not None] == bin_
    assert [one["id"] for one in bin_] == [dead.id]
    assert {field: bin_[0][field] for field in DEAD} == {
        "deleted_at": act["deleted_at"],
        "deleted_by": {"id": robin.id, "name": "Robin"},
        "deletion_id": act["id"],
    }
    assert {one[field] for one in plain for field in DEAD} == {None}


def test_the_dead_of_one_merchant_are_not_those_of_another(call, world):
    call("DELETE", f"/stores/{world.gare.id}")
    call("DELETE", f"/stores/{world.shelf.id}")
    here = f"/stores?merchant={world.cafe.id}"
    assert ids_in(call("GET", here)) == []
    assert ids_in(call("GET", f"{here}&include_deleted=true")) == [world.gare.id]
    assert ids_in(call("GET", f"{here}&only_deleted=true")) == [world.gare.id]
    assert ids_in(call("GET", f"{here}&only_deleted=true&q=shelf")) == []


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("/users?q=olga", ["Olga Owner"]),
        ("/users?q=OLGA%20owner", ["Olga Owner"]),
        ("/users?q=robin@example", ["Robin"]),
        ("/users?q=%25", []),
        ("/merchants?q=lumi%C3%A8re", ["Café Lumière"]),
        ("/merchants?q=livres", ["Livres"]),
        ("/stores?q=luxembourg", ["Gare"]),
        ("/stores?q=shelf", ["Shelf"]),
    ],
)
def test_lists_can_be_searched(call, world, address, found):
    told = call("GET", address).json["items"]
    assert [one.get("name") or one["display_name"] for one in told] == found


@pytest.mark.parametrize("query", ["?limit=2", "?limit=2&include_deleted=true"])
def test_pages_follow_each_other(call, query):
    made = [make_user(f"User {n}").id for n in range(5)]
    call("DELETE", f"/users/{made[0]}")
    expected = ids_in(call("GET", "/users" + query.replace("limit=2", "limit=200")))
    seen, cursor = [], ""
    while cursor is not None:
        answer = call("GET", f"/users{query}{cursor and f'&cursor={cursor}'}")
        assert len(answer.json["items"]) <= 2
        seen += ids_in(answer)
        cursor = answer.json["next"]
    assert seen == expected


def test_beyond_the_end_there_is_nothing(call):
    made = [make_user(f"User {n}").id for n in range(3)]
    cursor = call("GET", "/users?limit=2").json["next"]
    for row_id in made[1:]:
        call("DELETE", f"/users/{row_id}")
    assert call("GET", f"/users?limit=2&cursor={cursor}").json == {"items": [], "next": None}


def test_deletions_come_newest_first_page_by_page(call, world):
    acts = [call("DELETE", f"/users/{make_user().id}").json["id"] for _ in range(3)]
    first = call("GET", "/deletions?limit=2&merchant=0").json
    second = call("GET", f"/deletions?limit=2&merchant=0&cursor={first['next']}").json
    assert [one["id"] for one in first["items"] + second["items"]] == acts[::-1]
    assert second["next"] is None
    assert call("GET", f"/users?cursor={first['next']}").json["error"]["code"] == "bad_cursor"


def test_a_list_needs_as_many_statements_for_many_rows_as_for_one(call, world, statements):
    def sent(address):
        with statements() as told:
            call("GET", address)
        return len(told)

    addresses = ("/users?include_deleted=true", "/merchants?include_deleted=true", "/stores", "/deletions")
    call("DELETE", f"/users/{make_user().id}")
    few = [sent(address) for address in addresses]
    for _ in range(4):
        call("DELETE", f"/users/{make_user().id}")
        make_store(make_merchant(owner=world.olga))
    assert [sent(address) for address in addresses] == few
    assert max(few) <= 10  # two of them, or three, note the call; one finds the parts of people's deletions


def test_a_change_leaves_what_is_absent_and_clears_what_is_null(call, world):
    before = call("GET", f"/stores/{world.gare.id}").json
    after = call("PATCH", f"/stores/{world.gare.id}", json={"city": None, "phone": "+352 1"}).json
    assert after | {"updated_at": 0} == before | {"city": None, "phone": "+352 1", "updated_at": 0}


def test_a_person_who_signs_in_keeps_a_login(call):
    made = call(
        "POST", "/users", json={"display_name": "A", "username": "ana", "password": "three warm rolls"}
    )
    assert made.json["can_sign_in"] is True
    assert "password" not in made.get_data(as_text=True)
    refused = call("PATCH", f"/users/{made.json['id']}", json={"username": None})
    assert (refused.status_code, refused.json["error"]["code"]) == (422, "no_login")
    changed = call("PATCH", f"/users/{made.json['id']}", json={"username": None, "email": "ana@example.com"})
    assert (changed.json["username"], changed.json["email"]) == (None, "ana@example.com")


def test_a_merchant_is_founded_with_its_owner(call, world):
    body = {"name": "Neu", "subdomain": "neu", "owner": world.olga.id, "retention_days": 0, "currency": "CHF"}
    made = call("POST", "/merchants", json=body)
    assert (made.json["owner_ids"], made.json["retention_days"]) == ([world.olga.id], 0)
    assert call("GET", made.headers["Location"]).json | {"deleted_twin": None} == made.json
    changed = call("PATCH", made.headers["Location"], json={"name": "Neuf", "timezone": "Europe/Paris"}).json
    assert (changed["name"], changed["timezone"]) == ("Neuf", "Europe/Paris")


def test_a_taken_subdomain_names_its_holder_to_an_admin(call, world):
    call("PATCH", f"/stores/{world.gare.id}", json={"subdomain": "cafe-gare"})
    body = {"merchant_id": world.books.id, "name": "B", "store_code": "b", "subdomain": "cafe-gare"}
    (clash,) = call("POST", "/stores", json=body).json["error"]["details"]["conflicts"]
    assert (clash["field"], clash["value"]) == ("subdomain", "cafe-gare")
    assert clash["holder"] == {"kind": None, "id": world.gare.id, "label": "Gare"}


def post_twice(call, first, second, **headers):
    return [
        call("POST", "/users", json=body, headers={"Idempotency-Key": "k1"} | headers)
        for body in (first, second)
    ]


def test_the_same_call_sent_twice_makes_one(call):
    made, again = post_twice(call, {"display_name": "Ina"}, {"display_name": "Ina"})
    assert made.json == again.json
    assert (made.status_code, again.status_code) == (201, 201)
    assert made.headers["Location"] == again.headers["Location"]
    assert "Idempotent-Replayed" not in made.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(call("GET", "/users?q=ina").json["items"]) == 1


def test_another_call_with_the_same_key_is_refused(call):
    made, other = post_twice(call, {"display_name": "Ina"}, {"display_name": "Ida"})
    assert made.status_code == 201
    assert (other.status_code, other.json["error"]["code"]) == (409, "key_reused")


def test_a_refused_call_does_not_use_its_key_up(call):
    refused, made = post_twice(call, {"display_name": "I", "email": "olga"}, {"display_name": "Ina"})
    assert (refused.status_code, made.status_code) == (422, 201)


def test_what_was_purged_meanwhile_is_not_made_again(call):
    body = {"display_name": "Ina"}
    made, _ = post_twice(call, body, body)
    act_id = call("DELETE", made.headers["Location"]).json["id"]
    with across_merchants(db.session, "a test"):
        act = db.session.scalars(select(Deletion).where(Deletion.id == act_id)).one()
        trash.purge(act, by=OPERATOR, now=datetime.now(UTC))
        db.session.commit()
    assert post_twice(call, body, body)[0].status_code == 410


def test_old_keys_are_forgotten_after_thirty_days(call):
    post_twice(call, {"display_name": "Ina"}, {"display_name": "Ina"})
    db.session.remove()
    with within(PLATFORM):
        made = db.session.scalars(select(IdempotencyKey)).one().created_at
        assert forget_old_keys(made.replace(year=made.year)) == 0
        assert forget_old_keys(made.replace(year=made.year + 1)) == 1


@pytest.mark.parametrize(
    "overrides",
    [{"name": "x"}, {"stores-1": "x"}, {"cats-1-name": "x"}, {f"stores-{10**30}-store_code": "x"}],
)
@pytest.mark.parametrize("is_dead", [True, False])
def test_an_unknown_override_is_named(call, world, overrides, is_dead):
    if is_dead:
        call("DELETE", f"/stores/{world.gare.id}")
    answer = call("PUT", f"/stores/{world.gare.id}/restore", json={"overrides": overrides})
    assert (answer.status_code, answer.json["error"]["code"]) == (422, "bad_override")
    assert [one["field"] for one in answer.json["error"]["details"]["fields"]] == [
        f"overrides.{next(iter(overrides))}"
    ]


def test_an_override_that_does_not_fit_is_named_as_it_was_sent(call, world):
    call("DELETE", f"/stores/{world.gare.id}")
    path, full = f"/stores/{world.gare.id}/restore", f"stores-{world.gare.id}-store_code"
    for sent, named in (
        ({"store_code": None}, "store_code"),
        ({full: None}, full),
        ({f"stores-{world.shelf.id}-store_code": "x"}, f"stores-{world.shelf.id}-store_code"),
        ({"store_code": "x", full: "y"}, full),
    ):
        answer = call("PUT", path, json={"overrides": sent})
        assert answer.json["error"]["code"] == "bad_override", answer.data
        assert answer.json["error"]["details"]["fields"][0]["field"] == f"overrides.{named}"


def test_what_was_purged_is_told_without_its_name_and_reason(call, world):
    act_id = call("DELETE", f"/stores/{world.gare.id}?reason=Ana%20left").json["id"]
    with within(world.cafe):
        act = db.session.scalars(select(Deletion).where(Deletion.id == act_id)).one()
        trash.purge(act, by=OPERATOR, now=datetime.now(UTC))
        db.session.commit()
    told = call("GET", f"/deletions/{act_id}").json
    assert (told["status"], told["reason"], told["root"]["label"]) == ("purged", None, None)


def test_what_was_emptied_with_its_owner_is_gone_too(call, world):
    things = make_everything(world.cafe)
    act_id = call("DELETE", f"/merchants/{world.cafe.id}").json["id"]
    with within(world.cafe):
        act = db.session.scalars(select(Deletion).where(Deletion.id == act_id)).one()
        trash.purge(act, by=OPERATOR, now=datetime(2026, 4, 1, tzinfo=UTC))
        db.session.commit()
    gone = call("GET", f"/stores/{things.store.id}?include_deleted=true")  # its orders are kept
    assert (gone.status_code, gone.json["error"]["details"]) == (410, {"purged_at": "2026-04-01T00:00:00Z"})


def test_a_new_one_is_told_of_its_twin_in_the_trash(call, world):
    olga = {"owner": world.olga.id}
    bodies = {
        "users": {"display_name": "Ina", "email": "ina@example.com"},
        "merchants": {"name": "Neu", "subdomain": "neu", **olga},
        "stores": {"name": "Neu", "store_code": "neu", "merchant_id": world.cafe.id},
    }
    for kind, body in bodies.items():
        made = call("POST", f"/{kind}", json=body).json
        assert made["deleted_twin"] is None
        act = call("DELETE", f"/{kind}/{made['id']}").json
        twin = call("POST", f"/{kind}", json=body).json["deleted_twin"]
        assert twin == {"kind": kind, "id": made["id"], "deletion_id": act["id"]}


def test_a_login_that_is_missing_is_named(call):
    body = {"display_name": "A", "password": "three warm rolls"}
    fields = call("POST", "/users", json=body).json["error"]["details"]["fields"]
    assert [one["field"] for one in fields] == ["email"]

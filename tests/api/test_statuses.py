"""Every status each call can answer: one table of calls and situations, on both engines.

At its end the table is held against the document: what the document declares happens in it, and the
other way round, but for 429, 500 and 503, which have tests of their own.
"""

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from portal.extensions import db
from portal.models import Merchant, Store, User
from portal.models.actor import OPERATOR
from portal.models.tenancy import across_merchants
from portal.services import trash
from tests.api.conftest import make_key
from tests.factories import NOW, make_merchant, make_store, make_user

MODELS = {"users": User, "merchants": Merchant, "stores": Store}
BIG = "x" * 70_000
JSON = "application/json"


def bodies(kind, stage):
    """What may be sent to make one, to change one, and values that another living one has."""
    return {
        "users": ({"display_name": "Ina"}, {"display_name": "Ina"}, {"email": "taken@example.com"}),
        "merchants": (
            {"name": "Neu", "subdomain": "neu", "owner": stage.olga.id},
            {"name": "Neu"},
            {"subdomain": "taken"},
        ),
        "stores": (
            {"merchant_id": stage.cafe.id, "name": "Neu", "store_code": "neu"},
            {"name": "Neu"},
            {"store_code": "taken"},
        ),
    }[kind]


@pytest.fixture
def stage(app):
    """Of each kind: one alive, one dead, one dead whose value is taken, one purged."""
    olga = make_user("Olga", email="olga@example.com")
    cafe = make_merchant("Café", owner=olga, subdomain="cafe")
    make_user("Tom", email="taken@example.com")
    make_merchant("Taken", owner=olga, subdomain="taken")
    make_store(cafe, "Taken", store_code="taken")
    make = {
        "users": lambda n: make_user(f"User {n}", email=f"user{n}@example.com"),
        "merchants": lambda n: make_merchant(f"M {n}", owner=olga, subdomain=f"m{n}"),
        "stores": lambda n: make_store(cafe, f"S {n}", store_code=f"s{n}"),
    }
    ids, acts = {}, {}
    for kind, made in make.items():
        ids[kind] = {name: made(n).id for n, name in enumerate(("dead", "clashing", "purged", "alive"))}
        acts[kind] = throw_away(kind, ids[kind]["dead"])
        throw_away(kind, ids[kind]["clashing"])
        made(1)  # takes the value of the clashing one
        throw_away(kind, ids[kind]["purged"], purged=True)
    db.session.remove()
    return SimpleNamespace(olga=olga, cafe=cafe, ids=ids, acts=acts)


def throw_away(kind, row_id, *, purged=False):
    """Put a row in the trash, or purge it: the id of the deletion."""
    db.session.remove()
    with across_merchants(db.session, "a test"):
        row = db.session.scalars(select(MODELS[kind]).where(MODELS[kind].id == row_id)).one()
        act = trash.soft_delete_cascade(row, by=OPERATOR, now=NOW)
        act_id = act.id
        db.session.commit()
        if purged:
            trash.purge(act, by=OPERATOR, now=NOW)
            db.session.commit()
    db.session.remove()
    return act_id


def table(kind, stage):
    """(operation, address, what is sent, status, code) for one kind."""
    new, change, taken = bodies(kind, stage)
    one, ids = kind.removesuffix("s").title(), stage.ids[kind]
    at = {name: f"/{kind}/{row_id}" for name, row_id in ids.items()} | {"unknown": f"/{kind}/999999"}
    lists, make, get = f"list{one}s", f"create{one}", f"get{one}"
    patch, delete = f"change{one}", f"delete{one}"
    restore, preview = f"restore{one}", f"preview{one}"
    return [
        (lists, f"/{kind}", {}, 200, None),
        (lists, f"/{kind}?only_deleted=true&limit=1", {}, 200, None),
        (lists, f"/{kind}?include_deleted=true&only_deleted=true", {}, 400, "contradiction"),
        (lists, f"/{kind}?limit=0", {}, 400, "bad_query"),
        (lists, f"/{kind}?limit=201", {}, 400, "bad_query"),
        (lists, f"/{kind}?limit=ten", {}, 400, "bad_query"),
        (lists, f"/{kind}?limit=5&limit=6", {}, 400, "bad_query"),
        (lists, f"/{kind}?include_deleted=yes", {}, 400, "bad_query"),
        (lists, f"/{kind}?colour=red", {}, 400, "bad_query"),
        (lists, f"/{kind}?q=%00", {}, 400, "bad_query"),
        (lists, f"/{kind}?cursor=abc", {}, 400, "bad_cursor"),
        (make, f"/{kind}", {"json": new}, 201, None),
        (make, f"/{kind}", {"json": new | taken}, 409, "taken"),
        (make, f"/{kind}", {"json": new | {"colour": "red"}}, 422, "invalid"),
        (make, f"/{kind}", {"json": {}}, 422, "invalid"),
        (make, f"/{kind}", {"json": []}, 422, "invalid"),
        (make, f"/{kind}", {"data": "{", "content_type": JSON}, 400, "bad_json"),
        (make, f"/{kind}", {"data": '{"name": 1, "name": 2}', "content_type": JSON}, 400, "bad_json"),
        (make, f"/{kind}", {"data": '{"name": NaN}', "content_type": JSON}, 400, "bad_json"),
        (make, f"/{kind}", {"json": new, "headers": {"Idempotency-Key": "ä"}}, 400, "bad_headers"),
        (make, f"/{kind}", {"data": json.dumps(new)}, 415, "bad_type"),
        (make, f"/{kind}", {"json": {"name": BIG}}, 413, "too_large"),
        (get, at["alive"], {}, 200, None),
        (get, at["dead"], {}, 404, "not_found"),
        (get, at["dead"] + "?include_deleted=true", {}, 200, None),
        (get, at["purged"], {}, 404, "not_found"),
        (get, at["purged"] + "?include_deleted=true", {}, 410, "purged"),
        (get, at["unknown"] + "?include_deleted=true", {}, 404, "not_found"),
        (get, at["alive"] + "?include_deleted=1", {}, 400, "bad_query"),
        (patch, at["alive"], {"json": change}, 200, None),
        (patch, at["alive"], {"json": {}}, 200, None),
        (patch, at["alive"], {"json": taken}, 409, "taken"),
        (patch, at["dead"], {"json": change}, 404, "not_found"),
        (patch, at["unknown"], {"json": change}, 404, "not_found"),
        (patch, at["alive"], {"json": {"id": 5}}, 422, "invalid"),
        (patch, at["alive"], {"json": dict.fromkeys(change)}, 422, "invalid"),
        (patch, at["alive"], {"data": "[" * 30, "content_type": JSON}, 400, "bad_json"),
        (patch, at["alive"], {"data": "{}", "content_type": "text/plain"}, 415, "bad_type"),
        (patch, at["alive"], {"json": {"name": BIG}}, 413, "too_large"),
        (preview, at["alive"], {}, 200, None),
        (preview, at["dead"], {}, 200, None),
        (preview, at["alive"] + "?colour=red", {}, 400, "bad_query"),
        (make, f"/{kind}?colour=red", {"json": new}, 400, "bad_query"),
        (patch, at["alive"] + "?colour=red", {"json": change}, 400, "bad_query"),
        (restore, at["dead"] + "?with_owners=true", {}, 400, "bad_query"),
        (preview, at["purged"], {}, 410, "purged"),
        (preview, at["unknown"], {}, 404, "not_found"),
        (delete, at["alive"] + "?reason=closed", {}, 200, None),
        (delete, at["dead"], {}, 200, None),
        (delete, at["purged"], {}, 410, "purged"),
        (delete, at["unknown"], {}, 404, "not_found"),
        (delete, at["dead"] + "?why=closed", {}, 400, "bad_query"),
        (restore, at["dead"], {"json": {"overrides": {"name": "x"}}}, 422, "bad_override"),
        (restore, at["dead"], {"json": {"with_owners": "yes"}}, 422, "invalid"),
        (restore, at["dead"], {"data": "nul", "content_type": JSON}, 400, "bad_json"),
        (restore, at["dead"], {"data": "{}"}, 415, "bad_type"),
        (restore, at["dead"], {"json": {"name": BIG}}, 413, "too_large"),
        (restore, at["dead"], {}, 200, None),
        (restore, at["alive"], {}, 200, None),
        (restore, at["clashing"], {}, 409, "value_taken"),
        (restore, at["purged"], {}, 410, "purged"),
        (restore, at["unknown"], {}, 404, "not_found"),
    ]


ONLY_SOME = {  # refusals that one kind alone knows
    "users": [
        ("createUser", "/users", {"json": {"display_name": "A", "password": "x" * 8}}, 422, "no_login"),
        ("deleteUser", "/users/{robin}", {}, 422, "last_admin"),
        ("deleteUser", "/users/{olga}", {}, 422, "last_owner"),
        ("changeUser", "/users/{robin}", {"json": {"is_platform_admin": False}}, 422, "last_admin"),
    ],
    "merchants": [
        (
            "createMerchant",
            "/merchants",
            {"json": {"name": "A", "subdomain": "a", "owner": 999}},
            422,
            "unknown",
        ),
    ],
    "stores": [
        (
            "createStore",
            "/stores",
            {"json": {"name": "A", "store_code": "a", "merchant_id": 999}},
            422,
            "unknown",
        ),
    ],
}
VERBS = {"list": "GET", "get": "GET", "create": "POST", "preview": "POST"} | {
    "change": "PATCH",
    "delete": "DELETE",
    "restore": "PUT",
}
FIRST_SEEN_ELSEWHERE = {"401", "403", "429", "500", "503"}
# Said by the one row of a kind that can say it: a merchant and a store are always free to go; no body
# of POST or PATCH meets a purged row but by a key that was sent before.
RARE = {("deleteMerchant", 422), ("deleteStore", 422)} | {
    (f"create{k}", 410) for k in ("User", "Merchant", "Store")
}


@pytest.mark.parametrize("kind", MODELS)
def test_every_status_of_the_table(app, call, stage, robin, kind):
    happened = set()
    for operation, address, sent, status, code in [*table(kind, stage), *ONLY_SOME[kind]]:
        path = path_of(operation, address.format(robin=robin.id, olga=stage.olga.id))
        answer = call(verb_of(operation), path, **sent)
        told = f"{operation} {path} {str(sent)[:80]}: {answer.status_code} {answer.data[:300]}"
        assert answer.status_code == status, told
        assert (answer.json.get("error") or {}).get("code") == code, told
        assert answer.headers["Cache-Control"] == "no-store", told
        assert answer.headers["X-Request-Id"], told
        happened.add((operation, status))
    assert happened | rare(kind) == declared(call, kind.title())


def end_of(operation):
    return next((f"/{word}" for word in ("preview", "restore") if operation.startswith(word)), "")


def path_of(operation, address):
    """Put the verb's word behind the id, before the query."""
    path, mark, query = address.partition("?")
    return path + end_of(operation) + mark + query


def verb_of(operation):
    return next(method for word, method in VERBS.items() if operation.startswith(word))


def rare(kind):
    return {pair for pair in RARE if pair[0].endswith(kind.removesuffix("s").title())}


def declared(call, tag):
    operations = [o for path in call("GET", "/openapi.json").json["paths"].values() for o in path.values()]
    return {
        (operation["operationId"], int(status))
        for operation in operations
        if operation["tags"] == [tag]
        for status in set(operation["responses"]) - FIRST_SEEN_ELSEWHERE
    }


def test_deletions(call, stage):
    act = stage.acts["stores"]
    listed = call("GET", f"/deletions?merchant={stage.cafe.id}&kind=stores&status=done")
    assert [one["root"]["label"] for one in listed.json["items"]] == ["S 1", "S 0"]
    assert call("GET", f"/deletions/{act}").json["root"]["kind"] == "stores"
    assert call("GET", "/deletions/999999").status_code == 404
    assert call("GET", f"/deletions/{act}?x=1").json["error"]["code"] == "bad_query"
    for bad in ("kind=cats", "status=gone", "merchant=-1", "limit=0", "q=x"):
        assert call("GET", f"/deletions?{bad}").json["error"]["code"] == "bad_query", bad
    assert call("GET", "/deletions?cursor=abc").json["error"]["code"] == "bad_cursor"


def addresses(app):
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
                yield method, rule.rule.replace("<int:", "{").replace(">", "}").format_map(Ones())


class Ones(dict):
    def __missing__(self, name):
        return 1


def test_a_key_of_somebody_who_is_no_admin_opens_nothing(app, call, stage):
    nora = make_user("Nora", is_platform_admin=True)
    key = make_key(nora)
    with across_merchants(db.session, "a test"):
        db.session.merge(nora).is_platform_admin = False
        db.session.commit()
    tried = list(addresses(app))
    assert len(tried) > 20
    for method, address in tried:
        for body in ({}, {"json": {}}):
            answer = call(method, address, key=key, **body)
            assert (answer.status_code, answer.json["error"]["code"]) == (403, "not_admin"), (method, address)


@pytest.mark.parametrize(
    "shown", [None, "", "Bearer", "Bearer carnet_", "Bearer x", "Basic YTpi", "carnet_x"]
)
def test_without_a_valid_key_nothing_opens(app, call, stage, shown, monkeypatch):
    monkeypatch.setattr("portal.extensions.limiter.enabled", False)
    headers = {} if shown is None else {"Authorization": shown}
    for method, address in addresses(app):
        answer = call(method, address, key=None, headers=headers)
        assert (answer.status_code, answer.json["error"]["code"]) == (401, "bad_key"), (method, address)
        assert answer.headers["WWW-Authenticate"] == "Bearer"

"""The document says what the API does: valid OpenAPI 3.1, complete, and held to it by schemathesis."""

import collections
import json
import re

import pytest
import schemathesis
from pydantic import BaseModel
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from portal.api.document import _named_once
from portal.api.examples import EXAMPLES
from portal.extensions import limiter
from tests.api.conftest import make_key
from tests.factories import make_everything, make_merchant, make_user

# Rules that a schema cannot say: whoever keeps to the schema may still hear of them.
RULES = {
    "bad_code",
    "bad_cursor",
    "bad_email",
    "bad_locale",
    "bad_override",
    "bad_timezone",
    "contradiction",
    "key_reused",
    "last_admin",
    "last_owner",
    "no_login",
    "purged",
    "reserved",
    "unknown",
    "weak_password",
}
RUN = {
    "seed": 20260314,
    "headers": {},
    "generation": {"max-examples": 10, "database": "none", "no-shrink": True},
    "phases": {"stateful": {"max-steps": 6}},
    "checks": {
        # 400 and 422 also name the rules above; `only_rules_refuse_valid_data` holds their codes.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "400", "401", "403", "404", "409", "410", "422"]
        },
    },
}


@schemathesis.check
def only_rules_refuse_valid_data(ctx, response, case):
    """What fits the schema is never refused for its shape."""
    meta = case.meta
    if response.status_code in (400, 422) and meta is not None and meta.generation.mode.is_positive:
        code = response.json()["error"]["code"]
        assert code in RULES, f"{code}: {response.json()['error']}"


def failures_of(schema):
    """Run every phase: what failed (operation, check: what it says), calls by phase, answers by status."""
    found, calls, statuses = {}, collections.Counter(), collections.Counter()
    for event in from_schema(schema).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.NonFatalError):
            found[event.label, "error"] = str(event.info.format())
        if isinstance(event, events.ScenarioFinished):
            answered = [one.response for one in event.recorder.interactions.values() if one.response]
            calls[event.phase.value] += len(answered)
            statuses.update((event.label, answer.status_code) for answer in answered)
            found |= {(event.label, name): told for name, told in failed_checks(event.recorder)}
    return found, calls, statuses


def failed_checks(recorder):
    for checks in recorder.checks.values():
        for check in checks:
            if check.status is Status.FAILURE:
                told = check.failure_info
                yield check.name, f"{told.failure.title}: {told.failure.message}\n{told.code_sample}"


@pytest.mark.sqlite
@pytest.mark.timeout(600)
def test_schemathesis_finds_nothing(live, monkeypatch):
    monkeypatch.setattr(limiter, "enabled", False)
    for _ in range(30):
        make_user()  # with the ids that calls make up: somebody nothing depends on
    caller = make_user("Robin", id=7_777_777, is_platform_admin=True)  # an id no call hits by chance
    make_everything(make_merchant("Café Lumière"))
    for _ in range(30):
        make_user()  # so that ids made up hit somebody nothing depends on
    headers = {"Authorization": f"Bearer {make_key(caller)}"}
    config = SchemathesisConfig.from_dict({**RUN, "headers": headers})
    schema = schemathesis.openapi.from_url(f"{live}/api/admin/openapi.json", config=config, headers=headers)
    found, calls, statuses = failures_of(schema)
    assert not found, "\n\n".join(f"{where}: {what}" for where, what in found.items())
    assert {phase for phase, count in calls.items() if count} >= {
        "examples",
        "coverage",
        "fuzzing",
        "stateful",
    }
    succeeded = {label for label, status in statuses if status < 300}
    assert {operation.ok().label for operation in schema.get_all_operations()} <= succeeded


@pytest.fixture
def document(call):
    return call("GET", "/openapi.json").json


def operations_of(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"{method.upper()} {path}", operation


@pytest.mark.sqlite
def test_the_document_is_valid(document):
    assert document["openapi"] == "3.1.0"
    assert [str(fault) for fault in OPENAPI_31_VALIDATOR.iter_errors(document)] == []


@pytest.mark.sqlite
def test_the_document_tells_every_address(app, document):
    told = {label for label, _ in operations_of(document)}
    known = set()
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith("admin."):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            known |= {f"{method} {path}" for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert told == known


@pytest.mark.sqlite
@pytest.mark.parametrize(("kind", "one"), [("users", "user"), ("merchants", "merchant"), ("stores", "store")])
def test_every_kind_answers_the_same_calls(document, kind, one):
    root = f"/api/admin/{kind}"
    told = {label: operation["operationId"] for label, operation in operations_of(document) if root in label}
    assert told == {
        f"GET {root}": f"list{kind.title()}",
        f"POST {root}": f"create{one.title()}",
        f"GET {root}/{{{one}_id}}": f"get{one.title()}",
        f"PATCH {root}/{{{one}_id}}": f"change{one.title()}",
        f"DELETE {root}/{{{one}_id}}": f"delete{one.title()}",
        f"PUT {root}/{{{one}_id}}/restore": f"restore{one.title()}",
        f"POST {root}/{{{one}_id}}/preview": f"preview{one.title()}",
    }


@pytest.mark.sqlite
def test_ids_are_of_64_bits_and_the_server_is_this_one(document):
    assert [server["url"] for server in document["servers"]] == ["/"]
    shapes = document["components"]["schemas"]
    assert shapes["StoreTold"]["properties"]["id"]["format"] == "int64"
    assert shapes["MerchantTold"]["properties"]["owner_ids"]["items"]["format"] == "int64"
    assert shapes["DeletionTold"]["properties"]["parent_id"]["anyOf"][0]["format"] == "int64"


@pytest.mark.sqlite
def test_every_operation_is_complete(document):
    ids = [operation["operationId"] for _, operation in operations_of(document)]
    assert len(set(ids)) == len(ids)
    for label, operation in operations_of(document):
        assert operation["summary"].endswith("."), label
        assert operation["tags"], label
        assert {"401", "403", "429", "500", "503"} < set(operation["responses"]), label
        for status, response in operation["responses"].items():
            shape = response["content"]["application/json"]["schema"]
            assert int(status) < 400 or shape == {"$ref": "#/components/schemas/ErrorAnswer"}, label
            assert response["description"], label
        for parameter in operation["parameters"]:
            assert parameter["in"] == "path" or parameter["description"], (label, parameter["name"])
            assert "anyOf" not in parameter["schema"], (label, parameter["name"])


@pytest.mark.sqlite
def test_every_reference_leads_somewhere(document):
    names = set(re.findall(r"#/components/schemas/([\w.]+)", json.dumps(document)))
    assert names <= set(document["components"]["schemas"])


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_fits_its_shape(name):
    model = next(cls for cls in models_of(BaseModel) if cls.__name__ == name)
    assert model.model_validate_json(json.dumps(EXAMPLES[name]))


def models_of(parent):
    for child in parent.__subclasses__():
        yield child
        yield from models_of(child)


def test_two_shapes_of_one_name_stop_the_document():
    with pytest.raises(RuntimeError, match="two shapes are called Root"):
        _named_once({"A.Root": {"type": "object"}, "B.Root": {"type": "string"}})

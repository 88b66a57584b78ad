"""The API's own description: OpenAPI 3.1, made from the models and views it describes."""

from collections.abc import Iterator
from typing import Any, cast

from apiflask import APIFlask
from flask import current_app, jsonify

from portal.api.door import admin, bp
from portal.api.examples import EXAMPLES
from portal.api.shapes import BIGGEST, ErrorAnswer

NEW = (400, 409, 410, 413, 415, 422)
ALWAYS = (400, 401, 403, 429, 500, 503)
MEANINGS = {
    400: "The query, a header or the JSON cannot be read as it must be.",
    401: "No valid key.",
    403: "The key's person is no platform admin.",
    404: "There is no such thing, or it lies in the trash.",
    409: "Something stands in the way: `conflicts` names values taken, `blocked_by` what comes first.",
    410: "It was purged for good; `purged_at` says when.",
    413: "The body is larger than 64 KB.",
    415: "The body is not application/json.",
    422: "A field or a rule refuses this; `fields` says which and why.",
    429: "Too many calls, or too many wrong keys, from this address.",
    500: "A bug of ours. Nothing was changed.",
    503: "The database is busy. Nothing was changed.",
}
HEADERS: dict[int, Any] = {
    401: {"WWW-Authenticate": ("How to show a key.", {"type": "string"})},
    429: {"Retry-After": ("Seconds to wait.", {"type": "integer", "minimum": 1})},
    503: {"Retry-After": ("Seconds to wait.", {"type": "integer", "minimum": 1})},
    201: {
        "Location": ("The address of what was made.", {"type": "string"}),
        "Idempotent-Replayed": ("true: the call was made before.", {"type": "string", "enum": ["true"]}),
    },
}
ABOUT = (
    "What the operators of the platform do with users, merchants and stores. Every call carries a key of a"
    " platform admin, made by `flask api-keys create`, and stands in the audit log. Times are UTC."
)
TAGS = [
    {"name": "Users", "description": "People: who signs in, and who is known only at the till."},
    {"name": "Merchants", "description": "The businesses."},
    {"name": "Stores", "description": "The shops of the merchants."},
    {"name": "Deletions", "description": "What was deleted, by whom, and until when it can come back."},
    {"name": "About", "description": "This document."},
]
SETTINGS = {
    "OPENAPI_VERSION": "3.1.0",
    "AUTO_200_RESPONSE": False,
    "AUTO_404_RESPONSE": False,
    "AUTO_AUTH_ERROR_RESPONSE": False,
    "AUTO_SERVERS": False,
    "AUTO_VALIDATION_ERROR_RESPONSE": False,
    "DESCRIPTION": ABOUT,
    "HTTP_ERROR_SCHEMA": {"$ref": "#/components/schemas/ErrorAnswer"},
    "SECURITY_SCHEMES": {"key": {"type": "http", "scheme": "bearer", "description": "`carnet_…`"}},
    "TAGS": TAGS,
}


def can_fail(*statuses: int) -> Any:
    """Declare which errors a view can answer, beside those that every view can."""
    return {status: MEANINGS[status] for status in statuses}


@bp.get("/openapi.json")
@admin
@bp.output({}, description="OpenAPI 3.1.")
@bp.doc(operation_id="getDocument", tags=["About"])
def openapi() -> Any:
    """Describe the whole API."""
    app = cast(APIFlask, current_app)
    return jsonify(app._get_spec("json"))  # noqa: SLF001 - the public `spec` is made anew each time


def complete(spec: Any) -> Any:
    """Add what APIFlask leaves out: shared errors, headers, limits of ids, and one name for each shape."""
    schemas = spec["components"]["schemas"]
    schemas.pop("HTTPError", None)
    error = ErrorAnswer.model_json_schema(ref_template="#/components/schemas/ErrorAnswer.{model}")
    schemas.update({f"ErrorAnswer.{name}": shape for name, shape in error.pop("$defs").items()})
    schemas["ErrorAnswer"] = error
    spec["security"] = [{"key": []}]
    spec["servers"] = [{"url": "/", "description": "This Carnet."}]
    for operations in spec["paths"].values():
        for operation in operations.values():
            _complete_operation(operation)
    flat: dict[str, Any] = _flattened(spec)
    named = _named_once(flat["components"]["schemas"])
    for shape in named.values():
        _size_ids(shape.get("properties", {}))
    for name, example in EXAMPLES.items():
        named[name]["examples"] = [example]
    flat["components"]["schemas"] = dict(sorted(named.items()))
    return flat


def _complete_operation(operation: dict[str, Any]) -> None:
    for status in ALWAYS:
        operation["responses"].setdefault(str(status), {"description": MEANINGS[status]})
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            response["description"] = MEANINGS[int(status)]
            shape = {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}
            response["content"] = {"application/json": shape}
        response["headers"] = dict(_headers(int(status)))
    operation["responses"] = dict(sorted(operation["responses"].items()))
    for parameter in operation["parameters"]:
        _complete_parameter(parameter)
    if "requestBody" in operation:
        asked = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        operation["requestBody"]["required"] = asked != "Bringing"


def _size_ids(properties: dict[str, Any]) -> None:
    """Say that ids are of 64 bits: many languages would take 32."""
    for name, schema in properties.items():
        if name in ("id", "owner", "owner_ids", "deletions") or name.endswith("_id"):
            for part in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
                if part.get("type") == "integer":
                    part["format"] = "int64"


def _headers(status: int) -> Iterator[tuple[str, Any]]:
    told: dict[str, Any] = {
        "X-Request-Id": ("The call's id in the logs.", {"type": "string"}),
        **HEADERS.get(status, {}),
    }
    for name, (meaning, schema) in told.items():
        yield name, {"description": meaning, "schema": schema, "required": name != "Idempotent-Replayed"}


def _complete_parameter(parameter: dict[str, Any]) -> None:
    """Say what an id can be, and that a query or header is left out rather than null."""
    if parameter["in"] == "path":
        parameter["schema"] = {"type": "integer", "format": "int64", "minimum": 1, "maximum": BIGGEST}
        return
    schema = parameter["schema"]
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if choices:
        parameter["schema"] = {**choices[0], "title": schema["title"]}
    if schema.get("default") is not None:
        parameter["schema"]["default"] = schema["default"]
    parameter["description"] = schema.get("description", "")
    parameter["schema"].pop("description", None)


def _flattened(part: Any) -> Any:
    """Call a shape inside a shape by its own name: UserPage.UserTold is UserTold."""
    if isinstance(part, dict):
        return {key: _plain_ref(value) if key == "$ref" else _flattened(value) for key, value in part.items()}
    return [_flattened(one) for one in part] if isinstance(part, list) else part


def _plain_ref(ref: Any) -> Any:
    path, slash, name = str(ref).rpartition("/")
    return f"{path}{slash}{name.rpartition('.')[2]}"


def _named_once(schemas: dict[str, Any]) -> dict[str, Any]:
    named: dict[str, Any] = {}
    for name, shape in schemas.items():
        short = name.rpartition(".")[2]
        if named.setdefault(short, shape) != shape:
            raise RuntimeError(f"two shapes are called {short}")
    return named

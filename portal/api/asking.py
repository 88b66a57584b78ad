"""Reading what a program asks: strict JSON and strict queries, never a guess."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_to_bytes

from apiflask.schema_adapters import registry
from apiflask.schema_adapters.pydantic import PydanticAdapter
from flask import Request, abort
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from portal.api.saying import Said
from portal.api.shapes import IN_WORDS

BIGGEST_BODY = 64 * 1024
DEEPEST = 20
TOO_DEEP = f"The JSON is nested deeper than {DEEPEST} levels."
BROKEN_OFF = "The body did not arrive whole: its length or its pieces are not as announced."
MOST_FAULTS = 20
TRUTHS = {"true": True, "false": False}
NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
NO_MORE = "There is no such field."
SENTENCES = {  # what pydantic calls a fault, in words that say what would be right
    "extra_forbidden": NO_MORE,
    "missing": "This is needed.",
    "bool_type": "Write true or false.",
    "int_type": "Write a whole number.",
    "string_type": "Write a text in quotes.",
    "string_unicode": "This text is no valid Unicode.",
    "string_too_short": "Write at least {min_length} characters.",
    "string_too_long": "Write at most {max_length} characters.",
    "greater_than_equal": "Give {ge} or more.",
    "less_than_equal": "Give {le} or less.",
    "literal_error": "Take one of {expected}.",
    "dict_type": "Write an object: {{ … }}.",
    "too_long": "Give at most {max_length}.",
}
MOST_DIGITS = 100


class ProgramRequest(Request):
    """A request; below /api/ also an address that does not exist is the API's to answer."""

    @property
    def blueprints(self) -> list[str]:
        """Name the room that answers, so that its own errors and headers are used."""
        found = super().blueprints
        return found if found or not f"{self.path}/".startswith("/api/") else ["admin"]


class StrictAdapter(PydanticAdapter):
    """Reads a model from the body, the query or the headers; nothing is turned into another type."""

    def validate_input(self, request: Request, location: str, **_: Any) -> BaseModel:
        """Read and check; raises Said with every fault and its place."""
        found = READERS[location](request, self.model_class)
        try:
            return self.model_class.model_validate(found)
        except ValidationError as fault:
            raise refusal(fault, location) from None


def refusal(fault: ValidationError, location: str) -> Said:
    """Say what is wrong, field by field: 422 in the body, 400 around it."""
    faults = [
        {"field": _place(one["loc"]), "message": _sentence(one)} for one in fault.errors()[:MOST_FAULTS]
    ]
    if location == "json":
        return Said(422, "invalid", "Some fields are not as they must be.", fields=faults)
    what = "The query" if location == "query" else "A header"
    return Said(400, f"bad_{location}", f"{what} is not as it must be.", fields=faults)


def _place(path: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in path)[:200]


def _sentence(fault: Any) -> str:
    kind, limits = fault["type"], fault.get("ctx", {})
    if kind == "string_pattern_mismatch":
        return IN_WORDS[limits["pattern"]]
    sentence = SENTENCES.get(kind)
    if sentence is None:
        return str(fault["msg"]).replace("Input should", "It should")[:300]
    return sentence.format_map(limits)


def read_body(request: Request, model: type[BaseModel]) -> Any:
    """Read the body as strict JSON; raises Said 400 or 415, and answers 413."""
    body = _taken_in(request)
    if not body and getattr(model, "may_be_left_out", False):
        return {}
    if not _is_json(request):
        raise Said(415, "bad_type", "Send JSON: Content-Type: application/json.")
    try:
        found = json.loads(
            body.decode(),
            object_pairs_hook=_once_each,
            parse_constant=_refuse,
            parse_float=_real,
            parse_int=_whole,
        )
    except RecursionError:
        raise Said(400, "bad_json", TOO_DEEP) from None
    except ValueError as fault:
        raise Said(400, "bad_json", f"This is no JSON we take: {_told(fault)}") from None
    if _is_too_deep(found):
        raise Said(400, "bad_json", TOO_DEEP)
    if not isinstance(found, dict):
        raise Said(422, "invalid", "Send one JSON object: { … }.", fields=[])
    return found


def _taken_in(request: Request) -> bytes:
    """Take the body in, up to 64 KB; answers 413 for more."""
    # One byte more: what comes in pieces, its length untold, is else cut off there without a word.
    request.max_content_length = BIGGEST_BODY + 1
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise
    except Exception:  # noqa: BLE001 - each server has its own for pieces that do not fit
        raise Said(400, "bad_json", BROKEN_OFF) from None
    if len(body) > BIGGEST_BODY:
        abort(413)
    if _is_json(request) and len(body) < (request.content_length or 0):
        raise Said(400, "bad_json", BROKEN_OFF)
    return body


def _is_json(request: Request) -> bool:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    return request.mimetype == "application/json" and charset in ("utf-8", "utf8")


def _told(fault: ValueError) -> str:
    if isinstance(fault, UnicodeDecodeError):
        return "it is not UTF-8."
    where = (
        f" at line {fault.lineno}, column {fault.colno}" if isinstance(fault, json.JSONDecodeError) else ""
    )
    what = fault.msg if isinstance(fault, json.JSONDecodeError) else str(fault)
    return f"{what[:120].rstrip('.')}{where}."


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON number")


def _real(text: str) -> float | int:
    """Read 30.0 as 30: JSON has one kind of number, and some programs write every one with a point."""
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise ValueError("a number is too large")
    return int(text)


def _is_too_deep(found: Any) -> bool:
    level, depth = [found], 0
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inside(outer)]
    return depth - 1 > DEEPEST


def _inside(outer: Any) -> Iterator[Any]:
    if isinstance(outer, dict):
        yield from outer.values()
    elif isinstance(outer, list):
        yield from outer


def refuse_query(request: Request) -> None:
    """Refuse whatever stands in the query of an operation that takes none; raises Said 400."""
    if request.query_string:
        faults = [{"field": name[:200], "message": NO_MORE} for name in list(request.args)[:MOST_FAULTS]]
        raise Said(400, "bad_query", "This call takes no query.", fields=faults)


def read_query(request: Request, model: type[BaseModel]) -> dict[str, Any]:
    """Read the query: each name once, numbers and truths in their one spelling; raises Said 400."""
    try:
        unquote_to_bytes(request.query_string).decode()
    except UnicodeDecodeError:
        raise Said(400, "bad_query", "The query is not UTF-8.", fields=[]) from None
    repeated = [name for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        faults = [{"field": name[:200], "message": "Give it once."} for name in repeated[:MOST_FAULTS]]
        raise Said(400, "bad_query", "The query is not as it must be.", fields=faults)
    return {name: _typed(model, name, text) for name, text in request.args.items()}


def _typed(model: type[BaseModel], name: str, text: str) -> Any:
    """Read true, false and 12 where the model wants them; all else stays a text, for the model to judge."""
    field = model.model_fields.get(name)
    wanted = str(field.annotation) if field else ""
    if "bool" in wanted:
        return TRUTHS.get(text, text)
    return int(text) if "int" in wanted and NUMBER.fullmatch(text) else text


def read_headers(request: Request, model: type[BaseModel]) -> dict[str, str]:
    """Read those headers that the model knows."""
    names = {name: name.replace("_", "-") for name in model.model_fields}
    return {name: request.headers[header] for name, header in names.items() if header in request.headers}


READERS = {"json": read_body, "query": read_query, "headers": read_headers}


def take_over() -> None:
    """Let APIFlask read models strictly; before the first view is declared."""
    registry.register("pydantic", StrictAdapter)

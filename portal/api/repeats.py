"""A call that is sent twice is carried out once."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from flask import current_app, url_for
from pydantic import BaseModel

from portal.api import door
from portal.api.shapes import OnceKey
from portal.extensions import db
from portal.services.once import claim


def once(
    header: OnceKey, asked: BaseModel, model: Any, make: Callable[[], Any]
) -> tuple[Any, dict[str, str]]:
    """Make a row, or find the one that the same call made before: the row, and the headers to answer with.

    Raises Conflict("key_reused") when the key came with another body.
    """
    if header.idempotency_key is None:
        return _made(make())
    kind, by = model.__tablename__, door.actor()
    key = claim(f"api:{by.user_id}:{header.idempotency_key}", request_hash=_digest(kind, asked), by=by)
    if key.result_id is not None:
        row, headers = _made(door.find(model, key.result_id, dead=True))
        return row, headers | {"Idempotent-Replayed": "true"}
    row, headers = _made(make())
    key.result_kind, key.result_id = kind, row.id
    return row, headers


def _made(row: Any) -> tuple[Any, dict[str, str]]:
    db.session.flush()  # the address names its id
    one = row.__tablename__.removesuffix("s")
    return row, {"Location": url_for(f"admin.get_{one}", **{f"{one}_id": row.id})}


def _digest(kind: str, asked: BaseModel) -> str:
    """Hash the body with our own key: it may hold a password."""
    body = f"{kind}:{asked.model_dump_json()}".encode()
    return hmac.new(current_app.config["SECRET_KEY"].encode(), body, hashlib.sha256).hexdigest()

"""The door of pictures: whoever knows an address may look, and nothing in a picture can act."""

import re

from flask import Blueprint, abort, make_response, request
from werkzeug.wrappers import Response as AnyResponse

from portal.services import pictures
from portal.web.access import allow

bp = Blueprint("media", __name__)
ADDRESS = re.compile(r"([0-9a-f]{64})\.(png|jpg)")
# What is named by its content never changes; nothing it might contain is run or shown as a page.
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Disposition": "inline",
}


@bp.get("/media/<public_ref>/<name>")
@allow("anyone")
def picture(public_ref: str, name: str) -> AnyResponse:
    """Show a picture of a merchant."""
    named = ADDRESS.fullmatch(name)
    found = pictures.find_picture(public_ref, *named.groups()) if named else None
    if found is None:
        abort(404)
    answer = make_response(found.content)
    answer.headers.update(HEADERS | {"Content-Type": found.content_type})
    answer.set_etag(found.sha256)
    return answer.make_conditional(request)

"""Deleting from a screen: the preview before, Undo after, and what the address of the deleted says."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Response, abort, flash, make_response, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as AnyResponse

from portal.models.customer import Customer
from portal.models.deletion import Deletion
from portal.models.store import Store
from portal.models.tenancy import Tenant
from portal.services import audit, trash
from portal.services.trash.names import label_of, named, word
from portal.services.twins import deleted_twin
from portal.web.page import done, hx_redirect, is_htmx, page, preview_context
from portal.web.scope import actor, current_merchant, find, now, refuse_foreign_store
from portal.words import Words, _, how_many, ngettext, word_for

Owned = TypeVar("Owned", bound=Tenant)


def find_living(model: type[Owned], row_id: int) -> Owned:
    """Load a living row of the current merchant, in a store that is theirs; else answer 404.

    To its own people the 404 of a deleted row says that it is in the trash.
    """
    living: Owned = living_or_404(find(model, row_id, include_deleted=True))
    return living


def living_or_404(row: Any) -> Any:
    """Hand on a row that was loaded, if it lives and its store is theirs; else answer 404 as above."""
    store_id = row.id if isinstance(row, Store) else getattr(row, "store_id", None)
    if store_id is not None:
        refuse_foreign_store(store_id)
    if row.is_deleted:
        abort(404 if row.purged_at else in_trash(row))
    return row


def in_trash(row: Any) -> Response:
    """Say that the row is in the trash, with a link there for those who may see it."""
    act = trash.deletion_of(row)
    assert act is not None  # noqa: S101 - the row is deleted
    told: dict[str, Any] = {
        "name": _name(row),
        "act": act,
        "days_left": act.days_left(now()),
        "role": act.deleted_by_role,
    }
    if is_htmx():
        message = _("The %(thing)s is in the trash.", thing=told["name"])
        return make_response(render_template("shared/_refusal.html", message=message), 404)
    survivor = _survivor_of(act)
    if survivor is not None:
        href = url_for("customers.show", customer_id=survivor.id)
        return page("shared/in_trash.html", 404, **told, survivor=survivor.name, survivor_href=href)
    with_owner = act.root_kind != row.__tablename__
    owner = named(act.root_kind, act.root_label) if with_owner else ""
    href = url_for("trash.show", deletion_id=act.id) if act.can_be_restored_by(actor()) else ""
    return page("shared/in_trash.html", 404, **told, owner=owner, trash_href=href, survivor="")


def _survivor_of(act: Deletion) -> Customer | None:
    """Find who the customer is now whom the act took, if they were merged."""
    if act.root_kind != "customers":
        return None
    taken = find(Customer, act.root_id, include_deleted=True)
    if taken.merged_into_id is None:
        return None
    survivor: Customer = find(Customer, taken.merged_into_id, include_deleted=True)
    return survivor


def show_preview(row: Any, *, action: str, cancel_href: str, list_href: str, **more: Any) -> Response:
    """Show what a deletion would take and what stays; `more` overrides parts of the preview."""
    seen = trash.preview(row)
    stays = [
        ngettext("%(things)s stays in reports", "%(things)s stay in reports", k.count, things=k.text)
        for k in seen.stays
    ]
    preview = {
        "title": _("Delete %(thing)s?", thing=_("%(kind)s %(name)s", kind=seen.word, name=seen.label)),
        "action": action,
        "cancel_href": cancel_href,
        "intro": ""
        if seen.takes
        else _("The %(thing)s goes to the trash and can be brought back.", thing=seen.word),
        "takes": [_kind(kind) for kind in seen.takes],
        "fields": _way_back(list_href),
        "stays": stays,
    }
    return page("shared/deletion.html", preview=preview_context(preview | more))


def show_bulk_preview(
    ids: Sequence[int],
    names: Sequence[str],
    nouns: Words,
    *,
    action: str,
    cancel_href: str,
    **more: Any,
) -> Response:
    """Show what deleting many would take: how many, and a few names."""
    examples = list(names[:3])
    taken = {
        "count": len(ids),
        "label": word_for(nouns, len(ids)),
        "examples": examples,
        "more": len(ids) - len(examples),
    }
    preview = {
        "title": _("Delete %(thing)s?", thing=how_many(nouns, len(ids))),
        "action": action,
        "cancel_href": cancel_href,
        "takes": [taken],
        # One field: a form of a thousand fields is refused.
        "fields": [("ids", ",".join(str(row_id) for row_id in ids)), ("back", cancel_href)],
    }
    return page("shared/deletion.html", preview=preview_context(preview | more))


def removed(act: Deletion, what: str, *, to: str) -> Response | AnyResponse:
    """Say that it is in the trash, with an Undo that restores that deletion."""
    return _said(_("Deleted %(thing)s.", thing=what), url_for("trash.undo", deletion_id=act.id), to)


def removed_many(acts: Sequence[Deletion], what: str, *, to: str) -> Response | AnyResponse:
    """Say that many are in the trash, with one Undo for all of them. Call it before the commit."""
    ids = [act.id for act in acts]
    batch = audit.note_batch(acts[0].root_kind, ids, merchant_id=current_merchant().id, by=actor())
    return _said(_("Deleted %(thing)s.", thing=what), url_for("trash.undo_batch", batch_id=batch), to)


def back_to(list_href: str) -> str:
    """Address the list as it was filtered when the deletion was asked for."""
    asked = urlsplit(request.form.get("back", ""))
    if asked.scheme or asked.netloc or asked.path != list_href or not asked.query:
        return list_href
    return f"{list_href}?{asked.query}"


def asked_reason() -> str | None:
    """Read why, if the person said so; at most 200 characters."""
    return request.form.get("reason", "").strip()[:200] or None


def with_twin(message: str, row: Any) -> str:
    """Add to a message that something in the trash had a value of this row, if that is so."""
    act = deleted_twin(row, actor())
    if act is None:
        return message
    return Markup(render_template("shared/_twin.html", message=message, twin=twin_of(act)))  # noqa: S704 - a template's


def twin_of(act: Deletion) -> dict[str, Any]:
    """What a page says about the deletion that took a twin."""
    return {"word": word(act.root_kind), "act": act, "href": url_for("trash.show", deletion_id=act.id)}


def _said(message: str, undo_href: str, to: str) -> Response | AnyResponse:
    """A list shows the toast and loads itself again; the page of what is gone is left."""
    if is_htmx() and _is_elsewhere(to):
        flash({"message": message, "undo_href": undo_href}, "undo")  # type: ignore[arg-type]  # JSON
        return hx_redirect(to)
    return done(message, to=to, undo_href=undo_href)


def _way_back(list_href: str) -> list[tuple[str, str]]:
    """What the preview sends along to lead back: the list people come from, as it was filtered."""
    before = urlsplit(request.referrer or "")
    if before.netloc != request.host or before.path != list_href or not before.query:
        return []
    return [("back", f"{list_href}?{before.query}")]


def _is_elsewhere(to: str) -> bool:
    here = urlsplit(request.headers.get("HX-Current-URL", "")).path
    return bool(here) and here != urlsplit(to).path


def _name(row: Any) -> str:
    return named(row.__table__, label_of(row))


def _kind(kind: Any) -> dict[str, Any]:
    return {"count": kind.count, "label": kind.words, "examples": kind.examples, "more": kind.more}

"""The calls that every kind of thing answers alike; its routes say only what is its own."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from portal.api import acts, lists
from portal.api.deletions import shapes as deletions
from portal.api.document import NEW, can_fail
from portal.api.door import Row, actor, admin, bp, find, now
from portal.api.repeats import once
from portal.api.shapes import (
    Asked,
    Bringing,
    Brought,
    Change,
    DeadToo,
    Foreseen,
    ListAsked,
    Mortal,
    OnceKey,
    Told,
    Why,
)
from portal.errors import Refused
from portal.extensions import db
from portal.models.actor import Actor
from portal.models.base import Model
from portal.models.deletion import Deletion

A = TypeVar("A", bound=Model, contravariant=True)
CALLS = {  # how each is called, where, and how it can fail
    "list": ("GET", "", (400,)),
    "create": ("POST", "", NEW),
    "get": ("GET", "/<int:{one}_id>", (400, 404, 410)),
    "change": ("PATCH", "/<int:{one}_id>", (400, 404, 409, 413, 415, 422)),
    "delete": ("DELETE", "/<int:{one}_id>", (400, 404, 410, 422)),
    "restore": ("PUT", "/<int:{one}_id>/restore", (400, 404, 409, 410, 413, 415, 422)),
    "preview": ("POST", "/<int:{one}_id>/preview", (404, 410)),
}


class Changing(Protocol[A]):
    """A verb that changes what was given."""

    def __call__(self, row: A, /, *, by: Actor, **given: Any) -> Any:
        """Change the row."""


class Deleting(Protocol[A]):
    """A verb that puts one in the trash."""

    def __call__(self, row: A, /, *, by: Actor, now: datetime, reason: str | None) -> Deletion:
        """Delete the row; of one deleted before, hand back that deletion."""


class Calls(Generic[Row]):
    """The calls of one kind; the sentences are for the document."""

    def __init__(
        self,
        model: type[Row],
        word: str,
        words: str,
        *,
        told: type[Mortal],
        tell: Callable[[Sequence[Row]], list[dict[str, Any]]],
    ) -> None:
        """Say what one is called in sentences, and many, and how they are told."""
        self.model, self.word, self.words, self.told, self.tell = model, word, words, told, tell
        self.many = model.__tablename__
        self.one = self.many.removesuffix("s")

    def lists(
        self, page: type[Told], fits: Callable[[Any], Iterable[Any]], asked: type[ListAsked] = ListAsked
    ) -> None:
        """List them; `fits` says which are meant by what is asked."""

        def view(query_data: ListAsked) -> Any:
            return lists.told_page(lists.rows_of(self.model, query_data, *fits(query_data)), self.tell)

        answers = bp.output(page, description=f"A page of {self.words}, in the order of their ids.")
        self._hang("list", view, f"List {self.words}.", bp.input(asked, location="query"), answers)

    def creates(
        self, new: type[Asked], make: Callable[[Any], Row], made: type[Told], says: str, done: str
    ) -> None:
        """Make one, once for each key."""

        def view(headers_data: OnceKey, json_data: Asked) -> Any:
            row, headers = once(headers_data, json_data, self.model, lambda: make(json_data))
            twin = acts.twin_of(row)
            db.session.commit()
            return self._tell_one(row) | {"deleted_twin": twin}, 201, headers

        takes = (bp.input(OnceKey, location="headers"), bp.input(new))
        self._hang("create", view, says, *takes, bp.output(made, 201, description=done))

    def gets(self) -> None:
        """Look at one."""

        def view(query_data: DeadToo, **path: int) -> Any:
            return self._tell_one(self._find(path, dead=query_data.include_deleted))

        answers = bp.output(self.told, description=f"The {self.word}.")
        self._hang("get", view, f"Look at one {self.word}.", bp.input(DeadToo, location="query"), answers)

    def changes(self, change: type[Change], verb: Changing[Row]) -> None:
        """Change a living one."""

        def view(json_data: Change, **path: int) -> Any:
            row = self._find(path, dead=False)
            verb(row, by=actor(), **json_data.given)
            db.session.commit()
            return self._tell_one(row)

        answers = bp.output(self.told, description=f"The {self.word} as changed.")
        self._hang("change", view, f"Change a {self.word}.", bp.input(change), answers)

    def deletes(self, verb: Deleting[Row], says: str) -> None:
        """Put one in the trash."""

        def view(query_data: Why, **path: int) -> Any:
            act = verb(self._find(path), by=actor(), now=now(), reason=query_data.reason)
            db.session.commit()
            return deletions.tell_one(act)

        done = "The deletion; of one deleted before, that first deletion."
        answers = bp.output(deletions.DeletionTold, description=done)
        self._hang("delete", view, says, bp.input(Why, location="query"), answers)

    def restores(self, says: str) -> None:
        """Bring one back."""

        def view(json_data: Bringing, **path: int) -> Any:
            brought = acts.bring_back(self._find(path), json_data)
            db.session.commit()
            return brought

        answers = bp.output(Brought, description="What came back; nothing for a living one.")
        self._hang("restore", view, says, bp.input(Bringing), answers)

    def previews(self, why_not: Callable[[Row], Sequence[Refused]] = lambda _row: ()) -> None:
        """Say what deleting or restoring one would do; `why_not` asks the rules of this kind."""

        def view(**path: int) -> Any:
            row = self._find(path)
            return acts.foresee(row, lambda: why_not(row))

        says = f"Say what deleting a {self.word} would take, or restoring one bring."
        self._hang("preview", view, says, bp.output(Foreseen, description="What deleting or restoring would do."))

    def _hang(self, act: str, view: Callable[..., Any], says: str, *declared: Callable[..., Any]) -> None:
        """Hang a view on its address, for platform admins, with what it takes, answers and can fail with."""
        method, address, faults = CALLS[act]
        noun = self.many if act == "list" else self.one
        view.__name__, view.__doc__ = f"{act}_{noun}", says
        told = {"operation_id": f"{act}{noun.title()}", "tags": [self.many.title()]}
        for declare in (bp.doc(responses=can_fail(*faults), **told), *reversed(declared), admin):
            view = declare(view)
        bp.route(f"/{self.many}{address.format(one=self.one)}", methods=[method])(view)

    def _find(self, path: dict[str, int], *, dead: bool = True) -> Row:
        return find(self.model, path[f"{self.one}_id"], dead=dead)

    def _tell_one(self, row: Row) -> dict[str, Any]:
        return self.tell([row])[0]

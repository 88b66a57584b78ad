"""The calls that every kind of thing answers alike; its routes say only what is its own."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic

from portal.api import acts, lists, shapes
from portal.api.deletions import shapes as deletions
from portal.api.document import NEW, can_fail
from portal.api.door import Row, actor, admin, bp, find, now
from portal.api.repeats import once
from portal.errors import Refused
from portal.extensions import db
from portal.models.deletion import Deletion

Tell = Callable[[Sequence[Row]], list[dict[str, Any]]]
CALLS = {  # how each is called, where, and how it can fail
    "list": ("GET", "", (400,)),
    "create": ("POST", "", NEW),
    "get": ("GET", "/<int:{one}_id>", (400, 404, 410)),
    "change": ("PATCH", "/<int:{one}_id>", (400, 404, 409, 413, 415, 422)),
    "delete": ("DELETE", "/<int:{one}_id>", (400, 404, 410, 422)),
    "restore": ("PUT", "/<int:{one}_id>/restore", (400, 404, 409, 410, 413, 415, 422)),
    "preview": ("POST", "/<int:{one}_id>/preview", (404, 410)),
}


class Calls(Generic[Row]):
    """The calls of one kind; the sentences are for the document."""

    def __init__(
        self,
        model: type[Row],
        word: str,
        words: str,
        *,
        told: type[shapes.Mortal],
        tell: Tell[Row] | None = None,
    ) -> None:
        """Say what one is called in sentences, and many, and the shape in which they are told.

        `tell` writes them where they are more than the fields of their rows.
        """
        self.model, self.word, self.words, self.told = model, word, words, told
        self.tell: Tell[Row] = tell or (lambda rows: lists.tell_all(rows, told.model_fields))
        self.many = model.__tablename__
        self.one = self.many.removesuffix("s")

    def lists(
        self,
        page: type[shapes.Told],
        fits: Callable[[Any], Iterable[Any]],
        asked: type[shapes.ListAsked] = shapes.ListAsked,
    ) -> None:
        """List them; `fits` says which are meant by what is asked."""

        def view(query_data: shapes.ListAsked) -> Any:
            return lists.told_page(lists.rows_of(self.model, query_data, *fits(query_data)), self.tell)

        answers = bp.output(page, description=f"A page of {self.words}, in the order of their ids.")
        self._hang("list", view, f"List {self.words}.", bp.input(asked, location="query"), answers)

    def creates(
        self,
        new: type[shapes.Asked],
        make: Callable[[Any], Row],
        made: type[shapes.Told],
        says: str,
        done: str,
    ) -> None:
        """Make one, once for each key."""

        def view(headers_data: shapes.OnceKey, json_data: shapes.Asked) -> Any:
            row, headers = once(headers_data, json_data, self.model, lambda: make(json_data))
            twin = acts.twin_of(row)
            db.session.commit()
            return self._tell_one(row) | {"deleted_twin": twin}, 201, headers

        takes = (bp.input(shapes.OnceKey, location="headers"), bp.input(new))
        self._hang("create", view, says, *takes, bp.output(made, 201, description=done))

    def gets(self) -> None:
        """Look at one."""

        def view(query_data: shapes.DeadToo, **path: int) -> Any:
            return self._tell_one(self._find(path, dead=query_data.include_deleted))

        takes = bp.input(shapes.DeadToo, location="query")
        answers = bp.output(self.told, description=f"The {self.word}.")
        self._hang("get", view, f"Look at one {self.word}.", takes, answers)

    def changes(self, change: type[shapes.Change], verb: Callable[..., list[str]]) -> None:
        """Change a living one."""

        def view(json_data: shapes.Change, **path: int) -> Any:
            row = self._find(path, dead=False)
            verb(row, by=actor(), **json_data.given)
            db.session.commit()
            return self._tell_one(row)

        answers = bp.output(self.told, description=f"The {self.word} as changed.")
        self._hang("change", view, f"Change a {self.word}.", bp.input(change), answers)

    def deletes(self, verb: Callable[..., Deletion], says: str) -> None:
        """Put one in the trash."""

        def view(query_data: shapes.Why, **path: int) -> Any:
            act = verb(self._find(path), by=actor(), now=now(), reason=query_data.reason)
            db.session.commit()
            return deletions.tell_one(act)

        done = "The deletion; of one deleted before, that first deletion."
        answers = bp.output(deletions.DeletionTold, description=done)
        self._hang("delete", view, says, bp.input(shapes.Why, location="query"), answers)

    def restores(self, says: str) -> None:
        """Bring one back."""

        def view(json_data: shapes.Bringing, **path: int) -> Any:
            brought = acts.bring_back(self._find(path), json_data)
            db.session.commit()
            return brought

        answers = bp.output(shapes.Brought, description="What came back; nothing for a living one.")
        self._hang("restore", view, says, bp.input(shapes.Bringing), answers)

    def previews(self, why_not: Callable[[Row], Sequence[Refused]] = lambda _row: ()) -> None:
        """Say what deleting or restoring one would do; `why_not` asks the rules of this kind."""

        def view(**path: int) -> Any:
            row = self._find(path)
            return acts.foresee(row, lambda: why_not(row))

        says = f"Say what deleting a {self.word} would take, or restoring one bring."
        answers = bp.output(shapes.Foreseen, description="What deleting or restoring would do.")
        self._hang("preview", view, says, answers)

    def _hang(self, act: str, view: Callable[..., Any], says: str, *declared: Callable[..., Any]) -> None:
        """Hang a view on its address, for platform admins, with what it takes, answers and can fail with."""
        method, address, faults = CALLS[act]
        noun = self.many if act == "list" else self.one
        view.__name__, view.__doc__ = f"{act}_{noun}", says
        named, tags = f"{act}{noun.title()}", [self.many.title()]
        document = bp.doc(operation_id=named, tags=tags, responses=can_fail(*faults))
        for declare in (document, *reversed(declared), admin):
            view = declare(view)
        bp.route(f"/{self.many}{address.format(one=self.one)}", methods=[method])(view)

    def _find(self, path: dict[str, int], *, dead: bool = True) -> Row:
        return find(self.model, path[f"{self.one}_id"], dead=dead)

    def _tell_one(self, row: Row) -> dict[str, Any]:
        return self.tell([row])[0]

"""A session that knows its merchant and who is dead."""

from collections.abc import Callable, Iterable
from typing import Any

from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Select, Table, event, inspect, select
from sqlalchemy.orm import ORMExecuteState, Query, Session

from portal.errors import Conflict, NoMerchant
from portal.models.ownership import Edge, is_mortal, needs_of
from portal.models.soft_delete import SoftDeleteMixin, including_deleted
from portal.models.tenancy import ACROSS, Person, Tenant, running
from portal.models.visible import see_the_visible
from portal.words import _, word_for


class PortalQuery(Query[Any]):
    """The legacy query, which no code of ours uses: its get() would answer the dead."""

    def get(self, ident: Any) -> Any:
        """Refuse: Query.get looks only at the identity map."""
        del ident
        raise RuntimeError("use session.get or find, not Query.get")


class PortalSession(FlaskSession):
    """Sees the living rows of one merchant, and writes no row under a dead owner."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["query_cls"] = PortalQuery
        super().__init__(*args, **kwargs)

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """Take the engine that does not lock for writing when this session only reads."""
        engine = super().get_bind(*args, **kwargs)
        if not self.info.get("read_only"):
            return engine
        if "read_only_engine" not in self.info:
            options = {"read_only": True}
            if engine.dialect.name == "postgresql":
                options["postgresql_readonly"] = True
            self.info["read_only_engine"] = engine.execution_options(**options)
        return self.info["read_only_engine"]

    def get(self, entity: Any, ident: Any, **kwargs: Any) -> Any:
        """Load by id; neither the dead nor another merchant's come back, also from the identity map."""
        if issubclass(entity, Tenant):
            ident = self._tenant_identity(entity, ident)
        row = super().get(entity, ident, **kwargs)
        options = kwargs.get("execution_options") or {}
        dead = options.get("include_deleted", self.info.get("include_deleted", False))
        seen = dead if isinstance(dead, bool) else entity in (dead or ())
        return None if row is not None and not seen and getattr(row, "deletion_id", None) else row

    def _tenant_identity(self, entity: type, ident: Any) -> tuple[int, int]:
        scope = self.info.get("scope")
        mine = scope if isinstance(scope, int) else None
        merchant_id, row_id = ident if isinstance(ident, tuple) else (mine, ident)
        if merchant_id is None or scope not in (merchant_id, ACROSS):
            raise NoMerchant(f"{entity.__name__} {ident} asked for in scope {scope}")
        return merchant_id, row_id

    def merge(self, *args: Any, **kwargs: Any) -> Any:
        """Find the dead too: merging onto a dead key must not insert a second row."""
        with including_deleted(self):
            return super().merge(*args, **kwargs)

    def delete(self, instance: Any) -> None:
        """Refuse: rows that can die are put in the trash by a verb."""
        if isinstance(instance, SoftDeleteMixin):
            raise TypeError("use services.trash.soft_delete")
        super().delete(instance)

    def bulk_save_objects(self, *_: Any, **__: Any) -> None:
        """Refuse: what the legacy bulk methods write passes by every check."""
        raise RuntimeError("add objects, or execute(insert(Model), rows); not in bulk")

    bulk_insert_mappings = bulk_update_mappings = bulk_save_objects

    def check_writing(self, state: ORMExecuteState) -> None:
        """Hold what is written without objects to the same rules as what is flushed."""
        if self.info.get("read_only"):
            raise RuntimeError("a reading session was asked to write")
        table: Any = state.bind_mapper.local_table if state.bind_mapper else None
        if table is None or ("merchant_id" not in table.c and not is_mortal(table)):
            return
        if state.is_insert:
            self._check_inserted_rows(table, state.parameters)
        elif state.is_update:
            _check_update(table, state)
        elif is_mortal(table):
            raise TypeError("use services.trash.soft_delete")

    def _check_inserted_rows(self, table: Any, given: Any) -> None:
        """Hold bulk inserts to the scope and to living owners: rows must come as parameters."""
        rows: list[Any] = given if isinstance(given, list) else [given]
        if not rows or not all(rows):
            raise RuntimeError("pass rows as parameters: execute(insert(Model), rows)")
        default = {"merchant_id": self.info.get("scope")}
        if "merchant_id" in table.c:
            _check_scope(self, {(default | row)["merchant_id"] for row in rows})
        _lock_owners(self, table, lambda column: {(default | row).get(column) for row in rows})

    def tell_database(self, connection: Any = None) -> None:
        """Repeat the scope to PostgreSQL's row-level security, for this transaction only."""
        if connection is None:
            if not (self.in_transaction() and self.is_active) or not self._has_connection():
                return
            connection = self.connection()
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_settings(self.info.get("scope")))

    def _has_connection(self) -> bool:
        transaction = self.get_transaction()
        return transaction is not None and bool(transaction._connections)  # noqa: SLF001 - no public way


def _settings(scope: Any) -> str:
    # SET LOCAL with literal integers, not set_config(): Citus passes only the first on to its workers.
    user_id, merchant_id = scope if isinstance(scope, Person) else (None, scope)
    mine = str(int(merchant_id)) if isinstance(merchant_id, int) else ""
    person = str(int(user_id)) if user_id is not None else ""
    across = "on" if scope == ACROSS else ""
    return (
        f"SET LOCAL app.merchant_id = '{mine}'; SET LOCAL app.across = '{across}';"
        f" SET LOCAL app.user_id = '{person}'"
    )


def _check_update(table: Table, state: ORMExecuteState) -> None:
    """Refuse to move or to kill rows without looking at each: their owners must be alive."""
    is_by_key = isinstance(state.parameters, list)
    if is_by_key:
        raise RuntimeError("change rows by a condition, not in bulk by key")
    statement: Any = state.statement
    written = {getattr(c, "key", c) for c in statement._values or ()}  # noqa: SLF001 - no public reader
    keys = {"merchant_id", "deletion_id", *(edge.column for edge in needs_of(table))}
    refused = keys & (written | {*(state.parameters or ())})
    if refused:
        raise RuntimeError(f"change {', '.join(sorted(refused))} row by row")


def _check_scope(session: Session, merchant_ids: Iterable[int]) -> None:
    scope = session.info.get("scope")
    if merchant_ids and scope != ACROSS and merchant_ids != {scope}:
        raise NoMerchant(f"rows of {merchant_ids} written in scope {scope}")


def _lock_owners(session: Session, table: Table, values: Callable[[str], set[Any]]) -> None:
    """Keep the owners alive until we commit; waits for a deletion under way, then refuses."""
    for edge in needs_of(table):
        ids = values(edge.column) - {None}
        if ids and set(session.scalars(_living(session, edge, ids))) != ids:
            what = word_for(edge.parent.info["words"], 1)
            message = _("The %(thing)s this belongs to was deleted. Restore it first.", thing=what)
            raise Conflict("owner_deleted", message, kind=edge.parent.name)


def _living(session: Session, edge: Edge, ids: set[Any]) -> Select[Any]:
    parent = edge.parent
    query = select(parent.c.id).where(parent.c.id.in_(ids), parent.c.deleted_at.is_(None))
    scope = session.info.get("scope")
    if "merchant_id" in parent.c and isinstance(scope, int):
        query = query.where(parent.c.merchant_id == scope)
    return query.order_by(parent.c.id).with_for_update(read=True)


def _moved(row: Any, column: str) -> bool:
    return bool(inspect(row).attrs[column].history.has_changes())


def _before_flush(session: Session, *_: Any) -> None:
    if session.info.get("read_only") and (session.new or session.dirty or session.deleted):
        raise RuntimeError("a reading session was asked to write")
    running.set(session.info.get("scope"))
    dirty = session.dirty  # looked through anew each time it is asked for
    for row in dirty:
        if isinstance(row, SoftDeleteMixin) and _moved(row, "deletion_id"):
            raise TypeError("rows die and come back through services.trash")
    tenants = [row for row in (*session.new, *dirty) if isinstance(row, Tenant)]
    for row in tenants:
        if row in dirty and _moved(row, "merchant_id"):
            raise NoMerchant("a row never changes its merchant")
    _check_scope(session, {row.merchant_id for row in tenants} - {None})


def _after_flush(session: Session, *_: Any) -> None:
    """Check the owners once per kind, when keys of new parents are known."""
    touched: dict[Table, list[Any]] = {}
    for row in (*session.new, *session.dirty):
        touched.setdefault(row.__table__, []).append(row)
    for table, rows in touched.items():
        if not needs_of(table):
            continue

        def owners(column: str, rows: list[Any] = rows) -> set[Any]:
            return {getattr(r, column) for r in rows if r in session.new or _moved(r, column)}

        _lock_owners(session, table, owners)


def _after_begin(session: PortalSession, transaction: Any, connection: Any) -> None:
    if not transaction.nested and session.info.get("scope") is not None:
        session.tell_database(connection)


def listen() -> None:
    """Hang everything above on the session."""
    event.listen(PortalSession, "do_orm_execute", see_the_visible)
    event.listen(PortalSession, "before_flush", _before_flush)
    event.listen(PortalSession, "after_flush", _after_flush)
    event.listen(PortalSession, "after_begin", _after_begin)

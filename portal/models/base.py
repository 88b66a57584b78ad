"""What every table shares: naming, time, numbers, JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, MetaData, String, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# column_0_N_name: composite keys all begin with merchant_id, column_0_name alone collides.
CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Number = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up on SQLite
# Folded text to search and sort by: byte order, so that a prefix is a range of the index.
Key = String().with_variant(String(collation="C"), "postgresql")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

_told: ContextVar[datetime | None] = ContextVar("_told", default=None)


def utc_now() -> datetime:
    """Read the clock: for bookkeeping columns only, rules take the time as an argument."""
    return _told.get() or datetime.now(UTC)


@contextmanager
def as_if(moment: datetime) -> Iterator[None]:
    """Write rows as if they were made at another moment: for stories such as the demo, never for a door."""
    before = _told.set(moment)
    try:
        yield
    finally:
        _told.reset(before)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC; SQLite forgets the zone, so it is put back coming out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn any aware moment into UTC; a naive one is a bug and raises ValueError."""
        del dialect
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value and value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Hand back a moment in UTC on every database."""
        del dialect
        return value and (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC))


class Model(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=CONVENTION)
    type_annotation_map = {
        datetime: UtcDateTime,
        int: Number,
        dict[str, Any]: Json,
        list[dict[str, Any]]: Json,
    }

    # autoincrement: said aloud, for merchants.id is also part of a key to deletions.
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True, sort_order=-2)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        # SQLite would give the id of a purged row to a new one, and the audit log would mix them up.
        cast("Table", cls.__table__).dialect_options["sqlite"]["autoincrement"] = True


class TimestampMixin:
    """When a row was made and last changed; lying in the trash is no change."""

    created_at: Mapped[datetime] = mapped_column(default=utc_now, sort_order=90)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now, sort_order=91)

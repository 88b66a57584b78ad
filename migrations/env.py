"""How Alembic reaches the database: as the role that owns the tables."""

from alembic import context
from alembic.util import CommandError
from flask import current_app
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from portal.models.base import Model
from portal.models.walls import grant

target = current_app.extensions["migrate"]


def owner_engine() -> Engine:
    """Open the database as its owner; the app's own engine if there is only one role."""
    url = current_app.config.get("MIGRATION_DATABASE_URL")
    if not url or url == current_app.config["SQLALCHEMY_DATABASE_URI"]:
        return target.db.engine
    return create_engine(url, hide_parameters=True, poolclass=NullPool)


def run(connection: Connection) -> None:
    """Migrate in one transaction; on SQLite with foreign keys off, and checked at the end."""
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        # With foreign keys on, rebuilding a table deletes the rows that point at it, silently.
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=OFF")
    context.configure(connection=connection, target_metadata=Model.metadata, **target.configure_args)
    with context.begin_transaction():
        if not is_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL app.across = 'on'"))
        context.run_migrations()
        if is_sqlite:
            refuse_orphans(connection)
        else:
            give_rights(connection)
    if is_sqlite:
        connection.connection.driver_connection.execute("PRAGMA foreign_keys=ON")


def refuse_orphans(connection: Connection) -> None:
    """Roll the migration back if it left a row that points at nothing."""
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if orphans:
        raise RuntimeError(f"the migration left {len(orphans)} rows pointing at nothing: {orphans[:3]}")


def give_rights(connection: Connection) -> None:
    """Let the app role use what was made; its name comes from DATABASE_APP_ROLE."""
    role = current_app.config.get("DATABASE_APP_ROLE")
    known = text("SELECT 1 FROM pg_roles WHERE rolname = :role AND rolname <> current_user")
    if role and connection.scalar(known, {"role": role}):
        for statement in grant(role):
            connection.exec_driver_sql(statement)


def run_offline() -> None:
    """Print the SQL instead of running it."""
    url = current_app.config["SQLALCHEMY_DATABASE_URI"]
    context.configure(url=url, target_metadata=Model.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    try:
        with owner_engine().connect() as opened:
            run(opened)
    except OperationalError as trouble:
        if trouble.statement is None:  # not a fault of a migration: the database was not reached
            raise CommandError("The database cannot be reached. Check DATABASE_URL and the server.") from None
        raise

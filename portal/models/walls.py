"""The second wall: PostgreSQL's row-level security, and rows nobody may change. Called by migrations."""

from collections.abc import Iterable, Iterator

# NULLIF: after the first transaction that set it, an unset setting reads as ''.
MINE = "merchant_id = NULLIF(current_setting('app.merchant_id', true), '')::bigint"
ACROSS = "current_setting('app.across', true) = 'on'"
OWN = "user_id = NULLIF(current_setting('app.user_id', true), '')::bigint"
MEMBERSHIPS = frozenset({"store_users", "merchant_owners"})


def raise_walls(tables: Iterable[str]) -> Iterator[str]:
    """Let a session see one merchant's rows, or all when it has said why; the table's owner too."""
    for table in tables:
        yield f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"
        yield f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY"
        yield f"CREATE POLICY mine ON {table} USING ({MINE} OR {ACROSS})"
        if table in MEMBERSHIPS:
            yield f"CREATE POLICY own ON {table} FOR SELECT USING ({OWN})"


def grant(role: str) -> Iterator[str]:
    """Give the app role its daily rights, on tables that are and on those to come."""
    quoted = '"' + role.replace('"', '""') + '"'
    rows = "SELECT, INSERT, UPDATE, DELETE"
    yield f"GRANT USAGE ON SCHEMA public TO {quoted}"
    yield f"GRANT {rows} ON ALL TABLES IN SCHEMA public TO {quoted}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {quoted}"


def forbid(dialect: str, table: str, *verbs: str) -> Iterator[str]:
    """Make the database itself refuse UPDATE or DELETE of the table's rows."""
    for verb in verbs:
        name = f"{table}_no_{verb.lower()}"
        message = f"{table} is append-only: {verb} is refused"
        if dialect == "sqlite":
            yield (
                f"CREATE TRIGGER {name} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            yield (
                f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN RAISE EXCEPTION '{message}'; END $$"
            )
            yield f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


def allow(dialect: str, table: str, *verbs: str) -> Iterator[str]:
    """Take the refusal back, for a downgrade."""
    for verb in verbs:
        name = f"{table}_no_{verb.lower()}"
        on = "" if dialect == "sqlite" else f" ON {table}"
        yield f"DROP TRIGGER IF EXISTS {name}{on}"
        if dialect != "sqlite":
            yield f"DROP FUNCTION IF EXISTS {name}()"

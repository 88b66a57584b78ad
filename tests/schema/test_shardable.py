"""The tables keep the rules that let a merchant's rows live on a server of their own."""

import pytest
from sqlalchemy import Index, PrimaryKeyConstraint, UniqueConstraint
from sqlalchemy.orm import configure_mappers

from portal.models.base import Model
from portal.models.ownership import Rule, edges, is_mortal

TABLES = {table.name: table for table in Model.metadata.sorted_tables}
GLOBAL = {"users", "merchants", "login_sessions", "sign_in_attempts", "api_keys"}
TENANT = {name: table for name, table in TABLES.items() if name not in GLOBAL}
# What is unique on the whole platform, and therefore hard to shard: no more than these.
UNIQUE_EVERYWHERE = {
    "uq_users_email_live",
    "uq_users_username_live",
    "uq_merchants_subdomain_live",
    "uq_merchants_public_ref",
    "uq_stores_subdomain_live",
    "uq_login_sessions_token_hash",
    "uq_api_keys_token_hash",
}
MERCHANT_FREE = {"deletions", "audit_log", "idempotency_keys", "outbox"}

KEYS = [
    pytest.param(table, key, id=f"{name}-{'-'.join(key.column_keys)}")
    for name, table in TABLES.items()
    for key in sorted(table.foreign_key_constraints, key=lambda k: k.column_keys)
]
INDEXES = [
    pytest.param(table, index, id=str(index.name))
    for table in TABLES.values()
    for index in sorted(table.indexes, key=lambda i: str(i.name))
]
UNIQUE = [p for p in INDEXES if p.values[1].unique]
SECRET = {"uq_merchants_public_ref"}  # it begins bearer secrets: never used twice, also of the dead
MAPPERS = sorted(Model.registry.mappers, key=lambda m: m.class_.__name__)
each_tenant_table = pytest.mark.parametrize("name", TENANT)
each_key = pytest.mark.parametrize(("table", "key"), KEYS)
each_index = pytest.mark.parametrize(("table", "index"), INDEXES)


@each_tenant_table
def test_a_tenant_table_names_the_merchant_of_every_row(name):
    assert not TENANT[name].c.merchant_id.nullable


@each_tenant_table
def test_a_tenant_table_can_be_pointed_at_by_merchant_and_id(name):
    uniques = [c for c in TENANT[name].constraints if isinstance(c, UniqueConstraint)]
    assert ["merchant_id", "id"] in [c.columns.keys() for c in uniques]


@pytest.mark.parametrize("name", sorted(GLOBAL))
def test_a_table_of_the_platform_knows_no_merchant(name):
    assert "merchant_id" not in TABLES[name].c


@pytest.mark.parametrize("name", sorted(TENANT.keys() - MERCHANT_FREE))
def test_a_tenant_row_belongs_to_a_merchant_that_exists(name):
    keys = TENANT[name].foreign_key_constraints
    assert ["merchant_id"] in [k.column_keys for k in keys if k.referred_table.name == "merchants"]


@pytest.mark.parametrize(("table", "key"), [p for p in KEYS if p.values[1].referred_table.name in TENANT])
def test_a_key_between_tenant_tables_carries_the_merchant(table, key):
    tenant = "id" if table.name == "merchants" else "merchant_id"
    assert key.column_keys[0] == tenant
    assert [e.column.name for e in key.elements] == ["merchant_id", "id"]


@each_key
def test_a_key_is_restricted_and_named(table, key):
    assert key.ondelete == "RESTRICT"
    assert key.onupdate is None
    assert key.name


@each_key
def test_a_key_is_indexed(table, key):
    columns = key.column_keys
    assert any(names[: len(columns)] == columns for names in full_indexes(table, columns[-1]))


def full_indexes(table, last):
    """The columns of each index that serves a look-up by a key that is not NULL."""
    kinds = (UniqueConstraint, PrimaryKeyConstraint)
    yield from (c.columns.keys() for c in table.constraints if isinstance(c, kinds))
    for index in table.indexes:
        if str(index.dialect_kwargs.get("sqlite_where")) in ("None", f"{last} IS NOT NULL"):
            yield index.columns.keys()


@each_index
def test_a_partial_index_is_partial_on_both_engines(table, index):
    where = index.dialect_kwargs
    assert str(where.get("sqlite_where")) == str(where.get("postgresql_where"))


@pytest.mark.parametrize(("table", "index"), [p for p in UNIQUE if p.values[1].name not in UNIQUE_EVERYWHERE])
def test_a_unique_index_begins_with_the_merchant(table, index):
    assert index.columns.keys()[0] == "merchant_id"


@each_tenant_table
def test_a_unique_constraint_begins_with_the_merchant(name):
    for constraint in TENANT[name].constraints:
        if isinstance(constraint, UniqueConstraint):
            assert constraint.columns.keys()[0] == "merchant_id"


@pytest.mark.parametrize(
    ("table", "index"), [p for p in UNIQUE if is_mortal(p.values[0]) and p.id not in SECRET]
)
def test_what_is_unique_is_unique_among_the_living(table, index):
    assert "deleted_at IS NULL" in str(index.dialect_kwargs["sqlite_where"])


def test_every_uniqueness_named_as_global_exists():
    names = {i.name for t in TABLES.values() for i in t.indexes if i.unique}
    assert names >= UNIQUE_EVERYWHERE


def test_every_constraint_has_a_name_of_its_own():
    names = [c.name for t in TABLES.values() for c in t.constraints]
    names += [i.name for t in TABLES.values() for i in t.indexes]
    assert None not in names
    assert len(names) == len(set(names))
    assert [n for n in names if len(n) > 63] == []  # PostgreSQL cuts longer ones short


@pytest.mark.parametrize("mapper", MAPPERS, ids=lambda m: m.class_.__name__)
def test_the_mapper_knows_a_tenant_row_by_merchant_and_id(mapper):
    wanted = ("merchant_id", "id") if mapper.local_table.name in TENANT else ("id",)
    assert tuple(c.name for c in mapper.primary_key) == wanted
    assert [c.name for c in mapper.local_table.primary_key] == ["id"]


def relationships():
    configure_mappers()
    return [r for mapper in MAPPERS for r in mapper.relationships]


@pytest.mark.parametrize("relationship", relationships(), ids=str)
def test_no_relationship_deletes(relationship):
    assert not relationship.cascade.delete
    assert not relationship.cascade.delete_orphan
    assert not relationship.passive_deletes


INSIDE = [
    r for r in relationships() if r.parent.local_table.name in TENANT and r.mapper.local_table.name in TENANT
]


@pytest.mark.parametrize("relationship", INSIDE, ids=str)
def test_a_relationship_between_tenant_tables_stays_in_one_merchant(relationship):
    assert str(relationship.primaryjoin).count("merchant_id") == 2
    written = [column.name for _, column in relationship.synchronize_pairs]
    assert "merchant_id" not in written  # a row does not change hands


def test_who_did_it_is_history():
    actors = [edge for edge in edges() if edge.column.endswith("_by_id")]
    assert len(actors) > 20
    assert {edge.rule for edge in actors} == {Rule.HISTORY}


def test_indexes_given_to_keys_are_no_second_ones():
    for table in TABLES.values():
        seen: list[tuple] = []
        for index in table.indexes:
            assert isinstance(index, Index)
            where = str(index.dialect_kwargs.get("sqlite_where"))
            seen.append((*map(str, index.expressions), where))
        assert len(seen) == len(set(seen)), table.name

"""The audit log in words: every verb has a sentence, and every sentence names what it is about."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from config import ROOT
from portal.models import AuditEntry, Deletion, Product
from portal.models.actor import JOBS, OPERATOR, Actor, Role
from portal.models.field_words import FIELD_WORDS
from portal.services import audit, history, products, team, trash
from portal.services.history import phrases
from portal.services.history.things import THINGS
from tests.factories import (
    NOW,
    make_everything,
    make_member,
    make_merchant,
    make_product,
    make_store,
    make_user,
    owner_of,
    within,
)

WRITERS = {"record", "record_act", "note"}
SERVICES = sorted((ROOT / "portal" / "services").rglob("*.py"))
VERBS = [path.stem for path in SERVICES if path.parent.name == "services"]
DOORS = [path for room in ("web", "api", "cli") for path in sorted((ROOT / "portal" / room).rglob("*.py"))]


def verbs_in(path: Path) -> set[str]:
    """Name the acts a file writes down; one whose name is not written there fails."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = getattr(getattr(node.func, "value", None), "id", "")
        if name in WRITERS and owner == "audit":
            found |= said(node.args[0], f"{path.name}:{node.lineno}")
    return found


def fields_of(name: str) -> frozenset[str]:
    return getattr(import_module(f"portal.services.{name}"), "FIELDS", frozenset())


def said(word: ast.expr, where: str) -> set[str]:
    if isinstance(word, ast.IfExp):
        return said(word.body, where) | said(word.orelse, where)
    assert isinstance(word, ast.Constant), f"{where}: write the name of the act where it is noted"
    return {word.value}


def test_every_act_in_the_code_has_a_sentence():
    verbs = {"delete_many"}.union(*map(verbs_in, SERVICES + DOORS))  # audit.note_batch writes that one
    assert {"create", "change", "delete", "purge", "hold", "release", "import", "accept"} <= verbs
    assert verbs <= set(history.PHRASES), "give each act a sentence in services/history/phrases.py"


def test_every_phrase_has_places_only_for_what_an_entry_knows(session):
    merchant = make_merchant()
    with within(merchant):
        audit.record("create", merchant, by=OPERATOR)
        entry = entries(merchant, session)[0]
        for phrase in (*history.PHRASES.values(), phrases.UNKNOWN):
            assert str(phrase) % entry.parts
        session.rollback()


def test_every_field_people_change_has_words():
    """What a verb may change is named in words, not as the column of a table."""
    changed = {field for name in VERBS for field in fields_of(name)}
    assert {"price_cents", "retention_days", "role", "points_required", "card_name"} <= changed
    assert {f for f in changed if "_" in f} <= set(phrases.FIELDS) | set(FIELD_WORDS)


def entries(merchant, session):
    newest = history.entries_of(merchant).order_by(AuditEntry.id.desc())
    return [history.entry_of(row) for row in session.execute(newest)]


def told(merchant, session):
    return [entry.sentence for entry in entries(merchant, session)]


@pytest.fixture
def shop(session):
    """A merchant whose owner is Sofia, with a store Gare and a product Croissant."""
    sofia = make_user("Sofia Brandt")
    merchant = make_merchant("Café Lumière", owner=sofia)
    gare = make_store(merchant, "Gare")
    croissant = make_product(gare, "Croissant")
    with within(merchant):
        for row in (sofia, merchant, gare, croissant):
            session.merge(row, load=False)
        yield merchant, sofia, gare, croissant
        session.rollback()


def alive(session, row):
    return session.get(type(row), (row.merchant_id, row.id))


def test_a_change_names_the_thing_and_the_fields(shop, session):
    merchant, sofia, _, croissant = shop
    by = owner_of(merchant, sofia)
    products.change_product(alive(session, croissant), by=by, name="Pain", price_cents=310)
    session.flush()
    assert told(merchant, session)[0] == "Sofia Brandt changed product Pain: name, price"


def test_a_deleted_thing_keeps_its_name_until_it_is_purged(shop, session):
    merchant, sofia, _, croissant = shop
    by, number = owner_of(merchant, sofia), croissant.id
    act = products.delete_product(alive(session, croissant), by=by, now=NOW)
    entry = entries(merchant, session)[0]
    assert entry.sentence == "Sofia Brandt put product Croissant in the trash"
    assert (entry.deletion_id, entry.lives, entry.place) == (act.id, False, "Gare")
    trash.restore(act, by=by, now=NOW)
    entry = entries(merchant, session)[0]
    assert entry.sentence == "Sofia Brandt brought product Croissant back from the trash"
    assert (entry.deletion_id, entry.lives) == (None, True)
    act = products.delete_product(alive(session, croissant), by=by, now=NOW)
    trash.purge(act, by=by, now=NOW)
    entry = entries(merchant, session)[0]
    assert entry.sentence == f"Sofia Brandt removed deleted product #{number} for good"
    assert (entry.deletion_id, entry.lives, entry.is_gone) == (None, False, True)


def test_what_was_emptied_but_kept_has_no_name_either(shop, session):
    merchant, sofia, _, croissant = shop
    row = session.get(Product, (merchant.id, croissant.id))
    audit.record("change", row, by=owner_of(merchant, sofia), fields=["name"])
    act = trash.soft_delete(row, by=owner_of(merchant, sofia), now=NOW)
    session.flush()
    row.purged_at = NOW
    session.flush()
    sentences = told(merchant, session)
    assert f"Sofia Brandt changed deleted product #{croissant.id}: name" in sentences
    assert act.id


def test_who_was_erased_has_no_name(shop, session):
    merchant, sofia, gare, _ = shop
    nina = make_user("Nina")
    member = team.add_member(
        alive(session, gare), session.merge(nina), role="staff", by=owner_of(merchant, sofia)
    )
    by = Actor(nina.id, Role.STAFF)
    audit.record("change", member, by=by, fields=[])
    session.flush()
    assert told(merchant, session)[0] == "Nina changed Nina: details"
    person = session.merge(nina)
    person.purged_at = NOW
    session.flush()
    assert told(merchant, session)[0] == (
        f"Deleted person #{nina.id} changed deleted team member #{member.id}: details"
    )


def test_the_team_is_spoken_of_by_name(shop, session):
    merchant, sofia, gare, _ = shop
    by = owner_of(merchant, sofia)
    nina = session.merge(make_user("Nina Roth"))
    member = team.add_member(alive(session, gare), nina, role="manager", by=by)
    assert told(merchant, session)[0] == "Sofia Brandt added Nina Roth to the team as manager"
    team.remove_member(member, by=by, now=NOW)
    assert told(merchant, session)[0] == "Sofia Brandt took Nina Roth out of the team"
    invitation, _ = team.invite(merchant, display_name="Ina", role="owner", by=by, now=NOW)
    assert told(merchant, session)[0] == "Sofia Brandt invited Ina as owner"
    team.revoke_invitation(invitation, by=by, now=NOW)
    session.flush()
    assert told(merchant, session)[0] == "Sofia Brandt took the invitation of Ina back"


def test_bulk_acts_and_imports_count(shop, session):
    merchant, sofia, _, _ = shop
    by = owner_of(merchant, sofia)
    audit.note_batch("products", [4, 5, 6], merchant_id=merchant.id, by=by)
    audit.note("import", ("team", None), merchant_id=merchant.id, by=OPERATOR, new=12, refused=1)
    audit.note("import", ("products", None), merchant_id=merchant.id, by=OPERATOR)
    session.flush()
    assert told(merchant, session)[:3] == [
        "The operator imported products: nothing new",
        "The operator imported team members: 12 new, 1 refused",
        "Sofia Brandt put 3 products in the trash in one go",
    ]


def test_operators_jobs_and_verbs_nobody_knows_are_told_too(shop, session):
    merchant, _, gare, _ = shop
    audit.record("finish_delete", gare, by=JOBS)
    audit.note(
        "polish", ("window_panes", 7), merchant_id=merchant.id, by=Actor(None, Role.OWNER, channel="smoke")
    )
    audit.note("polish", ("window_panes", None), merchant_id=merchant.id, by=OPERATOR)
    session.flush()
    latest = entries(merchant, session)[:3]
    assert [entry.sentence for entry in latest] == [
        "The operator did “polish” with window panes",
        "The operator did “polish” with window panes #7",
        "A nightly job finished putting store Gare in the trash",
    ]
    assert [entry.channel for entry in latest] == ["Command line", "smoke", "Nightly job"]
    assert [entry.role for entry in latest] == ["operator", "owner", "operator"]
    assert latest[0].deletion_id is None


def test_a_thing_without_a_name_is_told_by_its_number(session):
    merchant = make_merchant()
    rows = make_everything(merchant)
    named = {
        "program": f"program #{rows.program.id}",
        "device": f"tablet {rows.device.name}",
        "order": f"order {rows.order.number}",
        "card": f"card {rows.customer.name}",
    }
    with within(merchant):
        for kind in named:
            audit.record("change", getattr(rows, kind), by=OPERATOR, fields=["status"])
        session.flush()
        sentences = " / ".join(told(merchant, session))
        for name in named.values():
            assert name in sentences
        session.rollback()


def test_the_death_of_a_person_leads_to_the_part_in_this_merchant(session):
    merchant = make_merchant()
    person, gare = make_user("Nina"), make_store(merchant)
    make_member(gare, person)
    whole = trash.soft_delete_cascade(session.merge(person), by=OPERATOR, now=NOW).id
    session.commit()
    with within(merchant):
        entry = entries(merchant, session)[0]
        assert entry.sentence == "The operator put Nina in the trash"
        part = session.get(Deletion, (merchant.id, entry.deletion_id))
        assert part.parent_id == whole
        session.rollback()


def test_acts_above_merchants_and_of_others_are_not_told(shop, session):
    merchant, _, _, _ = shop
    elsewhere = make_merchant("Elsewhere")
    with within(elsewhere):
        audit.record("change", elsewhere, by=OPERATOR, fields=["name"])
        session.flush()
    audit.note("call", ("api_keys", 1), merchant_id=0, by=OPERATOR)
    with within(merchant):
        session.flush()
        assert not [s for s in told(merchant, session) if "API" in s or "settings" in s]


def test_people_are_named_with_those_who_left_but_not_the_erased(shop, session):
    merchant, sofia, gare, _ = shop
    gone, left = make_user("Zoe Erased"), make_user("Anna Left")
    by = owner_of(merchant, sofia)
    for person in (gone, left):
        member = team.add_member(alive(session, gare), session.merge(person), role="staff", by=by)
        team.remove_member(member, by=by, now=NOW)
    session.merge(gone).purged_at = NOW
    session.flush()
    assert [name for _, name in history.people_of(merchant)] == ["Anna Left", "Sofia Brandt"]


def test_every_kind_that_is_named_belongs_to_a_group():
    assert set(THINGS) <= {kind for _, kinds in history.GROUPS.values() for kind in kinds}


def test_the_export_goes_on_over_pieces_in_the_order_asked_for(shop, session, monkeypatch):
    merchant, sofia, _, croissant = shop
    monkeypatch.setattr("portal.services.history.exporting.PIECE", 2)
    for n in range(5):
        audit.record("change", croissant, by=owner_of(merchant, sofia), fields=[f"field_{n}"])
    session.flush()
    newest = list(history.exported(merchant))
    assert newest[0] == list(history.HISTORY)
    assert [row[-1].rpartition(": ")[2] for row in newest[1:6]] == [f"field {n}" for n in (4, 3, 2, 1, 0)]
    oldest = list(history.exported(merchant, oldest_first=True))
    assert oldest[1:] == newest[1:][::-1]
    assert newest[1][1:9] == [
        "Sofia Brandt",
        "owner",
        "portal",
        "products.change",
        "products",
        croissant.id,
        "Croissant",
        "Gare",
    ]

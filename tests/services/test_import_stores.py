"""Importing stores."""

from io import BytesIO

import pytest
from sqlalchemy import select

from portal.errors import Refused
from portal.models import AuditEntry, Store
from portal.models.actor import OPERATOR
from portal.services import imports, stores
from tests.factories import NOW, make_merchant, make_store, within
from tests.services.importing import committed, counted, take_in

HEADER = "external_ref,store_code,name,city,subdomain\n"


@pytest.fixture
def bean(session):
    return make_merchant("Bean")


def all_stores(session, merchant):
    with within(merchant):
        return list(session.scalars(Store.of(merchant).order_by(Store.id)))


def test_new_stores_are_opened(session, bean):
    report, _ = take_in("stores", bean, HEADER + "3,Gare,Gare,Luxembourg,bean-gare\n4,bel,Belval,,\n")
    assert counted(report) == {"new": 2}
    assert report.has_changed
    gare, belval = all_stores(session, bean)
    assert (gare.store_code, gare.subdomain, gare.city) == ("gare", "bean-gare", "Luxembourg")
    assert (belval.name, belval.city, belval.external_ref) == ("Belval", None, "4")


def test_the_same_file_again_changes_nothing(bean):
    text = HEADER + "3,Gare,Gare,Luxembourg,bean-gare\n"
    take_in("stores", bean, text)
    report, _ = take_in("stores", bean, text)
    assert counted(report) == {"unchanged": 1}
    assert not report.has_changed


def test_a_store_is_known_by_its_reference_and_blank_cells_leave_what_is_there(session, bean):
    make_store(bean, "Old", store_code="old", external_ref="3", city="Esch")
    report, _ = take_in("stores", bean, HEADER + "3,gare,Gare,,\n")
    assert counted(report) == {"updated": 1}
    (gare,) = all_stores(session, bean)
    assert (gare.name, gare.store_code, gare.city) == ("Gare", "gare", "Esch")


def test_without_reference_a_store_is_known_by_its_code(session, bean):
    make_store(bean, "Old", store_code="gare")
    report, _ = take_in("stores", bean, "store_code,name\nGARE,Gare\n")
    assert counted(report) == {"updated": 1}
    assert [store.name for store in all_stores(session, bean)] == ["Gare"]


def test_a_subdomain_that_another_holds_is_left_out_and_the_holder_named(session, bean):
    make_store(bean, "First", subdomain="bean-one")
    report, (fate,) = take_in("stores", bean, HEADER + "4,two,Second,,bean-one\n")
    assert counted(report) == {"new": 1}
    assert fate.warnings == ["The subdomain “bean-one” is held by First; it was left out."]
    assert report.warned == 1
    assert all_stores(session, bean)[1].subdomain is None


def test_a_strangers_subdomain_is_left_out_without_a_name_and_again_changes_nothing(bean):
    make_store(make_merchant("Stranger"), "Secret", subdomain="bean-one")
    text = HEADER + "4,two,Second,,bean-one\n"
    _, (fate,) = take_in("stores", bean, text)
    assert fate.warnings == ["The subdomain “bean-one” is held by somebody else; it was left out."]
    report, _ = take_in("stores", bean, text)
    assert counted(report) == {"unchanged": 1}
    assert report.warned == 1


def test_a_code_that_another_holds_refuses_the_row(bean):
    make_store(bean, "First", store_code="one")
    report, (fate,) = take_in("stores", bean, HEADER + "4,one,Second,,\n")
    assert fate.is_refused
    assert "“one” is taken by First" in fate.reason
    assert counted(report) == {"refused": 1}


def test_good_rows_stay_when_others_are_refused(session, bean):
    rows = "1,one,One,,\n2,!!,Two,,\n3,three,,,\n,,Four,,\n5,five,Five,,\n1,six,Six,,\n"
    report, fates = take_in("stores", bean, HEADER + rows)
    assert counted(report) == {"new": 2, "refused": 4}
    assert [store.name for store in all_stores(session, bean)] == ["One", "Five"]
    reasons = [fate.reason for fate in fates if fate.is_refused]
    assert reasons[0].startswith("The store code takes 1 to 63 letters")
    assert reasons[1:] == [
        "A new store needs a name.",
        "The row has neither an external_ref nor a store_code.",
        "Line 2 is about the same one.",
    ]


def test_a_row_whose_reference_is_in_the_trash_is_skipped(session, bean):
    gone = make_store(bean, "Gone", external_ref="3")
    with committed(bean.id):
        number = stores.delete_store(gone, by=OPERATOR, now=NOW).id
    report, (fate,) = take_in("stores", bean, HEADER + "3,gare,Gare,,\n")
    assert counted(report) == {"skipped": 1}
    assert f"in the trash (deletion {number})" in fate.reason
    assert not all_stores(session, bean)


def test_a_living_store_goes_before_a_dead_one_of_the_same_reference(session, bean):
    gone = make_store(bean, "Gone", external_ref="3")
    with committed(bean.id):
        stores.delete_store(gone, by=OPERATOR, now=NOW)
    make_store(bean, "Gare", store_code="gare", external_ref="3")
    report, _ = take_in("stores", bean, HEADER + "3,gare,Gare,,\n")
    assert counted(report) == {"unchanged": 1}


def test_a_row_exported_from_the_trash_is_skipped(bean):
    text = "external_ref,store_code,name,deleted_at\n3,gare,Gare,2026-01-01T10:00:00+00:00\n4,b,B,\n"
    report, fates = take_in("stores", bean, text)
    assert counted(report) == {"skipped": 1, "new": 1}
    assert fates[0].reason == "It lay in the trash when the file was written."


def test_only_the_rows_chosen_are_taken_and_broken_ones_told(bean):
    text = "id,code,name,type\n1,one,One,retail\n2,two,Two,warehouse\n3,three,Three,outlet\n4,x\n"
    report, fates = take_in("stores", bean, text, where=[("type", "retail"), ("type", "outlet")])
    assert counted(report) == {"new": 2, "left_out": 1, "refused": 1}
    assert fates[-1].reason == "The row has 2 cells, the header 4."


def test_every_fault_of_a_row_is_told(bean):
    _, (fate,) = take_in("stores", bean, HEADER + "4,two,Second,,!!\n")
    assert fate.reason.startswith("The subdomain takes")


def test_the_same_reference_elsewhere_is_another_store(session, bean):
    make_store(make_merchant("Stranger"), "Theirs", external_ref="3")
    report, _ = take_in("stores", bean, HEADER + "3,gare,Gare,,\n")
    assert counted(report) == {"new": 1}


def test_an_import_is_written_down(session, bean):
    report = imports.Report()
    report.counts.update(new=3, refused=1)
    table = imports.open_table(BytesIO(b"name\nTea\n"))
    with within(bean):
        imports.note(imports.plan("stores", bean, table), report, by=OPERATOR)
        session.commit()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.merchant_id == bean.id)).one()
    assert (entry.action, entry.details) == ("stores.import", {"new": 3, "refused": 1})


def test_large_files_come_in_chunks(session, bean):
    rows = "".join(f"{n},s{n},Store {n},,\n" for n in range(450))
    table = imports.open_table(BytesIO((HEADER + rows).encode()))
    with within(bean):
        run = imports.run(imports.plan("stores", bean, table), by=OPERATOR, now=NOW)
        chunks = [len(chunk) for chunk in run]
        session.rollback()
    assert chunks == [200, 200, 50]
    assert not all_stores(session, bean)


def test_a_race_for_a_value_that_cannot_be_left_out_is_still_refused(bean, monkeypatch):
    def taken(*_, **__):
        raise Refused("strange", "Something else.")

    monkeypatch.setattr(stores, "open_store", taken)
    _, (fate,) = take_in("stores", bean, HEADER + "4,two,Second,,\n")
    assert fate.reason == "Something else."

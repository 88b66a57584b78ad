"""Reading CSV files as they come."""

from io import BytesIO

import pytest

from portal.errors import Refused
from portal.services import imports
from portal.services.imports import open_table


def read(text, encoding="utf-8"):
    return open_table(BytesIO(text if isinstance(text, bytes) else text.encode(encoding)))


def cells(table):
    return [line.cells for line in table.lines()]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_are_told_apart(sign):
    table = read(f"name{sign}price\nTea{sign}18\n")
    assert table.columns == ["name", "price"]
    assert cells(table) == [["Tea", "18"]]


def test_a_semicolon_file_may_hold_commas_in_its_cells():
    assert cells(read("name;price\nCafé, noir;18,00\nThé;2,50\n"))[0] == ["Café, noir", "18,00"]


def test_the_sign_that_splits_all_rows_alike_is_taken_when_the_header_holds_two():
    table = read("name;price, net\nTea;18\nMilk;2\n")
    assert table.columns == ["name", "price, net"]


def test_of_two_signs_that_both_leave_broken_rows_the_one_that_splits_the_header_more_is_taken():
    table = read("a,b,c;d\n1,2\n3;4;5\n")
    assert table.columns == ["a", "b", "c;d"]


def test_a_file_whose_separator_cannot_be_told_is_refused():
    with pytest.raises(Refused, match="commas or semicolons"):
        read("a,b;c\n1,2;3\n")


def test_one_column_needs_no_separator():
    assert cells(read("name\nTea\n")) == [["Tea"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_mark_at_the_beginning_is_understood(encoding):
    assert read("name,city\nCafé,Luxembourg\n", encoding).columns == ["name", "city"]


def test_rows_keep_the_number_of_the_line_they_begin_on():
    table = read('name,note\n"Tea","two\nlines"\n\n,\nMilk,-\n')
    assert [(line.number, line.cells[0]) for line in table.lines()] == [(2, "Tea"), (6, "Milk")]
    assert table.count == 2


def test_blank_lines_before_the_header_are_passed_over():
    assert read("\n,,\nname,price\nTea,1\n").columns == ["name", "price"]


def test_a_table_can_be_read_twice():
    table = read("name\nTea\n")
    assert cells(table) == cells(table)


def test_the_apostrophe_of_an_export_is_taken_off():
    assert cells(read("name,phone\n'=tea,'+352 1\n'tea,''-x\n")) == [
        ["=tea", "+352 1"],
        ["'tea", "'-x"],
    ]


def test_trailing_columns_without_name_do_not_matter():
    table = read("name,city,,\nTea,Here\nMilk,There,,\n")
    assert cells(table) == [["Tea", "Here", "", ""], ["Milk", "There", "", ""]]


@pytest.mark.parametrize(("row", "has"), [("Tea", "1 cell"), ("Tea,1,2", "3 cells")])
def test_a_row_with_too_few_or_too_many_cells_is_broken(row, has):
    (line,) = read(f"name,price\n{row}\n").lines()
    assert line.fault == f"The row has {has}, the header 2."


def test_blank_cells_too_many_are_forgiven():
    assert cells(read("name,price\nTea,1,,\n")) == [["Tea", "1"]]


def test_broken_quotes_lose_one_row_and_say_how_far_they_reach():
    lines = list(read('name,price\n"Tea,1\nMilk"x,2\nJam,3\n').lines())
    assert [line.fault for line in lines] == ["The quotation marks do not match from here to line 3.", ""]


def test_quotes_that_never_end_are_told():
    lines = list(read('name,price\nTea,1\n"Milk,2\n').lines())
    assert lines[-1].fault == "The quotation marks do not match."


def test_a_huge_cell_is_told():
    (line,) = read(f"name,price\n{'x' * 200_000},1\n").lines()
    assert "more than 131,072 characters" in line.fault


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b" \n\n", "The file is empty."),
        (b"name,price\n", "a header, but no rows"),
        (b'"name\n', "The first line must name the columns."),
        ("name\nCafé\n".encode("latin-1"), "not UTF-8, from about line 2 on"),
        (b"name\n" + b"Tea, green\n" * 30_000 + b"Caf\xe9\n", "not UTF-8, from about line 30002 on"),
        (b"name\nTea\nMi\0lk\n", "Line 3 holds NUL bytes"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(data, sentence):
    with pytest.raises(Refused, match=sentence):
        read(data)


@pytest.mark.parametrize("more", ["", ",deleted_at"])
def test_an_export_of_nothing_is_a_table_without_rows(more):
    table = read(f"external_ref,store,name,email,role,position{more}\r\n")
    assert (table.count, list(table.lines())) == (0, [])


def test_sorting_leaves_no_file_behind_even_while_it_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    receipts = imports.Receipts()
    for number in range(20_000):
        receipts.add(f"R{number % 1_000}", number, imports.Line(number, ["x" * 1_000]))
    assert list(tmp_path.iterdir()) == []
    found = list(receipts.sorted())
    assert ([len(each.lines) for each in found], found[0].key) == ([20] * 1_000, "R0")
    assert list(tmp_path.iterdir()) == []
    receipts.close()

"""What commands say of one thing and of many, and of a merchant without a program."""

import pytest

from portal.cli.numbers_told import _money
from portal.cli.showing import counted
from tests.factories import give, make_card, make_merchant, make_program

NO_PROGRAM = "Café Lux has no program. Start one with: flask program set --merchant cafe-lux\n"


@pytest.fixture
def cafe(session):
    return make_merchant("Café Lux", subdomain="cafe-lux")


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 cards"), (1, "1 card"), (2, "2 cards"), (1_000, "1,000 cards")]
)
def test_one_is_told_apart_from_many(number, words):
    assert counted(number, "card") == words


@pytest.mark.parametrize(("number", "words"), [(1, "1 old try"), (2, "2 old tries")])
def test_where_an_s_is_not_enough_the_word_is_given(number, words):
    assert counted(number, "old try", "old tries") == words


def test_one_card_with_one_movement_is_told_so(flask, cafe):
    give(make_card(make_program(cafe)), points=1)
    said = flask("loyalty", "verify", "--merchant", "cafe-lux").output
    assert said == "Every balance agrees: 1 card, 1 movement.\n"


@pytest.mark.parametrize("words", [("attempts",), ("repeats",), ("fingerprints",)])
def test_jobs_count_in_words(flask, words):
    said = flask("jobs", "run", *words).output
    assert said.startswith("Forgot 0 ")
    assert said.endswith(".\n")


@pytest.mark.parametrize("words", [("balances", "--format", "csv"), ("stats",)])
def test_without_a_program_the_numbers_say_why_there_are_none(flask, cafe, words):
    result = flask("loyalty", *words, "--merchant", "cafe-lux")
    assert (result.exit_code, result.stderr) == (0, NO_PROGRAM)
    assert result.stdout


@pytest.mark.parametrize("words", [("loyalty", "convert"), ("program", "show")])
def test_without_a_program_there_is_nothing_to_do_it_to(flask, cafe, words):
    result = flask(*words, "--merchant", "cafe-lux")
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", NO_PROGRAM)


@pytest.mark.parametrize("words", [("expire",), ("tiers",), ("verify",)])
def test_without_a_program_the_night_has_nothing_to_do(flask, cafe, words):
    result = flask("loyalty", *words, "--merchant", "cafe-lux")
    assert (result.exit_code, result.stderr) == (0, "")
    assert " 0 " in f" {result.stdout}"


@pytest.mark.parametrize(
    "words", [("stats",), ("balances",), ("verify",), ("expire",), ("tiers",), ("convert",)]
)
def test_an_unknown_merchant_is_refused(flask, words):
    result = flask("loyalty", *words, "--merchant", "nope")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "There is no merchant “nope”. See: flask merchants list\n"


@pytest.mark.parametrize(
    ("cents", "words"),
    [(None, "no value set"), (0, "0.00 EUR"), (-150, "-1.50 EUR"), (123_456, "1,234.56 EUR")],
)
def test_money_is_told_to_the_cent_below_nothing_too(cafe, cents, words):
    assert _money(cents, cafe) == words

"""Words for missing cells and for booleans."""

import pytest

from config.words import BOOLEANS, is_missing, parse_boolean


@pytest.mark.parametrize(
    "text", ["", "  ", "NA", "na", "N/A", "#N/A", "<NA>", "NaN", "nan", "NULL", "None", "?"]
)
def test_words_for_missing_cells(text: str) -> None:
    assert is_missing(text)
    assert is_missing(f" {text} ", among_numbers=True)


@pytest.mark.parametrize(
    "text",
    ["-", "—", ".", "unknown", "missing", "#DIV/0!", "k.A.", "n.d.", "(null)", "Not available"],
)
def test_words_that_are_missing_only_among_numbers(text: str) -> None:
    assert is_missing(text, among_numbers=True)
    assert not is_missing(text)


@pytest.mark.parametrize("text", ["0", "no", "nano", "inf", "-1", "nil by mouth"])
def test_other_words_are_not_missing(text: str) -> None:
    assert not is_missing(text, among_numbers=True)


def test_booleans_are_words_in_any_case() -> None:
    for words in BOOLEANS:
        assert [parse_boolean(word.upper(), words) for word in words] == [False, True]
    assert parse_boolean(" yes\n", ("No", "YES")) is True
    assert parse_boolean("true", ("no", "yes")) is None
    assert parse_boolean("", ("no", "yes")) is None

"""The error of reading."""

from __future__ import annotations

import pytest

from occi_gw.rendering.parse_error import ParseError, shown


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ParseError("bad"), "bad"),
        (ParseError("bad", "$.a"), "$.a: bad"),
        (ParseError("bad", column=3), "column 3: bad"),
        (ParseError("bad", "body line 2", 3), "body line 2, column 3: bad"),
    ],
)
def test_an_error_tells_place_column_and_message(error: ParseError, text: str) -> None:
    assert str(error) == text


def test_an_error_has_its_parts() -> None:
    error = ParseError("bad", "$.a", 3)
    assert (error.message, error.where, error.column) == ("bad", "$.a", 3)


def test_an_error_shows_its_parts_in_a_traceback() -> None:
    assert repr(ParseError("bad", "$.a", 3)) == "ParseError('bad', '$.a', 3)"


def test_an_error_seen_from_outside_has_its_column_moved() -> None:
    assert str(ParseError("bad", column=3).at("body line 2", 10)) == "body line 2, column 13: bad"


def test_an_error_without_a_column_has_none_outside() -> None:
    assert str(ParseError("bad").at("body line 2", 10)) == "body line 2: bad"


def test_an_error_seen_from_outside_keeps_its_column_without_an_offset() -> None:
    assert ParseError("bad", column=3).at("header Link").column == 3


def test_an_error_is_a_value_error() -> None:
    assert issubclass(ParseError, ValueError)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", '""'),
        ("abc", '"abc"'),
        ("Zo\u00eb", '"Zo\u00eb"'),
        ("a\0b\n", '"a\\u0000b\\u000a"'),
        ("x" * 80, '"' + "x" * 80 + '"'),
        ("x" * 81, '"' + "x" * 77 + '..."'),
        ("x" * 5000, '"' + "x" * 77 + '..."'),
    ],
)
def test_foreign_text_is_shown_short_and_without_controls(text: str, expected: str) -> None:
    assert shown(text) == expected

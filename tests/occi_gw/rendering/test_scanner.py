"""The scanner accepts the language of the grammar, in linear time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occi_gw.rendering import grammar, scanner
from occi_gw.rendering.parse_error import ParseError
from tests.occi_gw.rendering.strategies import damaged, spellings

_Parser = Callable[[str], tuple[Any, ...]]

_PAIRS: dict[str, tuple[_Parser, _Parser]] = {
    "categories": (scanner.scan_categories, grammar.parse_categories),
    "links": (scanner.scan_links, grammar.parse_links),
    "attributes": (scanner.scan_attributes, grammar.parse_attributes),
    "locations": (scanner.scan_locations, grammar.parse_locations),
}
_SCANNERS = [pytest.param(pair[0], id=name) for name, pair in _PAIRS.items()]

_CASES = st.sampled_from(sorted(_PAIRS)).flatmap(
    lambda name: st.tuples(st.just(name), spellings[name] | damaged(spellings[name]))
)


def _outcome(parse: _Parser, text: str) -> str:
    """The values with their types, or that there are none."""
    try:
        return repr(parse(text))
    except ParseError:
        return "refused"


@settings(max_examples=600, deadline=None)
@given(_CASES)
def test_scanner_and_grammar_agree(case: tuple[str, str]) -> None:
    name, text = case
    scan, parse = _PAIRS[name]
    assert _outcome(scan, text) == _outcome(parse, text)


@settings(max_examples=200, deadline=None)
@given(_CASES)
def test_scanner_and_grammar_agree_on_values_too_long_to_be_explained(case: tuple[str, str]) -> None:
    name, text = case
    scan, parse = _PAIRS[name]
    padding = " " * scanner.EXPLAINED
    assert _outcome(scan, padding + text) == _outcome(parse, padding + text)


@settings(max_examples=200, deadline=None)
@given(spellings["definitions"] | damaged(spellings["definitions"]))
def test_scanner_and_grammar_agree_on_attribute_definitions(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    value = f'compute; scheme="http://a#"; attributes="{escaped}"'
    assert _outcome(scanner.scan_categories, value) == _outcome(grammar.parse_categories, value)


_MIB = 1 << 20
_HOSTILE = {
    "unterminated escapes": 'a="' + '\\"' * (_MIB // 2),
    "unterminated string": 'a="' + "x" * _MIB,
    "quotes": '"' * _MIB,
    "backslashes": "\\" * _MIB,
    "semicolons": ";" * _MIB,
    "semicolons after a term": "a" + " ;" * (_MIB // 2),
    "semicolons, then no end": "a" + " ;" * (_MIB // 2) + '"',
    "commas": "," * _MIB,
    "commas, then no member": "," * _MIB + '"',
    "blanks": " " * _MIB,
    "blanks after a value": "a=1" + " " * _MIB + '"',
    "blanks before an equals sign": "a" + " " * _MIB,
    "one name": "a" * _MIB,
    "names": "a," * (_MIB // 2),
    "attributes": "a=1," * (_MIB // 4),
    "parameters": "a" + ";b=1" * (_MIB // 4),
    "link parameters": "<a>" + ";b=1" * (_MIB // 4),
    "brackets": "<" * _MIB,
    "links": "<a>;rel=b," * (_MIB // 10),
    "definitions": 'a;scheme=b;attributes="' + "a " * (_MIB // 2) + '"',
    "braces": 'a;scheme=b;attributes="' + "a{" * (_MIB // 2) + '"',
    "properties": 'a;scheme=b;attributes="a{' + "immutable " * (_MIB // 10) + '"',
    "identifiers": 'a;scheme=b;rel="' + "a " * (_MIB // 2) + '"',
    "digits": "a=" + "1" * _MIB,
    "escapes": 'a="' + "\\a" * (_MIB // 2) + '"',
}


@pytest.mark.parametrize("scan", _SCANNERS)
@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in _HOSTILE.items()])
def test_a_hostile_mebibyte_is_scanned_in_linear_time(scan: _Parser, text: str) -> None:
    begin = time.process_time()
    _outcome(scan, text)
    # Quadratic behaviour would take hours.
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("scan", _SCANNERS)
def test_a_short_value_is_refused_with_the_message_of_the_grammar(scan: _Parser) -> None:
    with pytest.raises(ParseError, match=r"^column 4096: expected .*, found character U\+0000"):
        scan(" " * 4095 + "\0")


@pytest.mark.parametrize("scan", _SCANNERS)
def test_a_long_value_is_refused_with_the_position_of_the_member(scan: _Parser) -> None:
    with pytest.raises(ParseError, match=r"^column 4097: not readable from here on$"):
        scan(" " * 4096 + "\0")


@pytest.mark.parametrize(
    ("scan", "member"),
    [
        (scanner.scan_categories, 'a;scheme="b",'),
        (scanner.scan_links, "<a>;rel=b,"),
        (scanner.scan_attributes, "a=1,"),
        (scanner.scan_locations, "a,"),
    ],
)
def test_ten_thousand_members_are_read(scan: _Parser, member: str) -> None:
    assert len(scan(member * 10_000)) == 10_000


@pytest.mark.parametrize(
    ("scan", "member"),
    [
        (scanner.scan_categories, 'a;scheme="b",'),
        (scanner.scan_links, "<a>;rel=b,"),
        (scanner.scan_attributes, "a=1,"),
        (scanner.scan_locations, "a,"),
    ],
)
def test_more_members_are_refused_where_they_begin(scan: _Parser, member: str) -> None:
    with pytest.raises(ParseError) as caught:
        scan(member * 10_001)
    assert str(caught.value) == f"column {len(member) * 10_000 + 1}: more than 10000 values"


def test_more_parameters_than_ten_thousand_are_refused() -> None:
    with pytest.raises(ParseError) as caught:
        scanner.scan_links("<a>" + ";b=1" * 10_001)
    assert str(caught.value) == "column 40004: more than 10000 values"


def test_ten_thousand_parameters_are_read() -> None:
    (link,) = scanner.scan_links("<a>;rel=b" + ";c=1" * 9_999)
    assert link.attributes == {"c": 1}


def test_more_attribute_definitions_than_ten_thousand_are_refused() -> None:
    value = 'a;scheme="b";attributes="' + "c " * 10_001 + '"'
    with pytest.raises(ParseError) as caught:
        scanner.scan_categories(value)
    assert str(caught.value) == "column 14: attributes: column 20001: more than 10000 values"


def test_ten_thousand_attribute_definitions_are_read() -> None:
    (category,) = scanner.scan_categories('a;scheme="b";attributes="' + "c " * 10_000 + '"')
    assert len(category.attributes) == 10_000


def test_a_short_category_value_is_parsed_once() -> None:
    value = 'cached; scheme="http://once#"'.ljust(2048)
    assert scanner.scan_categories(value) is scanner.scan_categories(value)


def test_a_long_category_value_is_not_kept() -> None:
    value = 'cached; scheme="http://once#"'.ljust(2049)
    assert scanner.scan_categories(value) is not scanner.scan_categories(value)


def test_the_cache_of_category_values_is_bounded() -> None:
    value = 'cached; scheme="http://bounded#"'
    first = scanner.scan_categories(value)
    for number in range(1024):
        scanner.scan_categories(f'other; scheme="http://{number}#"')
    assert scanner.scan_categories(value) is not first


@pytest.mark.parametrize(
    ("scan", "text", "message"),
    [
        (scanner.scan_categories, "a;class=kind", '1: Category "a" has no scheme; write scheme="URI#"'),
        (scanner.scan_categories, "a; scheme=b; class=c", '14: class "c" is not one of kind, mixin, action'),
        (scanner.scan_categories, 'a; class="kind"; scheme=""', '18: scheme "" is not one URI'),
        (
            scanner.scan_categories,
            "a; scheme=b; attributes=?",
            "14: attributes: column 1: not readable from here on",
        ),
        (scanner.scan_categories, "a; scheme=b; ?", "12: not readable from here on"),
        (scanner.scan_links, "<a>; self=b", '1: Link to "a" has no rel; write rel="kind of the target"'),
        (scanner.scan_links, "<a>; rel=b; c=nan", '13: "nan" is not a finite number; quote it if it is text'),
        (scanner.scan_links, "<a>; rel=b, ?", "13: not readable from here on"),
        (scanner.scan_attributes, "a =  nan", '6: "nan" is not a finite number; quote it if it is text'),
        (scanner.scan_attributes, "a=1, b", "6: not readable from here on"),
        (scanner.scan_locations, "a, <", "4: not readable from here on"),
    ],
)
def test_a_long_value_is_refused_with_column_and_reason(scan: _Parser, text: str, message: str) -> None:
    column, _, reason = message.partition(": ")
    with pytest.raises(ParseError) as caught:
        scan(" " * 5000 + text)
    assert str(caught.value) == f"column {5000 + int(column)}: {reason}"

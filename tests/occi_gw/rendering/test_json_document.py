"""Strict JSON."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occi_gw.rendering.json_document import (
    ROOT,
    array_at,
    boolean_at,
    load,
    needed,
    object_at,
    only,
    string_at,
    strings_at,
)
from occi_gw.rendering.parse_error import ParseError
from tests.occi_gw.rendering.strategies import complaint


def _refusal(body: bytes) -> str:
    return complaint(lambda: load(body))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -1,
        1.5,
        1e300,
        "",
        "a",
        "Zo\u00eb\t\r\n\u2028",
        [],
        {},
        [1, [2, {"a": [None]}]],
        {"": 1},
    ],
)
def test_json_is_loaded_with_its_types(value: object) -> None:
    assert repr(load(json.dumps(value).encode())) == repr(value)


def test_text_outside_ascii_is_loaded_as_utf_8() -> None:
    assert load('"Zo\u00eb"'.encode()) == "Zo\u00eb"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "body line 1, column 1: not JSON: Expecting value"),
        (b'{\n "a": }', "body line 2, column 7: not JSON: Expecting value"),
        (b"1 2", "body line 1, column 3: not JSON: Extra data"),
        (b'"a\nb"', "body line 1, column 3: not JSON: Invalid control character at"),
        (b'\n"\xff"', "body line 2: byte 0xFF is not UTF-8"),
        ("1".encode("utf-16"), "body line 1: byte 0xFF is not UTF-8"),
        (b'"\xff"\n\n', "body line 1: byte 0xFF is not UTF-8"),
        (b'{"b": 2, "a": 1, "a": 1}', '$: member "a" is given twice'),
        (b'{"a": 1, "b": 2, "a": 1}', '$: member "a" is given twice'),
        (b'[{"b": {"a": 1, "a": 1, "c": 1, "c": 1}}]', '$[0].b: member "a" is given twice'),
        (b"NaN", "$: NaN is not a JSON number"),
        (b'{"a": [1, Infinity]}', "$.a[1]: Infinity is not a JSON number"),
        (b"[-Infinity]", "$[0]: -Infinity is not a JSON number"),
        (b'{"a": {"b": 1e999}}', '$.a.b: number "1e999" is out of range'),
        (b"-1e999", '$: number "-1e999" is out of range'),
        (b"9" * 401, "$: number of 401 digits, at most 400 are read"),
        (b"9" * 5000, "$: number of 5000 digits, at most 400 are read"),
        (b"0." + b"9" * 399, "$: number of 401 digits, at most 400 are read"),
        (b'["\\u0000"]', "$[0]: character U+0000 is not allowed in a string"),
        (b'["\\u001f"]', "$[0]: character U+001F is not allowed in a string"),
        (b'["\\u000b"]', "$[0]: character U+000B is not allowed in a string"),
        (b'["\\u000c"]', "$[0]: character U+000C is not allowed in a string"),
        (b'["\\u000e"]', "$[0]: character U+000E is not allowed in a string"),
        (b'["\\u0008"]', "$[0]: character U+0008 is not allowed in a string"),
        (b'["\\u007f"]', "$[0]: character U+007F is not allowed in a string"),
        (b'["\\u009f"]', "$[0]: character U+009F is not allowed in a string"),
        (b'["a", "\\ud800"]', "$[1]: character U+D800 is not allowed in a string"),
        (b'["\\udfff"]', "$[0]: character U+DFFF is not allowed in a string"),
        (b'{"a": {"\\u0000": 1}}', "$.a: character U+0000 is not allowed in a string"),
        (b'{"a b": NaN}', '$["a b"]: NaN is not a JSON number'),
        (b'{"a\\n": NaN}', '$["a\\u000a"]: NaN is not a JSON number'),
        (b'{"http://a#b": NaN}', '$["http://a#b"]: NaN is not a JSON number'),
        (b'{"a-b_c.d1#": NaN}', "$.a-b_c.d1#: NaN is not a JSON number"),
        (b'{"' + b"a" * 81 + b'": NaN}', f'$["{"a" * 77}..."]: NaN is not a JSON number'),
        (b'{"' + b"a" * 80 + b'": NaN}', f"$.{'a' * 80}: NaN is not a JSON number"),
        (b'{"a": NaN, "b": Infinity}', "$.a: NaN is not a JSON number"),
        (b"[[NaN], Infinity]", "$[0][0]: NaN is not a JSON number"),
        (b"[" * 51 + b"]" * 51, "body: nested deeper than 50"),
        (b'{"a":' * 51 + b"1" + b"}" * 51, "body: nested deeper than 50"),
        (b"[" * 1_000_000, "body: nested deeper than 50"),
        (b"[" * 30 + b"[]," * 20 + b"[" * 21, "body: nested deeper than 50"),
        (b'["\\"[", ' + b"[" * 50, "body: nested deeper than 50"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_its_path(body: bytes, message: str) -> None:
    assert _refusal(body) == message


def test_four_hundred_digits_are_read() -> None:
    assert load(b"9" * 400) == 10**400 - 1


def test_a_float_of_four_hundred_digits_is_read() -> None:
    assert load(b"0." + b"0" * 397 + b"1") == 0.0


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 50 + b"]" * 50,
        b"[" * 49 + b"[],[]" + b"]" * 49,
        b'{"a":' * 49 + b"[]" + b"}" * 49,
        b"[" + b",".join([b"[[]]"] * 100) + b"]",
        b'["' + b"[{" * 100 + b'"]',
        b'["\\"' + b"[" * 100 + b'"]',
        b'["\\\\", "' + b"[" * 100 + b'"]',
    ],
)
def test_fifty_levels_and_brackets_in_strings_are_read(body: bytes) -> None:
    assert load(body) == json.loads(body)


def test_a_hundred_thousand_values_are_read() -> None:
    assert len(load(b"[" + b"1," * 99_998 + b"1]")) == 99_999


def test_more_values_are_refused() -> None:
    body = b"[" + b"1," * 99_999 + b"1]"
    assert _refusal(body) == "body: more than 100000 values; send fewer at a time"


_MIB = 1 << 20


@pytest.mark.parametrize(
    "body",
    [
        b"[" * _MIB,
        b"[]" * (_MIB // 2),
        b'{"a":' * (_MIB // 5),
        b'"' * _MIB,
        b'["' + b"\\" * _MIB,
        b"[[],[]," + b'"\\"' * (_MIB // 3),
        b"[" + b"{}," * (_MIB // 3) + b"1]",
        b"{" + b'"a":1,' * (_MIB // 6) + b'"a":1}',
        b"1" * _MIB,
        b'"' + b"\\u0000" * (_MIB // 6) + b'"',
    ],
    ids=lambda body: repr(body[:8]),
)
def test_a_hostile_mebibyte_is_refused_in_linear_time(body: bytes) -> None:
    begin = time.process_time()
    assert _refusal(body)
    assert time.process_time() - begin < 5


@settings(max_examples=200, deadline=None)
@given(st.binary() | st.text('[]{}",:\\u0123456789eE-+. \nNaInfty').map(str.encode))
def test_loading_any_bytes_raises_nothing_but_parse_error(body: bytes) -> None:
    assert _refusal(body).isprintable()


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("a\u00eb\n"),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("ab\u00eb", max_size=3), inner),
)


@settings(max_examples=100, deadline=None)
@given(_json)
def test_clean_json_is_loaded_unchanged(value: object) -> None:
    assert repr(load(json.dumps(value).encode())) == repr(value)


_PATH = ROOT / "a" / 0


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (None, "null"),
        (True, "true or false"),
        ("b", "a string"),
        ([], "an array"),
        (1, "a number"),
        (1.5, "a number"),
    ],
)
def test_another_type_than_an_object_is_refused(value: object, found: str) -> None:
    assert complaint(lambda: object_at(value, _PATH)) == f"$.a[0]: expected an object, found {found}"


def test_an_object_is_given_back() -> None:
    assert object_at({"b": 1}, _PATH) == {"b": 1}


def test_another_type_than_an_array_is_refused() -> None:
    assert complaint(lambda: array_at({}, _PATH)) == "$.a[0]: expected an array, found an object"


@pytest.mark.parametrize(("value", "array"), [([1], [1]), ([], []), (None, [])])
def test_an_absent_array_is_empty(value: object, array: list[int]) -> None:
    assert array_at(value, _PATH) == array


def test_another_type_than_a_string_is_refused() -> None:
    assert complaint(lambda: string_at(None, _PATH)) == "$.a[0]: expected a string, found null"


def test_a_string_is_given_back() -> None:
    assert string_at("", _PATH) == ""


def test_a_member_of_another_type_than_string_is_refused_with_its_index() -> None:
    assert complaint(lambda: strings_at(["b", 1], _PATH)) == "$.a[0][1]: expected a string, found a number"


@pytest.mark.parametrize(("value", "strings"), [(["b", "c"], ("b", "c")), (None, ())])
def test_an_array_of_strings_is_given_back(value: object, strings: tuple[str, ...]) -> None:
    assert strings_at(value, _PATH) == strings


def test_a_number_is_not_true_or_false() -> None:
    assert complaint(lambda: boolean_at(1, _PATH)) == "$.a[0]: expected true or false, found a number"


@pytest.mark.parametrize("value", [True, False])
def test_true_and_false_are_given_back(value: bool) -> None:
    assert boolean_at(value, _PATH) is value


@pytest.mark.parametrize("members", [{}, {"b": None}])
def test_a_missing_member_is_refused(members: dict[str, None]) -> None:
    assert complaint(lambda: needed(members, "b", _PATH)) == '$.a[0]: member "b" is missing'


@pytest.mark.parametrize("value", [0, "", False, []])
def test_a_member_that_is_there_is_given_back(value: object) -> None:
    assert needed({"b": value}, "b", _PATH) == value


def test_an_unknown_member_is_refused_with_the_known_ones() -> None:
    message = complaint(lambda: only({"b": 1, "d": 1}, ("b", "c"), _PATH))
    assert message == '$.a[0]: unknown member "d", expected b, c'


def test_known_members_may_be_absent() -> None:
    assert complaint(lambda: only({"b": 1}, ("b", "c"), _PATH)) == ""


def test_refusing_raises_a_parse_error() -> None:
    with pytest.raises(ParseError, match=r"^\$\.a\[0\]: bad$"):
        _PATH.refuse("bad")

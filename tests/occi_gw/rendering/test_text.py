"""Reading of text bodies and headers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from occi_gw.rendering.parse_error import ParseError
from occi_gw.rendering.text import has_structures, read_headers, read_plain
from occi_gw.rendering.text_lines import (
    Lines,
    attribute_value,
    category_value,
    link_value,
    to_headers,
    to_plain,
)
from occi_gw.rendering.values import CategoryLine, LinkLine, Message
from tests.occi_gw.rendering.strategies import (
    category_lines,
    complaint,
    damaged,
    link_lines,
    locations,
    names,
    scalars,
    spellings,
)

_COMPUTE = CategoryLine("compute", "http://a#", "kind")


def _refusal(body: bytes) -> str:
    with pytest.raises(ParseError) as caught:
        read_plain(body)
    return str(caught.value)


def _header_refusal(headers: dict[str, str]) -> str:
    with pytest.raises(ParseError) as caught:
        read_headers(headers)
    return str(caught.value)


def test_a_body_holds_the_four_structures() -> None:
    body = (
        b'Category: compute; scheme="http://a#"; class="kind"\n'
        b'Category: small; scheme="http://b#"; class="mixin"\n'
        b'Link: </n/1>; rel="http://a#network"\n'
        b'X-OCCI-Attribute: a.b="c"\n'
        b"X-OCCI-Attribute: a.d=1\n"
        b"X-OCCI-Location: http://h/compute/1\n"
    )
    assert read_plain(body) == Message(
        categories=(_COMPUTE, CategoryLine("small", "http://b#", "mixin")),
        links=(LinkLine("/n/1", ("http://a#network",)),),
        attributes={"a.b": "c", "a.d": 1},
        locations=("http://h/compute/1",),
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\r", b"\n\n", b"\r\n\r\n", b" \t\n", b"\n \n"])
def test_lines_end_however_clients_end_them(end: bytes) -> None:
    message = read_plain(b"X-OCCI-Attribute: a=1" + end + b"X-OCCI-Attribute: b=2" + end)
    assert message.attributes == {"a": 1, "b": 2}


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n \t\r\n"])
def test_an_empty_body_says_nothing(body: bytes) -> None:
    assert read_plain(body) == Message()


@pytest.mark.parametrize(
    "name", [b"Category", b"CATEGORY", b"category", b"X-OCCI-Category", b"x-occi-category", b"  Category"]
)
def test_categories_have_an_alias_and_names_in_any_case(name: bytes) -> None:
    assert read_plain(name + b':compute;scheme="http://a#";class=kind').categories == (_COMPUTE,)


@pytest.mark.parametrize("name", [b"Link", b"X-OCCI-Link", b"\tLink"])
def test_links_have_an_alias(name: bytes) -> None:
    assert read_plain(name + b": </a>; rel=b").links == (LinkLine("/a", ("b",)),)


@pytest.mark.parametrize("name", [b"X-OCCI-Location", b"Location"])
def test_locations_have_an_alias(name: bytes) -> None:
    assert read_plain(name + b": http://h/a, http://h/b").locations == ("http://h/a", "http://h/b")


def test_of_an_attribute_given_twice_the_last_counts() -> None:
    assert read_plain(b"X-OCCI-Attribute: a=1, a=2\nX-OCCI-Attribute: a=3").attributes == {"a": 3}


def test_a_body_is_utf_8() -> None:
    assert read_plain('X-OCCI-Attribute: a="Zo\u00eb"'.encode()).attributes == {"a": "Zo\u00eb"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"\n\nX-OCCI-Attribute: a=",
            "body line 3, column 21: expected a quoted string, a number, true, "
            "false or a token, found the end",
        ),
        (b"  X-OCCI-Attribute: a b", 'body line 1, column 23: expected "=", found "b"'),
        (b"\rLocation:/a b", 'body line 1, column 14: expected ";", "," or the end, found "b"'),
        (
            b"OK",
            'body line 1: "OK" is none of Category, Link, X-OCCI-Attribute, X-OCCI-Location',
        ),
        (
            b"Location",
            'body line 1: "Location" is none of Category, Link, X-OCCI-Attribute, X-OCCI-Location',
        ),
        (
            b"X a",
            'body line 1: "X a" is none of Category, Link, X-OCCI-Attribute, X-OCCI-Location',
        ),
        (
            b"Category : a",
            'body line 1: "Category : a" is none of Category, Link, X-OCCI-Attribute, X-OCCI-Location',
        ),
        (
            b"X-OCCI-Attribute: a=1\nX-OCCI-Attributes: a=\x01",
            'body line 2: "X-OCCI-Attributes: a=\\u0001" is none of '
            "Category, Link, X-OCCI-Attribute, X-OCCI-Location",
        ),
        (
            b'Category: compute;\n scheme="http://a#"',
            'body line 1, column 11: Category "compute" has no scheme; write scheme="URI#"',
        ),
        (
            b"X-OCCI-Attribute: a=1\n\tb=2",
            "body line 2: a line cannot continue the one before; write each value on one line",
        ),
        (
            b"X-OCCI-Attribute: a=1\n\r b: 2",
            "body line 2: a line cannot continue the one before; write each value on one line",
        ),
        (b'\nX-OCCI-Attribute: a="\xff"', "body line 2: byte 0xFF is not UTF-8"),
        (b"\xe9", "body line 1: byte 0xE9 is not UTF-8"),
        (b"\xe9\n\n", "body line 1: byte 0xE9 is not UTF-8"),
        (
            b"\x0cLocation: /a",
            'body line 1: "\\u000cLocation: /a" is none of Category, Link, X-OCCI-Attribute, X-OCCI-Location',
        ),
        (
            b'X-OCCI-Attribute: a="b\rc"',
            "body line 1, column 23: expected a closing quote, found character U+000D, which cannot be sent",
        ),
    ],
)
def test_a_broken_body_is_refused_with_line_and_reason(body: bytes, message: str) -> None:
    assert _refusal(body) == message


def test_twenty_thousand_lines_are_read() -> None:
    assert read_plain(b"\n" * 19_999 + b"X-OCCI-Attribute: a=1\n").attributes == {"a": 1}


def test_more_lines_are_refused() -> None:
    assert _refusal(b"\n" * 20_001) == "body: more than 20000 lines; send fewer at a time"


def test_twenty_thousand_values_are_read() -> None:
    line = b"X-OCCI-Location: " + b"a," * 10_000 + b"\n"
    assert len(read_plain(line * 2).locations) == 20_000


def test_more_values_are_refused() -> None:
    line = b"X-OCCI-Location: " + b"a," * 10_000 + b"\n"
    message = _refusal(line * 2 + b"X-OCCI-Attribute: a=1")
    assert message == "body line 3: more than 20000 values in one message; send fewer at a time"


def test_headers_hold_the_four_structures_among_others() -> None:
    headers = {
        "HOST": "gw.example",
        "CATEGORY": 'compute; scheme="http://a#"; class="kind",small; scheme="http://b#"; class="mixin"',
        "Link": '</n/1>; rel="http://a#network"',
        "x-occi-attribute": 'a.b="c",a.d=1',
        "X-OCCI-Location": "http://h/compute/1",
        "CONTENT-TYPE": "text/occi",
    }
    assert read_headers(headers) == Message(
        categories=(_COMPUTE, CategoryLine("small", "http://b#", "mixin")),
        links=(LinkLine("/n/1", ("http://a#network",)),),
        attributes={"a.b": "c", "a.d": 1},
        locations=("http://h/compute/1",),
    )


def test_headers_have_the_aliases_of_rocci_5() -> None:
    headers = {
        "X-OCCI-Category": 'compute; scheme="http://a#"; class="kind"',
        "X-OCCI-Link": "</a>; rel=b",
        "Location": "http://h/a",
    }
    assert read_headers(headers) == Message(
        categories=(_COMPUTE,), links=(LinkLine("/a", ("b",)),), locations=("http://h/a",)
    )


def test_a_header_is_utf_8_in_the_latin_1_of_wsgi() -> None:
    value = 'a="Zo\u00eb \u65e5"'.encode().decode("latin-1")
    assert read_headers({"X-OCCI-Attribute": value}).attributes == {"a": "Zo\u00eb \u65e5"}


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"CATEGORY": "a"}, 'header Category, column 1: Category "a" has no scheme; write scheme="URI#"'),
        ({"X-OCCI-ATTRIBUTE": "a"}, 'header X-OCCI-Attribute, column 2: expected "=", found the end'),
        (
            {"X-OCCI-Attribute": 'a="\xeb"'},
            "header X-OCCI-Attribute: not UTF-8; encode text outside ASCII in UTF-8",
        ),
        ({"Link": "<\u65e5>"}, "header Link: not UTF-8; encode text outside ASCII in UTF-8"),
    ],
)
def test_a_broken_header_is_refused_with_name_and_reason(headers: dict[str, str], message: str) -> None:
    assert _header_refusal(headers) == message


def test_more_values_in_headers_are_refused() -> None:
    many = "a," * 10_000
    message = _header_refusal({"X-OCCI-Location": many, "Location": many, "X-OCCI-Attribute": "a=1"})
    assert message == ("header X-OCCI-Attribute: more than 20000 values in one message; send fewer at a time")


@pytest.mark.parametrize(
    "name",
    ["CATEGORY", "Link", "X-OCCI-ATTRIBUTE", "x-occi-location", "Location", "X-OCCI-Category", "X-OCCI-LINK"],
)
def test_any_structure_makes_a_request_text_occi(name: str) -> None:
    assert has_structures({"HOST": "a", name: ""})


def test_other_headers_do_not_make_a_request_text_occi() -> None:
    assert not has_structures({"HOST": "a", "X-OCCI-ERROR": "b"})


_messages = st.builds(
    Message,
    categories=st.lists(category_lines, max_size=2).map(tuple),
    links=st.lists(link_lines, max_size=2).map(tuple),
    attributes=st.dictionaries(names, scalars, max_size=3),
    locations=st.lists(locations, max_size=2).map(tuple),
)


def _lines(message: Message) -> Lines:
    return Lines(
        categories=[category_value(line) for line in message.categories],
        links=[link_value(line) for line in message.links],
        attributes=[attribute_value(name, value) for name, value in message.attributes.items()],
        locations=message.locations,
    )


@settings(max_examples=150, deadline=None)
@given(_messages)
def test_what_is_written_to_a_body_is_read_back_with_its_types(message: Message) -> None:
    assert repr(read_plain(to_plain(_lines(message)))) == repr(message)


@settings(max_examples=150, deadline=None)
@given(_messages)
def test_what_is_written_to_headers_is_read_back_with_its_types(message: Message) -> None:
    assert repr(read_headers(dict(to_headers(_lines(message))))) == repr(message)


_structure_names = st.sampled_from(["Category", "Link", "X-OCCI-Attribute", "X-OCCI-Location", "category "])
_values = st.one_of(*map(damaged, spellings.values()))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_structure_names | st.text(max_size=5), _values | st.text()))
def test_reading_any_headers_raises_nothing_but_parse_error(headers: dict[str, str]) -> None:
    assert complaint(lambda: read_headers(headers)).isprintable()


_body_lines = st.builds("{}:{}".format, _structure_names, _values).map(
    lambda line: line.encode(errors="surrogatepass")
)


@settings(max_examples=200, deadline=None)
@given(st.lists(_body_lines | st.binary(max_size=30), max_size=4).map(b"\n".join))
def test_reading_any_body_raises_nothing_but_parse_error(body: bytes) -> None:
    assert complaint(lambda: read_plain(body)).isprintable()

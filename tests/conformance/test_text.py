"""Tables of the strict text reader: what it accepts, what it refuses, and at which column."""

from __future__ import annotations

import pytest

from conformance.occi.text import (
    AttributeDefinition,
    Malformed,
    Value,
    body_lines,
    parse_attribute,
    parse_category,
    parse_link,
    parse_location,
    split_values,
)

SCHEME = 'scheme="http://schemas.ogf.org/occi/infrastructure#"'
REL = 'rel="http://schemas.ogf.org/occi/infrastructure#storage"'


def test_a_category_with_everything_is_read() -> None:
    found = parse_category(
        f'compute; {SCHEME}; class="kind"; title="A \\"machine\\""; rel="http://x.example/core#resource"; '
        'location="/compute/"; attributes="a.b c.d{immutable} e{required immutable}"; '
        'actions="http://x.example/action#start http://x.example/action#stop"'
    )
    assert found.id == "http://schemas.ogf.org/occi/infrastructure#compute"
    assert found.title == 'A "machine"'
    assert found.attributes == (
        AttributeDefinition("a.b"),
        AttributeDefinition("c.d", immutable=True),
        AttributeDefinition("e", immutable=True, required=True),
    )
    assert found.actions == ("http://x.example/action#start", "http://x.example/action#stop")


@pytest.mark.parametrize(
    "text",
    [
        f"compute; {SCHEME}",
        f"compute;{SCHEME};class=kind",
        f'compute ; {SCHEME} ; class="mixin"',
        f"0f7a0d7e-9c2b.1; {SCHEME}",
        f'compute; class="kind"; {SCHEME}',
        f'compute; {SCHEME}; location="http://host:80/compute/"',
    ],
)
def test_a_category_is_accepted(text: str) -> None:
    assert parse_category(text).scheme == "http://schemas.ogf.org/occi/infrastructure#"


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("-compute; scheme=x", 1),
        ('compute; class="kind"', 22),
        (f"compute {SCHEME}", 8),
        (f"compute, {SCHEME}", 8),
        (f'compute; {SCHEME}; color="red"', 64),
        (f"compute; {SCHEME}; {SCHEME}", 64),
        (f'compute; {SCHEME}; class="kind', 70),
        (f"compute; {SCHEME};", 63),
        (f"compute; {SCHEME}; title=bare", 70),
        ("compute; scheme=http://x#", 17),
        ('compute; scheme = "http://x#"', 16),
    ],
)
def test_a_malformed_category_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(Malformed) as caught:
        parse_category(text)
    assert caught.value.column == column


@pytest.mark.parametrize(
    "parameters",
    [
        'class="sort"',
        'rel="not-an-identifier"',
        'rel="http://x#a  http://x#b"',
        'rel=""',
        'attributes=""',
        'attributes="a{mutable}"',
        'attributes="a{immutable immutable}"',
        'attributes="a {immutable}"',
        'attributes="a, b"',
        'actions="start"',
        'location="compute/"',
    ],
)
def test_an_unfit_parameter_is_refused(parameters: str) -> None:
    with pytest.raises(Malformed):
        parse_category(f"compute; {SCHEME}; {parameters}")


def test_a_scheme_without_hash_is_refused() -> None:
    with pytest.raises(Malformed, match="'#' at the end"):
        parse_category('compute; scheme="http://x.example/"')


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ('occi.core.title="x"', "occi.core.title", Value("string", "x")),
        ('a="one, \\"two\\"; \\\\"', "a", Value("string", 'one, "two"; \\')),
        ('a=""', "a", Value("string", "")),
        ("a.b-c_d=2", "a.b-c_d", Value("number", "2")),
        ("a=2.50", "a", Value("number", "2.50")),
        ("a=true", "a", Value("boolean", "true")),
        ('a="2"', "a", Value("string", "2")),
    ],
)
def test_an_attribute_is_read(text: str, name: str, value: Value) -> None:
    assert parse_attribute(text) == (name, value)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a", 2),
        ("a=", 3),
        ('a="open', 3),
        ("a=bare", 3),
        ("a=-1", 3),
        ("a=1e5", 4),
        ("a=1.", 4),
        ("a=.5", 3),
        ('a="x" ', 6),
        ('a="x", b="y"', 6),
        ("=1", 1),
        ("a..b=1", 2),
        ('a ="x"', 2),
        ('a="x"y"', 6),
        ("a=trueish", 7),
        ('a="tab\there"', 3),
    ],
)
def test_a_malformed_attribute_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(Malformed) as caught:
        parse_attribute(text)
    assert caught.value.column == column


def test_a_link_with_everything_is_read() -> None:
    found = parse_link(
        f'</storage/1>; {REL}; self="/storagelink/2"; category="http://x.example/a#b http://x.example/a#c"; '
        'occi.storagelink.deviceid="/dev/vdb"; n=1'
    )
    assert (found.target, found.self_) == ("/storage/1", "/storagelink/2")
    assert found.category == ("http://x.example/a#b", "http://x.example/a#c")
    assert found.attributes == (
        ("occi.storagelink.deviceid", Value("string", "/dev/vdb")),
        ("n", Value("number", "1")),
    )
    assert not found.is_action


def test_an_action_link_is_told_apart() -> None:
    assert parse_link('</compute/1?action=start>; rel="http://x.example/action#start"').is_action


def test_the_category_of_a_link_may_be_bare() -> None:
    assert parse_link(f"</storage/1>; {REL}; category=http://x.example/a#b").category == (
        "http://x.example/a#b",
    )


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (f"/storage/1; {REL}", 1),
        (f"</storage/1; {REL}", 13),
        ("</storage/1>", 13),
        (f'</storage/1>; a="b"; {REL}', 15),
        (f"</storage/1> {REL}", 13),
        ("</storage/1>; rel=http://x#y", 19),
        (f"</storage/1>; {REL}; self=/x", 78),
    ],
)
def test_a_malformed_link_is_refused_at_its_column(text: str, column: int) -> None:
    with pytest.raises(Malformed) as caught:
        parse_link(text)
    assert caught.value.column == column


@pytest.mark.parametrize("text", ["http://h:80/compute/1", "/compute/1", "urn:uuid:1"])
def test_a_location_is_read(text: str) -> None:
    assert parse_location(text) == text


@pytest.mark.parametrize("text", ["", "compute/1", '"/compute/1"', "</compute/1>", "/compute/1 /compute/2"])
def test_a_malformed_location_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        parse_location(text)


@pytest.mark.parametrize(
    ("header", "members"),
    [
        ("a, b", ["a", "b"]),
        ("a,b", ["a", "b"]),
        ('a="x, y", b', ['a="x, y"', "b"]),
        ('a="x\\", y", b', ['a="x\\", y"', "b"]),
        ("<a,b>; c, <d>", ["<a,b>; c", "<d>"]),
        ("a='x, y'", ["a='x", "y'"]),
        ('a="open, b', ['a="open, b']),
        ("a,,b", ["a", "", "b"]),
        ("", [""]),
    ],
)
def test_a_header_splits_at_commas_outside_quotes_and_brackets(header: str, members: list[str]) -> None:
    assert split_values(header) == members


def test_body_lines_are_read_with_either_line_end() -> None:
    body = "Category: a\r\n\r\nx-occi-attribute:b\nX-OCCI-Location: c  \n"
    assert body_lines(body) == [("Category", "a"), ("X-OCCI-Attribute", "b"), ("X-OCCI-Location", "c")]


@pytest.mark.parametrize("line", ["OK", "Server: x", "Category a", " Category: a", "Category : a"])
def test_a_line_that_is_no_structure_is_refused(line: str) -> None:
    with pytest.raises(Malformed):
        body_lines(f"Category: a\n{line}\n")

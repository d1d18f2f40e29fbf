"""Writing of the text structures, byte for byte."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from occi_gw.rendering.rendered import MAX_HEADER, HeaderTooLarge
from occi_gw.rendering.text import read_plain
from occi_gw.rendering.text_lines import (
    Lines,
    attribute_value,
    category_line,
    category_value,
    entity_lines,
    link_value,
    location_lines,
    location_values,
    quoted,
    safe_uri,
    to_headers,
    to_plain,
    type_value,
)
from occi_gw.rendering.values import (
    Action,
    Category,
    CategoryLine,
    Entity,
    LinkLine,
    Value,
    core_id,
)
from tests.occi_gw.rendering.samples import (
    COMPUTE,
    COMPUTE_ACTIONS,
    DEBIAN,
    ENTITY,
    INTERFACE_ENTITY,
    IP_INTERFACE,
    MACHINE,
    OGF,
    START,
    STOP,
)
from tests.occi_gw.rendering.strategies import links, resources

_MACHINE_TEXT = f"""\
Category: compute; scheme="{OGF}/infrastructure#"; class="kind"
Category: debian; scheme="http://site.example/os#"; class="mixin"
Link: </compute/7?action=start>; rel="{COMPUTE_ACTIONS}start"
Link: </compute/7?action=stop>; rel="{COMPUTE_ACTIONS}stop"
Link: </network/3>; rel="{OGF}/infrastructure#network"; self="/networkinterface/n1"; \
category="{OGF}/infrastructure#networkinterface {OGF}/infrastructure/networkinterface#ipnetworkinterface"; \
occi.networkinterface.mac="00:11"; occi.networkinterface.vlan=4
X-OCCI-Attribute: occi.core.id="7"
X-OCCI-Attribute: occi.core.title="web 1"
X-OCCI-Attribute: occi.core.summary="first"
X-OCCI-Attribute: occi.compute.cores=2
X-OCCI-Attribute: occi.compute.memory=2.0
X-OCCI-Attribute: occi.compute.state="active"
"""


def test_a_resource_has_this_shape() -> None:
    assert to_plain(entity_lines(MACHINE)).decode() == _MACHINE_TEXT


def test_a_link_entity_shows_its_ends_as_attributes() -> None:
    assert to_plain(entity_lines(INTERFACE_ENTITY)).decode() == (
        f'Category: networkinterface; scheme="{OGF}/infrastructure#"; class="kind"\n'
        'X-OCCI-Attribute: occi.core.id="n1"\n'
        'X-OCCI-Attribute: occi.core.title="eth0"\n'
        'X-OCCI-Attribute: occi.core.source="/compute/7"\n'
        'X-OCCI-Attribute: occi.core.target="http://elsewhere.example/network/3"\n'
        'X-OCCI-Attribute: occi.networkinterface.mac="00:11"\n'
    )


def test_the_headers_of_a_resource_hold_the_same_values_joined_with_comma_and_blank() -> None:
    folded: dict[str, list[str]] = {}
    for line in _MACHINE_TEXT.splitlines():
        name, _, value = line.partition(": ")
        folded.setdefault(name, []).append(value)
    expected = tuple((name, ", ".join(values)) for name, values in folded.items())
    assert to_headers(entity_lines(MACHINE)) == expected


@pytest.mark.parametrize("title", ["", None])
def test_an_empty_title_is_left_out(title: str | None) -> None:
    lines = entity_lines(dataclasses.replace(MACHINE, title=title, summary=title, attributes={}))
    assert lines.attributes == ['occi.core.id="7"']


def test_the_start_link_comes_first_for_the_suites() -> None:
    first, *rest = (STOP, Action("restart", COMPUTE_ACTIONS), START)
    links_of = entity_lines(dataclasses.replace(MACHINE, actions=(first, *rest), links=())).links
    assert [re.findall(r"action=(\w+)", link)[0] for link in links_of] == ["start", "stop", "restart"]


def test_the_suites_find_an_action_by_cutting_the_link_header_at_commas() -> None:
    link_header = dict(to_headers(entity_lines(MACHINE)))["Link"]
    piece = link_header.split(",")[0]
    assert "http://gw" + piece[1 : piece.index(">")] == "http://gw/compute/7?action=start"


@pytest.mark.parametrize("category", [COMPUTE, ENTITY, START])
def test_the_suites_match_every_standard_category(category: Category) -> None:
    value = category_value(category_line(category))
    assert re.match(r'\w+; scheme="[a-z:./#]+"; class="\w+"', value)


def test_the_suites_find_term_and_scheme_as_the_first_two_fields() -> None:
    fields = [field.strip() for field in category_value(category_line(COMPUTE)).split(";")]
    assert fields[:2] == ["compute", f'scheme="{OGF}/infrastructure#"']


_ROCCI_CATEGORY = re.compile(
    r'Category:\s*(?P<term>[a-z][a-z0-9_-]*);\s*scheme="[^"]+";\s*class="(action|mixin|kind)"'
    r'(;\s*title="(?P<title>([^"\\]|\\.)*)")?(;\s*rel="(?P<rel>\S+)")?(;\s*location="(?P<location>\S+)")?'
    r'(;\s*attributes="(?P<attributes>[^"]+)")?(;\s*actions="(?P<actions>[^"]+)")?;?'
)


def test_rocci_4_finds_every_parameter_in_its_order() -> None:
    line = "Category: " + category_value(category_line(COMPUTE))
    match = _ROCCI_CATEGORY.fullmatch(line)
    assert match
    assert match.groupdict() == {
        "term": "compute",
        "title": "Compute Resource",
        "rel": f"{OGF}/core#resource",
        "location": "/compute/",
        "attributes": "occi.compute.architecture occi.compute.cores{required} "
        "occi.compute.state{immutable} occi.compute.id{immutable required}",
        "actions": f"{COMPUTE_ACTIONS}stop {COMPUTE_ACTIONS}start",
    }


def test_a_kind_is_written_in_full() -> None:
    assert category_value(category_line(COMPUTE)) == (
        f'compute; scheme="{OGF}/infrastructure#"; class="kind"; title="Compute Resource"; '
        f'rel="{OGF}/core#resource"; location="/compute/"; '
        'attributes="occi.compute.architecture occi.compute.cores{required} '
        'occi.compute.state{immutable} occi.compute.id{immutable required}"; '
        f'actions="{COMPUTE_ACTIONS}stop {COMPUTE_ACTIONS}start"'
    )


def test_a_mixin_shows_the_first_that_it_depends_on_and_not_what_it_applies_to() -> None:
    assert category_value(category_line(DEBIAN)) == (
        'debian; scheme="http://site.example/os#"; class="mixin"; title="Debian 12"; '
        f'rel="{OGF}/infrastructure#os_tpl"; location="/mixin/os_tpl/debian/"'
    )


def test_a_mixin_shows_its_actions() -> None:
    assert category_value(category_line(IP_INTERFACE)) == (
        f'ipnetworkinterface; scheme="{OGF}/infrastructure/networkinterface#"; class="mixin"; '
        f'location="/ipnetworkinterface/"; actions="{COMPUTE_ACTIONS}start"'
    )


def test_an_action_has_neither_rel_nor_location() -> None:
    assert (category_line(STOP).rel, category_line(STOP).location) == ((), None)
    assert category_value(category_line(STOP)) == (
        f'stop; scheme="{COMPUTE_ACTIONS}"; class="action"; title="Stop"; attributes="method"'
    )


def test_a_kind_without_parent_has_no_rel() -> None:
    assert category_value(category_line(ENTITY)) == f'entity; scheme="{OGF}/core#"; class="kind"'


def test_parameters_never_have_empty_values() -> None:
    line = CategoryLine("a", "s#", "mixin", title="", rel=(), location="", attributes=(), actions=())
    assert category_value(line) == 'a; scheme="s#"; class="mixin"'


def test_several_identifiers_stand_in_one_rel_with_blanks_between() -> None:
    assert category_value(CategoryLine("a", "s#", rel=("b#c", "d#e"))) == 'a; scheme="s#"; rel="b#c d#e"'
    assert link_value(LinkLine("/a", ("b#c", "d#e"))) == '</a>; rel="b#c d#e"'


def test_a_category_without_class_has_none() -> None:
    assert category_value(CategoryLine("a", "s#")) == 'a; scheme="s#"'


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("Flavor: m1, small; new", "Flavor: m1 small new"),
        ("a,b;c", "a b c"),
        (" ;a, ", "a"),
        ("X, ray X", "X ray X"),
        ("\u00a0a\t", "\u00a0a\t"),
        ('say "hi"', r"say \"hi\""),
    ],
)
def test_titles_of_categories_have_no_comma_and_no_semicolon(title: str, written: str) -> None:
    assert category_value(CategoryLine("a", "s#", title=title)) == f'a; scheme="s#"; title="{written}"'


def test_a_title_of_commas_only_is_left_out() -> None:
    assert category_value(CategoryLine("a", "s#", title=",;")) == 'a; scheme="s#"'


def test_a_link_without_rel_has_none() -> None:
    assert link_value(LinkLine("/a", ())) == "</a>"


def test_a_link_target_cannot_break_out_of_its_brackets() -> None:
    assert link_value(LinkLine('/a>; b="c"\r\n', ("r",))) == '</a%3E;%20b=%22c%22%0D%0A>; rel="r"'


@pytest.mark.parametrize(
    ("uri", "safe"),
    [
        ("http://h/a,b;c?d=e#f", "http://h/a,b;c?d=e#f"),
        ("/a b\tc", "/a%20b%09c"),
        ("/\x00\x1f\x7f", "/%00%1F%7F"),
        ('/<"\u00eb>', "/%3C%22\u00eb%3E"),
        ("/\x85", "/%C2%85"),
        ("/\ud800", "/%3F"),
    ],
)
def test_what_cannot_stand_in_a_uri_is_percent_encoded(uri: str, safe: str) -> None:
    assert safe_uri(uri) == safe


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", 'a.b="a"'),
        ("", 'a.b=""'),
        ('say "hi"', r'a.b="say \"hi\""'),
        ("a\\b", r'a.b="a\\b"'),
        ("a,b;c=d<e>'", 'a.b="a,b;c=d<e>\'"'),
        ("a\r\nb\0c\x7fd\x85e\ud800f", 'a.b="a  b c d e f"'),
        ("a\tb", 'a.b="a\tb"'),
        ("Zo\u00eb", 'a.b="Zo\u00eb"'),
        (True, "a.b=true"),
        (False, "a.b=false"),
        (2, "a.b=2"),
        (-2, "a.b=-2"),
        (2.0, "a.b=2.0"),
        (0.1, "a.b=0.1"),
        (1e16, "a.b=10000000000000000.0"),
        (1.5e-7, "a.b=0.00000015"),
        (-1e300, "a.b=-1" + "0" * 300 + ".0"),
        (5e-324, "a.b=0." + "0" * 323 + "5"),
        ([{"port": "22", "range": "::/0"}], r'a.b="[{\"port\": \"22\", \"range\": \"::/0\"}]"'),
        ({"a": "Zo\u00eb"}, r'a.b="{\"a\": \"Zo' + "\u00eb" + r'\"}"'),
    ],
)
def test_an_attribute_is_written_as_every_client_reads_it(value: Value, written: str) -> None:
    assert attribute_value("a.b", value) == written


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), [float("nan")]])
def test_what_is_no_number_is_not_written(value: Value) -> None:
    with pytest.raises(ValueError, match=r"rendering$|not JSON compliant"):
        attribute_value("a", value)


def test_quotes_and_backslashes_are_escaped_and_nothing_else() -> None:
    assert quoted("\\\"'/\u2028") == '"\\\\\\"\'/\u2028"'


def test_the_short_category_of_an_entity_has_term_scheme_and_class() -> None:
    assert type_value("a", "s#", "kind") == 'a; scheme="s#"; class="kind"'


def test_the_structures_come_in_a_fixed_order_one_value_a_line() -> None:
    lines = Lines(categories=["a", "b"], links=["c"], attributes=["d", "e"], locations=["f"])
    assert to_plain(lines) == (
        b"Category: a\nCategory: b\nLink: c\nX-OCCI-Attribute: d\nX-OCCI-Attribute: e\nX-OCCI-Location: f\n"
    )


def test_a_body_without_lines_is_empty() -> None:
    assert to_plain(Lines()) == b""


def test_headers_without_lines_are_none() -> None:
    assert to_headers(Lines()) == ()


def test_a_body_is_utf_8() -> None:
    assert to_plain(Lines(attributes=["Zo\u00eb"])) == "X-OCCI-Attribute: Zo\u00eb\n".encode()


def test_a_header_is_utf_8_in_the_latin_1_of_wsgi() -> None:
    assert to_headers(Lines(attributes=["Zo\u00eb"])) == (("X-OCCI-Attribute", "Zo\xc3\xab"),)


def test_a_header_of_sixty_kibibytes_is_written() -> None:
    assert to_headers(Lines(attributes=["\u00eb" * 30720])) == (("X-OCCI-Attribute", "\xc3\xab" * 30720),)


def test_a_longer_header_is_refused_with_the_way_out() -> None:
    with pytest.raises(HeaderTooLarge) as caught:
        to_headers(Lines(links=["a" * MAX_HEADER + "b"]))
    assert str(caught.value) == (
        "header Link would take 61441 bytes, more than 61440; ask for Accept: text/plain"
    )


@pytest.mark.parametrize(
    ("entity_id", "rendered"),
    [
        ("7", "7"),
        ("0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10", "urn:uuid:0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10"),
        ("0F7A0D7E-9C2B-4F3E-8A55-2D1F8C5F9A10", "urn:uuid:0F7A0D7E-9C2B-4F3E-8A55-2D1F8C5F9A10"),
        ("0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10x", "0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10x"),
        ("zone--0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10", "zone--0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10"),
        ("0f7a0d7e9c2b4f3e8a552d1f8c5f9a10", "0f7a0d7e9c2b4f3e8a552d1f8c5f9a10"),
    ],
)
def test_an_id_that_is_a_uuid_becomes_a_urn(entity_id: str, rendered: str) -> None:
    assert core_id(entity_id) == rendered


def test_a_strange_id_is_quoted() -> None:
    assert entity_lines(dataclasses.replace(MACHINE, id='a"b')).attributes[0] == r'occi.core.id="a\"b"'


def test_locations_are_absolute() -> None:
    assert location_values("http://h", ["/a", "/b"]) == ["http://h/a", "http://h/b"]


def test_location_lines_are_the_lines_of_the_locations() -> None:
    paths = [f"/compute/{number}" for number in range(10_000)]
    blocks = list(location_lines("http://gw.example:8787", iter(paths)))
    uris = location_values("http://gw.example:8787", paths)
    assert b"".join(blocks) == to_plain(Lines(locations=uris))


@pytest.mark.parametrize("path", ["/compute/0f7a0d7e-9c2b-4f3e-8a55-2d1f8c5f9a10", "/c/1", "/" + "x" * 4000])
def test_location_blocks_have_sixteen_to_sixty_four_kibibytes(path: str) -> None:
    *full, last = (len(block) for block in location_lines("http://gw.example:8787", [path] * 10_000))
    assert full
    assert all(16 * 1024 <= size <= 64 * 1024 for size in (*full, max(last, 16 * 1024)))


def test_a_block_has_the_fewest_lines_that_pass_thirty_two_kibibytes() -> None:
    path = "/" + "x" * (64 - len("X-OCCI-Location: http://h/\n"))
    *full, last = (len(block) for block in location_lines("http://h", [path] * 2000))
    assert set(full) == {32 * 1024 + 64}
    assert sum(full) + last == 2000 * 64


def test_no_locations_are_no_blocks() -> None:
    assert list(location_lines("http://h", [])) == []


def test_locations_are_taken_as_they_are_needed() -> None:
    taken = 0

    def paths() -> Iterator[str]:
        nonlocal taken
        while True:
            taken += 1
            yield "/compute/1"

    next(iter(location_lines("http://h", paths())))
    assert taken < 2000


def _of_links(entity: Entity) -> list[str]:
    return [link.location for link in entity.links]


@settings(max_examples=100, deadline=None)
@given(resources | links)
def test_an_entity_is_read_back_as_far_as_text_carries_it(entity: Entity) -> None:
    message = read_plain(to_plain(entity_lines(entity)))
    core = {
        "occi.core.id": core_id(entity.id),
        "occi.core.title": entity.title,
        "occi.core.summary": entity.summary,
        "occi.core.source": entity.source,
        "occi.core.target": entity.target,
    }
    expected = {name: value for name, value in core.items() if value} | dict(entity.attributes)
    assert repr(message.attributes) == repr(expected)
    assert [line.identifier for line in message.categories] == [
        category.identifier for category in (entity.kind, *entity.mixins)
    ]
    assert [link.self_uri for link in message.links if link.self_uri] == _of_links(entity)
    assert {link.rel[0] for link in message.links if not link.self_uri} == {
        action.identifier for action in entity.actions
    }

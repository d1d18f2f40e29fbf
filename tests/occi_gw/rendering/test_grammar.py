"""The language of the text renderings, rule by rule, in the grammar and in the scanner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from occi_gw.rendering import grammar, scanner
from occi_gw.rendering.parse_error import ParseError
from occi_gw.rendering.values import AttributeDefinition, CategoryLine, LinkLine

_Parser = Callable[[str], tuple[Any, ...]]

categories = pytest.mark.parametrize("parse", [grammar.parse_categories, scanner.scan_categories])
links = pytest.mark.parametrize("parse", [grammar.parse_links, scanner.scan_links])
attributes = pytest.mark.parametrize("parse", [grammar.parse_attributes, scanner.scan_attributes])
locations = pytest.mark.parametrize("parse", [grammar.parse_locations, scanner.scan_locations])

_INFRASTRUCTURE = "http://schemas.ogf.org/occi/infrastructure#"


def _refusal(parse: _Parser, text: str) -> str:
    with pytest.raises(ParseError) as caught:
        parse(text)
    return str(caught.value)


@categories
def test_a_category_has_all_its_parameters(parse: _Parser) -> None:
    text = (
        f'compute; scheme="{_INFRASTRUCTURE}"; class="kind"; title="Compute"; rel="http://a#b http://c#d"; '
        'location="/compute/"; attributes="a b{immutable} c{required}"; actions="http://e#f http://g#h"'
    )
    assert parse(text) == (
        CategoryLine(
            term="compute",
            scheme=_INFRASTRUCTURE,
            category_class="kind",
            title="Compute",
            rel=("http://a#b", "http://c#d"),
            location="/compute/",
            attributes=(
                AttributeDefinition("a"),
                AttributeDefinition("b", mutable=False),
                AttributeDefinition("c", required=True),
            ),
            actions=("http://e#f", "http://g#h"),
        ),
    )


@categories
def test_a_category_needs_term_and_scheme_only(parse: _Parser) -> None:
    assert parse('compute; scheme="http://a#"') == (CategoryLine("compute", "http://a#"),)


@categories
@pytest.mark.parametrize(
    "spelling",
    [
        'a;scheme="s#";class="kind"',
        'a ; scheme = "s#" ; class = "kind"',
        'a\t;\tscheme\t=\t"s#"\t;\tclass\t=\t"kind"\t',
        'a; class="kind"; scheme="s#"',
        'a; scheme="s#"; class=kind',
        "a; scheme=s#; class=kind",
        'a; SCHEME="s#"; Class="kind"',
        'a; scheme="s#"; class="kind";',
        'a; scheme="s#"; class="kind" ; ;',
        'a;;; scheme="s#";; class="kind"',
        ',, a; scheme="s#"; class="kind" ,, ,',
        ' a; scheme="s#"; class="kind"; , ',
        'a; scheme="\\s\\#"; class="kind"',
        'a; scheme="s#"; class="kind"; title=""; rel=""; location=""; attributes=""; actions=""',
    ],
)
def test_a_category_is_read_however_it_is_spelled(parse: _Parser, spelling: str) -> None:
    assert parse(spelling) == (CategoryLine("a", "s#", "kind"),)


@categories
@pytest.mark.parametrize("term", ["compute", "os_tpl", "a-b", "1", "0e7b", "m1.small", "Small", "Z"])
def test_a_term_has_the_letters_of_both_versions(parse: _Parser, term: str) -> None:
    assert parse(f'{term}; scheme="s#"')[0].term == term


@categories
@pytest.mark.parametrize("category_class", ["kind", "mixin", "action"])
def test_the_class_is_one_of_three(parse: _Parser, category_class: str) -> None:
    assert parse(f'a; scheme="s#"; class={category_class}')[0].category_class == category_class


@categories
@pytest.mark.parametrize("title", ["a, b", "a; b", "it's", "a=b", "<a>", "\u65e5\u672c", "a\tb", " a "])
def test_a_title_keeps_every_character_between_the_quotes(parse: _Parser, title: str) -> None:
    assert parse(f'a; scheme="s#"; title="{title}"')[0].title == title


@categories
def test_several_categories_stand_in_one_value(parse: _Parser) -> None:
    text = 'a; scheme="s#"; class="kind", b; scheme="t#"; class="mixin";,c;scheme="u#"'
    assert [line.identifier for line in parse(text)] == ["s#a", "t#b", "u#c"]


@categories
@pytest.mark.parametrize(
    ("spelling", "mutable", "required"),
    [
        ("a", True, False),
        ("a{immutable}", False, False),
        ("a{required}", True, True),
        ("a{immutable required}", False, True),
        ("a{required immutable}", False, True),
        ("a { required\timmutable }", False, True),
        ("a{required required}", True, True),
        (" a ", True, False),
    ],
)
def test_an_attribute_definition_has_its_properties_in_either_order(
    parse: _Parser, spelling: str, mutable: bool, required: bool
) -> None:
    (category,) = parse(f'x; scheme="s#"; attributes="{spelling}"')
    assert category.attributes == (AttributeDefinition("a", mutable=mutable, required=required),)


@categories
def test_attribute_definitions_are_separated_by_any_blanks(parse: _Parser) -> None:
    (category,) = parse('x; scheme="s#"; attributes="a{immutable}  b\tC.d-e_f"')
    assert [definition.name for definition in category.attributes] == ["a", "b", "C.d-e_f"]


@categories
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("compute", 'column 1: Category "compute" has no scheme; write scheme="URI#"'),
        ('  a; class="kind"', 'column 3: Category "a" has no scheme; write scheme="URI#"'),
        ('a scheme="s#"', 'column 3: expected ";", "," or the end, found "scheme="s#""'),
        ('a; scheme="s#"; class', 'column 22: expected "=", found the end'),
        ('a; scheme="s#"; class;', 'column 22: expected "=", found ";"'),
        (
            'a; scheme="s#"; class=',
            "column 23: expected a quoted string, a number, true, false or a token, found the end",
        ),
        ('a; scheme="s#', "column 14: expected a closing quote, found the end"),
        ('a; scheme="s#"x', 'column 15: expected ";", "," or the end, found "x"'),
        ('a; scheme="s#"; class="Kind"', 'column 17: class "Kind" is not one of kind, mixin, action'),
        ('a; scheme="s#"; class=""', 'column 17: class "" is not one of kind, mixin, action'),
        ('a; scheme=""', 'column 4: scheme "" is not one URI'),
        ('a; Scheme="s t"', 'column 4: scheme "s t" is not one URI'),
        ('a; scheme="s#"; location="/a /b"', 'column 17: location "/a /b" is not one URI'),
        ('a; scheme="s#"; scheme="s#"', 'column 17: parameter "scheme" is given twice'),
        ('a; title="x"; Title="x"; scheme="s#"', 'column 15: parameter "title" is given twice'),
        (
            'a; scheme="s#"; x="y"',
            'column 17: unknown Category parameter "x", '
            "expected one of scheme, class, title, rel, location, attributes, actions",
        ),
        ('-a; scheme="s#"', 'column 1: expected a term, found "-a; scheme="s#""'),
        ('a, b; scheme="s#"', 'column 1: Category "a" has no scheme; write scheme="URI#"'),
        ('a; scheme="s#", ;', 'column 17: expected a term, found ";"'),
        ('\u00e9; scheme="s#"', 'column 1: expected a term, found "\u00e9; scheme="s#""'),
        (
            'a; scheme="s#\0"',
            "column 14: expected a closing quote, found character U+0000, which cannot be sent",
        ),
        (
            'a; scheme="s#"; attributes="b {immutable"',
            'column 17: attributes: column 13: expected "}", found the end',
        ),
        (
            'a; scheme="s#"; attributes="b{}"',
            'column 17: attributes: column 3: expected "immutable" or "required", found "}"',
        ),
        (
            'a; scheme="s#"; attributes="b{muttable}"',
            'column 17: attributes: column 3: expected "immutable" or "required", found "muttable}"',
        ),
        (
            'a; scheme="s#"; attributes="b{immutablerequired}"',
            'column 17: attributes: column 12: expected "}", found "required}"',
        ),
        (
            'a; scheme="s#"; attributes="b{immutable}c"',
            'column 17: attributes: column 13: expected "{" or a blank, found "c"',
        ),
        (
            'a; scheme="s#"; attributes="b ?"',
            'column 17: attributes: column 3: expected a name, found "?"',
        ),
    ],
)
def test_a_broken_category_is_refused_with_place_and_reason(parse: _Parser, text: str, message: str) -> None:
    assert _refusal(parse, text) == message


@links
def test_a_link_has_target_rel_self_category_and_attributes(parse: _Parser) -> None:
    text = (
        '</network/1>; rel="http://a#network"; self="/networkinterface/2"; '
        'category="http://a#networkinterface http://b#ip"; occi.networkinterface.mac="00:11"; n=2; m="2"'
    )
    assert parse(text) == (
        LinkLine(
            target="/network/1",
            rel=("http://a#network",),
            self_uri="/networkinterface/2",
            category=("http://a#networkinterface", "http://b#ip"),
            attributes={"occi.networkinterface.mac": "00:11", "n": 2, "m": "2"},
        ),
    )


@links
def test_an_action_link_has_rel_only(parse: _Parser) -> None:
    assert parse('</compute/7?action=start>; rel="http://a#start"') == (
        LinkLine("/compute/7?action=start", ("http://a#start",)),
    )


@links
@pytest.mark.parametrize(
    "spelling",
    [
        '<a>;rel="r";category="c"',
        '<a> ; rel = "r" ; category = "c" ;',
        "<a>; category=c; rel=r",
        '<a>; REL="r"; Category="c",',
        '<a>; rel=" r "; category="c"; self=""',
    ],
)
def test_a_link_is_read_however_it_is_spelled(parse: _Parser, spelling: str) -> None:
    assert parse(spelling) == (LinkLine("a", ("r",), None, ("c",)),)


@links
def test_commas_and_semicolons_inside_the_brackets_belong_to_the_target(parse: _Parser) -> None:
    text = '</a,b;c=d>; rel="r", </e>; rel="s"'
    assert [link.target for link in parse(text)] == ["/a,b;c=d", "/e"]


@links
def test_of_a_link_attribute_given_twice_the_last_counts(parse: _Parser) -> None:
    assert parse("<a>; rel=r; x=1; X=2; x=3")[0].attributes == {"x": 3, "X": 2}


@links
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/a; rel=r", 'column 1: expected "<", found "/a; rel=r"'),
        ("<>; rel=r", 'column 2: expected a URI, found ">; rel=r"'),
        ("<a b>; rel=r", 'column 3: expected ">", found " b>; rel=r"'),
        ('<a"b>; rel=r', 'column 3: expected ">", found ""b>; rel=r"'),
        ("<a<b>; rel=r", 'column 3: expected ">", found "<b>; rel=r"'),
        ("<a\tb>; rel=r", 'column 3: expected ">", found "\\u0009b>; rel=r"'),
        ("<a\x7fb>; rel=r", 'column 3: expected ">", found character U+007F, which cannot be sent'),
        ("<a", 'column 3: expected ">", found the end'),
        ("<a>", 'column 1: Link to "a" has no rel; write rel="kind of the target"'),
        ('<a>; rel=" "', 'column 1: Link to "a" has no rel; write rel="kind of the target"'),
        ("<a>; rel=r, <b>; x=1", 'column 13: Link to "b" has no rel; write rel="kind of the target"'),
        ("<a>; rel=r; Rel=r", 'column 13: parameter "rel" is given twice'),
        ("<a>; rel=r; self=a; self=b", 'column 21: parameter "self" is given twice'),
        ('<a>; rel=r; self="a b"', 'column 13: self "a b" is not one URI'),
        ("<a>; rel=r; x=1e999", 'column 13: number "1e999" is out of range'),
        ("<a> rel=r", 'column 5: expected ";", "," or the end, found "rel=r"'),
    ],
)
def test_a_broken_link_is_refused_with_place_and_reason(parse: _Parser, text: str, message: str) -> None:
    assert _refusal(parse, text) == message


@attributes
@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ('"foo"', "foo"),
        ('""', ""),
        ('"2"', "2"),
        ('"true"', "true"),
        (r'"a \" b"', 'a " b'),
        (r'"a \\ b"', r"a \ b"),
        (r'"\a\b\,"', "ab,"),
        (r'"\\\""', r"\""),
        ('"\u20ac \u65e5"', "\u20ac \u65e5"),
        ('"a\tb"', "a\tb"),
        ("2", 2),
        ("+2", 2),
        ("-2", -2),
        ("007", 7),
        ("2.0", 2.0),
        ("-0.5", -0.5),
        ("+0.5", 0.5),
        ("1e5", 100000.0),
        ("1E+2", 100.0),
        ("-2.5e-1", -0.25),
        ("true", True),
        ("false", False),
        ("foobar", "foobar"),
        ("True", "True"),
        ("x86", "x86"),
        ("5.", 5.0),
        (".5", 0.5),
        ("-.5e1", -5.0),
        ("5.e1", 50.0),
        (".", "."),
        ("-", "-"),
        ("e5", "e5"),
        (".e5", ".e5"),
        ("1e", "1e"),
        ("1.2.3", "1.2.3"),
        ("nano", "nano"),
        ("/compute/7?a=b", "/compute/7?a=b"),
        ("aGVsbG8=", "aGVsbG8="),
        ("a\\b", "a\\b"),
        ("!#$%&'()*+-./:?@[]^_`{|}~", "!#$%&'()*+-./:?@[]^_`{|}~"),
    ],
)
def test_an_attribute_value_has_the_type_of_its_spelling(
    parse: _Parser, spelling: str, value: object
) -> None:
    assert repr(parse(f"a.b={spelling}")) == repr((("a.b", value),))


@attributes
def test_an_integer_of_four_hundred_characters_is_read(parse: _Parser) -> None:
    assert parse("a=" + "9" * 400) == (("a", 10**400 - 1),)


@attributes
@pytest.mark.parametrize("blanks", ["", " ", "\t", " \t "])
def test_blanks_around_the_equals_sign_are_tolerated(parse: _Parser, blanks: str) -> None:
    assert parse(f"{blanks}a{blanks}={blanks}1{blanks};{blanks},{blanks}") == (("a", 1),)


@attributes
def test_the_quoted_comma_of_the_1_1_suites_belongs_to_the_title(parse: _Parser) -> None:
    text = r'occi.compute.memory=3.6, occi.core.title="it\'s \", occi.compute.memory=1.0"'
    assert parse(text) == (
        ("occi.compute.memory", 3.6),
        ("occi.core.title", "it's \", occi.compute.memory=1.0"),
    )


@attributes
def test_values_joined_by_the_server_without_a_blank_are_separated(parse: _Parser) -> None:
    assert parse('a="1,2",b=3;,c=foo;') == (("a", "1,2"), ("b", 3), ("c", "foo"))


@attributes
def test_attributes_given_twice_are_both_there_in_order(parse: _Parser) -> None:
    assert parse("a=1, a=2") == (("a", 1), ("a", 2))


@attributes
@pytest.mark.parametrize("text", ["", " ", ",", " ,\t, "])
def test_a_value_without_members_holds_nothing(parse: _Parser, text: str) -> None:
    assert parse(text) == ()


@attributes
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a", 'column 2: expected "=", found the end'),
        ("a=", "column 3: expected a quoted string, a number, true, false or a token, found the end"),
        ("a=,b=1", 'column 3: expected a quoted string, a number, true, false or a token, found ",b=1"'),
        ("a=<b>", 'column 3: expected a quoted string, a number, true, false or a token, found "<b>"'),
        ("a=\u00e9", 'column 3: expected a quoted string, a number, true, false or a token, found "\u00e9"'),
        ("a=b\u00e9", 'column 4: expected ";", "," or the end, found "\u00e9"'),
        ("=1", 'column 1: expected a name, found "=1"'),
        (".a=1", 'column 1: expected a name, found ".a=1"'),
        ("_a=1", 'column 1: expected a name, found "_a=1"'),
        ("a b=1", 'column 3: expected "=", found "b=1"'),
        ("a=1 b=2", 'column 5: expected ";", "," or the end, found "b=2"'),
        ("a=1; b=2", 'column 6: expected ";", "," or the end, found "b=2"'),
        ('a="b"c', 'column 6: expected ";", "," or the end, found "c"'),
        ("a='b c'", 'column 6: expected ";", "," or the end, found "c\'"'),
        ('a="b', "column 5: expected a closing quote, found the end"),
        ('a="b\\"', "column 7: expected a closing quote, found the end"),
        ('a="b\\', 'column 5: expected a closing quote, found "\\"'),
        ('a="b\nc"', "column 5: expected a closing quote, found character U+000A, which cannot be sent"),
        ('a="b\rc"', "column 5: expected a closing quote, found character U+000D, which cannot be sent"),
        ('a="\\\0"', 'column 4: expected a closing quote, found "\\\\u0000""'),
        ('a="\x1f"', "column 4: expected a closing quote, found character U+001F, which cannot be sent"),
        ('a="\x7f"', "column 4: expected a closing quote, found character U+007F, which cannot be sent"),
        ('a="\x85"', "column 4: expected a closing quote, found character U+0085, which cannot be sent"),
        ('a="\ud800"', "column 4: expected a closing quote, found character U+D800, which cannot be sent"),
        ("\na=1", "column 1: expected a name, found character U+000A, which cannot be sent"),
        ("a=1\n", 'column 4: expected ";", "," or the end, found character U+000A, which cannot be sent'),
        ("a=1\n,b=2", 'column 4: expected ";", "," or the end, found character U+000A, which cannot be sent'),
        ("a\n=1", 'column 2: expected "=", found character U+000A, which cannot be sent'),
        ("b=2, a= 1e999", 'column 9: number "1e999" is out of range'),
        ("a=-1e999", 'column 3: number "-1e999" is out of range'),
        ("a=nan", 'column 3: "nan" is not a finite number; quote it if it is text'),
        ("a=NaN", 'column 3: "NaN" is not a finite number; quote it if it is text'),
        ("a=inf", 'column 3: "inf" is not a finite number; quote it if it is text'),
        ("a=-Infinity", 'column 3: "-Infinity" is not a finite number; quote it if it is text'),
        ("a=+INF", 'column 3: "+INF" is not a finite number; quote it if it is text'),
        ("a=" + "9" * 401, "column 3: number of 401 characters, at most 400 are read"),
        ("a=0." + "9" * 399, "column 3: number of 401 characters, at most 400 are read"),
        ("a=0 " + "x" * 30, f'column 5: expected ";", "," or the end, found "{"x" * 20}"'),
    ],
)
def test_a_broken_attribute_is_refused_with_place_and_reason(parse: _Parser, text: str, message: str) -> None:
    assert _refusal(parse, text) == message


@attributes
def test_an_absurd_integer_is_refused(parse: _Parser) -> None:
    assert _refusal(parse, "a=" + "1" * 5000) == "column 3: number of 5000 characters, at most 400 are read"


@locations
def test_locations_are_separated_by_commas(parse: _Parser) -> None:
    text = " http://a:1/b?c=d;e , /f,,urn:uuid:0f7a0d7e ;"
    assert parse(text) == ("http://a:1/b?c=d;e", "/f", "urn:uuid:0f7a0d7e")


@locations
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http://a b", 'column 10: expected ";", "," or the end, found "b"'),
        ('"/a"', 'column 1: expected a URI, found ""/a""'),
        ("</a>", 'column 1: expected a URI, found "</a>"'),
        ("/a>", 'column 3: expected ";", "," or the end, found ">"'),
        ("/a, \0", "column 5: expected a URI, found character U+0000, which cannot be sent"),
        ("/a\n", 'column 3: expected ";", "," or the end, found character U+000A, which cannot be sent'),
        ("/a \xa0,\u3000", 'column 4: expected ";", "," or the end, found "\\u00a0,\\u3000"'),
        ("/a\tb", 'column 4: expected ";", "," or the end, found "b"'),
    ],
)
def test_a_broken_location_is_refused_with_place_and_reason(parse: _Parser, text: str, message: str) -> None:
    assert _refusal(parse, text) == message

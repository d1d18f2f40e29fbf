"""The OCCI text grammar: the definition of what text/plain and text/occi values mean to this gateway.

GFD.185 (1.1) sections 3.5.1 to 3.5.5 and GFD.229 (1.2) section 4, which is wider. One rule, its ABNF above it
(in the notation of RFC 2616, as both documents have it); where a rule takes more or less than the ABNF,
"Wider:" and "Narrower:" say why and for whom. Every function takes the
value of one header or body line, which may hold several comma-separated members (RFC 9110 section 5.6.1),
and raises ParseError with the column and what was expected. The request path uses ``scanner``, which accepts
the same language faster; the tests hold the two together.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pyparsing import (
    Literal,
    MatchFirst,
    Opt,
    ParseBaseException,
    ParserElement,
    ParseResults,
    Regex,
    ZeroOrMore,
)

from occi_gw.rendering import assembly
from occi_gw.rendering.assembly import FORBIDDEN, NAME, Parameter
from occi_gw.rendering.parse_error import ParseError, shown
from occi_gw.rendering.values import AttributeDefinition, CategoryLine, LinkLine, Scalar

# Parse actions take all three arguments: pyparsing finds out about fewer by trial in the first calls, which
# is not safe among threads.


class _Raw(NamedTuple):
    text: str
    quoted: bool
    column: int


# RFC 9110 section 5.6.3:
#   OWS = *( SP / HTAB )
_ows = Regex(r"[ \t]*").suppress()

_end = Regex(r"\Z").suppress()
_forbidden = re.compile(f"[{FORBIDDEN}]")

# RFC 9110 section 5.6.1, which both documents refer to for several values of a header:
#   #element = [ element ] *( OWS "," OWS [ element ] )
_comma = Regex(r",[ \t,]*").suppress()

# Not in the ABNF of either document:
#   after-member = *( SP / HTAB / ";" ) ( "," / end )
# Wider: ";" before "," and at the end, as in the examples of both (`...class="kind";`) and in rOCCI 4.
_after_member = Regex(r"[ \t;]*").suppress() + MatchFirst([_comma, _end]).set_name('";", "," or the end')

# GFD.185 section 3.5.1:
#   term           = LOALPHA *( LOALPHA | DIGIT | "-" | "_" )
#   attribute-name = attr-component *( "." attr-component )
#   attr-component = LOALPHA *( LOALPHA | DIGIT | "-" | "_" )
# GFD.229 sections 4.1 and 4.3:
#   term = attribute-name = ( ALPHA | DIGIT ) *( ALPHA | DIGIT | "-" | "_" | "." )
# The 1.2 form for everybody, because OpenStack sites have terms such as "1" and UUIDs.
_term = Regex(NAME).set_name("a term")
_name = Regex(NAME).set_name("a name")

# RFC 9110 section 5.6.4:
#   quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
#   quoted-pair   = "\" ( HTAB / SP / VCHAR / obs-text )
# obs-text is read as UTF-8. "'" has no meaning.
_qdtext = Regex(rf'[^"\\{FORBIDDEN}]+')
_quoted_pair = Regex(rf"\\[^{FORBIDDEN}]").set_parse_action(lambda text, location, tokens: tokens[0][1:])
_quoted = (
    (
        Literal('"').suppress()
        + ZeroOrMore(_qdtext | _quoted_pair)
        - Literal('"').suppress().set_name("a closing quote")
    )
    .set_name("a quoted string")
    .set_parse_action(lambda text, location, tokens: _Raw("".join(tokens), True, location + 1))
)

# GFD.185 section 3.5.4, GFD.229 section 4.3:
#   attribute-value = ( string | number | bool | enum-val )
#   string          = quoted-string
#   number          = ( int | float )
#   int             = *DIGIT
#   float           = *DIGIT "." *DIGIT
#   bool            = ( "true" | "false" )
#   enum-val        = string
# Narrower: a number has a digit. Wider: a sign and an exponent, as languages print numbers; any token, as
# link-attribute has it and GFD.185 section 3.6.6 shows it (hostname=foobar). A token is printable ASCII up to
# a blank, ",", ";", quote or bracket; assembly.scalar tells which tokens are numbers.
_bare = (
    Regex(r"[!#-+\--:=?-~]+")
    .set_name("a token")
    .set_parse_action(lambda text, location, tokens: _Raw(tokens[0], False, location + 1))
)
_value = (_quoted | _bare).set_name("a quoted string, a number, true, false or a token")

# Not in the ABNF:
#   equals = OWS "=" OWS
_equals = (_ows + Literal("=").suppress().set_name('"="') + _ows).set_name('"="')

# The common form of what stands between ";" in GFD.185 sections 3.5.1 to 3.5.3:
#   parameters = *( ";" parameter )
#   parameter  = name "=" value
# Wider: several ";" and blanks around each; any value with or without quotes (class may be bare, link-type
# is; pOCCI and rOCCI quote both). Narrower: several identifiers of a link-type need quotes.
_parameter = (_name - _equals - _value).set_parse_action(
    lambda text, location, tokens: Parameter(tokens[0], tokens[1].text, tokens[1].quoted, location + 1)
)
_parameters = ZeroOrMore(Regex(r"[ \t]*;[ \t;]*").suppress() + _parameter)

# GFD.185 section 3.5.1, GFD.229 section 4.1:
#   attribute-list     = attribute-def | attribute-def *( 1*SP attribute-def )
#   attribute-def      = attribute-name
#                      | attribute-name "{" attribute-property *( 1*SP attribute-property ) "}"
#   attribute-property = "immutable" | "required"
# Wider: tabs, blanks inside and before the braces, and an empty list.
_property = (Literal("immutable") | Literal("required")).set_name('"immutable" or "required"')
_properties = (
    Regex(r"[ \t]*\{").suppress()
    - _ows
    - _property
    - ZeroOrMore(Regex(r"[ \t]+").suppress() + _property)
    - _ows
    - Literal("}").suppress().set_name('"}"')
)
_definition = (_name + Opt(_properties)).set_parse_action(
    lambda text, location, tokens: AttributeDefinition(
        tokens[0], mutable="immutable" not in tokens[1:], required="required" in tokens[1:]
    )
)
_definitions = _ows + ZeroOrMore(
    ~_end - _definition - MatchFirst([Regex(r"[ \t]+").suppress(), _end]).set_name('"{" or a blank')
)


def _build_category(text: str, location: int, tokens: ParseResults) -> CategoryLine:
    return assembly.category(tokens[0], list(tokens[1:]), location + 1, parse_attribute_definitions)


def _build_link(text: str, location: int, tokens: ParseResults) -> LinkLine:
    return assembly.link(tokens[0], list(tokens[1:]), location + 1)


def _build_attribute(text: str, location: int, tokens: ParseResults) -> tuple[str, Scalar]:
    name, value = tokens
    return name, value.text if value.quoted else assembly.scalar(value.text, value.column)


# GFD.185 section 3.5.1, GFD.229 section 4.1:
#   Category       = "Category" ":" #category-value
#   category-value = term
#                    ";" "scheme" "=" <"> scheme <">
#                    ";" "class" "=" ( class | <"> class <"> )
#                    [ ";" "title" "=" quoted-string ]
#                    [ ";" "rel" "=" <"> type-identifier <"> ]
#                    [ ";" "location" "=" <"> URI <"> ]
#                    [ ";" "attributes" "=" <"> attribute-list <"> ]
#                    [ ";" "actions" "=" <"> action-list <"> ]
#   class          = "action" | "mixin" | "kind"
# Wider: any order (the examples of GFD.185 have location last), no class (doyouspeakOCCI), several rel.
_category = (_term - _parameters - _after_member).set_parse_action(_build_category)

# GFD.185 sections 3.5.2 and 3.5.3, GFD.229 section 4.2; a link to an action is one without self and category:
#   Link           = "Link" ":" #link-value
#   link-value     = "<" URI-Reference ">"
#                    ";" "rel" "=" <"> resource-type <">
#                    [ ";" "self" "=" <"> link-instance <"> ]
#                    [ ";" "category" "=" link-type *( ";" link-attribute ) ]
#   resource-type  = type-identifier *( 1*SP type-identifier )
#   link-attribute = attribute-name "=" ( token | quoted-string )
# Inside the brackets "," and ";" are part of the URI. Wider: any order, attributes without category, IRIs.
_uri = Regex(rf'[^\x20\x09"<>{FORBIDDEN}]+').set_name("a URI")
_link = (
    Literal("<").suppress().set_name('"<"')
    - _uri
    - Literal(">").suppress().set_name('">"')
    - _parameters
    - _after_member
).set_parse_action(_build_link)

# GFD.185 section 3.5.4, GFD.229 section 4.3:
#   Attribute      = "X-OCCI-Attribute" ":" #attribute-repr
#   attribute-repr = attribute-name "=" attribute-value
_attribute = (_name - _equals - _value - _after_member).set_parse_action(_build_attribute)

# GFD.185 section 3.5.5, GFD.229 section 4.4:
#   Location       = "X-OCCI-Location" ":" location-value
#   location-value = URI-reference
# Wider: a list, as GFD.185 section 3.5 shows; a comma inside a URI must therefore be written %2C. ";" belongs
# to the URI. IRIs.
_location = Regex(rf'[^\x20\x09"<>,{FORBIDDEN}]+').set_name("a URI") - _after_member


def _ready(rule: ParserElement) -> ParserElement:
    """``rule`` taking blanks only where it names them, and finished, so that threads can share it."""
    return rule.leave_whitespace().parse_with_tabs().streamline()


def _list_of(member: ParserElement) -> ParserElement:
    """RFC 9110 section 5.6.1, reading side: empty members are skipped, also before the first."""
    rule = Regex(r"[ \t,]*").suppress() + ZeroOrMore(~_end - member)
    return _ready(rule)


_category_list = _list_of(_category)
_link_list = _list_of(_link)
_attribute_list = _list_of(_attribute)
_location_list = _list_of(_location)
_definition_list = _ready(_definitions)


def parse_categories(text: str) -> tuple[CategoryLine, ...]:
    """The members of a ``Category`` value."""
    return _parse(_category_list, text)


def parse_links(text: str) -> tuple[LinkLine, ...]:
    """The members of a ``Link`` value."""
    return _parse(_link_list, text)


def parse_attributes(text: str) -> tuple[tuple[str, Scalar], ...]:
    """The name and value pairs of an ``X-OCCI-Attribute`` value, in order, duplicates included."""
    return _parse(_attribute_list, text)


def parse_locations(text: str) -> tuple[str, ...]:
    """The URI references of an ``X-OCCI-Location`` value."""
    return _parse(_location_list, text)


def parse_attribute_definitions(text: str) -> tuple[AttributeDefinition, ...]:
    """The definitions inside the ``attributes`` parameter of a Category."""
    return _parse(_definition_list, text)


def _parse(rule: ParserElement, text: str) -> tuple[Any, ...]:
    try:
        # Every list rule ends at the end of the text or fails, hence no parse_all.
        return tuple(rule.parse_string(text))
    except ParseBaseException as error:
        expected = error.msg[:1].lower() + error.msg[1:]
        raise ParseError(f"{expected}, found {_found(text, error.loc)}", column=error.loc + 1) from None


def _found(text: str, position: int) -> str:
    if position >= len(text):
        return "the end"
    if _forbidden.match(text, position):
        return f"character U+{ord(text[position]):04X}, which cannot be sent"
    return shown(text[position : position + 20])

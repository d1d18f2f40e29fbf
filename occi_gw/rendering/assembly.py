"""From the pieces of one structure to its value: the rules that are about meaning, not about spelling.

Grammar and scanner both end here, so that they can differ in spelling only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from occi_gw.rendering.parse_error import ParseError, shown
from occi_gw.rendering.values import AttributeDefinition, CategoryLine, LinkLine, Scalar, Value

MAX_NUMBER = 400

#: Characters that no structure can carry: controls other than TAB, and lone surrogates. For use in [...].
FORBIDDEN = r"\x00-\x08\x0a-\x1f\x7f-\x9f\ud800-\udfff"

#: A term or attribute name as GFD.229 section 4.1 has it; grammar.py says how that differs from 1.1.
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*+"

_INTEGER = re.compile(r"[+-]?[0-9]++")
_FLOAT = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
_NOT_A_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
_IDENTIFIER = re.compile(r"[^ \t]++")


class Parameter(NamedTuple):
    """``name=value`` of a Category or Link: the value without quotes and escapes, and where it stands."""

    name: str
    text: str
    quoted: bool
    column: int


Definitions: TypeAlias = Callable[[str], tuple[AttributeDefinition, ...]]


def scalar(token: str, column: int) -> Scalar:
    """The value of an unquoted token: integer, float, boolean, or the token itself as a string.

    Raises ParseError for what is no finite number or has more than 400 characters of digits.
    """
    if _FLOAT.fullmatch(token):
        return _number(token, column)
    if token == "true":
        return True
    if token == "false":
        return False
    if _NOT_A_NUMBER.fullmatch(token):
        raise ParseError(f"{shown(token)} is not a finite number; quote it if it is text", column=column)
    return token


def _number(token: str, column: int) -> int | float:
    if len(token) > MAX_NUMBER:
        raise ParseError(f"number of {len(token)} characters, at most {MAX_NUMBER} are read", column=column)
    if _INTEGER.fullmatch(token):
        return int(token)
    value = float(token)
    if math.isinf(value):
        raise ParseError(f"number {shown(token)} is out of range", column=column)
    return value


def identifiers(text: str) -> tuple[str, ...]:
    """Type identifiers separated by blanks, as ``rel``, ``category`` and ``actions`` hold them."""
    return tuple(_IDENTIFIER.findall(text))


def category(term: str, parameters: list[Parameter], column: int, definitions: Definitions) -> CategoryLine:
    """The Category of these parts; ``definitions`` reads the text of the ``attributes`` parameter.

    Raises ParseError for a parameter that is unknown, given twice or malformed, and without a scheme.
    """
    found: dict[str, Parameter] = {}
    for parameter in parameters:
        name = parameter.name.lower()
        if name not in _CATEGORY_PARAMETERS:
            raise ParseError(
                f"unknown Category parameter {shown(parameter.name)}, expected one of "
                + ", ".join(_CATEGORY_PARAMETERS),
                column=parameter.column,
            )
        _once(found, name, parameter)
    if "scheme" not in found:
        raise ParseError(f'Category {shown(term)} has no scheme; write scheme="URI#"', column=column)
    return CategoryLine(
        term=term,
        scheme=_required_uri(found["scheme"]),
        category_class=_class(found.get("class")),
        title=_text(found.get("title")) or None,
        rel=identifiers(_text(found.get("rel"))),
        location=_uri(found.get("location")),
        attributes=_definitions(found.get("attributes"), definitions),
        actions=identifiers(_text(found.get("actions"))),
    )


def link(target: str, parameters: list[Parameter], column: int) -> LinkLine:
    """The Link of these parts. Raises ParseError without ``rel``, or when rel, self, category come twice."""
    found: dict[str, Parameter] = {}
    attributes: dict[str, Value] = {}
    for parameter in parameters:
        name = parameter.name.lower()
        if name in _LINK_PARAMETERS:
            _once(found, name, parameter)
        else:
            attributes[parameter.name] = (
                parameter.text if parameter.quoted else scalar(parameter.text, parameter.column)
            )
    rel = identifiers(_text(found.get("rel")))
    if not rel:
        raise ParseError(f'Link to {shown(target)} has no rel; write rel="kind of the target"', column=column)
    return LinkLine(
        target=target,
        rel=rel,
        self_uri=_uri(found.get("self")),
        category=identifiers(_text(found.get("category"))),
        attributes=attributes,
    )


_CATEGORY_PARAMETERS = ("scheme", "class", "title", "rel", "location", "attributes", "actions")
_LINK_PARAMETERS = ("rel", "self", "category")
_CLASSES = ("kind", "mixin", "action")


def _once(found: dict[str, Parameter], name: str, parameter: Parameter) -> None:
    if name in found:
        raise ParseError(f"parameter {shown(name)} is given twice", column=parameter.column)
    found[name] = parameter


def _text(parameter: Parameter | None) -> str:
    return parameter.text if parameter else ""


def _class(parameter: Parameter | None) -> str | None:
    if parameter is None:
        return None
    if parameter.text not in _CLASSES:
        raise ParseError(
            f"class {shown(parameter.text)} is not one of " + ", ".join(_CLASSES), column=parameter.column
        )
    return parameter.text


def _uri(parameter: Parameter | None) -> str | None:
    return _required_uri(parameter) if parameter and parameter.text else None


def _required_uri(parameter: Parameter) -> str:
    if not _IDENTIFIER.fullmatch(parameter.text):
        raise ParseError(
            f"{parameter.name.lower()} {shown(parameter.text)} is not one URI", column=parameter.column
        )
    return parameter.text


def _definitions(parameter: Parameter | None, definitions: Definitions) -> tuple[AttributeDefinition, ...]:
    if parameter is None:
        return ()
    try:
        return definitions(parameter.text)
    except ParseError as error:
        raise ParseError(f"attributes: {error}", column=parameter.column) from None

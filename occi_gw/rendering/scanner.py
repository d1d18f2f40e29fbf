"""The fast reader of OCCI text values on the request path; it accepts exactly the language of ``grammar``.

One regular expression per member, every repetition possessive, so that no input makes it step back: the time
is linear in the length. A value that does not scan is read once more by the grammar for its message, which
costs milliseconds and is therefore done for short values only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from occi_gw.rendering import assembly, grammar
from occi_gw.rendering.assembly import FORBIDDEN, NAME, Parameter
from occi_gw.rendering.parse_error import ParseError
from occi_gw.rendering.values import AttributeDefinition, CategoryLine, LinkLine, Scalar

#: Values up to this length get the message of the grammar.
EXPLAINED = 4096
#: Category values up to this length are kept parsed, at most 1024 of them.
CACHED = 2048
#: Members of one value, and parameters of one member.
MAX_MEMBERS = 10_000

_QUOTED = rf'"([^"\\{FORBIDDEN}]*+(?:\\[^{FORBIDDEN}][^"\\{FORBIDDEN}]*+)*+)"'
_ASSIGNMENT = rf"({NAME})[ \t]*+=[ \t]*+(?:{_QUOTED}|([!#-+\--:=?-~]++))"
_AFTER = r"[ \t;]*+(?:,[ \t,]*+|\Z)"

_BEFORE = re.compile(r"[ \t,]*+")
_TERM = re.compile(NAME)
_TARGET = re.compile(rf'<([^\x20\x09"<>{FORBIDDEN}]++)>')
_PARAMETER = re.compile(rf"[ \t]*+;[ \t;]*+{_ASSIGNMENT}")
_AFTER_MEMBER = re.compile(_AFTER)
_ATTRIBUTE = re.compile(_ASSIGNMENT + _AFTER)
_LOCATION = re.compile(rf'([^\x20\x09"<>,{FORBIDDEN}]++){_AFTER}')
_PROPERTY = r"(?:immutable|required)"
_DEFINITION = re.compile(
    rf"({NAME})(?:[ \t]*+\{{[ \t]*+({_PROPERTY}(?:[ \t]++{_PROPERTY})*+)[ \t]*+\}})?+(?:[ \t]++|\Z)"
)
_ESCAPE = re.compile(r"\\(.)")

_T = TypeVar("_T")


def scan_categories(text: str) -> tuple[CategoryLine, ...]:
    """The members of a ``Category`` value. Raises ParseError with the column."""
    if len(text) <= CACHED:
        return _cached_categories(text)
    return _scan(text, _categories, grammar.parse_categories)


def scan_links(text: str) -> tuple[LinkLine, ...]:
    """The members of a ``Link`` value. Raises ParseError with the column."""
    return _scan(text, _links, grammar.parse_links)


def scan_attributes(text: str) -> tuple[tuple[str, Scalar], ...]:
    """The name and value pairs of an ``X-OCCI-Attribute`` value. Raises ParseError with the column."""
    return _scan(text, _attributes, grammar.parse_attributes)


def scan_locations(text: str) -> tuple[str, ...]:
    """The URI references of an ``X-OCCI-Location`` value. Raises ParseError with the column."""
    return _scan(text, _locations, grammar.parse_locations)


@lru_cache(maxsize=1024)
def _cached_categories(text: str) -> tuple[CategoryLine, ...]:
    return _scan(text, _categories, grammar.parse_categories)


def _scan(
    text: str, scan: Callable[[str], list[_T]], explain: Callable[[str], tuple[_T, ...]]
) -> tuple[_T, ...]:
    try:
        return tuple(scan(text))
    except ParseError:
        if len(text) <= EXPLAINED:
            explain(text)
        raise


def _categories(text: str) -> list[CategoryLine]:
    found: list[CategoryLine] = []
    start = _first(text)
    while start < len(text):
        term = _match(_TERM, text, start)
        parameters, end = _parameters(text, term.end())
        after = _match(_AFTER_MEMBER, text, end)
        found.append(assembly.category(term[0], parameters, start + 1, _definitions))
        _count(found, start)
        start = after.end()
    return found


def _links(text: str) -> list[LinkLine]:
    found: list[LinkLine] = []
    start = _first(text)
    while start < len(text):
        target = _match(_TARGET, text, start)
        parameters, end = _parameters(text, target.end())
        after = _match(_AFTER_MEMBER, text, end)
        found.append(assembly.link(target[1], parameters, start + 1))
        _count(found, start)
        start = after.end()
    return found


def _attributes(text: str) -> list[tuple[str, Scalar]]:
    found: list[tuple[str, Scalar]] = []
    start = _first(text)
    while start < len(text):
        match = _match(_ATTRIBUTE, text, start)
        name, quoted, bare = match.groups()
        value = _plain(quoted) if bare is None else assembly.scalar(bare, match.start(3) + 1)
        found.append((name, value))
        _count(found, start)
        start = match.end()
    return found


def _locations(text: str) -> list[str]:
    found: list[str] = []
    start = _first(text)
    while start < len(text):
        match = _match(_LOCATION, text, start)
        found.append(match[1])
        _count(found, start)
        start = match.end()
    return found


def _definitions(text: str) -> tuple[AttributeDefinition, ...]:
    found: list[AttributeDefinition] = []
    start = len(text) - len(text.lstrip(" \t"))
    while start < len(text):
        match = _match(_DEFINITION, text, start)
        properties = match[2] or ""
        found.append(
            AttributeDefinition(
                match[1], mutable="immutable" not in properties, required="required" in properties
            )
        )
        _count(found, start)
        start = match.end()
    return tuple(found)


def _parameters(text: str, start: int) -> tuple[list[Parameter], int]:
    found: list[Parameter] = []
    while match := _PARAMETER.match(text, start):
        name, quoted, bare = match.groups()
        column = match.start(1) + 1
        found.append(
            Parameter(name, _plain(quoted), True, column)
            if bare is None
            else Parameter(name, bare, False, column)
        )
        _count(found, start)
        start = match.end()
    return found, start


def _first(text: str) -> int:
    return _match(_BEFORE, text, 0).end()


def _match(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str]:
    match = pattern.match(text, start)
    if match is None:
        raise ParseError("not readable from here on", column=start + 1)
    return match


def _plain(quoted: str) -> str:
    return _ESCAPE.sub(r"\1", quoted) if "\\" in quoted else quoted


def _count(found: list[_T], start: int) -> None:
    if len(found) > MAX_MEMBERS:
        raise ParseError(f"more than {MAX_MEMBERS} values", column=start + 1)

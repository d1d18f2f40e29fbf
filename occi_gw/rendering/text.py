"""Reading of text/plain, text/occi+plain (body lines) and text/occi (headers): GFD.185 section 3.5, GFD.229.

The same four structures stand in both; only where they stand differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from occi_gw.rendering.parse_error import ParseError, shown
from occi_gw.rendering.scanner import scan_attributes, scan_categories, scan_links, scan_locations
from occi_gw.rendering.values import Message

#: Lines of one body, empty ones included, and values of one message.
MAX_LINES = 20_000
MAX_VALUES = 20_000

_Reader = tuple[str, Callable[[str], tuple[Any, ...]]]

_CATEGORY: _Reader = ("categories", scan_categories)
_LINK: _Reader = ("links", scan_links)
_ATTRIBUTE: _Reader = ("attributes", scan_attributes)
_LOCATION: _Reader = ("locations", scan_locations)

#: Names in lower case. The second of each pair is what rOCCI 5 and rOCCI-server 2 write.
_STRUCTURES: Mapping[str, _Reader] = {
    "category": _CATEGORY,
    "x-occi-category": _CATEGORY,
    "link": _LINK,
    "x-occi-link": _LINK,
    "x-occi-attribute": _ATTRIBUTE,
    "x-occi-location": _LOCATION,
    "location": _LOCATION,
}


class _Values:
    """The values met so far in one message."""

    def __init__(self) -> None:
        self.found: dict[str, list[Any]] = {"categories": [], "links": [], "attributes": [], "locations": []}
        self.count = 0

    def add(self, reader: _Reader, text: str) -> None:
        structure, scan = reader
        values = scan(text)
        self.count += len(values)
        if self.count > MAX_VALUES:
            raise ParseError(f"more than {MAX_VALUES} values in one message; send fewer at a time")
        self.found[structure].extend(values)

    def message(self) -> Message:
        return Message(
            categories=tuple(self.found["categories"]),
            links=tuple(self.found["links"]),
            attributes=dict(self.found["attributes"]),
            locations=tuple(self.found["locations"]),
        )


def read_plain(body: bytes) -> Message:
    """The structures of a text/plain body, one value or a comma-separated list of values a line.

    Lines end with LF, CRLF or LF CR; empty lines are skipped. When an attribute comes twice the last wins.
    Raises ParseError with ``where`` ``body line N``.
    """
    if body.count(b"\n") > MAX_LINES:
        raise ParseError(f"more than {MAX_LINES} lines; send fewer at a time", "body")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        broken = body.count(b"\n", 0, error.start) + 1
        raise ParseError(f"byte 0x{body[error.start]:02X} is not UTF-8", f"body line {broken}") from None
    values = _Values()
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip(" \t\r")
        if line:
            _read_line(values, raw, line, f"body line {number}")
    return values.message()


def _read_line(values: _Values, raw: str, line: str, where: str) -> None:
    name, colon, value = line.partition(":")
    reader = _STRUCTURES.get(name.lower()) if colon else None
    if reader is None:
        if raw.lstrip("\r").startswith((" ", "\t")):
            raise ParseError("a line cannot continue the one before; write each value on one line", where)
        raise ParseError(f"{shown(line)} is none of Category, Link, X-OCCI-Attribute, X-OCCI-Location", where)
    try:
        values.add(reader, value)
    except ParseError as error:
        raise error.at(where, raw.index(line) + len(name) + 1) from None


def read_headers(headers: Mapping[str, str]) -> Message:
    """The structures in ``headers`` (names in any case, values as WSGI gives them: UTF-8 bytes as latin-1).

    Other headers are ignored. Raises ParseError with ``where`` ``header NAME``.
    """
    values = _Values()
    for name, value in headers.items():
        reader = _STRUCTURES.get(name.lower())
        if reader is not None:
            try:
                values.add(reader, _from_wsgi(value))
            except ParseError as error:
                raise error.at(f"header {name.title().replace('Occi', 'OCCI')}") from None
    return values.message()


def has_structures(headers: Mapping[str, str]) -> bool:
    """Whether any of ``headers`` is an OCCI structure: then a request without Content-Type is text/occi."""
    return any(name.lower() in _STRUCTURES for name in headers)


def _from_wsgi(value: str) -> str:
    if value.isascii():
        return value
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        raise ParseError("not UTF-8; encode text outside ASCII in UTF-8") from None

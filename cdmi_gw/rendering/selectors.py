"""The query string: which fields of an object are asked for (CDMI 1.1.1, 8.4, 9.4 and 11.4).

``query = selector *( ";" selector ) [ ";" ]``; the raw string is split first and decoded then. The later
form with ``&`` and ``=`` is understood where no ``;`` occurs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from cdmi_gw.rendering.ranges import Range, selected

_COUNT = re.compile("[0-9]{1,18}")


class SelectorError(ValueError):
    """The query string is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """What is asked for; nothing named means everything."""

    fields: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()  # names, or beginnings of names; empty = all
    value: tuple[Range, ...] = ()
    children: Range | None = None
    values: int | Range | None = None  # of a queue: so many, or by designator
    exports: str = ""  # what was asked for of them
    #: Whether there was a query at all.
    given: bool = field(default=False)

    def has(self, name: str) -> bool:
        return not self.fields or name in self.fields


class _Reader:
    """Gathers selectors one after another."""

    def __init__(self) -> None:
        self.fields: list[str] = []
        self.metadata: list[str] = []
        self.all_metadata = False
        self.value: list[Range] = []
        self.children: Range | None = None
        self.values: int | Range | None = None
        self.exports = ""

    def take(self, part: str, name: str, argument: str, *, given: bool) -> None:
        if name == "metadata":
            self.metadata += [argument] if argument else []
            self.all_metadata |= not argument
        elif name == "exports":
            self.exports = argument
        elif given and name == "value":
            self.value.append(_range(part, argument))
        elif given and name in ("children", "values") and getattr(self, name) is not None:
            raise SelectorError(f"{name}: two ranges; ask for one")
        elif given and name == "children":
            self.children = _range(part, argument)
        elif given and name == "values":
            number = _COUNT.fullmatch(argument)
            self.values = int(argument) if number else _range(part, argument)
        elif given:
            raise SelectorError(
                f"{part}: only value, values, children, metadata and exports take an argument"
            )
        self.fields.append(name)

    def selectors(self) -> Selectors:
        fields = tuple(dict.fromkeys(self.fields))
        names = () if self.all_metadata else tuple(self.metadata)
        return Selectors(
            fields, names, tuple(self.value), self.children, self.values, self.exports, bool(fields)
        )


def parse(query: str) -> Selectors:
    """Raises SelectorError."""
    reader = _Reader()
    separator, colon = (";", ":") if ";" in query or "&" not in query else ("&", "=")
    for part in query.split(separator):
        name, given, argument = part.partition(":" if ":" in part else colon)
        if not given:
            name, given, argument = part.partition("=")
        name, argument = _decoded(name).removesuffix("/"), _decoded(argument)
        if name or given:
            reader.take(part, name, argument, given=bool(given))
    return reader.selectors()


def _range(part: str, argument: str) -> Range:
    found = selected(argument)
    if found is None:
        raise SelectorError(f"{part}: not a range such as 0-9")
    return found


def _decoded(text: str) -> str:
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise SelectorError(f"{text}: not UTF-8") from None

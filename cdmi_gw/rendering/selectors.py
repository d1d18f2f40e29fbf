"""The query string: which fields of an object are asked for (CDMI 1.1.1, 8.4 and 9.4).

``query = selector *( ";" selector ) [ ";" ]``; the raw string is split first and decoded then. The later
form with ``&`` and ``=`` is understood where no ``;`` occurs.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from cdmi_gw.rendering.ranges import Range, selected


class SelectorError(ValueError):
    """The query string is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Selectors:
    """What is asked for; nothing named means everything."""

    fields: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()  # names, or beginnings of names; empty = all
    value: tuple[Range, ...] = ()
    children: Range | None = None
    #: Whether there was a query at all.
    given: bool = field(default=False)

    def has(self, name: str) -> bool:
        return not self.fields or name in self.fields


def parse(query: str) -> Selectors:
    """Raises SelectorError."""
    fields: list[str] = []
    metadata: list[str] = []
    all_metadata = False
    values: list[Range] = []
    children: Range | None = None
    separator, colon = (";", ":") if ";" in query or "&" not in query else ("&", "=")
    for part in query.split(separator):
        name, given, argument = part.partition(":" if ":" in part else colon)
        name, argument = _decoded(name).removesuffix("/"), _decoded(argument)
        if not name and not given:
            continue
        if name == "value" and given:
            values.append(_range(part, argument))
        elif name == "children" and given:
            if children is not None:
                raise SelectorError("children: two ranges; ask for one")
            children = _range(part, argument)
        elif name == "metadata":
            metadata += [argument] if argument else []
            all_metadata |= not argument
        elif given:
            raise SelectorError(f"{part}: only value, children and metadata take an argument")
        fields.append(name)
    names = () if all_metadata else tuple(metadata)
    return Selectors(tuple(dict.fromkeys(fields)), names, tuple(values), children, bool(fields))


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

"""Ranges in headers and query strings: inclusive, ``first-last``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = 19
_RANGE = re.compile(rf"([0-9]{{1,{_DIGITS}}})-([0-9]{{1,{_DIGITS}}})")
_OPEN = re.compile(rf"([0-9]{{0,{_DIGITS}}})-([0-9]{{0,{_DIGITS}}})")
_CONTENT = re.compile(
    rf"(?:bytes[ =])?\s*([0-9]{{1,{_DIGITS}}})-([0-9]{{1,{_DIGITS}}})(?:/(?:\*|[0-9]{{1,{_DIGITS}}}))?"
)


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends are in it."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def selected(text: str) -> Range | None:
    """A range of a selector, ``2-5`` (``bytes=2-5`` is tolerated); None for what is none."""
    found = _RANGE.fullmatch(text.removeprefix("bytes="))
    return _ordered(found) if found else None


def written(header: str) -> Range | None:
    """The range of a ``Content-Range`` in a PUT, in each of the forms that clients send."""
    found = _CONTENT.fullmatch(header.strip())
    return _ordered(found) if found else None


def requested(header: str, size: int) -> Range | None:
    """The one satisfiable range of a ``Range`` header; None: the header does not count (RFC 9110 14.2).

    Raises LookupError where the range is beyond the end.
    """
    unit, _, text = header.partition("=")
    found = _OPEN.fullmatch(text.strip())
    if unit.strip().lower() != "bytes" or found is None or found[0] == "-":
        return None
    first, last = found[1], found[2]
    if not first:
        if not int(last) or not size:
            raise LookupError
        return Range(max(0, size - int(last)), size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise LookupError
    return Range(int(first), min(int(last) if last else size - 1, size - 1))


def _ordered(found: re.Match[str]) -> Range | None:
    first, last = int(found[1]), int(found[2])
    return Range(first, last) if first <= last else None

"""Ranges in headers and query strings: inclusive, ``first-last``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

#: Of one ``Range``.
MAX_RANGES = 64

_DIGITS = 18  # a database takes no larger number
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


def requested(header: str, size: int) -> Sequence[Range]:
    """The satisfiable ranges of a ``Range`` header; empty: the header does not count (RFC 9110 14.2).

    So does one of many small ranges, or of ranges that together are more than there is: to send the whole
    costs less. Raises LookupError where all ranges are beyond the end.
    """
    unit, _, text = header.partition("=")
    asked = [_OPEN.fullmatch(part.strip()) for part in text.split(",")]
    if unit.strip().lower() != "bytes" or len(asked) > MAX_RANGES:
        return ()
    found = [_satisfied(one[1], one[2], size) if one else None for one in asked]
    if None in found:
        return ()
    every = [one for one in found if one]
    if not every:
        raise LookupError
    return every if len(every) == 1 or sum(one.length for one in every) <= size else ()


def _satisfied(first: str, last: str, size: int) -> Range | Literal[False] | None:
    """The part of one range that is there, False where nothing is; None for what is no range."""
    if not first:
        if not last:
            return None
        return int(last) > 0 and size > 0 and Range(max(0, size - int(last)), size - 1)
    if last and int(last) < int(first):
        return None
    return int(first) < size and Range(int(first), min(int(last) if last else size - 1, size - 1))


def _ordered(found: re.Match[str]) -> Range | None:
    first, last = int(found[1]), int(found[2])
    return Range(first, last) if first <= last else None

"""The version header: which of the versions that a client names is spoken (CDMI 5.13.2)."""

from __future__ import annotations

import re

_NAMED = re.compile(r"([0-9]{1,4}(?:\.[0-9]{1,4}){1,3})[a-z]?")

Version = tuple[int, ...]


def chosen(header: str, known: tuple[Version, ...]) -> str | None:
    """The highest version of a list that is known, in the client's spelling; None where there is none.

    >>> chosen("1.1, 1.5, 2.0", ((1, 1),))
    '1.1'
    >>> chosen("1.0.1h", ((1, 0, 1),))
    '1.0.1h'
    """
    spoken = {_padded(version) for version in known}
    found: list[tuple[Version, str]] = []
    for part in header.split(","):
        named = _NAMED.fullmatch(part.strip())
        if named is not None:
            version = _padded(tuple(int(number) for number in named[1].split(".")))
            if version in spoken:
                found.append((version, part.strip()))
    return max(found)[1] if found else None


def _padded(version: Version) -> Version:
    return (*version, 0, 0, 0)[:4]

"""A value as the sequence of its extents: changed in part, read in part."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import BinaryIO

from backends.values import BLOCK, ValueStore
from gateway.model import NotFound
from gateway.store.objects import Extent

__all__ = ["BLOCK", "Value", "cut", "joined", "merged", "spliced"]

_ZEROS = bytes(BLOCK)


class Replaced(NotFound):
    """A value has gone since its object was looked at: the object has been changed or removed.

    Whoever looks again sees what is there now.
    """


def spliced(parts: Sequence[Extent], new: Extent) -> Sequence[Extent]:
    """The extents after ``new`` has been written over them; what is before and behind it stays."""
    result = []
    for part in parts:
        if part.end <= new.start or part.start >= new.end:
            result.append(part)
            continue
        if part.start < new.start:
            result.append(Extent(part.start, new.start - part.start, part.key, part.offset))
        if part.end > new.end:
            cut = new.end - part.start
            result.append(Extent(new.end, part.length - cut, part.key, part.offset + cut))
    if new.length:
        result.append(new)
    return sorted(result, key=lambda part: part.start)


def merged(parts: Sequence[Extent]) -> Sequence[Extent]:
    """The same with one extent for those that follow one another in the value and in what is stored."""
    found: list[Extent] = []
    for part in parts:
        last = found[-1] if found else None
        if last and (last.end, last.key, last.offset + last.length) == (part.start, part.key, part.offset):
            found[-1] = Extent(last.start, last.length + part.length, last.key, last.offset)
        else:
            found.append(part)
    return found


def joined(values: Iterable[tuple[int, Sequence[Extent]]]) -> tuple[Sequence[Extent], int]:
    """(extents, size) of values, each a size and its extents, one after another."""
    parts: list[Extent] = []
    size = 0
    for length, extents in values:
        parts += [Extent(size + part.start, part.length, part.key, part.offset) for part in extents]
        size += length
    return parts, size


def cut(parts: Sequence[Extent], first: int, last: int) -> list[Extent]:
    """The extents of a part of a value, from ``first`` up to, without, ``last``."""
    found = []
    for part in parts:
        start, end = max(part.start, first), min(part.end, last)
        if start < end:
            found.append(Extent(start - first, end - start, part.key, part.offset + start - part.start))
    return found


class Value:
    """The bytes of an object as they were when it was opened, whatever happens to it meanwhile."""

    def __init__(self, store: ValueStore, parts: Sequence[Extent], size: int) -> None:
        self._store = store
        self._parts = parts
        self.size = size

    def stored_blocks(self) -> Iterator[bytes]:
        """What is stored of the value, without gaps, as ``packed`` has it. Raises Replaced, at any time."""
        for part in self._parts:  # one open file at a time: there may be thousands
            with _replaced():
                blocks = self._store.read(part.key, part.offset, part.length)
            yield from blocks

    def packed(self, key: str) -> Sequence[Extent]:
        """The extents of the same value where ``stored_blocks`` are one stored value."""
        parts: list[Extent] = []
        offset = 0
        for part in self._parts:
            if parts and parts[-1].end == part.start:
                last = parts.pop()
                parts.append(Extent(last.start, last.length + part.length, key, last.offset))
            else:
                parts.append(Extent(part.start, part.length, key, offset))
            offset += part.length
        return parts

    def file(self) -> BinaryIO | None:
        """The whole value as an open file, where it is one. Raises Replaced."""
        if len(self._parts) != 1:
            return None
        [part] = self._parts
        if part.start or part.offset or part.length != self.size:
            return None
        with _replaced():
            file = self._store.file(part.key)
        if file is not None and os.fstat(file.fileno()).st_size != self.size:
            file.close()  # what is stored is longer: the object has the beginning of it
            return None
        return file

    def blocks(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """A part of the value, all of it open already. Raises Replaced."""
        end = self.size if length is None else min(self.size, start + length)
        pieces: list[Iterable[bytes]] = []
        at = start
        for part in self._parts:
            first, last = max(part.start, at), min(part.end, end)
            if first >= last:
                continue
            if first > at:
                pieces.append(_zeros(first - at))
            with _replaced():
                pieces.append(self._store.read(part.key, part.offset + first - part.start, last - first))
            at = last
        if at < end:
            pieces.append(_zeros(end - at))
        return chain.from_iterable(pieces)


@contextmanager
def _replaced() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise Replaced(error.message) from error


def _zeros(number: int) -> Iterator[bytes]:
    while number > 0:
        yield _ZEROS[: min(number, BLOCK)]
        number -= BLOCK

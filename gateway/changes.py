"""Whether an SQLite file has changed, told without asking SQLite.

Beside the file lie two counters in memory that all its processes share: writes begun and writes ended. While
they are equal and stand still, what was read of the file holds. A process that is killed between the two
leaves them unequal: then everybody reads the file itself until the next write has ended.

Behind the two lie counters of parts of the file, for what is to hold while only other parts are written.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
from collections.abc import Callable, Sized
from typing import Any, TypeVar

log = logging.getLogger("gateway.changes")

T = TypeVar("T")

SUFFIX = "-changes"
_BEGUN, _ENDED = 0, 1
#: So many parts are told apart.
_PARTS = 4096
_SIZE = (2 + _PARTS) * struct.calcsize("Q")


class Changes:
    """The counters of the file at ``path``. Without room for them nothing is ever known to hold."""

    def __init__(self, path: str) -> None:
        self._counters: memoryview[int] | None = None
        try:
            file = os.open(path + SUFFIX, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(file, 0, _SIZE)
                self._counters = memoryview(mmap.mmap(file, _SIZE)).cast("Q")
            finally:
                os.close(file)
        except OSError as error:
            log.warning("%s is read anew for each request: no counters beside it: %s", path, error)

    def begin(self) -> int:
        """The ticket of a write. Call it with the write lock of the file held."""
        if self._counters is None:
            return 0
        ticket = self._counters[_BEGUN] = self._counters[_BEGUN] + 1
        return ticket

    def end(self, ticket: int) -> None:
        """The write is in the file, or undone; the lock may be somebody else's by now."""
        if self._counters is not None and self._counters[_ENDED] < ticket:
            self._counters[_ENDED] = ticket

    def mark(self, part: int) -> None:
        """A part is being written; between ``begin`` and ``end``, and before the write is in the file."""
        if self._counters is not None:
            self._counters[2 + part % _PARTS] += 1

    def part(self, part: int) -> int:
        """As long as this number comes back a part has not been written; others may share it."""
        return self._counters[2 + part % _PARTS] if self._counters is not None else 0

    def number(self) -> int | None:
        """As long as this number comes back nothing has changed; None while something may be changing."""
        counters = self._counters
        if counters is None:
            return None
        ended = counters[_ENDED]
        return ended if ended == counters[_BEGUN] else None


class Memory:
    """What was read of a file, for as long as the file has not changed; at most ``limit`` rows of it."""

    def __init__(self, changes: Changes, limit: int) -> None:
        self._changes = changes
        self._limit = limit
        self._held: tuple[int | None, dict[Any, Any]] = (None, {})
        self._rows = 0

    def recall(self, key: Any, read: Callable[[], T], weigh: Callable[[T], int] | None = None) -> T:
        """What ``read`` gives, from memory where that still holds. Whoever gets it must not change it.

        ``weigh`` says how many rows it counts as; one for each of its members without.
        """
        number = self._changes.number()
        if number is None:
            return read()
        held, entries = self._held
        if held != number:
            entries = {}
            self._held, self._rows = (number, entries), 0
        elif key in entries:
            known: T = entries[key]
            return known
        found = read()
        # A write that came in between has made the number another one.
        if self._changes.number() == number:
            self._keep(entries, key, found, weigh(found) if weigh is not None else _members(found))
        return found

    def _keep(self, entries: dict[Any, Any], key: Any, found: Any, rows: int) -> None:
        if rows > self._limit:
            return
        if self._rows + rows > self._limit:
            entries.clear()
            self._rows = 0
        entries[key] = found
        self._rows += rows


def _members(found: Any) -> int:
    return 1 + len(found) if isinstance(found, Sized) else 1

"""Numbers that several processes count into and each can read the sum of.

Counting must cost next to nothing, so each process adds to doubles in memory of its own. With a folder
that memory is a mapped file beside a list of what its numbers mean, so that every process can read it, also
after the one that counted has been killed.
"""

from __future__ import annotations

import fcntl
import json
import logging
import mmap
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

log = logging.getLogger("gateway.metrics")

Key = tuple[str, ...]
#: Where a process keeps the numbers of one key: the doubles and the index of the first.
Block = tuple["memoryview[float]", int]

_NUMBERS = 8192
_SEGMENT = 8 * _NUMBERS  # bytes; a multiple of every page size in use
_ENDED = "ended"


class Tally:
    """The numbers of this process, and the sums over all that share the folder. Hold ``lock`` to add."""

    def __init__(self, folder: Path | None = None) -> None:
        self.lock = Lock()
        self._folder = folder
        self._stem = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._segments: list[memoryview[float]] = []
        self._taken = _NUMBERS
        self._blocks: dict[Key, tuple[Block, int]] = {}

    def block(self, key: Key, size: int) -> Block:
        """The ``size`` numbers of a key, all zero at first. Never raises for want of disk space."""
        with self.lock:
            known = self._blocks.get(key)
            if known is None:
                if self._taken + size > _NUMBERS:
                    self._segments.append(self._segment(len(self._segments)))
                    self._taken = 0
                known = ((self._segments[-1], self._taken), size)
                self._taken += size
                self._blocks[key] = known
                self._publish(key, known)
            return known[0]

    def sums(self) -> dict[Key, list[float]]:
        """The numbers of every key, added up over all processes."""
        if self._folder is None:
            return {key: list(view[at : at + size]) for key, ((view, at), size) in self._blocks.items()}
        with _locked(self._folder, fcntl.LOCK_SH):
            return _added_up(_unmoved(self._folder))

    def _segment(self, number: int) -> memoryview[float]:
        """Memory for more numbers; only of this process where the disk has no room for a file."""
        if self._folder is not None:
            try:
                file = os.open(self._folder / f"{self._stem}.numbers", os.O_RDWR | os.O_CREAT, 0o600)
                try:
                    # Without the room set aside a full disk would end the process at the first addition.
                    os.posix_fallocate(file, number * _SEGMENT, _SEGMENT)
                    return memoryview(mmap.mmap(file, _SEGMENT, offset=number * _SEGMENT)).cast("d")
                finally:
                    os.close(file)
            except OSError as error:
                log.error("what is counted from now on stays in this process: %s", error)
        return memoryview(mmap.mmap(-1, _SEGMENT)).cast("d")

    def _publish(self, key: Key, known: tuple[Block, int]) -> None:
        if self._folder is None:
            return
        (_, at), size = known
        line = json.dumps([(len(self._segments) - 1) * _NUMBERS + at, size, *key]) + "\n"
        try:
            with (self._folder / f"{self._stem}.keys").open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            log.error("what is counted as %s stays in this process: %s", key, error)


def process_ended(folder: Path, pid: int, *, forget: str) -> None:
    """Move the numbers of a process that is gone to those of all ended ones; keys of ``forget`` vanish.

    Without this the folder would grow by a file for each worker there has ever been. Those of processes
    whose move has failed before are moved along. Raises OSError, for example on a full disk; no number is
    lost then and none counts twice: the list of what was moved changes in one step with the sums.
    """
    with _locked(folder, fcntl.LOCK_EX):
        moved = [stem for stem in _moved(folder) if not _removed(folder, stem)]
        files = _unmoved(folder)
        gone = [file for file in files if file.stem != _ENDED and _is_gone(file, pid)]
        sums = _added_up([file for file in files if file in gone or file.stem == _ENDED])
        kept = [[numbers, *key] for key, numbers in sums.items() if key[0] != forget]
        stems = [file.stem for file in gone]
        _replace(folder, [[*moved, *stems], *kept])
        for stem in stems:
            _removed(folder, stem)


def _is_gone(keys: Path, pid: int) -> bool:
    """Whether the file is of the process that is told to be gone, or of any other that is not there."""
    owner = int(keys.stem.partition("-")[0])
    if owner == pid:
        return True
    try:
        os.kill(owner, 0)
    except (ProcessLookupError, PermissionError):  # with the second its number is that of somebody else's now
        return True
    return False


def _replace(folder: Path, lines: list[Any]) -> None:
    """Write the file of all ended processes anew, whole or not at all. Raises OSError."""
    fresh = folder / f"{_ENDED}.new"
    try:
        fresh.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
        fresh.replace(folder / f"{_ENDED}.keys")
    except OSError:
        fresh.unlink(missing_ok=True)  # a full disk needs the room
        raise


def _removed(folder: Path, stem: str) -> bool:
    """Remove what is left of a process whose numbers have been moved; False if it cannot be done now."""
    try:
        for suffix in (".keys", ".numbers"):
            (folder / f"{stem}{suffix}").unlink(missing_ok=True)
    except OSError as error:
        log.warning("what was counted by a process that has ended stays on disk: %s", error)
        return False
    return True


def _moved(folder: Path) -> list[str]:
    """Stems of the files that may still be there although their numbers are among those of ended ones."""
    ended = folder / f"{_ENDED}.keys"
    if not ended.exists():
        return []
    stems: list[str] = json.loads(ended.read_text(encoding="utf-8").partition("\n")[0])
    return stems


def _unmoved(folder: Path) -> list[Path]:
    """The lists of keys that count, each number once."""
    moved = frozenset(_moved(folder))
    return sorted(file for file in folder.glob("*.keys") if file.stem not in moved)


def _added_up(files: list[Path]) -> dict[Key, list[float]]:
    total: dict[Key, list[float]] = {}
    for file in files:
        for key, numbers in _numbers_of(file):
            known = total.get(key)
            total[key] = numbers if known is None else [a + b for a, b in zip(known, numbers, strict=True)]
    return total


def _numbers_of(keys: Path) -> Iterator[tuple[Key, list[float]]]:
    """(key, numbers) of one process, or of all ended ones, whose lines hold the numbers themselves.

    The first line of the ended ones is what ``_moved`` reads.
    """
    lines = [
        json.loads(line)
        for line in keys.read_text(encoding="utf-8").splitlines(keepends=True)
        if line.endswith("\n")
    ]
    if keys.stem == _ENDED:
        for numbers, *key in lines[1:]:
            yield tuple(key), numbers
        return
    try:
        content = keys.with_suffix(".numbers").read_bytes()
    except FileNotFoundError:  # its disk had no room
        return
    doubles = memoryview(content).cast("d")
    for at, size, *key in lines:
        if at + size <= len(doubles):
            yield tuple(key), list(doubles[at : at + size])


@contextmanager
def _locked(folder: Path, mode: int) -> Iterator[None]:
    """Nobody reads while an ended process's numbers move from one file to another."""
    file = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, mode)
        yield
    finally:
        os.close(file)

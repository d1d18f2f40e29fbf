"""Values as files of one local directory.

``<directory>/ab/<key>`` holds the value, ``ab`` being the first two digits of its key. A value is written to
``<directory>/writing/<key>``, brought to the disk, renamed, and the rename brought to the disk.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self

from gateway.model import BackendError, BackendUnavailable, InvalidRequest, NotFound

from .base import BLOCK, Stored, ValueStore

_KEY = re.compile("[0-9a-f]{32}")
_WRITING = "writing"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DirectoryStore(ValueStore):
    """All values under one path, which is made where it is not there."""

    def __init__(self, path: str | Path) -> None:
        self._root = Path(path).absolute()
        with _translated(f"object store {self._root}"):
            self._root.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in (_WRITING, *(f"{number:02x}" for number in range(256))):
                (self._root / name).mkdir(exist_ok=True, mode=0o700)
            _sync(self._root)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, data: str) -> Self:
        for name in options:
            if name != "path":
                raise InvalidRequest("unknown key; known: path", field=name)
        path = options.get("path", "objects")
        if not isinstance(path, str) or not path or "\0" in path:
            raise InvalidRequest("a path, relative to the data folder or absolute", field="path")
        return cls(Path(data) / path)

    def write(self, blocks: Iterable[bytes]) -> Stored:
        key = secrets.token_hex(16)
        draft, place = self._root / _WRITING / key, self._place(key)
        size = 0
        with _translated("object store"):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            for block in blocks:
                with _translated("object store"):
                    _write_all(descriptor, block)
                size += len(block)
            with _translated("object store"):
                os.fsync(descriptor)
                os.rename(draft, place)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        finally:
            os.close(descriptor)
        with _translated("object store"):
            _sync(place.parent)
        return Stored(key, size)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        return _blocks(self.file(key), start, length)

    def file(self, key: str) -> BinaryIO:
        place = self._known(key)
        with _translated("object store"):
            try:
                return place.open("rb", buffering=0)
            except FileNotFoundError:
                raise NotFound(f"no value {key}") from None

    def delete(self, key: str) -> None:
        if _KEY.fullmatch(key) is not None:
            with _translated("object store"), suppress(FileNotFoundError):
                os.unlink(self._place(key))

    def keys(self, before: datetime) -> Iterator[str]:
        limit = before.timestamp()
        for number in range(256):
            for entry in _entries(self._root / f"{number:02x}", limit):
                if _KEY.fullmatch(entry.name) is not None:
                    yield entry.name

    def sweep(self, before: datetime) -> int:
        swept = 0
        for entry in _entries(self._root / _WRITING, before.timestamp()):
            with suppress(FileNotFoundError):
                os.unlink(entry.path)
                swept += 1
        return swept

    def check(self) -> None:
        if not os.access(self._root / _WRITING, os.W_OK | os.X_OK):
            raise BackendUnavailable(f"object store: {self._root} cannot be written")

    def _place(self, key: str) -> Path:
        return self._root / key[:2] / key

    def _known(self, key: str) -> Path:
        """Where a key's value is. Raises NotFound for what is no key: it never becomes part of a path."""
        if _KEY.fullmatch(key) is None:
            raise NotFound("no such value")
        return self._place(key)


def _blocks(file: BinaryIO, start: int, length: int | None) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while length is None or length > 0:
            with _translated("object store"):
                block = file.read(BLOCK if length is None else min(BLOCK, length))
            if not block:
                return
            if length is not None:
                length -= len(block)
            yield block


def _entries(folder: Path, limit: float) -> Iterator[os.DirEntry[str]]:
    """Files last written before a time."""
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                if entry.stat(follow_symlinks=False).st_mtime < limit:
                    yield entry


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync(folder: Path) -> None:
    """Bring what is in a folder, not what is in its files, to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise BackendError(f"{what}: no space left", reason="no_space") from error
        raise BackendUnavailable(f"{what}: {error.strerror}") from error

"""The interface of an object value store: bytes under keys that the store makes itself.

A value is written once, whole, and never changes; whoever changes an object writes a new value. So a reader
never sees half of anything, a copy costs nothing, and no name that a client chose ever reaches a driver.

Every method may be called from several threads and processes at once. Errors are those of
``gateway.model``: NotFound, BackendUnavailable, BackendError (reason ``no_space`` where there is no room).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, BinaryIO, Self

#: Bytes in which values are read and written at a time.
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that is in the store for good."""

    key: str
    size: int  # bytes


class ValueStore(ABC):
    """Values by key. A driver is an entry point of group ``stratusgate.values``."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: Mapping[str, Any], *, data: str) -> Self:
        """The store of a table of the configuration; ``data`` is the gateway's own folder.

        Raises InvalidRequest naming an option (``field``) that is wrong.
        """

    @abstractmethod
    def write(self, blocks: Iterable[bytes]) -> Stored:
        """Keep the bytes of all blocks; when this returns they survive a power cut.

        What ``blocks`` raises is passed on, and nothing is left. Never holds more than a few blocks.
        """

    @abstractmethod
    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from ``start`` on, ``length`` of them or all, in blocks; fewer where the value ends.

        Raises NotFound before the first block.
        """

    def file(self, key: str) -> BinaryIO | None:
        """The value as an open file at its beginning, where the operating system has it as one.

        Raises NotFound.
        """
        return None

    @abstractmethod
    def delete(self, key: str) -> None:
        """Forget a value; a key that is not there is no error. Readers that have begun may go on or fail."""

    @abstractmethod
    def keys(self, before: datetime) -> Iterator[str]:
        """Keys of the values that were complete before a time (aware), in any order."""

    def sweep(self, before: datetime) -> int:
        """Remove what writes that were broken off before a time have left; how many."""
        return 0

    @abstractmethod
    def check(self) -> None:
        """Raises BackendUnavailable where the store cannot be used now."""

    def close(self) -> None:  # noqa: B027 - most stores have nothing to give back
        """Give back connections; the store is not used any more."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

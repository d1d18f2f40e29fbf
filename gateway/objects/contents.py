"""A value before an object has it: in which parts, how long, hashed with what, text or not."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backends.values import Stored
from gateway.model import Encoding, InvalidRequest
from gateway.objects.names import Place
from gateway.objects.values import Value
from gateway.policy.system import HASHES
from gateway.store.objects import Extent

#: A value in more parts than this is written anew: each costs a reader an open file.
MAX_EXTENTS = 64
#: Bytes of a value, gaps included.
MAX_SIZE = 1 << 44
#: Longer values are no text whatever they hold: no JSON carries them, and to look would take long.
MAX_TEXT = 32 << 20
#: So many bytes of a value that is hashed are read again when a part of it is written.
MAX_HASHED = 1 << 30


@dataclass(frozen=True, slots=True)
class Content:
    """A value before an object has it."""

    parts: Sequence[Extent]
    size: int
    digest: str | None = None
    #: What is new in the value store; of the others some object has them already.
    stored: Stored | None = None


#: Where a part of a value begins, None: behind the one before it; and its bytes.
Piece = tuple[int | None, Iterable[bytes]]


class Hasher:
    """Hashes a value on its way, where that is wished."""

    def __init__(self, algorithm: str | None) -> None:
        self.algorithm = algorithm or ""
        self._hash = hashlib.new(HASHES[algorithm]) if algorithm else None

    def passed(self, blocks: Iterable[bytes]) -> Iterable[bytes]:
        if self._hash is None:
            return blocks
        return self._hashed(self._hash, blocks)

    @staticmethod
    def _hashed(hash: Any, blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            hash.update(block)
            yield block

    def digest(self) -> str | None:
        return f"{self.algorithm}:{self._hash.hexdigest().upper()}" if self._hash is not None else None

    def of(self, value: Value) -> str | None:
        """The digest of a value that is stored."""
        if self._hash is not None:
            for _ in self.passed(value.blocks()):
                pass
        return self.digest()


def stored_pieces(
    pieces: Iterable[Piece], placed: list[tuple[int, int, int]], place: Place
) -> Iterator[bytes]:
    """The bytes of pieces one behind the other; ``placed`` tells where each has been put."""
    at = offset = 0
    for start, blocks in pieces:
        begun = at = at if start is None else start
        for block in blocks:
            at += len(block)
            if at > MAX_SIZE:
                raise InvalidRequest(f"{place}: more than {MAX_SIZE} bytes", reason="too_large")
            yield block
        if at > begun:
            placed.append((begun, at - begun, offset))
        offset += at - begun


def require_size(content: Content, place: Place) -> None:
    """Raises InvalidRequest for a value that is too long."""
    if content.size > MAX_SIZE:
        raise InvalidRequest(f"{place}: more than {MAX_SIZE} bytes", reason="too_large")


def encoding_of(blocks: Iterator[bytes]) -> Encoding:
    """``utf-8`` for what is valid UTF-8, else ``base64``."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in blocks:
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return Encoding.BASE64
    return Encoding.UTF_8

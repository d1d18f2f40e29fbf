"""What a writer hands to the HTTP layer, and the two ways in which an answer cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

#: Bytes of one header value that every client met can take (http.client refuses 64 KiB).
MAX_HEADER = 60 * 1024


@dataclass(frozen=True, slots=True)
class Rendered:
    """Headers (latin-1 strings as WSGI wants them, Content-Type first) and body of an answer.

    A body that is an iterator yields blocks of 16 to 64 KiB and can be consumed once.
    """

    headers: tuple[tuple[str, str], ...]
    body: bytes | Iterator[bytes]


class RenderingError(ValueError):
    """The answer exists but not in the media type asked for; ``str()`` names the way out."""


class HeaderTooLarge(RenderingError):
    """A text/occi header would pass 60 KiB: 413 (never truncate)."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(
            f"header {name} would take {size} bytes, more than {MAX_HEADER}; ask for Accept: text/plain"
        )


class NotAListing(RenderingError):
    """text/uri-list was asked for something that is not a list of entities: 400 (GFD.185 section 3.6.6)."""

    def __init__(self) -> None:
        super().__init__("text/uri-list shows lists of entities only; ask for Accept: text/plain")


def as_body(blocks: Iterator[bytes]) -> bytes | Iterator[bytes]:
    """One block or none as plain bytes, so that short answers get a Content-Length; else the iterator."""
    first = next(blocks, b"")
    second = next(blocks, None)
    return first if second is None else chain((first, second), blocks)

"""Bodies of several parts (RFC 2046, 5.1): read and written in blocks, never whole."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from email.message import Message

_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_MAX_HEADERS = 16384

Headers = Mapping[str, str]  # names in lower case
Part = tuple[Headers, Iterator[bytes]]


class MultipartError(ValueError):
    """The body is not made of parts as it says; the message says where."""


def boundary_of(content_type: str) -> bytes | None:
    """The boundary that a ``Content-Type`` names; None where it names none. Raises MultipartError."""
    message = Message()
    message["content-type"] = content_type
    given = message.get_param("boundary")
    if given is None:
        return None
    boundary = str(given).encode("latin-1", "replace")
    if _BOUNDARY.fullmatch(boundary) is None:
        raise MultipartError("Content-Type: the boundary is none")
    return boundary


def parts(blocks: Iterable[bytes], boundary: bytes | None) -> Iterator[Part]:
    """Each part's headers and content; the content is read before the next part, or skipped.

    Without a boundary the first line that begins with two dashes tells it: there are clients that put all
    headers into the body. Raises MultipartError, also while a content is read.
    """
    stream = _Stream(blocks)
    if boundary is None:
        boundary = stream.first_boundary()
    delimiter = b"\r\n--" + boundary
    _skip(stream.until(delimiter))
    while not stream.ends():
        _skip(stream.until(b"\r\n"))
        headers = _headers(stream)
        content = stream.until(delimiter)
        yield headers, content
        _skip(content)


def _skip(content: Iterator[bytes]) -> None:
    for _ in content:
        pass


def _headers(stream: _Stream) -> Headers:
    """The header fields of a part; a folded line goes with the one before it."""
    block = b""
    if not stream.takes(b"\r\n"):
        for piece in stream.until(b"\r\n\r\n"):
            block += piece
            if len(block) > _MAX_HEADERS:
                raise MultipartError(f"a part has more than {_MAX_HEADERS} bytes of headers")
    found: dict[str, str] = {}
    for line in re.sub(rb"\r\n[ \t]+", b" ", block).split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if line and not colon:
            raise MultipartError("a part has a line among its headers that is none")
        if name:
            found[name.strip().lower().decode("latin-1")] = _text(value.strip())
    return found


def _text(value: bytes) -> str:
    """Browsers send names of files in UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


class _Stream:
    """Blocks of bytes, taken in pieces that end where they are to."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._buffer = bytearray(b"\r\n")  # a delimiter may stand at the very beginning

    def _more(self) -> None:
        block = next(self._blocks, b"")
        while block == b"":
            block = next(self._blocks, None)  # type: ignore[assignment]  # None ends it
            if block is None:
                raise MultipartError("the body ends before its last part does")
        self._buffer += block

    def until(self, mark: bytes) -> Iterator[bytes]:
        """What comes before a mark; the mark is taken too."""
        buffer = self._buffer
        while True:
            at = buffer.find(mark)
            if at >= 0:
                found = bytes(buffer[:at])
                del buffer[: at + len(mark)]
                if found:
                    yield found
                return
            sure = len(buffer) - len(mark) + 1
            if sure > 0:
                found = bytes(buffer[:sure])
                del buffer[:sure]
                yield found
            self._more()

    def takes(self, text: bytes) -> bool:
        """Whether a text comes next; it is taken then."""
        while len(self._buffer) < len(text):
            self._more()
        if not self._buffer.startswith(text):
            return False
        del self._buffer[: len(text)]
        return True

    def ends(self) -> bool:
        """Whether the delimiter just taken was the last one."""
        return self.takes(b"--")

    def first_boundary(self) -> bytes:
        while True:
            found = re.search(rb"\r?\n--([^\r\n]{1,70})\r\n", self._buffer)
            if found is not None:
                return found[1]
            if len(self._buffer) > _MAX_HEADERS:
                raise MultipartError("Content-Type: boundary is missing")
            self._more()


def new_boundary() -> str:
    return secrets.token_hex(16)


def written(boundary: str, every: Iterable[tuple[Mapping[str, str], Iterable[bytes]]]) -> Iterator[bytes]:
    """Parts as one body."""
    mark = b"--" + boundary.encode()
    for headers, content in every:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        yield mark + b"\r\n" + lines.encode("latin-1") + b"\r\n"
        yield from content
        yield b"\r\n"
    yield mark + b"--\r\n"


def parameters(header: str) -> Mapping[str, str]:
    """The parameters of a header field such as ``form-data; name="a"; filename="b"``."""
    message = Message()
    message["content-disposition"] = header
    found = message.get_params(header="content-disposition") or []
    return {name.lower(): value for name, value in found if isinstance(value, str)}

"""HTTP as bytes over a socket: nothing stands between a test and what a client really sends."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

SECONDS = 30


class Closed(Exception):
    """The server has closed the connection before a whole answer came."""


@dataclass(frozen=True)
class Reply:
    """One answer; header fields in the order in which they came."""

    status: int
    fields: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The field as most clients see it: repeated ones joined with a comma and a blank."""
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def media_type(self) -> str:
        return (self.header("Content-Type") or "").partition(";")[0].strip()


class Wire:
    """One connection; requests go out as they are written."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._input = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self._input.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def half_close(self) -> None:
        """Say that no more will come."""
        self._socket.shutdown(socket.SHUT_WR)

    def receive(self, *, head: bool = False) -> Reply:
        """The next answer; ``head`` if the request was a HEAD. Raises Closed."""
        status = self._line()
        fields = []
        while line := self._line():
            name, _, value = line.partition(":")
            fields.append((name, value.strip()))
        reply = Reply(int(status.split()[1]), fields, b"")
        if head or reply.status in (204, 304):
            return reply
        return Reply(reply.status, fields, self._body(reply))

    def _line(self) -> str:
        try:
            line = self._input.readline()
        except ConnectionResetError:
            line = b""
        if not line.endswith(b"\n"):
            raise Closed(line)
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    def _body(self, reply: Reply) -> bytes:
        if reply.header("Transfer-Encoding") == "chunked":
            blocks = []
            while size := int(self._line(), 16):
                blocks.append(self._input.read(size))
                self._line()
            self._line()
            return b"".join(blocks)
        length = reply.header("Content-Length")
        return self._input.read() if length is None else self._input.read(int(length))

    def closed(self) -> bool:
        """Whether the server closes the connection without another word."""
        try:
            return self._input.read(1) == b""
        except ConnectionResetError:
            return True


def request(method: str, path: str, fields: Iterable[tuple[str, str]] = (), body: bytes = b"") -> bytes:
    """The bytes of a request; Content-Length is added where there is a body and none is given."""
    fields = list(fields)
    names = {name.lower() for name, _ in fields}
    if body and not names & {"content-length", "transfer-encoding"}:
        fields.append(("Content-Length", str(len(body))))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def once(port: int, data: bytes, *, head: bool = False) -> Reply:
    """Send on a connection of its own; the answer."""
    with Wire(port) as wire:
        wire.send(data)
        return wire.receive(head=head)

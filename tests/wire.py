"""A connection that breaks when a test wants it to: a proxy of TCP connections on loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Self


class Wire:
    """Passes everything on to a port of this machine and cuts what a test has told it to cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.cuts = 0
        self._lock = threading.Lock()
        self._left = {"up": 0, "down": 0}
        self._after = {"up": 0, "down": 0}
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, direction: str, after: int, times: int = 1) -> None:
        """Break a connection once so many bytes have passed it ``up`` to the server or ``down`` from it."""
        self._after[direction], self._left[direction] = after, times

    def _accept(self) -> None:
        with suppress(OSError):  # the listener is closed: the test is over
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target))
                for direction, source, sink in (("up", near, far), ("down", far, near)):
                    threading.Thread(target=self._pass, args=(direction, source, sink), daemon=True).start()

    def _pass(self, direction: str, source: socket.socket, sink: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
                passed += len(data)
                if self._is_to_be_cut(direction, passed):
                    break
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _is_to_be_cut(self, direction: str, passed: int) -> bool:
        with self._lock:
            if not self._left[direction] or passed < self._after[direction]:
                return False
            self._left[direction] -= 1
            self.cuts += 1
            return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

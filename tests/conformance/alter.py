"""How a defect is put before an OCCI application: a behaviour that sees both sides of an exchange."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication

from conformance.exchange import Header
from conformance.occi.text import split_values


@dataclass(frozen=True)
class Ask:
    """A request on its way to the application."""

    environ: Mapping[str, Any]
    body: bytes

    @property
    def method(self) -> str:
        return str(self.environ["REQUEST_METHOD"])

    @property
    def path(self) -> str:
        return str(self.environ["PATH_INFO"])

    @property
    def query(self) -> str:
        return str(self.environ["QUERY_STRING"])

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        return str(self.environ.get(_key(name), ""))

    def to(self, method: str = "", path: str = "", query: str | None = None) -> Ask:
        """The same request to another place."""
        changes = {"REQUEST_METHOD": method or self.method, "PATH_INFO": path or self.path}
        changes["QUERY_STRING"] = self.query if query is None else query
        raw = changes["PATH_INFO"] + (f"?{changes['QUERY_STRING']}" if changes["QUERY_STRING"] else "")
        return replace(self, environ={**self.environ, **changes, "RAW_URI": raw})

    def having(self, name: str, value: str) -> Ask:
        return replace(self, environ={**self.environ, _key(name): value})

    def without(self, name: str) -> Ask:
        return replace(self, environ={key: item for key, item in self.environ.items() if key != _key(name)})

    def saying(self, body: str) -> Ask:
        raw = body.encode()
        return replace(self, body=raw).having("Content-Length", str(len(raw)))

    def bare(self, method: str, path: str, query: str = "") -> Ask:
        """A request of the same client without body and OCCI headers, answered in text/plain."""
        kept = {
            key: item
            for key, item in self.environ.items()
            if not key.startswith(("HTTP_X_OCCI", "HTTP_CATEGORY"))
        }
        ask = Ask(kept, b"").to(method, path, query).without("Content-Type").having("Accept", "text/plain")
        return ask.having("Content-Length", "0")


@dataclass(frozen=True)
class Answer:
    """What the application answers."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = field(default=b"")

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def media_type(self) -> str:
        return self.header("Content-Type").partition(";")[0].strip()

    def having(self, name: str, *values: str) -> Answer:
        """The header with these values, in its old place; without any it is gone."""
        return replace(
            self.without(name), headers=(*self.without(name).headers, *((name, value) for value in values))
        )

    def without(self, name: str) -> Answer:
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() != name.lower()))

    def saying(self, body: str) -> Answer:
        raw = body.encode()
        return replace(self, body=raw).having("Content-Length", str(len(raw)))

    def lines(self, change: Callable[[str], str | None]) -> Answer:
        """Each line of a text/plain body changed; those for which the change answers None are dropped."""
        if self.media_type != "text/plain":
            return self
        kept = [new for line in self.text.splitlines() if (new := change(line)) is not None]
        return self.saying("".join(line + "\n" for line in kept))

    def values(self, structure: str, change: Callable[[str], str | None]) -> Answer:
        """Each value of a structure changed or dropped, in text/plain and in text/occi."""
        if self.media_type == "text/occi" and self.header(structure):
            members = [
                new for value in split_values(self.header(structure)) if (new := change(value)) is not None
            ]
            return self.having(structure, ", ".join(members)) if members else self.without(structure)

        def line(text: str) -> str | None:
            name, _, value = text.partition(": ")
            if name.lower() != structure.lower():
                return text
            new = change(value)
            return None if new is None else f"{name}: {new}"

        return self.lines(line)

    def document(self, change: Callable[[Any], Any]) -> Answer:
        """A JSON body changed."""
        return self.saying(json.dumps(change(json.loads(self.text)))) if "json" in self.media_type else self


Call = Callable[[Ask], Answer]
Behaviour = Callable[[Ask, Call], Answer]


def _key(name: str) -> str:
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


def _call(application: WSGIApplication, ask: Ask) -> Answer:
    caught: dict[str, Any] = {}

    def start_response(status: str, headers: list[Header], exc_info: object = None) -> Any:
        caught["status"], caught["headers"] = int(status[:3]), tuple(headers)
        return io.BytesIO().write

    environ = {**ask.environ, "wsgi.input": io.BytesIO(ask.body)}
    result: Iterable[bytes] = application(environ, start_response)
    try:
        body = b"".join(result)
    finally:
        close = getattr(result, "close", None)
        if close:
            close()
    return Answer(caught["status"], caught["headers"], body)


def broken(application: WSGIApplication, behaviour: Behaviour) -> WSGIApplication:
    """The application with the behaviour in front of it."""

    def wrapped(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        answer = behaviour(Ask(environ, body), lambda ask: _call(application, ask))
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers))
        return [answer.body]

    return wrapped


def plain(status: int, text: str) -> Answer:
    """A short text/plain answer that claims OCCI."""
    headers = (("Content-Type", "text/plain"), ("Server", "broken OCCI/1.1 OCCI/1.2"))
    return Answer(status, headers).saying(f"{text}\n")


@dataclass(frozen=True, slots=True)
class Defect:
    """A behaviour, the check that must catch it, and those that fail with it as they speak of the same."""

    behaviour: Callable[[], Behaviour]
    caught_by: str
    also: frozenset[str]


class Defects:
    """A table of defects by name, filled by decorators."""

    def __init__(self) -> None:
        self.table: dict[str, Defect] = {}

    def defect(self, caught_by: str, *also: str) -> Callable[[Behaviour], Behaviour]:
        """Register a behaviour without memory under the name of the function, blanks for underscores."""

        def register(behaviour: Behaviour) -> Behaviour:
            name = behaviour.__name__.replace("_", " ")
            self.table[name] = Defect(lambda: behaviour, caught_by, frozenset(also))
            return behaviour

        return register

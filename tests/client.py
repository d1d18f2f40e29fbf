"""A WSGI client for tests: one call, one answer, nothing in between that could help the server."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import setup_testing_defaults

BASE = "http://gw.example:8787"

OGF = "http://schemas.ogf.org/occi"
COMPUTE = f'compute; scheme="{OGF}/infrastructure#"; class="kind"'
STORAGE = f'storage; scheme="{OGF}/infrastructure#"; class="kind"'
NETWORK = f'network; scheme="{OGF}/infrastructure#"; class="kind"'
STORAGELINK = f'storagelink; scheme="{OGF}/infrastructure#"; class="kind"'
NETWORKINTERFACE = f'networkinterface; scheme="{OGF}/infrastructure#"; class="kind"'


def action(kind: str, term: str) -> str:
    return f'{term}; scheme="{OGF}/infrastructure/{kind}/action#"; class="action"'


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def path(self) -> str:
        """The path of the Location header."""
        return self.headers["location"].removeprefix(BASE)

    def values(self, name: str) -> list[str]:
        """The values of a structure in a text/plain body."""
        return [line.split(": ", 1)[1] for line in self.lines if line.lower().startswith(f"{name.lower()}:")]

    @property
    def attributes(self) -> dict[str, str]:
        return dict(value.split("=", 1) for value in self.values("X-OCCI-Attribute"))


class Client:
    """Speaks to a WSGI application as one user."""

    def __init__(self, application: Any, user: str = "admin", password: str = "secret") -> None:
        self.application = application
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self.headers = {"Authorization": f"Basic {token}"} if user else {}

    def request(
        self,
        method: str,
        path: str,
        body: bytes | str = b"",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> Answer:
        """``extra`` is what a server puts into the environment besides."""
        if isinstance(body, str):
            body = body.encode()
        path, _, query = path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "HTTP_HOST": "gw.example:8787",
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.input": io.BytesIO(body),
        }
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        for name, value in {**self.headers, **dict(headers)}.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        setup_testing_defaults(environ)
        environ |= extra or {}
        return self._run(environ)

    def _run(self, environ: dict[str, Any]) -> Answer:
        told: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            told[:] = [status, headers]

        body = self.application(environ, start_response)
        try:
            content = b"".join(body)
        finally:
            if hasattr(body, "close"):
                body.close()
        status, headers = told
        return Answer(int(status[:3]), {name.lower(): value for name, value in headers}, content)

    def get(self, path: str, **headers: str) -> Answer:
        return self.request("GET", path, headers=_names(headers))

    def delete(self, path: str, body: bytes | str = b"", **headers: str) -> Answer:
        return self.request("DELETE", path, body, _names(headers))

    def post(self, path: str, *lines: str, **headers: str) -> Answer:
        """Lines of a text/plain body."""
        return self.request("POST", path, _body(lines), {"Content-Type": "text/plain", **_names(headers)})

    def put(self, path: str, *lines: str, **headers: str) -> Answer:
        return self.request("PUT", path, _body(lines), {"Content-Type": "text/plain", **_names(headers)})

    def create(
        self, category: str, *attributes: str, links: Iterable[str] = (), mixins: Iterable[str] = ()
    ) -> str:
        """Make an entity; its path."""
        lines = [f"Category: {category}", *(f"Category: {m}" for m in mixins)]
        lines += [f"X-OCCI-Attribute: {a}" for a in attributes]
        lines += [f"Link: {link}" for link in links]
        answer = self.post(f"/{category.split(';')[0]}/", *lines)
        assert answer.status == 201, answer.text
        return answer.path


def _body(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _names(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}

"""HTTP as a conformance suite needs it: exact headers out, exact headers back, every exchange recorded."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict

Header = tuple[str, str]
Headers = Sequence[Header]

SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "x-auth-token", "x-subject-token", "cookie"}
)
MASK = "***"


class TransportError(Exception):
    """No answer came: refused, reset, timed out, or not HTTP."""


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; headers in the order and number in which they came."""

    status: int
    reason: str
    headers: tuple[Header, ...]
    body: bytes

    def values(self, name: str) -> tuple[str, ...]:
        """Every field value of that name, not joined."""
        wanted = name.lower()
        return tuple(value for key, value in self.headers if key.lower() == wanted)

    def header(self, name: str) -> str:
        """The field values joined with comma and blank; empty when the header is absent."""
        return ", ".join(self.values(name))

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, in lower case."""
        return self.header("Content-Type").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The parsed body; raises ValueError."""
        return json.loads(self.body.decode("utf-8"))

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came back, secrets masked."""

    method: str
    url: str
    headers: tuple[Header, ...]
    body: bytes
    response: Response | None
    problem: str
    seconds: float


def masked(headers: Iterable[Header]) -> tuple[Header, ...]:
    return tuple((name, MASK if name.lower() in SECRET_HEADERS else value) for name, value in headers)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is sent with each request; at most one of the two is used by most endpoints, both may be sent."""

    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    @property
    def headers(self) -> tuple[Header, ...]:
        basic = b64encode(f"{self.user}:{self.password}".encode()).decode("ascii")
        pairs = (("Authorization", f"Basic {basic}" if self.user else ""), ("X-Auth-Token", self.token))
        return tuple(pair for pair in pairs if pair[1])


class Endpoint:
    """The server under test, as its base URL names it.

    `adapter` replaces the network, so that a WSGI application can be tested in the same process.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        timeout: float = 30.0,
        user_agent: str = "stratusgate-conformance",
        adapter: BaseAdapter | None = None,
        ca_file: str = "",
    ) -> None:
        """`url` without user information; `timeout` in seconds; `ca_file` holds the CAs to trust."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an http or https URL")
        if parts.username is not None:
            raise ValueError("the URL must not carry a password; use --user and --password-env")
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.base = parts.path.rstrip("/")
        self.credentials = credentials or Credentials()
        self.timeout = timeout
        self.user_agent = user_agent
        self.exchanges: list[Exchange] = []
        self._verify: bool | str = ca_file or True
        self._session = requests.Session()
        self._session.trust_env = False
        # A request is never sent twice: what it makes would be made twice.
        self._session.mount(f"{parts.scheme}://", adapter or HTTPAdapter(max_retries=0))

    @property
    def url(self) -> str:
        """The endpoint without trailing slash, as clients prefix it."""
        return self.origin + self.base

    def resolve(self, reference: str) -> str:
        """The absolute URL of a path or URL that the endpoint gave; a path may repeat the base path."""
        if "://" in reference:
            return reference
        if self.base and (reference + "/").startswith(self.base + "/"):
            return self.origin + reference
        return self.url + reference

    def path(self, reference: str) -> str:
        """The path below the endpoint of a URL or path; the reference itself when it lies elsewhere."""
        for prefix in (self.url, self.base) if self.base else (self.url,):
            if reference.startswith(prefix + "/"):
                return reference[len(prefix) :]
        return reference

    def owns(self, reference: str) -> bool:
        """Whether the reference is a path or a URL below this endpoint."""
        return "://" not in reference or reference.startswith(self.url + "/")

    def send(
        self,
        method: str,
        reference: str,
        headers: Headers = (),
        body: bytes = b"",
        *,
        anonymous: bool = False,
        credentials: Credentials | None = None,
    ) -> Response:
        """Send exactly these headers (repeated names stay repeated) and record the exchange.

        Raises TransportError when no answer comes; ValueError for a URL of another origin, which would be
        handed the credentials.
        """
        url = self.resolve(reference)
        if not (url + "/").startswith(self.origin + "/"):
            raise ValueError(f"{url[:80]!r} is not below {self.origin}")
        identity = () if anonymous else (credentials or self.credentials).headers
        sent = HTTPHeaderDict()
        for name, value in (*self._default_headers(headers), *headers, *identity):
            sent.add(name, value.encode("utf-8").decode("latin-1"))
        if body or method in ("POST", "PUT"):
            sent.add("Content-Length", str(len(body)))
        started = time.monotonic()
        try:
            response = self._exchange(method, url, sent, body)
        except (requests.RequestException, ValueError, OSError) as error:
            self._record(method, url, sent, body, None, str(error), started)
            raise TransportError(f"{method} {url}: {error}") from error
        self._record(method, url, sent, body, response, "", started)
        return response

    def _default_headers(self, headers: Headers) -> Headers:
        named = {name.lower() for name, _ in headers}
        defaults = (("User-Agent", self.user_agent), ("Accept-Encoding", "identity"))
        return [pair for pair in defaults if pair[0].lower() not in named]

    def _exchange(self, method: str, url: str, headers: HTTPHeaderDict, body: bytes) -> Response:
        request = requests.PreparedRequest()
        request.method = method
        request.url = url
        request.body = body or None
        # requests would fold repeated headers and add its own; urllib3 sends what stands in this multi-dict.
        request.headers = cast("requests.structures.CaseInsensitiveDict[str]", headers)
        request.hooks = requests.hooks.default_hooks()
        request._cookies = requests.cookies.RequestsCookieJar()  # type: ignore[attr-defined]  # untyped in stubs
        adapter = self._session.get_adapter(url)
        answer = adapter.send(request, timeout=self.timeout, stream=False, verify=self._verify)
        raw_headers = tuple((str(name), str(value)) for name, value in answer.raw.headers.items())
        return Response(answer.status_code, answer.reason or "", raw_headers, answer.content)

    def _record(
        self,
        method: str,
        url: str,
        headers: HTTPHeaderDict,
        body: bytes,
        response: Response | None,
        problem: str,
        started: float,
    ) -> None:
        shown = masked((str(name), str(value)) for name, value in headers.items())
        seconds = time.monotonic() - started
        if response is not None:
            response = Response(response.status, response.reason, masked(response.headers), response.body)
        self.exchanges.append(Exchange(method, url, shown, body, response, problem, seconds))

    def close(self) -> None:
        self._session.close()

"""What a protocol front end is to the gateway, and what the gateway hands to each.

A front end is an entry point of group ``stratusgate.frontends``: an object with the methods of
``Frontend``. It gets ``Services`` and gives back a WSGI application for its prefix.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from gateway.auth import Authenticator
from gateway.cloud import Cloud
from gateway.config import ConfigError, switch
from gateway.identity import Caller, Principal, RequestInfo
from gateway.model import InvalidRequest, NotAuthenticated
from gateway.store.generations import KEY as GENERATIONS

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

GROUP = "stratusgate.frontends"

#: Keys of the WSGI environment that the application and its front ends share.
REQUEST_ID = "stratusgate.request_id"
ROUTE = "stratusgate.route"  # the template of the matched path, for metrics
PRINCIPAL = "stratusgate.principal"
REASON = "stratusgate.reason"  # why a request was refused, for the log
ERROR = "stratusgate.error"  # the exception that refused it, for metrics

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


#: A version that is not "ff", a trace and a span that are not all zeros (W3C Trace Context 3.2).
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?"
)

#: Of failed sign-ins these are recorded: a password was tried, and there is a limit on how often.
_RECORDED = frozenset({"auth.fail", "auth.disabled"})

_NOBODY = Principal(subject="", user="", tenant="")
_ANYBODY = Principal(subject="anonymous:", user="", tenant="")


@dataclass(frozen=True, slots=True)
class Services:
    """What a front end works with."""

    cloud: Cloud
    authenticator: Authenticator
    version: str
    public_url: str = ""
    anonymous_model: bool = False
    max_body: int = 1 << 20
    prefix: str = ""
    #: Name of each front end that is served -> its prefix.
    homes: Mapping[str, str] = field(default_factory=dict)

    def caller(self, environ: dict[str, Any], protocol: str) -> Caller:
        """The authenticated caller of a request. Raises as ``Authenticator.authenticate``."""
        environ[GENERATIONS] = generations = self.cloud.generations()
        told = partial(_request_info, environ, protocol, time.perf_counter())
        try:
            principal = self.authenticator.authenticate(environ)
        except NotAuthenticated as error:
            if error.reason in _RECORDED:
                self.cloud.sign_in_failed(Caller(_NOBODY, told, generations), error.reason)
            raise
        environ[PRINCIPAL] = principal
        return Caller(principal, told, generations)

    def anonymous(self, environ: Mapping[str, Any], protocol: str) -> Caller:
        """Whoever asks without signing in, where that is enough."""
        told = partial(_request_info, environ, protocol, time.perf_counter())
        return Caller(_ANYBODY, told, environ.get(GENERATIONS))

    def base(self, environ: Mapping[str, Any]) -> tuple[str, str]:
        """(scheme and authority, path without a slash at the end) of every absolute link.

        Raises InvalidRequest for a ``Host`` that is none.
        """
        if self.public_url:
            return _parts(self.public_url, self.prefix)
        host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        return _authority(environ["wsgi.url_scheme"], host), self.prefix


@lru_cache(maxsize=256)
def _authority(scheme: str, host: str) -> str:
    if _HOST.fullmatch(host) is None:
        raise InvalidRequest("Host: not a host name with an optional port", field="Host")
    return f"{scheme}://{host}"


@lru_cache(maxsize=16)
def _parts(public_url: str, prefix: str) -> tuple[str, str]:
    parts = urlsplit(public_url)
    return f"{parts.scheme}://{parts.netloc}", parts.path + prefix


def _request_info(environ: Mapping[str, Any], protocol: str, begun: float) -> RequestInfo:
    trace = _TRACEPARENT.fullmatch(environ.get("HTTP_TRACEPARENT", ""))
    return RequestInfo(
        id=environ.get(REQUEST_ID, ""),
        protocol=protocol,
        method=environ["REQUEST_METHOD"],
        path=environ.get("SCRIPT_NAME", "") + environ["PATH_INFO"],
        client_ip=environ.get("REMOTE_ADDR", ""),
        forwarded_for=environ.get("HTTP_X_FORWARDED_FOR", ""),
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        trace_id=trace[1] if trace else "",
        parent_id=trace[2] if trace else "",
        begun=begun,
    )


class Frontend(Protocol):
    """One protocol. One that shows stored objects has ``needs_objects = True`` besides."""

    name: str
    title: str
    default_prefix: str
    #: Paths outside the prefix that belong to it.
    well_known: tuple[str, ...]

    def build(self, services: Services, options: Mapping[str, Any]) -> WSGIApplication:
        """The application. Raises InvalidRequest naming an option (``field``) that is wrong."""

    def server_tokens(self, cloud: Cloud) -> tuple[str, ...]:
        """Product tokens for the Server header."""


@dataclass(frozen=True, slots=True)
class Mounted:
    """A front end with its options split into the gateway's and its own."""

    frontend: Frontend
    prefix: str
    options: Mapping[str, Any]


def mounted(tables: Mapping[str, Mapping[str, Any]]) -> list[Mounted]:
    """The enabled front ends of a configuration. Raises ConfigError naming an unknown one."""
    known = {entry.name: entry for entry in entry_points(group=GROUP)}
    found = []
    for name, table in tables.items():
        if name not in known:
            raise ConfigError([f"frontends.{name}: no such front end; known: {', '.join(sorted(known))}"])
        options = dict(table)
        try:
            enabled = switch(options.pop("enabled", True))
        except ValueError as error:
            raise ConfigError([f"frontends.{name}.enabled: must be {error}"]) from None
        frontend: Frontend = known[name].load()
        prefix = str(options.pop("prefix", frontend.default_prefix)).rstrip("/")
        if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
            raise ConfigError([f"frontends.{name}.prefix: {prefix!r} is not a path such as /{name}"])
        if enabled:
            found.append(Mounted(frontend, prefix, options))
    return found

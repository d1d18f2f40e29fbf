"""What a protocol front end is to the gateway, and what the gateway hands to each.

A front end is an entry point of group ``stratusgate.frontends``: an object with the methods of
``Frontend``. It gets ``Services`` and gives back a WSGI application for its prefix.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

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

    def caller(self, environ: dict[str, Any], protocol: str) -> Caller:
        """The authenticated caller of a request. Raises as ``Authenticator.authenticate``."""
        begun = time.perf_counter()
        environ[GENERATIONS] = self.cloud.generations()
        try:
            principal = self.authenticator.authenticate(environ)
        except NotAuthenticated as error:
            if error.reason in _RECORDED:
                nobody = self.as_caller(environ, protocol, _NOBODY, begun)
                self.cloud.sign_in_failed(nobody, error.reason)
            raise
        environ[PRINCIPAL] = principal
        return self.as_caller(environ, protocol, principal, begun)

    def as_caller(
        self, environ: Mapping[str, Any], protocol: str, principal: Principal, begun: float | None = None
    ) -> Caller:
        told = partial(_request_info, environ, protocol, time.perf_counter() if begun is None else begun)
        return Caller(principal, told, environ.get(GENERATIONS))

    def base_url(self, environ: Mapping[str, Any]) -> str:
        """Scheme, authority and prefix of every absolute link, without a slash at the end.

        Raises InvalidRequest for a ``Host`` that is none.
        """
        if self.public_url:
            return self.public_url + self.prefix
        host = environ.get("HTTP_HOST") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        if _HOST.fullmatch(host) is None:
            raise InvalidRequest("Host: not a host name with an optional port", field="Host")
        return f"{environ['wsgi.url_scheme']}://{host}{self.prefix}"


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
    """One protocol."""

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

"""The WSGI application: what every request has in common, around the mounted front ends.

``build(config)`` gives a plain WSGI callable with no tie to the server that runs it.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from importlib.metadata import entry_points
from ipaddress import ip_address
from random import getrandbits
from typing import TYPE_CHECKING, Any, cast

from prometheus_client.core import GaugeMetricFamily, Metric

from backends.base import Backend
from backends.values import ValueStore
from gateway import afterwards
from gateway.auth import Authenticator, Basic
from gateway.catalogue import Defaults
from gateway.cloud import Cloud, CloudSettings
from gateway.config import Config, ConfigError, options_of
from gateway.frontends import ERROR, PRINCIPAL, REASON, REQUEST_ID, ROUTE, Mounted, Services, mounted
from gateway.gauges import quotas
from gateway.identity import Principal, Role
from gateway.logs import RequestLog, as_json
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.model import GatewayError, NotAuthenticated, TooManyRequests
from gateway.options import port_of
from gateway.policy.quota import Quotas
from gateway.policy.restricted import Restrictions
from gateway.store import Database, migrate
from gateway.store.users import Users
from gateway.version import version
from gateway.zones import Zones

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger("gateway")

BACKENDS = "stratusgate.backends"
VALUES = "stratusgate.values"

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Gateway:
    """Everything one configuration builds, without a server: library users start here."""

    def __init__(self, config: Config, *, metrics: Metrics | None = None) -> None:
        self.config = config
        self.version = version()
        self.metrics = metrics
        self.database = Database(config.store_url)
        self.values = self._values()
        self.users = Users(self.database)
        self.zones = Zones({name: _backend(name, table, config) for name, table in config.backends.items()})
        self.cloud = Cloud(
            self.database,
            self.zones,
            _settings(config),
            version=self.version,
            observer=metrics.backend_call if metrics else None,
            values=self.values,
            enterprise=config.get("objects", "enterprise"),
            copy_at_once=config.get("objects", "copy_at_once"),
            classes=config.storage_classes,
        )
        self.authenticator = Authenticator(
            [_MODES[name](self) for name in _known_methods(config.get("auth", "methods"))]
        )

    def _values(self) -> ValueStore | None:
        """Where the values of objects are kept, if a front end has any or the configuration speaks of it."""
        config = self.config
        needed = any(getattr(m.frontend, "needs_objects", False) for m in mounted(config.frontends))
        driver = config.get("objects", "driver")
        if not needed and not config.objects and "objects.driver" not in config.origin:
            return None
        made: ValueStore = _driver(VALUES, driver, "objects", config.objects, config)
        return made

    def services(self, mount: Mounted) -> Services:
        return Services(
            cloud=self.cloud,
            authenticator=self.authenticator,
            version=self.version,
            public_url=self.config.get("server", "public_url"),
            anonymous_model=self.config.get("auth", "anonymous_model"),
            max_body=self.config.get("server", "max_body"),
            prefix=mount.prefix,
            homes={one.frontend.name: one.prefix for one in mounted(self.config.frontends)},
        )


def _basic(gateway: Gateway) -> Basic:
    config = gateway.config
    return Basic(
        gateway.users,
        gateway.cloud.generations,
        realm=config.get("auth", "realm"),
        failures_per_minute=config.get("auth", "failures_per_minute"),
    )


_MODES: Mapping[str, Callable[[Gateway], Basic]] = {"basic": _basic}


def _known_methods(names: Sequence[str]) -> Sequence[str]:
    problems = [
        f"auth.methods: no mode {name!r}; known: {', '.join(_MODES)}" for name in names if name not in _MODES
    ]
    if problems:
        raise ConfigError(problems)
    return names


def _backend(zone: str, table: Mapping[str, Any], config: Config) -> Backend:
    options = dict(table)
    made: Backend = _driver(BACKENDS, options.pop("driver"), f"backends.{zone}", options, config)
    return made


def _driver(group: str, name: str, where: str, options: Mapping[str, Any], config: Config) -> Any:
    """What a driver makes of its options. Raises ConfigError: no such driver, what it needs, a bad option."""
    known = {entry.name: entry for entry in entry_points(group=group)}
    if name not in known:
        raise ConfigError([f"{where}.driver: no driver {name!r}; known: {', '.join(sorted(known))}"])
    try:
        driver = known[name].load()
    except ImportError as error:
        raise ConfigError([f"{where}.driver: {name} cannot be loaded: {error}"]) from error
    return options_of(partial(driver.from_options, data=str(config.data)), where, options)


def _settings(config: Config) -> CloudSettings:
    defaults = {key: config.get("defaults", key) for key in config.values["defaults"]}
    return CloudSettings(
        mode=0o777 & ~config.get("tenancy", "umask"),
        collection_delete=config.get("tenancy", "collection_delete") == "owner",
        defaults=Defaults(**defaults),
        quotas=Quotas(config.quotas),
        restrictions=Restrictions(config.restricted),
        instance_types=config.instance_types,
        audit_file=config.get("audit", "file"),
    )


class Application:
    """Request ids, mounting, health, metrics and the request log, in one WSGI callable."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.draining = False
        config = gateway.config
        self._metrics = gateway.metrics
        self._trusted = frozenset(config.get("server", "trusted_proxies"))
        self._log = RequestLog(
            as_json=as_json(config.get("log", "format")), enabled=config.get("log", "access")
        )
        self._mounts: list[tuple[str, str, WSGIApplication]] = []
        self._exact: dict[str, tuple[str, str, WSGIApplication]] = {}
        self.mounts = mounted(config.frontends)
        for mount in self.mounts:
            services = gateway.services(mount)
            application = options_of(
                partial(mount.frontend.build, services),
                f"frontends.{mount.frontend.name}",
                mount.options,
            )
            entry = (mount.prefix, mount.frontend.name, application)
            self._mounts.append(entry)
            self._exact |= dict.fromkeys(mount.frontend.well_known, ("", *entry[1:]))
        self._mounts.sort(key=lambda entry: -len(entry[0]))
        self._own: Mapping[str, Callable[[WSGIEnvironment], _Answer]] = {
            "/healthz": lambda environ: _text("200 OK", "ok"),
            "/readyz": self._readyz,
            "/startupz": self._startupz,
            "/metrics": self._metrics_page,
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun = time.perf_counter()
        request_id = environ.get("HTTP_X_REQUEST_ID")
        if request_id is None or _REQUEST_ID.fullmatch(request_id) is None:
            request_id = f"{getrandbits(128):032x}"
        environ[REQUEST_ID] = request_id
        if "HTTP_X_FORWARDED_FOR" in environ:
            environ["REMOTE_ADDR"] = _client_address(environ, self._trusted)
        path = environ["PATH_INFO"]
        own = self._own.get(path)
        if own is not None:
            return _answer(self._guarded(own, environ), environ, request_id, start_response)
        prefix, protocol, application = self._exact.get(path) or self._mount(path)
        if prefix:
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + prefix
            environ["PATH_INFO"] = path[len(prefix) :] or "/"
        exchange = _Exchange(self, environ, protocol, path, begun, start_response)
        if self._metrics is not None:
            self._metrics.begin(protocol)
        try:
            body = application(environ, exchange.start)
        except Exception:
            log.exception("request failed", extra={"fields": {"request_id": request_id, "path": path}})
            body = exchange.fail()
        if isinstance(body, list):
            self.finished(exchange, sum(map(len, body)))
            return body
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            return exchange.watch_file(body)
        return exchange.watch(body)

    @staticmethod
    def _guarded(own: Callable[[WSGIEnvironment], _Answer], environ: WSGIEnvironment) -> _Answer:
        try:
            return own(environ)
        except Exception:
            request_id = environ[REQUEST_ID]
            log.exception("request failed", extra={"fields": {"request_id": request_id}})
            return _text("500 Internal Server Error", f"internal error; request id {request_id}")

    def _mount(self, path: str) -> tuple[str, str, WSGIApplication]:
        for entry in self._mounts:
            prefix = entry[0]
            if path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("/", ""):
                return entry
        return "", "none", _nothing_here

    def _readyz(self, environ: WSGIEnvironment) -> _Answer:
        checks = [self._checked("store", lambda: self.gateway.database.read(migrate.ALIVE))]
        zones = self.gateway.zones
        checks += [self._checked(f"backend {zone}", zones.backend(zone).check) for zone in zones.names()]
        backend_up = any(check["ok"] for check in checks[1:])
        ready = checks[0]["ok"] and backend_up and not self.draining
        status = "200 OK" if ready else "503 Service Unavailable"
        if "verbose=1" in environ.get("QUERY_STRING", "") and self._is_monitor(environ):
            checks.append({"name": "draining", "ok": not self.draining, "seconds": 0.0})
            return status, "application/json", json.dumps({"ready": ready, "checks": checks}).encode() + b"\n"
        return _text(status, "ready" if ready else "not ready")

    @staticmethod
    def _checked(name: str, work: Callable[[], object]) -> dict[str, Any]:
        begun, failure = time.perf_counter(), None
        try:
            work()
        except GatewayError as error:
            failure = error.message
        except Exception:
            log.exception("check of %s failed", name)
            failure = "failed; the log says how"
        check = {"name": name, "ok": failure is None, "seconds": round(time.perf_counter() - begun, 6)}
        return check if failure is None else {**check, "error": failure}

    def _startupz(self, environ: WSGIEnvironment) -> _Answer:
        try:
            started = migrate.current(self.gateway.database) == migrate.head()
        except Exception:
            log.exception("the store does not answer")
            started = False
        return _text("200 OK", "started") if started else _text("503 Service Unavailable", "not started")

    def _is_monitor(self, environ: WSGIEnvironment) -> bool:
        token = self.gateway.config.get("metrics", "token")
        given = environ.get("HTTP_AUTHORIZATION", "")
        if token and hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return True
        try:
            principal = self.gateway.authenticator.authenticate(environ)
        except GatewayError:
            return False
        return principal.has(Role.ADMIN) or principal.has(Role.MONITOR)

    def _metrics_page(self, environ: WSGIEnvironment) -> _Answer:
        if self._metrics is None:
            return _text("404 Not Found", "metrics are switched off")
        admin = self.gateway.config.get("server", "admin_bind")
        private = bool(admin) and environ.get("SERVER_PORT") == str(port_of(admin))
        if not private and not self._is_monitor(environ):
            return _text(
                "401 Unauthorized", "metrics: sign in as admin or monitor, or send the metrics token"
            )
        afterwards.flush()
        live = (self._backends_up, self._resources, partial(quotas, self.gateway))
        return "200 OK", CONTENT_TYPE, self._metrics.report(live)

    def _backends_up(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("stratusgate_backend_up", "Whether it can be used", labels=("backend",))
        zones = self.gateway.zones
        for zone in zones.names():
            family.add_metric((zone,), float(self._checked(zone, zones.backend(zone).check)["ok"]))
        yield family

    def _resources(self) -> Iterator[Metric]:
        family = GaugeMetricFamily(
            "stratusgate_resources", "Resources with an owner", labels=("backend", "kind")
        )
        try:
            counts = self.gateway.cloud.overlays.counts()
        except GatewayError:
            counts = ()  # the rest of the metrics is wanted most when the store is down
        for zone, kind, count in counts:
            family.add_metric((zone, kind), float(count))
        yield family

    def finished(self, exchange: _Exchange, sent: int) -> None:
        """One exchange is over; its numbers and its line follow."""
        environ = exchange.environ
        principal: Principal | None = environ.get(PRINCIPAL)
        if self._metrics is not None:
            self._metrics.end(exchange.protocol)
            if ERROR in environ:
                self._count_refusal(self._metrics, environ[ERROR], principal)
        facts = (
            time.time_ns(),
            time.perf_counter() - exchange.begun,
            exchange.protocol,
            exchange.path,
            exchange.status,
            sent,
            principal,
            environ["REQUEST_METHOD"],
            environ.get(ROUTE, "-"),
            environ[REQUEST_ID],
            exchange.body.size if exchange.body is not None else 0,
            environ.get("REMOTE_ADDR"),
            environ.get(REASON),
        )
        afterwards.leave(self._account, facts)

    def _account(self, facts: tuple[Any, ...]) -> str:
        """Count an exchange; its line in the log."""
        (ended, seconds, protocol, path, status, sent, principal, method, route, request_id, *rest) = facts
        received, client, reason = rest
        if self._metrics is not None:
            self._metrics.count(
                protocol,
                method if method in _METHODS else "other",
                route,
                status,
                seconds=seconds,
                received=received,
                sent=sent,
                signed_in=principal.auth_method if principal else "",
            )
        return self._log.line(
            ended,
            {
                "msg": f"{method} {path}",
                "request_id": request_id,
                "protocol": protocol,
                "tenant": principal.tenant if principal else None,
                "user": principal.user if principal else None,
                "route": route,
                "status": int(status),
                "duration_ms": round(seconds * 1000, 3),
                "bytes": sent,
                "client": client,
                "reason": reason,
            },
        )

    @staticmethod
    def _count_refusal(metrics: Metrics, error: Exception, principal: Principal | None) -> None:
        if isinstance(error, NotAuthenticated) and principal is None:
            metrics.not_signed_in(error.reason)
        elif isinstance(error, TooManyRequests):
            metrics.limited(error.reason)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_Answer = tuple[str, str, bytes]


class _Exchange:
    """One request on its way through a front end."""

    __slots__ = (
        "_application",
        "_start_response",
        "begun",
        "body",
        "environ",
        "headers",
        "path",
        "protocol",
        "status",
    )

    def __init__(
        self,
        application: Application,
        environ: WSGIEnvironment,
        protocol: str,
        path: str,
        begun: float,
        start_response: StartResponse,
    ) -> None:
        self._application = application
        self._start_response = start_response
        self.environ, self.protocol, self.path, self.begun = environ, protocol, path, begun
        self.status = "500"
        self.headers: list[tuple[str, str]] = []
        self.body: _Body | None = None
        if "CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ:
            self.body = environ["wsgi.input"] = _Body(environ["wsgi.input"])

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        self.status, self.headers = status[:3], headers
        headers.append(("X-Request-Id", self.environ[REQUEST_ID]))
        return self._start_response(status, headers, exc_info)

    def fail(self) -> list[bytes]:
        body = f"internal error; request id {self.environ[REQUEST_ID]}\n".encode()
        headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))]
        self.start("500 Internal Server Error", headers)
        return [body]

    def watch(self, body: Iterable[bytes]) -> Iterator[bytes]:
        """Pass a streamed body on; the exchange ends when it does, or when the client goes away."""
        sent = 0
        try:
            for block in body:
                sent += len(block)
                yield block
        finally:
            close = getattr(body, "close", None)
            if close is not None:
                close()
            self._application.finished(self, sent)

    def watch_file(self, body: Any) -> Iterable[bytes]:
        """As ``watch``, for a file that the server may send unread: it must get the very object."""
        named = {name.lower(): value for name, value in self.headers}
        sent, close = int(named.get("content-length", 0)), getattr(body, "close", None)

        def closed() -> None:
            try:
                if close is not None:
                    close()
            finally:
                self._application.finished(self, sent)

        body.close = closed
        return cast(Iterable[bytes], body)


class _Body:
    """The body of a request, counted as it is read: what the client says of its size proves nothing."""

    __slots__ = ("_input", "size")

    def __init__(self, given: Any) -> None:
        self._input = given
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._input.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._input.readline(size))

    def readlines(self, hint: int = -1) -> list[bytes]:
        return [self._counted(line) for line in self._input.readlines(hint)]

    def __iter__(self) -> Iterator[bytes]:
        return map(self._counted, self._input)

    def _counted(self, block: bytes) -> bytes:
        self.size += len(block)
        return block


def _client_address(environ: WSGIEnvironment, trusted: frozenset[str]) -> str:
    """The first peer, seen from here, that is no trusted proxy; what it says of others counts for nothing."""
    peer: str = environ.get("REMOTE_ADDR", "")
    for address in reversed(environ["HTTP_X_FORWARDED_FOR"].split(",")):
        if peer not in trusted:
            break
        try:
            peer = str(ip_address(address.strip()))
        except ValueError:
            break
    return peer


def _text(status: str, line: str) -> _Answer:
    return status, "text/plain; charset=utf-8", f"{line}\n".encode()


def _answer(
    answer: _Answer, environ: WSGIEnvironment, request_id: str, start_response: StartResponse
) -> Iterable[bytes]:
    status, content_type, body = answer
    if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
        status, content_type, body = _text("405 Method Not Allowed", "only GET and HEAD are served here")
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("X-Request-Id", request_id),
    ]
    if status.startswith("405"):
        headers.append(("Allow", "GET, HEAD"))
    if status.startswith("401"):
        headers.append(("WWW-Authenticate", 'Bearer realm="metrics"'))
    start_response(status, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _nothing_here(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    body = b"no protocol is served at this path\n"
    start_response("404 Not Found", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

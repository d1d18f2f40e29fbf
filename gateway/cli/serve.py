"""``stratusgate serve``: the gateway under gunicorn."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import types
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gunicorn.http.wsgi
import gunicorn.util
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config as GunicornConfig
from gunicorn.http.body import LengthReader
from gunicorn.workers.gthread import ThreadWorker

from gateway.app import Application, Gateway
from gateway.auth import passwords
from gateway.cli import listeners
from gateway.cli.alone import hold
from gateway.cli.common import Commands, configuration, log_as
from gateway.cli.users import users_of
from gateway.config import Config, ConfigError
from gateway.frontends import mounted
from gateway.identity import Role
from gateway.metrics import Metrics, worker_ended
from gateway.model import AlreadyExists, shorten
from gateway.reconcile import STALE_SECONDS, Reconciler
from gateway.store.users import User
from gateway.version import version

log = logging.getLogger("gateway")

#: Header fields of text/occi carry whole requests and user data; gunicorn's default is 8190.
HEADER_LINE_LIMIT = 65536
HEADER_FIELDS_LIMIT = 200

#: So much of a body that nobody has read gunicorn reads on to keep the connection.
READ_ON = 65536


def add_commands(commands: Commands, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser("serve", parents=[common], help="run the gateway")
    serve.add_argument("--bind", metavar="HOST:PORT", help="listener (default 127.0.0.1:8787)")
    serve.set_defaults(run=run_serve)


def run_serve(options: argparse.Namespace) -> int:
    config = _configuration(options)
    hold(config.data)
    owner = os.getpid()
    metrics_folder = _metrics_folder(config.data, owner)
    try:
        Server(options, config, metrics_folder).run()
    finally:
        if os.getpid() == owner:  # workers are forks that come by here too, the others still count
            shutil.rmtree(metrics_folder, ignore_errors=True)
    return 0


def _metrics_folder(data: Path, owner: int) -> Path:
    """An empty folder for the counters of this server; what killed ones have left is removed."""
    for left in data.glob("metrics-*"):
        pid = left.name.removeprefix("metrics-")
        if pid.isdigit() and (int(pid) == owner or not Path(f"/proc/{pid}").exists()):
            shutil.rmtree(left, ignore_errors=True)
    folder = data / f"metrics-{owner}"
    folder.mkdir()
    return folder


def _configuration(options: argparse.Namespace) -> Config:
    overrides = {"server": {"bind": options.bind}} if options.bind else None
    return configuration(options, overrides)


class Worker(ThreadWorker):
    """Says "not ready" from the moment it is told to stop, and when a connection ends with its answer."""

    def init_process(self) -> None:
        """As gunicorn's, which asks for some thirty settings in each request and looks each up anew.

        In a worker they do not change any more; as attributes they cost a tenth.
        """
        vars(self.cfg).update({name: setting.get() for name, setting in self.cfg.settings.items()})
        super().init_process()

    def handle_request(self, req: Any, conn: Any) -> Any:
        """As gunicorn's, which closes where it would have to read on for long, but does not say so before."""
        reader = req.body.reader
        if not isinstance(reader, LengthReader) or reader.length > READ_ON:
            ends = req.should_close
            req.should_close = lambda: ends() or _left_unread(req.body)
        return super().handle_request(req, conn)

    def handle_exit(self, sig: int, frame: types.FrameType | None) -> None:
        application: Application | None = getattr(self, "wsgi", None)  # none yet while it starts
        if application is not None:
            application.draining = True
        super().handle_exit(sig, frame)


def _left_unread(body: Any) -> bool:
    """Whether more of the body is to come than gunicorn reads on, or it is not known where it ends."""
    if isinstance(body.reader, LengthReader):
        return body.reader.length > READ_ON
    return getattr(body.reader, "parser", None) is not None


class Server(BaseApplication):
    """gunicorn with the settings that the standards need."""

    def __init__(self, options: argparse.Namespace, config: Config, metrics_folder: Path) -> None:
        self._metrics_folder = metrics_folder
        self._options = options
        self._config = config
        super().__init__()

    def load_config(self) -> None:
        self.cfg = self.settings(self._config)

    def settings(self, config: Config) -> GunicornConfig:
        """What gunicorn is told. Raises ConfigError for what it does not take."""
        binds = [config.get("server", "bind"), config.get("server", "admin_bind")]
        settings = {
            "bind": [bind for bind in binds if bind],
            "workers": config.get("server", "workers"),
            "threads": config.get("server", "threads"),
            "timeout": config.get("server", "timeout"),
            "graceful_timeout": config.get("server", "graceful_timeout"),
            "forwarded_allow_ips": ",".join(config.get("server", "trusted_proxies")),
            "worker_class": f"{__name__}.Worker",
            "limit_request_field_size": HEADER_LINE_LIMIT,
            "limit_request_fields": HEADER_FIELDS_LIMIT,
            "limit_request_line": 8190,
            "header_map": "drop",
            "keepalive": 5,
            "proc_name": "stratusgate",
            "control_socket_disable": True,
            "child_exit": lambda arbiter, worker: self._worker_ended(worker.pid),
            "when_ready": lambda arbiter: self._announce(),
            "logger_class": "gateway.cli.gunicorn_log.Logger",
        }
        told = GunicornConfig()
        try:
            for name, value in settings.items():
                if name in told.settings:
                    told.set(name, value)
        except (TypeError, ValueError) as error:
            raise ConfigError([f"server: {error}"]) from None
        return told

    def load(self) -> Any:
        enabled = self._config.get("metrics", "enabled")
        metrics = Metrics(version(), self._metrics_folder) if enabled else None
        return Application(Gateway(self._config, metrics=metrics))

    def renew(self, listen: Callable[[GunicornConfig], None]) -> bool:
        """Take the new configuration, the listeners last; False if it is bad and the old one stays."""
        try:
            config = _configuration(self._options)
            application = check(config)
            listen(self.settings(config))
        except ConfigError as error:
            for problem in error.problems:
                log.error("the old configuration stays in force: %s", problem)
            return False
        except Exception:  # of a driver or a front end; at a reload nothing may end what runs
            log.exception("the old configuration stays in force")
            return False
        log_as(config)
        _tell_versions(config, application)
        self._config = config
        return True

    def run(self) -> None:
        log_as(self._config)
        _tell_versions(self._config, check(self._config))
        self._first_user()
        reconcile_now(self._config, alone=True)
        _Arbiter(self, self._worker_command()).run()

    def _worker_ended(self, pid: int) -> None:
        """Keep what a worker has counted; on a full disk it waits, no number is worth the gateway."""
        try:
            worker_ended(self._metrics_folder, pid)
        except Exception:
            log.exception("what worker %s counted is not added to the ended ones yet", pid)

    def _worker_command(self) -> list[str]:
        command = [sys.executable, "-m", "gateway.cli", "worker", "--parent", str(os.getpid())]
        command += ["--data", str(self._config.data)]
        return [*command, "--config", str(self._options.config)] if self._options.config else command

    def _first_user(self) -> None:
        """A store without users gets ``admin``; a generated password is told once."""
        users = users_of(self._config)
        if users.list():
            return
        given = os.environ.get("STRATUSGATE_ADMIN_PASSWORD")
        password = given or passwords.generated()
        try:
            users.add(User("admin", "admin", (), (Role.ADMIN.value,), passwords.hashed(password)))
        except AlreadyExists:
            return  # another node was first
        if not given:
            print(f"user admin, password {password}   (told only now; change it: stratusgate user passwd)")

    def _announce(self) -> None:
        base = self._config.get("server", "public_url") or f"http://{self._config.get('server', 'bind')}"
        for mount in mounted(self._config.frontends):
            print(f"{mount.frontend.title}: {base}{mount.prefix}/", flush=True)


def check(config: Config) -> Application:
    """Build everything once, so that a bad option is told before a worker starts. Raises ConfigError."""
    return Application(Gateway(config))


def _tell_versions(config: Config, application: Application) -> None:
    """Set what every answer of gunicorn has in its Server header; it drops the application's own."""
    server = server_header(config, application)
    setattr(gunicorn.http.wsgi, "SERVER", server)  # noqa: B010 - a constant there
    setattr(gunicorn.util, "write_error", partial(write_error, server))  # noqa: B010 - a function there


def server_header(config: Config, application: Application) -> str:
    """What the Server header says: gunicorn sends this and drops the application's own."""
    name = config.get("server", "server_name") or f"stratusgate/{version()}"
    tokens = [
        token
        for mount in application.mounts
        for token in mount.frontend.server_tokens(application.gateway.cloud)
    ]
    return " ".join([name, *tokens])


def write_error(server: str, client: socket.socket, status: int, reason: str, message: str) -> None:
    """gunicorn's refusal of what is no HTTP or too long, as all answers: versions, request id, plain text."""
    request_id = secrets.token_hex(16)
    said = f"{reason}: {shorten(message)}" if message else reason
    log.info(said, extra={"fields": {"request_id": request_id, "status": status}})
    body = f"{said}; request id {request_id}\n"
    head = f"HTTP/1.1 {status} {reason}\r\nServer: {server}\r\nConnection: close\r\n"
    head += f"X-Request-Id: {request_id}\r\n"
    head += f"Content-Type: text/plain\r\nContent-Length: {len(body.encode())}\r\n\r\n"
    gunicorn.util.write_nonblock(client, (head + body).encode())


class _Arbiter(Arbiter):
    """Also keeps one background worker running."""

    def __init__(self, server: Server, command: list[str]) -> None:
        super().__init__(server)
        self._server = server
        self._command = command
        self._background: subprocess.Popen[bytes] | None = None
        self._not_before = 0.0

    def manage_workers(self) -> None:
        super().manage_workers()
        if self._background is not None and self._background.poll() is None:
            return
        if time.monotonic() >= self._not_before:
            self._not_before = time.monotonic() + 5
            self._background = subprocess.Popen(self._command, stdin=subprocess.DEVNULL)

    def signal(self, sig: int, frame: types.FrameType | None) -> None:
        """As gunicorn's, but a fork that has no handlers of its own yet ends when it is told to.

        It would put the signal into a queue that nobody reads, and the stop would take graceful_timeout.
        """
        if os.getpid() != self.pid and sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            raise SystemExit(0)
        super().signal(sig, frame)

    def stop(self, graceful: bool = True) -> None:
        if self._background is not None:
            self._background.terminate()
        super().stop(graceful)

    def reload(self) -> None:
        """SIGHUP: new workers under the new configuration, nothing at all if that is bad."""
        if not self._server.renew(self._listen):
            return
        if self._background is not None:
            self._background.terminate()  # the next round starts it with the new configuration
            self._not_before = 0.0
        super().reload()

    def _listen(self, settings: GunicornConfig) -> None:
        """Listen where the new settings say. Raises ConfigError, then nothing has changed.

        gunicorn closes all and ends where one cannot be had; so it must see no change any more.
        """
        if settings.address == self.cfg.address:
            return
        fresh = listeners.renewed(settings.address, self.LISTENERS, settings, self.log)
        listeners.close([listener for listener in self.LISTENERS if listener not in fresh])
        vars(self)["LISTENERS"] = fresh  # gunicorn gives its class a default
        self.cfg.set("bind", settings.settings["bind"].get())
        log.info("listening at: %s", ", ".join(map(str, fresh)))


def reconcile_now(config: Config, *, alone: bool = False) -> None:
    """Before the first request: the site's images and networks are there, what a crash left is settled.

    ``alone`` is whether this process holds the data folder for itself.
    """
    gateway = Gateway(config)
    # Nobody else uses a store inside it: whatever is still being made was left by one that is gone.
    stale = 0.0 if alone and _is_inside(gateway, config.data) else STALE_SECONDS
    adopt = config.get("tenancy", "import")
    report = Reconciler(gateway.cloud, adopt=adopt, stale_seconds=stale).run()
    for failure in report.failed:
        log.warning("reconciling: %s", failure)
    gateway.database.close()


def _is_inside(gateway: Gateway, folder: Path) -> bool:
    """Whether the store is a file in the folder; one elsewhere may serve several folders."""
    database = gateway.database
    return database.is_sqlite and Path(database.url.database or "").resolve().parent == folder.resolve()

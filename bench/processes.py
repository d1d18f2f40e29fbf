"""Servers under measurement: started on a port nobody has, their CPU and memory read from the kernel."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "benchmark"
WORKERS, THREADS = 2, 4
_BACKGROUND = b"gateway.cli worker "


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Running:
    """One server and its workers."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    def workers(self) -> list[int]:
        """The processes that answer requests: all children of the server but its background worker.

        Not by the same command line: with setproctitle installed the server's children change theirs.
        """
        return workers_of(self.process.pid)

    def settled(self, background: bool) -> bool:
        """Whether all processes are there; before its exec the background worker looks like the others."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return len(children) == WORKERS + background and len(self.workers()) == WORKERS

    def cpu_seconds(self) -> float:
        """User and system time of all workers."""
        return sum(_cpu(pid) for pid in self.workers())

    def peak_memory(self) -> int:
        """The highest resident size of any worker so far, bytes."""
        return max(peak_of(pid) for pid in self.workers())

    def memory(self) -> int:
        return max(_status(pid, "VmRSS") for pid in self.workers())


def workers_of(server: int) -> list[int]:
    """The processes that answer the requests of a server."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return [int(pid) for pid in children if not _is_background(pid)]


def peak_of(pid: int) -> int:
    """The highest resident size of a process so far, bytes."""
    return _status(pid, "VmHWM")


def _is_background(pid: str) -> bool:
    # setproctitle, where it is installed, rewrites the command line with spaces.
    return _BACKGROUND in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")


def _cpu(pid: int) -> float:
    """Seconds on a processor, of threads that have ended as well.

    By the kernel's clock of the process: ticks of 10 ms are too coarse for short runs.
    """
    return time.clock_gettime(~pid << 3 | 2)


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


@contextmanager
def gateway(folder: Path, config: str = "") -> Iterator[Running]:
    """``stratusgate serve`` with the sandbox."""
    settings = folder / "bench.toml"
    settings.write_text(f"[server]\nworkers = {WORKERS}\nthreads = {THREADS}\n{config}", encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "gateway.cli", "serve", "--bind", f"127.0.0.1:{port}"]
    command += ["--data", str(folder / "data"), "--config", str(settings)]
    environ = {"STRATUSGATE_ADMIN_PASSWORD": PASSWORD}
    with _serving(command, port, environ, folder / "gateway.log", background=True) as running:
        yield running


@contextmanager
def limit(folder: Path, application: str, **environ: str) -> Iterator[Running]:
    """Bare Falcon under gunicorn with the same settings; ``application`` is of this package."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", f"bench.{application}:application()"]
    command += ["--worker-class", "gthread", "--bind", f"127.0.0.1:{port}"]
    command += ["--workers", str(WORKERS), "--threads", str(THREADS), "--keep-alive", "5"]
    command += ["--limit-request-field_size", "65536", "--log-level", "warning"]
    with _serving(command, port, environ, folder / "limit.log", background=False) as running:
        yield running


class Missing(Exception):
    """A program that is measured against is not on this machine; the text says how to get it."""


_NGINX = """
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
{user}
events {{ worker_connections 64; }}
http {{
    access_log off;
    sendfile on;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/root;
        dav_methods PUT;
        create_full_put_path on;
    }}
}}
"""


@contextmanager
def nginx(folder: Path) -> Iterator[Running]:
    """nginx that serves a folder by sendfile and takes files by its DAV module. Raises Missing.

    It takes a body in blocks as large as ours (its own would be 16 KiB, at three times the cost), and brings
    nothing to the disk.
    """
    program = shutil.which("nginx", path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        raise Missing("nginx is not on this machine (Debian: apt-get install nginx-light)")
    home, port = folder / "nginx", free_port()
    (home / "root").mkdir(parents=True)
    # Started by root it would become somebody who may not read the folder.
    user = f"user {getpass.getuser()};" if os.geteuid() == 0 else ""
    settings = _NGINX.format(workers=WORKERS, folder=home, port=port, user=user)
    (home / "nginx.conf").write_text(settings, encoding="utf-8")
    command = [program, "-c", str(home / "nginx.conf"), "-p", str(home), "-e", str(folder / "nginx.log")]
    with _serving(command, port, {}, folder / "nginx.log", background=False) as running:
        yield running


@contextmanager
def _serving(
    command: list[str], port: int, environ: Mapping[str, str], log: Path, *, background: bool
) -> Iterator[Running]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environ},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        running = Running(process, port, log)
        while not running.settled(background):
            time.sleep(0.05)
        yield running
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")

"""``stratusgate serve`` in a process of its own, as a person runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import requests

PASSWORD = "secret"
START_SECONDS = 60

T = TypeVar("T")


def eventually(look: Callable[[], T], seconds: float = 30) -> T:
    """Look again and again until what is seen is true; what it was."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One running gateway; its data survive ``stop`` and ``kill``."""

    def __init__(self, folder: Path, config: str = "", *, password: str | None = PASSWORD) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self._config = folder / "stratusgate.toml"
        self.configure(config)
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, config: str) -> None:
        """Write the configuration file anew; taken at the next start or SIGHUP."""
        self._config.write_text(config, encoding="utf-8")

    def _command(self, *words: str) -> list[str]:
        where = ["--data", str(self.folder / "data"), "--config", str(self._config)]
        return [sys.executable, "-m", "gateway.cli", *words, *where]

    def command(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run another ``stratusgate`` command on the same data and configuration."""
        return subprocess.run(self._command(*words), input=stdin, capture_output=True, text=True, timeout=60)

    def add_user(self, name: str, *options: str) -> None:
        """A user with the usual password."""
        told = self.command("user", "add", name, "--password-stdin", *options, stdin=f"{PASSWORD}\n")
        assert told.returncode == 0, told.stderr

    def start(self) -> None:
        """Start and wait until it is ready."""
        environ = dict(os.environ)
        if self._password is not None:
            environ["STRATUSGATE_ADMIN_PASSWORD"] = self._password
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command("serve", "--bind", f"127.0.0.1:{self.port}"),
                env=environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"the gateway did not start:\n{self.told()}")

    def told(self) -> str:
        """Everything that it has printed and logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM and wait; the exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self.wait(seconds)

    def wait(self, seconds: float = 30) -> int:
        """Wait for the end that a signal has begun; the exit status."""
        assert self._process is not None
        try:
            status = self._process.wait(seconds)
        finally:
            self._end_group()
        self._process = None
        return status

    def kill(self) -> None:
        """SIGKILL to every process of the gateway at once: a power cut, for our purposes."""
        assert self._process is not None
        self._end_group()
        self._process.wait(30)
        self._process = None

    def behead(self) -> None:
        """SIGKILL to the serving process alone; its workers find out by themselves."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(30)
        self._process = None

    def _end_group(self) -> None:
        assert self._process is not None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def session(self, user: str = "admin", password: str = PASSWORD) -> requests.Session:
        session = requests.Session()
        session.auth = (user, password)
        return session

    def create(self, kind: str, *attributes: str, user: str = "admin") -> str:
        """Make an entity; its path."""
        lines = [f'Category: {kind}; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"']
        lines += [f"X-OCCI-Attribute: {attribute}" for attribute in attributes]
        answer = requests.post(
            f"{self.url}/{kind}/",
            data="\n".join(lines).encode(),
            headers={"Content-Type": "text/plain"},
            auth=(user, PASSWORD),
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["Location"].removeprefix(self.url)

"""``stratusgate serve`` in a process of its own, as a person runs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

PASSWORD = "secret"
START_SECONDS = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One running gateway; its data survive ``stop`` and ``kill``."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "serve.log"
        self._config = folder / "stratusgate.toml"
        self._config.write_text(config, encoding="utf-8")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is ready."""
        command = [sys.executable, "-m", "gateway.cli", "serve", "--data", str(self.folder / "data")]
        command += ["--bind", f"127.0.0.1:{self.port}", "--config", str(self._config)]
        environ = {**os.environ, "STRATUSGATE_ADMIN_PASSWORD": PASSWORD}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environ, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
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
        raise AssertionError(f"the gateway did not start:\n{self.log.read_text(encoding='utf-8')}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM and wait; the exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
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

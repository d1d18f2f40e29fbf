"""A real S3 server for tests: OpenStack Swift with its S3 interface, from wheels, on loopback."""

from __future__ import annotations

import getpass
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import requests
from botocore.config import Config

from tests.serving import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCESS_KEY = "test:stratusgate"
SECRET_KEY = "only-for-tests"
REGION = "us-east-1"

_START_SECONDS = 60

#: Swift finds a server by its ring; one disk and one copy are enough here.
_RINGS = """
import json, sys
from swift.common.ring import RingBuilder
for name, port in json.loads(sys.argv[2]).items():
    builder = RingBuilder(2, 1, 0)
    place = {"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1}
    builder.add_dev({**place, "replication_ip": "127.0.0.1", "replication_port": port})
    builder.rebalance()
    builder.get_ring().save(f"{sys.argv[1]}/{name}.ring.gz")
"""

#: A test run that is killed stops nothing; where the system can, the servers end with it (PR_SET_PDEATHSIG).
_PROGRAM = """
import ctypes, runpy, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

_COMMON = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
workers = 0
"""

_STORAGE = """[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""

_PROXY = """[pipeline:main]
pipeline = catch_errors listing_formats s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:tempauth]
use = egg:swift#tempauth
user_{user} = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
"""


class Swift:
    """Four servers in a folder of their own; a test makes itself a bucket."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="stratusgate-swift-"))
        ports = {name: free_port() for name in ("account", "container", "object")}
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.client = self._client()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._configure(ports)
            for name in (*ports, "proxy"):
                self._start(name)
            self._wait((*ports.values(), self.port))
        except BaseException:
            self.stop()
            raise

    def _configure(self, ports: Mapping[str, int]) -> None:
        (self._folder / "devices" / "disk").mkdir(parents=True)
        (self._folder / "swift.conf").write_text("[swift-hash]\nswift_hash_path_suffix = stratusgate\n")
        subprocess.run(
            [sys.executable, "-c", _RINGS, str(self._folder), json.dumps(ports)], check=True, timeout=60
        )
        words = {"user": getpass.getuser(), "folder": self._folder}
        for name, port in ports.items():
            text = _COMMON.format(port=port, **words) + _STORAGE.format(name=name)
            (self._folder / f"{name}.conf").write_text(text)
        users = {"user": ACCESS_KEY.replace(":", "_"), "secret": SECRET_KEY, "region": REGION}
        text = _COMMON.format(port=self.port, **words) + _PROXY.format(**users)
        (self._folder / "proxy.conf").write_text(text)

    def _start(self, name: str) -> None:
        program = Path(sys.executable).with_name(f"swift-{name}-server")
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, program, self._folder / f"{name}.conf", "verbose"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def _wait(self, ports: Iterable[int]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and all(p.poll() is None for p in self._processes.values()):
            with suppress(requests.ConnectionError):
                for port in ports:  # whatever they answer to this, they are there
                    requests.get(f"http://127.0.0.1:{port}/", timeout=5)
                return
            time.sleep(0.05)
        raise AssertionError(f"Swift did not start:\n{self.told()}")

    def _client(self) -> S3Client:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            config=Config(s3={"addressing_style": "path"}),
        )

    def new_bucket(self) -> str:
        """The name of a new, empty bucket."""
        name = f"test-{uuid.uuid4().hex}"
        self.client.create_bucket(Bucket=name)
        return name

    def options(self, bucket: str, **more: Any) -> dict[str, Any]:
        """What the S3 store must be told to use a bucket."""
        told = {"bucket": bucket, "endpoint": self.endpoint, "region": REGION}
        return {**told, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, **more}

    def unfinished(self, bucket: str) -> list[str]:
        """Keys of the uploads that have neither ended nor been given up."""
        found = self.client.list_multipart_uploads(Bucket=bucket)
        return [entry["Key"] for entry in found.get("Uploads", ())]

    def told(self) -> str:
        """Everything that the four have printed."""
        return "".join(path.read_text(errors="replace") for path in sorted(self._folder.glob("*.log")))

    def stop(self) -> None:
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self._processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

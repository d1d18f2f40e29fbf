"""Programs that fetch files and go on where they were broken off: wget, aria2, rclone, HTTPie."""

from __future__ import annotations

import json
import subprocess
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.provision import Missing, httpie, program
from tests.interop.test_cdmi_curl import CONTENT, HALF
from tests.serving import PASSWORD, Server, eventually

NAME = "file.bin"


def _available(find: Callable[[], list[str]]) -> list[str]:
    try:
        return find()
    except Missing as missing:
        warnings.warn(str(missing), stacklevel=1)
        pytest.skip(str(missing))


def _httpie() -> list[str]:
    client = httpie()
    return ["env", f"PYTHONPATH={client.libraries}", str(client.python), "-m", "httpie", "--ignore-stdin"]


#: The command that fetches into ``file.bin``, and goes on with what is there.
DOWNLOADS: dict[str, Callable[[], list[str]]] = {
    "wget": lambda: [program("wget", "wget"), "--continue"],
    "aria2": lambda: [program("aria2c", "aria2"), "--continue=true", "--no-conf"],
    "aria2 in four parts": lambda: [
        program("aria2c", "aria2"),
        "--no-conf",
        "--split=4",
        "--max-connection-per-server=4",
        "--min-split-size=1M",
        "--allow-overwrite=true",
    ],
    "httpie": lambda: [*_httpie(), "--download", "--continue", "--output", NAME],
}


@pytest.fixture
def url(cdmi: Server) -> str:
    """A value that everybody may read, in a container of its own."""
    session, folder = cdmi.session(), f"{cdmi.url}/cdmi/public/{uuid.uuid4().hex}"
    assert session.put(f"{folder}/", timeout=30).status_code == 201
    assert session.put(f"{folder}/{NAME}", data=CONTENT, timeout=30).status_code == 201
    return f"{folder}/{NAME}"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, timeout=120, stdin=subprocess.DEVNULL
    )


@pytest.mark.parametrize("name", DOWNLOADS)
def test_a_value_is_fetched(name: str, url: str, tmp_path: Path) -> None:
    told = _run([*_available(DOWNLOADS[name]), url], tmp_path)
    assert (told.returncode, (tmp_path / NAME).read_bytes() == CONTENT) == (0, True), told.stderr


@pytest.mark.parametrize("name", ["wget", "aria2", "httpie"])
def test_a_download_that_was_broken_off_goes_on(name: str, url: str, cdmi: Server, tmp_path: Path) -> None:
    """By asking for the rest of it; aria2 begins with a request for the whole, to hear how long it is."""
    (tmp_path / NAME).write_bytes(CONTENT[:HALF])
    told = _run([*_available(DOWNLOADS[name]), url], tmp_path)
    assert (told.returncode, (tmp_path / NAME).read_bytes() == CONTENT) == (0, True), told.stderr
    assert eventually(lambda: (206, len(CONTENT) - HALF) in _bodies(cdmi, url))


def _bodies(server: Server, url: str) -> list[tuple[int, int]]:
    """Status and bytes of each answer to a GET, by the log."""
    wanted = f"GET {url.removeprefix(server.url)}"
    lines = [json.loads(line) for line in server.told().splitlines() if line.startswith("{")]
    return [(line["status"], line["bytes"]) for line in lines if line["msg"] == wanted]


def test_wget_leaves_a_file_that_is_not_older(url: str, tmp_path: Path) -> None:
    wget = _available(lambda: [program("wget", "wget"), "--timestamping"])
    told = [_run([*wget, url], tmp_path) for _ in range(2)]
    assert [one.returncode for one in told] == [0, 0]
    assert "not modified" in told[1].stderr.lower(), told[1].stderr


def test_rclone_copies_a_value_to_a_file(url: str, tmp_path: Path) -> None:
    rclone = _available(lambda: [program("rclone", "rclone"), "--config", str(tmp_path / "none")])
    told = _run([*rclone, "copyurl", url, NAME], tmp_path)
    assert (told.returncode, (tmp_path / NAME).read_bytes() == CONTENT) == (0, True), told.stderr


def test_httpie_uploads_a_file(cdmi: Server, tmp_path: Path) -> None:
    (tmp_path / "up.csv").write_bytes(b"a,b\n")
    command = [*_available(_httpie)[:-1], "--check-status", "--auth", f"ada:{PASSWORD}", "--body"]
    url = f"{cdmi.url}/cdmi/public/up-{tmp_path.name}.csv"
    with (tmp_path / "up.csv").open("rb") as file:
        put = subprocess.run(
            [*command, "PUT", url, "Content-Type:text/csv"], stdin=file, capture_output=True, timeout=60
        )
    assert put.returncode == 0, put.stderr
    assert _run([*command, "--ignore-stdin", "GET", url], tmp_path).stdout == "a,b\n"

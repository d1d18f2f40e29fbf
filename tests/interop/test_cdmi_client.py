"""cdmi-client 0.3 of INDIGO-DataCloud, unmodified, at a terminal, against a running gateway."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import uuid
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.interop.provision import Installed, Missing, cdmi_client
from tests.serving import PASSWORD, Server

SECONDS = 30
_MAIN = "from cdmi_cli.command_line import main; main()"
_PROMPT = "cdmi @127.0.0.1>"
#: What moves the cursor and asks the terminal things.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def client() -> Installed:
    try:
        return cdmi_client()
    except Missing as missing:
        warnings.warn(f"cdmi-client does not run: {missing}", stacklevel=1)
        pytest.skip(str(missing))


class Console:
    """The program at a terminal."""

    def __init__(self, client: Installed, port: int) -> None:
        self._terminal, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))  # no line is broken
        self._process = subprocess.Popen(
            [str(client.python), "-c", _MAIN],
            stdin=other,
            stdout=other,
            stderr=other,
            env=dict(client.environ),
            start_new_session=True,
        )
        os.close(other)
        self._until("cdmi @>")
        self._write(f"open 127.0.0.1 {port}")
        self._until(_PROMPT)

    def sign_in(self, user: str, password: str = PASSWORD) -> None:
        self._write("auth basic")
        self._until("Enter username:")
        self._write(user)
        self._until("Enter password:")
        self._write(password)
        self._until(_PROMPT)

    def say(self, line: str) -> str:
        """Type a line; what is printed up to the next prompt."""
        self._write(line)
        return self._until(_PROMPT, after=f"{_PROMPT} {line}")

    def _write(self, line: str) -> None:
        os.write(self._terminal, f"{line}\r".encode())

    def _until(self, wanted: str, after: str = "") -> str:
        """What comes behind ``after`` and before ``wanted``, which is the last."""
        deadline, read = time.monotonic() + SECONDS, b""
        while True:
            text = _ESCAPES.sub("", read.decode(errors="ignore")).rstrip(" ")
            _, _, rest = text.partition(after) if after else ("", "", text)
            if rest.endswith(wanted):
                return rest.removesuffix(wanted)
            left = deadline - time.monotonic()
            assert left > 0, text
            if select.select([self._terminal], [], [], left)[0]:
                read += os.read(self._terminal, 65536)

    def close(self) -> None:
        self._process.kill()
        self._process.wait(SECONDS)
        os.close(self._terminal)


@pytest.fixture
def console(client: Installed, cdmi: Server) -> Iterator[Console]:
    opened = Console(client, cdmi.port)
    yield opened
    opened.close()


@pytest.fixture
def ada(console: Console) -> Console:
    console.sign_in("ada")
    return console


class Box:
    """A container of ada's with one object, made without the program."""

    def __init__(self, cdmi: Server) -> None:
        self.session = cdmi.session("ada")
        self.session.headers["X-CDMI-Specification-Version"] = "1.1.1"
        self.path = f"cdmi/{uuid.uuid4().hex}/"
        self._url = f"{cdmi.url}/"
        assert self._put(self.path, "container", {}).status_code == 201
        assert self._put(f"{self.path}notes", "object", {"value": "beam on"}).status_code == 201

    def _put(self, path: str, kind: str, document: dict[str, Any]) -> requests.Response:
        headers = {"Content-Type": f"application/cdmi-{kind}"}
        return self.session.put(self._url + path, json=document, headers=headers, timeout=30)

    def class_of(self, path: str) -> str:
        read = self.session.get(f"{self._url}{path}?capabilitiesURI", timeout=30).json()
        return str(read["capabilitiesURI"]).rstrip("/").rpartition("/")[2]


@pytest.fixture
def box(cdmi: Server) -> Box:
    return Box(cdmi)


def test_it_shows_a_container(ada: Console, box: Box) -> None:
    told = ada.say(f"query {box.path}")
    assert re.search(r"Object type: +application/cdmi-container", told), told
    assert re.search(r"Children: *\s+notes", told), told


def test_it_follows_to_a_container_without_the_slash(ada: Console, box: Box) -> None:
    assert re.search(r"Children: *\s+notes", ada.say(f"query {box.path.rstrip('/')}"))


def test_it_shows_an_object(ada: Console, box: Box) -> None:
    told = ada.say(f"query {box.path}notes")
    assert re.search(r"Object name: +notes\s", told), told
    assert re.search(r"MIME type: +text/plain\s", told), told


def test_it_prints_the_document_as_it_is(ada: Console, box: Box) -> None:
    told = ada.say(f"query {box.path}notes json")
    assert json.loads(told[told.index("{") : told.rindex("}") + 1])["value"] == "beam on"


def test_it_shows_the_capabilities(ada: Console) -> None:
    told = ada.say("query cdmi/cdmi_capabilities")
    assert re.search(r"Object type: +application/cdmi-capability", told), told
    assert re.search(r"\s(container/)\s+(dataobject/)\s", told), told


def test_it_shows_what_a_class_promises(ada: Console) -> None:
    told = ada.say("query cdmi/cdmi_capabilities/dataobject/DiskAndTape")
    assert re.search(r"Data redundancy: +2\s", told), told
    assert re.search(r"Latency \(ms\): +5000\s", told), told


def test_it_says_what_is_not_there(ada: Console, box: Box) -> None:
    assert "!not found" in ada.say(f"query {box.path}nothing")


def test_it_says_that_the_password_is_wrong(console: Console, box: Box) -> None:
    console.sign_in("ada", "wrong")
    assert "!not authorized" in console.say(f"query {box.path}")


def test_it_moves_an_object_to_another_class(ada: Console, box: Box) -> None:
    told = ada.say(f"qos {box.path}notes cdmi_capabilities/dataobject/DiskAndTape")
    assert ("QoS transition committed" in told, box.class_of(f"{box.path}notes")) == (True, "DiskAndTape")


def test_it_moves_a_container_to_another_class(ada: Console, box: Box) -> None:
    told = ada.say(f"qos {box.path} cdmi_capabilities/container/DiskAndTape")
    assert ("QoS transition committed" in told, box.class_of(box.path)) == (True, "DiskAndTape")


def test_it_is_not_told_that_an_object_is_in_a_class_that_there_is_not(ada: Console, box: Box) -> None:
    told = ada.say(f"qos {box.path}notes cdmi_capabilities/dataobject/Nowhere")
    assert ("committed" in told, box.class_of(f"{box.path}notes")) == (False, "DiskOnly")

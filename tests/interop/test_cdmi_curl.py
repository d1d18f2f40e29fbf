"""curl against a running gateway: what people do with it who have never heard of CDMI."""

from __future__ import annotations

import hashlib
import re
import subprocess
import uuid
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.provision import Missing, program
from tests.serving import PASSWORD, Server

#: A few MiB that are no two blocks the same.
CONTENT = b"".join(hashlib.sha256(bytes([number & 255, number >> 8])).digest() for number in range(1 << 16))
HALF = len(CONTENT) // 2


@pytest.fixture(scope="module")
def curl() -> str:
    try:
        return program("curl", "curl")
    except Missing as missing:
        warnings.warn(f"curl does not run: {missing}", stacklevel=1)
        pytest.skip(str(missing))


@dataclass(frozen=True)
class Told:
    status: int
    body: bytes
    log: str  # the lines that ``--verbose`` prints

    def header(self, name: str) -> str | None:
        """Of the last answer."""
        found = re.findall(rf"^< {name}: (.*?)\r?$", self.log, re.MULTILINE | re.IGNORECASE)
        return found[-1] if found else None


class Curl:
    """Runs curl for ada, in a folder, on objects of a container that is hers."""

    def __init__(self, path: str, server: Server, folder: Path) -> None:
        self._command = [path, "--silent", "--verbose", "--max-time", "60", "--user", f"ada:{PASSWORD}"]
        self.folder = folder
        self.box = f"{server.url}/cdmi/{uuid.uuid4().hex}/"
        assert self("-X", "PUT", self.box).status == 201

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Told:
        format = ["--write-out", "%{stderr}status %{http_code}\n"]
        told = subprocess.run(
            [*self._command, *format, *arguments],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            timeout=90,
        )
        log = told.stderr.decode(errors="replace")
        return Told(int(re.findall(r"^status ([0-9]+)$", log, re.MULTILINE)[-1]), told.stdout, log)

    def file(self, content: bytes, name: str = "file") -> str:
        (self.folder / name).write_bytes(content)
        return name

    def put(self, content: bytes, name: str = "object", *arguments: str) -> Told:
        return self("-T", self.file(content), *arguments, self.box + name)

    def get(self, *arguments: str, name: str = "object") -> Told:
        return self(*arguments, self.box + name)


@pytest.fixture
def curl_of_ada(curl: str, cdmi: Server, tmp_path: Path) -> Curl:
    return Curl(curl, cdmi, tmp_path)


def test_a_file_goes_up_and_comes_down(curl_of_ada: Curl) -> None:
    assert curl_of_ada.put(CONTENT).status == 201
    told = curl_of_ada.get("-o", "down")
    assert (told.status, (curl_of_ada.folder / "down").read_bytes() == CONTENT) == (200, True)


def test_a_file_that_is_sent_again_replaces_the_first(curl_of_ada: Curl) -> None:
    assert [curl_of_ada.put(content).status for content in (b"one", b"two")] == [201, 204]
    assert curl_of_ada.get().body == b"two"


def test_what_comes_out_of_a_pipe_is_stored(curl_of_ada: Curl) -> None:
    told = curl_of_ada("-T", "-", curl_of_ada.box + "object", stdin=CONTENT)
    assert ("> Transfer-Encoding: chunked" in told.log, told.status) == (True, 201)
    assert curl_of_ada.get().body == CONTENT


def test_it_is_told_to_go_on_where_it_asks(curl_of_ada: Curl) -> None:
    told = curl_of_ada.put(CONTENT, "object", "-H", "Expect: 100-continue")
    assert ("< HTTP/1.1 100 Continue" in told.log, told.status) == (True, 201)


def test_the_type_is_kept(curl_of_ada: Curl) -> None:
    curl_of_ada.put(b"a,b", "object", "-H", "Content-Type: text/csv")
    assert curl_of_ada.get().header("Content-Type") == "text/csv"


def test_a_form_is_uploaded_under_the_name_of_the_file(curl_of_ada: Curl) -> None:
    told = curl_of_ada("-F", f"file=@{curl_of_ada.file(CONTENT, 'up.bin')}", curl_of_ada.box)
    assert told.status == 201
    assert curl_of_ada.get(name=str(told.header("Location")).rpartition("/")[2]).body == CONTENT


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("0-9", CONTENT[:10]), ("-5", CONTENT[-5:]), (f"{len(CONTENT) - 3}-", CONTENT[-3:])],
)
def test_it_reads_a_range(curl_of_ada: Curl, asked: str, expected: bytes) -> None:
    curl_of_ada.put(CONTENT)
    told = curl_of_ada.get("-r", asked)
    assert (told.status, told.body) == (206, expected)


def test_several_ranges_come_as_parts(curl_of_ada: Curl) -> None:
    curl_of_ada.put(CONTENT)
    told = curl_of_ada.get("-r", "0-3,100-103")
    assert (told.status, str(told.header("Content-Type")).partition(";")[0]) == (206, "multipart/byteranges")
    assert re.findall(rb"Content-Range: bytes ([0-9-]+)/", told.body) == [b"0-3", b"100-103"]
    assert [CONTENT[:4] in told.body, CONTENT[100:104] in told.body] == [True, True]


def test_a_download_that_was_broken_off_goes_on(curl_of_ada: Curl) -> None:
    curl_of_ada.put(CONTENT)
    curl_of_ada.file(CONTENT[:HALF], "down")
    told = curl_of_ada.get("-C", "-", "-o", "down")
    assert (told.status, told.header("Content-Length")) == (206, str(len(CONTENT) - HALF))
    assert (curl_of_ada.folder / "down").read_bytes() == CONTENT


def test_a_download_that_is_complete_has_nothing_left(curl_of_ada: Curl) -> None:
    curl_of_ada.put(CONTENT)
    curl_of_ada.file(CONTENT, "down")
    assert curl_of_ada.get("-C", "-", "-o", "down").status == 416
    assert (curl_of_ada.folder / "down").read_bytes() == CONTENT


def test_an_upload_that_was_broken_off_goes_on(curl_of_ada: Curl) -> None:
    """It says itself how much is there already, and sends the rest as a range."""
    curl_of_ada.put(CONTENT[:HALF], "object", "-H", "X-CDMI-Partial: true")
    told = curl_of_ada.put(CONTENT, "object", "-C", str(HALF))
    assert (f"> Content-Range: bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}" in told.log) is True
    assert (told.status, curl_of_ada.get().body == CONTENT) == (204, True)


def test_an_upload_that_asks_where_to_go_on_begins_anew(curl_of_ada: Curl) -> None:
    """Over HTTP curl cannot find out, and sends all of it as one range."""
    told = curl_of_ada.put(CONTENT, "object", "-C", "-")
    assert (told.status, curl_of_ada.get().body == CONTENT) == (201, True)


def test_an_upload_that_breaks_off_leaves_what_was_there(curl_of_ada: Curl) -> None:
    curl_of_ada.put(b"old")
    told = curl_of_ada.put(CONTENT, "object", "--limit-rate", "1M", "--max-time", "0.3")
    assert ("timed out" in told.log, curl_of_ada.get().body) == (True, b"old")


def test_what_it_has_already_is_not_sent_again(curl_of_ada: Curl) -> None:
    curl_of_ada.put(b"one")
    first = curl_of_ada.get("--etag-save", "tag")
    same = curl_of_ada.get("--etag-compare", "tag")
    curl_of_ada.put(b"two")
    other = curl_of_ada.get("--etag-compare", "tag")
    assert [(told.status, told.body) for told in (first, same, other)] == [
        (200, b"one"),
        (304, b""),
        (200, b"two"),
    ]


def test_what_is_no_newer_than_its_file_is_not_sent_again(curl_of_ada: Curl) -> None:
    curl_of_ada.put(b"one")
    first = curl_of_ada.get("-R", "-o", "down")
    same = curl_of_ada.get("-z", "down", "-o", "other")
    assert (first.status, same.status) == (200, 304)


@pytest.mark.parametrize(
    ("present", "header", "status"),
    [
        (True, "If-None-Match: *", 412),
        (False, "If-None-Match: *", 201),
        (True, 'If-Match: "another"', 412),
        (False, "If-Match: *", 412),
        (True, "If-Match: *", 204),
    ],
)
def test_an_upload_has_conditions(curl_of_ada: Curl, present: bool, header: str, status: int) -> None:
    if present:
        curl_of_ada.put(b"old")
    assert curl_of_ada.put(b"new", "object", "-H", header).status == status


def test_it_asks_for_the_headers_alone(curl_of_ada: Curl) -> None:
    curl_of_ada.put(CONTENT)
    told = curl_of_ada.get("-I")
    assert (told.status, told.header("Content-Length"), told.header("Accept-Ranges")) == (
        200,
        str(len(CONTENT)),
        "bytes",
    )


def test_it_follows_to_a_container_without_the_slash(curl_of_ada: Curl) -> None:
    curl_of_ada.put(b"x")
    told = curl_of_ada("-L", curl_of_ada.box.rstrip("/") + "?children")
    assert (told.status, told.body.strip()) == (200, b'{"children": ["object"]}')


def test_it_removes_an_object(curl_of_ada: Curl) -> None:
    curl_of_ada.put(b"x")
    removed = curl_of_ada.get("-X", "DELETE")
    assert (removed.status, curl_of_ada.get().status) == (204, 404)


@pytest.mark.parametrize("name", ["with%20blank", "%C3%A9t%C3%A9", "a+b", "100%25", "semi;colon", "q%23"])
def test_a_name_is_what_it_is_called_by(curl_of_ada: Curl, name: str) -> None:
    assert curl_of_ada.put(b"x", name).status == 201
    assert curl_of_ada.get(name=name).body == b"x"

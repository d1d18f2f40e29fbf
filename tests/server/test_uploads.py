"""Uploads and names as bytes on the wire: what is cut off leaves nothing, and the gateway goes on."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.processes import peak_of, workers_of
from tests.interop.raw import Closed, Wire, once, request
from tests.server.cdmi import CONFIG, Behind, Speaker
from tests.server.conftest import SIGNED_IN
from tests.serving import Server, eventually

MIB = 1 << 20
PLAIN = ("Content-Type", "application/octet-stream")
CDMI = (("Content-Type", "application/cdmi-object"), ("X-CDMI-Specification-Version", "1.1"))


class Uploads:
    """A gateway with one container, and the folder of its values."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.speaker = Speaker(server)
        self.speaker.done("PUT", "/up/", {})
        self.folder = server.folder / "data" / "objects"

    def begin(self, path: str, *fields: tuple[str, str]) -> bytes:
        return request("PUT", f"/cdmi{path}", [*SIGNED_IN, PLAIN, *fields])

    def files(self) -> list[Path]:
        return [place for place in self.folder.rglob("*") if place.is_file()]

    def unfinished(self) -> list[Path]:
        return [place for place in self.files() if place.parent.name == "writing"]

    def require_nothing_left(self) -> None:
        eventually(lambda: not self.unfinished())
        Behind(self.server).require_consistent()


@pytest.fixture(scope="module")
def uploads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Uploads]:
    server = Server(tmp_path_factory.mktemp("uploads"), CONFIG)
    server.start()
    try:
        yield Uploads(server)
    finally:
        server.stop()


CUT = {
    "in the middle of its length": ((("Content-Length", str(4 * MIB)),), b"x" * MIB),
    "before its first byte": ((("Content-Length", "10"),), b""),
    "in the middle of a chunk": ((("Transfer-Encoding", "chunked"),), b"100000\r\n" + b"x" * 1000),
    "between two chunks": ((("Transfer-Encoding", "chunked"),), b"5\r\nhello\r\n"),
    "before the size of its last chunk ends": ((("Transfer-Encoding", "chunked"),), b"5\r\nhello\r\n0"),
    "by a chunk of no size": (
        (("Transfer-Encoding", "chunked"),),
        b"5\r\nhello\r\nxyz\r\nhello\r\n0\r\n\r\n",
    ),
}


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("there", [True, False], ids=["over a value", "anew"])
def test_an_upload_that_is_cut_off_leaves_what_was_there(uploads: Uploads, cut: str, there: bool) -> None:
    uploads.speaker.cdmi("DELETE", "/up/cut")
    if there:
        uploads.speaker.put("/up/cut", b"as it was")
    fields, body = CUT[cut]
    with Wire(uploads.server.port) as wire:
        wire.send(uploads.begin("/up/cut", *fields) + body)
        wire.half_close()
        try:
            assert wire.receive().status == 400
        except Closed:
            assert not there or uploads.speaker.get("/up/cut").status_code == 200
    answer = uploads.speaker.get("/up/cut")
    assert (answer.status_code, answer.content) == (200, b"as it was") if there else answer.status_code == 404
    uploads.require_nothing_left()


def test_a_slow_upload_that_is_cut_while_its_value_is_being_written_leaves_nothing(uploads: Uploads) -> None:
    with Wire(uploads.server.port) as wire:
        wire.send(uploads.begin("/up/slow", ("Content-Length", str(8 * MIB))))
        wire.send(b"x" * (2 * MIB))
        eventually(lambda: any(place.stat().st_size for place in uploads.unfinished()))
        assert uploads.speaker.get("/up/slow").status_code == 404
    uploads.require_nothing_left()
    assert uploads.speaker.get("/up/slow").status_code == 404


def test_slow_uploads_on_every_thread_do_not_keep_the_next_from_an_answer_once_they_are_cut(
    uploads: Uploads,
) -> None:
    wires = [Wire(uploads.server.port) for _ in range(8)]
    for number, wire in enumerate(wires):
        wire.send(uploads.begin(f"/up/slow{number}", ("Content-Length", "1000")) + b"x")
    for wire in wires:
        wire.__exit__()
    assert uploads.speaker.put("/up/next", b"x").status_code in (201, 204)
    assert not [name for name in uploads.speaker.children("/up/") if name.startswith("slow")]
    uploads.require_nothing_left()


def test_what_comes_behind_the_length_is_not_of_the_value(uploads: Uploads) -> None:
    with Wire(uploads.server.port) as wire:
        wire.send(uploads.begin("/up/longer", ("Content-Length", "5")) + b"helloGARBAGE")
        assert wire.receive().status in (201, 204)
    assert uploads.speaker.get("/up/longer").content == b"hello"


def test_chunks_of_any_size_come_to_one_value(uploads: Uploads) -> None:
    parts = [os.urandom(size) for size in (1, 70_000, 3, 2 * MIB, 11)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    told = once(uploads.server.port, uploads.begin("/up/chunks", ("Transfer-Encoding", "chunked")) + body)
    assert told.status == 201
    assert uploads.speaker.get("/up/chunks").content == b"".join(parts)


def test_an_upload_that_is_refused_is_not_read_and_nothing_of_it_kept(uploads: Uploads) -> None:
    with Wire(uploads.server.port) as wire:
        wire.send(uploads.begin("/nowhere/a", ("Content-Length", str(64 * MIB))) + b"x" * 1000)
        assert wire.receive().status == 404
    uploads.require_nothing_left()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/up/a%2Fb", 400),
        ("/up/a%3Fb", 400),
        ("/up/%2E", 400),
        ("/up/%2E%2E", 400),
        ("/up/..", 400),
        ("/up/a%00b", 400),
        ("/up/%FF%FE", 400),
        ("/up/%C3", 400),
        ("/up/" + "x" * 1025, 400),
        ("/up/" + "%C3%A9" * 513, 400),
        ("/up/" + "/".join("x" * 200), 400),
        ("/up/" + "x" * 1024, 201),
        ("/up/%C3%A9%20%23%25", 201),
        ("/up/...", 201),
        ("/up/%F0%9F%92%BE", 201),
        ("/up/a;b=c,d&e:f+g~'\"", 201),
    ],
)
def test_a_name_is_kept_as_it_is_or_refused(uploads: Uploads, target: str, status: int) -> None:
    before = uploads.speaker.children("/up/")
    told = once(uploads.server.port, uploads.begin(target, ("Content-Length", "2")) + b"hi")
    assert told.status == status, told.text
    if status == 400:
        assert uploads.speaker.children("/up/") == before
        return
    back = once(uploads.server.port, request("GET", f"/cdmi{target}", SIGNED_IN))
    gone = once(uploads.server.port, request("DELETE", f"/cdmi{target}", SIGNED_IN), head=True)
    assert (back.body, gone.status) == (b"hi", 204)


def test_ten_thousand_children_are_listed_whole_and_in_pages(uploads: Uploads) -> None:
    children = [
        {"objectType": "application/cdmi-object", "objectName": f"n{number:05}", "value": ""}
        for number in range(9_999)
    ]
    tree = {"objectType": "application/cdmi-container", "children": children}
    given = base64.b64encode(json.dumps(tree).encode()).decode()
    uploads.speaker.done("PUT", "/many/", {"deserializevalue": given})
    uploads.speaker.put("/many/last", b"")
    names = ["last", *(f"n{number:05}" for number in range(9_999))]
    whole = uploads.speaker.done("GET", "/many/", query="childrenrange;children").json()
    assert (whole["children"], whole["childrenrange"]) == (names, "0-9999")
    paged: list[str] = []
    for first in range(0, 10_000, 3_000):
        found = uploads.speaker.done("GET", "/many/", query=f"children:{first}-{first + 2_999}").json()
        paged += found["children"]
    assert paged == names
    uploads.speaker.done("DELETE", "/many/")
    uploads.require_nothing_left()


def nested(depth: int) -> bytes:
    return b'{"metadata": {"a": ' + b"[" * depth + b"]" * depth + b'}, "value": ""}'


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ("", json.dumps({"metadata": {f"n{n}": "x" * 60_000 for n in range(17)}}).encode(), 201),
        ("", nested(64), 201),
        ("", nested(100_000), 400),
        ("", b'{"value": "eA=", "valuetransferencoding": "base64"}', 400),
        ("", b'{"value": "e A==", "valuetransferencoding": "base64"}', 400),
        ("", b'{"value": "eA==\\n", "valuetransferencoding": "base64"}', 400),
        ("", b'{"value": "\xff"}', 400),
        ("?value:-5-1", b'{"value": "eA=="}', 400),
        ("?value:5-", b'{"value": "eA=="}', 400),
        ("?value:-5", b'{"value": "eA=="}', 400),
        ("?value:3-2", b'{"value": "eA=="}', 400),
        ("?value:0-0;value:0-0", b'{"value": "eA=="}', 400),
        ("?value:0-1;value:1-2", b'{"value": "eA=="}', 400),
        ("?value:0-5", b'{"value": "eA=="}', 400),
        ("?value:99999999999999999999-99999999999999999999", b'{"value": "eA=="}', 400),
        ("?value:999999999999999999-999999999999999999", b'{"value": "eA=="}', 413),
    ],
)
def test_a_document_is_taken_whole_or_refused(uploads: Uploads, query: str, body: bytes, status: int) -> None:
    told = once(uploads.server.port, request("PUT", f"/cdmi/up/document{query}", [*SIGNED_IN, *CDMI], body))
    assert told.status == status, told.text
    assert uploads.speaker.cdmi("DELETE", "/up/document").status_code == (204 if status == 201 else 404)


@pytest.mark.parametrize(
    ("header", "status", "content"),
    [
        ("bytes=-0", 416, None),
        ("bytes=--5", 200, b"0123456789"),
        ("bytes=0-1,1-2", 206, None),
        ("bytes=9-99999999999999999999999", 206, b"9"),
        ("bytes=9-9999999999999999999", 206, b"9"),
    ],
)
def test_a_range_that_is_odd_is_ignored_or_refused(
    uploads: Uploads, header: str, status: int, content: bytes | None
) -> None:
    uploads.speaker.put("/up/digits", b"0123456789")
    told = once(uploads.server.port, request("GET", "/cdmi/up/digits", [*SIGNED_IN, ("Range", header)]))
    assert told.status == status
    assert content is None or told.body == content


def test_a_large_value_goes_through_workers_that_stay_small(uploads: Uploads) -> None:
    server, size = uploads.server, 256 * MIB
    block = os.urandom(MIB)
    for _ in range(20):  # each worker has done such things already
        uploads.speaker.put("/up/large", b"")
        uploads.speaker.get("/up/large")
    before = {pid: peak_of(pid) for pid in workers_of(server.pid)}
    sent = uploads.speaker.put("/up/large", (block for _ in range(size // MIB)))
    assert sent.status_code == 204
    with uploads.speaker.session.get(f"{uploads.speaker.url}/up/large", stream=True, timeout=60) as answer:
        assert sum(len(part) for part in answer.iter_content(MIB) if part == block) == size
    part = uploads.speaker.put("/up/large", block, Content_Range=f"bytes {size // 2}-{size // 2 + MIB - 1}/*")
    assert part.status_code == 204
    assert set(workers_of(server.pid)) == set(before)
    assert max(peak_of(pid) - was for pid, was in before.items()) < 32 * MIB
    uploads.speaker.done("DELETE", "/up/large")

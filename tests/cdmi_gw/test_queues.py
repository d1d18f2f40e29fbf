"""Queues over the wire (CDMI 11)."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from tests.cdmi_gw.conftest import QUEUE, VERSION, Cdmi


@pytest.fixture
def q(ada: Cdmi) -> Cdmi:
    """A user with a queue of three values."""
    assert ada.queue("PUT", "/lab/q", {"metadata": {"a": "b"}}).status == 201
    values = {
        "value": ["one", base64.b64encode(b"\0two").decode(), "three"],
        "valuetransferencoding": ["utf-8", "base64", "utf-8"],
        "mimetype": ["text/plain", "application/x-two", "Text/Plain"],
    }
    assert ada.queue("POST", "/lab/q", values).status == 204
    return ada


def test_a_new_queue_says_that_it_is_empty(ada: Cdmi) -> None:
    answer = ada.queue("PUT", "/lab/new", {})
    made = json.loads(answer.body)
    assert (answer.status, made["objectType"], made["queueValues"]) == (201, QUEUE, "")
    read = ada.read("/lab/new")
    assert read["queueValues"] == ""
    assert not read.keys() & {"value", "valuerange", "mimetype", "valuetransferencoding"}
    assert ada.children("/lab/") == ["new"]


def test_the_oldest_value_is_shown_and_stays(q: Cdmi) -> None:
    for _ in range(2):
        read = q.read("/lab/q")
        assert (read["queueValues"], read["value"], read["valuerange"]) == ("0-2", ["one"], ["0-2"])
        assert (read["mimetype"], read["valuetransferencoding"]) == (["text/plain"], ["utf-8"])
    assert list(read)[-2:] == ["valuerange", "value"]


def test_so_many_values_are_shown_as_are_asked_for(q: Cdmi) -> None:
    read = q.read("/lab/q?mimetype;valuetransferencoding;values:2")
    assert read == {
        "mimetype": ["text/plain", "application/x-two"],
        "valuetransferencoding": ["utf-8", "base64"],
        "value": ["one", base64.b64encode(b"\0two").decode()],
    }
    assert len(q.read("/lab/q?values:500")["value"]) == 3


def test_a_part_of_the_oldest_value_is_base64(q: Cdmi) -> None:
    assert q.read("/lab/q?value:0-1") == {"value": [base64.b64encode(b"on").decode()]}


@pytest.mark.parametrize(
    ("query", "left", "status"),
    [
        ("value", "1-2", 204),
        ("values:2", "2-2", 204),
        ("values:50", "", 204),
        ("values:0-1", "2-2", 204),
        ("values:0-50", "", 204),
        ("values:1-2", "0-2", 400),
        ("values:x", "0-2", 400),
        ("metadata", "0-2", 400),
        ("value:0-1", "0-2", 400),
    ],
)
def test_values_are_taken_out_from_the_oldest_on(q: Cdmi, query: str, left: str, status: int) -> None:
    assert q.cdmi("DELETE", f"/lab/q?{query}").status == status
    assert q.read("/lab/q?queueValues")["queueValues"] == left


def test_taking_out_what_is_gone_already_takes_nothing_more(q: Cdmi) -> None:
    for _ in range(2):
        assert q.cdmi("DELETE", "/lab/q?values:0-0").status == 204
    assert q.read("/lab/q?queueValues")["queueValues"] == "1-2"


def test_a_designator_is_never_given_twice(q: Cdmi) -> None:
    q.cdmi("DELETE", "/lab/q?values:3")
    q.queue("POST", "/lab/q", {"value": ["four"]})
    assert q.read("/lab/q?queueValues;value") == {"queueValues": "3-3", "value": ["four"]}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"value": "one"},
        {"value": [1]},
        {"value": ["a"], "mimetype": ["text/plain", "text/plain"]},
        {"value": ["a"], "mimetype": "text/plain"},
        {"value": ["a"], "valuetransferencoding": ["rot13"]},
        {"value": ["a", "*"], "valuetransferencoding": ["utf-8", "base64"]},
        {"value": ["a"], "copy": "/lab/a"},
        {"copy": "/lab/nothing"},
        {"copy": "/lab/"},
        {"copy": "/lab/q"},
        {"value": ["x"] * 1001},
    ],
)
def test_values_that_are_none_are_refused_all_together(q: Cdmi, document: dict[str, Any]) -> None:
    assert q.queue("POST", "/lab/q", document).status == 400
    assert q.read("/lab/q?queueValues")["queueValues"] == "0-2"


def test_a_data_object_is_copied_and_moved_into_a_queue(q: Cdmi) -> None:
    q.cdmi("PUT", "/lab/a", {"value": "from a", "mimetype": "text/x-a"})
    assert q.queue("POST", "/lab/q", {"copy": "/lab/a"}).status == 204
    assert q.queue("POST", "/lab/q", {"move": "/lab/a"}).status == 204
    read = q.read("/lab/q?values:9;mimetype")
    assert (read["value"][3:], read["mimetype"][3:]) == (["from a"] * 2, ["text/x-a"] * 2)
    assert q.cdmi("GET", "/lab/a").status == 404


def test_values_are_moved_from_queue_to_queue_in_their_order(q: Cdmi) -> None:
    q.queue("PUT", "/lab/p", {})
    assert q.queue("POST", "/lab/p", {"move": "/lab/q?values:2"}).status == 204
    assert q.read("/lab/p?queueValues;valuetransferencoding;values:9")["valuetransferencoding"] == [
        "utf-8",
        "base64",
    ]
    assert q.read("/lab/q?queueValues")["queueValues"] == "2-2"


def test_a_queue_is_copied_with_its_values_and_moved_whole(q: Cdmi) -> None:
    assert q.queue("PUT", "/lab/copy", {"copy": "/lab/q"}).status == 201
    before = q.read("/lab/q")["objectID"]
    assert q.queue("PUT", "/lab/moved", {"move": "/lab/q"}).status == 201
    copy, moved = q.read("/lab/copy?values:9;queueValues"), q.read("/lab/moved")
    assert (copy["queueValues"], len(copy["value"]), moved["objectID"]) == ("0-2", 3, before)


def test_a_queue_is_copied_into_one_data_object(q: Cdmi) -> None:
    assert q.cdmi("PUT", "/lab/all", {"copy": "/lab/q"}).status == 201
    assert q.value("/lab/all") == b"one\0twothree"


def test_a_queue_is_read_and_filled_in_parts(q: Cdmi) -> None:
    headers = {**VERSION, "Accept": "multipart/mixed"}
    answer = q.client.request("GET", "/cdmi/lab/q?values:2;queueValues", b"", headers)
    assert answer.headers["content-type"].startswith("multipart/mixed; boundary=")
    assert b"\r\n\r\none\r\n" in answer.body
    assert b"\r\n\r\n\0two\r\n" in answer.body
    body = (
        b"--z\r\nContent-Type: application/cdmi-queue\r\n\r\n{}\r\n"
        b"--z\r\nContent-Type: image/x\r\n\r\n\xff\xfe\r\n"
        b"--z\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nlast\r\n--z--\r\n"
    )
    headers = {**VERSION, "Content-Type": "multipart/mixed; boundary=z"}
    assert q.client.request("POST", "/cdmi/lab/q", body, headers).status == 204
    read = q.read("/lab/q?values:9;mimetype")
    assert (read["value"][3:], read["mimetype"][3:]) == (["//4=", "last"], ["image/x", "text/plain"])


def test_a_queue_goes_with_all_its_values(q: Cdmi) -> None:
    assert q.cdmi("DELETE", "/lab/q").status == 204
    assert q.cdmi("GET", "/lab/q").status == 404
    assert q.cdmi("GET", "/lab/").status == 200


def test_metadata_of_a_queue_is_changed(q: Cdmi) -> None:
    assert q.queue("PUT", "/lab/q?metadata:a;metadata:c", {"metadata": {"c": "d"}}).status == 204
    metadata = q.read("/lab/q")["metadata"]
    assert ("a" in metadata, metadata["c"]) == (False, "d")


def test_a_stranger_neither_reads_nor_fills_nor_empties_a_queue(q: Cdmi, bob: Cdmi) -> None:
    for answer in (
        bob.cdmi("GET", "/lab/q"),
        bob.queue("POST", "/lab/q", {"value": ["x"]}),
        bob.cdmi("DELETE", "/lab/q?value"),
    ):
        assert answer.status == 403
    assert q.read("/lab/q?queueValues")["queueValues"] == "0-2"


def test_consumers_who_take_one_at_a_time_take_each_value_once(q: Cdmi) -> None:
    q.queue("POST", "/lab/q", {"value": [str(number) for number in range(37)]})
    taken: list[int] = []

    def consume() -> None:
        while q.cdmi("DELETE", "/lab/q?value").status == 204:
            taken.append(1)
            if q.read("/lab/q?queueValues")["queueValues"] == "":
                return

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) >= 40
    assert q.read("/lab/q?queueValues")["queueValues"] == ""

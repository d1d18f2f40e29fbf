"""Bodies of several parts, series of writes, and names that the gateway gives (CDMI 6.2, 8.2, 8.6, 9.8)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdmi_gw.rendering import multipart
from tests.cdmi_gw.conftest import OBJECT, VERSION, Cdmi
from tests.client import BASE, Answer

MIXED = {**VERSION, "Content-Type": "multipart/mixed; boundary=z"}


def body(document: object, *parts: tuple[str, bytes]) -> bytes:
    head = b"--z\r\nContent-Type: application/cdmi-object\r\n\r\n" + json.dumps(document).encode() + b"\r\n"
    return head + b"".join(b"--z\r\n%s\r\n%s\r\n" % (h.encode(), c) for h, c in parts) + b"--z--\r\n"


def put(cdmi: Cdmi, path: str, content: bytes, method: str = "PUT") -> Answer:
    return cdmi.client.request(method, f"/cdmi{path}", content, MIXED)


def test_an_object_is_made_of_a_document_and_a_part(ada: Cdmi) -> None:
    content = body({"metadata": {"a": "b"}}, ("Content-Type: image/PNG\r\n", b"\0\r\n--y\r\n"))
    answer = put(ada, "/lab/a", content)
    assert answer.status == 201, answer.text
    read = ada.read("/lab/a")
    assert (read["mimetype"], read["metadata"]["a"], read["valuetransferencoding"]) == (
        "image/png",
        "b",
        "base64",
    )
    assert ada.value("/lab/a") == b"\0\r\n--y\r\n"


def test_parts_follow_one_another_unless_they_say_where_they_are(ada: Cdmi) -> None:
    text = "Content-Type: text/plain; charset=utf-8\r\n"
    placed = f"{text}Content-Range: bytes 8-9/*\r\n"
    put(ada, "/lab/a", body({}, (text, b"one"), (text, b"two"), (placed, b"xy"), (text, b"z")))
    assert ada.value("/lab/a") == b"onetwo\0\0xyz"
    assert ada.read("/lab/a")["valuetransferencoding"] == "utf-8"


def test_a_part_that_says_where_it_is_changes_that_part(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "0123456789"})
    answer = put(ada, "/lab/a", body({"metadata": {"n": "1"}}, ("Content-Range: bytes 2-4/10\r\n", b"abc")))
    assert (answer.status, ada.value("/lab/a")) == (204, b"01abc56789")
    assert ada.read("/lab/a")["metadata"]["n"] == "1"


def test_a_document_alone_makes_or_changes_an_object(ada: Cdmi) -> None:
    assert put(ada, "/lab/a", body({"metadata": {"n": "1"}})).status == 201
    assert put(ada, "/lab/a", body({"metadata": {"n": "2"}})).status == 204
    assert (ada.read("/lab/a")["metadata"]["n"], ada.value("/lab/a")) == ("2", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"--z--\r\n",
        b"no boundary",
        body({}, ("", b"x"))[:-6],
        body({}, ("", b"x"))[:60],
        body([], ("", b"x")),
        body({"value": "x"}, ("", b"x")),
        body({}, ("Content-Range: bytes x\r\n", b"x")),
        body({}, ("Content-Range: bytes 0-5/*\r\n", b"x")),
        body({}, ("no header\r\n", b"x")),
        body({}).replace(b"cdmi-object", b"cdmi-queue"),
    ],
)
def test_what_is_not_made_of_parts_is_a_bad_request_and_makes_nothing(ada: Cdmi, content: bytes) -> None:
    assert put(ada, "/lab/a", content).status == 400
    assert ada.children("/lab/") == []


def test_a_boundary_that_only_the_body_tells_is_found(ada: Cdmi) -> None:
    headers = {**VERSION, "Content-Type": "multipart/mixed"}
    content = b"MIME-Version: 1.0\r\n\r\n" + body({}, ("", b"x"))
    assert ada.client.request("PUT", "/cdmi/lab/a", content, headers).status == 201
    assert ada.value("/lab/a") == b"x"


def test_ranges_of_a_value_are_read_in_parts(ada: Cdmi) -> None:
    ada.cdmi("PUT", "/lab/a", {"value": "0123456789"})
    headers = {**VERSION, "Accept": "multipart/mixed"}
    answer = ada.client.request("GET", "/cdmi/lab/a?mimetype;value:0-1;value:8-50", b"", headers)
    boundary = multipart.boundary_of(answer.headers["content-type"])
    found = [(dict(h), b"".join(c)) for h, c in multipart.parts([answer.body], boundary)]
    assert json.loads(found[0][1]) == {"mimetype": "text/plain"}
    assert [(h["content-range"], c) for h, c in found[1:]] == [
        ("bytes 0-1/10", b"01"),
        ("bytes 8-9/10", b"89"),
    ]


@given(
    st.lists(st.binary(max_size=40), max_size=5),
    st.integers(1, 20),
)
def test_what_is_written_in_parts_is_read_in_parts_however_it_is_cut(every: list[bytes], size: int) -> None:
    boundary = "0123456789abcdef"
    content = b"".join(multipart.written(boundary, [({"Content-Type": "a/b"}, [one]) for one in every]))
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    found = [(dict(h), b"".join(c)) for h, c in multipart.parts(blocks, boundary.encode())]
    assert found == [({"content-type": "a/b"}, one) for one in every]


class TestASeriesOfWrites:
    def test_is_processing_until_the_last(self, ada: Cdmi) -> None:
        first = ada.http("PUT", "/lab/a", b"one", Content_Type="text/plain", X_CDMI_Partial="true")
        pending = ada.read("/lab/a")
        assert (first.status, pending["completionStatus"]) == (201, "Processing")
        assert not pending.keys() & {"value", "valuerange"}
        ada.http("PUT", "/lab/a", b"two", Content_Range="bytes 3-5/*", X_CDMI_Partial="true")
        assert ada.read("/lab/a")["completionStatus"] == "Processing"
        ada.http("PUT", "/lab/a", b"end", Content_Range="bytes 6-8/*", X_CDMI_Partial="false")
        assert ada.read("/lab/a")["completionStatus"] == "Complete"
        assert ada.value("/lab/a") == b"onetwoend"

    def test_is_ended_by_a_document_too(self, ada: Cdmi) -> None:
        ada.cdmi("PUT", "/lab/a", {"value": "x"}, X_CDMI_Partial="true")
        assert ada.read("/lab/a")["completionStatus"] == "Processing"
        ada.cdmi("PUT", "/lab/a", {"metadata": {}})
        assert ada.read("/lab/a")["value"] == "x"

    def test_takes_no_other_word(self, ada: Cdmi) -> None:
        assert ada.http("PUT", "/lab/a", b"x", X_CDMI_Partial="maybe").status == 400


class TestAPost:
    def test_names_an_object_by_its_id(self, ada: Cdmi) -> None:
        headers = {**VERSION, "Content-Type": OBJECT}
        answer = ada.client.request("POST", "/cdmi/lab/", b'{"value": "x"}', headers)
        made = json.loads(answer.body)
        assert (answer.status, made["objectName"]) == (201, made["objectID"])
        assert answer.headers["location"] == f"{BASE}/cdmi/lab/{made['objectID']}"
        assert ada.value(f"/lab/{made['objectID']}") == b"x"

    def test_makes_an_object_of_a_plain_body(self, ada: Cdmi) -> None:
        answer = ada.http("POST", "/lab/", b"\1\2", Content_Type="image/png")
        path = answer.headers["location"].removeprefix(f"{BASE}/cdmi")
        assert (answer.status, ada.value(path)) == (201, b"\1\2")

    def test_makes_the_file_of_a_form_under_its_name(self, ada: Cdmi) -> None:
        form = (
            b'--f\r\nContent-Disposition: form-data; name="note"\r\n\r\nx\r\n'
            b'--f\r\nContent-Disposition: form-data; name="file"; filename="C:\\dir\\a.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\nhello\r\n--f--\r\n"
        )
        answer = ada.http("POST", "/lab/", form, Content_Type="multipart/form-data; boundary=f")
        assert (answer.status, ada.value("/lab/a.txt")) == (201, b"hello")

    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [
            ("/lab/", {}, 400),
            ("/lab/", {"Content-Type": "application/cdmi-container"}, 400),
            ("/lab/a", {"Content-Type": "text/plain"}, 405),
            ("/lab/none/", {"Content-Type": "text/plain"}, 404),
            ("/cdmi_capabilities/", {"Content-Type": "text/plain"}, 405),
            ("/cdmi_domains/", {"Content-Type": "application/cdmi-domain"}, 405),
        ],
    )
    def test_that_makes_nothing_is_refused(
        self, ada: Cdmi, path: str, headers: dict[str, str], status: int
    ) -> None:
        ada.cdmi("PUT", "/lab/a", {"value": "x"})
        assert ada.client.request("POST", f"/cdmi{path}", b"x", headers).status == status
        assert ada.children("/lab/") == ["a"]

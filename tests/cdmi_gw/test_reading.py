"""Values by plain HTTP: several ranges in one answer, and what the client has already."""

from __future__ import annotations

import re

import pytest

from tests.cdmi_gw.conftest import Cdmi

VALUE = b"0123456789"


@pytest.fixture
def stored(ada: Cdmi) -> Cdmi:
    assert ada.http("PUT", "/lab/o", VALUE, Content_Type="text/plain").status == 201
    return ada


def test_several_ranges_are_the_parts_of_one_answer(stored: Cdmi) -> None:
    answer = stored.http("GET", "/lab/o", Range="bytes=0-1, 5-5, -2")
    media_type, _, boundary = answer.headers["content-type"].partition("; boundary=")
    assert (answer.status, media_type) == (206, "multipart/byteranges")
    assert answer.body.split(b"--" + boundary.encode())[1:] == [
        b"\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n",
        b"\r\nContent-Type: text/plain\r\nContent-Range: bytes 5-5/10\r\n\r\n5\r\n",
        b"\r\nContent-Type: text/plain\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n",
        b"--\r\n",
    ]


def test_of_several_ranges_those_that_are_there_are_sent(stored: Cdmi) -> None:
    answer = stored.http("GET", "/lab/o", Range="bytes=20-30,3-4,40-")
    assert (answer.status, answer.headers["content-range"], answer.body) == (206, "bytes 3-4/10", b"34")


@pytest.mark.parametrize("asked", ["bytes=20-30,40-", "bytes=-0"])
def test_ranges_behind_the_end_are_refused(stored: Cdmi, asked: str) -> None:
    answer = stored.http("GET", "/lab/o", Range=asked)
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */10")


@pytest.mark.parametrize(
    "asked",
    ["bytes=0-5,0-5", "bytes=0-1,x", "bytes=3-1,0-0", "lines=0-1", "bytes=-", "bytes=" + "0-0," * 64 + "0-0"],
)
def test_ranges_that_are_none_or_too_many_do_not_count(stored: Cdmi, asked: str) -> None:
    answer = stored.http("GET", "/lab/o", Range=asked)
    assert (answer.status, answer.body) == (200, VALUE)


def test_what_has_not_changed_since_is_not_sent(stored: Cdmi) -> None:
    known = stored.http("GET", "/lab/o").headers["last-modified"]
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", known)
    answer = stored.http("GET", "/lab/o", If_Modified_Since=known)
    assert (answer.status, answer.body) == (304, b"")


@pytest.mark.parametrize("since", ["Thu, 01 Jan 1970 00:00:00 GMT", "yesterday", ""])
def test_what_has_changed_since_is_sent(stored: Cdmi, since: str) -> None:
    assert stored.http("GET", "/lab/o", If_Modified_Since=since).status == 200


def test_a_tag_counts_more_than_a_time(stored: Cdmi) -> None:
    known = stored.http("GET", "/lab/o").headers["last-modified"]
    assert stored.http("GET", "/lab/o", If_Modified_Since=known, If_None_Match='"x"').status == 200

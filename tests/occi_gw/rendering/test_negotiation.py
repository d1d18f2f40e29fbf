"""Accept, Content-Type and User-Agent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from occi_gw.rendering.negotiation import (
    READABLE,
    WRITABLE,
    client_version,
    negotiate,
    request_type,
)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "text/plain"),
        ("", "text/plain"),
        (" ", "text/plain"),
        ("*/*", "text/plain"),
        ("text/*", "text/plain"),
        ("*", "text/plain"),
        ("text/plain", "text/plain"),
        ("text/occi+plain", "text/occi+plain"),
        ("text/occi", "text/occi"),
        ("text/uri-list", "text/uri-list"),
        ("application/occi+json", "application/occi+json"),
        ("application/json", "application/json"),
        ("application/*", "application/occi+json"),
        ("TEXT/OCCI", "text/occi"),
        ("text/occi; charset=utf-8", "text/occi"),
        (" text/occi ;q=0.5", "text/occi"),
        ("text/plain,text/occi;q=0.2", "text/plain"),
        ("text/plain,text/occi", "text/plain"),
        ("text/occi,text/plain", "text/occi"),
        ("text/plain;q=0.2,text/occi", "text/occi"),
        ("text/plain;q=0.2 , text/occi ; q = 0.3", "text/occi"),
        ("text/plain;Q=0.2,text/occi;q=.3", "text/occi"),
        ("text/plain;q=0.999,text/occi;q=1", "text/occi"),
        ("text/plain;q=0.5,text/occi;q=0.50", "text/plain"),
        ("text/plain;q=1.0,text/occi;q=7", "text/plain"),
        ("text/plain;q=0,text/occi;q=0.1", "text/occi"),
        ("*/*, application/json", "text/plain"),
        ("application/json, */*", "application/json"),
        ("application/json;q=0.9, */*", "text/plain"),
        ("*/*, text/plain;q=0", "text/occi+plain"),
        ("text/*, text/plain;q=0.1, text/occi+plain;q=0.2", "text/occi"),
        ("text/*;q=0.3, */*;q=0.8", "application/occi+json"),
        ("text/html, text/occi", "text/occi"),
        ("text/html, */*;q=0.1", "text/plain"),
        ("image/png,*;q=0.2", "text/plain"),
        ("text/occi;q=0.3,text/plain;q=0.5,text/occi;q=0.8", "text/occi"),
        ("text/occi;q=0.8,text/plain;q=0.5,text/occi;q=0.3", "text/occi"),
        ("text/occi;q=1,text/plain", "text/occi"),
        ("text/occi,text/plain,text/occi", "text/occi"),
        ("text/html", None),
        ("text/plain;q=0", None),
        ("*/*;q=0", None),
        ("*/*;q=0.0", None),
        ("text/plainx", None),
        ("xtext/plain", None),
        ("image/*", None),
    ],
)
def test_the_preferred_type_is_chosen(accept: str | None, chosen: str | None) -> None:
    assert negotiate(accept) == chosen


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("garbage", "text/plain"),
        ("text", "text/plain"),
        (",,;;,", "text/plain"),
        ("/plain", "text/plain"),
        ("text/", "text/plain"),
        ("text/plain/occi", "text/plain"),
        ("garbage, text/occi", "text/occi"),
        ("text occi, text/occi", "text/occi"),
        ("text/occi;q=high, text/plain;q=0.9", "text/occi"),
        ("text/occi;q=-1, text/plain;q=0.9", "text/occi"),
        ("text/occi;q=, text/plain;q=0.9", "text/occi"),
        ("text/occi;xq=0.1, text/plain;q=0.9", "text/occi"),
        ("text/occi;q=0.1x, text/plain;q=0.9", "text/occi"),
        ('text/occi;a="b,c";q=0.1', "text/occi"),
        ("text/occi;q=\u0661", "text/occi"),
    ],
)
def test_what_is_malformed_counts_as_not_sent(accept: str, chosen: str) -> None:
    assert negotiate(accept) == chosen


def test_the_first_offered_is_the_default() -> None:
    assert negotiate(None, ["text/occi", "text/plain"]) == "text/occi"


def test_what_is_not_offered_is_not_chosen() -> None:
    assert negotiate("text/plain", ["text/uri-list"]) is None


def test_a_wildcard_chooses_the_first_offered_of_its_type() -> None:
    assert negotiate("text/*", ["application/json", "text/uri-list", "text/plain"]) == "text/uri-list"


def test_the_hundredth_range_counts() -> None:
    assert negotiate("a/b," * 99 + "text/occi") == "text/occi"


def test_ranges_behind_the_hundredth_do_not_count() -> None:
    assert negotiate("a/b," * 100 + "text/occi") is None


@given(st.text() | st.text('*/;,q=.01 textoccipln"+-'))
def test_any_accept_gives_an_offered_type_or_none(accept: str) -> None:
    assert negotiate(accept) in (*WRITABLE, None)


@pytest.mark.parametrize(
    ("content_type", "chosen"),
    [
        ("text/plain", "text/plain"),
        ("text/occi+plain", "text/occi+plain"),
        ("text/occi", "text/occi"),
        ("application/occi+json", "application/occi+json"),
        ("application/json", "application/json"),
        ("text/plain,text/occi", "text/plain"),
        ("text/html, text/occi", "text/occi"),
        (" TEXT/Plain ; charset=utf-8", "text/plain"),
        ("text/uri-list", None),
        ("application/x-www-form-urlencoded", None),
        ("garbage", None),
        (";charset=utf-8, garbage", None),
    ],
)
@pytest.mark.parametrize("structures", [True, False])
def test_the_first_known_content_type_counts(content_type: str, chosen: str | None, structures: bool) -> None:
    assert request_type(content_type, structures) == chosen


@pytest.mark.parametrize("content_type", [None, "", " ", ",", ";charset=utf-8"])
def test_without_a_content_type_the_headers_decide(content_type: str | None) -> None:
    assert request_type(content_type, True) == "text/occi"
    assert request_type(content_type, False) == "text/plain"


@given(st.text(), st.booleans())
def test_any_content_type_gives_a_readable_type_or_none(content_type: str, structures: bool) -> None:
    assert request_type(content_type, structures) in (*READABLE, None)


@pytest.mark.parametrize(
    ("user_agent", "version"),
    [
        (None, None),
        ("", None),
        ("curl/7.88", None),
        ("OCCI/1.1", (1, 1)),
        ("OCCI/1.2", (1, 2)),
        ("OCCI/2.2", (2, 2)),
        ("OCCI/1.10", (1, 10)),
        ("rOCCI-core/4.3.6 rOCCI-api/4.3.14 OCCI/1.1 ruby-2.3", (1, 1)),
        ("occi-client/1.1 (linux) libcurl/7.19.4 OCCI/1.1", (1, 1)),
        ("client (OCCI/1.1; linux)", (1, 1)),
        ("fooOCCI/9.9bar", None),
        ("OCCI/9.9bar", None),
        ("fooOCCI/9.9", None),
        ("foo-OCCI/9.9", None),
        ("foo.OCCI/9.9", None),
        ("a/OCCI/9.9", None),
        ("OCCI/1.1.1", None),
        ("OCCI/1.1-beta", None),
        ("OCCI/1.1/x", None),
        ("OCCI/1", None),
        ("OCCI/12345.1", None),
        ("OCCI/1.12345", None),
        ("OCCI/9999.9999", (9999, 9999)),
        ("OCCI/\u0661.1", None),
        ("occi/1.1", None),
        ("OCCI/1.1 OCCI/1.2", (1, 2)),
        ("OCCI/1.2 OCCI/1.1", (1, 2)),
        ("OCCI/1.2 OCCI/2.0", (1, 2)),
        ("OCCI/2.0 OCCI/1.1", (1, 1)),
        ("OCCI/3.0 OCCI/2.0", (2, 0)),
        ("OCCI/1.0", (1, 0)),
    ],
)
def test_the_version_is_a_whole_word(user_agent: str | None, version: tuple[int, int] | None) -> None:
    assert client_version(user_agent) == version

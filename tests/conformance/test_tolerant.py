"""The forgiving reader: the same things out of every way in which servers write them."""

from __future__ import annotations

import pytest

from conformance.exchange import Header, Response
from conformance.occi import tolerant


def answer(content_type: str, body: str = "", *headers: Header) -> Response:
    return Response(200, "OK", (("Content-Type", content_type), *headers), body.encode())


@pytest.mark.parametrize(
    "response",
    [
        answer("text/plain", 'X-OCCI-Attribute: a="x, y"\nX-OCCI-Attribute: b=2\n'),
        answer("text/plain; charset=utf-8", '\r\nx-occi-attribute : a = "x, y" , b=2'),
        answer("text/occi", "OK", ("X-OCCI-Attribute", 'a="x, y", b=2')),
        answer("text/occi", "OK", ("x-occi-attribute", 'a="x, y"'), ("x-occi-attribute", "b=2")),
    ],
)
def test_attributes_are_read(response: Response) -> None:
    assert tolerant.read(response).attributes == {"a": "x, y", "b": "2"}


@pytest.mark.parametrize(
    "line",
    [
        'Category: start; scheme="http://x#"; class="action"; rel="http://x#p"; attributes="m n{required}"',
        'category:start;class=action;scheme="http://x#";attributes="m n{required}";rel="http://x#p";',
        'X-OCCI-Category: start; attributes="m{immutable} n"; scheme="http://x#"; class=action; rel="http://x#p"',
    ],
)
def test_a_category_is_read(line: str) -> None:
    found = tolerant.read(answer("text/plain", line)).categories[0]
    assert (found.id, found.class_, found.rel) == ("http://x#start", "action", ("http://x#p",))
    assert found.attributes == ("m", "n")


def test_a_link_is_read() -> None:
    line = 'Link: </storage/1>; rel="http://x#s"; self="/l/1"; a.b="c; d"'
    found = tolerant.read(answer("text/plain", line)).links[0]
    assert found.target == "/storage/1"
    assert found.parameters == {"rel": "http://x#s", "self": "/l/1", "a.b": "c; d"}


@pytest.mark.parametrize(
    "response",
    [
        answer("text/plain", "", ("Location", "http://h/compute/1")),
        answer("text/plain", "X-OCCI-Location: http://h/compute/1\n"),
        answer("text/occi", "OK", ("X-OCCI-Location", "http://h/compute/1")),
        answer("text/uri-list", "http://h/compute/1\r\n"),
    ],
)
def test_what_was_made_is_found(response: Response) -> None:
    assert tolerant.created_uri(response) == "http://h/compute/1"


def test_a_resource_rendering_names_nothing_made() -> None:
    assert tolerant.created_uri(answer("text/plain", 'X-OCCI-Attribute: occi.core.id="1"\n')) == ""


@pytest.mark.parametrize(
    "response",
    [
        answer("text/plain", "X-OCCI-Location: /a/1\nX-OCCI-Location: /a/2\n"),
        answer("text/occi", "OK", ("X-OCCI-Location", "/a/1, /a/2")),
        answer("text/uri-list", "# comment\r\n/a/1\r\n/a/2\r\n"),
    ],
)
def test_a_listing_is_read(response: Response) -> None:
    assert tolerant.listed(response) == ["/a/1", "/a/2"]


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "k", "id": "1"},
        [{"kind": "k", "id": "1"}],
        {"resources": [{"kind": "k", "id": "1"}]},
        {"links": [{"kind": "k", "id": "1"}], "resources": None},
    ],
)
def test_json_entities_are_found(document: object) -> None:
    assert [entity["id"] for entity in tolerant.json_entities(document)] == ["1"]


@pytest.mark.parametrize("document", ["x", 1, None, {}, ["x"], {"resources": ["http://h/1"]}])
def test_json_without_entities_has_none(document: object) -> None:
    assert tolerant.json_entities(document) == []

"""Data objects and containers by plain HTTP (6, 7, RFC 2616)."""

from __future__ import annotations

import re

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document, encoded
from conformance.exchange import Response
from conformance.framework import Body, Level, Skipped, expect, require

TEXT = (("Content-Type", "text/plain"),)
BYTES = bytes(range(256))


def ranged(ctx: CdmiContext, path: str, asked: str) -> Response:
    return ctx.http("GET", path, headers=(("Range", asked),))


@check("CDMI-HTTP-001", "bytes come back as they were sent", "6.2, 6.4")
def round_trip(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.http("PUT", path, BYTES, (("Content-Type", "application/octet-stream"),)), 201)
    expect(answered(ctx.http("GET", path), 200).body == BYTES, "other bytes")


@check("CDMI-HTTP-002", "the type of a value comes back as Content-Type and as mimetype", "6.2, 6.4")
def media_type(ctx: CdmiContext) -> None:
    path = ctx.given_bytes(b"x", "image/png")
    response = answered(ctx.http("GET", path), 200)
    expect(response.media_type == "image/png", f"Content-Type is {response.media_type!r}")
    expect(ctx.read(path).get("mimetype") == "image/png", "mimetype differs")


@check("CDMI-HTTP-003", "a value without type is application/octet-stream", "6.2")
def no_type(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.http("PUT", path, b"x"), 201)
    found = ctx.read(path).get("mimetype")
    expect(found == "application/octet-stream", f"mimetype is {found!r}")


@check("CDMI-HTTP-004", "the type is stored in lower case", "6.2, 8.2")
def lower_type(ctx: CdmiContext) -> None:
    found = ctx.read(ctx.given_bytes(b"x", "Image/PNG")).get("mimetype")
    expect(found == "image/png", f"mimetype is {found!r}")


@check("CDMI-HTTP-005", "text with charset=utf-8 is read as utf-8", "6.2; jclouds")
def charset(ctx: CdmiContext) -> None:
    found = ctx.read(ctx.given_bytes("grün".encode(), "text/plain;charset=utf-8"))
    expect(found.get("valuetransferencoding") == "utf-8", f"it is {found.get('valuetransferencoding')!r}")
    expect(found.get("value") == "grün", f"value is {found.get('value')!r}")


@check("CDMI-HTTP-006", "anything else is read as base64", "6.2")
def base64(ctx: CdmiContext) -> None:
    for kind in ("text/plain", "application/octet-stream", "text/plain; charset=iso-8859-1"):
        found = ctx.read(ctx.given_bytes(BYTES, kind))
        expect(found.get("valuetransferencoding") == "base64", f"{kind}: not base64")
        expect(found.get("value") == encoded(BYTES), f"{kind}: another value")


@check("CDMI-HTTP-007", "the charset is not part of mimetype", "osaddon", Level.CLIENT)
def charset_apart(ctx: CdmiContext) -> None:
    found = ctx.read(ctx.given_bytes(b"x", "text/plain; charset=utf-8")).get("mimetype")
    expect(found == "text/plain", f"mimetype is {found!r}")


@check("CDMI-HTTP-009", "an update is 204 and replaces value and type", "6.5")
def update(ctx: CdmiContext) -> None:
    path = ctx.given_bytes(b"one", "image/png")
    answered(ctx.http("PUT", path, b"two", TEXT), 204)
    response = ctx.http("GET", path)
    expect(response.body == b"two" and response.media_type == "text/plain", "value or type are the old ones")


@check("CDMI-HTTP-010", "an update of the value keeps the metadata", "6.5")
def metadata_kept(ctx: CdmiContext) -> None:
    path = ctx.given(metadata={"run": "17"})
    answered(ctx.http("PUT", path, b"two", TEXT), 204)
    expect(ctx.metadata(path).get("run") == "17", "the metadata are gone")


@check("CDMI-HTTP-011", "a delete is 204 and the object is gone", "6.6")
def delete(ctx: CdmiContext) -> None:
    path = ctx.given()
    answered(ctx.http("DELETE", path), 204)
    answered(ctx.http("GET", path), 404)


@check("CDMI-HTTP-012", "an empty value", "6.2")
def empty(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.http("PUT", path, b"", TEXT), 201)
    expect(answered(ctx.http("GET", path), 200).body == b"", "bytes came")


@check("CDMI-HTTP-013", "HEAD has the headers of GET and no body", "6.4, RFC 2616 9.4")
def head(ctx: CdmiContext) -> None:
    path = ctx.given_bytes(b"hello", "image/png")
    response = answered(ctx.http("HEAD", path), 200)
    expect(not response.body, "a body came")
    expect(response.header("Content-Length") in ("5", ""), "another length")
    expect(response.media_type == "image/png", f"Content-Type is {response.media_type!r}")


@check("CDMI-HTTP-014", "HEAD of what is missing is 404", "RFC 2616 9.4")
def head_missing(ctx: CdmiContext) -> None:
    answered(ctx.http("HEAD", ctx.new()), 404)


@check("CDMI-HTTP-015", "OPTIONS names the methods", "RFC 2616 9.2")
def options(ctx: CdmiContext) -> None:
    response = answered(ctx.http("OPTIONS", ctx.given()), 200, 204)
    methods = {method.strip() for method in response.header("Allow").split(",")}
    expect({"GET", "PUT", "DELETE"} <= methods, f"Allow is {response.header('Allow')!r}")


@check(
    "CDMI-HTTP-016",
    "a method that an object does not have is 405 with Allow",
    "RFC 2616 10.4.6",
    Level.SHOULD,
)
def not_allowed(ctx: CdmiContext) -> None:
    response = answered(ctx.http("TRACE", ctx.given()), 405, 501)
    expect(response.status == 501 or "GET" in response.header("Allow"), "no Allow")


def _part(asked: str, content: bytes, told: str) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        ctx.need("dataobject", "cdmi_read_value_range")
        response = answered(ranged(ctx, ctx.given("0123456789"), asked), 206)
        expect(response.body == content, f"{response.body[:80]!r} came")
        found = response.header("Content-Range")
        expect(found == f"bytes {told}/10", f"Content-Range is {found!r}")

    return run


for _number, (_title, _asked, _content, _told) in enumerate(
    (
        ("a range", "bytes=2-4", b"234", "2-4"),
        ("a range to the end", "bytes=7-", b"789", "7-9"),
        ("the last bytes", "bytes=-3", b"789", "7-9"),
        ("a range past the end is shortened", "bytes=8-20", b"89", "8-9"),
        ("one byte", "bytes=0-0", b"0", "0-0"),
    ),
    17,
):
    _clause = "6.4, RFC 2616 14.35"
    check(f"CDMI-HTTP-{_number:03}", f"Range: {_title}", _clause)(_part(_asked, _content, _told))


@check("CDMI-HTTP-022", "a Range behind the end is 416", "RFC 2616 10.4.17")
def unsatisfiable(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    response = answered(ranged(ctx, ctx.given("0123456789"), "bytes=10-"), 416)
    expect(response.header("Content-Range") in ("bytes */10", ""), "Content-Range says something else")


@check("CDMI-HTTP-023", "a Range that is none is passed over", "RFC 2616 14.35.1")
def ignored(ctx: CdmiContext) -> None:
    path = ctx.given("0123456789")
    for asked in ("bytes=5-2", "lines=1-2", "bytes=a-b"):
        response = answered(ranged(ctx, path, asked), 200)
        expect(response.body == b"0123456789", f"{asked}: {response.body[:80]!r} came")


@check("CDMI-HTTP-024", "several ranges are multipart/byteranges, or the whole", "6.4, RFC 2616 14.35")
def several(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    response = answered(ranged(ctx, ctx.given("0123456789"), "bytes=0-1,4-5"), 200, 206)
    if response.status == 200:
        expect(response.body == b"0123456789", "neither parts nor the whole")
    else:
        expect(response.media_type == "multipart/byteranges", f"Content-Type is {response.media_type!r}")
        expect(re.search(rb"\r\n\r\n01\r\n", response.body), "the first part is missing")
        expect(re.search(rb"\r\n\r\n45\r\n", response.body), "the second part is missing")


def _written(number: int, form: str, level: Level) -> None:
    clause = "6.5; onedata, osaddon"

    @check(f"CDMI-HTTP-{number:03}", f"Content-Range: {form} writes a part", clause, level)
    def run(ctx: CdmiContext, /) -> None:
        ctx.need("dataobject", "cdmi_modify_value_range")
        path = ctx.given("01234567")
        sent = (*TEXT, ("Content-Range", form))
        answered(ctx.http("PUT", path, b"abcd", sent), 204)
        expect(ctx.content(path) == b"abcd4567", f"the value is {ctx.content(path)[:80]!r}")


_written(25, "bytes 0-3/8", Level.MUST)
_written(26, "bytes 0-3/*", Level.CLIENT)
_written(27, "bytes=0-3", Level.CLIENT)
_written(28, "0-3", Level.CLIENT)


@check("CDMI-HTTP-029", "a Range header in a PUT writes a part", "cdmifs", Level.CLIENT)
def range_put(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_modify_value_range")
    path = ctx.given("01234567")
    answered(ctx.http("PUT", path, b"ab", (*TEXT, ("Range", "bytes=2-3"))), 204)
    expect(ctx.content(path) == b"01ab4567", f"the value is {ctx.content(path)[:80]!r}")


@check("CDMI-HTTP-030", "a gap that a part leaves is zeros", "6.4, 6.5")
def gap(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_modify_value_range")
    path = ctx.given("ab")
    answered(ctx.http("PUT", path, b"z", (*TEXT, ("Content-Range", "bytes 4-4/5"))), 204)
    expect(ctx.content(path) == b"ab\0\0z", f"the value is {ctx.content(path)[:80]!r}")


@check("CDMI-HTTP-031", "several ranges, or a range that is none, in a PUT are 400", "6.5")
def bad_write(ctx: CdmiContext) -> None:
    path = ctx.given("01234567")
    for form in ("bytes 0-1,4-5/8", "bytes 3-1/8", "bytes a-b/8", "lines 0-1/8"):
        answered(ctx.http("PUT", path, b"ab", (*TEXT, ("Content-Range", form))), 400)
    expect(ctx.content(path) == b"01234567", "the value has changed")


@check("CDMI-HTTP-032", "a body that is not as long as its range is 400", "6.5", Level.SHOULD)
def wrong_length(ctx: CdmiContext) -> None:
    path = ctx.given("01234567")
    answered(ctx.http("PUT", path, b"abc", (*TEXT, ("Content-Range", "bytes 0-1/8"))), 400)
    expect(ctx.content(path) == b"01234567", "the value has changed")


@check("CDMI-HTTP-033", "a container is made, and deleted with all that is in it", "7.2, 7.5")
def container(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.http("PUT", path), 201)
    require(ctx.put(f"{path}a", {}).status == 201, "cannot make a child")
    answered(ctx.http("DELETE", path), 204)
    answered(ctx.http("GET", f"{path}a"), 404)


@check("CDMI-HTTP-034", "an HTTP PUT of a container that is there makes no other", "7.2", Level.SHOULD)
def container_again(ctx: CdmiContext) -> None:
    path = ctx.given_container("a")
    answered(ctx.http("PUT", path), 204)
    expect(ctx.read(path).get("children") == ["a"], "its children are gone")


@check("CDMI-HTTP-035", "If-None-Match: * does not overwrite", "RFC 2616 14.26")
def none_match(ctx: CdmiContext) -> None:
    path = ctx.given("kept")
    answered(ctx.http("PUT", path, b"x", (*TEXT, ("If-None-Match", "*"))), 412)
    expect(ctx.content(path) == b"kept", "the value has changed")


@check("CDMI-HTTP-036", "If-Match: * does not create", "RFC 2616 14.24")
def match(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.http("PUT", path, b"x", (*TEXT, ("If-Match", "*"))), 412)
    expect(not ctx.exists(path), "it was made")


@check("CDMI-HTTP-037", "an ETag changes with the value and is true of it", "RFC 2616 14.19, 14.26")
def etag(ctx: CdmiContext) -> None:
    path = ctx.given("one")
    first = ctx.http("GET", path).header("ETag")
    if not first:
        raise Skipped("no ETag")
    answered(ctx.http("PUT", path, b"two", TEXT), 204)
    second = ctx.http("GET", path).header("ETag")
    expect(first != second, "the same ETag for another value")
    answered(ctx.http("PUT", path, b"three", (*TEXT, ("If-Match", first))), 412)


@check("CDMI-HTTP-038", "an answer by HTTP carries no CDMI type", "6.4")
def plain(ctx: CdmiContext) -> None:
    response = answered(ctx.http("GET", ctx.given()), 200)
    expect(not response.media_type.startswith("application/cdmi"), f"it is {response.media_type!r}")


@check("CDMI-HTTP-039", "values are the same by CDMI and by HTTP", "6.4, 8.3")
def both(ctx: CdmiContext) -> None:
    path = ctx.given("grün")
    expect(ctx.content(path) == "grün".encode(), "other bytes by HTTP")
    base = ctx.given(encoded(BYTES), valuetransferencoding="base64")
    expect(ctx.content(base) == BYTES, "base64 was not decoded")


@check("CDMI-HTTP-040", "a megabyte comes back whole", "6.2, 6.4")
def large(ctx: CdmiContext) -> None:
    content = BYTES * 4096
    path = ctx.given_bytes(content)
    expect(ctx.content(path) == content, "other bytes")
    expect(ctx.metadata(path).get("cdmi_size", "1048576") == "1048576", "another cdmi_size")


@check("CDMI-HTTP-041", "a create by HTTP carries Location", "SNIA tests", Level.CLIENT)
def location(ctx: CdmiContext) -> None:
    path = ctx.new()
    found = answered(ctx.http("PUT", path, b"x", TEXT), 201).header("Location")
    expect(found == ctx.endpoint.resolve(path), f"Location is {found!r}")


@check("CDMI-HTTP-042", "a CDMI GET of an object made by HTTP", "6.2, 8.3")
def read_as_cdmi(ctx: CdmiContext) -> None:
    path = ctx.given_bytes(b"hello", "text/plain;charset=utf-8")
    found = document(ctx.get(path))
    expect(found.get("objectType") == v.OBJECT and found.get("value") == "hello", f"answered {found}")

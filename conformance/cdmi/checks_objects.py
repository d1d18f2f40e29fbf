"""Data objects by CDMI: create, read, update, delete, encodings (8)."""

from __future__ import annotations

from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import Document, answered, document, encoded
from conformance.framework import Body, Level, expect

BYTES = b"\x00\xff\xfe\x80 bytes"
CREATE, UPDATE = "8.2", "8.4"
BASE64 = {"valuetransferencoding": "base64"}


def made(ctx: CdmiContext, body: Any) -> str:
    """The path of what a PUT of the body has made; Failed when it is not 201."""
    path = ctx.new()
    answered(ctx.put(path, body), 201)
    return path


def read(ctx: CdmiContext, path: str) -> Document:
    return document(ctx.get(path))


@check("CDMI-OBJ-001", "a value comes back", CREATE)
def value(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"value": "hello\n\tworld"}))
    expect(found.get("value") == "hello\n\tworld", f"value is {found.get('value')!r}")


def _empty(body: bytes) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        expect(read(ctx, made(ctx, body)).get("value") == "", "the value is not empty")

    return run


check("CDMI-OBJ-002", "an empty JSON object makes an empty data object", CREATE)(_empty(b"{}"))
check("CDMI-OBJ-003", "an empty body makes an empty data object", "grnet suite", Level.CLIENT)(_empty(b""))


@check("CDMI-OBJ-004", "a value without mimetype is text/plain", CREATE)
def default_type(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"value": "x"})).get("mimetype")
    expect(found == "text/plain", f"mimetype is {found!r}")


@check("CDMI-OBJ-005", "a mimetype is stored in lower case", CREATE)
def mimetype(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"mimetype": "Text/HTML", "value": "x"})).get("mimetype")
    expect(found == "text/html", f"mimetype is {found!r}")


@check("CDMI-OBJ-006", "a value without encoding is utf-8", CREATE)
def default_encoding(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"value": "x"})).get("valuetransferencoding")
    expect(found == "utf-8", f"valuetransferencoding is {found!r}")


@check("CDMI-OBJ-007", "a value in base64 is bytes, and read in base64", CREATE)
def base64(ctx: CdmiContext) -> None:
    path = made(ctx, {"value": encoded(BYTES), **BASE64})
    found = read(ctx, path)
    expect(found.get("value") == encoded(BYTES), f"value is {found.get('value')!r}")
    expect(found.get("valuetransferencoding") == "base64", "valuetransferencoding is not base64")
    expect(found.get("valuerange") == f"0-{len(BYTES) - 1}", f"valuerange is {found.get('valuerange')!r}")


@check("CDMI-OBJ-008", "base64 that is none is 400 and makes nothing", CREATE)
def bad_base64(ctx: CdmiContext) -> None:
    for text in ("not base64!", "YQ=", "YQ===", "Y"):
        path = ctx.new()
        answered(ctx.put(path, {"value": text, **BASE64}), 400)
        expect(not ctx.exists(path), f"{text!r} was stored")


@check("CDMI-OBJ-009", "base64 without valuetransferencoding is text", "8.2; libcdmi-java", Level.CLIENT)
def literal(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"mimetype": "image/png", "value": "AAEC"}))
    expect(found.get("value") == "AAEC", f"value is {found.get('value')!r}")
    expect(found.get("valuetransferencoding") == "utf-8", "valuetransferencoding is not utf-8")


@check("CDMI-OBJ-010", "an unknown valuetransferencoding is 400", CREATE)
def bad_encoding(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.put(path, {"value": "x", "valuetransferencoding": "rot13"}), 400)
    expect(not ctx.exists(path), "it was made")


@check("CDMI-OBJ-011", "two sources are 400 and make nothing", CREATE)
def two_sources(ctx: CdmiContext) -> None:
    source = ctx.reference(ctx.given())
    for pair in (
        {"value": "x", "copy": source},
        {"copy": source, "move": source},
        {"value": "", "move": source},
    ):
        path = ctx.new()
        answered(ctx.put(path, pair), 400)
        expect(not ctx.exists(path), f"{' and '.join(pair)}: it was made")


@check("CDMI-OBJ-012", "fields that nobody knows do not hinder", "8.1")
def unknown_field(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"value": "x", "org_example_field": {"a": [1]}}))
    expect(found.get("value") == "x", "another value")


@check("CDMI-OBJ-013", "fields that nobody knows come back", "8.1", Level.SHOULD)
def unknown_stored(ctx: CdmiContext) -> None:
    found = read(ctx, made(ctx, {"value": "x", "org_example_field": {"a": [1]}}))
    expect(found.get("org_example_field") == {"a": [1]}, "the field is gone")


@check("CDMI-OBJ-014", "fields that the server makes are not the client's to set", "8.2")
def read_only(ctx: CdmiContext) -> None:
    wish = {
        "objectID": "00",
        "objectName": "other",
        "parentURI": "/",
        "completionStatus": "Error",
        "value": "x",
    }
    path = ctx.new()
    response = ctx.put(path, wish)
    if response.status == 400:
        return
    found = read(ctx, path)
    expect(found.get("objectName") == path.rpartition("/")[2], "objectName was taken over")
    expect(
        found.get("objectID") != "00" and found.get("completionStatus") == "Complete",
        "a field was taken over",
    )


@check("CDMI-OBJ-015", "a delete is 204 and the object is gone", "8.5")
def delete(ctx: CdmiContext) -> None:
    path = ctx.given()
    answered(ctx.delete(path), 204)
    answered(ctx.get(path), 404)
    expect(path.rpartition("/")[2] not in ctx.read(ctx.box)["children"], "it is still listed")


@check("CDMI-OBJ-016", "a value is not escaped twice", "5.13.4")
def raw(ctx: CdmiContext) -> None:
    text = "100%25 <&> \\u0041 \"' +"
    expect(read(ctx, made(ctx, {"value": text})).get("value") == text, "another value")


@check("CDMI-OBJ-017", "a value counts in bytes", "8.3, 16.3")
def counted(ctx: CdmiContext) -> None:
    path = made(ctx, {"value": "東京"})
    found = read(ctx, path)
    expect(found.get("valuerange") == "0-5", f"valuerange is {found.get('valuerange')!r}")
    expect(found["metadata"].get("cdmi_size", "6") == "6", f"cdmi_size is {found['metadata']['cdmi_size']!r}")


@check("CDMI-OBJ-018", "X-CDMI-NoClobber does not overwrite", "CDMI 1.0", Level.MAY)
def no_clobber(ctx: CdmiContext) -> None:
    path = ctx.given("kept")
    response = ctx.cdmi("PUT", path, {"value": "x"}, headers=(("X-CDMI-NoClobber", "true"),))
    answered(response, 304, 409, 412)
    expect(ctx.read(path).get("value") == "kept", "the value has changed")


@check("CDMI-OBJ-019", "X-CDMI-MustExist does not create", "CDMI 1.0", Level.MAY)
def must_exist(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.cdmi("PUT", path, {"value": "x"}, headers=(("X-CDMI-MustExist", "true"),)), 404, 412)


# Updates


@check("CDMI-UPD-001", "an update is 204 and replaces the value", UPDATE)
def update(ctx: CdmiContext) -> None:
    path = ctx.given("one")
    answered(ctx.put(path, {"value": "second"}), 204)
    found = read(ctx, path)
    expect((found.get("value"), found.get("valuerange")) == ("second", "0-5"), f"answered {found}")


@check("CDMI-UPD-002", "fields that are not given stay", UPDATE)
def kept(ctx: CdmiContext) -> None:
    path = ctx.given("one", mimetype="text/html", metadata={"run": "17"})
    answered(ctx.put(path, {"value": "two"}), 204)
    found = read(ctx, path)
    expect(found.get("mimetype") == "text/html", "mimetype has changed")
    expect(found["metadata"].get("run") == "17", "metadata have changed")
    answered(ctx.put(path, {"mimetype": "text/css"}), 204)
    found = read(ctx, path)
    expect((found.get("value"), found.get("mimetype")) == ("two", "text/css"), "the value has changed")


@check("CDMI-UPD-003", "an update without encoding is read in the object's", UPDATE)
def stored_encoding(ctx: CdmiContext) -> None:
    path = ctx.given(encoded(BYTES), valuetransferencoding="base64")
    answered(ctx.put(path, {"value": encoded(b"new")}), 204)
    expect(ctx.content(path) == b"new", "base64 was stored as text")
    answered(ctx.put(path, {"value": "no base64!"}), 400)
    expect(ctx.content(path) == b"new", "the value has changed")


@check("CDMI-UPD-004", "valuetransferencoding alone changes how the bytes are shown", UPDATE)
def rendering(ctx: CdmiContext) -> None:
    path = ctx.given("hello")
    answered(ctx.put(path, {"valuetransferencoding": "base64"}), 204)
    expect(read(ctx, path).get("value") == encoded(b"hello"), "value is not in base64")
    expect(ctx.content(path) == b"hello", "the bytes have changed")


@check("CDMI-UPD-005", "bytes that are no text cannot be declared utf-8", UPDATE)
def not_text(ctx: CdmiContext) -> None:
    path = ctx.given(encoded(BYTES), valuetransferencoding="base64")
    response = ctx.put(path, {"valuetransferencoding": "utf-8"})
    found = read(ctx, path)
    expect(
        found.get("value") == encoded(BYTES), f"{response.status}, and the value is {found.get('value')!r}"
    )


@check("CDMI-UPD-006", "an update that fails changes nothing", "8.1.2")
def atomic(ctx: CdmiContext) -> None:
    path = ctx.given("one", metadata={"run": "17"})
    body = {"metadata": {"run": "18"}, "value": "no base64!", **BASE64}
    answered(ctx.put(path, body), 400)
    found = read(ctx, path)
    expect(found.get("value") == "one" and found["metadata"].get("run") == "17", "part of it was done")


@check("CDMI-UPD-007", "an update with two sources is 400", UPDATE)
def two_update_sources(ctx: CdmiContext) -> None:
    path = ctx.given("one")
    answered(ctx.put(path, {"value": "two", "copy": ctx.reference(ctx.given())}), 400)
    expect(ctx.read(path).get("value") == "one", "the value has changed")


@check("CDMI-UPD-008", "a PUT of what is there is an update, never a conflict", UPDATE)
def again(ctx: CdmiContext) -> None:
    path = ctx.given("same")
    for _ in range(2):
        answered(ctx.put(path, {"value": "same"}), 204)


@check("CDMI-UPD-009", "an empty update changes nothing", UPDATE)
def nothing(ctx: CdmiContext) -> None:
    path = ctx.given("kept", metadata={"run": "17"})
    answered(ctx.put(path, {}), 204)
    found = read(ctx, path)
    expect(found.get("value") == "kept" and found["metadata"].get("run") == "17", "something has changed")


@check("CDMI-UPD-010", "PATCH updates as in 2.0", "2.0 8.4", Level.SHOULD)
def patch(ctx: CdmiContext) -> None:
    path = ctx.given("one")
    answered(ctx.cdmi("PATCH", path, {"value": "two"}), 204)
    expect(ctx.read(path).get("value") == "two", "the value is the old one")


# Ranges of values


@check("CDMI-RANGE-001", "a range of a value is base64 whatever its encoding", "8.3")
def range_base64(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    found = document(ctx.get(f"{ctx.given('hello world')}?value:0-4"))
    expect(found == {"value": encoded(b"hello")}, f"answered {found}")


@check("CDMI-RANGE-002", "valuerange and encoding come with a range when asked for", "8.3")
def range_told(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    found = document(ctx.get(f"{ctx.given('hello world')}?valuerange;valuetransferencoding;value:6-10"))
    expect(found.get("valuerange") == "6-10", f"valuerange is {found.get('valuerange')!r}")
    expect(found.get("value") == encoded(b"world"), f"value is {found.get('value')!r}")


@check("CDMI-RANGE-003", "a range past the end is shortened", "8.3")
def range_short(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    found = document(ctx.get(f"{ctx.given('hello')}?valuerange;value:3-99"))
    expect(found == {"valuerange": "3-4", "value": encoded(b"lo")}, f"answered {found}")


@check("CDMI-RANGE-004", "a range behind the end is empty", "8.3", Level.SHOULD)
def range_behind(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    found = document(ctx.get(f"{ctx.given('hello')}?value:5-9"))
    expect(found == {"value": ""}, f"answered {found}")


@check("CDMI-RANGE-005", "several ranges in one answer that is no multipart are 400", "8.3")
def range_several(ctx: CdmiContext) -> None:
    answered(ctx.get(f"{ctx.given('hello world')}?value:0-1;value:4-5", v.OBJECT), 400)


@check("CDMI-RANGE-006", "value:bytes=1-3 is understood", "osaddon", Level.CLIENT)
def range_unit(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_read_value_range")
    response = answered(ctx.get(f"{ctx.given('hello')}?value:bytes=1-3"), 200, 206)
    expect(response.json().get("value") == encoded(b"ell"), "another value")


def wrote(ctx: CdmiContext, value: str, part: str, content: bytes) -> str:
    """The path of an object after a write of a part of it; Failed when that is not 204."""
    ctx.need("dataobject", "cdmi_modify_value_range")
    path = ctx.given(value)
    answered(ctx.put(f"{path}?value:{part}", {"value": encoded(content)}), 204)
    return path


@check("CDMI-RANGE-007", "a range is overwritten", UPDATE)
def range_write(ctx: CdmiContext) -> None:
    path = wrote(ctx, "hello world", "6-10", b"there")
    expect(ctx.content(path) == b"hello there", f"the value is {ctx.content(path)[:80]!r}")


@check("CDMI-RANGE-008", "a range at the end appends", UPDATE)
def range_append(ctx: CdmiContext) -> None:
    path = wrote(ctx, "hello", "5-6", b"!!")
    expect(ctx.content(path) == b"hello!!", f"the value is {ctx.content(path)[:80]!r}")


@check("CDMI-RANGE-009", "a gap before a range is zeros, and counts", UPDATE)
def range_gap(ctx: CdmiContext) -> None:
    path = wrote(ctx, "ab", "4-4", b"z")
    expect(ctx.content(path) == b"ab\0\0z", f"the value is {ctx.content(path)[:80]!r}")
    size = ctx.metadata(path).get("cdmi_size", "5")
    expect(size == "5", f"cdmi_size is {size!r}")


@check("CDMI-RANGE-010", "text that is patched by a range stays utf-8", "8.4; onedata suite", Level.CLIENT)
def range_text(ctx: CdmiContext) -> None:
    found = read(ctx, wrote(ctx, "hello world", "6-10", b"there"))
    expect(found.get("valuetransferencoding") == "utf-8", "it has become base64")
    expect(found.get("value") == "hello there", f"value is {found.get('value')!r}")


@check("CDMI-RANGE-011", "text that a range spoils becomes base64", UPDATE)
def range_spoilt(ctx: CdmiContext) -> None:
    found = read(ctx, wrote(ctx, "hello", "0-0", b"\xff"))
    expect(found.get("valuetransferencoding") == "base64", "it is still called utf-8")
    expect(found.get("value") == encoded(b"\xffello"), f"value is {found.get('value')!r}")


@check("CDMI-RANGE-012", "a part that is no base64, or of another length, is 400", UPDATE)
def range_bad(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_modify_value_range")
    path = ctx.given("hello")
    for text in ("no base64!", encoded(b"three"), ""):
        answered(ctx.put(f"{path}?value:0-1", {"value": text}), 400)
    expect(ctx.content(path) == b"hello", "the value has changed")


@check("CDMI-RANGE-013", "a write of a part keeps metadata and type", UPDATE)
def range_keeps(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_modify_value_range")
    path = ctx.given("hello", metadata={"run": "17"}, mimetype="text/html")
    answered(ctx.put(f"{path}?value:0-0", {"value": encoded(b"j")}), 204)
    found = read(ctx, path)
    expect(
        found["metadata"].get("run") == "17" and found.get("mimetype") == "text/html", "something was lost"
    )


@check("CDMI-RANGE-014", "a range can be written at creation", "8.2 (cdmi_create_value_range)")
def range_create(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_create_value_range")
    path = ctx.new()
    answered(ctx.put(f"{path}?value:2-3", {"value": encoded(b"ab")}), 201)
    expect(ctx.content(path) == b"\0\0ab", f"the value is {ctx.content(path)[:80]!r}")


@check(
    "CDMI-RANGE-015", "a range far behind the end is stored with a gap or refused at once", "8.4; security"
)
def range_absurd(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_modify_value_range")
    far = 9223372036854775806
    for path in (ctx.given(encoded(b"\xff"), **BASE64), ctx.given("hello")):
        response = ctx.put(f"{path}?value:{far}-{far}", {"value": encoded(b"x")})
        expect(response.status in (204, 400, 403, 409, 413, 507), f"answered {response.status}")

"""Copies, moves, references, partial writes, multi-part bodies (8.2, 8.4, 9.2, 17)."""

from __future__ import annotations

import re
from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import Document, answered, document, encoded
from conformance.exchange import Response
from conformance.framework import Level, expect, require

CREATE = "8.2"


def created(ctx: CdmiContext, path: str, body: dict[str, Any]) -> Document:
    """The object after a create that may be delayed; Failed unless it is accepted and completes."""
    answered(ctx.put(path, body), 201, 202)
    found = ctx.complete(path)
    expect(found.get("completionStatus") == "Complete", f"it is {found.get('completionStatus')!r}")
    return found


def need_copy(ctx: CdmiContext, what: str = "cdmi_copy_dataobject") -> None:
    ctx.need("container", what)


@check("CDMI-COPY-001", "a copy has value, type and metadata of its source, and an ID of its own", CREATE)
def copy(ctx: CdmiContext) -> None:
    need_copy(ctx)
    source = ctx.given("copied", mimetype="text/html", metadata={"a": "1"})
    found = created(ctx, ctx.new(), {"copy": ctx.reference(source)})
    expect((found.get("value"), found.get("mimetype")) == ("copied", "text/html"), "another value or type")
    expect(found["metadata"].get("a") == "1", "the metadata are missing")
    expect(found.get("objectID") != ctx.identifier(source), "the ID of the source")


@check("CDMI-COPY-002", "metadata that are given replace those of the source", CREATE)
def copy_metadata(ctx: CdmiContext) -> None:
    need_copy(ctx)
    source = ctx.given(metadata={"a": "1"})
    found = created(ctx, ctx.new(), {"copy": ctx.reference(source), "metadata": {"b": "2"}})
    expect(
        "a" not in found["metadata"] and found["metadata"].get("b") == "2", f"they are {found['metadata']}"
    )


@check("CDMI-COPY-003", "the copy does not change with its source", CREATE)
def copy_apart(ctx: CdmiContext) -> None:
    need_copy(ctx)
    source, path = ctx.given("one"), ctx.new()
    created(ctx, path, {"copy": ctx.reference(source)})
    answered(ctx.put(source, {"value": "two"}), 204)
    expect(ctx.content(path) == b"one", "it has changed")


@check("CDMI-COPY-004", "a copy of what is missing is 400 or 404 and makes nothing", CREATE)
def copy_missing(ctx: CdmiContext) -> None:
    need_copy(ctx)
    path = ctx.new()
    answered(ctx.put(path, {"copy": ctx.reference(ctx.new())}), 400, 404)
    expect(not ctx.exists(path), "something was made")


@check("CDMI-COPY-005", "a relative source is resolved against the root", "onedata", Level.CLIENT)
def copy_relative(ctx: CdmiContext) -> None:
    need_copy(ctx)
    source = ctx.given("copied")
    expect(created(ctx, ctx.new(), {"copy": source.lstrip("/")}).get("value") == "copied", "another value")


@check("CDMI-COPY-006", "a copy by the ID of its source", "8.2, 5.10")
def copy_by_id(ctx: CdmiContext) -> None:
    need_copy(ctx)
    ctx.need("", "cdmi_object_access_by_ID")
    source = v.BY_ID + ctx.identifier(ctx.given("copied"))
    found = created(ctx, ctx.new(), {"copy": ctx.reference(source)})
    expect(found.get("value") == "copied", "another value")


@check("CDMI-COPY-007", "an update by copy replaces the value and keeps the ID", "8.4")
def copy_update(ctx: CdmiContext) -> None:
    need_copy(ctx)
    source, path = ctx.given("new"), ctx.given("old")
    before = ctx.identifier(path)
    answered(ctx.put(path, {"copy": ctx.reference(source)}), 204, 202)
    found = ctx.complete(path)
    expect((found.get("value"), found.get("objectID")) == ("new", before), "another value or ID")


@check("CDMI-COPY-008", "a container is copied with all that is in it", "9.2")
def copy_container(ctx: CdmiContext) -> None:
    need_copy(ctx, "cdmi_copy_container")
    source, path = ctx.given_container("a", "b/", "b/c", metadata={"m": "1"}), ctx.new_container()
    found = created(ctx, path, {"copy": ctx.reference(source)})
    expect(sorted(found["children"]) == ["a", "b/"], f"children are {found['children']}")
    expect(found["metadata"].get("m") == "1", "its metadata are missing")
    expect(ctx.content(f"{path}b/c") == b"b/c", "another value below")
    expect(ctx.identifier(f"{path}a") != ctx.identifier(f"{source}a"), "a copy has the ID of its source")


@check("CDMI-COPY-009", "a field selector of the source copies that field only", CREATE)
def copy_part(ctx: CdmiContext) -> None:
    need_copy(ctx)
    source = ctx.given("copied", metadata={"a": "1"})
    found = created(ctx, ctx.new(), {"copy": f"{ctx.reference(source)}?value"})
    expect(found.get("value") == "copied" and "a" not in found["metadata"], "more than the value, or less")


@check("CDMI-COPY-010", "a container is not copied into itself without end", "9.2")
def copy_into_itself(ctx: CdmiContext) -> None:
    need_copy(ctx, "cdmi_copy_container")
    source = ctx.given_container("a")
    response = ctx.put(f"{source}inner/", {"copy": ctx.reference(source)})
    answered(response, 201, 202, 400, 409)
    expect(not ctx.exists(f"{source}inner/inner/inner/"), "it goes on and on")


# Moves


@check("CDMI-MOVE-001", "a move keeps ID and content and takes the source away", CREATE)
def move(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_dataobject")
    source = ctx.given("moved", metadata={"a": "1"})
    before = ctx.identifier(source)
    found = created(ctx, ctx.new(), {"move": ctx.reference(source)})
    expect(found.get("objectID") == before, "another ID")
    expect(found.get("value") == "moved" and found["metadata"].get("a") == "1", "another content")
    answered(ctx.get(source), 404)


@check("CDMI-MOVE-002", "a container is moved with all that is in it, IDs and all", "9.2")
def move_container(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_container")
    source, path = ctx.given_container("a", "b/", "b/c"), ctx.new_container()
    before = [ctx.identifier(source + name) for name in ("", "a", "b/c")]
    created(ctx, path, {"move": ctx.reference(source)})
    expect([ctx.identifier(path + name) for name in ("", "a", "b/c")] == before, "an ID has changed")
    answered(ctx.get(source), 404)


@check("CDMI-MOVE-003", "a move of what is missing is 400 or 404 and makes nothing", CREATE)
def move_missing(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_dataobject")
    path = ctx.new()
    answered(ctx.put(path, {"move": ctx.reference(ctx.new())}), 400, 404)
    expect(not ctx.exists(path), "something was made")


@check("CDMI-MOVE-004", "a container is not moved into itself", "9.2")
def move_into_itself(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_container")
    source = ctx.given_container("a")
    answered(ctx.put(f"{source}inner/", {"move": ctx.reference(source)}), 400, 409)
    expect(ctx.exists(f"{source}a"), "it is gone")


@check("CDMI-MOVE-005", "a move by the ID of its source", "8.2 (cdmi_object_move_from_ID)")
def move_by_id(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_dataobject")
    ctx.need("", "cdmi_object_move_from_ID")
    source = ctx.given("moved")
    by_id = v.BY_ID + ctx.identifier(source)
    found = created(ctx, ctx.new(), {"move": ctx.reference(by_id)})
    expect(found.get("value") == "moved" and not ctx.exists(source), "it was not moved")


@check("CDMI-MOVE-006", "a reserved place or the root is not moved", "9.1.2")
def move_reserved(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_container")
    for source in ("/", v.CAPABILITIES):
        response = ctx.put(ctx.new_container(), {"move": ctx.reference(source)})
        expect(400 <= response.status < 500, f"{source}: answered {response.status}")


# References


def given_reference(ctx: CdmiContext, target: str) -> str:
    """The path of a reference; Blocked when it cannot be made."""
    ctx.need("", "cdmi_references")
    ctx.need("container", "cdmi_create_reference")
    path = ctx.new("reference")
    response = ctx.put(path, {"reference": ctx.endpoint.resolve(target)})
    require(response.status == 201, f"cannot make a reference: {response.status}")
    return path


@check("CDMI-REF-001", "a reference is made with 201", "17, 8.2")
def reference(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_references")
    ctx.need("container", "cdmi_create_reference")
    answered(ctx.put(ctx.new(), {"reference": ctx.endpoint.resolve(ctx.given())}), 201)


@check("CDMI-REF-002", "each operation on a reference is 302 to the stored URI", "17, 8.3, 8.4")
def followed(ctx: CdmiContext) -> None:
    target = ctx.given("target")
    path = given_reference(ctx, target)
    for response in (ctx.get(path), ctx.http("GET", path), ctx.put(path, {"value": "x"})):
        answered(response, 302)
        expect(response.header("Location") == ctx.endpoint.resolve(target), "Location leads elsewhere")
    expect(ctx.content(target) == b"target", "the target has changed")


@check("CDMI-REF-003", "a delete removes the reference, not its target", "17, 8.5")
def reference_deleted(ctx: CdmiContext) -> None:
    target = ctx.given("target")
    path = given_reference(ctx, target)
    answered(ctx.delete(path), 204)
    answered(ctx.get(path), 404)
    expect(ctx.exists(target), "the target is gone")


@check("CDMI-REF-004", "a reference among the children ends in ?", "9.3")
def reference_listed(ctx: CdmiContext) -> None:
    name = given_reference(ctx, "/nowhere").rpartition("/")[2]
    found = ctx.read(ctx.box)["children"]
    expect(found == [f"{name}?"], f"children are {found}")


@check("CDMI-REF-005", "a reference beside any other field is 400", "8.2")
def reference_alone(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_references")
    for more in ({"metadata": {"a": "b"}}, {"value": "x"}, {"mimetype": "text/plain"}):
        path = ctx.new()
        answered(ctx.put(path, {"reference": ctx.endpoint.resolve("/x"), **more}), 400)
        expect(not ctx.exists(path), "it was made")


@check("CDMI-REF-006", "the target need not exist", "17", Level.SHOULD)
def reference_dangling(ctx: CdmiContext) -> None:
    answered(ctx.get(given_reference(ctx, f"/{ctx.name()}")), 302)


# Partial writes


def partly(
    ctx: CdmiContext, path: str, body: bytes, flag: str, more: tuple[tuple[str, str], ...] = ()
) -> Response:
    return ctx.http("PUT", path, body, (("Content-Type", "text/plain"), ("X-CDMI-Partial", flag), *more))


@check("CDMI-PART-001", "X-CDMI-Partial: true makes an object that is Processing", "6.2, 6.5")
def partial(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(partly(ctx, path, b"one", "true"), 201)
    found = ctx.read(path)
    if found.get("completionStatus") == "Complete":
        expect(False, "it is Complete")
    expect("value" not in found, "it has a value all the same")


@check("CDMI-PART-002", "the next write without the header makes it Complete", "6.5")
def partial_done(ctx: CdmiContext) -> None:
    path = ctx.new()
    require(partly(ctx, path, b"abc", "true").status == 201, "the first part is refused")
    more = (("Content-Range", "bytes 3-5/6"), ("Content-Type", "text/plain"))
    answered(ctx.http("PUT", path, b"def", more), 204)
    found = ctx.read(path)
    expect(found.get("completionStatus") == "Complete", f"it is {found.get('completionStatus')!r}")
    expect(ctx.content(path) == b"abcdef", "another value")


@check("CDMI-PART-003", "X-CDMI-Partial: false ends the series", "6.5", Level.SHOULD)
def partial_false(ctx: CdmiContext) -> None:
    path = ctx.new()
    require(partly(ctx, path, b"abc", "true").status == 201, "the first part is refused")
    answered(partly(ctx, path, b"def", "false", (("Content-Range", "bytes 3-5/6"),)), 204)
    expect(ctx.read(path).get("completionStatus") == "Complete", "it is not Complete")


@check("CDMI-PART-004", "the series goes on from HTTP to CDMI", "8.4, 6.5")
def partial_mixed(ctx: CdmiContext) -> None:
    path = ctx.new()
    require(partly(ctx, path, b"abc", "true").status == 201, "the first part is refused")
    answered(ctx.put(f"{path}?value:3-5", {"value": encoded(b"def")}), 204)
    expect(ctx.read(path).get("completionStatus") == "Complete", "it is not Complete")


@check("CDMI-PART-005", "a CDMI create with X-CDMI-Partial is Processing", "8.2")
def partial_cdmi(ctx: CdmiContext) -> None:
    path = ctx.new()
    response = ctx.cdmi("PUT", path, {"value": "a"}, headers=(("X-CDMI-Partial", "true"),))
    found = document(response, 201, 202).get("completionStatus")
    expect(found == "Processing", f"it is {found!r}")


# Multi-part


def multipart(*parts: tuple[str, bytes]) -> tuple[bytes, str]:
    """(body, Content-Type) of parts, each its headers and its content."""
    body = b"".join(
        b"--sgcb\r\n" + head.encode() + b"\r\n\r\n" + content + b"\r\n" for head, content in parts
    )
    return body + b"--sgcb--\r\n", f"{v.MULTIPART}; boundary=sgcb"


METADATA_PART = (f"Content-Type: {v.OBJECT}", b'{"metadata": {"a": "1"}}')
BYTES = b"\x00\r\n\xff--sgc\r\n"


def value_part(content: bytes, kind: str = "image/png", more: str = "") -> tuple[str, bytes]:
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: binary{more}", content


def put_parts(ctx: CdmiContext, path: str, *parts: tuple[str, bytes]) -> Response:
    ctx.need("", "cdmi_multipart_mime")
    body, kind = multipart(*parts)
    return ctx.cdmi("PUT", path, body, kind=kind)


@check("CDMI-MULTI-001", "metadata and value as two parts", "8.2 (cdmi_multipart_mime)")
def parts(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(put_parts(ctx, path, METADATA_PART, value_part(BYTES)), 201)
    found = ctx.read(path)
    expect(ctx.content(path) == BYTES, "another value")
    expect(found["metadata"].get("a") == "1", "the metadata are missing")
    expect(found.get("mimetype") == "image/png", f"mimetype is {found.get('mimetype')!r}")
    expect(found.get("valuetransferencoding") == "base64", "it is not base64")


@check("CDMI-MULTI-002", "a part with charset=utf-8 makes text", "8.2 (cdmi_multipart_mime)")
def parts_text(ctx: CdmiContext) -> None:
    path = ctx.new()
    part = value_part("grün".encode(), "text/plain; charset=utf-8")
    answered(put_parts(ctx, path, METADATA_PART, part), 201)
    expect(ctx.read(path).get("value") == "grün", "it is not text")


@check("CDMI-MULTI-003", "several parts of the value are put together", "8.2 (cdmi_multipart_mime)")
def parts_joined(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(put_parts(ctx, path, METADATA_PART, value_part(b"abc"), value_part(b"def")), 201)
    expect(ctx.content(path) == b"abcdef", f"the value is {ctx.content(path)[:80]!r}")


@check("CDMI-MULTI-004", "an update by parts", "8.4 (cdmi_multipart_mime)")
def parts_update(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_multipart_mime")
    path = ctx.given("old", metadata={"b": "2"})
    answered(put_parts(ctx, path, METADATA_PART, value_part(b"new")), 204)
    expect(ctx.content(path) == b"new" and ctx.metadata(path).get("a") == "1", "it was not updated")


@check(
    "CDMI-MULTI-005",
    "Accept: multipart/mixed reads the fields and the value as parts",
    "8.3 (cdmi_multipart_mime)",
)
def parts_read(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_multipart_mime")
    response = answered(ctx.get(ctx.given_bytes(BYTES), v.MULTIPART), 200)
    expect(response.media_type == v.MULTIPART, f"Content-Type is {response.media_type!r}")
    boundary = re.search(r'boundary="?([^";]+)', response.header("Content-Type"))
    require(boundary, "no boundary")
    pieces = response.body.split(b"--" + (boundary[1] if boundary else "").encode())
    expect(len(pieces) == 4 and v.OBJECT.encode() in pieces[1], "there are not two parts")
    expect(pieces[2].partition(b"\r\n\r\n")[2] == BYTES + b"\r\n", "the part of the value differs")
    expect(b'"value"' not in pieces[1], "the first part has the value too")


@check(
    "CDMI-MULTI-006",
    "a multi-part body that is damaged is 400 and makes nothing",
    "8.2 (cdmi_multipart_mime)",
)
def parts_damaged(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_multipart_mime")
    whole, kind = multipart(METADATA_PART, value_part(b"abc"))
    for body, sent in ((whole[:-12], kind), (b"nothing", kind), (b"", kind)):
        path = ctx.new()
        answered(ctx.cdmi("PUT", path, body, kind=sent), 400)
        expect(not ctx.exists(path), "it was made")

"""The form of documents: order, types, times, identifiers and access by them (5.10, 5.11, 5.14)."""

from __future__ import annotations

import json

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import RANGE, Document, answered, document, object_id, time_of
from conformance.exchange import Response
from conformance.framework import Level, expect

COMMON = ("objectType", "objectID", "objectName", "parentURI", "parentID", "capabilitiesURI")
OF_OBJECT = (*COMMON, "completionStatus", "mimetype", "metadata")
OF_CONTAINER = (*COMMON, "completionStatus", "metadata")


def ordered(response: Response) -> None:
    """Failed unless the fields that come last do, in their sequence."""
    names = list(json.loads(response.body))
    last = [name for name in v.LAST if name in names]
    expect(names[-len(last) :] == last if last else True, f"the fields are {', '.join(names)}")


def complete(found: Document, wanted: tuple[str, ...]) -> None:
    missing = [name for name in wanted if name not in found]
    expect(not missing, f"{', '.join(missing)} missing")


@check("CDMI-FORM-001", "valuerange and value come last", "8.3")
def order_object(ctx: CdmiContext) -> None:
    response = answered(ctx.get(ctx.given()), 200)
    document(response)
    ordered(response)


@check("CDMI-FORM-002", "childrenrange and children come last", "9.3")
def order_container(ctx: CdmiContext) -> None:
    response = answered(ctx.get(ctx.given_container("a")), 200)
    document(response)
    ordered(response)


@check("CDMI-FORM-003", "the order holds for selected fields, however they are asked for", "8.3, 9.3")
def order_selected(ctx: CdmiContext) -> None:
    for query in (f"{ctx.given()}?value;valuerange;metadata", f"{ctx.box}?children;childrenrange;metadata"):
        response = ctx.get(query)
        document(response)
        ordered(response)


@check("CDMI-FORM-004", "a data object is read with all mandatory fields", "8.3")
def object_fields(ctx: CdmiContext) -> None:
    wanted = (*OF_OBJECT, "valuetransferencoding", "valuerange", "value")
    complete(document(ctx.get(ctx.given())), wanted)


@check("CDMI-FORM-005", "a data object is made with all mandatory fields", "8.2")
def object_created(ctx: CdmiContext) -> None:
    complete(document(ctx.put(ctx.new(), {"value": "x"}), 201), OF_OBJECT)


@check("CDMI-FORM-006", "the answer to a create has nothing of the value", "8.2")
def no_value(ctx: CdmiContext) -> None:
    found = document(ctx.put(ctx.new(), {"value": "x"}), 201)
    extra = {"value", "valuerange", "valuetransferencoding"} & set(found)
    expect(not extra, f"{', '.join(sorted(extra))} in the answer")


@check("CDMI-FORM-007", "a container is read with all mandatory fields", "9.3")
def container_fields(ctx: CdmiContext) -> None:
    complete(document(ctx.get(ctx.given_container())), (*OF_CONTAINER, "childrenrange", "children"))


@check("CDMI-FORM-008", "a container is made with all mandatory fields", "9.2")
def container_created(ctx: CdmiContext) -> None:
    complete(document(ctx.put(ctx.new_container(), {}), 201), OF_CONTAINER)


@check(
    "CDMI-FORM-009",
    "a new container says that it has no children",
    "grnet, jclouds, SNIA tests",
    Level.CLIENT,
)
def container_children(ctx: CdmiContext) -> None:
    found = document(ctx.put(ctx.new_container(), {}), 201)
    expect(found.get("children") == [], f"children is {found.get('children')!r}")
    expect(found.get("childrenrange") == "", f"childrenrange is {found.get('childrenrange')!r}")


@check("CDMI-FORM-010", "objectType is the media type of the answer", "8.3, 9.3")
def types(ctx: CdmiContext) -> None:
    for path, kind in ((ctx.given(), v.OBJECT), (ctx.box, v.CONTAINER)):
        response = ctx.get(path)
        found = document(response)
        expect(found.get("objectType") == kind, f"objectType is {found.get('objectType')!r}")
        expect(response.media_type == kind, f"Content-Type is {response.media_type!r}")


@check("CDMI-FORM-011", "scalars are strings", "8.3, 9.3")
def strings(ctx: CdmiContext) -> None:
    for path in (ctx.given(), ctx.given_container("a")):
        for name, value in ctx.read(path).items():
            if name not in ("metadata", "children", "exports", "snapshots"):
                expect(isinstance(value, str), f"{name} is {value!r}, no string")


@check("CDMI-FORM-012", "storage system metadata are strings", "16.3")
def metadata_strings(ctx: CdmiContext) -> None:
    for path in (ctx.given(), ctx.box):
        for name, value in ctx.metadata(path).items():
            if name in ("cdmi_size", "cdmi_ctime", "cdmi_mtime", "cdmi_atime", "cdmi_owner", "cdmi_mcount"):
                expect(isinstance(value, str), f"{name} is {value!r}, no string")


@check("CDMI-FORM-013", "times have six fraction digits and Z", "5.14")
def times(ctx: CdmiContext) -> None:
    for path in (ctx.given(), ctx.box):
        found = ctx.metadata(path)
        for name in ("cdmi_ctime", "cdmi_mtime", "cdmi_atime"):
            if name in found:
                time_of(found[name])


@check("CDMI-FORM-014", "completionStatus is Complete", "8.3, 9.3")
def status(ctx: CdmiContext) -> None:
    for path in (ctx.given(), ctx.box):
        found = ctx.read(path).get("completionStatus")
        expect(found == "Complete", f"completionStatus is {found!r}")


@check("CDMI-FORM-015", "valuerange covers the value", "8.3")
def value_range(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given("hello world"))).get("valuerange")
    expect(found == "0-10", f"valuerange is {found!r}")


@check("CDMI-FORM-016", "an empty value has an empty valuerange", "8.3", Level.SHOULD)
def empty_range(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given("")))
    expect(found.get("value") == "", f"value is {found.get('value')!r}")
    expect(found.get("valuerange") == "", f"valuerange is {found.get('valuerange')!r}")


@check("CDMI-FORM-017", "childrenrange covers the children", "9.3")
def children_range(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_container("a", "b", "c"))).get("childrenrange")
    expect(isinstance(found, str) and RANGE.fullmatch(found), f"childrenrange is {found!r}")
    expect(found == "0-2", f"childrenrange is {found!r}")


@check("CDMI-FORM-018", "an answer says how long it is or is chunked", "RFC 2616 4.4")
def length(ctx: CdmiContext) -> None:
    response = ctx.get(ctx.given())
    told = response.header("Content-Length")
    expect(
        not told or int(told) == len(response.body), f"Content-Length is {told}, {len(response.body)} came"
    )


@check("CDMI-FORM-019", "updates and deletes are answered without a body", "8.4, 8.5, 9.4, 9.5")
def no_body(ctx: CdmiContext) -> None:
    for path in (ctx.given(), ctx.given_container()):
        for response in (ctx.put(path, {"metadata": {"a": "b"}}), ctx.delete(path)):
            answered(response, 204)
            expect(not response.body, f"{len(response.body)} bytes in a 204")


# Identifiers


@check("CDMI-ID-001", "the ID of a data object has the form of the standard and a right CRC", "5.10, 5.11")
def id_object(ctx: CdmiContext) -> None:
    object_id(document(ctx.get(ctx.given())).get("objectID"))


@check("CDMI-ID-002", "the ID of a container has the form of the standard and a right CRC", "5.10, 5.11")
def id_container(ctx: CdmiContext) -> None:
    object_id(document(ctx.get(ctx.given_container())).get("objectID"))


@check("CDMI-ID-003", "the ID of a capability object has the form of the standard", "5.10, 12.2")
def id_capability(ctx: CdmiContext) -> None:
    object_id(document(ctx.get(v.CAPABILITIES)).get("objectID"))


@check("CDMI-ID-004", "IDs are written in upper case", "5.11, RFC 4648 8")
def id_case(ctx: CdmiContext) -> None:
    for path in (ctx.given(), ctx.box):
        found = ctx.identifier(path)
        expect(found == found.upper(), f"the ID is {found}")


@check("CDMI-ID-005", "objects have different IDs", "5.10")
def id_unique(ctx: CdmiContext) -> None:
    found = [ctx.identifier(path) for path in (ctx.box, ctx.given(), ctx.given(), ctx.given_container())]
    expect(len(set(found)) == len(found), f"an ID occurs twice among {found}")


@check("CDMI-ID-006", "an update keeps the ID", "5.10")
def id_kept(ctx: CdmiContext) -> None:
    path = ctx.given()
    before = ctx.identifier(path)
    answered(ctx.put(path, {"value": "other", "metadata": {"a": "b"}}), 204)
    answered(ctx.http("PUT", path, b"third", (("Content-Type", "text/plain"),)), 204)
    expect(ctx.identifier(path) == before, "the ID has changed")


@check("CDMI-ID-007", "an object made anew under an old name has a new ID", "5.10")
def id_new(ctx: CdmiContext) -> None:
    path = ctx.given()
    before = ctx.identifier(path)
    answered(ctx.delete(path), 204)
    answered(ctx.put(path, {}), 201)
    expect(ctx.identifier(path) != before, "the ID of the old object")


@check("CDMI-ID-008", "the answer to a create has the ID that is read later", "8.2, 9.2")
def id_told(ctx: CdmiContext) -> None:
    for path in (ctx.new(), ctx.new_container()):
        told = document(ctx.put(path, {}), 201).get("objectID")
        expect(told == ctx.identifier(path), f"{told} was told")


def by_id(ctx: CdmiContext, path: str) -> str:
    """The place of an object by its ID."""
    ctx.need("", "cdmi_object_access_by_ID")
    return f"{v.BY_ID}{ctx.identifier(path)}" + ("/" if path.endswith("/") else "")


@check("CDMI-ID-009", "a data object is read by its ID", "5.10, 8.3")
def read_by_id(ctx: CdmiContext) -> None:
    path = ctx.given("found")
    found = document(ctx.get(by_id(ctx, path)))
    expect(found.get("value") == "found", f"value is {found.get('value')!r}")
    expect(found.get("objectName") == path.rpartition("/")[2], "objectName is missing or wrong")


@check("CDMI-ID-010", "a container is read by its ID", "5.10, 9.3")
def container_by_id(ctx: CdmiContext) -> None:
    path = ctx.given_container("a")
    found = document(ctx.get(by_id(ctx, path)))
    expect(found.get("children") == ["a"], f"children is {found.get('children')!r}")


@check("CDMI-ID-011", "a container by its ID without the slash is 301", "5.10, 9.1")
def slash_by_id(ctx: CdmiContext) -> None:
    path = by_id(ctx, ctx.given_container())
    response = answered(ctx.get(path.rstrip("/")), 301)
    expect(response.header("Location") == ctx.endpoint.resolve(path), "Location leads elsewhere")


@check("CDMI-ID-012", "IDs are compared without regard to case", "5.11, RFC 4648 8")
def lower_case(ctx: CdmiContext) -> None:
    head, _, identifier = by_id(ctx, ctx.given("found")).rpartition("/")
    expect(document(ctx.get(f"{head}/{identifier.lower()}")).get("value") == "found", "another object")


@check("CDMI-ID-013", "a child is reached through the ID of its container", "5.10")
def child_by_id(ctx: CdmiContext) -> None:
    path = by_id(ctx, ctx.given_container("a", "b/"))
    expect(document(ctx.get(f"{path}a")).get("value") == "a", "another object")
    expect(document(ctx.get(f"{path}b/")).get("objectName") == "b/", "another container")


@check("CDMI-ID-014", "a child is made through the ID of its container", "5.10, 8.2")
def made_by_id(ctx: CdmiContext) -> None:
    container = ctx.given_container()
    found = document(ctx.put(f"{by_id(ctx, container)}child", {"value": "x"}), 201)
    expect(found.get("objectName") == "child", f"objectName is {found.get('objectName')!r}")
    expect(document(ctx.get(f"{container}child")).get("value") == "x", "it is not at its path")


@check("CDMI-ID-015", "a data object is updated by its ID", "8.4")
def update_by_id(ctx: CdmiContext) -> None:
    path = ctx.given()
    answered(ctx.put(by_id(ctx, path), {"value": "changed"}), 204)
    expect(ctx.read(path).get("value") == "changed", "the value is the old one")


@check("CDMI-ID-016", "a data object is deleted by its ID", "8.5")
def delete_by_id(ctx: CdmiContext) -> None:
    path = ctx.given()
    answered(ctx.delete(by_id(ctx, path)), 204)
    expect(not ctx.exists(path), "it is still at its path")


@check("CDMI-ID-017", "plain HTTP works by ID", "6.4, 6.5")
def http_by_id(ctx: CdmiContext) -> None:
    path = ctx.given("one")
    place = by_id(ctx, path)
    expect(answered(ctx.http("GET", place), 200).body == b"one", "another value")
    answered(ctx.http("PUT", place, b"two", (("Content-Type", "text/plain"),)), 204)
    expect(ctx.content(path) == b"two", "the value is the old one")


@check("CDMI-ID-018", "an unknown or malformed ID is no success", "5.10")
def unknown_id(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_object_access_by_ID")
    for identifier in ("00007ED90010D891022876A8DE0BC0FD", "00", "zz", "0" * 80):
        answered(ctx.get(v.BY_ID + identifier), 400, 404)


@check("CDMI-ID-019", "an object that cannot be named by ID is not made there", "8.2")
def put_by_new_id(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_object_access_by_ID")
    response = ctx.put(f"{v.BY_ID}00007ED90010D891022876A8DE0BC0FD", {"value": "x"})
    answered(response, 400, 404)

"""Clients in the field, request by request as they send them, and what they need in the answer."""

from __future__ import annotations

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document
from conformance.exchange import Header
from conformance.framework import Level, expect, require

LIBCDMI_JAVA = (
    (v.VERSION_HEADER, "1.0.1h"),
    ("Accept", v.OBJECT),
    ("Content-Type", v.OBJECT),
)
JCLOUDS = ((v.VERSION_HEADER, "1.0.1"), ("TID", "tenant"))
LIBCDMI_AGENT = ("User-Agent", "libcdmi-python/0.1")


@check(
    "CDMI-QUIRK-001",
    "libcdmi reads raw bytes with a CDMI Accept and no version",
    "libcdmi 0.1.2",
    Level.CLIENT,
)
def libcdmi_raw(ctx: CdmiContext) -> None:
    headers = (("Accept", v.OBJECT), LIBCDMI_AGENT)
    response = answered(ctx.http("GET", ctx.given_bytes(b"\0raw"), headers=headers), 200)
    expect(response.body == b"\0raw", f"{response.body[:80]!r} came")


@check(
    "CDMI-QUIRK-002",
    "libcdmi lists a container with a Content-Type and no body",
    "libcdmi 0.1.2",
    Level.CLIENT,
)
def libcdmi_list(ctx: CdmiContext) -> None:
    headers = ((v.VERSION_HEADER, "1.0.1h"), ("Content-Type", v.OBJECT), LIBCDMI_AGENT)
    found = document(ctx.http("GET", ctx.given_container("a"), headers=headers))
    expect(found.get("children") == ["a"], f"children is {found.get('children')!r}")


@check("CDMI-QUIRK-003", "a path with // leads to the same", "libcdmi 0.1.2", Level.CLIENT)
def double_slash(ctx: CdmiContext) -> None:
    path = ctx.given("same")
    head, _, name = path.rpartition("/")
    expect(document(ctx.get(f"{head}//{name}")).get("value") == "same", "another object")


@check(
    "CDMI-QUIRK-004",
    "libcdmi-java reads with Accept and Content-Type of an object",
    "libcdmi-java",
    Level.CLIENT,
)
def java_read(ctx: CdmiContext) -> None:
    found = document(ctx.http("GET", ctx.given("x"), headers=LIBCDMI_JAVA))
    expect(found.get("value") == "x", "another value")


@check(
    "CDMI-QUIRK-005", "libcdmi-java deletes with a Content-Type: exactly 204", "libcdmi-java", Level.CLIENT
)
def java_delete(ctx: CdmiContext) -> None:
    answered(ctx.http("DELETE", ctx.given(), headers=LIBCDMI_JAVA), 204)


@check(
    "CDMI-QUIRK-006",
    "libcdmi-java deletes a container with the type of an object",
    "libcdmi-java",
    Level.CLIENT,
)
def java_delete_container(ctx: CdmiContext) -> None:
    answered(ctx.http("DELETE", ctx.given_container(), headers=LIBCDMI_JAVA[:1] + LIBCDMI_JAVA[2:]), 204)


@check("CDMI-QUIRK-007", "libcdmi-java asks for /?children/ by HTTP", "libcdmi-java", Level.CLIENT)
def java_children(ctx: CdmiContext) -> None:
    found = document(ctx.http("GET", f"{ctx.given_container('a')}?children/"))
    expect(found.get("children") == ["a"], f"answered {found}")


@check("CDMI-QUIRK-008", "jclouds makes a container without body", "jclouds 2", Level.CLIENT)
def jclouds_container(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    headers = (*JCLOUDS, ("Accept", v.CONTAINER))
    found = document(ctx.http("PUT", path, headers=headers), 201)
    wanted = ("objectType", "objectID", "objectName", "parentURI", "children", "metadata")
    missing = [name for name in wanted if name not in found]
    expect(not missing, f"{', '.join(missing)} missing")


@check(
    "CDMI-QUIRK-009", "jclouds gets selected fields with Accept: application/json", "jclouds 2", Level.CLIENT
)
def jclouds_fields(ctx: CdmiContext) -> None:
    path = ctx.given()
    headers: tuple[Header, ...] = (("Accept", "application/json"), ("TID", "tenant"))
    found = document(ctx.http("GET", f"{path}?parentURI;objectName;", headers=headers))
    expect(set(found) == {"parentURI", "objectName"}, f"the fields are {', '.join(found)}")


@check("CDMI-QUIRK-010", "jclouds uploads text with X-CDMI-Partial", "jclouds 2", Level.CLIENT)
def jclouds_partial(ctx: CdmiContext) -> None:
    path = ctx.new()
    headers = (("Content-Type", "text/plain;charset=utf-8"), ("X-CDMI-Partial", "true"))
    answered(ctx.http("PUT", path, b"text", headers), 201)


@check("CDMI-QUIRK-011", "cdmi-client reads with Accept: */*", "cdmi-client 0.3", Level.CLIENT)
def cdmi_client(ctx: CdmiContext) -> None:
    headers = ((v.VERSION_HEADER, "1.1.1"), ("Accept", "*/*"))
    for path in (ctx.given(), ctx.box, v.CAPABILITIES):
        expect("objectID" in document(ctx.http("GET", path, headers=headers)), f"{path}: no objectID")


@check(
    "CDMI-QUIRK-012", "the Go client makes a container by HTTP and lists it", "grycap Go client", Level.CLIENT
)
def go_client(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.http("PUT", path), 201)
    found = document(ctx.http("GET", path, headers=((v.VERSION_HEADER, "1.1.1"),)))
    expect(found.get("children") == [], f"children is {found.get('children')!r}")


@check(
    "CDMI-QUIRK-013",
    "the Go client lists without slash and is led on by 301",
    "grycap Go client",
    Level.CLIENT,
)
def go_client_slash(ctx: CdmiContext) -> None:
    path = ctx.given_container("a").rstrip("/")
    response = answered(ctx.http("GET", path, headers=((v.VERSION_HEADER, "1.1.1"),)), 301)
    location = response.header("Location")
    require(ctx.endpoint.owns(location), f"Location is {location!r}")
    expect(document(ctx.get(ctx.endpoint.path(location))).get("children") == ["a"], "it leads elsewhere")


@check(
    "CDMI-QUIRK-014", "INDIGO scripts read capabilities with a Content-Type", "INDIGO-DataCloud", Level.CLIENT
)
def indigo(ctx: CdmiContext) -> None:
    found = document(ctx.http("GET", v.CAPABILITIES, headers=(("Content-Type", v.CAPABILITY),)))
    expect("capabilities" in found, "no capabilities")


@check("CDMI-QUIRK-015", "onedata clears metadata with {}", "onedata", Level.CLIENT)
def onedata(ctx: CdmiContext) -> None:
    path = ctx.given(metadata={"a": "1"})
    headers = ((v.VERSION_HEADER, "1.1.1"), ("Content-Type", v.OBJECT))
    answered(ctx.http("PUT", path, b'{"metadata": {}}', headers), 204)
    expect("a" not in ctx.metadata(path), "they are still there")


@check("CDMI-QUIRK-016", "osaddon makes a container with types and no body", "osaddon", Level.CLIENT)
def osaddon(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    headers = ((v.VERSION_HEADER, "1.0.1"), ("Accept", v.CONTAINER), ("Content-Type", v.CONTAINER))
    answered(ctx.http("PUT", path, headers=headers), 201)


@check("CDMI-QUIRK-017", "the SNIA tests find the URI of a create in Location", "SNIA tests", Level.CLIENT)
def snia(ctx: CdmiContext) -> None:
    path = ctx.new()
    headers = ((v.VERSION_HEADER, "1.0.2"), ("Accept", v.OBJECT), ("Content-Type", v.OBJECT))
    response = answered(ctx.http("PUT", path, b'{"value": "x"}', headers), 201)
    expect(response.header("Location") == ctx.endpoint.resolve(path), "Location is another")


@check("CDMI-QUIRK-018", "a delete with Content-Type is a delete", "SNIA tests", Level.CLIENT)
def snia_delete(ctx: CdmiContext) -> None:
    headers = ((v.VERSION_HEADER, "1.0.2"), ("Content-Type", v.CONTAINER))
    answered(ctx.http("DELETE", ctx.given_container(), headers=headers), 204)


@check("CDMI-QUIRK-019", "cdmi_size is a string of digits", "jclouds 2", Level.CLIENT)
def size(ctx: CdmiContext) -> None:
    found = ctx.metadata(ctx.given("12345")).get("cdmi_size", "5")
    expect(isinstance(found, str) and found.isdigit(), f"cdmi_size is {found!r}")

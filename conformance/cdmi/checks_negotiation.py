"""Version negotiation, media types, and what makes a request one of CDMI (5.13.2)."""

from __future__ import annotations

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document
from conformance.exchange import Response
from conformance.framework import Body, Level, expect, require

CLAUSE = "5.13.2"
UNKNOWN = "97.1, 98.0"


def versioned(ctx: CdmiContext, offered: str, path: str = "/?objectID", method: str = "GET") -> Response:
    return ctx.http(method, path, headers=((v.VERSION_HEADER, offered),))


def spoken(response: Response) -> str:
    return response.header(v.VERSION_HEADER)


@check("CDMI-VER-001", "the answer names one version of those offered", CLAUSE)
def one_version(ctx: CdmiContext) -> None:
    response = answered(ctx.get("/?objectID"), 200)
    offered = [part.strip() for part in v.OFFERED.split(",")]
    expect(spoken(response) in offered, f"{v.VERSION_HEADER} is {spoken(response)!r}")


@check("CDMI-VER-002", "the answer names the highest version that both know", CLAUSE)
def highest(ctx: CdmiContext) -> None:
    alone = [part for part in ("1.0.2", "1.1", "1.1.1") if versioned(ctx, part).status == 200]
    require(alone, "none of 1.0.2, 1.1 and 1.1.1 is spoken")
    for offered in (", ".join(alone), ", ".join(reversed(alone))):
        response = answered(versioned(ctx, offered), 200)
        expect(spoken(response) in alone[-2:], f"{offered} offered, {spoken(response)!r} answered")
        expect(alone == ["1.0.2"] or spoken(response) != "1.0.2", "1.0.2 is not the highest")


@check("CDMI-VER-003", "a version alone is answered in its own spelling", "grnet suite", Level.CLIENT)
def own_spelling(ctx: CdmiContext) -> None:
    for version in ("1.0.2", "1.1", "1.1.1"):
        response = versioned(ctx, version)
        if response.status == 200:
            expect(spoken(response) == version, f"{version} offered, {spoken(response)!r} answered")


@check("CDMI-VER-004", "versions nobody speaks are 400", CLAUSE)
def none_known(ctx: CdmiContext) -> None:
    answered(versioned(ctx, UNKNOWN), 400)


@check("CDMI-VER-005", "versions nobody speaks are 400 where nothing is", CLAUSE)
def none_known_nowhere(ctx: CdmiContext) -> None:
    answered(versioned(ctx, UNKNOWN, f"/{ctx.name()}"), 400)


@check("CDMI-VER-006", "an unknown version beside a known one does not matter", CLAUSE)
def one_known(ctx: CdmiContext) -> None:
    response = answered(versioned(ctx, f"97.1, {v.OFFERED}, 98.0"), 200)
    expect(spoken(response) in v.OFFERED, f"{v.VERSION_HEADER} is {spoken(response)!r}")


@check("CDMI-VER-007", "versions are separated by commas with and without blanks", CLAUSE)
def no_blanks(ctx: CdmiContext) -> None:
    answered(versioned(ctx, "1.0.2,1.1,1.1.1"), 200)


@check("CDMI-VER-008", "nothing is made for a version nobody speaks", CLAUSE)
def none_known_create(ctx: CdmiContext) -> None:
    path = ctx.new()
    headers = ((v.VERSION_HEADER, UNKNOWN), ("Content-Type", v.OBJECT))
    answered(ctx.http("PUT", path, b"{}", headers), 400)
    expect(not ctx.exists(path), "the object is there all the same")


@check("CDMI-VER-009", "a create names the version", "8.2, 9.2")
def create_named(ctx: CdmiContext) -> None:
    for path in (ctx.new_container(), ctx.new()):
        response = ctx.put(path, {})
        require(response.status == 201, f"answered {response.status}")
        expect(spoken(response), f"no {v.VERSION_HEADER} for {response.media_type}")


@check("CDMI-VER-010", "an error names the version too", "2.0 version detection", Level.SHOULD)
def error_named(ctx: CdmiContext) -> None:
    response = answered(ctx.get(f"/{ctx.name()}"), 404)
    expect(spoken(response), f"no {v.VERSION_HEADER}")


@check("CDMI-VER-011", "1.0.1h counts as 1.0.1", "libcdmi, libcdmi-java", Level.CLIENT)
def lettered(ctx: CdmiContext) -> None:
    answered(versioned(ctx, "1.0.1h"), 200)


@check("CDMI-VER-012", "malformed versions are 400, no server error", CLAUSE)
def malformed(ctx: CdmiContext) -> None:
    for offered in ("one", "1..1", ",", "1.1.1.1.1.1.1.1", "-1", "1" * 3000):
        answered(versioned(ctx, offered), 400)


# What is CDMI and what is plain HTTP


@check("CDMI-NEG-001", "a version header without Accept gives the CDMI form", CLAUSE)
def version_alone(ctx: CdmiContext) -> None:
    response = answered(ctx.get(ctx.given()), 200)
    expect(response.media_type == v.OBJECT, f"Content-Type is {response.media_type!r}")


@check("CDMI-NEG-002", "Accept with a CDMI type alone gives the CDMI form", "5.13.2; INDIGO", Level.CLIENT)
def accept_alone(ctx: CdmiContext) -> None:
    response = answered(ctx.http("GET", ctx.given(), headers=(("Accept", v.OBJECT),)), 200)
    expect(response.media_type == v.OBJECT, f"Content-Type is {response.media_type!r}")


@check("CDMI-NEG-003", "a request with neither is plain HTTP", "6.4")
def plain(ctx: CdmiContext) -> None:
    response = answered(ctx.http("GET", ctx.given("hello")), 200)
    expect(response.body == b"hello", f"the body is {response.text[:80]!r}")


@check("CDMI-NEG-004", "a CDMI Content-Type alone makes a CDMI create", "5.13.2; INDIGO", Level.CLIENT)
def type_alone(ctx: CdmiContext) -> None:
    path = ctx.new()
    response = ctx.http("PUT", path, b'{"value": "x"}', (("Content-Type", v.OBJECT),))
    found = document(response, 201)
    expect(found.get("objectType") == v.OBJECT, "no CDMI document in the answer")


def _suffixed(media_type: str, slash: str) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        path = ctx.new() + slash
        response = ctx.cdmi("PUT", path, {}, kind=f"{media_type}+json")
        answered(response, 201)
        expect(ctx.read(path).get("objectType") == media_type, "it is not read as its type")

    return run


check("CDMI-NEG-005", "application/cdmi-object+json is understood", CLAUSE)(_suffixed(v.OBJECT, ""))
check("CDMI-NEG-006", "application/cdmi-container+json is understood", CLAUSE)(_suffixed(v.CONTAINER, "/"))


@check("CDMI-NEG-007", "a CDMI GET that does not accept the type is 406", "8.3, 9.3")
def not_acceptable(ctx: CdmiContext) -> None:
    path = ctx.given()
    answered(ctx.get(path, v.CONTAINER), 406)
    answered(ctx.get(ctx.box, v.OBJECT), 406)


@check("CDMI-NEG-008", "Accept: */* is what the object is", CLAUSE)
def anything(ctx: CdmiContext) -> None:
    for path, kind in ((ctx.given(), v.OBJECT), (ctx.box, v.CONTAINER)):
        response = answered(ctx.get(path, "*/*"), 200)
        expect(response.media_type == kind, f"Content-Type is {response.media_type!r}")


@check("CDMI-NEG-009", "any type of an Accept list will do", CLAUSE)
def accept_list(ctx: CdmiContext) -> None:
    path = ctx.given()
    for accept in (f"{v.CONTAINER}, {v.OBJECT}", f"text/html;q=0.9,{v.OBJECT};q=0.1", "application/*"):
        answered(ctx.get(path, accept), 200)


@check("CDMI-NEG-010", "a type with q=0 is not accepted", "RFC 2616 14.1")
def accept_zero(ctx: CdmiContext) -> None:
    answered(ctx.get(ctx.given(), f"{v.OBJECT};q=0, {v.CONTAINER}"), 406)


@check("CDMI-NEG-011", "a Content-Type of another type than the object's is 400", CLAUSE)
def mismatch(ctx: CdmiContext) -> None:
    path = ctx.given("kept")
    answered(ctx.put(path, {"metadata": {"a": "b"}}, v.CONTAINER), 400)
    answered(ctx.put(ctx.box, {"metadata": {"a": "b"}}, v.OBJECT), 400)
    expect(ctx.read(path).get("value") == "kept", "the value has changed")


@check("CDMI-NEG-012", "a CDMI container create of the wrong type is 400", CLAUSE)
def slash_mismatch(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.put(f"{path}/", {}, v.OBJECT), 400)
    expect(not ctx.exists(path) and not ctx.exists(f"{path}/"), "something was made")


@check("CDMI-NEG-013", "types are compared without regard to case and parameters", "RFC 2616 3.7")
def spelling(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.put(path, {}, "Application/CDMI-Object; charset=utf-8"), 201)
    expect(ctx.read(path).get("objectType") == v.OBJECT, "it is no data object")


@check(
    "CDMI-NEG-014",
    "selectors make a plain GET one of CDMI",
    "jclouds, libcdmi-java, cdmi-serve",
    Level.CLIENT,
)
def selectors_make_cdmi(ctx: CdmiContext) -> None:
    path = ctx.given()
    for headers in ((), (("Accept", "*/*"),), (("Accept", "application/json"),)):
        found = document(ctx.http("GET", f"{path}?objectName;mimetype", headers=headers))
        expect(set(found) == {"objectName", "mimetype"}, f"the fields are {', '.join(found)}")


@check("CDMI-NEG-015", "a plain GET of a container has its children", "libcdmi-java, osaddon", Level.CLIENT)
def plain_container(ctx: CdmiContext) -> None:
    path = ctx.given_container("a")
    response = ctx.http("GET", path)
    expect(document(response).get("children") == ["a"], "no children")
    expect(response.media_type == v.CONTAINER, f"Content-Type is {response.media_type!r}")


@check("CDMI-NEG-016", "a document in UTF-8 comes back in UTF-8", "5.13.2, RFC 6208")
def unicode(ctx: CdmiContext) -> None:
    path = ctx.new()
    text = "Ærøskøbing 東京 \U0001f300"
    answered(ctx.cdmi("PUT", path, f'{{"value": "{text}", "metadata": {{"ø": "{text}"}}}}'.encode()), 201)
    found = document(ctx.get(path))
    expect(found.get("value") == text, f"value is {found.get('value')!r}")
    expect(found["metadata"].get("ø") == text, "metadata differ")

"""Addresses: slashes, names, parents, reserved places (5.13, 8.1, 9.1)."""

from __future__ import annotations

from urllib.parse import quote

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document
from conformance.framework import Body, Level, Skipped, expect, require

SLASH = "9.1"


def redirected(ctx: CdmiContext, method: str, path: str, document: object = None) -> None:
    """The slash is added, the query kept."""
    kind = v.CONTAINER if document is not None else ""
    response = answered(ctx.cdmi(method, path, document, kind=kind), 301)
    base, question, query = path.partition("?")
    wanted = ctx.endpoint.resolve(f"{base}/{question}{query}")
    expect(response.header("Location") == wanted, f"Location is {response.header('Location')!r}")


@check("CDMI-PATH-001", "a container read without its slash is 301 to the one with it", SLASH)
def read_without(ctx: CdmiContext) -> None:
    redirected(ctx, "GET", ctx.given_container().rstrip("/"))


@check("CDMI-PATH-002", "the 301 keeps the query", SLASH)
def query_kept(ctx: CdmiContext) -> None:
    redirected(ctx, "GET", ctx.given_container().rstrip("/") + "?metadata;children:0-1")


@check("CDMI-PATH-003", "a container deleted without its slash is 301 and stays", SLASH)
def delete_without(ctx: CdmiContext) -> None:
    path = ctx.given_container()
    redirected(ctx, "DELETE", path.rstrip("/"))
    expect(ctx.exists(path), "it is gone")


@check("CDMI-PATH-004", "a container updated without its slash is 301", SLASH)
def update_without(ctx: CdmiContext) -> None:
    path = ctx.given_container()
    redirected(ctx, "PUT", path.rstrip("/"), {"metadata": {"a": "b"}})
    expect("a" not in ctx.metadata(path), "it was updated")


@check("CDMI-PATH-005", "a container read by HTTP without its slash is 301", "7.1")
def http_without(ctx: CdmiContext) -> None:
    path = ctx.given_container()
    response = answered(ctx.http("GET", path.rstrip("/")), 301)
    expect(response.header("Location") == ctx.endpoint.resolve(path), "Location leads elsewhere")


@check("CDMI-PATH-006", "a CDMI create of a container without slash is 400", "9.2")
def create_without(ctx: CdmiContext) -> None:
    path = ctx.new_container().rstrip("/")
    answered(ctx.put(path, {}, v.CONTAINER), 400)
    expect(not ctx.exists(path) and not ctx.exists(f"{path}/"), "something was made")


@check("CDMI-PATH-007", "an HTTP PUT without slash makes a data object", "6.2")
def http_object(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.http("PUT", path, b"x", (("Content-Type", "text/plain"),)), 201)
    expect(ctx.read(path).get("objectType") == v.OBJECT, "it is no data object")


@check("CDMI-PATH-008", "an HTTP PUT with a slash makes a container", "7.2")
def http_container(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.http("PUT", path), 201)
    expect(ctx.read(path).get("objectType") == v.CONTAINER, "it is no container")


@check("CDMI-PATH-009", "a data object with a slash is no success", "8.1", Level.SHOULD)
def object_slash(ctx: CdmiContext) -> None:
    response = ctx.get(ctx.given() + "/")
    answered(response, 301, 400, 404, 409)


def _named(name: str) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        path = ctx.box + quote(name, safe="")
        ctx.need("container", "cdmi_create_dataobject")
        found = document(ctx.put(path, {"value": "x"}), 201)
        expect(found.get("objectName") == name, f"objectName is {found.get('objectName')!r}")
        expect(document(ctx.get(path)).get("objectName") == name, "it is read under another name")
        children = document(ctx.get(ctx.box)).get("children")
        expect(children == [name], f"children are {children}")

    return run


NAMES = {
    "blanks": "a b  c.txt",
    "a percent sign": "100%25 of it",
    "a plus sign": "c++",
    "a semicolon": "a;b",
    "a colon": "value:0-1",
    "an ampersand": "a&b=c",
    "a hash": "a#b",
    "a question mark's neighbours": "a!'()*,@",
    "letters of other scripts": "Ωμέγα 東京 \U0001f300",
    "quotes": "\"'\\",
    "dots": "...a..b.",
    "255 characters": "n" * 255,
}
for _number, (_word, _name) in enumerate(NAMES.items(), 10):
    check(f"CDMI-PATH-{_number:03}", f"a name with {_word} comes back raw", "5.13.4, 5.13.6")(_named(_name))


@check("CDMI-PATH-022", "escapes of unreserved characters mean the same path", "RFC 3986 2.3")
def escapes(ctx: CdmiContext) -> None:
    path = ctx.given("same")
    head, _, name = path.rpartition("/")
    odd = "".join(f"%{ord(letter):02X}" for letter in name)
    expect(document(ctx.get(f"{head}/{odd}")).get("value") == "same", "another value")


@check("CDMI-PATH-023", "a name with an escaped slash is refused", "5.13.6")
def escaped_slash(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_create_dataobject")
    before = ctx.read(ctx.box)["children"]
    answered(ctx.put(f"{ctx.box}a%2Fb", {}), 400, 404)
    expect(ctx.read(ctx.box)["children"] == before, "something was made")


@check("CDMI-PATH-024", "a name with NUL is refused", "5.13.6")
def nul(ctx: CdmiContext) -> None:
    answered(ctx.put(f"{ctx.box}a%00b", {}), 400, 404)
    expect(ctx.read(ctx.box)["children"] == [], "something was made")


@check("CDMI-PATH-025", "a path that is no UTF-8 is refused", "5.13.4")
def not_utf8(ctx: CdmiContext) -> None:
    answered(ctx.put(f"{ctx.box}%ff%fe", {}), 400, 404)
    expect(ctx.read(ctx.box)["children"] == [], "something was made")


@check("CDMI-PATH-026", "escaped dots do not lead out of a container", "5.13.6; security")
def dots(ctx: CdmiContext) -> None:
    path = ctx.new()
    answered(ctx.put(f"{ctx.box}%2e%2e/{path.rpartition('/')[2]}", {}), 400, 404)
    outside = ctx.box.rstrip("/").rpartition("/")[0] + "/" + path.rpartition("/")[2]
    expect(not ctx.exists(outside), "the object was made outside")


@check("CDMI-PATH-027", "an object whose parent is missing is 404", "8.2")
def no_parent(ctx: CdmiContext) -> None:
    parent = ctx.new_container()
    answered(ctx.put(f"{parent}a", {}), 404)
    answered(ctx.http("PUT", f"{parent}a", b"x", (("Content-Type", "text/plain"),)), 404)
    expect(not ctx.exists(parent), "the parent was made")


@check("CDMI-PATH-028", "a container whose parent is missing is 404", "9.2")
def no_parent_container(ctx: CdmiContext) -> None:
    parent = ctx.new_container()
    answered(ctx.put(f"{parent}a/", {}), 404)
    expect(not ctx.exists(parent), "the parent was made")


@check("CDMI-PATH-029", "an object cannot be made below a data object", "8.2")
def below_object(ctx: CdmiContext) -> None:
    response = ctx.put(f"{ctx.given()}/a", {})
    expect(400 <= response.status < 500, f"answered {response.status}")


@check("CDMI-PATH-030", "what is missing is 404", "8.3, 9.3")
def missing(ctx: CdmiContext) -> None:
    for path in (ctx.new(), ctx.new_container()):
        for method in ("GET", "DELETE"):
            answered(ctx.cdmi(method, path), 404)


@check("CDMI-PATH-031", "no container whose name begins with cdmi_ can be made", "9.1.2")
def prefix(ctx: CdmiContext) -> None:
    for place in (ctx.box, "/"):
        path = f"{place}cdmi_{ctx.name()}/"
        response = ctx.put(path, {})
        if response.ok:
            ctx.track(path)
        answered(response, 400)


@check("CDMI-PATH-032", "reserved containers cannot be deleted", "9.1.2, 9.5")
def reserved(ctx: CdmiContext) -> None:
    for name in ("cdmi_objectid", "cdmi_capabilities"):
        answered(ctx.delete(f"/{name}/"), 400, 405)


@check("CDMI-PATH-033", "the root cannot be deleted", "9.5")
def root(ctx: CdmiContext) -> None:
    answered(ctx.delete("/"), 400, 405)


@check("CDMI-PATH-034", "parentURI and objectName make the URI of each object", "5.13.4, 8.2, 9.2")
def joined(ctx: CdmiContext) -> None:
    container = ctx.given_container("object", "inner/")
    for path in (container, f"{container}object", f"{container}inner/"):
        found = ctx.read(path)
        uri = f"{found.get('parentURI')}{found.get('objectName')}"
        expect(uri == ctx.reference(path), f"parentURI and objectName of {path} make {uri!r}")


@check("CDMI-PATH-035", "parentID is the ID of the parent", "8.2, 9.2")
def parent_id(ctx: CdmiContext) -> None:
    container = ctx.given_container("object", "inner/")
    wanted = ctx.identifier(container)
    for path in (f"{container}object", f"{container}inner/"):
        found = ctx.read(path).get("parentID")
        expect(found == wanted, f"parentID is {found!r}, the container is {wanted!r}")


@check("CDMI-PATH-036", "the root is a container without parentID", "9.2, 9.3")
def root_fields(ctx: CdmiContext) -> None:
    found = document(ctx.get("/"))
    expect(found.get("objectType") == v.CONTAINER, f"objectType is {found.get('objectType')!r}")
    expect("parentID" not in found, "the root has a parentID")


@check("CDMI-PATH-037", "the name of the root is /", "osaddon", Level.SHOULD)
def root_name(ctx: CdmiContext) -> None:
    if ctx.endpoint.base:
        raise Skipped("the root URI has a path, so its name is the end of that")
    name = document(ctx.get("/")).get("objectName")
    expect(name == "/", f"objectName is {name!r}")


@check("CDMI-PATH-038", "an object and a container of one name do not both exist", "5.13.6")
def one_name(ctx: CdmiContext) -> None:
    path = ctx.given()
    response = ctx.put(f"{path}/", {})
    expect(not response.ok, f"answered {response.status}")
    require(ctx.exists(path), "the object is gone")
    children = ctx.read(ctx.box)["children"]
    expect(len(children) == 1, f"children are {children}")


@check("CDMI-PATH-039", "names differ by case", "5.13.6", Level.SHOULD)
def case(ctx: CdmiContext) -> None:
    path = ctx.given("lower")
    head, _, name = path.rpartition("/")
    answered(ctx.get(f"{head}/{name.upper()}"), 404)


@check("CDMI-PATH-040", "a deep path works", "5.13.6")
def deep(ctx: CdmiContext) -> None:
    path = ctx.box
    for _ in range(12):
        path += "d/"
        require(ctx.put(path, {}).status == 201, f"cannot make {path}")
    answered(ctx.put(f"{path}o", {"value": "deep"}), 201)
    expect(document(ctx.get(f"{path}o")).get("value") == "deep", "another value")


@check(
    "CDMI-PATH-041", "a Location is absolute and leads to what was made", "8.2, 9.2; SNIA tests", Level.CLIENT
)
def location(ctx: CdmiContext) -> None:
    for path in (ctx.new(), ctx.new_container()):
        response = answered(ctx.put(path, {}), 201)
        found = response.header("Location")
        expect(found == ctx.endpoint.resolve(path), f"Location is {found!r}")


@check("CDMI-PATH-042", "domainURI is there if and only if domains are", "10.1, 8.2, 9.2")
def domain_uri(ctx: CdmiContext) -> None:
    offered = ctx.published("", "cdmi_domains") is not None
    for path in (ctx.given_container(), ctx.given()):
        found = "domainURI" in ctx.read(path)
        expect(found == offered, f"domainURI is {'there' if found else 'missing'}")


@check("CDMI-PATH-043", "domainURI leads to a domain", "10.1")
def domain_of(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_domains")
    uri = ctx.read(ctx.given()).get("domainURI")
    if not isinstance(uri, str):
        raise Skipped("no domainURI")
    expect(document(ctx.get(uri)).get("objectType") == v.DOMAIN, f"{uri} is no domain")

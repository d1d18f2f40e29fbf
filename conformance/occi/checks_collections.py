"""Collections of kinds, unbound paths, the root, and paging (GFD.185 3.4.2, GFD.223)."""

from __future__ import annotations

from conformance.exchange import Response
from conformance.framework import Blocked, Level, Skipped, expect, require
from conformance.occi import jsonform, strict, tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.text import split_values
from conformance.occi.wire import Message

CLAUSE = "GFD.185 3.4.2, GFD.223 collections"


def listing(ctx: OcciContext, accept: str, reference: str = "") -> Response:
    return strict.succeeded(ctx.get(reference or ctx.location(v.STORAGE), accept), accept)


def _paths(ctx: OcciContext, response: Response) -> list[str]:
    return [ctx.path(uri) for uri in tolerant.listed(response)]


@check("OCCI-COL-001", "a collection in text/plain lists its members as X-OCCI-Location lines", CLAUSE)
def plain_listing(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    response = listing(ctx, v.PLAIN)
    strict.well_formed(response, ("X-OCCI-Location",))
    expect(path in _paths(ctx, response), f"{path} is not listed")


@check("OCCI-COL-002", "a collection in text/occi lists its members in X-OCCI-Location", CLAUSE)
def occi_listing(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    response = listing(ctx, v.OCCI)
    expect(path in _paths(ctx, response), f"{path} is not listed")


@check(
    "OCCI-COL-003",
    "a collection in text/uri-list lists its members one per line",
    "GFD.185 3.6.6.4, RFC 2483",
)
def uri_listing(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    response = listing(ctx, v.URI_LIST)
    expect(path in _paths(ctx, response), f"{path} is not listed")


@check("OCCI-COL-004", "a collection in JSON holds its members in resources", "GFD.226 collections")
def json_listing(ctx: OcciContext) -> None:
    ctx.need_json()
    ctx.shared(v.STORAGE)
    jsonform.expect_shape(listing(ctx, v.JSON), jsonform.RESOURCES)


@check("OCCI-COL-005", "a collection in JSON lists the same members as in text", "GFD.226 collections")
def json_same(ctx: OcciContext) -> None:
    ctx.need_json()
    path = ctx.shared(v.STORAGE)
    wanted = ctx.describe(path).attributes.get("occi.core.id", "").removeprefix("urn:uuid:")
    require(wanted, "the text rendering has no id")
    entities = tolerant.json_entities(jsonform.document(listing(ctx, v.JSON)))
    found = [str(entity.get("id", "")).removeprefix("urn:uuid:") for entity in entities]
    expect(wanted in found, f"{wanted} is not among the {len(found)} ids")


@check("OCCI-COL-006", "listed URIs are absolute and below the endpoint", "rOCCI-api, pOCCI", Level.CLIENT)
def absolute(ctx: OcciContext) -> None:
    ctx.shared(v.STORAGE)
    listed = tolerant.listed(listing(ctx, v.PLAIN))
    require(listed, "nothing is listed")
    wrong = [uri for uri in listed if not uri.startswith(ctx.endpoint.url + "/")]
    expect(not wrong, f"{wrong[0][:160]!r}" if wrong else "")


@check(
    "OCCI-COL-007",
    "all renderings list the same URIs in the same words",
    "suites compare strings",
    Level.CLIENT,
)
def same_strings(ctx: OcciContext) -> None:
    ctx.shared(v.STORAGE)
    renderings = [sorted(tolerant.listed(listing(ctx, accept))) for accept in (v.PLAIN, v.OCCI, v.URI_LIST)]
    require(renderings[0], "nothing is listed")
    bare = [sorted(ctx.path(uri) for uri in uris) for uris in renderings]
    require(bare[0] == bare[1] == bare[2], "the renderings list different entities")
    expect(renderings[0] == renderings[1] == renderings[2], "the renderings spell the URIs differently")


@check(
    "OCCI-COL-008", "in text/occi the listing is one header joined by comma and blank", "suites", Level.CLIENT
)
def joined(ctx: OcciContext) -> None:
    ctx.given(v.STORAGE)
    ctx.given(v.STORAGE)
    headers = listing(ctx, v.OCCI).values("X-OCCI-Location")
    require(headers, "no X-OCCI-Location header")
    expect(len(headers) == 1, f"{len(headers)} headers")
    members = split_values(headers[0])
    require(len(members) > 1, "fewer than two are listed")
    expect(headers[0].split(", ") == members, "the members are not separated by ', ' alone")


@check("OCCI-COL-009", "a listed URI can be read", CLAUSE)
def readable(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    listed = [uri for uri in tolerant.listed(listing(ctx, v.PLAIN)) if ctx.path(uri) == path]
    require(listed, "what was made is not listed")
    response = ctx.get(listed[0]) if ctx.endpoint.owns(listed[0]) else ctx.get(path)
    expect(response.ok, f"answered {response.status}")


@check("OCCI-COL-010", "an empty collection is 200 or 204", "GFD.185 3.4.2, GFD.223")
def empty(ctx: OcciContext) -> None:
    response = ctx.get(ctx.given_tag().location)
    expect(response.status in (200, 204), f"answered {response.status}")


@check("OCCI-COL-011", "an empty collection is 200", "pOCCI", Level.CLIENT)
def empty_200(ctx: OcciContext) -> None:
    response = ctx.get(ctx.given_tag().location)
    require(response.ok, f"answered {response.status}")
    expect(response.status == 200, f"answered {response.status}")


@check(
    "OCCI-COL-012",
    "an empty collection in text/occi has no X-OCCI-Location",
    "suites look at the missing header",
    Level.CLIENT,
)
def empty_occi(ctx: OcciContext) -> None:
    response = strict.succeeded(ctx.get(ctx.given_tag().location, v.OCCI))
    expect(not response.values("X-OCCI-Location"), "the header is there")


@check("OCCI-COL-013", "an empty collection in JSON has an empty list", "GFD.226 collections")
def empty_json(ctx: OcciContext) -> None:
    ctx.need_json()
    response = listing(ctx, v.JSON, ctx.given_tag().location)
    document = jsonform.document(response)
    expect(
        document in ({"resources": []}, {"links": []}, {"resources": [], "links": []}),
        f"{response.text[:160]!r}",
    )


@check("OCCI-COL-014", "PUT on the collection of a kind is 405", "GFD.185 3.4.2")
def put_refused(ctx: OcciContext) -> None:
    message = Message(v.STORAGE, attributes={"occi.core.title": ctx.name(), "occi.storage.size": 1.0})
    response = ctx.send("PUT", ctx.location(v.STORAGE), message)
    expect(response.status == 405, f"answered {response.status}")


def _slashless(ctx: OcciContext) -> str:
    return ctx.location(v.STORAGE).rstrip("/")


@check("OCCI-COL-015", "GET without the final slash lists the collection", "ooi does", Level.SHOULD)
def without_slash(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    response = ctx.get(_slashless(ctx))
    expect(response.ok, f"answered {response.status}")
    expect(path in _paths(ctx, response), f"{path} is not listed")


@check(
    "OCCI-COL-016", "POST without the final slash is not redirected", "clients lose the body", Level.CLIENT
)
def no_redirect(ctx: OcciContext) -> None:
    message = Message(v.STORAGE, attributes={"occi.core.title": ctx.name(), "occi.storage.size": 1.0})
    response, _ = ctx.create(message, at=_slashless(ctx))
    expect(not 300 <= response.status < 400, f"answered {response.status}")


@check("OCCI-COL-017", "DELETE on a collection with URIs deletes these only", "GFD.185 3.4.2")
def delete_some(ctx: OcciContext) -> None:
    collection = ctx.location(v.STORAGE)
    first, second = ctx.given(v.STORAGE), ctx.given(v.STORAGE)
    ctx.given_listed(collection, first, second)
    ctx.only_ours(collection)
    response = ctx.send("DELETE", collection, Message(locations=(ctx.uri(first),)))
    if response.status in (405, 501):
        raise Skipped(f"collections are not deleted: {response.status}")
    expect(response.ok, f"answered {response.status}")
    expect(not ctx.get(first).ok, "the named one is still there")
    expect(ctx.get(second).ok, "another one is gone")


@check("OCCI-COL-018", "DELETE on a collection deletes its members", "GFD.185 3.4.2")
def delete_all(ctx: OcciContext) -> None:
    collection = ctx.location(v.STORAGE)
    path = ctx.given(v.STORAGE)
    ctx.given_listed(collection, path)
    ctx.only_ours(collection)
    response = ctx.delete(collection)
    if response.status in (405, 501):
        raise Skipped(f"collections are not deleted: {response.status}")
    expect(response.ok, f"answered {response.status}")
    expect(not ctx.get(path).ok, "a member is still there")


@check("OCCI-COL-019", "an unknown path is 404 or an empty listing", "GFD.185 3.4.2")
def unknown_path(ctx: OcciContext) -> None:
    response = ctx.get(f"/{ctx.name()}/")
    expect(response.status in (200, 204, 404), f"answered {response.status}")
    expect(not response.ok or not tolerant.listed(response), "it lists entities")


@check("OCCI-PATH-001", "GET / lists the entities of all kinds", "GFD.185 3.4.2")
def root_lists(ctx: OcciContext) -> None:
    wanted = {ctx.shared(v.STORAGE), ctx.shared(v.NETWORK)}
    response = ctx.get("/")
    expect(response.ok, f"answered {response.status}")
    missing = wanted - set(_paths(ctx, response))
    expect(not missing, f"not listed: {' '.join(sorted(missing))}")


@check("OCCI-PATH-002", "GET / in text/occi carries X-OCCI-Location", "doyouspeakOCCI 3.4.2", Level.CLIENT)
def root_occi(ctx: OcciContext) -> None:
    ctx.shared(v.STORAGE)
    response = strict.succeeded(ctx.get("/", v.OCCI))
    expect(response.values("X-OCCI-Location"), "no X-OCCI-Location header")


@check("OCCI-PATH-003", "GET / in text/uri-list lists entities", "GFD.185 3.4.2", Level.CLIENT)
def root_uri_list(ctx: OcciContext) -> None:
    path = ctx.shared(v.STORAGE)
    response = strict.succeeded(ctx.get("/", v.URI_LIST), v.URI_LIST)
    expect(path in _paths(ctx, response), f"{path} is not listed")


def _below(ctx: OcciContext) -> tuple[str, str]:
    """An unbound path and a compute that was made below it."""
    top = f"/{ctx.name('path')}/"
    message = Message(v.COMPUTE, attributes={"occi.core.title": ctx.name()})
    response, path = ctx.create(message, method="PUT", at=f"{top}{ctx.name()}")
    if response.status == 400:
        raise Skipped("paths of the client's choice are refused: 400")
    require(path, f"PUT is answered {response.status}")
    return top, path


@check(
    "OCCI-PATH-004", "an unbound path lists what was made below it", "GFD.185 3.4.2, GFD.223 unbound paths"
)
def unbound_lists(ctx: OcciContext) -> None:
    top, path = _below(ctx)
    response = ctx.get(top)
    expect(response.ok, f"answered {response.status}")
    expect(path in _paths(ctx, response), f"{path} is not listed")


@check("OCCI-PATH-005", "what was made at a path is in the collection of its kind", "GFD.185 3.4.2")
def unbound_in_kind(ctx: OcciContext) -> None:
    _, path = _below(ctx)
    require(ctx.get(path).ok, "it cannot be read")
    expect(path in ctx.listing(ctx.location(v.COMPUTE)), f"{path} is not listed")


@check("OCCI-PATH-006", "DELETE on an unbound path deletes what is below it", "GFD.185 3.4.2")
def unbound_deletes(ctx: OcciContext) -> None:
    top, path = _below(ctx)
    listed = ctx.listing(top)
    require(listed == [path], "the path does not list just what was made there")
    other = ctx.given(v.STORAGE)
    response = ctx.delete(top)
    if response.status in (405, 501):
        raise Skipped(f"paths are not deleted: {response.status}")
    expect(response.ok, f"answered {response.status}")
    expect(not ctx.get(path).ok, "what was below is still there")
    expect(ctx.get(other).ok, "something elsewhere is gone")


def _page(ctx: OcciContext, query: str, separator: str = "&") -> list[str]:
    response = ctx.get(f"{ctx.location(v.STORAGE)}?{query.replace('&', separator)}")
    expect(response.ok, f"?{query} is answered {response.status}")
    return _paths(ctx, response)


def _four(ctx: OcciContext) -> list[str]:
    """All storage, four of it new: page 1 is full whether pages count from 0 or 1."""
    ctx.need_claim("1.2")
    made = [ctx.given(v.STORAGE) for _ in range(4)]
    everything = ctx.listing(ctx.location(v.STORAGE))
    if not set(made) <= set(everything):
        raise Blocked("what was made is not listed")
    return everything


PAGING = "GFD.223 paging"


@check("OCCI-PAGE-001", "number limits the items of a page", PAGING)
def page_size(ctx: OcciContext) -> None:
    _four(ctx)
    found = _page(ctx, "page=1&number=2")
    expect(len(found) == 2, f"{len(found)} items, not 2")


@check("OCCI-PAGE-002", "the pages together are the collection, nothing twice", PAGING)
def pages_cover(ctx: OcciContext) -> None:
    everything = _four(ctx)
    count = (len(everything) + 1) // 2
    found = [path for page in range(1, count + 1) for path in _page(ctx, f"page={page}&number=2")]
    if len(found) < len(everything) and ctx.get(f"{ctx.location(v.STORAGE)}?page=0&number=2").ok:
        found = _page(ctx, "page=0&number=2") + found
    expect(
        sorted(found) == sorted(everything),
        f"{len(found)} items on the pages, {len(everything)} in the collection",
    )


@check("OCCI-PAGE-003", "a page past the end is an empty 200", PAGING)
def past_the_end(ctx: OcciContext) -> None:
    _four(ctx)
    found = _page(ctx, "page=9999&number=100")
    expect(not found, f"{len(found)} items")


@check("OCCI-PAGE-004", "a semicolon separates the paging parameters as well", "GFD.223, comment", Level.MAY)
def semicolon(ctx: OcciContext) -> None:
    _four(ctx)
    found = _page(ctx, "page=1&number=2", ";")
    expect(len(found) == 2, f"{len(found)} items, not 2")


@check("OCCI-PAGE-005", "a page that is no number is 400", PAGING, Level.SHOULD)
def not_a_number(ctx: OcciContext) -> None:
    ctx.need_claim("1.2")
    response = ctx.get(f"{ctx.location(v.STORAGE)}?page=first&number=2")
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-PAGE-006", "paging works in text/uri-list", PAGING)
def paged_uri_list(ctx: OcciContext) -> None:
    _four(ctx)
    response = listing(ctx, v.URI_LIST, f"{ctx.location(v.STORAGE)}?page=1&number=2")
    found = _paths(ctx, response)
    expect(len(found) == 2, f"{len(found)} items, not 2")

"""User-defined mixins (tags): added, put on entities, taken off, removed (GFD.185 3.4.1, 3.4.3)."""

from __future__ import annotations

from conformance.exchange import Response
from conformance.framework import Body, Level, expect, require
from conformance.occi import strict, tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import QUERY, OcciContext, Tag
from conformance.occi.registry import check
from conformance.occi.wire import Message, Scalar, category, plain

MODEL = "GFD.185 3.4.1, GFD.223 query interface"
CLAUSE = "GFD.185 3.4.3, GFD.223 mixin collections"


def listed(ctx: OcciContext, tag: Tag) -> tolerant.Model | None:
    """The tag in the model as it is now."""
    response = strict.succeeded(ctx.get(QUERY))
    return next((found for found in tolerant.read(response).categories if found.id == tag.id), None)


def members(ctx: OcciContext, tag: Tag) -> list[str]:
    response = ctx.get(tag.location)
    require(response.ok, f"the tag's collection is answered {response.status}")
    return [ctx.path(uri) for uri in tolerant.listed(response)]


def locations(ctx: OcciContext, *paths: str) -> Message:
    return Message(locations=tuple(ctx.uri(path) for path in paths))


@check("OCCI-TAG-001", "a mixin is added by text/occi", MODEL)
def added_occi(ctx: OcciContext) -> None:
    response = ctx.add_tag(ctx.new_tag())
    expect(response.ok, f"answered {response.status}")


@check("OCCI-TAG-002", "a mixin is added by text/plain", MODEL)
def added_plain(ctx: OcciContext) -> None:
    tag = ctx.new_tag()
    request = plain(f"Category: {category(tag.id, 'mixin', location=tag.location)}")
    response = ctx.send("POST", QUERY, headers=request.headers, body=request.body)
    ctx.track_tag(tag, response)
    expect(response.ok, f"answered {response.status}")


@check("OCCI-TAG-003", "an added mixin is listed with its class", MODEL)
def tag_listed(ctx: OcciContext) -> None:
    found = listed(ctx, ctx.given_tag())
    expect(found is not None, "it is not in the model")
    expect(found is not None and found.class_ == "mixin", f"its class is {found.class_ if found else ''!r}")


@check("OCCI-TAG-004", "an added mixin has the location it was given", MODEL)
def tag_location(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    found = listed(ctx, tag)
    require(found is not None, "it is not in the model")
    shown = ctx.path(found.location) if found else ""
    expect(shown == tag.location, f"its location is {shown[:160]!r}, not {tag.location}")


@check(
    "OCCI-TAG-005", "a mixin whose rel nobody has heard of is added", "doyouspeakOCCI, WG suite", Level.CLIENT
)
def unknown_rel(ctx: OcciContext) -> None:
    response = ctx.add_tag(ctx.new_tag(), rel="http://example.com/occi/something_else#mixin")
    expect(response.ok, f"answered {response.status}")


@check("OCCI-TAG-006", "the rel of an added mixin is shown as it was given", "pOCCI CREATE/006", Level.CLIENT)
def rel_kept(ctx: OcciContext) -> None:
    tag, rel = ctx.new_tag(), "http://example.com/occi/something_else#mixin"
    require(ctx.add_tag(tag, rel=rel).ok, "it cannot be added")
    found = listed(ctx, tag)
    require(found is not None, "it is not in the model")
    expect(found is not None and found.rel == (rel,), f"rel is {' '.join(found.rel) if found else ''!r}")


@check("OCCI-TAG-007", "a mixin without location is 400", MODEL)
def no_location(ctx: OcciContext) -> None:
    tag = ctx.new_tag()
    value = category(tag.id, "mixin")
    response = ctx.send("POST", QUERY, headers=(("Content-Type", v.OCCI), ("Category", value)))
    ctx.track_tag(tag, response)
    expect(response.status == 400, f"answered {response.status}")


def conflicts(ctx: OcciContext, response: Response) -> None:
    """1.1 lets the provider reject a mixin, with the status of its choice among these."""
    allowed = (409,) if ctx.claims("1.2") else (400, 403, 409)
    expect(response.status in allowed, f"answered {response.status}")


@check("OCCI-TAG-008", "a mixin that exists already is 409", MODEL)
def same_identifier(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    response = ctx.add_tag(Tag(tag.id, f"/{ctx.name('other')}/"))
    conflicts(ctx, response)


@check("OCCI-TAG-009", "a location that is taken is 409", MODEL)
def same_location(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    response = ctx.add_tag(Tag(ctx.new_tag().id, tag.location))
    conflicts(ctx, response)


@check("OCCI-TAG-010", "a mixin with the location of a kind is refused", MODEL)
def kind_location(ctx: OcciContext) -> None:
    response = ctx.add_tag(Tag(ctx.new_tag().id, ctx.location(v.STORAGE)))
    expect(response.status in (400, 403, 409), f"answered {response.status}")


@check(
    "OCCI-TAG-011",
    "a mixin location may lie below that of a provider mixin",
    "pOCCI CREATE/006",
    Level.CLIENT,
)
def below_provider(ctx: OcciContext) -> None:
    tag = Tag(ctx.new_tag().id, f"/mixin/resource_tpl/{ctx.name()}/")
    response = ctx.add_tag(tag, rel=v.RESOURCE_TPL)
    expect(response.ok, f"answered {response.status}")


@check("OCCI-TAG-012", "a mixin location may be a full URL", "clients in use", Level.SHOULD)
def full_url(ctx: OcciContext) -> None:
    tag = ctx.new_tag()
    response = ctx.add_tag(Tag(tag.id, ctx.uri(tag.location)))
    expect(response.ok, f"answered {response.status}")
    found = listed(ctx, tag)
    expect(found is not None and ctx.path(found.location) == tag.location, "it is not at that location")


def _associates(rendering: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        tag, path = ctx.given_tag(), ctx.given(v.STORAGE)
        response = ctx.send("POST", tag.location, locations(ctx, path), rendering=rendering)
        expect(response.ok, f"answered {response.status}")
        expect(members(ctx, tag) == [path], "its collection does not list just the one")

    return body


for number, rendering in enumerate((v.PLAIN, v.OCCI), 13):
    check(f"OCCI-TAG-{number:03}", f"a mixin is put on an entity by {rendering}", CLAUSE)(
        _associates(rendering)
    )


@check(
    "OCCI-TAG-015",
    "the collection lists the very string that the listing of the kind has",
    "suites",
    Level.CLIENT,
)
def same_string(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    tag = ctx.given_tag(path)
    wanted = [uri for uri in tolerant.listed(ctx.get(ctx.location(v.STORAGE))) if ctx.path(uri) == path]
    response = strict.succeeded(ctx.get(tag.location, v.OCCI))
    found = tolerant.listed(response)
    require(wanted and [ctx.path(uri) for uri in found] == [path], "it is not listed in both")
    expect(found == wanted, f"{found[0][:160]!r}, not {wanted[0][:160]!r}")


@check("OCCI-TAG-016", "an entity shows the mixin put on it", CLAUSE)
def shown(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    tag = ctx.given_tag(path)
    expect(tag.id in ctx.describe(path).category_ids, "no Category of the mixin")


@check("OCCI-TAG-017", "a mixin is put on an entity by a partial update", "GFD.185 3.4.4, GFD.223")
def by_update(ctx: OcciContext) -> None:
    tag, path = ctx.given_tag(), ctx.given(v.STORAGE)
    response = ctx.send("POST", path, Message(mixins=(tag.id,)))
    expect(response.ok, f"answered {response.status}")
    expect(members(ctx, tag) == [path], "its collection does not list the entity")


@check("OCCI-TAG-018", "a create may name a user-defined mixin", "GFD.185 3.4.4")
def at_create(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    attributes: dict[str, Scalar] = {"occi.core.title": ctx.name(), "occi.storage.size": 1.0}
    response, path = ctx.create(Message(v.STORAGE, (tag.id,), attributes=attributes))
    expect(response.ok and path, f"answered {response.status}")
    expect(members(ctx, tag) == [path], "its collection does not list the entity")


def tagged(ctx: OcciContext, count: int) -> tuple[Tag, list[str]]:
    """A tag and its members; Blocked when association does not work."""
    paths = [ctx.given(v.STORAGE) for _ in range(count)]
    tag = ctx.given_tag(*paths)
    require(sorted(members(ctx, tag)) == sorted(paths), "association does not work")
    return tag, paths


@check("OCCI-TAG-019", "PUT replaces the members of a mixin", CLAUSE)
def replaced(ctx: OcciContext) -> None:
    tag, _ = tagged(ctx, 1)
    other = ctx.given(v.STORAGE)
    response = ctx.send("PUT", tag.location, locations(ctx, other))
    expect(response.ok, f"answered {response.status}")
    expect(members(ctx, tag) == [other], "the members are not just the new one")


@check("OCCI-TAG-020", "DELETE with a URI takes the mixin off that entity only", CLAUSE)
def dissociated(ctx: OcciContext) -> None:
    tag, (first, second) = tagged(ctx, 2)
    response = ctx.send("DELETE", tag.location, locations(ctx, first))
    expect(response.ok, f"answered {response.status}")
    expect(members(ctx, tag) == [second], "the members are not just the other one")


@check("OCCI-TAG-021", "DELETE with a URI does not delete the entity", CLAUSE)
def dissociated_stays(ctx: OcciContext) -> None:
    tag, (path,) = tagged(ctx, 1)
    require(ctx.send("DELETE", tag.location, locations(ctx, path)).ok, "it is refused")
    expect(ctx.get(path).ok, "the entity is gone")


@check(
    "OCCI-TAG-022",
    "DELETE without URIs takes the mixin off all and deletes none",
    "GFD.223 mixin collections",
)
def dissociate_all(ctx: OcciContext) -> None:
    tag, paths = tagged(ctx, 2)
    response = ctx.delete(tag.location)
    expect(response.ok, f"answered {response.status}")
    expect(not [path for path in paths if not ctx.get(path).ok], "an entity is gone")
    expect(not members(ctx, tag), "members are left")


@check("OCCI-TAG-023", "association with an unknown URI is 400 or 404", CLAUSE)
def unknown_member(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    response = ctx.send("POST", tag.location, locations(ctx, f"{ctx.location(v.STORAGE)}{ctx.name()}"))
    expect(response.status in (400, 404), f"answered {response.status}")


@check("OCCI-TAG-024", "a refused association changes nothing", "GFD.185 3.6.4 (atomic)")
def all_or_nothing(ctx: OcciContext) -> None:
    tag, path = ctx.given_tag(), ctx.given(v.STORAGE)
    response = ctx.send("POST", tag.location, locations(ctx, path, f"{ctx.location(v.STORAGE)}{ctx.name()}"))
    require(not response.ok, "it is accepted")
    expect(not members(ctx, tag), "the known URI was associated all the same")


@check("OCCI-TAG-025", "a Category of a kind on the collection of a mixin is 400", "GFD.185 3.4.3")
def create_in_mixin(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    attributes: dict[str, Scalar] = {"occi.core.title": ctx.name(), "occi.storage.size": 1.0}
    response, _ = ctx.create(Message(v.STORAGE, attributes=attributes), at=tag.location)
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-TAG-026", "a user-defined mixin is removed", MODEL)
def removed(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    response = ctx.remove_tag(tag.id)
    expect(response.ok, f"answered {response.status}")
    expect(listed(ctx, tag) is None, "it is still in the model")


@check("OCCI-TAG-027", "removal works without class", "doyouspeakOCCI", Level.CLIENT)
def removed_without_class(ctx: OcciContext) -> None:
    response = ctx.remove_tag(ctx.given_tag().id, "")
    expect(response.ok, f"answered {response.status}")


@check("OCCI-TAG-028", "removal takes the mixin off its entities", MODEL)
def removal_dissociates(ctx: OcciContext) -> None:
    tag, (path,) = tagged(ctx, 1)
    require(ctx.remove_tag(tag.id).ok, "it cannot be removed")
    rendering = ctx.describe(path)
    expect(tag.id not in rendering.category_ids, "the entity still shows it")


@check("OCCI-TAG-029", "removal of a mixin of the provider is 403", MODEL)
def provider_mixin(ctx: OcciContext) -> None:
    tagless = [found.id for found in ctx.model if found.class_ == "mixin" and found.id.startswith(v.OGF)]
    require(tagless, "the provider has no mixin")
    ctx.given_tag()
    response = ctx.remove_tag(tagless[0])
    expect(response.status == 403, f"answered {response.status}")


@check("OCCI-TAG-030", "removal of an unknown mixin is 404 or 400", "GFD.185 table 2; pyssf")
def unknown_mixin(ctx: OcciContext) -> None:
    ctx.given_tag()
    response = ctx.remove_tag(ctx.new_tag().id)
    expect(response.status in (400, 404), f"answered {response.status}")


@check("OCCI-TAG-031", "a user-defined mixin with attributes is refused", "GFD.183 tags", Level.SHOULD)
def with_attributes(ctx: OcciContext) -> None:
    response = ctx.add_tag(ctx.new_tag(), attributes="com.example.colour")
    expect(response.status in (400, 403), f"answered {response.status}")


@check("OCCI-TAG-032", "an added mixin is found by the filter of the query interface", MODEL)
def found_by_filter(ctx: OcciContext) -> None:
    tag = ctx.given_tag()
    headers = (("Content-Type", v.OCCI), ("Category", category(tag.id, "mixin")))
    response = ctx.get(QUERY, headers=headers)
    expect(response.ok, f"answered {response.status}")
    expect(tag.id in tolerant.read(response).category_ids, "it is not in the answer")


@check("OCCI-TAG-033", "a deleted entity leaves the collection of its mixin", CLAUSE)
def deleted_member(ctx: OcciContext) -> None:
    tag, (path,) = tagged(ctx, 1)
    require(ctx.delete(path).ok, "the entity cannot be deleted")
    expect(path not in members(ctx, tag), "it is still listed")

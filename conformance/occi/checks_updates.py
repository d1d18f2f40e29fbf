"""Updating and deleting an entity (GFD.185 3.4.4, GFD.223 entity operations)."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.exchange import Response
from conformance.framework import Body, Level, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.checks_entities import CLAUSE, KINDS, RENDERINGS, has, read
from conformance.occi.context import GONE, OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Message, Scalar, plain

CHANGE: Mapping[str, tuple[str, Scalar]] = {
    v.COMPUTE: ("occi.core.title", "sgc changed"),
    v.STORAGE: ("occi.core.summary", "changed"),
    v.NETWORK: ("occi.network.label", "changed"),
}


def _partial(kind: str, rendering: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(rendering)
        path = ctx.given(kind)
        name, value = CHANGE[kind]
        response = ctx.send("POST", path, Message(attributes={name: value}), rendering=rendering)
        expect(response.status in (200, 201, 204), f"answered {response.status}")
        has(ctx.describe(path), {name: value})

    return body


number = 0
for kind in KINDS:
    for rendering in RENDERINGS:
        number += 1
        check(
            f"OCCI-UPDATE-{number:03}",
            f"a partial update of a {v.split(kind)[1]} in {rendering} takes effect",
            CLAUSE,
        )(_partial(kind, rendering))


def partial(ctx: OcciContext, path: str, attributes: Mapping[str, Scalar]) -> Response:
    return ctx.send("POST", path, Message(attributes=attributes))


@check("OCCI-UPDATE-011", "a partial update leaves the other attributes", CLAUSE)
def partial_leaves(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE, {"occi.core.summary": "stays"})
    require(
        ctx.describe(path).attributes.get("occi.core.summary") == "stays", "the summary is not kept at create"
    )
    response = partial(ctx, path, {"occi.core.title": ctx.name()})
    require(response.ok, f"the update is answered {response.status}")
    has(ctx.describe(path), {"occi.core.summary": "stays"})


@check("OCCI-UPDATE-012", "changing an immutable state by a partial update is 403", "GFD.185 table 2")
def immutable_state(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    state = ctx.state(path, v.STORAGE)
    require(state, "no state is rendered")
    other = "offline" if state == "online" else "online"
    response = partial(ctx, path, {"occi.storage.state": other})
    expect(response.status == 403, f"answered {response.status}")


@check("OCCI-UPDATE-013", "a partial update of an unknown entity is 404", "GFD.185 table 2")
def update_unknown(ctx: OcciContext) -> None:
    response = partial(ctx, f"{ctx.location(v.STORAGE)}{ctx.name()}", {"occi.core.title": "sgc"})
    expect(response.status == 404, f"answered {response.status}")


@check("OCCI-UPDATE-014", "a damaged partial update is 400 and changes nothing", "GFD.185 table 2")
def damaged_update(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE, {"occi.core.summary": "stays"})
    response = ctx.send_lines("POST", path, 'X-OCCI-Attribute: occi.core.summary="open')
    expect(response.status == 400, f"answered {response.status}")
    require(ctx.describe(path).attributes.get("occi.core.summary") == "stays", "the summary is not kept")


@check(
    "OCCI-UPDATE-015",
    "a storage grows by an update of its size",
    "GFD.224 storage (resize by update)",
    Level.SHOULD,
)
def storage_grows(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE, {"occi.storage.size": 1.0})
    response = partial(ctx, path, {"occi.storage.size": 2.0})
    expect(response.ok, f"answered {response.status}")
    has(ctx.describe(path), {"occi.storage.size": 2.0})


def full(
    ctx: OcciContext, kind: str, path: str, rendering: str, attributes: Mapping[str, Scalar]
) -> Response:
    """PUT of the kind and these attributes."""
    return ctx.send("PUT", path, Message(kind, attributes=attributes), rendering=rendering)


def _full(rendering: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(rendering)
        path = ctx.given(v.STORAGE)
        attributes: dict[str, Scalar] = {"occi.core.title": ctx.name("put"), "occi.storage.size": 1.0}
        response = full(ctx, v.STORAGE, path, rendering, attributes)
        expect(response.status in (200, 201), f"answered {response.status}")
        has(ctx.describe(path), attributes)

    return body


for number, rendering in enumerate(RENDERINGS, 21):
    check(f"OCCI-UPDATE-{number:03}", f"a full update (PUT) in {rendering} takes effect", CLAUSE)(
        _full(rendering)
    )


@check(
    "OCCI-UPDATE-024",
    "a full update removes an attribute that is not sent",
    "GFD.185 3.4.4 (PUT replaces)",
    Level.CLIENT,
)
def full_removes(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE, {"occi.core.summary": "goes"})
    response = full(
        ctx, v.STORAGE, path, v.PLAIN, {"occi.core.title": ctx.name("put"), "occi.storage.size": 1.0}
    )
    require(response.ok, f"the update is answered {response.status}")
    found = ctx.describe(path).attributes.get("occi.core.summary")
    expect(not found, f"occi.core.summary is still {found!r}")


@check(
    "OCCI-UPDATE-025", "PUT of the whole GET rendering is 200 or 201", "pOCCI CORE/UPDATE/001", Level.CLIENT
)
def put_back(ctx: OcciContext) -> None:
    path = ctx.given_compute()
    ctx.given_link(v.STORAGELINK, path)
    rendering = read(ctx, path)
    title = ctx.name("put")
    lines = [line for line in rendering.text.splitlines() if "occi.core.title" not in line]
    response = ctx.send_lines("PUT", path, *lines, f'X-OCCI-Attribute: occi.core.title="{title}"')
    expect(response.status in (200, 201), f"answered {response.status}")


@check("OCCI-UPDATE-026", "PUT leaves the links of a resource", "GFD.223 (links left intact)")
def put_keeps_links(ctx: OcciContext) -> None:
    link, source, _ = ctx.given_link()
    response = full(ctx, v.COMPUTE, source, v.PLAIN, {"occi.core.title": ctx.name("put")})
    require(response.ok, f"the update is answered {response.status}")
    expect(ctx.get(link).ok, f"the link is answered {ctx.get(link).status} after the update")


@check("OCCI-UPDATE-027", "PUT of another kind is refused", "GFD.183 Entity.kind is immutable")
def put_other_kind(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    response = full(ctx, v.NETWORK, path, v.PLAIN, {"occi.core.title": ctx.name("put")})
    expect(400 <= response.status < 500, f"answered {response.status}")


@check(
    "OCCI-UPDATE-028",
    "PUT with a state that has moved meanwhile is accepted",
    "pOCCI sends back what it read",
    Level.CLIENT,
)
def put_stale_state(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    other = "offline" if ctx.state(path, v.STORAGE) == "online" else "online"
    sent: dict[str, Scalar] = {
        "occi.core.title": ctx.name("put"),
        "occi.storage.size": 1.0,
        "occi.storage.state": other,
    }
    response = full(ctx, v.STORAGE, path, v.PLAIN, sent)
    expect(response.status in (200, 201), f"answered {response.status}")


@check(
    "OCCI-UPDATE-029",
    "PUT with a Link to something new is refused or leaves the links",
    "GFD.185 3.4.4, GFD.223",
)
def put_new_link(ctx: OcciContext) -> None:
    path, target = ctx.given_compute(), ctx.given(v.STORAGE)
    request = plain(
        f'Category: compute; scheme="{v.INFRA}"; class="kind"',
        f'X-OCCI-Attribute: occi.core.title="{ctx.name("put")}"',
        f'Link: <{ctx.reference(target)}>; rel="{v.STORAGE}"; category="{v.STORAGELINK}"',
    )
    response = ctx.send("PUT", path, headers=request.headers, body=request.body)
    if not ctx.claims("1.2"):
        expect(response.status == 400, f"answered {response.status}")
    expect(response.ok or 400 <= response.status < 500, f"answered {response.status}")
    targets = [ctx.path(link.target) for link in ctx.describe(path).links]
    expect(target not in targets, "the PUT made a link")


def _deletes(kind: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        response = ctx.delete(ctx.given(kind))
        expect(response.status in (200, 204), f"answered {response.status}")

    return body


def _is_gone(kind: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        response = ctx.get(deleted(ctx, kind))
        expect(response.status in GONE, f"after its deletion it is answered {response.status}")

    return body


for number, kind in enumerate(KINDS, 1):
    term = v.split(kind)[1]
    check(f"OCCI-DELETE-{number:03}", f"DELETE of a {term} is 200 or 204", CLAUSE)(_deletes(kind))
    check(f"OCCI-DELETE-{number + 3:03}", f"a deleted {term} is gone", CLAUSE)(_is_gone(kind))


def deleted(ctx: OcciContext, kind: str) -> str:
    """The path of an entity that was made and deleted."""
    path = ctx.given(kind)
    response = ctx.delete(path)
    require(response.ok, f"DELETE is answered {response.status}")
    return path


@check("OCCI-DELETE-007", "a deleted entity is 404, not 410", "pOCCI CORE/DELETE/001", Level.CLIENT)
def exactly_404(ctx: OcciContext) -> None:
    response = ctx.get(deleted(ctx, v.STORAGE))
    require(not response.ok, "it is still there")
    expect(response.status == 404, f"answered {response.status}")


@check("OCCI-DELETE-008", "a deleted entity is no longer listed", CLAUSE)
def not_listed(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    ctx.given_listed(ctx.location(v.STORAGE), path)
    response = ctx.delete(path)
    require(response.ok, f"DELETE is answered {response.status}")
    expect(path not in ctx.listing(ctx.location(v.STORAGE)), "it is still listed")


@check("OCCI-DELETE-009", "DELETE of an unknown entity is 404", "GFD.185 table 2")
def unknown(ctx: OcciContext) -> None:
    response = ctx.delete(f"{ctx.location(v.STORAGE)}{ctx.name()}")
    expect(response.status in GONE, f"answered {response.status}")


@check(
    "OCCI-DELETE-010", "DELETE of an entity is 200", "doyouspeakOCCI, WG suite compare with 200", Level.CLIENT
)
def exactly_200(ctx: OcciContext) -> None:
    response = ctx.delete(ctx.given(v.STORAGE))
    require(response.ok, f"answered {response.status}")
    expect(response.status == 200, f"answered {response.status}")


@check("OCCI-DELETE-011", "a running compute can be deleted", "every client does so", Level.CLIENT)
def running(ctx: OcciContext) -> None:
    path = ctx.given_compute()
    ctx.given_state(path, "active")
    response = ctx.delete(path)
    expect(response.ok, f"answered {response.status}")

"""Creation of computes, storage and networks (GFD.185 3.4.4) and what clients need in the answer."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.exchange import Response
from conformance.framework import Body, Level, Skipped, expect, require
from conformance.occi import tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Message, Scalar

CLAUSE = "GFD.185 3.4.4, GFD.223 resource instantiation"
SAMPLES: Mapping[str, Mapping[str, Scalar]] = {
    v.COMPUTE: {"occi.compute.cores": 1, "occi.compute.memory": 1.0},
    v.STORAGE: {"occi.storage.size": 1.0},
    v.NETWORK: {"occi.network.label": "conformance"},
}


def message(ctx: OcciContext, kind: str, more: Mapping[str, Scalar] | None = None) -> Message:
    title = {"occi.core.title": ctx.name(v.split(kind)[1])}
    return Message(kind, attributes={**title, **SAMPLES[kind], **(more or {})})


def made(response: Response, path: str) -> str:
    expect(response.status in (200, 201), f"answered {response.status}, not 200 or 201")
    expect(path, "the answer does not tell what was made")
    return path


def _creates(kind: str, rendering: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(rendering)
        path = made(*ctx.create(message(ctx, kind), rendering=rendering))
        response = ctx.get(path)
        expect(response.ok, f"{path} is answered {response.status} after its creation")

    return body


number = 0
for kind in SAMPLES:
    for rendering in (v.PLAIN, v.OCCI, v.JSON):
        number += 1
        check(f"OCCI-CREATE-{number:03}", f"a {v.split(kind)[1]} is created in {rendering}", CLAUSE)(
            _creates(kind, rendering)
        )


def _created(ctx: OcciContext, accept: str = v.PLAIN, kind: str = v.STORAGE) -> Response:
    response, path = ctx.create(message(ctx, kind), accept=accept)
    require(response.ok and path, f"cannot create: {response.status}")
    return response


@check("OCCI-CREATE-011", "a 201 carries Location", CLAUSE)
def location_present(ctx: OcciContext) -> None:
    response, _ = ctx.create(message(ctx, v.STORAGE))
    require(response.ok, f"cannot create: {response.status}")
    if response.status != 201:
        raise Skipped(f"the create is answered {response.status}")
    expect(response.header("Location"), "no Location header")


@check(
    "OCCI-CREATE-012",
    "Location is an absolute URI below the endpoint as the client typed it",
    "rOCCI-api, pOCCI, suites",
    Level.CLIENT,
)
def location_absolute(ctx: OcciContext) -> None:
    location = _created(ctx).header("Location")
    if not location:
        raise Skipped("the create answer has no Location header")
    expect(location.startswith(ctx.endpoint.url + "/"), f"Location is {location[:160]!r}")


@check(
    "OCCI-CREATE-013",
    "the URI of a create answer stands in the listing, character by character",
    "pOCCI INFRA/CREATE",
    Level.CLIENT,
)
def location_listed(ctx: OcciContext) -> None:
    uri = tolerant.created_uri(_created(ctx))
    require(uri, "the answer has no URI")
    response = ctx.get(ctx.location(v.STORAGE))
    require(response.ok, f"cannot list: {response.status}")
    listed = tolerant.listed(response)
    require(ctx.path(uri) in [ctx.path(item) for item in listed], "what was made is not listed")
    expect(uri in listed, f"{uri[:160]!r} is listed otherwise")


@check(
    "OCCI-CREATE-014",
    "a create answer in text/plain has the URI in Location or X-OCCI-Location",
    "rOCCI-api 4.3, pOCCI",
    Level.CLIENT,
)
def uri_in_answer(ctx: OcciContext) -> None:
    response, _ = ctx.create(message(ctx, v.STORAGE))
    require(response.ok, f"cannot create: {response.status}")
    expect(tolerant.created_uri(response), "neither Location nor X-OCCI-Location")


@check(
    "OCCI-CREATE-015",
    "a 200 create answer is no rendering from which rOCCI must guess the URI",
    "rOCCI-api 4.3",
    Level.CLIENT,
)
def no_rendering_in_200(ctx: OcciContext) -> None:
    response = _created(ctx)
    if response.status != 200:
        raise Skipped(f"the create is answered {response.status}")
    expect(not tolerant.read(response).categories, "the answer renders the resource")


@check(
    "OCCI-CREATE-016", "a compute is created without template", "pOCCI INFRA/CREATE/001, suites", Level.CLIENT
)
def without_template(ctx: OcciContext) -> None:
    made(*ctx.create(Message(v.COMPUTE, attributes={"occi.core.title": ctx.name()})))


@check("OCCI-CREATE-017", "POST to the endpoint itself creates", "doyouspeakOCCI, WG suite", Level.CLIENT)
def at_root(ctx: OcciContext) -> None:
    made(*ctx.create(message(ctx, v.STORAGE), at="/", rendering=v.OCCI))


@check(
    "OCCI-CREATE-018",
    "an id that the client sends does not spoil the create",
    "rOCCI-cli, pOCCI",
    Level.CLIENT,
)
def client_id(ctx: OcciContext) -> None:
    sent = {"occi.core.id": f"Storage_{ctx.name()}"}
    made(*ctx.create(message(ctx, v.STORAGE, sent)))


@check("OCCI-CREATE-019", "a state that the client sends is not taken over", "GFD.185 table 2, pOCCI")
def client_state(ctx: OcciContext) -> None:
    response, path = ctx.create(message(ctx, v.STORAGE, {"occi.storage.state": "conformance"}))
    if not path:
        expect(400 <= response.status < 500, f"answered {response.status}")
        return
    expect(ctx.state(path, v.STORAGE) != "conformance", "the state of the client was taken over")


@check("OCCI-CREATE-020", "a storage below 1 GiB is accepted", "pOCCI INFRA/CREATE/002 (0.1)", Level.CLIENT)
def small_storage(ctx: OcciContext) -> None:
    made(*ctx.create(message(ctx, v.STORAGE, {"occi.storage.size": 0.1})))


@check("OCCI-CREATE-021", "PUT creates at the path or is refused with 400", "GFD.185 3.4.4, suites")
def put_creates(ctx: OcciContext) -> None:
    response, path = ctx.create(
        message(ctx, v.COMPUTE), method="PUT", at=f"{ctx.location(v.COMPUTE)}{ctx.name()}"
    )
    expect(response.status in (200, 201, 400), f"answered {response.status}")
    if path:
        response = ctx.get(path)
        expect(response.ok, f"{path} is answered {response.status} after its creation")


@check(
    "OCCI-CREATE-022",
    "PUT of a compute with a foreign attribute at a root path works or is 400",
    "doyouspeakOCCI, WG suite (PUT /123)",
    Level.CLIENT,
)
def put_at_root_path(ctx: OcciContext) -> None:
    foreign = Message(v.COMPUTE, attributes={"com.example.conformance": "foo"})
    response, path = ctx.create(foreign, method="PUT", at=f"/{ctx.name()}", rendering=v.OCCI)
    expect(response.status in (200, 201, 400), f"answered {response.status}")
    if path:
        response = ctx.delete(path)
        expect(response.ok, f"DELETE is answered {response.status}")


@check("OCCI-CREATE-023", "a compute becomes active without being started", "EGI probe, suites", Level.CLIENT)
def becomes_active(ctx: OcciContext) -> None:
    path = ctx.given_compute()
    require(ctx.state(path), "no state is rendered")
    expect(ctx.reaches(path, "active"), f"after {ctx.settle:g} s it is {ctx.state(path)}")


@check("OCCI-CREATE-024", "two creates make two entities", CLAUSE)
def distinct(ctx: OcciContext) -> None:
    (_, first), (_, second) = ctx.create(message(ctx, v.STORAGE)), ctx.create(message(ctx, v.STORAGE))
    require(first and second, "cannot create")
    expect(first != second, f"both are {first}")


@check(
    "OCCI-CREATE-025", "the collection of a kind does not create another kind", "GFD.185 3.4.4", Level.SHOULD
)
def wrong_collection(ctx: OcciContext) -> None:
    response, _ = ctx.create(message(ctx, v.STORAGE), at=ctx.location(v.NETWORK))
    expect(400 <= response.status < 500, f"answered {response.status}")


@check(
    "OCCI-CREATE-026",
    "an unfit architecture value is not refused",
    "pOCCI CREATE/001 sends arch",
    Level.CLIENT,
)
def strange_architecture(ctx: OcciContext) -> None:
    made(*ctx.create(message(ctx, v.COMPUTE, {"occi.compute.architecture": "arch"})))


@check(
    "OCCI-CREATE-027", "a network with the mixin ipnetwork keeps its address", "GFD.184, GFD.224 ipnetwork"
)
def ipnetwork(ctx: OcciContext) -> None:
    ctx.category(v.IPNETWORK)
    address = {"occi.network.address": "10.111.0.0/24", "occi.network.allocation": "dynamic"}
    sample = message(ctx, v.NETWORK, address)
    path = made(*ctx.create(Message(v.NETWORK, (v.IPNETWORK,), attributes=sample.attributes)))
    rendering = ctx.describe(path)
    expect(v.IPNETWORK in rendering.category_ids, "the mixin is not rendered")
    found = rendering.attributes.get("occi.network.address")
    expect(found == "10.111.0.0/24", f"occi.network.address is {found!r}")


@check("OCCI-CREATE-028", "a mixin on a kind to which it does not apply is refused", "GFD.221 Mixin.applies")
def mixin_not_applicable(ctx: OcciContext) -> None:
    ctx.category(v.IPNETWORK)
    sample = message(ctx, v.STORAGE)
    response, _ = ctx.create(Message(v.STORAGE, (v.IPNETWORK,), attributes=sample.attributes))
    expect(response.status in (400, 403), f"answered {response.status}, not 400 or 403")

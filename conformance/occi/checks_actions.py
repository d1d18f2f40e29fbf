"""Actions on entities and on collections (GFD.185 3.4.4, 3.6.4; GFD.184 state machines)."""

from __future__ import annotations

from conformance.framework import Body, Level, Skipped, expect, require
from conformance.occi import vocabulary as v
from conformance.occi.context import OcciContext
from conformance.occi.registry import check
from conformance.occi.wire import Message

CLAUSE = "GFD.184, GFD.224 compute actions"
INVOCATION = "GFD.185 3.4.4, GFD.223 actions"


def _in_state(ctx: OcciContext, wanted: str) -> str:
    path = ctx.given_compute()
    ctx.given_state(path, wanted)
    return path


def _changes(term: str, before: str, after: str, rendering: str = v.PLAIN) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(rendering)
        path = _in_state(ctx, before)
        response = ctx.act(path, v.COMPUTE, term, rendering=rendering)
        expect(response.status in (200, 204), f"answered {response.status}")
        expect(ctx.reaches(path, after), f"after {ctx.settle:g} s it is {ctx.state(path)}")

    return body


for number, (term, before, after) in enumerate(
    (
        ("stop", "active", "inactive"),
        ("start", "inactive", "active"),
        ("restart", "active", "active"),
        ("suspend", "active", "suspended"),
        ("start", "suspended", "active"),
    ),
    1,
):
    check(f"OCCI-ACT-{number:03}", f"{term} brings an {before} compute to {after}", CLAUSE)(
        _changes(term, before, after)
    )
check("OCCI-ACT-006", "an action is invoked by text/occi", INVOCATION)(
    _changes("stop", "active", "inactive", v.OCCI)
)
check("OCCI-ACT-007", "an action is invoked by JSON", "GFD.226 action")(
    _changes("stop", "active", "inactive", v.JSON)
)


@check(
    "OCCI-ACT-008", "start of an active compute is 200 without effect", "suites start what runs", Level.CLIENT
)
def start_idempotent(ctx: OcciContext) -> None:
    path = _in_state(ctx, "active")
    response = ctx.act(path, v.COMPUTE, "start")
    expect(response.status == 200, f"answered {response.status}")
    expect(ctx.reaches(path, "active"), f"it is {ctx.state(path)}")


@check(
    "OCCI-ACT-009", "stop of an inactive compute is 200 without effect", "decided like start", Level.CLIENT
)
def stop_idempotent(ctx: OcciContext) -> None:
    path = _in_state(ctx, "inactive")
    response = ctx.act(path, v.COMPUTE, "stop")
    expect(response.status == 200, f"answered {response.status}")


@check("OCCI-ACT-010", "suspend of an inactive compute is refused", "GFD.184 state machine")
def impossible(ctx: OcciContext) -> None:
    path = _in_state(ctx, "inactive")
    response = ctx.act(path, v.COMPUTE, "suspend")
    expect(response.status in (400, 403, 409), f"answered {response.status}")


def _simple(kind: str, term: str, state: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        path = ctx.given(kind)
        require(v.action(kind, term) in ctx.category(kind).actions, f"{term} is not listed")
        response = ctx.act(path, kind, term)
        expect(response.status in (200, 204), f"answered {response.status}")
        expect(ctx.reaches(path, state, kind), f"after {ctx.settle:g} s it is {ctx.state(path, kind)}")
        response = ctx.act(path, kind, term)
        expect(response.status in (200, 204), f"the second time answered {response.status}")

    return body


for number, (kind, term, state) in enumerate(
    (
        (v.NETWORK, "up", "active"),
        (v.NETWORK, "down", "inactive"),
        (v.STORAGE, "online", "online"),
        (v.STORAGE, "offline", "offline"),
    ),
    11,
):
    check(
        f"OCCI-ACT-{number:03}",
        f"{term} of a {v.split(kind)[1]} works, also when it is {state} already",
        CLAUSE,
        Level.CLIENT,
    )(_simple(kind, term, state))


def _method(term: str, method: str, after: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        path = _in_state(ctx, "active")
        response = ctx.act(path, v.COMPUTE, term, parameters={"method": method})
        expect(response.status in (200, 204), f"answered {response.status}")
        expect(ctx.reaches(path, after), f"after {ctx.settle:g} s it is {ctx.state(path)}")

    return body


for number, (term, method, after) in enumerate(
    (("stop", "graceful", "inactive"), ("restart", "warm", "active"), ("suspend", "suspend", "suspended")), 15
):
    check(f"OCCI-ACT-{number:03}", f"{term} takes method={method}", CLAUSE)(_method(term, method, after))


@check("OCCI-ACT-018", "an action whose term differs from the query is 400", INVOCATION)
def mismatch(ctx: OcciContext) -> None:
    response = ctx.act(_in_state(ctx, "active"), v.COMPUTE, "stop", query="restart")
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-ACT-019", "an action of another kind is 400", INVOCATION)
def other_kind(ctx: OcciContext) -> None:
    path = ctx.given(v.STORAGE)
    response = ctx.act(path, v.NETWORK, "up")
    expect(response.status in (400, 404), f"answered {response.status}")


@check("OCCI-ACT-020", "an action that is not published is 400 or 404", "GFD.185 table 2; ooi")
def unknown_action(ctx: OcciContext) -> None:
    response = ctx.act(ctx.given_compute(), v.COMPUTE, "conformance")
    expect(response.status in (400, 404), f"answered {response.status}")


@check("OCCI-ACT-021", "an action request without Category is 400", INVOCATION)
def without_category(ctx: OcciContext) -> None:
    path = _in_state(ctx, "active")
    response = ctx.send("POST", f"{path}?action=stop", Message())
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-ACT-022", "an action on an unknown entity is 404", "GFD.185 table 2")
def unknown_entity(ctx: OcciContext) -> None:
    response = ctx.act(f"{ctx.location(v.COMPUTE)}{ctx.name()}", v.COMPUTE, "start")
    expect(response.status == 404, f"answered {response.status}")


@check("OCCI-ACT-023", "the action link of a rendering can be followed", "GFD.185 3.5.2")
def by_link(ctx: OcciContext) -> None:
    path = _in_state(ctx, "active")
    links = [anchor for anchor in ctx.describe(path).links if anchor.target.endswith("?action=stop")]
    require(links, "no link to stop is shown")
    reference = links[0].target
    require(ctx.endpoint.owns(reference), "the link leads elsewhere")
    rel = links[0].parameters.get("rel", v.action(v.COMPUTE, "stop"))
    response = ctx.send("POST", reference, Message(action=rel))
    expect(response.status in (200, 204), f"answered {response.status}")


def _tagged_computes(ctx: OcciContext) -> tuple[str, list[str]]:
    paths = [_in_state(ctx, "active") for _ in range(2)]
    tag = ctx.given_tag(*paths)
    require(sorted(ctx.listing(tag.location)) == sorted(paths), "association does not work")
    return tag.location, paths


@check("OCCI-ACT-024", "an action on the collection of a mixin reaches each member", "GFD.185 3.6.4")
def on_mixin(ctx: OcciContext) -> None:
    collection, paths = _tagged_computes(ctx)
    response = ctx.act(collection, v.COMPUTE, "stop")
    expect(response.status in (200, 204), f"answered {response.status}")
    late = [path for path in paths if not ctx.reaches(path, "inactive")]
    expect(not late, f"{len(late)} of {len(paths)} are not inactive")


@check(
    "OCCI-ACT-025", "an action that not every member has is 400 and reaches none", "GFD.185 3.6.4 (atomic)"
)
def on_mixed(ctx: OcciContext) -> None:
    compute, storage = _in_state(ctx, "active"), ctx.given(v.STORAGE)
    tag = ctx.given_tag(compute, storage)
    require(len(ctx.listing(tag.location)) == 2, "association does not work")
    response = ctx.act(tag.location, v.COMPUTE, "stop")
    expect(response.status == 400, f"answered {response.status}")
    expect(ctx.state(compute) == "active", "the compute was stopped")


@check(
    "OCCI-ACT-026",
    "start on the collection of computes that run is 200",
    "doyouspeakOCCI, WG suite",
    Level.CLIENT,
)
def on_kind(ctx: OcciContext) -> None:
    _in_state(ctx, "active")
    collection = ctx.location(v.COMPUTE)
    ctx.only_ours(collection)
    response = ctx.act(collection, v.COMPUTE, "start", rendering=v.OCCI)
    expect(response.status == 200, f"answered {response.status}")


@check(
    "OCCI-ACT-027",
    "an action answered in text/plain has a body that rOCCI can read",
    "rOCCI-api 4.3",
    Level.CLIENT,
)
def answer_type(ctx: OcciContext) -> None:
    response = ctx.act(_in_state(ctx, "active"), v.COMPUTE, "stop")
    require(response.ok, f"answered {response.status}")
    if response.status == 204:
        raise Skipped("the action is answered 204")
    expect(response.media_type == v.PLAIN, f"Content-Type is {response.media_type!r}")


@check("OCCI-ACT-028", "the action resize of storage changes its size", "GFD.184 storage actions", Level.MAY)
def resize_storage(ctx: OcciContext) -> None:
    ctx.category(v.action(v.STORAGE, "resize"))
    path = ctx.given(v.STORAGE, {"occi.storage.size": 1.0})
    response = ctx.act(path, v.STORAGE, "resize", parameters={"size": 2.0})
    expect(response.ok, f"answered {response.status}")
    found = ctx.describe(path).attributes.get("occi.storage.size", "")
    expect(found.rstrip("0").rstrip(".") == "2", f"occi.storage.size is {found!r}")

"""Links: made inline and directly, shown in their source, deleted alone or with an end (GFD.185 3.4.5)."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.framework import Body, Level, expect, require
from conformance.occi import jsonform, strict, tolerant
from conformance.occi import vocabulary as v
from conformance.occi.context import GONE, OcciContext
from conformance.occi.registry import check
from conformance.occi.text import Link, Malformed, parse_link
from conformance.occi.wire import Message, Scalar, link, structures

CLAUSE = "GFD.185 3.4.5, GFD.223 links"
TARGETS: Mapping[str, str] = {v.STORAGELINK: v.STORAGE, v.NETWORKINTERFACE: v.NETWORK}


def ends(source: str, target: str) -> dict[str, Scalar]:
    return {"occi.core.source": source, "occi.core.target": target}


def anchors(ctx: OcciContext, path: str) -> list[tolerant.Anchor]:
    """The links of a resource that are no action links."""
    return [anchor for anchor in ctx.describe(path).links if "?action=" not in anchor.target]


def points_at(ctx: OcciContext, path: str, target: str) -> bool:
    return any(ctx.path(anchor.target) == target for anchor in anchors(ctx, path))


def _direct(kind: str, rendering: str, absolute: bool) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        ctx.need(rendering)
        source, target = ctx.given_compute(), ctx.given(TARGETS[kind])
        both = ends(*(ctx.uri(path) if absolute else ctx.reference(path) for path in (source, target)))
        response, path = ctx.create(Message(kind, attributes=both), rendering=rendering)
        expect(response.ok and path, f"answered {response.status}")

    return body


number = 0
for kind in TARGETS:
    for rendering, absolute in ((v.PLAIN, True), (v.OCCI, True), (v.JSON, True), (v.PLAIN, False)):
        number += 1
        form = "absolute URIs" if absolute else "paths"
        check(f"OCCI-LINK-{number:03}", f"a {v.split(kind)[1]} is made in {rendering} with {form}", CLAUSE)(
            _direct(kind, rendering, absolute)
        )


def _inline(kind: str) -> Body[OcciContext]:
    def body(ctx: OcciContext, /) -> None:
        target = ctx.given(TARGETS[kind])
        attributes = {"occi.core.title": ctx.name()}
        value = link(ctx.reference(target), TARGETS[kind], kind)
        response, path = ctx.create(Message(v.COMPUTE, attributes=attributes, links=(value,)))
        expect(response.ok and path, f"answered {response.status}")
        expect(points_at(ctx, path, target), f"the compute shows no link to {target}")

    return body


for number, kind in enumerate(TARGETS, 9):
    check(f"OCCI-LINK-{number:03}", f"a {v.split(kind)[1]} is made inline with its compute", CLAUSE)(
        _inline(kind)
    )


@check(
    "OCCI-LINK-011",
    "inline links with self and id of the client's making are accepted",
    "rOCCI-cli 4",
    Level.CLIENT,
)
def inline_self(ctx: OcciContext) -> None:
    target = ctx.given(v.STORAGE)
    sent: dict[str, Scalar] = {"self": f"/link/storagelink/{ctx.name()}", "occi.core.id": "x-1"}
    value = link(ctx.reference(target), v.STORAGE, v.STORAGELINK, sent)
    message = Message(v.COMPUTE, attributes={"occi.core.title": ctx.name()}, links=(value,))
    response, path = ctx.create(message)
    expect(response.ok and path, f"answered {response.status}")


@check(
    "OCCI-LINK-012", "a link is made by POST to the endpoint itself", "doyouspeakOCCI, WG suite", Level.CLIENT
)
def at_root(ctx: OcciContext) -> None:
    source, target = ctx.given_compute(), ctx.given(v.NETWORK)
    message = Message(v.NETWORKINTERFACE, attributes=ends(ctx.uri(source), ctx.uri(target)))
    response, path = ctx.create(message, at="/", rendering=v.OCCI)
    expect(response.ok and path, f"answered {response.status}")


@check(
    "OCCI-LINK-013",
    "an id that the client sends for a link is ignored",
    "pOCCI (Storagelink_...)",
    Level.CLIENT,
)
def client_id(ctx: OcciContext) -> None:
    source, target = ctx.given_compute(), ctx.given(v.STORAGE)
    attributes = {"occi.core.id": f"Storagelink_{ctx.name()}", **ends(ctx.uri(source), ctx.uri(target))}
    response, path = ctx.create(Message(v.STORAGELINK, attributes=attributes))
    expect(response.ok and path, f"answered {response.status}")


@check("OCCI-LINK-014", "a link to an unknown target is 400 or 404", CLAUSE)
def unknown_target(ctx: OcciContext) -> None:
    source = ctx.given_compute()
    both = ends(ctx.uri(source), ctx.uri(f"{ctx.location(v.STORAGE)}{ctx.name()}"))
    response, _ = ctx.create(Message(v.STORAGELINK, attributes=both))
    expect(response.status in (400, 404), f"answered {response.status}")


@check("OCCI-LINK-015", "a link from an unknown source is 400 or 404", CLAUSE)
def unknown_source(ctx: OcciContext) -> None:
    target = ctx.given(v.STORAGE)
    both = ends(ctx.uri(f"{ctx.location(v.COMPUTE)}{ctx.name()}"), ctx.uri(target))
    response, _ = ctx.create(Message(v.STORAGELINK, attributes=both))
    expect(response.status in (400, 404), f"answered {response.status}")


@check("OCCI-LINK-016", "a link without target is 400", "GFD.183 Link.target (multiplicity 1)")
def no_target(ctx: OcciContext) -> None:
    source = ctx.given_compute()
    response, _ = ctx.create(Message(v.STORAGELINK, attributes={"occi.core.source": ctx.uri(source)}))
    expect(response.status == 400, f"answered {response.status}")


@check("OCCI-LINK-017", "an inline link to an unknown target is refused and no compute is made", CLAUSE)
def inline_unknown(ctx: OcciContext) -> None:
    before = set(ctx.listing(ctx.location(v.COMPUTE)))
    unknown = ctx.reference(f"{ctx.location(v.STORAGE)}{ctx.name()}")
    value = link(unknown, v.STORAGE, v.STORAGELINK)
    response, _ = ctx.create(Message(v.COMPUTE, attributes={"occi.core.title": ctx.name()}, links=(value,)))
    expect(response.status in (400, 404), f"answered {response.status}")
    left = set(ctx.listing(ctx.location(v.COMPUTE))) - before
    expect(not left, "a compute was made all the same")


@check("OCCI-LINK-018", "a link shows its source and target", "GFD.185 3.4.5, WG suite")
def shows_ends(ctx: OcciContext) -> None:
    path, source, target = ctx.given_link()
    found = ctx.describe(path).attributes
    expect(ctx.path(found.get("occi.core.source", "")) == source, f"source {found.get('occi.core.source')!r}")
    expect(ctx.path(found.get("occi.core.target", "")) == target, f"target {found.get('occi.core.target')!r}")


@check("OCCI-LINK-019", "a link in text/plain follows the grammar", "GFD.185 3.5, GFD.229")
def link_well_formed(ctx: OcciContext) -> None:
    path, _, _ = ctx.given_link()
    strict.well_formed(strict.succeeded(ctx.get(path), v.PLAIN))


@check("OCCI-LINK-020", "a link in JSON has source and target objects", "GFD.226 link")
def link_json(ctx: OcciContext) -> None:
    ctx.need_json()
    path, _, _ = ctx.given_link()
    jsonform.expect_shape(strict.succeeded(ctx.get(path, v.JSON), v.JSON), jsonform.LINK)


@check("OCCI-LINK-021", "a compute shows its links", CLAUSE)
def shown_in_source(ctx: OcciContext) -> None:
    _, source, target = ctx.given_link()
    expect(points_at(ctx, source, target), f"the compute shows no link to {target}")


def _rendered(ctx: OcciContext) -> tuple[str, Link, str]:
    """The path of a link, its Link in the source read strictly, the target; Blocked when not shown."""
    path, source, target = ctx.given_link()
    response = ctx.get(source)
    for value in strict.values(response, "Link"):
        try:
            found = parse_link(value)
        except Malformed:
            continue
        if path in (ctx.path(found.self_), ctx.path(found.target)) or ctx.path(found.target) == target:
            return path, found, target
    require(False, "the source does not show the link so that it can be read")
    raise AssertionError


@check("OCCI-LINK-022", "the Link of a compute has the kind of the target in rel", "GFD.185 3.5.2")
def link_rel(ctx: OcciContext) -> None:
    _, found, _ = _rendered(ctx)
    expect(v.STORAGE in found.rel, f"rel is {' '.join(found.rel)}")


@check("OCCI-LINK-023", "the Link of a compute has its own URI in self", "GFD.185 3.5.2")
def link_self(ctx: OcciContext) -> None:
    path, found, _ = _rendered(ctx)
    expect(ctx.path(found.self_) == path, f"self is {found.self_[:160]!r}, not {path}")


@check("OCCI-LINK-024", "the Link of a compute has the link kind in category", "GFD.185 3.5.2")
def link_category(ctx: OcciContext) -> None:
    _, found, _ = _rendered(ctx)
    expect(v.STORAGELINK in found.category, f"category is {' '.join(found.category) or 'absent'}")


@check("OCCI-LINK-025", "the Link of a compute shows the state of the link", "GFD.184 (multiplicity 1)")
def link_state(ctx: OcciContext) -> None:
    _, found, _ = _rendered(ctx)
    expect("occi.storagelink.state" in dict(found.attributes), "no occi.storagelink.state")


@check("OCCI-LINK-026", "a compute with links in JSON holds them in links", "GFD.226 resource")
def links_in_json(ctx: OcciContext) -> None:
    ctx.need_json()
    _, source, target = ctx.given_link()
    document = jsonform.document(strict.succeeded(ctx.get(source, v.JSON), v.JSON))
    links = document.get("links", []) if isinstance(document, dict) else []
    targets = [item.get("target") for item in links if isinstance(item, dict)]
    places = [str(item.get("location", "")) if isinstance(item, dict) else str(item) for item in targets]
    expect(target in [ctx.path(place) for place in places], f"no link to {target}")


@check("OCCI-LINK-027", "the collection of a link kind lists its links", CLAUSE)
def listed(ctx: OcciContext) -> None:
    path, _, _ = ctx.given_link()
    found = ctx.listing(ctx.location(v.STORAGELINK))
    expect(path in found, f"{path} is not listed")


@check(
    "OCCI-LINK-028", "a link lies directly below the location of its kind", "rOCCI-cli describe", Level.CLIENT
)
def below_location(ctx: OcciContext) -> None:
    path, _, _ = ctx.given_link()
    parent = path.rpartition("/")[0] + "/"
    expect(parent == ctx.location(v.STORAGELINK), f"{path} is not in {ctx.location(v.STORAGELINK)}")


@check("OCCI-LINK-029", "a deleted link is gone", CLAUSE)
def deleted(ctx: OcciContext) -> None:
    path, _, _ = ctx.given_link()
    response = ctx.delete(path)
    expect(response.ok, f"DELETE is answered {response.status}")
    expect(ctx.get(path).status in GONE, "it is still there")


@check("OCCI-LINK-030", "deleting a link leaves source and target", CLAUSE)
def ends_stay(ctx: OcciContext) -> None:
    path, source, target = ctx.given_link()
    require(ctx.delete(path).ok, "the link cannot be deleted")
    expect(ctx.get(source).ok, "the source is gone")
    expect(ctx.get(target).ok, "the target is gone")


@check("OCCI-LINK-031", "a deleted link is no longer shown in its source", CLAUSE)
def no_longer_shown(ctx: OcciContext) -> None:
    path, source, target = ctx.given_link()
    require(points_at(ctx, source, target), "it was never shown")
    require(ctx.delete(path).ok, "the link cannot be deleted")
    expect(not points_at(ctx, source, target), "it is still shown")


@check("OCCI-LINK-032", "deleting the source deletes its links", "GFD.183 Resource.links (composition)")
def source_takes_links(ctx: OcciContext) -> None:
    path, source, target = ctx.given_link()
    require(ctx.delete(source).ok, "the source cannot be deleted")
    expect(ctx.get(path).status in GONE, "the link is still there")
    expect(ctx.get(target).ok, "the target is gone")


@check(
    "OCCI-LINK-033", "a network can be deleted after its compute", "doyouspeakOCCI, WG suite", Level.CLIENT
)
def network_after_compute(ctx: OcciContext) -> None:
    _, source, target = ctx.given_link(v.NETWORKINTERFACE)
    require(ctx.delete(source).ok, "the compute cannot be deleted")
    response = ctx.delete(target)
    expect(response.ok, f"answered {response.status}")


def actions(ctx: OcciContext, accept: str = v.PLAIN) -> list[str]:
    """Targets of the action links of a compute with one storage link, in order; ends with the other links."""
    _, source, _ = ctx.given_link()
    found = [anchor.target for anchor in tolerant.read(strict.succeeded(ctx.get(source, accept))).links]
    require(any("?action=" in target for target in found), "no action link is shown")
    return found


@check("OCCI-LINK-034", "action links are relative", "suites join endpoint and link", Level.CLIENT)
def actions_relative(ctx: OcciContext) -> None:
    wrong = [target for target in actions(ctx) if "?action=" in target and not target.startswith("/")]
    expect(not wrong, f"{wrong[0][:160]!r}" if wrong else "")


@check("OCCI-LINK-035", "action links come before resource links", "suites use the first", Level.CLIENT)
def actions_first(ctx: OcciContext) -> None:
    order = ["?action=" in target for target in actions(ctx)]
    expect(order == sorted(order, reverse=True), "a resource link comes first")


@check("OCCI-LINK-036", "the action links of a compute invoke its own actions", "GFD.185 3.5.2")
def actions_own(ctx: OcciContext) -> None:
    path = ctx.shared(v.COMPUTE)
    shown = [anchor for anchor in ctx.describe(path).links if "?action=" in anchor.target]
    require(shown, "no action link is shown")
    for anchor in shown:
        place, _, term = anchor.target.partition("?action=")
        expect(ctx.path(place) == path, f"it leads to {place[:160]!r}")
        rel = anchor.parameters.get("rel", "")
        expect(rel.endswith(f"#{term}"), f"rel {rel[:160]!r} does not name {term}")


@check(
    "OCCI-LINK-037",
    "an active compute shows stop and not start",
    "GFD.185 3.4.4 (applicable only)",
    Level.SHOULD,
)
def applicable_only(ctx: OcciContext) -> None:
    path = ctx.given_compute()
    ctx.given_state(path, "active")
    terms = [anchor.target.partition("?action=")[2] for anchor in ctx.describe(path).links]
    expect("stop" in terms and "start" not in terms, f"it shows {' '.join(filter(None, terms)) or 'none'}")


@check(
    "OCCI-LINK-038",
    "the first action link of an inactive compute is start",
    "suites use the first",
    Level.CLIENT,
)
def start_first(ctx: OcciContext) -> None:
    path = ctx.given_compute()
    ctx.given_state(path, "inactive")
    terms = [a.target.partition("?action=")[2] for a in ctx.describe(path).links if "?action=" in a.target]
    require("start" in terms, "start is not shown")
    expect(terms[0] == "start", f"the first is {terms[0]}")


@check("OCCI-LINK-039", "rel, self and category of a Link are in double quotes", "pOCCI", Level.CLIENT)
def quoted(ctx: OcciContext) -> None:
    _, source, _ = ctx.given_link()
    lines = strict.values(ctx.get(source), "Link")
    require(lines, "no Link is shown")
    wrong = [
        line
        for line in lines
        for name in ("rel", "self", "category")
        if f'{name}="' not in line and f"{name}=" in line
    ]
    expect(not wrong, f"{wrong[0][:160]!r}" if wrong else "")


@check(
    "OCCI-LINK-040",
    "networkinterface source and target in one joined header are read",
    "doyouspeakOCCI",
    Level.CLIENT,
)
def joined_ends(ctx: OcciContext) -> None:
    source, target = ctx.given_compute(), ctx.given(v.NETWORK)
    message = Message(v.NETWORKINTERFACE, attributes=ends(ctx.uri(source), ctx.uri(target)))
    values = ", ".join(value for name, value in structures(message) if name == "X-OCCI-Attribute")
    category = f'networkinterface; scheme="{v.INFRA}"'
    headers = (("Content-Type", v.OCCI), ("Category", category), ("X-OCCI-Attribute", values))
    response, path = ctx.create_raw(v.NETWORKINTERFACE, headers)
    expect(response.ok and path, f"answered {response.status}")


@check("OCCI-LINK-041", "the device of a storage link is rendered", "GFD.184 storagelink (multiplicity 1)")
def device(ctx: OcciContext) -> None:
    path, _, _ = ctx.given_link()
    expect(ctx.describe(path).attributes.get("occi.storagelink.deviceid"), "no occi.storagelink.deviceid")


@check("OCCI-LINK-042", "interface and mac of a network interface are rendered", "GFD.184 networkinterface")
def interface(ctx: OcciContext) -> None:
    path, _, _ = ctx.given_link(v.NETWORKINTERFACE)
    found = ctx.describe(path).attributes
    names = ("occi.networkinterface.interface", "occi.networkinterface.mac")
    lacking = [name for name in names if not found.get(name)]
    expect(not lacking, f"missing: {' '.join(lacking)}")

"""What a site promises: data system metadata, classes of service, exports (13, 16.4, 16.5)."""

from __future__ import annotations

from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import Document, answered, document
from conformance.framework import Body, Level, Skipped, expect, require

DSM, PROVIDED = "16.4", "16.5"
#: An item, a value that fits it, one that does not (16.4).
ITEMS: dict[str, tuple[Any, Any]] = {
    "cdmi_data_redundancy": ("1", "many"),
    "cdmi_immediate_redundancy": ("true", "perhaps"),
    "cdmi_infrastructure_redundancy": ("1", "-1"),
    "cdmi_data_dispersion": ("10", "far"),
    "cdmi_geographic_placement": (["*"], "IT"),
    "cdmi_latency": ("1000", "fast"),
    "cdmi_throughput": ("1000", "much"),
    "cdmi_RPO": ("3600", "soon"),
    "cdmi_RTO": ("3600", "soon"),
}


def _provided(name: str, value: Any) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        ctx.need("dataobject", name)
        found = ctx.metadata(ctx.given(metadata={name: value}))
        expect(found.get(name) == value, f"{name} is {found.get(name)!r}")
        expect(f"{name}_provided" in found, f"{name}_provided is missing")

    return run


for _number, (_name, (_value, _)) in enumerate(ITEMS.items(), 1):
    check(f"CDMI-DSM-{_number:03}", f"{_name} is stored, and what is provided told", PROVIDED)(
        _provided(_name, _value)
    )


def need_any(ctx: CdmiContext) -> tuple[str, Any, Any]:
    """(item, good value, bad value) of the first data system item that is published."""
    for name, (good, bad) in ITEMS.items():
        if ctx.published("dataobject", name) is not None:
            return name, good, bad
    raise Skipped("no data system metadata are published")


@check("CDMI-DSM-010", "what is provided is not the client's to write", PROVIDED)
def provided_read_only(ctx: CdmiContext) -> None:
    name, good, _ = need_any(ctx)
    wish = {name: good, f"{name}_provided": "conformance"}
    found = ctx.metadata(ctx.given(metadata=wish)).get(f"{name}_provided")
    expect(found != "conformance", "it was taken from the client")


@check("CDMI-DSM-011", "an item of a container holds for what is made in it", DSM)
def passed_on(ctx: CdmiContext) -> None:
    name, good, _ = need_any(ctx)
    path = ctx.given_container(metadata={name: good})
    require(ctx.put(f"{path}a", {}).status == 201, "cannot make a child")
    found = ctx.metadata(f"{path}a")
    expect(f"{name}_provided" in found, f"{name}_provided is missing from the child")


@check("CDMI-DSM-012", "an item of the wrong form does not count", DSM)
def wrong_form(ctx: CdmiContext) -> None:
    name, _, bad = need_any(ctx)
    path = ctx.new()
    response = ctx.put(path, {"metadata": {name: bad}})
    expect(response.status in (201, 400), f"answered {response.status}")


@check("CDMI-DSM-013", "an invalid placement is 400", DSM)
def placement(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_geographic_placement")
    answered(ctx.put(ctx.new(), {"metadata": {"cdmi_geographic_placement": ["Atlantis"]}}), 400)


@check("CDMI-DSM-014", "a placement that is permitted nowhere is 403", DSM)
def nowhere(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_geographic_placement")
    answered(ctx.put(ctx.new(), {"metadata": {"cdmi_geographic_placement": ["!*"]}}), 403)


@check("CDMI-DSM-015", "cdmi_assignedsize of a container is stored", DSM)
def assigned(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_assignedsize")
    found = ctx.metadata(ctx.given_container(metadata={"cdmi_assignedsize": "1073741824"}))
    expect(found.get("cdmi_assignedsize") == "1073741824", f"it is {found.get('cdmi_assignedsize')!r}")


# Classes of service: INDIGO-DataCloud, SNIA capabilities selection

QOS = "QoS profile (capabilities selection)"


def classes(ctx: CdmiContext, kind: str) -> list[str]:
    """Paths of the classes of a type; Skipped where there are none."""
    place = f"{v.CAPABILITIES}{kind}/"
    found = document(ctx.get(place)).get("children", [])
    if not found:
        raise Skipped(f"no classes of service for {kind}")
    return [f"{place}{child}" for child in found]


def described(ctx: CdmiContext, path: str) -> Document:
    found = document(ctx.get(path if path.endswith("/") else f"{path}/"))
    expect(isinstance(found.get("metadata"), dict), f"{path} has no metadata")
    return found


def _classes_described(kind: str) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        for path in classes(ctx, kind):
            found = described(ctx, path)
            missing = [name for name in found["metadata"] if name not in found.get("capabilities", {})]
            expect(not missing, f"{path}: {', '.join(missing)} not among its capabilities")

    return run


check(
    "CDMI-QOS-001",
    "each class of data objects has metadata, and capabilities of their names",
    QOS,
    Level.CLIENT,
)(_classes_described("dataobject"))
check(
    "CDMI-QOS-002",
    "each class of containers has metadata, and capabilities of their names",
    QOS,
    Level.CLIENT,
)(_classes_described("container"))


@check("CDMI-QOS-003", "a class is found with and without a slash", QOS, Level.CLIENT)
def class_slash(ctx: CdmiContext) -> None:
    path = classes(ctx, "dataobject")[0].rstrip("/")
    answered(ctx.get(path), 200, 301)
    answered(ctx.get(f"{path}/"), 200)


def allowed(ctx: CdmiContext) -> tuple[str, str]:
    """(data object, URI of a class it may move to); Skipped where there is none."""
    every = classes(ctx, "dataobject")
    path = ctx.given()
    now = str(ctx.read(path).get("capabilitiesURI")).rstrip("/")
    mine = next((one for one in every if ctx.reference(one).rstrip("/") == now), "")
    uris = described(ctx, mine)["metadata"].get("cdmi_capabilities_allowed", []) if mine else every
    for uri in uris:
        if str(uri).rstrip("/") != now:
            return path, str(uri)
    raise Skipped("there is no other class to move to")


@check("CDMI-QOS-004", "a new class is accepted with 204", QOS, Level.CLIENT)
def transition(ctx: CdmiContext) -> None:
    path, uri = allowed(ctx)
    answered(ctx.put(path, {"capabilitiesURI": uri}), 204)
    ctx.until(
        lambda: str(ctx.read(path).get("capabilitiesURI")).rstrip("/").endswith(uri.rstrip("/")),
        "the class has not changed in time",
    )
    expect(ctx.content(path) == b"hello world", "the value has changed")


@check("CDMI-QOS-005", "a class that is not there is 400", QOS, Level.CLIENT)
def no_class(ctx: CdmiContext) -> None:
    path = ctx.given()
    require(classes(ctx, "dataobject"), "no classes")
    for uri in (f"{v.CAPABILITIES}dataobject/{ctx.name()}/", "nonsense", 7):
        answered(ctx.put(path, {"capabilitiesURI": uri}), 400)


@check("CDMI-QOS-006", "an object of a class tells what is provided", QOS, Level.CLIENT)
def provided(ctx: CdmiContext) -> None:
    require(classes(ctx, "dataobject"), "no classes")
    found = [name for name in ctx.metadata(ctx.given()) if name.endswith("_provided")]
    expect(found, "no item ends in _provided")


@check("CDMI-QOS-007", "a class of another type is 400", QOS, Level.CLIENT)
def other_type(ctx: CdmiContext) -> None:
    uri = ctx.reference(classes(ctx, "container")[0])
    answered(ctx.put(ctx.given(), {"capabilitiesURI": uri}), 400)


# Exports

EXPORT = "13"
SIZED = {"cdmi_assignedsize": "1073741824"}


def need_occi(ctx: CdmiContext) -> str:
    """The key of an OCCI export; Skipped where it is not offered."""
    ctx.need("container", "cdmi_export_container_occi")
    return "OCCI/iSCSI"


def exported(ctx: CdmiContext, key: str) -> str:
    """The path of a new container with that export, which nobody may use yet."""
    return ctx.given_container(exports={key: {"permissions": []}}, metadata=SIZED)


@check("CDMI-EXP-001", "an OCCI export tells the ID of its container", "13.6")
def occi(ctx: CdmiContext) -> None:
    key = need_occi(ctx)
    path = exported(ctx, key)
    found = ctx.read(path)
    expect(found.get("exports", {}).get(key, {}).get("identifier") == found["objectID"], "another identifier")
    expect(found["exports"][key].get("permissions") == [], "permissions is no empty list")


@check("CDMI-EXP-002", "?exports reads the exports alone", "13.1")
def selected(ctx: CdmiContext) -> None:
    key = need_occi(ctx)
    path = exported(ctx, key)
    found = document(ctx.get(f"{path}?exports"))
    expect(list(found) == ["exports"] and key in found["exports"], f"answered {found}")


@check("CDMI-EXP-003", "an update without exports keeps them, one with replaces them", "9.4")
def updated(ctx: CdmiContext) -> None:
    key = need_occi(ctx)
    path = exported(ctx, key)
    answered(ctx.put(path, {"metadata": {"a": "1"}}), 204)
    expect(key in ctx.read(path).get("exports", {}), "they are gone")
    answered(ctx.put(path, {"exports": {}}), 204)
    expect(not ctx.read(path).get("exports"), "they are still there")


@check("CDMI-EXP-004", "permissions of a compute that is unknown are 400", "13.6", Level.SHOULD)
def unknown_compute(ctx: CdmiContext) -> None:
    key = need_occi(ctx)
    export = {key: {"permissions": [f"{ctx.endpoint.origin}/compute/{ctx.name()}"]}}
    body = {"exports": export, "metadata": SIZED}
    path = ctx.new_container()
    answered(ctx.put(path, body), 400)
    expect(not ctx.exists(path), "the container was made")


@check("CDMI-EXP-005", "an export of an unknown protocol is 400", EXPORT)
def unknown_protocol(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.put(path, {"exports": {"Network/Pigeon": {"identifier": "x"}}}), 400)
    expect(not ctx.exists(path), "the container was made")


@check("CDMI-EXP-006", "exports that are no object are 400", EXPORT)
def malformed(ctx: CdmiContext) -> None:
    wishes: tuple[object, ...] = ([], "OCCI/iSCSI", {"OCCI/iSCSI": 7})
    for wrong in wishes:
        path = ctx.new_container()
        answered(ctx.put(path, {"exports": wrong}), 400)
        expect(not ctx.exists(path), "the container was made")

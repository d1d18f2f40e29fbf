"""What lasts: retention, snapshots, serialization (14, 15, 17)."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import RANGE, answered, document, encoded, stamp
from conformance.framework import Skipped, expect, require

KEPT = 6.0  # seconds; long enough for a slow answer, and waited for only once
PERIOD = "cdmi_retention_period"


def retained(ctx: CdmiContext) -> str:
    """A data object under retention, the same for all checks; waited for at the end of the run."""
    ctx.need("dataobject", "cdmi_data_retention")
    path = ctx.shared.get("retained", "")
    if not path:
        place = ctx.shared_box()
        path = ctx.shared["retained"] = f"{place}retained"
        now = ctx.now
        period = f"{stamp(now - timedelta(seconds=1))}/{stamp(now + timedelta(seconds=KEPT))}"
        metadata = {"cdmi_retention_id": "conformance", PERIOD: period, "a": "1"}
        response = ctx.put(path, {"value": "kept", "metadata": metadata})
        require(response.status == 201, f"cannot make an object under retention: {response.status}")
    return path


@check("CDMI-RET-001", "a retention is stored", "17.3")
def stored(ctx: CdmiContext) -> None:
    found = ctx.metadata(retained(ctx))
    expect(
        found.get("cdmi_retention_id") == "conformance" and "/" in str(found.get(PERIOD)), f"it has {found}"
    )


@check("CDMI-RET-002", "a delete during retention is 403", "17.3")
def delete(ctx: CdmiContext) -> None:
    path = retained(ctx)
    answered(ctx.delete(path), 403)
    answered(ctx.http("DELETE", path), 403)


@check("CDMI-RET-003", "a change of the value during retention is 403", "17.3")
def change(ctx: CdmiContext) -> None:
    path = retained(ctx)
    answered(ctx.put(path, {"value": "x"}), 403)
    answered(ctx.http("PUT", path, b"x", (("Content-Type", "text/plain"),)), 403)
    answered(ctx.put(f"{path}?value:0-0", {"value": encoded(b"x")}), 403)
    expect(ctx.content(path) == b"kept", "the value has changed")


@check("CDMI-RET-004", "a change of metadata during retention is 403", "17.3")
def change_metadata(ctx: CdmiContext) -> None:
    path = retained(ctx)
    answered(ctx.put(f"{path}?metadata:a", {"metadata": {"a": "2"}}), 403)
    expect(ctx.metadata(path).get("a") == "1", "they have changed")


@check("CDMI-RET-005", "an earlier end is 403", "17.3, 16.4")
def shortened(ctx: CdmiContext) -> None:
    path = retained(ctx)
    start = str(ctx.metadata(path)[PERIOD]).partition("/")[0]
    wish = {"metadata": {PERIOD: f"{start}/{stamp(ctx.now)}"}}
    answered(ctx.put(f"{path}?metadata:{PERIOD}", wish), 403)


@check("CDMI-RET-006", "a container does not go while something in it is kept", "17.3, 9.5")
def container(ctx: CdmiContext) -> None:
    path = retained(ctx)
    answered(ctx.delete(path.rpartition("/")[0] + "/"), 403, 409)
    expect(ctx.exists(path), "it is gone")


@check("CDMI-RET-007", "an invalid period is 400", "16.4")
def invalid(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_data_retention")
    late, early = "2001-01-01T00:00:00.000000Z", "2000-01-01T00:00:00.000000Z"
    for period in (f"{late}/{early}", "soon", f"{early}", f"{early}/P1Y1"):
        path = ctx.new()
        answered(ctx.put(path, {"metadata": {"cdmi_retention_id": "x", PERIOD: period}}), 400)
        expect(not ctx.exists(path), f"{period}: it was made")


@check("CDMI-RET-008", "a copy is under no retention", "17.3, 8.2")
def copied(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_copy_dataobject")
    path = ctx.new()
    require(ctx.put(path, {"copy": ctx.reference(retained(ctx))}).status in (201, 202), "it is not copied")
    ctx.complete(path)
    answered(ctx.delete(path), 204)


@check("CDMI-RET-009", "a kept object is not moved away", "17.3, 8.2")
def moved(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_move_dataobject")
    path = retained(ctx)
    response = ctx.put(ctx.new(), {"move": ctx.reference(path)})
    answered(response, 400, 403)
    expect(ctx.exists(path), "it is gone")


@check("CDMI-RET-010", "a form of a hold that is none is 400", "16.4, 17.4")
def bad_hold(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_data_holds")
    path = ctx.new()
    answered(ctx.put(path, {"metadata": {"cdmi_hold_id": 7}}), 400)
    expect(not ctx.exists(path), "it was made")


# Snapshots


def snapped(ctx: CdmiContext) -> tuple[str, str]:
    """(container, its snapshot); Skipped where there are no snapshots."""
    ctx.need("", "cdmi_snapshots")
    ctx.need("container", "cdmi_snapshot")
    path = ctx.given_container("a", "b/", "b/c")
    answered(ctx.put(path, {"snapshot": "first"}), 204, 202, 201)
    image = f"{path}cdmi_snapshots/first/"
    ctx.until(lambda: ctx.get(image).ok, "the snapshot does not appear")
    ctx.complete(image)
    return path, image


@check("CDMI-SNAP-001", "a snapshot holds what the container held", "14")
def snapshot(ctx: CdmiContext) -> None:
    path, image = snapped(ctx)
    answered(ctx.put(f"{path}a", {"value": "changed"}), 204)
    answered(ctx.delete(f"{path}b/"), 204)
    expect(ctx.content(f"{image}a") == b"a", "the object has changed in the snapshot")
    expect(ctx.content(f"{image}b/c") == b"b/c", "the container is gone from the snapshot")


@check("CDMI-SNAP-002", "snapshots of a container are listed", "14, 9.3")
def listed(ctx: CdmiContext) -> None:
    path, image = snapped(ctx)
    found = ctx.read(path)
    expect(found.get("snapshots") == [ctx.reference(image)], f"snapshots is {found.get('snapshots')!r}")
    expect("cdmi_snapshots/" in found["children"], f"children are {found['children']}")


@check("CDMI-SNAP-003", "a snapshot is read only", "14")
def read_only(ctx: CdmiContext) -> None:
    _, image = snapped(ctx)
    for response in (
        ctx.put(f"{image}a", {"value": "x"}),
        ctx.put(f"{image}new", {}),
        ctx.delete(f"{image}a"),
    ):
        expect(400 <= response.status < 500, f"answered {response.status}")
    expect(ctx.content(f"{image}a") == b"a", "it has changed")


@check("CDMI-SNAP-004", "a snapshot has no snapshots", "14")
def flat(ctx: CdmiContext) -> None:
    path, _ = snapped(ctx)
    answered(ctx.put(path, {"snapshot": "second"}), 204, 202, 201)
    second = f"{path}cdmi_snapshots/second/"
    ctx.until(lambda: ctx.get(second).ok, "the snapshot does not appear")
    found = ctx.complete(second)
    expect("cdmi_snapshots/" not in found["children"], f"children are {found['children']}")


@check("CDMI-SNAP-005", "a snapshot is deleted like a container", "14")
def deleted(ctx: CdmiContext) -> None:
    path, image = snapped(ctx)
    answered(ctx.delete(image), 204)
    answered(ctx.get(image), 404)
    expect(ctx.exists(f"{path}a"), "the container has lost its object")


@check("CDMI-SNAP-006", "a name that is no segment is 400", "14")
def bad_name(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_snapshots")
    path = ctx.given_container()
    for name in ("a/b", "", 7, ".."):
        answered(ctx.put(path, {"snapshot": name}), 400)


@check("CDMI-SNAP-007", "a copy of a snapshot restores", "14, 9.2")
def restored(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_copy_container")
    path, image = snapped(ctx)
    answered(ctx.put(f"{path}a", {"value": "changed"}), 204)
    fresh = ctx.new_container()
    answered(ctx.put(fresh, {"copy": ctx.reference(image)}), 201, 202)
    ctx.complete(fresh)
    expect(ctx.content(f"{fresh}a") == b"a", "another value")
    answered(ctx.put(f"{fresh}a", {"value": "writable"}), 204)


# Serialization


def serialized(ctx: CdmiContext, source: str, kind: str) -> tuple[str, Any]:
    """(path, document) of a serialization; Skipped where it is not offered."""
    ctx.need("", "cdmi_serialization_json")
    ctx.need("container", f"cdmi_serialize_{kind}")
    path = ctx.new()
    answered(ctx.put(path, {"serialize": ctx.reference(source)}), 201, 202)
    ctx.complete(path)
    return path, json.loads(ctx.content(path))


@check("CDMI-SER-001", "a data object is serialized with all its fields", "15")
def an_object(ctx: CdmiContext) -> None:
    source = ctx.given("kept", metadata={"a": "1"})
    _, found = serialized(ctx, source, "dataobject")
    expect(found.get("objectID") == ctx.identifier(source), "another ID")
    expect(found.get("metadata", {}).get("a") == "1", "the metadata are missing")
    expect(found.get("value") in ("kept", encoded(b"kept")), f"value is {found.get('value')!r}")


@check("CDMI-SER-002", "a container is serialized with its children as full objects, last", "15")
def a_container(ctx: CdmiContext) -> None:
    _, found = serialized(ctx, ctx.given_container("a", "b/", "b/c"), "container")
    expect(list(found)[-1] == "children", f"the fields are {', '.join(found)}")
    names = sorted(child.get("objectName") for child in found["children"])
    expect(names == ["a", "b/"], f"children are {names}")


@check("CDMI-SER-003", "a serialized object is made again, ID and all", "15")
def again(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_deserialize_dataobject")
    source = ctx.given("kept", metadata={"a": "1"})
    before = ctx.identifier(source)
    backup, _ = serialized(ctx, source, "dataobject")
    answered(ctx.delete(source), 204)
    path = ctx.new()
    answered(ctx.put(path, {"deserialize": ctx.reference(backup)}), 201, 202)
    found = ctx.complete(path)
    expect((found.get("value"), found.get("objectID")) == ("kept", before), "another value or ID")


@check("CDMI-SER-004", "deserializevalue makes the object that is in the request", "15, 8.2")
def by_value(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_deserialize_dataobject")
    source = ctx.given("kept")
    _, found = serialized(ctx, source, "dataobject")
    answered(ctx.delete(source), 204)
    path = ctx.new()
    text = base64.b64encode(json.dumps(found).encode()).decode()
    answered(ctx.put(path, {"deserializevalue": text}), 201, 202)
    expect(ctx.complete(path).get("value") == "kept", "another value")


@check("CDMI-SER-005", "what is no serialized object is 400", "15")
def damaged(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_deserialize_dataobject")
    for text in (encoded(b"{}"), encoded(b"no JSON"), "no base64!"):
        path = ctx.new()
        answered(ctx.put(path, {"deserializevalue": text}), 400)
        expect(not ctx.exists(path), "it was made")


@check("CDMI-SER-006", "a serialized container is made again with all that was in it", "15")
def container_again(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_deserialize_container")
    source = ctx.given_container("a", "b/", "b/c")
    backup, _ = serialized(ctx, source, "container")
    answered(ctx.delete(source), 204)
    answered(ctx.put(source, {"deserialize": ctx.reference(backup)}), 201, 202)
    ctx.complete(source)
    expect(ctx.content(f"{source}b/c") == b"b/c", "another value below")


@check("CDMI-SER-007", "a queue is serialized with all its values", "15")
def a_queue(ctx: CdmiContext) -> None:
    _, found = serialized(ctx, ctx.given_queue("one", "two"), "queue")
    expect(found.get("value") == ["one", "two"], f"value is {found.get('value')!r}")
    expect(RANGE.fullmatch(str(found.get("queueValues"))), "queueValues is missing")


@check("CDMI-SER-008", "a serialized object is a data object like any other", "15, 8.3")
def ordinary(ctx: CdmiContext) -> None:
    path, _ = serialized(ctx, ctx.given(), "dataobject")
    found = document(ctx.get(path))
    if found.get("valuetransferencoding") == "base64":
        raise Skipped("its value is shown in base64")
    expect(found.get("objectType") == v.OBJECT and found["value"].startswith("{"), "it has no JSON value")

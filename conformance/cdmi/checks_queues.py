"""Queues: order, designators, arrays, how they are emptied (11)."""

from __future__ import annotations

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import answered, document, encoded
from conformance.exchange import Response
from conformance.framework import expect

CREATE, READ, ENQUEUE, DEQUEUE = "11.2", "11.3", "11.6", "11.7"
FIELDS = (
    *("objectType", "objectID", "objectName", "parentURI", "parentID", "capabilitiesURI"),
    *("completionStatus", "metadata", "queueValues"),
)


def enqueue(ctx: CdmiContext, path: str, body: object, kind: str = v.QUEUE) -> Response:
    return ctx.cdmi("POST", path, body, kind=kind)


def values(ctx: CdmiContext, path: str, number: int = 10) -> list[object]:
    found = document(ctx.get(f"{path}?values:{number}")).get("value", [])
    expect(isinstance(found, list), f"value is {found!r}")
    return list(found)


@check("CDMI-QUEUE-001", "a queue is made empty, with all mandatory fields", CREATE)
def made(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_queues")
    ctx.need("container", "cdmi_create_queue")
    path = ctx.box + ctx.name("queue")
    response = ctx.cdmi("PUT", path, {"metadata": {"a": "1"}}, kind=v.QUEUE, accept=v.QUEUE)
    found = document(response, 201)
    missing = [name for name in FIELDS if name not in found]
    expect(not missing, f"{', '.join(missing)} missing")
    expect(found["objectType"] == v.QUEUE, f"objectType is {found['objectType']!r}")
    expect(found["queueValues"] == "", f"queueValues is {found['queueValues']!r}")


@check("CDMI-QUEUE-002", "an empty queue has no value", READ)
def empty(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_queue()))
    expect(found.get("queueValues") == "", f"queueValues is {found.get('queueValues')!r}")
    extra = {"value", "valuerange", "mimetype", "valuetransferencoding"} & set(found)
    expect(not extra, f"{', '.join(sorted(extra))} in the answer")


@check("CDMI-QUEUE-003", "a read gives the oldest value, in arrays of one", READ)
def oldest(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_queue("one", "two")))
    expect(found.get("value") == ["one"], f"value is {found.get('value')!r}")
    expect(found.get("mimetype") == ["text/plain"], f"mimetype is {found.get('mimetype')!r}")
    expect(found.get("valuetransferencoding") == ["utf-8"], "valuetransferencoding is not [utf-8]")
    expect(found.get("valuerange") == ["0-2"], f"valuerange is {found.get('valuerange')!r}")
    expect(found.get("queueValues") == "0-1", f"queueValues is {found.get('queueValues')!r}")


@check("CDMI-QUEUE-004", "?values:n gives n values, the oldest first", READ)
def several(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", "two", "three")
    expect(values(ctx, path, 2) == ["one", "two"], "another order or number")


@check("CDMI-QUEUE-005", "more values than there are is all of them", READ)
def too_many(ctx: CdmiContext) -> None:
    expect(values(ctx, ctx.given_queue("one", "two"), 99) == ["one", "two"], "another order or number")


@check("CDMI-QUEUE-006", "a read takes nothing away", READ)
def stays(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one")
    expect(values(ctx, path) == values(ctx, path) == ["one"], "the value is gone")


@check("CDMI-QUEUE-007", "a dequeue takes the oldest", DEQUEUE)
def dequeue(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", "two")
    answered(ctx.delete(f"{path}?value"), 204)
    expect(values(ctx, path) == ["two"], "another value is left")
    found = ctx.read(path).get("queueValues")
    expect(found == "1-1", f"queueValues is {found!r}")


@check("CDMI-QUEUE-008", "?values:n takes the n oldest", DEQUEUE)
def dequeue_several(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", "two", "three")
    answered(ctx.delete(f"{path}?values:2"), 204)
    expect(values(ctx, path) == ["three"], "other values are left")


@check("CDMI-QUEUE-009", "a dequeue by designators can be repeated", DEQUEUE)
def dequeue_designated(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", "two", "three")
    answered(ctx.delete(f"{path}?values:0-1"), 204)
    response = ctx.delete(f"{path}?values:0-1")
    expect(response.status in (204, 400), f"the second time is answered {response.status}")
    expect(values(ctx, path) == ["three"], "the value of another designator was taken")


@check("CDMI-QUEUE-010", "a designator behind the queue is 400", DEQUEUE)
def dequeue_behind(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one")
    answered(ctx.delete(f"{path}?values:5-6"), 400)
    expect(values(ctx, path) == ["one"], "the value is gone")


@check("CDMI-QUEUE-011", "designators are never used again", DEQUEUE)
def never_again(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", "two")
    answered(ctx.delete(f"{path}?values:2"), 204)
    expect(ctx.read(path).get("queueValues") == "", "it is not empty")
    answered(enqueue(ctx, path, {"value": ["three"]}), 204)
    found = ctx.read(path).get("queueValues")
    expect(found == "2-2", f"queueValues is {found!r}")


@check("CDMI-QUEUE-012", "a delete without selector removes the queue", "11.5")
def delete(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one")
    answered(ctx.delete(path), 204)
    answered(ctx.get(path), 404)


@check("CDMI-QUEUE-013", "types and encodings are those of each value", ENQUEUE)
def arrays(ctx: CdmiContext) -> None:
    path = ctx.given_queue()
    body = {
        "value": ["one", encoded(b"\xff")],
        "valuetransferencoding": ["utf-8", "base64"],
        "mimetype": ["text/html", "image/png"],
    }
    answered(enqueue(ctx, path, body), 204)
    found = document(ctx.get(f"{path}?mimetype;valuetransferencoding;value;values:2"))
    expect({name: found.get(name) for name in body} == body, f"answered {found}")


@check("CDMI-QUEUE-014", "arrays of different length are 400 and enqueue nothing", ENQUEUE)
def lengths(ctx: CdmiContext) -> None:
    path = ctx.given_queue()
    answered(enqueue(ctx, path, {"value": ["a", "b"], "mimetype": ["text/plain"]}), 400)
    expect(values(ctx, path) == [], "something was enqueued")


@check("CDMI-QUEUE-015", "an enqueue without, or with two, sources is 400", ENQUEUE)
def sources(ctx: CdmiContext) -> None:
    path = ctx.given_queue()
    for body in ({}, {"value": ["a"], "copy": ctx.reference(ctx.given())}, {"value": "a"}):
        answered(enqueue(ctx, path, body), 400)
    expect(values(ctx, path) == [], "something was enqueued")


@check("CDMI-QUEUE-016", "application/cdmi-object enqueues too", "11.6 examples")
def other_type(ctx: CdmiContext) -> None:
    path = ctx.given_queue()
    answered(enqueue(ctx, path, {"value": ["a"]}, v.OBJECT), 204)
    expect(values(ctx, path) == ["a"], "it was not enqueued")


@check("CDMI-QUEUE-017", "one bad value of several enqueues none", "11.6, 8.1.2")
def atomic(ctx: CdmiContext) -> None:
    path = ctx.given_queue()
    body = {"value": ["ok", "no base64!"], "valuetransferencoding": ["utf-8", "base64"]}
    answered(enqueue(ctx, path, body), 400)
    expect(values(ctx, path) == [], "part was enqueued")


@check("CDMI-QUEUE-018", "a data object is enqueued by copy", ENQUEUE)
def by_copy(ctx: CdmiContext) -> None:
    path, source = ctx.given_queue("first"), ctx.given("copied")
    answered(enqueue(ctx, path, {"copy": ctx.reference(source)}), 204)
    expect(values(ctx, path) == ["first", "copied"], "another value")
    expect(ctx.exists(source), "the source is gone")


@check("CDMI-QUEUE-019", "values are moved from queue to queue", ENQUEUE)
def by_move(ctx: CdmiContext) -> None:
    source, path = ctx.given_queue("one", "two", "three"), ctx.given_queue()
    answered(enqueue(ctx, path, {"move": f"{ctx.reference(source)}?values:2"}), 204)
    expect(values(ctx, path) == ["one", "two"], "other values have come")
    expect(values(ctx, source) == ["three"], "other values are left")


@check("CDMI-QUEUE-020", "an update changes metadata and keeps the values", "11.4")
def update(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", metadata={"a": "1", "b": "2"})
    answered(ctx.cdmi("PUT", f"{path}?metadata:a", {"metadata": {"a": "9"}}, kind=v.QUEUE), 204)
    found = ctx.metadata(path)
    expect((found.get("a"), found.get("b")) == ("9", "2"), f"metadata are {found}")
    expect(values(ctx, path) == ["one"], "the values have changed")


@check("CDMI-QUEUE-021", "a part of the oldest value is base64", READ)
def part(ctx: CdmiContext) -> None:
    found = document(ctx.get(f"{ctx.given_queue('hello')}?value:0-1")).get("value")
    expect(found in ([encoded(b"he")], encoded(b"he")), f"value is {found!r}")


@check("CDMI-QUEUE-022", "a queue among the children has no mark", "9.3")
def listed(ctx: CdmiContext) -> None:
    name = ctx.given_queue().rpartition("/")[2]
    expect(ctx.read(ctx.box)["children"] == [name], f"children are {ctx.read(ctx.box)['children']}")


@check(
    "CDMI-QUEUE-023",
    "a queue is copied to a data object, its values joined",
    "8.2 (cdmi_copy_dataobject_from_queue)",
)
def to_object(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_copy_dataobject_from_queue")
    path = ctx.new()
    answered(ctx.put(path, {"copy": ctx.reference(ctx.given_queue("one", "two"))}), 201, 202)
    ctx.complete(path)
    expect(ctx.content(path) == b"onetwo", f"the value is {ctx.content(path)[:80]!r}")


@check("CDMI-QUEUE-024", "a type that is not the queue's is 400", "5.13.2, 11.4")
def wrong_type(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one")
    answered(ctx.cdmi("PUT", path, {"metadata": {}}, kind=v.CONTAINER), 400)
    expect(values(ctx, path) == ["one"], "the values have changed")


@check("CDMI-QUEUE-025", "what is enqueued between a read and its dequeue by designators stays", DEQUEUE)
def between(ctx: CdmiContext) -> None:
    path = ctx.given_queue("one", "two")
    seen = document(ctx.get(f"{path}?queueValues;values:2"))
    expect(seen.get("queueValues") == "0-1", f"queueValues is {seen.get('queueValues')!r}")
    answered(enqueue(ctx, path, {"value": ["three"]}), 204)
    answered(ctx.delete(f"{path}?value"), 204)  # another consumer was faster with the oldest
    answered(ctx.delete(f"{path}?values:0-1"), 204)
    expect(values(ctx, path) == ["three"], "it was taken too")

"""Containers by CDMI: children and ranges of them, updates, recursion; POST into them (9)."""

from __future__ import annotations

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import Document, answered, document, encoded, object_id
from conformance.exchange import Response
from conformance.framework import Level, expect, require

READ = "9.3"


@check("CDMI-CON-001", "a container is made and read", "9.2, 9.3")
def made(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.put(path, {"metadata": {"a": "1"}}), 201)
    found = document(ctx.get(path))
    expect(found["metadata"].get("a") == "1", f"metadata are {found['metadata']}")
    expect(found.get("objectName") == path.rstrip("/").rpartition("/")[2] + "/", "objectName is wrong")


@check("CDMI-CON-002", "an empty body counts as {}", "jclouds, osaddon", Level.CLIENT)
def empty_body(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.put(path, b""), 201)
    expect(ctx.read(path).get("objectType") == v.CONTAINER, "it is no container")


@check("CDMI-CON-003", "no body and no Content-Type make a container", "jclouds, osaddon", Level.CLIENT)
def no_body(ctx: CdmiContext) -> None:
    path = ctx.new_container()
    answered(ctx.cdmi("PUT", path, accept=v.CONTAINER), 201)
    expect(ctx.read(path).get("objectType") == v.CONTAINER, "it is no container")


@check("CDMI-CON-004", "an empty container has no children and an empty range", READ)
def empty(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_container()))
    expect(found.get("children") == [], f"children is {found.get('children')!r}")
    expect(found.get("childrenrange") == "", f"childrenrange is {found.get('childrenrange')!r}")


@check("CDMI-CON-005", "containers among the children end in a slash, data objects do not", READ)
def marks(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_container("object", "container/")))
    expect(sorted(found["children"]) == ["container/", "object"], f"children are {found['children']}")


@check("CDMI-CON-006", "each child of a child is its own", READ)
def one_level(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_container("a/", "a/b", "a/c/")))
    expect(found["children"] == ["a/"], f"children are {found['children']}")


@check("CDMI-CON-007", "the order of the children does not change", READ)
def stable(ctx: CdmiContext) -> None:
    path = ctx.given_container("c", "a", "b/", "d")
    first = document(ctx.get(path))["children"]
    expect(document(ctx.get(path))["children"] == first, "another order at the second time")


def children(ctx: CdmiContext, path: str, part: str) -> Document:
    ctx.need("container", "cdmi_list_children_range")
    return document(ctx.get(f"{path}?childrenrange;children:{part}"))


@check("CDMI-CON-008", "a range of the children", "9.3 (cdmi_list_children_range)")
def ranged(ctx: CdmiContext) -> None:
    path = ctx.given_container("a", "b", "c", "d", "e")
    every = ctx.read(path)["children"]
    expect(children(ctx, path, "1-3") == {"childrenrange": "1-3", "children": every[1:4]}, "another part")


@check("CDMI-CON-009", "ranges put together are all children", "9.3 (cdmi_list_children_range)")
def put_together(ctx: CdmiContext) -> None:
    path = ctx.given_container("e", "d/", "c", "b/", "a")
    parts = [children(ctx, path, part).get("children", []) for part in ("0-1", "2-3", "4-4")]
    expect([name for part in parts for name in part] == ctx.read(path)["children"], f"the parts are {parts}")


@check("CDMI-CON-010", "a range past the last child is shortened", "9.3 (cdmi_list_children_range)")
def shortened(ctx: CdmiContext) -> None:
    found = children(ctx, ctx.given_container("a", "b"), "1-99")
    expect((found.get("childrenrange"), len(found.get("children", []))) == ("1-1", 1), f"answered {found}")


@check("CDMI-CON-011", "a range behind the last child is 400", "grnet suite", Level.CLIENT)
def behind(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_list_children_range")
    answered(ctx.get(f"{ctx.given_container('a', 'b')}?children:5-6"), 400)


@check("CDMI-CON-012", "childrenrange alone counts without listing", READ)
def counted(ctx: CdmiContext) -> None:
    found = document(ctx.get(f"{ctx.given_container('a', 'b', 'c')}?childrenrange"))
    expect(found == {"childrenrange": "0-2"}, f"answered {found}")


@check("CDMI-CON-013", "an update is 204 and keeps ID and children", "9.4")
def update(ctx: CdmiContext) -> None:
    path = ctx.given_container("a")
    before = ctx.identifier(path)
    answered(ctx.put(path, {"metadata": {"run": "17"}}), 204)
    found = document(ctx.get(path))
    expect(found["metadata"].get("run") == "17", "the update was not done")
    expect(found.get("objectID") == before and found.get("children") == ["a"], "ID or children have changed")


@check("CDMI-CON-014", "an update without metadata keeps them", "9.4")
def kept(ctx: CdmiContext) -> None:
    path = ctx.given_container(metadata={"run": "17"})
    answered(ctx.put(path, {}), 204)
    expect(ctx.metadata(path).get("run") == "17", "they are gone")


@check("CDMI-CON-015", "a delete is recursive", "9.5")
def recursive(ctx: CdmiContext) -> None:
    path = ctx.given_container("a", "b/", "b/c", "b/d/", "b/d/e")
    answered(ctx.delete(path), 204)
    for child in ("", "a", "b/", "b/c", "b/d/e"):
        answered(ctx.get(path + child), 404)


@check("CDMI-CON-016", "what was in a deleted container is not reached by ID either", "9.5, 5.10")
def gone_by_id(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_object_access_by_ID")
    path = ctx.given_container("a")
    identifier = ctx.identifier(f"{path}a")
    answered(ctx.delete(path), 204)
    answered(ctx.get(v.BY_ID + identifier), 404)


@check("CDMI-CON-017", "a container made anew is empty", "9.2, 9.5")
def anew(ctx: CdmiContext) -> None:
    path = ctx.given_container("a")
    answered(ctx.delete(path), 204)
    answered(ctx.put(path, {}), 201)
    expect(ctx.read(path).get("children") == [], "the old children are back")


@check("CDMI-CON-018", "a container has nothing of a value", READ)
def no_value(ctx: CdmiContext) -> None:
    found = document(ctx.get(ctx.given_container()))
    extra = {"value", "valuerange", "valuetransferencoding", "mimetype"} & set(found)
    expect(not extra, f"{', '.join(sorted(extra))} in the answer")


@check("CDMI-CON-019", "the root lists what is made in it", READ)
def in_root(ctx: CdmiContext) -> None:
    name = ctx.box.split("/")[1]
    found = document(ctx.get("/?children")).get("children", [])
    expect(f"{name}/" in found, "the container of this run is missing")


@check("CDMI-CON-020", "two sources of a container are 400 and make nothing", "9.2")
def two_sources(ctx: CdmiContext) -> None:
    source, path = ctx.reference(ctx.given_container()), ctx.new_container()
    answered(ctx.put(path, {"copy": source, "move": source}), 400)
    expect(not ctx.exists(path) and ctx.exists(ctx.endpoint.path(source)), "something was done")


@check("CDMI-CON-021", "a long listing is complete", READ)
def long_listing(ctx: CdmiContext) -> None:
    names = [f"n{number:03}" for number in range(120)]
    found = document(ctx.get(ctx.given_container(*names)))
    expect(sorted(found["children"]) == names, f"{len(found['children'])} children")
    expect(found["childrenrange"] == "0-119", f"childrenrange is {found['childrenrange']!r}")


@check("CDMI-CON-022", "children names are raw", "5.13.4, 9.3")
def raw_names(ctx: CdmiContext) -> None:
    path = ctx.given_container("a%20b", "c%2525d/")
    found = document(ctx.get(path))["children"]
    expect(sorted(found) == ["a b", "c%25d/"], f"children are {found}")


# POST


def posted(ctx: CdmiContext, body: object, kind: str = v.OBJECT, place: str = "") -> tuple[Response, str]:
    """(answer, path of what was made); Failed unless 201 with a Location below the endpoint."""
    response = answered(ctx.cdmi("POST", place or ctx.box, body, kind=kind), 201)
    location = response.header("Location")
    expect(location.startswith(f"{ctx.endpoint.url}/"), f"Location is {location[:120]!r}")
    path = ctx.endpoint.path(location)
    if not path.startswith(ctx.box):
        ctx.track(path)
    return response, path


def need_post(ctx: CdmiContext) -> None:
    ctx.need("container", "cdmi_post_dataobject", "cdmi_create_dataobject")


@check("CDMI-POST-001", "a CDMI POST makes a data object and tells its absolute URI", "9.6")
def post(ctx: CdmiContext) -> None:
    need_post(ctx)
    response, path = posted(ctx, {"value": "posted", "metadata": {"a": "1"}})
    found = document(response, 201)
    expect(found.get("objectName") == path.rpartition("/")[2], f"objectName is {found.get('objectName')!r}")
    expect(document(ctx.get(path)).get("value") == "posted", "another value")


@check("CDMI-POST-002", "the name that the server gives is the ID", "9.6", Level.SHOULD)
def post_name(ctx: CdmiContext) -> None:
    need_post(ctx)
    response, path = posted(ctx, {"value": "x"})
    expect(path == ctx.box + str(response.json().get("objectID")), f"it is at {path}")


@check("CDMI-POST-003", "two POSTs make two objects", "9.6")
def post_twice(ctx: CdmiContext) -> None:
    need_post(ctx)
    paths = {posted(ctx, {"value": "x"})[1] for _ in range(2)}
    expect(len(paths) == 2 and len(ctx.read(ctx.box)["children"]) == 2, "there are not two")


@check("CDMI-POST-004", "an HTTP POST makes a data object of its type", "6.3")
def post_http(ctx: CdmiContext) -> None:
    need_post(ctx)
    response = answered(ctx.http("POST", ctx.box, b"raw", (("Content-Type", "image/png"),)), 201)
    path = ctx.endpoint.path(response.header("Location"))
    expect(path.startswith(ctx.box), f"Location is {response.header('Location')!r}")
    found = ctx.http("GET", path)
    expect((found.body, found.media_type) == (b"raw", "image/png"), "another value or type")


@check("CDMI-POST-005", "an HTTP POST without Content-Type is 400", "6.3")
def post_no_type(ctx: CdmiContext) -> None:
    need_post(ctx)
    answered(ctx.http("POST", ctx.box, b"raw"), 400)
    expect(ctx.read(ctx.box)["children"] == [], "something was made")


@check("CDMI-POST-006", "a POST of base64 stores bytes", "9.6")
def post_base64(ctx: CdmiContext) -> None:
    need_post(ctx)
    _, path = posted(ctx, {"value": encoded(b"\xff\0"), "valuetransferencoding": "base64"})
    expect(ctx.content(path) == b"\xff\0", "another value")


@check("CDMI-POST-007", "a POST into what is missing is 404", "9.6")
def post_nowhere(ctx: CdmiContext) -> None:
    need_post(ctx)
    answered(ctx.cdmi("POST", ctx.new_container(), {"value": "x"}, kind=v.OBJECT), 404)


@check("CDMI-POST-008", "a POST to /cdmi_objectid/ makes an object without name and parent", "9.6, 5.10")
def post_by_id(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_post_dataobject_by_ID")
    require(ctx.box, "no container")
    response, path = posted(ctx, {"value": "by ID"}, place=v.BY_ID)
    found = document(response, 201)
    extra = {"objectName", "parentURI", "parentID"} & set(found)
    expect(not extra, f"{', '.join(sorted(extra))} in the answer")
    object_id(found.get("objectID"))
    expect(path == f"{v.BY_ID}{found['objectID']}", f"Location leads to {path}")
    expect(document(ctx.get(path)).get("value") == "by ID", "another value")


@check("CDMI-POST-009", "an object without path is updated and deleted by ID", "8.4, 8.5")
def by_id_life(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_post_dataobject_by_ID")
    require(ctx.box, "no container")
    _, path = posted(ctx, {"value": "x"}, place=v.BY_ID)
    answered(ctx.put(path, {"value": "y"}), 204)
    expect(ctx.content(path) == b"y", "another value")
    answered(ctx.delete(path), 204)
    answered(ctx.get(path), 404)


@check("CDMI-POST-010", "a POST makes a queue", "9.7")
def post_queue(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_queues")
    ctx.need("container", "cdmi_post_queue", "cdmi_create_queue")
    response, path = posted(ctx, {}, v.QUEUE)
    expect(document(response, 201).get("queueValues") == "", "queueValues is not empty")
    expect(document(ctx.get(path)).get("objectType") == v.QUEUE, "it is no queue")


@check("CDMI-POST-011", "a POST to /cdmi_objectid/ makes a queue", "9.7")
def post_queue_by_id(ctx: CdmiContext) -> None:
    ctx.need("", "cdmi_post_queue_by_ID")
    require(ctx.box, "no container")
    response, _ = posted(ctx, {}, v.QUEUE, v.BY_ID)
    expect("parentURI" not in document(response, 201), "it has a parent")


@check(
    "CDMI-POST-012", "a POST of an HTTP form lends its file name or a name of the server's", "6.3, RFC 1867"
)
def post_form(ctx: CdmiContext) -> None:
    need_post(ctx)
    body = (
        b'--b\r\nContent-Disposition: form-data; name="f"; filename="up.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nform\r\n--b--\r\n"
    )
    response = ctx.http("POST", ctx.box, body, (("Content-Type", "multipart/form-data; boundary=b"),))
    answered(response, 201, 400)

"""Metadata of all stored objects: items, rules of updates, what the system makes (16)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import check
from conformance.cdmi.strict import Document, answered, document, time_of
from conformance.framework import Body, Level, Skipped, expect

CLAUSE = "8.4, 9.4, 16"
Given = Callable[..., str]


def own(ctx: CdmiContext, path: str) -> Document:
    """User metadata: the items whose names do not begin with cdmi_."""
    found = document(ctx.get(path)).get("metadata")
    expect(isinstance(found, dict), "no metadata")
    return {name: item for name, item in (found or {}).items() if not name.startswith("cdmi_")}


def _both(number: int, title: str, run: Callable[[CdmiContext, Given], None], clause: str = CLAUSE) -> None:
    """One check for data objects and one for containers."""

    def of_objects(ctx: CdmiContext, /) -> None:
        run(ctx, ctx.given)

    def of_containers(ctx: CdmiContext, /) -> None:
        run(ctx, ctx.given_container)

    check(f"CDMI-META-{number:03}", f"data object: {title}", clause)(of_objects)
    check(f"CDMI-META-{number + 1:03}", f"container: {title}", clause)(of_containers)


def _kept(ctx: CdmiContext, given: Given) -> None:
    items = {
        "text": "a",
        "list": ["a", {"b": 1}],
        "object": {"c": [True, None]},
        "number": 1.5,
        "flag": False,
    }
    found = own(ctx, given(metadata=items))
    expect(found == items, f"metadata are {found}")


def _replaced(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"a": "1", "b": "2"})
    answered(ctx.put(path, {"metadata": {"b": "3", "c": "4"}}), 204)
    expect(own(ctx, path) == {"b": "3", "c": "4"}, f"metadata are {own(ctx, path)}")


def _set_and_deleted(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"a": "1", "b": "2", "c": "3"})
    answered(ctx.put(f"{path}?metadata:a;metadata:b", {"metadata": {"a": "9", "c": "9"}}), 204)
    expect(own(ctx, path) == {"a": "9", "c": "3"}, f"metadata are {own(ctx, path)}")


def _one_deleted(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"a": "1", "b": "2"})
    answered(ctx.put(f"{path}?metadata:a", {"metadata": {}}), 204)
    expect(own(ctx, path) == {"b": "2"}, f"metadata are {own(ctx, path)}")


def _exact(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"colour": "red", "colo": "blue"})
    answered(ctx.put(f"{path}?metadata:colo", {"metadata": {}}), 204)
    expect(own(ctx, path) == {"colour": "red"}, f"metadata are {own(ctx, path)}")


def _all_by_query(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"a": "1", "b": "2"})
    answered(ctx.put(f"{path}?metadata", {"metadata": {"c": "3"}}), 204)
    expect(own(ctx, path) == {"c": "3"}, f"metadata are {own(ctx, path)}")


def _cleared(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"a": "1"})
    answered(ctx.put(path, {"metadata": {}}), 204)
    expect(own(ctx, path) == {}, f"metadata are {own(ctx, path)}")


def _no_object(ctx: CdmiContext, given: Given) -> None:
    path = given(metadata={"a": "1"})
    wishes: tuple[object, ...] = ([], "text", 1)
    for wrong in wishes:
        answered(ctx.put(path, {"metadata": wrong}), 400)
    expect(own(ctx, path) == {"a": "1"}, "they have changed")


def _times(ctx: CdmiContext, given: Given) -> None:
    path = given()
    first = ctx.metadata(path)
    if "cdmi_ctime" not in first or "cdmi_mtime" not in first:
        raise Skipped("no cdmi_ctime and cdmi_mtime")
    expect(time_of(first["cdmi_mtime"]) == time_of(first["cdmi_ctime"]), "they differ at the start")
    answered(ctx.put(path, {"metadata": {"a": "1"}}), 204)
    second = ctx.metadata(path)
    expect(second["cdmi_ctime"] == first["cdmi_ctime"], "cdmi_ctime has changed")
    expect(time_of(second["cdmi_mtime"]) > time_of(first["cdmi_mtime"]), "cdmi_mtime has not grown")


def _ignored(ctx: CdmiContext, given: Given) -> None:
    wish = {"cdmi_size": "99", "cdmi_ctime": "1999-01-01T00:00:00.000000Z", "cdmi_mcount": "7"}
    path = given(metadata={**wish, "a": "1"})
    answered(ctx.put(path, {"metadata": {**wish, "a": "2"}}), 204)
    found = ctx.metadata(path)
    taken = [name for name, value in wish.items() if found.get(name) == value]
    expect(not taken, f"{', '.join(taken)} taken from the client")
    expect(found.get("a") == "2", "the client's own item was lost with them")


def _unknown_prefix(ctx: CdmiContext, given: Given) -> None:
    found = ctx.metadata(given(metadata={"cdmi_no_such_item": "1", "a": "1"}))
    expect(found.get("a") == "1", "the item beside it was lost")
    expect("cdmi_no_such_item" not in found, "it was stored")


def _counts(ctx: CdmiContext, given: Given) -> None:
    path = given()
    first = ctx.metadata(path)
    if "cdmi_mcount" not in first:
        raise Skipped("no cdmi_mcount")
    expect(first["cdmi_mcount"] == "0", f"cdmi_mcount starts at {first['cdmi_mcount']!r}")
    ctx.get(path)
    expect(ctx.metadata(path)["cdmi_mcount"] == "0", "a read counts as a change")
    answered(ctx.put(path, {"metadata": {"a": "1"}}), 204)
    expect(ctx.metadata(path)["cdmi_mcount"] == "1", "a change does not count")


def _owned(ctx: CdmiContext, given: Given) -> None:
    found = ctx.metadata(given()).get("cdmi_owner")
    expect(isinstance(found, str) and found, f"cdmi_owner is {found!r}")


for _number, (_title, _run, _clause) in enumerate(
    (
        ("values of all JSON types come back as they were", _kept, "16.2"),
        ("an update that has metadata replaces them", _replaced, CLAUSE),
        ("?metadata:a;metadata:b sets the one and deletes the other", _set_and_deleted, CLAUSE),
        ("?metadata:a with {} deletes it", _one_deleted, CLAUSE),
        ("?metadata:name of a PUT is no prefix", _exact, CLAUSE),
        ("?metadata replaces all", _all_by_query, CLAUSE),
        ("{} clears them", _cleared, "8.4; onedata suite"),
        ("metadata that are no object are 400", _no_object, "16.2"),
        ("cdmi_mtime grows with a change, cdmi_ctime stays", _times, "16.3"),
        ("what the client says of storage system metadata is passed over", _ignored, "16.3"),
        ("a name that begins with cdmi_ and means nothing is passed over", _unknown_prefix, "16.2; suites"),
        ("cdmi_mcount counts changes from 0", _counts, "16.3"),
        ("cdmi_owner is there", _owned, "16.3"),
    )
):
    _both(1 + 2 * _number, _title, _run, _clause)


@check("CDMI-META-027", "system metadata are in the answer to a create", "16.3")
def at_creation(ctx: CdmiContext) -> None:
    found = document(ctx.put(ctx.new(), {"value": "12345"}), 201).get("metadata", {})
    for name in ("cdmi_size", "cdmi_ctime", "cdmi_mtime"):
        if ctx.published("dataobject", name) is not None:
            expect(name in found, f"{name} is missing")
    expect(found.get("cdmi_size", "5") == "5", f"cdmi_size is {found.get('cdmi_size')!r}")


@check("CDMI-META-028", "cdmi_size follows the value", "16.3")
def size(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_size")
    path = ctx.given("12345")
    answered(ctx.put(path, {"value": "123"}), 204)
    expect(
        ctx.metadata(path).get("cdmi_size") == "3", f"cdmi_size is {ctx.metadata(path).get('cdmi_size')!r}"
    )


@check("CDMI-META-029", "a change of a child does not change its container", "16.3")
def child(ctx: CdmiContext) -> None:
    path = ctx.given_container("a")
    before = ctx.metadata(path).get("cdmi_mtime")
    answered(ctx.put(f"{path}a", {"value": "changed"}), 204)
    expect(ctx.metadata(path).get("cdmi_mtime") == before, "cdmi_mtime of the container has changed")


def _published_are_there(entry: str, names: tuple[str, ...]) -> Body[CdmiContext]:
    def run(ctx: CdmiContext, /) -> None:
        path = ctx.given() if entry == "dataobject" else ctx.given_container()
        found = ctx.metadata(path)
        missing = [name for name in names if ctx.published(entry, name) is not None and name not in found]
        expect(not missing, f"{', '.join(missing)} published and missing")

    return run


_MADE = ("cdmi_size", "cdmi_ctime", "cdmi_atime", "cdmi_mtime", "cdmi_acount", "cdmi_mcount")
for _number, _entry in ((30, "dataobject"), (31, "container")):
    _title = f"{_entry}: every storage system item that is published is there"
    check(f"CDMI-META-{_number:03}", _title, "12.1.2, 16.3")(_published_are_there(_entry, _MADE))


def limit(ctx: CdmiContext, name: str) -> int:
    value = ctx.published("", name)
    if value is None or not str(value).isdigit():
        raise Skipped(f"{name} is not published")
    if int(value) > 1 << 22:
        raise Skipped(f"{name} is {value}, too much to try")
    return int(value)


def refused(ctx: CdmiContext, metadata: dict[str, Any]) -> None:
    path = ctx.new()
    answered(ctx.put(path, {"metadata": metadata}), 400, 413)
    expect(not ctx.exists(path), "it was made")


@check("CDMI-META-032", "more items than cdmi_metadata_maxitems are refused", "12.1.1", Level.SHOULD)
def too_many(ctx: CdmiContext) -> None:
    refused(ctx, {f"item{number}": "" for number in range(limit(ctx, "cdmi_metadata_maxitems") + 1)})


@check("CDMI-META-033", "as many items as half of cdmi_metadata_maxitems are stored", "12.1.1")
def many(ctx: CdmiContext) -> None:
    items = {f"item{number}": "" for number in range(limit(ctx, "cdmi_metadata_maxitems") // 2)}
    expect(own(ctx, ctx.given(metadata=items)) == items, "some are missing")


@check("CDMI-META-034", "an item beyond cdmi_metadata_maxsize is refused", "12.1.1", Level.SHOULD)
def too_large(ctx: CdmiContext) -> None:
    refused(ctx, {"a": "x" * (limit(ctx, "cdmi_metadata_maxsize") + 1)})


@check("CDMI-META-035", "metadata beyond cdmi_metadata_maxtotalsize are refused", "12.1.1", Level.SHOULD)
def too_much(ctx: CdmiContext) -> None:
    total, one = limit(ctx, "cdmi_metadata_maxtotalsize"), limit(ctx, "cdmi_metadata_maxsize")
    part = "x" * (one // 2)
    refused(ctx, {f"item{number}": part for number in range(total // len(part) + 2)})


@check("CDMI-META-036", "names with odd letters come back", "16.2, 5.13.4")
def names(ctx: CdmiContext) -> None:
    items = {"with blank": "1", "a/b?c": "2", "Ω": "3", "": "4", "CDMI_x": "5"}
    response = ctx.put(path := ctx.new(), {"metadata": items})
    if response.status == 400:
        items.pop("")
        answered(ctx.put(path, {"metadata": items}), 201)
    expect(own(ctx, path) == items, f"metadata are {own(ctx, path)}")


@check("CDMI-META-037", "cdmi_atime and cdmi_acount of a read", "16.3")
def accessed(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_acount")
    path = ctx.given()
    before = int(ctx.metadata(path)["cdmi_acount"])
    ctx.content(path)
    expect(int(ctx.metadata(path)["cdmi_acount"]) > before, "a read does not count")


@check("CDMI-META-038", "cdmi_hash is that of the value", "16.3 (cdmi_value_hash)")
def hashed(ctx: CdmiContext) -> None:
    ctx.need("dataobject", "cdmi_value_hash")
    offered = ctx.published("dataobject", "cdmi_value_hash")
    for name, algorithm in (("SHA160", "sha1"), ("SHA256", "sha256")):
        if name in offered:
            path = ctx.given("hello", metadata={"cdmi_value_hash": name})
            found = ctx.metadata(path).get("cdmi_hash")
            wanted = hashlib.new(algorithm, b"hello", usedforsecurity=False).hexdigest()
            expect(str(found).lower() == wanted, f"{name}: cdmi_hash is {found!r}")
            answered(ctx.put(path, {"value": "other"}), 204)
            wanted = hashlib.new(algorithm, b"other", usedforsecurity=False).hexdigest()
            expect(str(ctx.metadata(path).get("cdmi_hash")).lower() == wanted, f"{name}: the old hash")


@check("CDMI-META-039", "cdmi_owner is the same for all that one user makes", "16.3")
def one_owner(ctx: CdmiContext) -> None:
    found = {ctx.metadata(path).get("cdmi_owner") for path in (ctx.box, ctx.given(), ctx.given_container())}
    expect(len(found) == 1, f"owners are {found}")
    expect(ctx.read(ctx.box).get("objectType") == v.CONTAINER, "the container is none")

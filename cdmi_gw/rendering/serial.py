"""Objects with all that is in them as one JSON document (CDMI 15): written in blocks, read whole."""

from __future__ import annotations

import base64
import codecs
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cdmi_gw.mapping import OF_KIND
from cdmi_gw.rendering import body
from cdmi_gw.rendering.documents import Shown, fields, has_slash
from cdmi_gw.rendering.selectors import Selectors
from gateway.model import DataObject, Encoding, ObjectKind, Plan, Queue, Reference, Wish

_ALL = Selectors()

#: The designator that a queue gives next; its values do not tell it.
NEXT = "cdmi_queue_next"


class SerialError(ValueError):
    """The document is wrong; the message says where."""


@dataclass(frozen=True, slots=True)
class Node:
    """An object that is to be written, its value, and what is in it."""

    shown: Shown
    blocks: Callable[[], Iterator[bytes]] | None
    children: Sequence[Node] = ()


def written(node: Node) -> Iterator[bytes]:
    """The document of an object."""
    thing = node.shown.object
    document = fields(node.shown, _ALL)
    if isinstance(thing, Reference):
        yield json.dumps({**document, "reference": thing.target}).encode()
        return
    head = json.dumps(document, ensure_ascii=False).encode()[:-1]
    if isinstance(thing, DataObject):
        assert node.blocks is not None
        last = f"0-{thing.size - 1}" if thing.size else ""
        yield head + f', "valuerange": "{last}", "value": "'.encode()
        yield from _text(node.blocks(), thing.encoding)
        yield b'"}'
    elif isinstance(thing, Queue):
        yield head + b", " + _queue(node)
        yield b', "value": ['
        yield from _listed(_value(child) for child in node.children)
        yield b"]}"
    else:
        names = [_name(child) for child in node.children]
        within = f"0-{len(names) - 1}" if names else ""
        yield head + f', "childrenrange": "{within}", "children": ['.encode()
        yield from _listed(written(child) for child in node.children)
        yield b"]}"


def _name(node: Node) -> str:
    return (node.shown.object.name or "") + ("/" if has_slash(node.shown.object) else "")


def _listed(every: Iterator[Iterator[bytes]]) -> Iterator[bytes]:
    for number, one in enumerate(every):
        if number:
            yield b", "
        yield from one


def _queue(node: Node) -> bytes:
    """The fields of a queue that are lists, without the values themselves."""
    values = [child.shown.object for child in node.children]
    numbers = [int(value.name or 0) for value in values]
    thing = node.shown.object
    assert isinstance(thing, Queue)
    document = {
        "queueValues": f"{numbers[0]}-{numbers[-1]}" if numbers else "",
        NEXT: str(thing.next),
        "mimetype": [value.mimetype for value in values if isinstance(value, DataObject)],
        "valuetransferencoding": [v.encoding.value for v in values if isinstance(v, DataObject)],
    }
    return json.dumps(document).encode()[1:-1]


def _value(node: Node) -> Iterator[bytes]:
    thing = node.shown.object
    assert isinstance(thing, DataObject)
    assert node.blocks is not None
    yield b'"'
    yield from _text(node.blocks(), thing.encoding)
    yield b'"'


def _text(blocks: Iterator[bytes], encoding: Encoding) -> Iterator[bytes]:
    """A value as the inside of a JSON text."""
    if encoding is Encoding.UTF_8:
        decoder = codecs.getincrementaldecoder("utf-8")()
        for block in blocks:
            yield json.dumps(decoder.decode(block), ensure_ascii=False)[1:-1].encode()
        return
    left = b""
    for block in blocks:
        left += block
        whole = len(left) - len(left) % 3
        yield base64.b64encode(left[:whole])
        left = left[whole:]
    yield base64.b64encode(left)


_OF_TYPE = {media_type: kind for kind, media_type in OF_KIND.items() if kind is not ObjectKind.REFERENCE}
_ID = re.compile("(?:[0-9A-Fa-f]{2}){9,40}")

Domain = Callable[[str], tuple[str, ...]]


def read(content: bytes, domain: Domain) -> Plan:
    """What a document says is to be made; ``domain`` tells the path of a domain's URI. Raises SerialError."""
    try:
        return _plan(body.read(content), "", domain)
    except body.BodyError as error:
        raise SerialError(str(error)) from None
    except RecursionError:
        raise SerialError("too deep") from None


def _plan(document: Any, where: str, domain: Domain) -> Plan:
    if not isinstance(document, dict):
        raise SerialError(f"{where or 'the document'}: not an object; references are not read back")
    kind = _OF_TYPE.get(str(document.get("objectType")))
    if kind is None or kind is ObjectKind.DOMAIN:
        raise SerialError(f"{where}objectType: not of a container, data object or queue")
    id = document.get("objectID")
    if id is not None and (not isinstance(id, str) or _ID.fullmatch(id) is None):
        raise SerialError(f"{where}objectID: is none")
    given = document.get("domainURI")
    plan = Plan(
        kind,
        name=(body.text_of(document, "objectName") or "").removesuffix("/"),
        id=id.upper() if id is not None else None,
        wish=_wish(document, kind),
        domain=domain(given) if isinstance(given, str) else None,
    )
    return _filled(plan, document, where, domain)


def _wish(document: Mapping[str, Any], kind: ObjectKind) -> Wish:
    metadata = body.metadata_of(document) or body.Metadata()
    wish: Wish = {"metadata": metadata.own, "system": metadata.system}
    wish["fields"] = {n: item for n, item in body.unknown_of(document).items() if n != NEXT}
    if metadata.acl is not None:
        wish["acl"] = metadata.acl
    if metadata.owner is not None:
        wish["owner"] = metadata.owner
    if kind is ObjectKind.DATA_OBJECT:
        wish["mimetype"] = body.mimetype_of(document) or "text/plain"
        wish["encoding"] = body.encoding_of(document) or Encoding.UTF_8
    return wish


def _filled(plan: Plan, document: Mapping[str, Any], where: str, domain: Domain) -> Plan:
    """The plan with its value, or with what is in it."""
    if plan.kind is ObjectKind.DATA_OBJECT:
        return replace(plan, value=body.value_of(document, plan.wish["encoding"]) or b"")
    if plan.kind is ObjectKind.QUEUE:
        return _queued(plan, document)
    children = document.get("children", [])
    if not isinstance(children, list):
        raise SerialError(f"{where}children: not a list")
    below = [_plan(child, f"{where}children[{n}].", domain) for n, child in enumerate(children)]
    return replace(plan, children=below)


def _queued(plan: Plan, document: Mapping[str, Any]) -> Plan:
    """A queue with its values, with the designators that they had."""
    values = body.enqueued(document) or ()
    first = (body.text_of(document, "queueValues") or "").partition("-")[0]
    start = int(first) if first.isdecimal() and len(first) < 19 else 0
    following = str(document.get(NEXT, ""))
    after = int(following) if following.isdecimal() and len(following) < 19 else 0
    plans = [
        Plan(
            ObjectKind.QUEUE_VALUE,
            name=f"{number:020d}",
            wish={"mimetype": value.mimetype, "encoding": value.encoding},
            value=value.content,
        )
        for number, value in enumerate(values, start)
    ]
    return replace(plan, children=plans, next=max(after, start + len(plans)))

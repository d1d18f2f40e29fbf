"""Writer of OCCI requests in the renderings that a check sends."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.exchange import Header
from conformance.occi.vocabulary import JSON, OCCI, PLAIN, split

Scalar = str | int | float | bool
SUMMARY_AND_TITLE = {"occi.core.title": "title", "occi.core.summary": "summary"}


@dataclass(frozen=True, slots=True)
class Request:
    """Headers (Content-Type among them) and body of a request."""

    headers: tuple[Header, ...]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Message:
    """What a request says, independent of the rendering: the four structures of OCCI.

    `links` and `extra` hold ready Link values and Category values for the text renderings.
    """

    kind: str = ""
    mixins: tuple[str, ...] = ()
    action: str = ""
    attributes: Mapping[str, Scalar] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def category(identifier: str, class_: str = "kind", **parameters: str) -> str:
    """A Category value; further parameters (location, rel, title) are quoted."""
    scheme, term = split(identifier)
    more = "".join(f"; {name}={quote(value)}" for name, value in parameters.items())
    return f'{term}; scheme="{scheme}"; class="{class_}"{more}'


def attribute(name: str, value: Scalar) -> str:
    if isinstance(value, bool):
        return f"{name}={str(value).lower()}"
    return f"{name}={quote(value) if isinstance(value, str) else value}"


def link(target: str, rel: str, category: str, attributes: Mapping[str, Scalar] | None = None) -> str:
    """A Link value that creates a link to the target."""
    tail = "".join(f"; {attribute(name, value)}" for name, value in (attributes or {}).items())
    return f'<{target}>; rel="{rel}"; category="{category}"{tail}'


def structures(message: Message) -> list[Header]:
    """(structure name, value) in the order in which text renderings carry them."""
    pairs = [("Category", category(message.kind))] if message.kind else []
    pairs += [("Category", category(mixin, "mixin")) for mixin in message.mixins]
    pairs += [("Category", category(message.action, "action"))] if message.action else []
    pairs += [("Category", value) for value in message.extra]
    pairs += [("Link", value) for value in message.links]
    pairs += [("X-OCCI-Attribute", attribute(name, value)) for name, value in message.attributes.items()]
    pairs += [("X-OCCI-Location", value) for value in message.locations]
    return pairs


def as_plain(message: Message) -> Request:
    body = "".join(f"{name}: {value}\n" for name, value in structures(message))
    return Request((("Content-Type", PLAIN),), body.encode())


def as_headers(message: Message) -> Request:
    return Request((("Content-Type", OCCI), *structures(message)))


def as_json(message: Message) -> Request:
    """OCCI 1.2 JSON of an entity, of an action invocation, or of a collection of entities by their id."""
    document: dict[str, Any] = {}
    if message.action:
        document = {"action": message.action, "attributes": dict(message.attributes)}
    else:
        plain = {name: value for name, value in message.attributes.items() if name not in SUMMARY_AND_TITLE}
        document = {"kind": message.kind} if message.kind else {}
        for end in ("source", "target"):
            if f"occi.core.{end}" in plain:
                document[end] = {"location": plain.pop(f"occi.core.{end}")}
        document |= {"mixins": list(message.mixins)} if message.mixins else {}
        document |= {"attributes": plain} if plain else {}
        for name, member in SUMMARY_AND_TITLE.items():
            if name in message.attributes:
                document[member] = message.attributes[name]
    return Request((("Content-Type", JSON),), json.dumps(document).encode())


WRITERS: Mapping[str, Callable[[Message], Request]] = {PLAIN: as_plain, OCCI: as_headers, JSON: as_json}


def plain(*lines: str, content_type: str = PLAIN, end: str = "\n") -> Request:
    """A body of exactly these lines."""
    return Request((("Content-Type", content_type),), "".join(line + end for line in lines).encode())

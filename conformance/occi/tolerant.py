"""Forgiving reader of OCCI answers, for the steps that a check is not about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.exchange import Response
from conformance.occi.text import split_values

ALIASES: Mapping[str, str] = {
    "category": "category",
    "x-occi-category": "category",
    "link": "link",
    "x-occi-link": "link",
    "x-occi-attribute": "attribute",
    "x-occi-location": "location",
}
PARAMETER = re.compile(r';\s*([\w.-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')


@dataclass(frozen=True, slots=True)
class Model:
    """One category as far as it can be made out."""

    term: str
    scheme: str
    class_: str
    rel: tuple[str, ...]
    location: str
    attributes: tuple[str, ...]
    actions: tuple[str, ...]

    @property
    def id(self) -> str:
        return self.scheme + self.term


@dataclass(frozen=True, slots=True)
class Anchor:
    """One Link value: where it points, and its parameters."""

    target: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rendering:
    """What an answer says, whichever of the text renderings it is in."""

    categories: tuple[Model, ...] = ()
    links: tuple[Anchor, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    locations: tuple[str, ...] = ()

    @property
    def category_ids(self) -> frozenset[str]:
        return frozenset(category.id for category in self.categories)


def unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def raw_values(response: Response) -> dict[str, list[str]]:
    """Values of the four structures, from headers and from body lines, by short name."""
    found: dict[str, list[str]] = {name: [] for name in ALIASES.values()}
    for name, value in response.headers:
        short = ALIASES.get(name.lower())
        if short:
            found[short] += [part for part in split_values(value) if part]
    if response.media_type.startswith("text/") and response.media_type != "text/uri-list":
        for line in re.split(r"[\r\n]+", response.text):
            name, colon, value = line.partition(":")
            short = ALIASES.get(name.strip().lower()) if colon else None
            if short:
                found[short] += [part for part in split_values(value) if part]
    return found


def _parameters(text: str) -> dict[str, str]:
    return {name: unquoted(value) for name, value in PARAMETER.findall(text)}


def _attribute_names(text: str) -> tuple[str, ...]:
    return tuple(re.sub(r"\{[^}]*\}", " ", text).split())


def _category(text: str) -> Model:
    parameters = _parameters(text)
    return Model(
        term=text.partition(";")[0].strip(),
        scheme=parameters.get("scheme", ""),
        class_=parameters.get("class", ""),
        rel=tuple(parameters.get("rel", "").split()),
        location=parameters.get("location", ""),
        attributes=_attribute_names(parameters.get("attributes", "")),
        actions=tuple(parameters.get("actions", "").split()),
    )


def _anchor(text: str) -> Anchor:
    target, _, rest = text.partition(">")
    return Anchor(target.lstrip(" <"), _parameters(rest))


def read(response: Response) -> Rendering:
    """Whatever can be made out of an answer in a text rendering."""
    values = raw_values(response)
    pairs = (value.partition("=") for value in values["attribute"])
    return Rendering(
        categories=tuple(_category(value) for value in values["category"]),
        links=tuple(_anchor(value) for value in values["link"]),
        attributes={name.strip(): unquoted(value) for name, equals, value in pairs if equals},
        locations=tuple(unquoted(value) for value in values["location"]),
    )


def json_entities(document: Any) -> list[Mapping[str, Any]]:
    """The entity objects of a JSON answer: bare, in a list, or in `resources` and `links`."""
    if isinstance(document, list):
        return [member for member in document if isinstance(member, dict)]
    if not isinstance(document, dict):
        return []
    if "kind" in document:
        return [document]
    members = [*(document.get("resources") or []), *(document.get("links") or [])]
    return [member for member in members if isinstance(member, dict)]


def created_uri(response: Response) -> str:
    """The URI of what a request has created, wherever a server may put it; empty if it cannot be found."""
    location = response.header("Location").strip()
    if location:
        return location
    locations = read(response).locations
    if locations:
        return locations[0]
    if response.media_type == "text/uri-list":
        return response.text.strip().split("\n")[0].strip()
    return ""


def listed(response: Response) -> list[str]:
    """The URIs of a listing in text/plain, text/occi or text/uri-list."""
    if response.media_type == "text/uri-list":
        return [line.strip() for line in response.text.split("\n") if line.strip() and line[0] != "#"]
    return list(read(response).locations)

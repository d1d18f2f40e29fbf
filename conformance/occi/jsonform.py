"""Strict shapes of OCCI 1.2 JSON (GFD.226): mandatory members, their types, and no others."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from conformance.exchange import Response
from conformance.framework import Blocked, fail
from conformance.occi.text import ATTRIBUTE_NAME, IDENTIFIER, TERM, URI_REFERENCE


class Misshapen(ValueError):
    """A value does not have the shape; the text begins with the path to it."""


Shape = Callable[[object, str], None]


def text(pattern: re.Pattern[str] | None = None) -> Shape:
    def check(value: object, path: str) -> None:
        if not isinstance(value, str) or (pattern is not None and not pattern.fullmatch(value)):
            raise Misshapen(
                f"{path}: {str(value)[:80]!r} is not " + ("a string" if pattern is None else "of its form")
            )

    return check


def boolean(value: object, path: str) -> None:
    if not isinstance(value, bool):
        raise Misshapen(f"{path}: not a boolean")


def anything(value: object, path: str) -> None:
    """Any JSON value."""


def any_object(value: object, path: str) -> None:
    """Any JSON object."""
    if not isinstance(value, dict):
        raise Misshapen(f"{path}: not an object")


def array(member: Shape) -> Shape:
    def check(value: object, path: str) -> None:
        if not isinstance(value, list):
            raise Misshapen(f"{path}: not an array")
        for index, item in enumerate(value):
            member(item, f"{path}[{index}]")

    return check


def mapping(member: Shape) -> Shape:
    """An object whose keys are attribute names: flat, the dotted name is one key."""

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise Misshapen(f"{path}: not an object")
        for name, item in value.items():
            if not ATTRIBUTE_NAME.fullmatch(name):
                raise Misshapen(f"{path}: {name[:80]!r} is not an attribute name")
            member(item, f"{path}.{name}")

    return check


def members(mandatory: Mapping[str, Shape], optional: Mapping[str, Shape]) -> Shape:
    """An object with the mandatory members, perhaps the optional ones, and no others."""
    known = {**mandatory, **optional}

    def check(value: object, path: str) -> None:
        if not isinstance(value, dict):
            raise Misshapen(f"{path}: not an object")
        for name in mandatory:
            if name not in value:
                raise Misshapen(f"{path}: {name} is missing")
        for name, item in value.items():
            if name not in known:
                raise Misshapen(f"{path}: {name[:80]!r} has no place here")
            known[name](item, f"{path}.{name}")

    return check


def scalar_or_structure(value: object, path: str) -> None:
    """An attribute value: anything but null, and no nested form of dotted names."""
    if value is None:
        raise Misshapen(f"{path}: null")


def flat_attributes(value: object, path: str) -> None:
    mapping(scalar_or_structure)(value, path)
    if isinstance(value, dict) and isinstance(value.get("occi"), dict):
        raise Misshapen(f"{path}.occi: nested by the dots; in 1.2 the dotted name is one key")


ID = text(IDENTIFIER)
PLACE = text(URI_REFERENCE)
DESCRIPTION = members(
    {},
    {
        "mutable": boolean,
        "required": boolean,
        "type": text(re.compile("string|number|boolean|array|object")),
        "pattern": any_object,
        "default": anything,
        "description": text(),
    },
)
_COMMON: Mapping[str, Shape] = {"title": text(), "attributes": mapping(DESCRIPTION)}
_NAMED: Mapping[str, Shape] = {"term": text(TERM), "scheme": text(re.compile(r"[A-Za-z][^\s#]*#"))}
KIND = members(_NAMED, {**_COMMON, "actions": array(ID), "parent": ID, "location": PLACE})
MIXIN = members(
    {**_NAMED, "location": PLACE},
    {**_COMMON, "actions": array(ID), "depends": array(ID), "applies": array(ID)},
)
ACTION = members(_NAMED, _COMMON)
END = members({"location": text()}, {"kind": ID})
LINK = members(
    {"kind": ID, "id": text(), "source": END, "target": END},
    {
        "mixins": array(ID),
        "attributes": flat_attributes,
        "actions": array(ID),
        "title": text(),
        "summary": text(),
        "rel": ID,
    },
)
RESOURCE = members(
    {"kind": ID, "id": text()},
    {
        "mixins": array(ID),
        "attributes": flat_attributes,
        "actions": array(ID),
        "links": array(LINK),
        "summary": text(),
        "title": text(),
    },
)
MODEL = members({}, {"kinds": array(KIND), "mixins": array(MIXIN), "actions": array(ACTION)})
RESOURCES = members({"resources": array(RESOURCE)}, {})
LINKS = members({"links": array(LINK)}, {})


def document(response: Response) -> Any:
    """The JSON of an answer; Blocked when it is none."""
    try:
        return response.json()
    except ValueError as error:
        raise Blocked(f"the body is not JSON: {error}") from error


def expect_shape(response: Response, shape: Shape) -> None:
    """Failed unless the body is JSON of that shape."""
    try:
        shape(response.json(), "$")
    except ValueError as error:
        fail(str(error))

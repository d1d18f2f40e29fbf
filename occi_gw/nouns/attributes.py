"""Attributes of a request beside those of an entity: which count, which are the same, how much is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.model import Forbidden, InvalidRequest, shorten
from occi_gw.rendering.values import Action, Kind, LinkLine, Value, core_id, entity_urn

#: What foreign attributes of one entity may weigh, as JSON.
EXTRA_LIMIT = 65536

#: Links that one request may make: each takes calls of the back end, which others wait for.
MAX_LINKS = 64

#: Set by the server and moving; a client's copy of them is old news, not a wish.
STATE = re.compile(r"occi\.[a-z]+\.state(\.message)?")
IGNORED = frozenset({"occi.core.id"})


@dataclass(frozen=True, slots=True)
class Wish:
    """The attributes of a request, sorted."""

    fields: Mapping[str, Any]  # model field -> value
    foreign: Mapping[str, Value]  # attributes of other domains, kept as they are


def ids_of(kind: Kind, id: str) -> tuple[str, ...]:
    """The forms in which the renderings show an id."""
    return id, core_id(id), entity_urn(kind.identifier, id)


def refuse_moving(attributes: Mapping[str, Value]) -> None:
    """A full update sends everything back and may be late; who names one attribute means it."""
    for name in attributes:
        if name in IGNORED or STATE.fullmatch(name):
            raise Forbidden(f"{name} is immutable: only the server sets it", reason="immutable")


def same(one: Value | None, other: Value | None) -> bool:
    """Equality of attribute values: numbers by value, also in quotes, the rest exactly."""
    if one == other:
        return True
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return bool(_as_json(one) == _as_json(other))
    if isinstance(other, bool) and isinstance(one, str):
        return one == ("true" if other else "false")
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return False
    if isinstance(one, str) and isinstance(other, str):
        return False
    try:
        return float(one) == float(other)
    except (ValueError, OverflowError):
        return False


def _as_json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def within_limit(extra: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(extra)) > EXTRA_LIMIT:
        raise InvalidRequest(
            f"attributes of other domains may take {EXTRA_LIMIT} bytes in all", field="attributes"
        )
    return extra


def limit_links(links: Sequence[LinkLine]) -> None:
    """Raises InvalidRequest for more new links than one request may make."""
    if len(links) > MAX_LINKS:
        raise InvalidRequest(
            f"Link: one request makes at most {MAX_LINKS} links; make the others by requests of their own",
            field="link",
        )


def check_parameters(action: Action, attributes: Mapping[str, Value]) -> None:
    """Raises InvalidRequest naming an attribute that the action does not have, or a wrong value."""
    known = {definition.name: definition for definition in action.attributes}
    for name, value in attributes.items():
        definition = known.get(name)
        if definition is None:
            offer = f"its attributes: {', '.join(known)}" if known else "it has no attributes"
            raise InvalidRequest(f"{shorten(name)} is no attribute of {action.term}; {offer}", field=name)
        words = (definition.pattern or {}).get("enum")
        if words and value not in words:
            allowed = ", ".join(words)
            raise InvalidRequest(f"{name}: {shorten(value)!r} is not one of {allowed}", field=name)

"""Checks of single values, each naming field, value and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.model import InvalidRequest, Unsupported, shorten

CORES = (1, 256)
MEMORY = (16 << 20, 4 << 40)
DISK = (1, 1 << 50)
PORT = (1, 65535)
VLAN = (0, 4095)
ALLOCATIONS = ("dynamic", "static")

#: Action -> allowed values of its parameter ``method``; start has none.
METHODS: Mapping[str, tuple[str, ...]] = {
    "start": (),
    "stop": ("graceful", "acpioff", "poweroff"),
    "restart": ("graceful", "warm", "cold"),
    "suspend": ("hibernate", "suspend"),
}

_HOST_LABEL = re.compile(r"[^a-z0-9]+")
_LABEL = re.compile(r"[^\s\x00-\x1f\x7f]{1,255}")


def hostname(wanted: str | None, title: str | None, id: str) -> str:
    """What is asked for, to the letter, else a name that RFC 1123 allows, of the title or the identifier.

    Clients ask for more than host names and look machines up by what they asked for.

    >>> hostname(None, "Web server #1", "4d5e")
    'web-server-1'
    """
    if wanted:
        return wanted
    labels = [
        _HOST_LABEL.sub("-", part).strip("-")[:63].rstrip("-") for part in (title or "").lower().split(".")
    ]
    name = ".".join(label for label in labels if label)[:253].rstrip(".-")
    return name or f"vm-{id[:8]}"


def within(field: str, value: int, limits: tuple[int, int]) -> int:
    """Raises InvalidRequest naming field, value and what is allowed."""
    low, high = limits
    if not isinstance(value, int) or not low <= value <= high:
        raise InvalidRequest(f"{field} {shorten(value)} is not in {low} to {high}", field=field)
    return value


def checked_speed(value: float | None) -> float | None:
    if value is not None and not 0 < value <= 100:
        raise InvalidRequest(f"speed {shorten(value)} GHz is not above 0 and up to 100", field="speed")
    return value


def checked_share(value: int | None) -> int | None:
    return None if value is None else within("share", value, (0, 1 << 20))


def checked_parameters(action: str, parameters: Mapping[str, Any] | None) -> None:
    allowed = METHODS[action]
    for name, value in (parameters or {}).items():
        if name != "method" or not allowed:
            raise InvalidRequest(f"{action} has no parameter {shorten(name)}", field=shorten(name))
        if value not in allowed:
            raise InvalidRequest(
                f"method {shorten(value)} of {action} is not one of: {', '.join(allowed)}", field="method"
            )


def allocation(value: str | None) -> str:
    if value is None:
        return "dynamic"
    if value not in ALLOCATIONS:
        raise InvalidRequest(f"allocation {shorten(value)!r} is not dynamic or static", field="allocation")
    return value


def label(value: str | None) -> str | None:
    if value is not None and not _LABEL.fullmatch(value):
        raise InvalidRequest(f"label {shorten(value)!r} is not a word of 1 to 255 characters", field="label")
    return value


def vlan(value: int | None) -> int | None:
    return None if value is None else within("vlan", value, VLAN)


def refuse_unknown(
    noun: str, action: str, known: Sequence[str], parameters: Mapping[str, Any] | None
) -> None:
    """Raises Unsupported for an action the noun does not have, InvalidRequest for any parameter."""
    if action not in known:
        raise Unsupported(f"{noun}: no action {shorten(action)}; known are: {', '.join(known)}")
    for name in parameters or ():
        raise InvalidRequest(f"{action} has no parameter {shorten(name)}", field=shorten(name))

"""Strict readings of answers, for the checks that are about the rendering: they fail instead of guessing."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.exchange import Response
from conformance.framework import Blocked, fail, require
from conformance.occi import vocabulary as v
from conformance.occi.text import PARSERS, STRUCTURES, Malformed, body_lines, split_values


def structures(response: Response) -> list[tuple[str, str]]:
    """(structure, value) of an answer as its Content-Type says; Failed on any other body line."""
    if response.media_type == v.OCCI:
        return [
            (name, value)
            for name in STRUCTURES
            for header in response.values(name)
            for value in split_values(header)
        ]
    try:
        lines = body_lines(response.text)
    except Malformed as error:
        fail(str(error))
    return [(name, part) for name, value in lines for part in split_values(value)]


def values(response: Response, structure: str) -> list[str]:
    """Raw values of one structure; none when the body cannot be read at all (another check is about that)."""
    try:
        lines = structures(response) if response.media_type == v.OCCI else body_lines(response.text)
    except Malformed as error:
        raise Blocked(f"the body cannot be read: {error}") from error
    return [part for name, value in lines if name == structure for part in split_values(value)]


def well_formed(response: Response, allowed: Sequence[str] = STRUCTURES) -> None:
    """Failed unless each structure of the answer follows the grammar and is one of those allowed."""
    found = structures(response)
    for name, value in found:
        if name not in allowed:
            fail(f"{name} has no place in this rendering")
        try:
            PARSERS[name](value)
        except Malformed as error:
            fail(f"{name}, {error}")


def succeeded(response: Response, media_type: str = "") -> Response:
    """The response, Blocked unless it is a 2xx of that type."""
    require(response.ok, f"the request was answered {response.status}")
    require(not media_type or response.media_type == media_type, f"the answer is {response.media_type}")
    return response

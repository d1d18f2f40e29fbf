"""What the planted defects of CDMI have in common: documents changed, requests in another name."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.conformance.alter import Answer, Ask

OBJECT, CONTAINER = "application/cdmi-object", "application/cdmi-container"
VERSION = "X-CDMI-Specification-Version"
ID_TREE, CAPABILITIES = "/cdmi/cdmi_objectid/", "/cdmi/cdmi_capabilities/"
Document = dict[str, Any]
Change = Callable[[Document], Document]


def altered(
    answer: Answer, change: Callable[[Document], Document], kind: str = "application/cdmi-"
) -> Answer:
    """A CDMI document changed; any other answer as it is."""
    if not answer.media_type.startswith(kind) or not answer.body:
        return answer
    return answer.saying(json.dumps(change(json.loads(answer.body))))


def refused(status: int) -> Answer:
    return Answer(status, (("Content-Type", "application/json"),)).saying('{"error": "no"}')


def asking(ask: Ask, query: str) -> Ask:
    """The same request with another query, its path untouched."""
    path = str(ask.environ["RAW_URI"]).partition("?")[0]
    raw = f"{path}?{query}" if query else path
    return replace(ask, environ={**ask.environ, "QUERY_STRING": query, "RAW_URI": raw})


def wish(ask: Ask) -> Document:
    """The JSON object of a request; empty when there is none."""
    try:
        found = json.loads(ask.body)
    except (ValueError, RecursionError):  # damaged on purpose, or nested without end
        return {}
    return found if isinstance(found, dict) else {}


def metadata(answer: Answer, change: Change) -> Answer:
    def within(found: Document) -> Document:
        return {**found, "metadata": change(found["metadata"])} if "metadata" in found else found

    return altered(answer, within)


def as_owner(ask: Ask) -> Ask:
    """The request in the name of the first account (ada, secret)."""
    return ask.having("Authorization", "Basic YWRhOnNlY3JldA==")


def is_second(ask: Ask) -> bool:
    return ask.header("Authorization") == "Basic Ym9iOnNlY3JldA=="

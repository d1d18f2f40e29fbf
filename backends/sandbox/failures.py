"""Failures on demand: rules of the configuration that make an operation fail, to test clients with.

``failures = [{noun = "compute", operation = "create", error = "unavailable", every = 3}]`` makes each third
creation of a compute fail. Calls are counted in the database, so that all processes count together.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.model import (
    BackendError,
    BackendUnavailable,
    GatewayError,
    InvalidRequest,
    QuotaExceeded,
    shorten,
)

from .database import Database

NOUNS = (
    "any",
    "compute",
    "image",
    "volume",
    "snapshot",
    "network",
    "attachment",
    "interface",
    "address",
    "security group",
    "key pair",
    "port mapping",
)
_OPERATION = re.compile(r"any|create|get|list|update|delete|save|act|act:[a-z]+")

ERRORS: Mapping[str, Callable[[str], GatewayError]] = {
    "unavailable": lambda what: BackendUnavailable(f"{what} is made to fail: unavailable", retry_after=1),
    "error": lambda what: BackendError(f"{what} is made to fail: error"),
    "quota": lambda what: QuotaExceeded("failures", used=1, limit=1, scope="sandbox"),
}
#: Not raised: what is made or started ends in state error.
STATE_ERROR = "state-error"
SPOILABLE = (
    ("compute", "create"),
    ("compute", "act:start"),
    ("compute", "save"),
    ("volume", "create"),
    ("image", "create"),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule. A call that matches fails each ``every``-th time, or with ``probability``, or always.

    ``after_delay`` is how many seconds the caller waits for the error.
    """

    error: str
    noun: str = "any"
    operation: str = "any"
    every: int | None = None
    probability: float | None = None
    title_matches: str | None = None
    after_delay: float = 0.0

    @property
    def key(self) -> str:
        """What the calls are counted under: a rule that is changed counts anew."""
        return json.dumps([self.noun, self.operation, self.error, self.every, self.title_matches])

    def matches(self, noun: str, operation: str, title: str | None) -> bool:
        if self.noun not in ("any", noun):
            return False
        if self.operation not in ("any", operation, operation.partition(":")[0]):
            return False
        return self.title_matches is None or re.search(self.title_matches, title or "") is not None


class Injector:
    """Decides for each call whether it is to fail."""

    def __init__(self, database: Database, rules: tuple[Failure, ...]) -> None:
        self._database = database
        self._rules = rules

    def __bool__(self) -> bool:
        return bool(self._rules)

    def wants_title(self) -> bool:
        return any(rule.title_matches is not None for rule in self._rules)

    def raise_or_spoil(self, noun: str, operation: str, title: str | None) -> str | None:
        """Raises the error of the first rule that strikes; for ``state-error`` returns its message."""
        for rule in self._rules:
            if rule.matches(noun, operation, title) and self._strikes(rule):
                what = f"{noun} {operation}"
                if rule.error == STATE_ERROR:
                    return f"{what} is made to fail: state-error"
                if rule.after_delay:
                    time.sleep(rule.after_delay)
                raise ERRORS[rule.error](what)
        return None

    def _strikes(self, rule: Failure) -> bool:
        if rule.probability is not None:
            return random.random() < rule.probability
        if rule.every is None:
            return True
        with self._database.write() as cursor:
            (count,) = cursor.execute(
                "INSERT INTO failures (rule, count) VALUES (?, 1)"
                " ON CONFLICT (rule) DO UPDATE SET count = count + 1 RETURNING count",
                (rule.key,),
            ).fetchone()
        return bool(count % rule.every == 0)


def failures(name: str, value: object) -> tuple[Failure, ...]:
    """Read option ``failures``. Raises InvalidRequest naming rule, key, value and what is allowed."""
    if not isinstance(value, list | tuple):
        raise InvalidRequest(f"option {name}: {shorten(value)!r} is not a list of tables", field=name)
    return tuple(_rule(f"{name}[{number}]", entry) for number, entry in enumerate(value))


def _rule(name: str, entry: object) -> Failure:
    if not isinstance(entry, Mapping):
        raise InvalidRequest(f"option {name}: {shorten(entry)!r} is not a table", field=name)
    for key, value in entry.items():
        if key not in _CHECKS:
            known = ", ".join(_CHECKS)
            raise InvalidRequest(f"option {name}: no key {shorten(key)}; known are: {known}", field=name)
        check, allowed = _CHECKS[key]
        if not check(value):
            raise InvalidRequest(
                f"option {name}.{key}: {shorten(value)!r} is not {allowed}", field=f"{name}.{key}"
            )
    if "error" not in entry:
        raise InvalidRequest(f"option {name}: key error is missing", field=f"{name}.error")
    rule = Failure(**entry)
    if rule.error == STATE_ERROR and (rule.noun, rule.operation) not in SPOILABLE:
        places = ", ".join(" ".join(place) for place in SPOILABLE)
        raise InvalidRequest(
            f"option {name}.error: state-error is not for {rule.noun} {rule.operation}, only for: {places}",
            field=f"{name}.error",
        )
    return rule


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _expression(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError):
        return False
    return isinstance(value, str)


_CHECKS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "noun": (lambda v: v in NOUNS, f"one of: {', '.join(NOUNS)}"),
    "operation": (
        lambda v: isinstance(v, str) and _OPERATION.fullmatch(v) is not None,
        "any, create, get, list, update, delete, save, act or act:<action>",
    ),
    "error": (lambda v: v in (*ERRORS, STATE_ERROR), f"one of: {', '.join((*ERRORS, STATE_ERROR))}"),
    "every": (lambda v: isinstance(v, int) and not isinstance(v, bool) and v > 0, "a positive whole number"),
    "probability": (lambda v: _number(v) and 0 <= v <= 1, "a number from 0 to 1"),
    "title_matches": (_expression, "a regular expression"),
    "after_delay": (lambda v: _number(v) and 0 <= v <= 600, "a number of seconds from 0 to 600"),
}

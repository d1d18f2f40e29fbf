"""Checks, their outcomes and the run of a conformance suite; knows no standard."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, NoReturn, Protocol, TypeVar

from conformance.exchange import Credentials, Endpoint, Exchange, TransportError


class Level(StrEnum):
    """How binding a check is: the words of RFC 2119, and CLIENT for what clients in use demand."""

    MUST = "MUST"
    CLIENT = "CLIENT"
    SHOULD = "SHOULD"
    MAY = "MAY"


COUNTED = frozenset({Level.MUST, Level.CLIENT})


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    SKIP = "skip"
    ERROR = "error"


class Failed(Exception):
    """The endpoint breaks what the check is about."""


class Skipped(Exception):
    """The check does not apply to this endpoint."""


class Blocked(Skipped):
    """A step before the point of the check did not work; another check is about that step."""

    def __str__(self) -> str:
        return f"blocked: {super().__str__()}"


class CannotRun(Exception):
    """Nothing can be said about the endpoint: unreachable, credentials refused, another protocol."""


def fail(reason: str) -> NoReturn:
    raise Failed(reason)


def expect(condition: object, reason: str) -> None:
    """The statement a check makes: Failed with the reason unless the condition holds."""
    if not condition:
        raise Failed(reason)


def require(condition: object, reason: str) -> None:
    """A precondition of a check: Blocked with the reason unless the condition holds."""
    if not condition:
        raise Blocked(reason)


class Cleanup:
    """A stack of undo steps, the last made undone first; a step that fails does not stop the others."""

    def __init__(self) -> None:
        self._steps: list[tuple[str, Callable[[], bool]]] = []

    def push(self, name: str, undo: Callable[[], bool]) -> None:
        """`undo` answers whether the thing is gone."""
        self._steps.append((name, undo))

    def unwind(self) -> list[str]:
        """Undo everything; answers the names of what could not be removed."""
        left = []
        while self._steps:
            name, undo = self._steps.pop()
            try:
                gone = undo()
            except (TransportError, ValueError):
                gone = False
            if not gone:
                left.append(name)
        return left


class Context:
    """What a check is given: the endpoint and the stacks of what has to be removed again."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.second: Credentials | None = None  # another account, for what one user may do to another's
        self.cleanup = Cleanup()
        self.shared_cleanup = Cleanup()
        self.leftovers: list[str] = []

    def preflight(self) -> None:
        """Raises CannotRun; overridden by each suite."""

    def after_check(self) -> None:
        self.leftovers += self.cleanup.unwind()

    def close(self) -> None:
        self.leftovers += self.cleanup.unwind() + self.shared_cleanup.unwind()


C = TypeVar("C", bound=Context)
CContra = TypeVar("CContra", bound=Context, contravariant=True)


class Body(Protocol[CContra]):
    def __call__(self, ctx: CContra, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Check(Generic[C]):
    """One requirement: `id` like OCCI-LINK-003, one-line title, clause of the standard, level, function."""

    id: str
    title: str
    clause: str
    level: Level
    body: Body[C]

    @property
    def section(self) -> str:
        return self.id.rpartition("-")[0]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one check; `exchanges` are its requests in order, clean-up left out."""

    id: str
    title: str
    clause: str
    level: Level
    outcome: Outcome
    reason: str
    seconds: float
    exchanges: tuple[Exchange, ...]

    @property
    def section(self) -> str:
        return self.id.rpartition("-")[0]

    @property
    def counted(self) -> bool:
        """Whether this result turns the exit status to 1."""
        return self.level in COUNTED and self.outcome in (Outcome.FAIL, Outcome.ERROR)


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run, as the reports show it."""

    standard: str
    url: str
    results: tuple[Result, ...]
    leftovers: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        return int(any(result.counted for result in self.results))


CHECK_ID = re.compile(r"[A-Z]+-[A-Z]+-[0-9]{3}")


class Registry(Generic[C]):
    """The checks of one standard, in the order of its sections and of their numbers."""

    def __init__(self, standard: str, sections: Sequence[str]) -> None:
        self.standard = standard
        self._order = {section: index for index, section in enumerate(sections)}
        self._checks: dict[str, Check[C]] = {}

    def check(
        self, id: str, title: str, clause: str, level: Level = Level.MUST
    ) -> Callable[[Body[C]], Body[C]]:
        """Decorator that registers a check; raises ValueError for a malformed, unplaced or repeated id."""
        if not CHECK_ID.fullmatch(id) or id.rpartition("-")[0] not in self._order:
            raise ValueError(f"{id} is not an id of a section of this suite")
        if id in self._checks:
            raise ValueError(f"{id} is registered twice")

        def register(body: Body[C]) -> Body[C]:
            self._checks[id] = Check(id, title, clause, level, body)
            return body

        return register

    @property
    def checks(self) -> list[Check[C]]:
        return sorted(self._checks.values(), key=lambda check: (self._order[check.section], check.id))

    def select(self, prefixes: Iterable[str] = ()) -> list[Check[C]]:
        """The checks whose id is or begins with one of the prefixes; all without any.

        Raises ValueError for a prefix that names nothing.
        """
        wanted = [prefix.upper() for prefix in prefixes]
        for prefix in wanted:
            if not any(check.id.startswith(prefix) for check in self.checks):
                raise ValueError(f"no check is called {prefix[:80]!r}; --list shows them all")
        return [check for check in self.checks if not wanted or check.id.startswith(tuple(wanted))]


@dataclass(frozen=True, slots=True)
class Suite(Generic[C]):
    """A standard's checks and how to make what they are given, from an endpoint and `settle` in seconds."""

    registry: Registry[C]
    context: Callable[..., C]


def perform(check: Check[C], context: C) -> Result:
    """Run one check and undo what it made."""
    context.endpoint.exchanges.clear()
    started = time.monotonic()
    outcome, reason = Outcome.PASS, ""
    try:
        check.body(context)
    except Failed as failure:
        outcome, reason = Outcome.FAIL, str(failure)
    except Skipped as skipped:
        outcome, reason = Outcome.SKIP, str(skipped)
    except TransportError as broken:
        outcome, reason = Outcome.ERROR, str(broken)
    except (
        Exception
    ) as bug:  # a fault of the check must neither stop the run nor look like one of the endpoint
        outcome, reason = Outcome.ERROR, f"the check itself broke: {type(bug).__name__}: {bug}"
    seconds = time.monotonic() - started
    exchanges = tuple(context.endpoint.exchanges)
    context.after_check()
    return Result(check.id, check.title, check.clause, check.level, outcome, reason, seconds, exchanges)


def run(
    standard: str,
    context: C,
    checks: Iterable[Check[C]],
    on_result: Callable[[Result], None] = lambda result: None,
) -> Run:
    """Run the checks in order; what they made is removed even when the run is interrupted.

    Raises CannotRun before the first check.
    """
    results = []
    context.preflight()
    try:
        for check in checks:
            result = perform(check, context)
            results.append(result)
            on_result(result)
    finally:
        context.close()
    return Run(standard, context.endpoint.url, tuple(results), tuple(context.leftovers))

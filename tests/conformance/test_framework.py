"""Outcomes, order, clean-up and exit status of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from conformance import framework
from conformance.exchange import Endpoint, TransportError
from conformance.framework import (
    Blocked,
    CannotRun,
    Cleanup,
    Context,
    Level,
    Outcome,
    Registry,
    Result,
    Run,
    Skipped,
    expect,
    require,
)


@pytest.fixture
def context(endpoint: Endpoint) -> Context:
    return Context(endpoint)


@pytest.fixture
def registry() -> Registry[Context]:
    return Registry("TEST", ("TEST-ONE", "TEST-TWO"))


def outcome_of(registry: Registry[Context], context: Context, body: framework.Body[Context]) -> Result:
    registry.check("TEST-ONE-001", "title", "clause")(body)
    return framework.run("TEST", context, registry.checks).results[0]


def test_a_check_that_returns_passes(registry: Registry[Context], context: Context) -> None:
    assert outcome_of(registry, context, lambda ctx: None).outcome is Outcome.PASS


def test_an_expectation_that_does_not_hold_fails(registry: Registry[Context], context: Context) -> None:
    result = outcome_of(registry, context, lambda ctx: expect(False, "it is red"))
    assert (result.outcome, result.reason) == (Outcome.FAIL, "it is red")


def test_a_precondition_that_does_not_hold_skips(registry: Registry[Context], context: Context) -> None:
    result = outcome_of(registry, context, lambda ctx: require(False, "no machine"))
    assert (result.outcome, result.reason) == (Outcome.SKIP, "blocked: no machine")


def test_a_check_that_does_not_apply_is_skipped_with_its_reason(
    registry: Registry[Context], context: Context
) -> None:
    def body(ctx: Context, /) -> None:
        raise Skipped("not published")

    result = outcome_of(registry, context, body)
    assert (result.outcome, result.reason) == (Outcome.SKIP, "not published")


def test_a_broken_connection_is_an_error(registry: Registry[Context], context: Context) -> None:
    def body(ctx: Context, /) -> None:
        raise TransportError("reset")

    assert outcome_of(registry, context, body).outcome is Outcome.ERROR


def test_a_bug_of_a_check_is_an_error_that_names_it(registry: Registry[Context], context: Context) -> None:
    def body(ctx: Context, /) -> None:
        raise KeyError("size")

    result = outcome_of(registry, context, body)
    assert result.outcome is Outcome.ERROR
    assert "KeyError" in result.reason


def test_the_result_holds_the_exchanges_of_its_check_only(
    registry: Registry[Context], context: Context
) -> None:
    def body(ctx: Context, /) -> None:
        ctx.endpoint.send("GET", "/in-check")
        ctx.cleanup.push("thing", lambda: ctx.endpoint.send("DELETE", "/thing").ok)

    context.endpoint.send("GET", "/before")
    result = outcome_of(registry, context, body)
    assert [exchange.url for exchange in result.exchanges] == ["http://endpoint.test/in-check"]


def noting(undone: list[str], name: str) -> Callable[[], bool]:
    """An undo step that works and notes its name."""

    def undo() -> bool:
        undone.append(name)
        return True

    return undo


def test_cleanup_undoes_the_last_made_first() -> None:
    undone: list[str] = []
    cleanup = Cleanup()
    for name in ("network", "compute", "link"):
        cleanup.push(name, noting(undone, name))
    assert cleanup.unwind() == []
    assert undone == ["link", "compute", "network"]


def test_cleanup_goes_on_after_a_step_that_fails() -> None:
    undone: list[str] = []

    def broken() -> bool:
        raise TransportError("reset")

    cleanup = Cleanup()
    cleanup.push("first", noting(undone, "first"))
    cleanup.push("refused", lambda: False)
    cleanup.push("broken", broken)
    assert cleanup.unwind() == ["broken", "refused"]
    assert undone == ["first"]


def test_things_are_removed_after_each_check(registry: Registry[Context], context: Context) -> None:
    order: list[str] = []

    def first(ctx: Context, /) -> None:
        ctx.cleanup.push("thing", noting(order, "removed"))
        expect(False, "fails after it made something")

    registry.check("TEST-ONE-001", "first", "clause")(first)
    registry.check("TEST-ONE-002", "second", "clause")(lambda ctx: order.append("second"))
    framework.run("TEST", context, registry.checks)
    assert order == ["removed", "second"]


def test_shared_things_are_removed_at_the_end(registry: Registry[Context], context: Context) -> None:
    order: list[str] = []

    registry.check("TEST-ONE-001", "f", "c")(
        lambda ctx: ctx.shared_cleanup.push("thing", noting(order, "removed"))
    )
    registry.check("TEST-ONE-002", "s", "c")(lambda ctx: order.append("second"))
    framework.run("TEST", context, registry.checks)
    assert order == ["second", "removed"]


def test_an_interrupted_run_removes_what_it_made(registry: Registry[Context], context: Context) -> None:
    removed: list[str] = []

    def body(ctx: Context, /) -> None:
        ctx.cleanup.push("thing", noting(removed, "thing"))
        raise KeyboardInterrupt

    registry.check("TEST-ONE-001", "title", "clause")(body)
    with pytest.raises(KeyboardInterrupt):
        framework.run("TEST", context, registry.checks)
    assert removed == ["thing"]


def test_what_cannot_be_removed_is_reported(registry: Registry[Context], context: Context) -> None:
    registry.check("TEST-ONE-001", "t", "c")(lambda ctx: ctx.cleanup.push("/storage/1", lambda: False))
    assert framework.run("TEST", context, registry.checks).leftovers == ("/storage/1",)


def test_a_failed_preflight_runs_no_check(registry: Registry[Context], endpoint: Endpoint) -> None:
    class Closed(Context):
        def preflight(self) -> None:
            raise CannotRun("closed")

    ran: list[str] = []
    registry.check("TEST-ONE-001", "t", "c")(lambda ctx: ran.append("x"))
    with pytest.raises(CannotRun):
        framework.run("TEST", Closed(endpoint), registry.checks)
    assert ran == []


def test_checks_run_in_the_order_of_sections_and_numbers(registry: Registry[Context]) -> None:
    for identifier in ("TEST-TWO-001", "TEST-ONE-010", "TEST-ONE-002"):
        registry.check(identifier, "t", "c")(lambda ctx: None)
    assert [check.id for check in registry.checks] == ["TEST-ONE-002", "TEST-ONE-010", "TEST-TWO-001"]


def test_checks_are_selected_by_prefix_in_any_case(registry: Registry[Context]) -> None:
    for identifier in ("TEST-TWO-001", "TEST-ONE-010", "TEST-ONE-002"):
        registry.check(identifier, "t", "c")(lambda ctx: None)
    assert [check.id for check in registry.select(["test-two", "TEST-ONE-002"])] == [
        "TEST-ONE-002",
        "TEST-TWO-001",
    ]


def test_a_prefix_that_names_nothing_is_refused(registry: Registry[Context]) -> None:
    with pytest.raises(ValueError, match="no check is called"):
        registry.select(["TEST-THREE"])


@pytest.mark.parametrize("identifier", ["TEST-THREE-001", "TEST-ONE-1", "test-one-001", "TEST-ONE-0011"])
def test_a_malformed_or_unplaced_id_is_refused(registry: Registry[Context], identifier: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        registry.check(identifier, "t", "c")


def test_an_id_cannot_be_registered_twice(registry: Registry[Context]) -> None:
    registry.check("TEST-ONE-001", "t", "c")(lambda ctx: None)
    with pytest.raises(ValueError, match="twice"):
        registry.check("TEST-ONE-001", "t", "c")


def result(level: Level, outcome: Outcome) -> Result:
    return Result("TEST-ONE-001", "t", "c", level, outcome, "", 0.0, ())


@pytest.mark.parametrize(
    ("level", "outcome", "status"),
    [
        (Level.MUST, Outcome.PASS, 0),
        (Level.MUST, Outcome.SKIP, 0),
        (Level.MUST, Outcome.FAIL, 1),
        (Level.MUST, Outcome.ERROR, 1),
        (Level.CLIENT, Outcome.FAIL, 1),
        (Level.SHOULD, Outcome.FAIL, 0),
        (Level.MAY, Outcome.ERROR, 0),
    ],
)
def test_the_exit_status_counts_must_and_client(level: Level, outcome: Outcome, status: int) -> None:
    assert Run("TEST", "http://x", (result(level, outcome),)).exit_status == status


def test_blocked_is_told_apart_from_not_applicable() -> None:
    assert str(Blocked("no machine")) == "blocked: no machine"
    assert str(Skipped("no machine")) == "no machine"

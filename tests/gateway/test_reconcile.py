"""The reconciler where several nodes, clocks that differ and broken rows get in each other's way."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from gateway.cloud import Cloud
from gateway.model import Compute, ComputeSpec
from gateway.reconcile import Reconciler
from gateway.store import overlay
from gateway.store.overlay import Holding, Overlay
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, ADMIN

GIB = 1 << 30
HOUR = 3600 * 1_000_000
Make = Callable[..., Site]


@pytest.fixture
def cloud(make_site: Make, store_url: str) -> Cloud:
    return make_site(store={"url": store_url}).cloud


def _reserve(cloud: Cloud, token: str, kind: str = "compute") -> Overlay:
    """The row of a request of ada's that is about to call the back end."""
    with cloud.database.write() as tx:
        return cloud.overlays.reserve(
            tx, ADA.principal, kind=kind, zone="default", token=token, mode=0o600, holding=Holding(1)
        )


def _make(cloud: Cloud, token: str) -> str:
    """What the back end makes of that request; its identifier."""
    made = cloud.zones.backend("default").computes.create(ComputeSpec(cores=1, memory=GIB, token=token))
    return made.id


def _owner(cloud: Cloud, id: str) -> str | None:
    row = cloud.overlays.get("compute", id, "")
    return None if row is None else row.owner


def test_what_a_node_with_a_faster_clock_is_making_is_not_adopted(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = overlay.now
    with monkeypatch.context() as ahead:
        ahead.setattr(overlay, "now", lambda: real() + HOUR)
        row = _reserve(cloud, "tok")
    id = _make(cloud, "tok")
    assert Reconciler(cloud).run().adopted == 0
    with cloud.database.write() as tx:
        assert cloud.overlays.bind(tx, row, id) is not None


def test_what_was_adopted_goes_back_to_the_one_who_had_reserved_it(cloud: Cloud) -> None:
    id = _make(cloud, "tok")
    assert Reconciler(cloud).run().adopted == 1
    _reserve(cloud, "tok")
    report = Reconciler(cloud, stale_seconds=0).run()
    assert (report.finished, report.failed, _owner(cloud, id)) == (1, [], "ada")
    assert cloud.overlays.making(1 << 62) == []


def test_what_was_adopted_and_given_to_somebody_stays_theirs(cloud: Cloud) -> None:
    id = _make(cloud, "tok")
    Reconciler(cloud).run()
    cloud.share(ADMIN, Compute, id, owner="bob", tenant="bio")
    _reserve(cloud, "tok")
    report = Reconciler(cloud, stale_seconds=0).run()
    assert (report.released, report.failed, _owner(cloud, id)) == (1, [], "bob")
    assert cloud.overlays.making(1 << 62) == []


def test_a_row_that_cannot_be_settled_does_not_keep_the_others(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    _reserve(cloud, "broken", kind="martian")
    _reserve(cloud, "tok")
    id = _make(cloud, "tok")
    with caplog.at_level(logging.ERROR):
        report = Reconciler(cloud, stale_seconds=0).run()
    assert (report.finished, _owner(cloud, id)) == (1, "ada")
    assert report.failed == ["default: StopIteration; the log has the trace"]
    assert any(record.exc_info for record in caplog.records)

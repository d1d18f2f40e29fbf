"""The CDMI suite against the gateway, whole and with one defect each, which the right check catches."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from wsgiref.types import WSGIApplication

import pytest

from conformance import framework
from conformance.cdmi import SUITE
from conformance.cdmi.context import CdmiContext
from conformance.exchange import Credentials, Endpoint
from conformance.framework import COUNTED, Check, Outcome, Run
from tests.conformance.alter import broken
from tests.conformance.broken import CDMI_DEFECTS
from tests.conformance.wsgi import WSGIAdapter
from tests.conftest import Site

ADMIN, FIRST, SECOND = (
    Credentials("admin", "secret"),
    Credentials("ada", "secret"),
    Credentials("bob", "secret"),
)
#: As for the OCCI suite: without it one in SAMPLE of the checks runs that a defect does not concern.
EVERYTHING = "STRATUSGATE_EVERY_CHECK"
SAMPLE = 12
#: Checks that wait for the end of a retention; no defect is about them.
SLOW = "CDMI-RET"

#: What the gateway does not do yet. Each is to be struck from this list when it does.
UNMET: frozenset[str] = frozenset()


#: Two classes of service, so that an object can go from one to the other.
CLASSES = {
    "DiskOnly": {"metadata": {"cdmi_latency": "10", "cdmi_data_redundancy": "1"}, "default": True},
    "DiskAndTape": {"metadata": {"cdmi_latency": "9000", "cdmi_data_redundancy": "2"}},
}


def served(data: Path, prefix: str = "/cdmi") -> Site:
    """A gateway with CDMI and classes of service; its users are those of all tests."""
    frontends = {"occi": {}, "cdmi": {"prefix": prefix}}
    return Site({"frontends": frontends, "storage_classes": CLASSES}, data)


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WSGIApplication]:
    site = served(tmp_path_factory.mktemp("cdmi"))
    yield site.application
    site.close()


def endpoint(
    application: WSGIApplication, prefix: str = "/cdmi", credentials: Credentials = FIRST
) -> Endpoint:
    return Endpoint(f"http://gateway.test{prefix}", credentials, adapter=WSGIAdapter(application))


def conform(
    application: WSGIApplication,
    checks: Iterable[Check[CdmiContext]],
    prefix: str = "/cdmi",
    settle: float = 10.0,
    credentials: Credentials = FIRST,
) -> Run:
    context = SUITE.context(endpoint(application, prefix, credentials), settle=settle)
    context.second = SECOND
    return framework.run("CDMI", context, checks)


def failed(run: Run) -> set[str]:
    return {result.id for result in run.results if result.outcome in (Outcome.FAIL, Outcome.ERROR)}


def counted(run: Run) -> set[str]:
    return {result.id for result in run.results if result.counted}


@pytest.fixture(scope="module")
def whole(application: WSGIApplication) -> Run:
    return conform(application, SUITE.registry.checks)


def concerned(name: str) -> list[Check[CdmiContext]]:
    """Every check of the sections that the defect is about, and a sample of the others that varies."""
    defect = CDMI_DEFECTS[name]
    sections = {identifier.rpartition("-")[0] for identifier in (defect.caught_by, *defect.also)}
    offset = zlib.crc32(name.encode())
    return [
        check
        for number, check in enumerate(SUITE.registry.checks, offset)
        if check.section != SLOW
        and (check.section in sections or number % SAMPLE == 0 or os.environ.get(EVERYTHING))
    ]


def test_the_gateway_meets_every_must_and_client_check_but_those_that_are_listed(whole: Run) -> None:
    assert counted(whole) <= UNMET


def test_no_check_breaks_by_itself(whole: Run) -> None:
    assert [(r.id, r.reason) for r in whole.results if r.outcome is Outcome.ERROR] == []


def test_a_check_that_is_skipped_says_why(whole: Run) -> None:
    skipped = [result for result in whole.results if result.outcome is Outcome.SKIP]
    assert [result.id for result in skipped if not result.reason] == []
    assert [(r.id, r.reason) for r in skipped if r.reason.startswith("blocked")] == []


def test_a_run_leaves_nothing_behind(application: WSGIApplication, whole: Run) -> None:
    assert whole.leftovers == ()
    listing = endpoint(application).send("GET", "/?children", (("X-CDMI-Specification-Version", "1.1"),))
    assert listing.json() == {"children": []}


def test_the_gateway_conforms_below_another_path(tmp_path: Path) -> None:
    site = served(tmp_path, "/objects/store")
    checks = SUITE.registry.select(["CDMI-PATH", "CDMI-ID", "CDMI-CAP", "CDMI-COPY", "CDMI-REF"])
    run = conform(site.application, checks, "/objects/store")
    site.close()
    assert counted(run) <= UNMET


def test_domains_conform_for_whom_may_make_them(application: WSGIApplication) -> None:
    run = conform(application, SUITE.registry.select(["CDMI-DOM"]), credentials=ADMIN)
    assert failed(run) == set()


def test_there_are_many_checks_each_with_a_clause() -> None:
    checks = SUITE.registry.checks
    assert len(checks) >= 180
    assert [check.id for check in checks if not check.clause.strip()] == []


def test_checks_of_rights_are_skipped_without_a_second_account(application: WSGIApplication) -> None:
    context = SUITE.context(endpoint(application), settle=1.0)
    run = framework.run("CDMI", context, SUITE.registry.select(["CDMI-ACL-02"]))
    assert {result.reason for result in run.results} == {"no second account; see --second-user"}


def test_there_are_enough_defects_and_each_is_caught_by_a_counted_check() -> None:
    levels = {check.id: check.level for check in SUITE.registry.checks}
    caught = [levels[defect.caught_by] for defect in CDMI_DEFECTS.values()]
    assert len(caught) >= 30
    assert set(caught) <= COUNTED


@pytest.mark.parametrize("name", sorted(CDMI_DEFECTS))
def test_a_defect_is_caught_by_the_check_that_names_it(
    name: str, application: WSGIApplication, whole: Run
) -> None:
    defect = CDMI_DEFECTS[name]
    run = conform(broken(application, defect.behaviour()), concerned(name), settle=0.3)
    healthy = failed(whole)
    assert failed(run) | healthy == {defect.caught_by, *defect.also} | healthy

"""The contract suite can fail: back ends with one mistake each are caught by the test that is about it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import backends.suite
from backends.suite import BackendSuite

WRONG = '''
from dataclasses import replace

import pytest

from backends.base import Capability
from backends.sandbox import SandboxBackend
from backends.suite import BackendSuite
from gateway.model import *


class Suite(BackendSuite):
    settle_seconds = 0.2

    @pytest.fixture
    def backend(self, tmp_path):
        with SandboxBackend(tmp_path / "cloud.db", pools={"public": "203.0.113.0/28"}) as cloud:
            self.spoil(cloud)
            yield cloud

    def spoil(self, cloud):
        pass


class TestRight(Suite):
    pass


class TestLosesTokens(Suite):
    def spoil(self, cloud):
        create = cloud.volumes.create
        cloud.volumes.create = lambda spec: create(replace(spec, token=""))


class TestListsBackwards(Suite):
    def spoil(self, cloud):
        list = cloud.computes.list
        cloud.computes.list = lambda ids=None: list(ids)[::-1]


class TestRefusesUnknownIdentifiers(Suite):
    def spoil(self, cloud):
        get = cloud.networks.get
        list = cloud.networks.list
        cloud.networks.list = lambda ids=None: list() if ids is None else [get(id) for id in ids]


class TestGivesAnAddressTwice(Suite):
    def spoil(self, cloud):
        create = cloud.interfaces.create

        def wrong(spec):
            made = create(spec)
            cloud.networks.release_used(made)
            return made

        def release_used(link):
            with cloud.database.write() as connection:
                connection.execute("DELETE FROM leases WHERE source = ?", (link.network,))
                connection.execute("DELETE FROM lowest WHERE source = ?", (link.network,))

        cloud.networks.release_used = release_used
        cloud.interfaces.create = wrong


class TestKeepsAddressesForEver(Suite):
    def spoil(self, cloud):
        def wrong(id):
            link = cloud.interfaces.get(id)
            with cloud.database.write() as connection:
                connection.execute("DELETE FROM interfaces WHERE id = ?", (link.id,))

        cloud.interfaces.delete = wrong


class TestDeletesVolumesInUse(Suite):
    def spoil(self, cloud):
        delete = cloud.volumes.delete

        def wrong(id):
            for link in cloud.volumes.get(id).attachments:
                cloud.attachments.delete(link.id)
            delete(id)

        cloud.volumes.delete = wrong


class TestDeletesVolumesWithTheirCompute(Suite):
    def spoil(self, cloud):
        delete = cloud.computes.delete

        def wrong(id):
            volumes = [link.volume for link in cloud.computes.get(id).attachments]
            delete(id)
            for volume in volumes:
                cloud.volumes.delete(volume)

        cloud.computes.delete = wrong


class TestRefusesIdleActions(Suite):
    def spoil(self, cloud):
        act = cloud.computes.act

        def wrong(id, action, parameters=None):
            if action == "start" and cloud.computes.get(id).state is ComputeState.RUNNING:
                raise InvalidState("runs already")
            return act(id, action, parameters)

        cloud.computes.act = wrong


class TestAllowsWhatTheTableForbids(Suite):
    def spoil(self, cloud):
        act = cloud.computes.act

        def wrong(id, action, parameters=None):
            if action == "suspend":
                act(id, "start")
            return act(id, action, parameters)

        cloud.computes.act = wrong


class TestChangesByHalves(Suite):
    def spoil(self, cloud):
        update = cloud.computes.update

        def wrong(id, changes):
            for name, value in changes.items():
                update(id, {name: value})
            return cloud.computes.get(id)

        cloud.computes.update = wrong


class TestLeavesHalfMadeComputes(Suite):
    def spoil(self, cloud):
        create = cloud.computes.create

        def wrong(spec):
            made = create(replace(spec, attachments=()))
            for link in spec.attachments:
                cloud.attachments.create(replace(link, compute=made.id))
            return cloud.computes.get(made.id)

        cloud.computes.create = wrong


class TestTakesNetworksInUseDown(Suite):
    def spoil(self, cloud):
        act = cloud.networks.act

        def wrong(id, action, parameters=None):
            with cloud.database.write() as connection:
                state = {"up": "active", "down": "inactive"}[action]
                connection.execute("UPDATE networks SET state = ? WHERE id = ?", (state, id))
            return cloud.networks.get(id)

        cloud.networks.act = wrong


class TestShrinksVolumes(Suite):
    def spoil(self, cloud):
        update = cloud.volumes.update

        def wrong(id, changes):
            with cloud.database.write() as connection:
                connection.execute("UPDATE volumes SET size = 1 WHERE id = ?", (id,))
            return update(id, changes)

        cloud.volumes.update = wrong


class TestMovesAttachedVolumes(Suite):
    def spoil(self, cloud):
        create = cloud.attachments.create

        def wrong(spec):
            for link in cloud.volumes.get(spec.volume).attachments:
                cloud.attachments.delete(link.id)
            return create(spec)

        cloud.attachments.create = wrong


class TestForgetsHolds(Suite):
    def spoil(self, cloud):
        hold = cloud.networks.hold

        def wrong(id, address):
            lease = hold(id, address)
            cloud.networks.release(id, address)
            return lease

        cloud.networks.hold = wrong


class TestLetsForeignErrorsOut(Suite):
    def spoil(self, cloud):
        get = cloud.computes.get

        def wrong(id):
            try:
                return get(id)
            except NotFound:
                raise KeyError(id) from None

        cloud.computes.get = wrong


class TestPromisesTooMuch(Suite):
    def spoil(self, cloud):
        def wrong(id, name=None, *, token=""):
            raise Unsupported("compute: this back end cannot save one as an image")

        cloud.computes.save = wrong


class TestHasLittle(Suite):
    """Not wrong: what it does not have is skipped by name."""

    def spoil(self, cloud):
        cloud.capabilities = frozenset({Capability.RENAME})
        cloud.volumes = None
'''

#: Class of a wrong back end -> the test that catches it.
CAUGHT_BY = {
    "TestLosesTokens": "test_making_the_same_token_twice_gives_the_first_again[volumes]",
    "TestListsBackwards": "test_lists_are_in_order_of_creation_whatever_order_is_asked_for[computes]",
    "TestRefusesUnknownIdentifiers": "test_unknown_identifiers_are_left_out_of_a_list[networks]",
    "TestGivesAnAddressTwice": "test_network_broadcast_and_gateway_addresses_are_never_given",
    "TestKeepsAddressesForEver": "test_an_address_that_was_given_back_is_given_again",
    "TestDeletesVolumesInUse": "test_an_attached_volume_is_not_deleted",
    "TestDeletesVolumesWithTheirCompute": ("test_deleting_the_compute_takes_attachments_along_but_no_volume"),
    "TestRefusesIdleActions": "test_an_idle_action_on_a_compute_succeeds_and_changes_nothing[running-start]",
    "TestAllowsWhatTheTableForbids": (
        "test_an_action_outside_the_table_is_refused_and_changes_nothing[stopped-suspend]"
    ),
    "TestChangesByHalves": "test_a_change_of_a_compute_with_one_wrong_value_changes_nothing",
    "TestLeavesHalfMadeComputes": "test_a_volume_that_does_not_exist_is_not_found_and_nothing_is_made",
    "TestTakesNetworksInUseDown": "test_a_network_that_a_compute_is_in_is_neither_deleted_nor_taken_down",
    "TestShrinksVolumes": "test_a_volume_never_shrinks[update]",
    "TestMovesAttachedVolumes": "test_an_attached_volume_is_not_attached_again",
    "TestForgetsHolds": "test_a_held_address_is_not_given_out",
    "TestLetsForeignErrorsOut": "test_getting_what_does_not_exist_is_not_found[computes]",
    "TestPromisesTooMuch": "test_saving_makes_an_image_that_becomes_ready",
}

SKIPPED = {
    "test_saving_makes_an_image_that_becomes_ready": "no capability save",
    "test_what_was_made_is_found_by_its_token[computes]": "no capability tokens",
    "test_a_volume_never_shrinks[update]": "no capability volume-resize",
    "test_a_volume_has_the_size_asked_for": "no noun volumes",
}


def outcomes(folder: Path, wanted: list[str]) -> dict[str, str]:
    """How the named tests of ``WRONG`` end: "passed", "failed" or why they were skipped."""
    file, report = folder / "test_wrong.py", folder / "report.xml"
    file.write_text(WRONG)
    root = Path(__file__).parents[2]
    options = ["-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(f"{file}::{name}" for name in wanted)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    found: dict[str, str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.attrib['classname'].rpartition('.')[2]}::{case.attrib['name']}"
        skipped = case.find("skipped")
        failed = case.find("failure") is not None
        found.setdefault(name, "failed" if failed else "passed")
        if skipped is not None:
            found[name] = skipped.attrib["message"]
    return found


def test_each_wrong_back_end_is_caught_and_the_right_one_is_not(tmp_path: Path) -> None:
    wrong = [f"{name}::{test}" for name, test in CAUGHT_BY.items()]
    right = [f"TestRight::{test}" for test in dict.fromkeys(CAUGHT_BY.values())]
    assert outcomes(tmp_path, wrong + right) == {
        **dict.fromkeys(wrong, "failed"),
        **dict.fromkeys(right, "passed"),
    }


def test_what_a_back_end_does_not_have_is_skipped_by_name(tmp_path: Path) -> None:
    expected = {f"TestHasLittle::{name}": reason for name, reason in SKIPPED.items()}
    assert outcomes(tmp_path, list(expected)) == expected


def test_no_test_of_the_suite_hides_another_of_the_same_name() -> None:
    """All parts are put together in one class, where the last of two namesakes would be the only one."""
    assert backends.suite.__file__ is not None
    written = [
        node.name
        for file in Path(backends.suite.__file__).parent.glob("*.py")
        if file.name != "values.py"  # a suite of its own
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]
    assert sorted(written) == sorted(name for name in dir(BackendSuite) if name.startswith("test_"))

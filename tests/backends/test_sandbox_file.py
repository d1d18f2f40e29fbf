"""The sandbox's file: used by many at once, over forks, crashes and versions."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backends.sandbox import SandboxBackend
from backends.sandbox.schema import STEPS, upgrade
from gateway.model import (
    GIB,
    AttachmentSpec,
    BackendError,
    BackendUnavailable,
    ComputeSpec,
    InterfaceSpec,
    InvalidRequest,
    NetworkSpec,
    NotFound,
    VolumeSpec,
)

SMALL = ComputeSpec(title="web", instance_type="small")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cloud.db"


@pytest.fixture
def cloud(path: Path) -> Iterator[SandboxBackend]:
    with SandboxBackend(path) as cloud:
        yield cloud


def make_some(path: str, count: int) -> list[str]:
    with SandboxBackend(path) as cloud:
        return [cloud.computes.create(SMALL).id for _ in range(count)]


def test_everything_is_there_after_a_restart(path: Path) -> None:
    with SandboxBackend(path) as first:
        volume = first.volumes.create(VolumeSpec(GIB, token="v"))
        machine = first.computes.create(
            ComputeSpec(title="käse", attachments=(AttachmentSpec(volume.id),), tags={"a": "b"}, token="c")
        )
    with SandboxBackend(path) as second:
        assert second.computes.get(machine.id) == machine
        assert second.computes.find("c") == machine
        assert second.computes.create(ComputeSpec(token="c")) == machine
        assert second.volumes.get(volume.id).attachments == machine.attachments


def test_processes_that_open_and_use_one_file_at_once_lose_and_double_nothing(path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        made = [id for ids in pool.starmap(make_some, [(str(path), 20)] * 3) for id in ids]
    with SandboxBackend(path) as cloud:
        assert sorted(cloud.computes.ids()) == sorted(made)
        links = cloud.interfaces.list()
        assert len({link.address for link in links}) == len({link.mac for link in links}) == 60


def test_what_one_process_deletes_another_does_not_list(path: Path, cloud: SandboxBackend) -> None:
    kept, deleted = cloud.computes.create(SMALL).id, cloud.computes.create(SMALL).id
    assert cloud.computes.ids([kept, deleted]) == [kept, deleted]
    with SandboxBackend(path) as other:
        other.computes.delete(deleted)
        made = other.computes.create(SMALL).id
    assert cloud.computes.ids([kept, deleted, made]) == [kept, made]


def test_a_forked_process_uses_the_same_cloud(cloud: SandboxBackend) -> None:
    before = cloud.computes.create(SMALL).id
    child = os.fork()
    if not child:
        good = cloud.computes.ids() == [before] and bool(cloud.computes.create(SMALL))
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    cloud.computes.delete(before)
    assert len(cloud.computes.ids()) == 1


def test_forking_while_other_threads_work_harms_neither_side(path: Path, cloud: SandboxBackend) -> None:
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            cloud.computes.delete(cloud.computes.create(SMALL).id)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            child = os.fork()
            if not child:
                os._exit(0 if cloud.computes.create(SMALL).interfaces else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert len(cloud.computes.ids()) == 5
    assert_whole(path)


KILLED = """
    import sys
    from backends.sandbox import SandboxBackend
    from gateway.model import GIB, AttachmentSpec, ComputeSpec, VolumeSpec

    with SandboxBackend(sys.argv[1]) as cloud:
        while True:
            volume = cloud.volumes.create(VolumeSpec(GIB))
            machine = cloud.computes.create(ComputeSpec(attachments=(AttachmentSpec(volume.id),)))
            print(machine.id, flush=True)
            other = cloud.computes.create(ComputeSpec())
            cloud.computes.delete(other.id)
"""


def test_a_killed_process_leaves_all_it_told_of_and_nothing_half_made(path: Path) -> None:
    for _ in range(3):
        command = [sys.executable, "-c", textwrap.dedent(KILLED), str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = [process.stdout.readline().strip() for _ in range(10)]
            process.send_signal(signal.SIGKILL)
            told += [line.strip() for line in process.stdout if line.endswith("\n")]
        with SandboxBackend(path) as cloud:
            assert set(told) <= set(cloud.computes.ids())
            for machine in cloud.computes.list(told):
                assert len(machine.attachments) == len(machine.interfaces) == 1
            assert len(cloud.networks.leases("default")) == len(cloud.interfaces.ids())
            assert {link.compute for link in cloud.interfaces.list()} == set(cloud.computes.ids())
    assert_whole(path)


def assert_whole(path: Path) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_a_file_of_an_earlier_version_is_brought_up_and_keeps_what_it_holds(path: Path) -> None:
    with SandboxBackend(path) as cloud:
        machine = cloud.computes.create(SMALL)
    later = (*STEPS, "ALTER TABLE computes ADD COLUMN colour TEXT; UPDATE computes SET colour = 'blue'")
    connection = sqlite3.connect(path, isolation_level=None)
    for _ in range(2):
        upgrade(connection, later)
    assert connection.execute("SELECT id, colour FROM computes").fetchall() == [(machine.id, "blue")]
    assert connection.execute("PRAGMA user_version").fetchone() == (len(later),)
    connection.close()


def test_a_step_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError):
        upgrade(connection, ("CREATE TABLE a (b)", "CREATE TABLE c (d); CREATE TABLE a (b)"))
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert connection.execute("PRAGMA user_version").fetchone() == (0,)
    connection.close()


def test_a_file_of_a_later_version_is_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(BackendUnavailable, match="version 99"):
        SandboxBackend(path)


def test_a_file_that_is_no_database_is_said_to_be_none(path: Path) -> None:
    path.write_bytes(b"this is not a database, but a text of some length" * 100)
    with pytest.raises((BackendError, BackendUnavailable), match="not a database"):
        SandboxBackend(path)


def test_the_lowest_free_address_is_given(cloud: SandboxBackend) -> None:
    machines = [cloud.computes.create(SMALL) for _ in range(5)]
    given = [str(link.address) for machine in machines for link in machine.interfaces]
    assert given == [f"10.96.0.{number}" for number in range(2, 7)]
    cloud.computes.delete(machines[3].id)
    cloud.computes.delete(machines[1].id)
    again = [str(cloud.computes.create(SMALL).interfaces[0].address) for _ in range(3)]
    assert again == ["10.96.0.3", "10.96.0.5", "10.96.0.7"]


def test_disks_and_cards_are_named_as_a_linux_guest_names_them(cloud: SandboxBackend) -> None:
    machine = cloud.computes.create(SMALL)
    volumes = [cloud.volumes.create(VolumeSpec(GIB)).id for _ in range(26)]
    disks = [cloud.attachments.create(AttachmentSpec(volume, machine.id)).device for volume in volumes]
    assert (disks[0], disks[24], disks[25]) == ("/dev/vdb", "/dev/vdz", "/dev/vdaa")
    network = cloud.networks.create(NetworkSpec())
    card = cloud.interfaces.create(InterfaceSpec(network.id, machine.id))
    assert [link.device for link in cloud.computes.get(machine.id).interfaces] == ["eth0", "eth1"]
    assert card.mac.startswith("52:54:00:")


@pytest.mark.parametrize(
    ("title", "hostname"),
    [
        ("Web server #1", "web-server-1"),
        ("www.Example.org.", "www.example.org"),
        ("-x-", "x"),
        ("a" * 80, "a" * 63),
        ("ünï", "n"),
    ],
)
def test_a_hostname_is_made_of_the_title(cloud: SandboxBackend, title: str, hostname: str) -> None:
    assert cloud.computes.create(ComputeSpec(title=title)).hostname == hostname


@pytest.mark.parametrize("title", [None, "", "???"])
def test_without_a_fit_title_the_hostname_is_made_of_the_identifier(
    cloud: SandboxBackend, title: str | None
) -> None:
    machine = cloud.computes.create(ComputeSpec(title=title))
    assert machine.hostname == f"vm-{machine.id[:8]}"


@pytest.mark.parametrize("text", ["\ud800", "a\ud800b"])
def test_half_a_surrogate_pair_is_refused_or_not_found(cloud: SandboxBackend, text: str) -> None:
    with pytest.raises(InvalidRequest):
        cloud.computes.create(ComputeSpec(title=text))
    for noun in cloud.collections().values():
        with pytest.raises(NotFound):
            noun.get(text)
        assert list(noun.list([text])) == []


@pytest.mark.parametrize("count", [1, 40])
def test_a_list_takes_the_same_statements_however_long_it_is(path: Path, count: int) -> None:
    with SandboxBackend(path) as cloud:
        ids = [
            cloud.computes.create(
                ComputeSpec(attachments=(AttachmentSpec(cloud.volumes.create(VolumeSpec(GIB)).id),))
            ).id
            for _ in range(count)
        ]
        assert statements(cloud, lambda: cloud.computes.list(ids)) == 5
        assert statements(cloud, lambda: cloud.volumes.list()) == 4
        assert statements(cloud, lambda: cloud.computes.ids(ids)) <= 5


def statements(cloud: SandboxBackend, work: Callable[[], object]) -> int:
    """How many statements run, those that begin and end the transaction included."""
    seen: list[str] = []
    connection = cloud.database.checkout()
    connection.set_trace_callback(seen.append)
    cloud.database.checkin(connection)
    work()
    connection.set_trace_callback(None)
    return len(seen)


def test_ten_thousand_identifiers_can_be_asked_for_at_once(cloud: SandboxBackend) -> None:
    id = cloud.computes.create(SMALL).id
    asked = [*(f"unknown-{number}" for number in range(10_000)), id]
    assert cloud.computes.ids(asked) == [id]
    assert [machine.id for machine in cloud.computes.list(asked)] == [id]


def test_the_sandbox_needs_nothing_but_the_standard_library_and_the_model() -> None:
    code = (
        "import sys, backends.sandbox\n"
        "strange = {m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names)\n"
        "print(sorted(m for m in strange if m in sys.argv[1:]))\n"
        "print(sorted(m for m in sys.modules if m.startswith(('gateway', 'backends.'))))\n"
    )
    unwanted = ["falcon", "gunicorn", "sqlalchemy", "pytest", "lxml", "requests", "occi_gw"]
    run = subprocess.run([sys.executable, "-c", code, *unwanted], capture_output=True, text=True, check=True)
    found, modules = run.stdout.splitlines()
    assert found == "[]"
    names = [name.strip(" '") for name in modules.strip("[]").split(",")]
    assert {name for name in names if name.startswith("gateway")} == {
        "gateway",
        "gateway.changes",
        "gateway.model",
        "gateway.model.errors",
        "gateway.model.objects",
        "gateway.model.resources",
        "gateway.model.specs",
        "gateway.model.states",
        "gateway.model.wishes",
    }
    assert not [name for name in names if name.startswith("backends.suite")]

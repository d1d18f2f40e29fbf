"""A gateway killed in the middle of writes by many: what it has acknowledged stands, nothing is half done."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from gateway.app import Gateway
from gateway.config import load
from gateway.identity import GATEWAY, Caller
from gateway.model import Compute
from gateway.reconcile import Reconciler
from gateway.store import Query
from gateway.store.schema import resources
from tests.client import COMPUTE, OGF, STORAGE
from tests.conftest import Site
from tests.serving import Server, eventually

WRITERS = 6
WRITES_EACH = 34
KILL_AFTER = 100  # acknowledged writes, of about 200
TAGS = "http://site.example/tags#"
QUOTAS = "[quotas.user.admin]\ninstances = 1000\n"


@dataclass
class Machine:
    """What one writer knows of one of its machines."""

    path: str
    linked: bool
    version: str  # acknowledged title and hostname
    attempted: str | None = None  # sent, not acknowledged
    tagged: bool = False
    deleting: bool = False
    deleted: bool = False


@dataclass
class Writer:
    """One client; remembers what was acknowledged and what was under way when the lights went out."""

    number: int
    url: str
    machines: list[Machine] = field(default_factory=list)
    acknowledged: int = 0
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.number)
        self._session = requests.Session()
        self._session.auth = ("admin", "secret")
        self._count = 0

    @property
    def tag(self) -> str:
        return f'writer{self.number}; scheme="{TAGS}"; class="mixin"'

    def run(self) -> None:
        try:
            self._send("POST", "/-/", f'Category: {self.tag}; location="/tag/writer{self.number}/"')
            for _ in range(WRITES_EACH):
                self._one()
        except requests.RequestException:
            return

    def _one(self) -> None:
        alive = [machine for machine in self.machines if not machine.deleting]
        steps: Sequence[Callable[[list[Machine]], None]] = (
            self._create,
            self._create,
            self._create_linked,
            self._update,
            self._update,
            self._tag,
            self._delete,
        )
        self._random.choice(steps if len(alive) > 2 else steps[:3])(alive)

    def _send(self, method: str, path: str, *lines: str) -> requests.Response:
        answer = self._session.request(
            method,
            self.url + path,
            data="".join(f"{line}\n" for line in lines).encode(),
            headers={"Content-Type": "text/plain"},
            timeout=60,
        )
        if answer.status_code in (200, 201):
            self.acknowledged += 1
        else:
            self.refused.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def _name(self, word: str) -> str:
        self._count += 1
        return f"{word}-{self.number}-{self._count}"

    def _create(self, alive: list[Machine]) -> None:
        self._made(self._name("plain"))

    def _create_linked(self, alive: list[Machine]) -> None:
        volume = self._send(
            "POST", "/storage/", f"Category: {STORAGE}", "X-OCCI-Attribute: occi.storage.size=1.0"
        )
        path = volume.headers["Location"].removeprefix(self.url)
        link = (
            f'Link: <{path}>; rel="{OGF}/infrastructure#storage"; category="{OGF}/infrastructure#storagelink"'
        )
        self._made(self._name("linked"), link)

    def _made(self, name: str, *links: str) -> None:
        answer = self._send("POST", "/compute/", f"Category: {COMPUTE}", *_names(name), *links)
        if answer.status_code == 201:
            path = answer.headers["Location"].removeprefix(self.url)
            self.machines.append(Machine(path, bool(links), name))

    def _update(self, alive: list[Machine]) -> None:
        machine = self._random.choice(alive)
        machine.attempted = self._name(machine.version.partition("-")[0])
        if self._send("POST", machine.path, *_names(machine.attempted)).status_code == 200:
            machine.version, machine.attempted = machine.attempted, None

    def _tag(self, alive: list[Machine]) -> None:
        machine = self._random.choice(alive)
        line = f"X-OCCI-Location: {self.url}{machine.path}"
        if self._send("POST", f"/tag/writer{self.number}/", line).status_code == 200:
            machine.tagged = True

    def _delete(self, alive: list[Machine]) -> None:
        machine = self._random.choice(alive)
        machine.deleting = True
        machine.deleted = self._send("DELETE", machine.path).status_code == 200


def _names(name: str) -> tuple[str, str]:
    return (
        f'X-OCCI-Attribute: occi.core.title="{name}"',
        f'X-OCCI-Attribute: occi.compute.hostname="{name}"',
    )


class Crash:
    """A gateway that has been killed in the middle and started again on the same data."""

    def __init__(self, server: Server, writers: Sequence[Writer], config: str) -> None:
        self.server, self.writers = server, writers
        self.session = server.session()
        self._config = config

    @property
    def machines(self) -> list[Machine]:
        return [machine for writer in self.writers for machine in writer.machines]

    def listed(self, path: str) -> set[str]:
        answer = self.session.get(self.server.url + path, headers={"Accept": "text/uri-list"}, timeout=60)
        assert answer.status_code == 200, answer.text
        return {line.removeprefix(self.server.url) for line in answer.text.split()}

    def read(self, path: str) -> requests.Response:
        return self.session.get(self.server.url + path, timeout=60)

    def attributes(self, path: str) -> dict[str, str]:
        lines = self.read(path).text.splitlines()
        pairs = (
            line.removeprefix("X-OCCI-Attribute: ").split("=", 1) for line in lines if "Attribute: " in line
        )
        return {name: value.strip('"') for name, value in pairs}

    def settled(self) -> Gateway:
        """The gateway's own view after the reconciler has seen to every request that never ended."""
        folder = self.server.folder
        config = load(folder / "stratusgate.toml", data=folder / "data", environ={})
        gateway = Gateway(config)
        report = Reconciler(gateway.cloud, stale_seconds=0).run()
        assert not report.failed
        return gateway


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crash(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crash]:
    config = QUOTAS
    if request.param == "postgresql":
        config += f'[store]\nurl = "{request.getfixturevalue("postgres").new_database()}"\n'
    server = Server(tmp_path_factory.mktemp("crash"), config)
    server.start()
    try:
        writers = [Writer(number, server.url) for number in range(WRITERS)]
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        eventually(lambda: sum(writer.acknowledged for writer in writers) >= KILL_AFTER, seconds=60)
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        yield Crash(server, writers, config)
    finally:
        server.stop()


def test_it_was_killed_in_the_middle(crash: Crash) -> None:
    done = sum(writer.acknowledged for writer in crash.writers)
    assert KILL_AFTER <= done < WRITERS * WRITES_EACH


def test_no_write_was_refused_before_the_crash(crash: Crash) -> None:
    assert [line for writer in crash.writers for line in writer.refused] == []


def test_every_machine_whose_creation_was_acknowledged_is_there(crash: Crash) -> None:
    kept = {machine.path for machine in crash.machines if not machine.deleting}
    assert kept - crash.listed("/compute/") == set()


def test_no_machine_whose_deletion_was_acknowledged_comes_back(crash: Crash) -> None:
    gone = [machine.path for machine in crash.machines if machine.deleted]
    assert [crash.read(path).status_code for path in gone] == [404] * len(gone)


def test_every_acknowledged_update_is_there_and_none_is_half_done(crash: Crash) -> None:
    wrong = []
    for machine in crash.machines:
        if machine.deleting:
            continue
        found = crash.attributes(machine.path)
        title, hostname = found.get("occi.core.title"), found.get("occi.compute.hostname")
        if title != hostname or title not in (machine.version, machine.attempted):
            wrong.append((machine, title, hostname))
    assert wrong == []


def test_every_acknowledged_tag_is_on_its_machine(crash: Crash) -> None:
    for writer in crash.writers:
        kept = {machine.path for machine in writer.machines if machine.tagged and not machine.deleting}
        assert kept - crash.listed(f"/tag/writer{writer.number}/") == set()


def test_everything_that_is_listed_can_be_read(crash: Crash) -> None:
    answers = {path: crash.read(path).status_code for path in crash.listed("/")}
    assert {path: status for path, status in answers.items() if status != 200} == {}


def test_no_machine_lacks_the_link_it_was_asked_for_with(crash: Crash) -> None:
    for path in crash.listed("/compute/"):
        if crash.attributes(path)["occi.core.title"].startswith("linked"):
            assert f'rel="{OGF}/infrastructure#storage"' in crash.read(path).text


def test_every_machine_of_the_cloud_has_one_owner_once_the_reconciler_has_run(crash: Crash) -> None:
    gateway = crash.settled()
    rows = gateway.database.read(
        Query(resources.select().with_only_columns(resources.c.id).where(resources.c.kind == "compute"))
    )
    machines = gateway.zones.collection("default", Compute).ids()
    assert sorted(row[0] for row in rows) == sorted(machines)


def test_no_more_strangers_than_requests_under_way_appear(crash: Crash) -> None:
    known = {machine.path for machine in crash.machines}
    assert len(crash.listed("/compute/") - known) <= WRITERS


def test_what_counts_against_quotas_is_what_the_machines_hold(crash: Crash) -> None:
    gateway = crash.settled()
    rows: Any = gateway.database.read(
        Query(
            resources.select()
            .with_only_columns(resources.c.vcpus, resources.c.memory_bytes)
            .where(resources.c.kind == "compute", resources.c.owner == "admin")
        )
    )
    held = gateway.cloud.list(Caller(GATEWAY), Compute)
    machines = [one.resource for one in held if one.overlay.owner == "admin"]
    assert (sum(row[0] for row in rows), sum(row[1] for row in rows)) == (
        sum(machine.cores for machine in machines),
        sum(machine.memory for machine in machines),
    )


def test_the_row_of_a_machine_that_a_deletion_took_before_the_crash_is_forgotten(site: Site) -> None:
    id = site.client("ada").create(COMPUTE).removeprefix("/compute/")
    site.gateway.zones.collection("default", Compute).delete(id)
    site.reconciler.run()
    assert id not in site.cloud.overlays.ids("compute", "default")

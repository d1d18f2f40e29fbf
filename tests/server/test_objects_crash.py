"""Stored objects of a gateway that is killed: what it has acknowledged stands, nothing is half done."""

from __future__ import annotations

import base64
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import requests

from tests.server.cdmi import CONFIG, Behind, Speaker
from tests.serving import Server, eventually

WRITERS = 6
WRITES_EACH = 90
KILL_AFTER = 250  # acknowledged writes, of more than 500
SIZE = 150_000

#: Store and values -> how the fixtures are asked for them.
PLACES = {
    "sqlite and directory": (False, False),
    "postgresql and directory": (True, False),
    "postgresql and s3": (True, True),
}


def configured(request: pytest.FixtureRequest, *, postgres: bool, s3: bool) -> str:
    """The configuration of a gateway with its store and its values somewhere of its own."""
    tables = CONFIG
    if postgres:
        tables += f'[store]\nurl = "{request.getfixturevalue("postgres").new_database()}"\n'
    if s3:
        swift = request.getfixturevalue("swift")
        options = swift.options(swift.new_bucket())
        tables += '[objects]\ndriver = "s3"\n' + "".join(
            f"{name} = {json.dumps(one)}\n" for name, one in options.items()
        )
    return tables


@dataclass(frozen=True)
class State:
    """What a writer's container has."""

    files: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)  # name -> (value, metadata)
    waiting: Mapping[int, str] = field(default_factory=dict)
    next: int = 0
    kept: Mapping[str, bytes] | None = None  # values of the snapshot


#: Does a step over HTTP, and says what there is after it.
Step = Callable[[State], tuple[Callable[[], requests.Response], State]]


class Writer:
    """One client with a container of its own, who does one thing after the other."""

    def __init__(self, server: Server, number: int) -> None:
        self.folder = f"/w{number}"
        self.speaker = Speaker(server)
        self.before = State()  # acknowledged
        self.after = State()  # the same where nothing is under way
        self.acknowledged = 0
        self.refused: list[str] = []
        self._random = random.Random(number)

    def run(self) -> None:
        try:
            for _ in range(WRITES_EACH):
                work, self.after = self._step()(self.before)
                answer = work()
                if answer.status_code not in (201, 204):
                    self.refused.append(f"{answer.status_code} {answer.text}")
                    return
                self.before = self.after
                self.acknowledged += 1
        except requests.RequestException:
            return

    def _step(self) -> Step:
        steps: list[Step] = [self._write, self._write, self._part, self._describe, self._enqueue]
        steps += [self._dequeue, self._copy, self._move, self._remove, self._snapshot, self._enqueue]
        return self._random.choice(steps if len(self.before.files) > 1 else steps[:1])

    def _one(self, state: State) -> str:
        return self._random.choice(sorted(state.files))

    def _new(self) -> str:
        return f"f{self._random.randrange(8)}"

    def _write(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        name, value = self._new(), self._random.randbytes(8) * (self._random.randrange(SIZE) // 8)
        files = {**state.files, name: (value, state.files.get(name, (b"", ""))[1])}
        return lambda: self.speaker.put(f"{self.folder}/{name}", value), replace(state, files=files)

    def _part(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        name = self._one(state)
        value, metadata = state.files[name]
        start, part = self._random.randrange(len(value) + 10), self._random.randbytes(1000)
        new = value.ljust(start, b"\0")[:start] + part + value[start + len(part) :]
        within = f"bytes {start}-{start + len(part) - 1}/*"
        return (
            lambda: self.speaker.put(f"{self.folder}/{name}", part, Content_Range=within),
            replace(state, files={**state.files, name: (new, metadata)}),
        )

    def _describe(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        name, said = self._one(state), str(self._random.random())
        files = {**state.files, name: (state.files[name][0], said)}
        document = {"metadata": {"said": said}}
        return lambda: self.speaker.cdmi("PUT", f"{self.folder}/{name}", document), replace(
            state, files=files
        )

    def _copy(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        name, to = self._one(state), self._new()
        document = {"copy": f"{self.folder}/{name}"}
        return (
            lambda: self.speaker.cdmi("PUT", f"{self.folder}/{to}", document),
            replace(state, files={**state.files, to: state.files[name]}),
        )

    def _move(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        name = self._one(state)
        to = f"m{self._random.randrange(1 << 30)}"
        files = {to if old == name else old: one for old, one in state.files.items()}
        document = {"move": f"{self.folder}/{name}"}
        return lambda: self.speaker.cdmi("PUT", f"{self.folder}/{to}", document), replace(state, files=files)

    def _remove(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        name = self._one(state)
        files = {old: one for old, one in state.files.items() if old != name}
        return lambda: self.speaker.cdmi("DELETE", f"{self.folder}/{name}"), replace(state, files=files)

    def _snapshot(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        kept = {name: value for name, (value, _) in state.files.items()}
        return (
            lambda: self.speaker.cdmi("PUT", f"{self.folder}/", {"snapshot": "s"}),
            replace(state, kept=kept),
        )

    def _enqueue(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        values = [str(self._random.random()) for _ in range(3)]
        waiting = {**state.waiting, **dict(enumerate(values, state.next))}
        return (
            lambda: self.speaker.cdmi("POST", f"{self.folder}/q?", {"value": values}),
            replace(state, waiting=waiting, next=state.next + 3),
        )

    def _dequeue(self, state: State) -> tuple[Callable[[], requests.Response], State]:
        waiting = dict(list(state.waiting.items())[2:])
        return (
            lambda: self.speaker.cdmi("DELETE", f"{self.folder}/q?", query="values:2"),
            replace(state, waiting=waiting),
        )

    def found(self) -> State:
        """What the gateway has."""
        files, kept = {}, None
        names = self.speaker.children(f"{self.folder}/")
        for name in names:
            if name not in ("q", "cdmi_snapshots/"):
                path = f"{self.folder}/{name}"
                said = (
                    self.speaker.done("GET", path, query="metadata:said").json()["metadata"].get("said", "")
                )
                files[name] = (self.speaker.get(path).content, said)
        if "cdmi_snapshots/" in names:
            place = f"{self.folder}/cdmi_snapshots/s/"
            named = [name for name in self.speaker.children(place) if name != "q"]
            kept = {name: self.speaker.get(place + name).content for name in named}
        queue = self.speaker.done("GET", f"{self.folder}/q?", query="queueValues;values:1000").json()
        first = int(queue["queueValues"].partition("-")[0] or 0)
        waiting = dict(enumerate(queue.get("value", ()), first))
        return State(files, waiting, 0, kept)


class Crash:
    """A gateway that has been killed and started again, and its clients."""

    def __init__(self, server: Server, writers: Sequence[Writer]) -> None:
        self.server, self.writers = server, writers


@pytest.fixture(scope="module", params=PLACES)
def crash(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crash]:
    postgres, s3 = PLACES[request.param]
    server = Server(tmp_path_factory.mktemp("crash"), configured(request, postgres=postgres, s3=s3))
    server.start()
    try:
        writers = [Writer(server, number) for number in range(WRITERS)]
        for writer in writers:
            writer.speaker.done("PUT", f"{writer.folder}/", {})
            writer.speaker.done("PUT", f"{writer.folder}/q?", {})
        threads = [threading.Thread(target=writer.run) for writer in writers]
        for thread in threads:
            thread.start()
        eventually(lambda: sum(writer.acknowledged for writer in writers) >= KILL_AFTER, seconds=90)
        server.kill()
        for thread in threads:
            thread.join()
        server.start()
        yield Crash(server, writers)
    finally:
        server.stop()


def test_it_was_killed_in_the_middle_and_nothing_was_refused_before(crash: Crash) -> None:
    assert [line for writer in crash.writers for line in writer.refused] == []
    assert KILL_AFTER <= sum(writer.acknowledged for writer in crash.writers) < WRITERS * WRITES_EACH


def test_what_was_acknowledged_stands_and_what_was_not_is_done_whole_or_not_at_all(crash: Crash) -> None:
    wrong = []
    for writer in crash.writers:
        found = writer.found()
        if found not in [replace(state, next=0) for state in (writer.before, writer.after)]:
            wrong.append((writer.folder, found, writer.before, writer.after))
    assert wrong == []


def test_no_designator_comes_a_second_time(crash: Crash) -> None:
    for writer in crash.writers:
        writer.speaker.done("POST", f"{writer.folder}/q?", {"value": ["last"]})
        ends = writer.speaker.done("GET", f"{writer.folder}/q?", query="queueValues").json()["queueValues"]
        assert int(ends.partition("-")[2]) in (writer.before.next, writer.after.next)


def test_each_value_has_its_row_and_each_row_its_value(crash: Crash) -> None:
    Behind(crash.server).require_consistent()


def _made(name: str, number: int) -> dict[str, object]:
    children = [
        {"objectType": "application/cdmi-object", "objectName": f"n{n}", "value": f"{name} {n}"}
        for n in range(number)
    ]
    return {"objectType": "application/cdmi-container", "objectName": f"{name}/", "children": children}


def test_a_large_copy_that_is_killed_is_whole_in_the_end(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    config = configured(request, postgres=False, s3=False)
    server = Server(tmp_path, config + "[objects]\ncopy_at_once = 100\n")
    server.start()
    try:
        speaker = Speaker(server)
        tree = {"objectType": "application/cdmi-container", "children": [_made(name, 1500) for name in "abc"]}
        given = base64.b64encode(json.dumps(tree).encode()).decode()
        speaker.done("PUT", "/from/", {"deserializevalue": given})
        assert speaker.cdmi("PUT", "/to/", {"copy": "/from/"}).status_code == 202

        def percent() -> int:
            found = speaker.done("GET", "/to/").json()
            assert found["completionStatus"] == "Processing"
            return int(found["percentComplete"])

        eventually(percent)
        server.kill()
        server.start()
        eventually(lambda: speaker.done("GET", "/to/").json()["completionStatus"] == "Complete", 60)
        for name in "abc":
            assert speaker.children(f"/to/{name}/") == speaker.children(f"/from/{name}/")
            assert len(speaker.children(f"/to/{name}/")) == 1500
            for number in (0, 749, 1499):
                assert speaker.get(f"/to/{name}/n{number}").text == f"{name} {number}"
        server.stop()
        Behind(server).require_consistent()
    finally:
        server.stop()

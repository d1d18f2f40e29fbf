"""Stored objects under many clients of two workers: each outcome is one that could be had one by one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import pairwise

import pytest
import requests

from tests.server.cdmi import CONFIG, Behind, Speaker, at_once
from tests.serving import Server

ROUNDS = 12
VALUES = [bytes([65 + number]) * length for number, length in enumerate((5, 3000, 100_000))]


class Load:
    """A gateway, and clients enough."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients = [Speaker(server) for _ in range(6)]
        self.one, self.two, self.three = self.clients[:3]

    def rounds(self, name: str) -> Iterator[str]:
        """A new container for each round."""
        self.one.cdmi("PUT", f"/{name}/", {})
        for number in range(ROUNDS):
            self.one.done("PUT", f"/{name}/{number}/", {})
            yield f"/{name}/{number}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def load(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    config = CONFIG
    if request.param == "postgresql":
        config += f'[store]\nurl = "{request.getfixturevalue("postgres").new_database()}"\n'
    server = Server(tmp_path_factory.mktemp("objects"), config)
    server.start()
    try:
        yield Load(server)
        assert "request failed" not in server.told()
        assert "the store failed" not in server.told()
        Behind(server).require_consistent()
    finally:
        server.stop()


def statuses(answers: list[requests.Response]) -> list[int]:
    return [answer.status_code for answer in answers]


def test_of_writers_to_one_object_one_makes_it_and_the_value_is_one_of_theirs(load: Load) -> None:
    for folder in load.rounds("writers"):
        works = [
            lambda client=client, value=value: client.put(f"{folder}/a", value)  # type: ignore[misc]  # noqa: B023 - run at once
            for client, value in zip(load.clients, VALUES * 2, strict=True)
        ]
        assert sorted(statuses(at_once(works))) == [201] + [204] * 5
        assert load.one.get(f"{folder}/a").content in VALUES


@pytest.mark.parametrize("header", ["If_None_Match", "X_CDMI_NoClobber"])
def test_of_writers_who_want_nothing_to_be_there_one_makes_it(load: Load, header: str) -> None:
    for folder in load.rounds(f"first{header}"):
        condition = {header: "*" if header == "If_None_Match" else "true"}
        works = [
            lambda client=client, value=value: client.put(f"{folder}/a", value, **condition)  # type: ignore[misc]  # noqa: B023 - run at once
            for client, value in zip(load.clients, VALUES * 2, strict=True)
        ]
        outcome = statuses(at_once(works))
        assert sorted(outcome) == [201] + [412 if header == "If_None_Match" else 409] * 5
        assert load.one.get(f"{folder}/a").content == (VALUES * 2)[outcome.index(201)]


def test_of_writers_who_want_what_they_have_read_one_writes_it(load: Load) -> None:
    for folder in load.rounds("match"):
        load.one.put(f"{folder}/a", b"0")
        tag = load.one.get(f"{folder}/a").headers["ETag"]
        works = [
            lambda client=client: client.put(f"{folder}/a", b"1", If_Match=tag)  # type: ignore[misc]  # noqa: B023 - run at once
            for client in load.clients
        ]
        assert sorted(statuses(at_once(works))) == [204] + [412] * 5


def test_of_makers_of_one_container_one_makes_it(load: Load) -> None:
    for folder in load.rounds("makers"):
        works = [
            lambda client=client: client.cdmi("PUT", f"{folder}/c/", {"metadata": {}})  # type: ignore[misc]  # noqa: B023 - run at once
            for client in load.clients[:4]
        ]
        assert set(statuses(at_once(works))) <= {201, 204, 409}
        assert load.one.children(f"{folder}/") == ["c/"]


def test_a_reader_gets_a_whole_value_whatever_writers_do(load: Load) -> None:
    for number, folder in enumerate(load.rounds("readers")):
        if number > ROUNDS // 2:
            return
        text = number % 2
        kind = "text/plain; charset=utf-8" if text else "image/png"
        load.one.put(f"{folder}/a", VALUES[0], Content_Type=kind)

        def write(folder: str = folder, kind: str = kind) -> None:
            for value in VALUES * 5:
                assert load.one.put(f"{folder}/a", value, Content_Type=kind).status_code == 204

        def read(client: Speaker, folder: str = folder) -> None:
            for _ in range(20):
                answer = client.get(f"{folder}/a")
                assert (answer.status_code, answer.content in VALUES) == (200, True)
                found = client.done("GET", f"{folder}/a").json()
                value = found["value"].encode()
                plain = value if found["valuetransferencoding"] == "utf-8" else base64.b64decode(value)
                assert plain in VALUES
                assert found["metadata"]["cdmi_size"] == str(len(plain))
                assert found["valuerange"] == f"0-{len(plain) - 1}"

        at_once([write, lambda: read(load.two), lambda: read(load.three)])


def test_an_object_that_is_removed_is_read_before_or_not_at_all(load: Load) -> None:
    for folder in load.rounds("removed"):
        load.one.put(f"{folder}/a", VALUES[1])
        gone, *read = at_once(
            [
                lambda: load.one.cdmi("DELETE", f"{folder}/a"),  # noqa: B023 - run at once
                lambda: load.two.get(f"{folder}/a"),  # noqa: B023
                lambda: load.three.get(f"{folder}/a"),  # noqa: B023
            ]
        )
        assert gone.status_code == 204
        assert all(one.status_code == 404 or one.content == VALUES[1] for one in read)


def test_an_object_that_is_moved_is_read_at_one_of_its_places(load: Load) -> None:
    for folder in load.rounds("moved"):
        load.one.put(f"{folder}/a", VALUES[1])
        moved, old, new = at_once(
            [
                lambda: load.one.cdmi("PUT", f"{folder}/b", {"move": f"{folder}/a"}),  # noqa: B023 - run at once
                lambda: load.two.get(f"{folder}/a"),  # noqa: B023
                lambda: load.three.get(f"{folder}/b"),  # noqa: B023
            ]
        )
        assert moved.status_code == 201
        assert all(one.status_code == 404 or one.content == VALUES[1] for one in (old, new))
        assert load.one.get(f"{folder}/b").content == VALUES[1]


def test_one_of_two_moves_into_each_other_is_refused(load: Load) -> None:
    for folder in load.rounds("moves"):
        for name in "ab":
            load.one.done("PUT", f"{folder}/{name}/", {})
        answers = at_once(
            [
                lambda: load.one.cdmi("PUT", f"{folder}/b/a/", {"move": f"{folder}/a/"}),  # noqa: B023 - run at once
                lambda: load.two.cdmi("PUT", f"{folder}/a/b/", {"move": f"{folder}/b/"}),  # noqa: B023
            ]
        )
        first, second = statuses(answers)
        assert {first, second} in ({201, 404}, {201, 400})
        assert load.one.children(f"{folder}/") == (["b/"] if first == 201 else ["a/"])


def test_an_object_is_moved_to_one_place_or_removed(load: Load) -> None:
    for folder in load.rounds("either"):
        load.one.put(f"{folder}/a", VALUES[0])
        answers = at_once(
            [
                lambda: load.one.cdmi("PUT", f"{folder}/b", {"move": f"{folder}/a"}),  # noqa: B023 - run at once
                lambda: load.two.cdmi("PUT", f"{folder}/c", {"move": f"{folder}/a"}),  # noqa: B023
                lambda: load.three.cdmi("DELETE", f"{folder}/a"),  # noqa: B023
            ]
        )
        outcome = statuses(answers)
        done = [status for status in outcome if status < 300]
        assert len(done) == 1
        assert set(outcome) <= {201, 204, 400, 404}
        left = {201: ["b"] if outcome[0] == 201 else ["c"], 204: []}[done[0]]
        assert load.one.children(f"{folder}/") == left


def test_a_copy_of_what_is_being_removed_is_whole_or_not_there(load: Load) -> None:
    for folder in load.rounds("copies"):
        load.one.done("PUT", f"{folder}/from/", {})
        for number in range(3):
            load.one.put(f"{folder}/from/{number}", VALUES[number])
        copied, gone = at_once(
            [
                lambda: load.one.cdmi("PUT", f"{folder}/to/", {"copy": f"{folder}/from/"}),  # noqa: B023 - run at once
                lambda: load.two.cdmi("DELETE", f"{folder}/from/"),  # noqa: B023
            ]
        )
        assert (gone.status_code, copied.status_code in (201, 400)) == (204, True)
        if copied.status_code == 201:
            assert [load.one.get(f"{folder}/to/{n}").content for n in range(3)] == VALUES
        else:
            assert load.one.children(f"{folder}/") == []


def test_a_snapshot_has_each_value_whole_while_they_are_being_written(load: Load) -> None:
    for folder in load.rounds("snapshots"):
        load.one.put(f"{folder}/a", VALUES[0])
        written, kept = at_once(
            [
                lambda: [load.one.put(f"{folder}/a", value).status_code for value in VALUES],  # noqa: B023 - run at once
                lambda: load.two.cdmi("PUT", f"{folder}/", {"snapshot": "s"}),  # noqa: B023
            ]
        )
        assert (set(written), kept.status_code) == ({204}, 204)
        assert load.one.get(f"{folder}/cdmi_snapshots/s/a").content in VALUES


def test_whole_writes_and_parts_leave_what_one_after_the_other_would(load: Load) -> None:
    for folder in load.rounds("parts"):
        load.one.put(f"{folder}/a", b"......")
        outcome = at_once(
            [
                lambda: load.one.put(f"{folder}/a", b"abcdef"),  # noqa: B023 - run at once
                lambda: load.two.put(f"{folder}/a", b"XY", Content_Range="bytes 1-2/*"),  # noqa: B023
                lambda: load.three.put(f"{folder}/a", b"Z", Content_Range="bytes 7-7/*"),  # noqa: B023
            ]
        )
        assert statuses(outcome) == [204] * 3
        expected = {b"abcdef", b"aXYdef", b"abcdef\0Z", b"aXYdef\0Z"}
        assert load.one.get(f"{folder}/a").content in expected


def test_no_value_of_a_queue_is_lost_and_no_designator_given_twice(load: Load) -> None:
    folder = next(load.rounds("queues"))
    load.one.done("PUT", f"{folder}/q?", {})

    def produce(client: Speaker, letter: str) -> list[str]:
        names = [f"{letter}{number}" for number in range(20)]
        for pair in zip(names[::2], names[1::2], strict=True):
            client.done("POST", f"{folder}/q?", {"value": list(pair)})
        return names

    def consume(client: Speaker) -> list[tuple[int, str]]:
        """Read the oldest, take it by its designator; who comes too late takes nothing."""
        mine: list[tuple[int, str]] = []
        while len(seen) < 40:
            found = client.done("GET", f"{folder}/q?", query="queueValues;value").json()
            if not found["queueValues"]:
                continue
            first = int(found["queueValues"].partition("-")[0])
            if first in taken:
                continue
            answer = client.cdmi("DELETE", f"{folder}/q?", query=f"values:{first}-{first}")
            assert answer.status_code == 204
            mine.append((first, found["value"][0]))
            seen.add(first)
            taken.add(first)
        return mine

    seen: set[int] = set()
    taken: set[int] = set()
    a, b, c = load.clients[:3]
    first, second, *got = at_once(
        [
            lambda: produce(a, "a"),
            lambda: produce(b, "b"),
            lambda: consume(c),
            lambda: consume(load.clients[3]),
            lambda: consume(load.clients[4]),
        ]
    )
    values = dict(pair for mine in got for pair in mine)
    assert sorted(values) == list(range(40))
    assert sorted(values.values()) == sorted(first + second)
    order = [values[number] for number in range(40)]
    assert all(order.index(one) < order.index(other) for one, other in pairwise(first))
    load.one.done("POST", f"{folder}/q?", {"value": ["last"]})
    assert load.one.done("GET", f"{folder}/q?", query="queueValues").json() == {"queueValues": "40-40"}


def test_trees_are_removed_filled_and_moved_at_once(load: Load) -> None:
    for folder in load.rounds("trees"):
        load.one.done("PUT", f"{folder}/t/", {})
        for name in "ab":
            load.one.done("PUT", f"{folder}/t/{name}/", {})
            load.one.done("PUT", f"{folder}/t/{name}/q?", {})
            load.one.done("POST", f"{folder}/t/{name}/q?", {"value": ["x", "y"]})
        works = [
            lambda: load.clients[0].cdmi("DELETE", f"{folder}/t/"),  # noqa: B023 - run at once
            lambda: load.clients[1].cdmi("DELETE", f"{folder}/t/a/"),  # noqa: B023
            lambda: load.clients[2].cdmi("DELETE", f"{folder}/t/b/q?", query="values:2"),  # noqa: B023
            lambda: load.clients[3].cdmi("PUT", f"{folder}/t/b/a/", {"move": f"{folder}/t/a/"}),  # noqa: B023
            lambda: load.clients[4].put(f"{folder}/t/b/x", b"x"),  # noqa: B023
            lambda: load.clients[5].cdmi("PUT", f"{folder}/t/b/", {"snapshot": "s"}),  # noqa: B023
        ]
        outcome = statuses(at_once(works))
        assert outcome[0] == 204
        assert set(outcome) <= {201, 204, 400, 404}
        assert load.one.children(f"{folder}/") == []

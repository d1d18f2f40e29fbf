"""Many at once: nothing lost, nothing doubled, no limit passed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest
import requests

from tests.client import COMPUTE
from tests.serving import Server

THREADS = 16
MACHINES = 100


def _at_once(work: Callable[[int], None], number: int) -> None:
    """Run ``work(0)`` to ``work(number - 1)`` in threads that begin together; raise what one raises."""
    barrier = threading.Barrier(number)
    failures: list[BaseException] = []

    def run(index: int) -> None:
        try:
            barrier.wait()
            work(index)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


def _create(session: requests.Session, url: str, title: str) -> requests.Response:
    body = f'Category: {COMPUTE}\nX-OCCI-Attribute: occi.core.title="{title}"\n'
    return session.post(f"{url}/compute/", body, headers={"Content-Type": "text/plain"}, timeout=60)


def _listed(session: requests.Session, url: str) -> list[str]:
    answer = session.get(f"{url}/compute/", headers={"Accept": "text/uri-list"}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.text.split()


class Bulk:
    """A hundred machines made by one user from sixteen threads."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.made: list[str] = []
        self.unseen: list[str] = []
        self.refused: list[str] = []
        self.session = server.session()
        _at_once(lambda index: self._work(server.session(), index), THREADS)

    def _work(self, session: requests.Session, index: int) -> None:
        for number in range(index, MACHINES, THREADS):
            answer = _create(session, self.url, f"bulk-{number}")
            if answer.status_code != 201:
                self.refused.append(f"{answer.status_code} {answer.text}")
                continue
            uri = answer.headers["Location"]
            self.made.append(uri)
            if uri not in _listed(session, self.url):
                self.unseen.append(uri)


@pytest.fixture(scope="module")
def bulk(shared: Server) -> Bulk:
    return Bulk(shared)


def test_bulk_creation_by_one_user_meets_no_limit(bulk: Bulk) -> None:
    assert bulk.refused == []


def test_every_machine_is_listed_the_moment_it_is_made(bulk: Bulk) -> None:
    assert bulk.unseen == []


def test_none_is_lost_and_none_doubled(bulk: Bulk) -> None:
    listed = _listed(bulk.session, bulk.url)
    assert (len(listed), sorted(listed)) == (MACHINES, sorted(bulk.made))


def test_each_has_the_title_it_was_made_with_once(bulk: Bulk) -> None:
    texts: Sequence[str] = [bulk.session.get(uri, timeout=60).text for uri in bulk.made]
    titles = [line for text in texts for line in text.splitlines() if "occi.core.title" in line]
    assert sorted(titles) == sorted(f'X-OCCI-Attribute: occi.core.title="bulk-{n}"' for n in range(MACHINES))


def _race(servers: Sequence[Server], user: str, number: int) -> list[tuple[int, str]]:
    answers: list[tuple[int, str]] = []

    def work(index: int) -> None:
        server = servers[index % len(servers)]
        answer = _create(server.session(user), server.url, f"race-{index}")
        answers.append((answer.status_code, answer.text))

    _at_once(work, number)
    return answers


def test_thirty_at_once_against_a_quota_of_ten_make_ten(make_server: Callable[..., Server]) -> None:
    server = make_server("[quotas.user.admin]\ninstances = 10\n")
    server.start()
    answers = _race([server], "admin", 30)
    statuses = sorted(status for status, _ in answers)
    refusals = {text.strip() for status, text in answers if status == 403}
    listed = _listed(server.session(), server.url)
    assert (statuses, len(listed), refusals) == (
        [201] * 10 + [403] * 20,
        10,
        {"quota exceeded: instances 10 of 10 (user admin)"},
    )


def test_two_nodes_keep_one_quota(nodes: tuple[Server, Server]) -> None:
    nodes[0].add_user("racer")
    statuses = sorted(status for status, _ in _race(nodes, "racer", 20))
    assert statuses == [201] * 5 + [403] * 15

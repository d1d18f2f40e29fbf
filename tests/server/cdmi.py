"""Stored objects of a running gateway: spoken to over HTTP, and looked at from behind when it rests."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from gateway.app import Gateway
from gateway.config import load
from gateway.store import Query
from gateway.store.schema import extents, object_values, objects
from tests.serving import PASSWORD, Server

CONFIG = "[frontends.occi]\n[frontends.cdmi]\n[server]\nworkers = 2\n[auth]\nfailures_per_minute = 0\n"
TYPES = {"/": "application/cdmi-container", "?": "application/cdmi-queue", "": "application/cdmi-object"}
VERSION = {"X-CDMI-Specification-Version": "1.1"}


class Speaker:
    """One client. Paths are below the root; a path that ends in ``?`` is a queue's."""

    def __init__(self, server: Server, user: str = "admin") -> None:
        self.url = f"{server.url}/cdmi"
        self.session = requests.Session()
        self.session.auth = (user, PASSWORD)

    def cdmi(self, method: str, path: str, document: Any = None, query: str = "") -> requests.Response:
        kind = TYPES.get(path[-1:], TYPES[""])
        headers = {**VERSION, **({"Content-Type": kind} if document is not None else {})}
        body = None if document is None else json.dumps(document).encode()
        target = self.url + path.removesuffix("?") + (f"?{query}" if query else "")
        return self.session.request(method, target, data=body, headers=headers, timeout=60)

    def done(self, method: str, path: str, document: Any = None, query: str = "") -> requests.Response:
        answer = self.cdmi(method, path, document, query)
        assert answer.status_code < 300, answer.text
        return answer

    def put(self, path: str, content: Any, **headers: str) -> requests.Response:
        named = {"Content-Type": "application/octet-stream"}
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.put(self.url + path, data=content, headers=named, timeout=60)

    def get(self, path: str) -> requests.Response:
        return self.session.get(self.url + path, timeout=60)

    def children(self, path: str) -> list[str]:
        found: list[str] = self.done("GET", path, query="children").json()["children"]
        return found


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each of them gives; all begin together. Raises what one of them raises."""
    barrier = threading.Barrier(len(works))
    given: list[Any] = [None] * len(works)
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait()
            given[number] = works[number]()
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure
    return given


class Behind:
    """The store and the values of a gateway, whether it runs or not."""

    def __init__(self, server: Server) -> None:
        folder = server.folder
        self.gateway = Gateway(load(folder / "stratusgate.toml", data=folder / "data", environ={}))
        self.objects = self.gateway.cloud.objects
        self.database = self.gateway.database

    def _rows(self, *columns: Any) -> Sequence[tuple[Any, ...]]:
        return self.database.read(Query(objects.select().with_only_columns(*columns)))

    def sweep(self) -> None:
        self.objects.sweep(datetime.now(UTC) + timedelta(days=1))

    def stored(self) -> set[str]:
        return set(self.objects.values.keys(datetime.now(UTC) + timedelta(days=1)))

    def require_consistent(self) -> None:
        """After a sweep: each value has a row and each row a value, and all objects hang on the root."""
        self.sweep()
        keys = {row[0] for row in self.database.read(Query(object_values.select()))}
        assert self.stored() == keys
        c = extents.c
        for key, offset, length in self.database.read(
            Query(extents.select().with_only_columns(c.key, c.offset, c.length))
        ):
            found = sum(len(block) for block in self.objects.values.read(key, offset, length))
            assert found == length
        assert {
            row[0] for row in self.database.read(Query(extents.select().with_only_columns(c.key)))
        } == keys
        self._require_tree()

    def _require_tree(self) -> None:
        above = dict(self._rows(objects.c.seq, objects.c.parent))
        tops = dict(self.database.read(Query(_tops())))
        for seq in above:
            way = [seq]
            while above[way[-1]] is not None:
                assert above[way[-1]] not in way
                way.append(above[way[-1]])
            assert way[-1] in tops


def _tops() -> Any:
    return objects.select().with_only_columns(objects.c.seq, objects.c.name).where(objects.c.parent.is_(None))

"""Stored objects over CDMI: large values against nginx, small ones against bare Falcon, pages of listings."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.processes import Running, gateway, limit, nginx
from bench.turns import Connection, take_turns
from gateway.model import DataObject
from gateway.objects.identifier import EXAMPLE_ENTERPRISE, new_id
from gateway.store import Database
from gateway.store.objects import ROOT_NAME, ObjectRows

CONFIG = "[frontends.occi]\n[frontends.cdmi]\n"
FOLDER = "/cdmi/bench"
_CONTAINER = "application/cdmi-container"
_BYTES = "application/octet-stream"

CHILDREN, PAGE = 100_000, 1000
#: So many pages at each end of the listing are compared.
ENDS = 10

_Limit = Callable[[Path], AbstractContextManager[Running]]


def _files(folder: Path) -> AbstractContextManager[Running]:
    return limit(folder, "files", BENCH_FOLDER=str(folder))


@dataclass(frozen=True)
class Transfer:
    """Values of one size, read or written; what is written is a new object each time or always the same."""

    name: str
    bar: float
    limit: _Limit
    method: str
    size: int
    count: int
    turn: int
    fresh: bool = False

    def pairs(self, rounds: int) -> Sequence[tuple[float, float]]:
        """CPU of the limit and of the gateway, for each pair. Raises Missing."""
        return [self._pair() for _ in range(rounds)]

    def _pair(self) -> tuple[float, float]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with self.limit(folder) as bare, gateway(folder, CONFIG) as ours:
                body = bytes(self.size)
                status, _ = Connection(ours.port).drain("PUT", f"{FOLDER}/", Content_Type=_CONTAINER)
                assert status == 201, status
                for running in (bare, ours):
                    self._put(Connection(running.port), f"{FOLDER}/value", body)
                return take_turns(bare, ours, self._ask(body), self.count, self.turn)

    def _ask(self, body: bytes) -> Callable[[Connection, int], None]:
        def read(connection: Connection, number: int) -> None:
            found = connection.drain("GET", f"{FOLDER}/value")
            assert found == (200, self.size), found

        def write(connection: Connection, number: int) -> None:
            self._put(connection, f"{FOLDER}/{f'value{number}' if self.fresh else 'value'}", body)

        return read if self.method == "GET" else write

    @staticmethod
    def _put(connection: Connection, path: str, body: bytes) -> None:
        status, _ = connection.drain("PUT", path, body, Content_Type=_BYTES)
        assert status in (201, 204), status


@dataclass(frozen=True)
class Pages:
    """A container that is listed by ranges: its last pages against its first ones."""

    name: str
    bar: float

    def pairs(self, rounds: int) -> Sequence[tuple[float, float]]:
        """CPU microseconds of a page at the beginning and of one at the end, each time through the whole."""
        with tempfile.TemporaryDirectory() as name, gateway(Path(name), CONFIG) as ours:
            Connection(ours.port).drain("PUT", f"{FOLDER}/", Content_Type=_CONTAINER)
            _fill(Path(name) / "data" / "store.db")
            return [self._through(ours) for _ in range(rounds)]

    @staticmethod
    def _through(ours: Running) -> tuple[float, float]:
        connection, spent = Connection(ours.port), []
        for first in range(0, CHILDREN, PAGE):
            before = ours.cpu_seconds()
            status, size = connection.drain("GET", f"{FOLDER}/?children:{first}-{first + PAGE - 1}")
            assert status == 200, status
            assert size > PAGE, size
            spent.append((ours.cpu_seconds() - before) * 1e6)
        return sum(spent[:ENDS]) / ENDS, sum(spent[-ENDS:]) / ENDS


def _fill(store: Path) -> None:
    """Children without values: the rows alone, for over HTTP it would take minutes."""
    database = Database(f"sqlite:///{store}")
    rows = ObjectRows(database)
    root = rows.top(ROOT_NAME)
    assert root is not None
    container = rows.child(root, FOLDER.rpartition("/")[2])
    assert container is not None
    one = container.object
    child = DataObject(
        id="",
        name="",
        parent=None,
        owner=one.owner,
        tenant=one.tenant,
        metadata={},
        acl=one.acl,
        created=one.created,
        modified=one.modified,
        mimetype=_BYTES,
    )
    with database.write() as tx:
        for number in range(CHILDREN):
            named = replace(child, id=new_id(EXAMPLE_ENTERPRISE), name=f"child-{number:06}")
            rows.add(tx, container, named, "", domain=container.domain_seq)


SCENARIOS = (
    Transfer("object GET 256 MiB", 0.85, nginx, "GET", 256 << 20, 8, 2),
    Transfer("object PUT 256 MiB", 0.45, nginx, "PUT", 256 << 20, 4, 1),
    Transfer("object GET 1 KiB", 0.55, _files, "GET", 1 << 10, 2000, 200),
    Transfer("object PUT 1 KiB", 0.35, _files, "PUT", 1 << 10, 600, 100, fresh=True),
    Pages("object listing of 100 000", 0.80),
)

"""Gateways for whole modules: most questions need no fresh one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.raw import Reply, once, request
from tests.postgres import Postgres
from tests.serving import Server


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One gateway that the tests of a module share; each cleans up what would be in another's way."""
    running = Server(tmp_path_factory.mktemp("shared"), '[metrics]\ntoken = "scraper-token"\n')
    running.start()
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """A factory of gateways, not started; each is ended with the test."""
    made: list[Server] = []

    def make(config: str = "", *, password: str | None = "secret", name: str = "") -> Server:
        made.append(Server(tmp_path / (name or f"node{len(made)}"), config, password=password))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def basic(user: str = "admin", password: str = "secret") -> tuple[str, str]:
    """The header field that signs in."""
    return "Authorization", "Basic " + b64encode(f"{user}:{password}".encode()).decode()


HOST = ("Host", "gw.example")
SIGNED_IN = (HOST, basic())


def ask(
    server: Server,
    method: str,
    path: str,
    *fields: tuple[str, str],
    body: bytes = b"",
    signed_in: bool = True,
) -> Reply:
    """One request on a connection of its own."""
    head = [*(SIGNED_IN if signed_in else (HOST,)), *fields]
    return once(server.port, request(method, path, head, body), head=method == "HEAD")


@pytest.fixture(scope="module")
def nodes(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two gateways on one PostgreSQL and one sandbox; user ``racer`` may have five machines."""
    folder = tmp_path_factory.mktemp("nodes")
    config = (
        f'[store]\nurl = "{postgres.new_database()}"\n'
        f'[backends.default]\ndriver = "sandbox"\npath = "{folder / "sandbox.db"}"\n'
        "[quotas.user.racer]\ninstances = 5\n"
        "[auth]\nfailures_per_minute = 0\n"
    )
    first, second = Server(folder / "first", config), Server(folder / "second", config)
    try:
        first.start()
        second.start()
        yield first, second
    finally:
        first.stop()
        second.stop()

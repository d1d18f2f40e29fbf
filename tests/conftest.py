"""Fixtures that all tests share: a gateway in this process, a real server, a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from gateway.app import Application, Gateway
from gateway.auth import passwords
from gateway.config import load
from gateway.reconcile import Reconciler
from gateway.store import migrate
from gateway.store.users import User
from tests.client import Client
from tests.postgres import Postgres
from tests.serving import Server
from tests.swift import Swift

settings.register_profile(
    "suite",
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("suite")

#: name -> (tenant, groups, roles); every password is "secret".
PEOPLE = {
    "admin": ("site", (), ("admin",)),
    "ada": ("bio", ("lab",), ()),
    "bob": ("bio", (), ()),
    "eve": ("evil", (), ()),
    "chief": ("bio", (), ("tenant-admin",)),
    "watch": ("site", (), ("monitor",)),
}
_HASHED = passwords.hashed("secret")


class Site:
    """A gateway in this process, with people."""

    def __init__(self, tables: dict[str, Any], data: Path) -> None:
        tables.setdefault("auth", {}).setdefault("failures_per_minute", 0)
        tables.setdefault("log", {}).setdefault("access", False)
        self.config = load(None, data=data, environ={}, overrides=tables)
        self.gateway = Gateway(self.config)
        migrate.upgrade(self.gateway.database)
        for name, (tenant, groups, roles) in PEOPLE.items():
            if self.gateway.users.get(name) is None:
                self.gateway.users.add(User(name, tenant, groups, roles, _HASHED))
        self.reconciler = Reconciler(self.gateway.cloud)
        self.reconciler.run()
        self.application = Application(self.gateway)
        self.cloud = self.gateway.cloud

    def client(self, user: str = "admin") -> Client:
        return Client(self.application, user)

    def close(self) -> None:
        for zone in self.gateway.zones.names():
            self.gateway.zones.backend(zone).close()
        self.gateway.database.close()


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """A factory of sites; keyword arguments are sections of the configuration."""
    made: list[Site] = []

    def make(data: Path | None = None, **tables: Any) -> Site:
        site = Site(tables, data or tmp_path)
        made.append(site)
        return site

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@pytest.fixture
def admin(site: Site) -> Client:
    return site.client("admin")


@pytest.fixture
def ada(site: Site) -> Client:
    return site.client("ada")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this test run's own."""
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    """An S3 server of this test run's own."""
    server = Swift()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, on each of the two databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The gateway as a person runs it: ``stratusgate serve`` in a process of its own."""
    running = Server(tmp_path)
    running.start()
    yield running
    running.stop()

"""One running gateway for the clients of a module, with two users besides its administrator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.serving import Server


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("gateway"))
    running.start()
    try:
        for name in ("probe", "resident"):
            running.add_user(name, "--tenant", "ops")
        yield running
    finally:
        running.stop()

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


@pytest.fixture(scope="session")
def cdmi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A gateway with stored objects and two classes of storage; ``/cdmi/public/`` is everybody's."""
    running = Server(tmp_path_factory.mktemp("cdmi"), CDMI)
    running.start()
    try:
        running.add_user("ada", "--tenant", "bio")
        _open(running, "/cdmi/?metadata:cdmi_acl", ROOT)
        _open(running, "/cdmi/public/", EVERYBODY)
        yield running
    finally:
        running.stop()


CDMI = """
[frontends.occi]
[frontends.cdmi]
[storage_classes.DiskOnly]
default = true
metadata = { cdmi_latency = "0", cdmi_data_redundancy = "1" }
[storage_classes.DiskAndTape]
metadata = { cdmi_latency = "5000", cdmi_data_redundancy = "2" }
"""


def _ace(who: str, mask: str, flags: str = "NO_FLAGS") -> dict[str, str]:
    return {"acetype": "ALLOW", "identifier": who, "aceflags": flags, "acemask": mask}


#: The root as it is made, and passed through by those who have not signed in.
ROOT = [
    _ace("OWNER@", "ALL_PERMS", "OBJECT_INHERIT, CONTAINER_INHERIT"),
    _ace("AUTHENTICATED@", "READ, ADD_OBJECT, ADD_SUBCONTAINER, READ_METADATA, READ_ATTRIBUTES"),
    _ace("EVERYONE@", "TRAVERSE_CONTAINER"),
]
EVERYBODY = [_ace("EVERYONE@", "ALL_PERMS", "OBJECT_INHERIT, CONTAINER_INHERIT")]


def _open(server: Server, path: str, acl: list[dict[str, str]]) -> None:
    headers = {
        "X-CDMI-Specification-Version": "1.1.1",
        "Content-Type": "application/cdmi-container",
    }
    document = {"metadata": {"cdmi_acl": acl}}
    answer = server.session().put(server.url + path, json=document, headers=headers, timeout=30)
    assert answer.status_code in (201, 204), answer.text

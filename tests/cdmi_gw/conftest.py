"""Somebody who speaks CDMI, and a gateway to speak it to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.client import Answer, Client
from tests.conftest import Site

OBJECT, CONTAINER = "application/cdmi-object", "application/cdmi-container"
QUEUE, DOMAIN = "application/cdmi-queue", "application/cdmi-domain"
VERSION = {"X-CDMI-Specification-Version": "1.0.2, 1.1"}
Make = Callable[..., Site]


class Cdmi:
    """Speaks CDMI as one user."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def http(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/cdmi{path}", body, named)

    def cdmi(self, method: str, path: str, document: Any = None, **headers: str) -> Answer:
        body = b"" if document is None else json.dumps(document).encode()
        kind = CONTAINER if path.partition("?")[0].endswith("/") else OBJECT
        given = {"Content-Type": kind} if document is not None else {}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.request(method, f"/cdmi{path}", body, {**VERSION, **given, **named})

    def queue(self, method: str, path: str, document: Any = None) -> Answer:
        body = b"" if document is None else json.dumps(document).encode()
        return self.client.request(method, f"/cdmi{path}", body, {**VERSION, "Content-Type": QUEUE})

    def domain(self, method: str, path: str, document: Any = None) -> Answer:
        body = b"" if document is None else json.dumps(document).encode()
        return self.client.request(method, f"/cdmi{path}", body, {**VERSION, "Content-Type": DOMAIN})

    def value(self, path: str) -> bytes:
        """The value of a data object by plain HTTP."""
        answer = self.http("GET", path)
        assert answer.status == 200, answer.text
        return answer.body

    def children(self, path: str) -> list[str]:
        found: list[str] = self.read(f"{path}?children")["children"]
        return found

    def read(self, path: str) -> Mapping[str, Any]:
        answer = self.cdmi("GET", path)
        assert answer.status == 200, answer.text
        found: Mapping[str, Any] = json.loads(answer.body)
        return found

    def lasting(self, path: str) -> Mapping[str, Any]:
        """What reading an object does not change."""
        found = dict(self.read(path))
        times = ("cdmi_atime", "cdmi_acount")
        return {**found, "metadata": {n: v for n, v in found["metadata"].items() if n not in times}}


@pytest.fixture
def ada(make_site: Make) -> Cdmi:
    site = make_site(frontends={"occi": {}, "cdmi": {}})
    cdmi = Cdmi(site.client("ada"))
    assert cdmi.cdmi("PUT", "/lab/", {}).status == 201
    return cdmi


@pytest.fixture
def bob(make_site: Make, ada: Cdmi) -> Cdmi:
    return Cdmi(Client(ada.client.application, "bob"))


@pytest.fixture
def admin(ada: Cdmi) -> Cdmi:
    return Cdmi(Client(ada.client.application, "admin"))

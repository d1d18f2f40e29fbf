"""No request whatever makes the gateway fail: never a 5xx, never a traceback, errors in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from tests.client import COMPUTE, NETWORK, STORAGE, STORAGELINK, Answer
from tests.conftest import Site
from tests.occi_gw.fragments import Request, requests
from tests.postgres import Postgres

_KEPT = 40


class Target:
    """A site under fire; what the requests may refer to is there again before each of them."""

    def __init__(self, site: Site) -> None:
        self.client, self._eve = site.client("ada"), site.client("eve")
        self._fixed = {"{foreign}": self._eve.create(COMPUTE, 'occi.core.title="not yours"')}
        self._paths: dict[str, str] = {}

    def places(self) -> dict[str, str]:
        ada = self.client
        if len(ada.get("/", Accept="text/uri-list").lines) > _KEPT:
            ada.delete("/")
        if not self._paths or not all(ada.get(path).status == 200 for path in self._paths.values()):
            ada.delete("/")
            chosen = ada.put("/chosen/one", f"Category: {COMPUTE}")
            assert chosen.status == 201, chosen.text
            compute, storage = ada.create(COMPUTE), ada.create(STORAGE, "occi.storage.size=1")
            ends = (f'occi.core.source="{compute}"', f'occi.core.target="{storage}"')
            self._paths = {
                "{compute}": compute,
                "{storage}": storage,
                "{network}": ada.create(NETWORK),
                "{storagelink}": ada.create(STORAGELINK, *ends),
                "{chosen}": chosen.path,
            }
        return {**self._paths, **self._fixed}

    def untouched(self) -> bool:
        """Whether the other user's machine is as it was."""
        answer = self._eve.get(self._fixed["{foreign}"])
        return answer.status == 200 and answer.attributes["occi.core.title"] == '"not yours"'


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    site = Site({}, tmp_path_factory.mktemp("fuzz"))
    yield Target(site)
    site.close()


@pytest.fixture(scope="module")
def postgres_target(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[Target]:
    site = Site({"store": {"url": postgres.new_database()}}, tmp_path_factory.mktemp("fuzz"))
    yield Target(site)
    site.close()


def _check(target: Target, request: Request) -> None:
    request = request.at(target.places())
    answer = target.client.request(request.method, request.path, request.body, request.headers)
    allowed = answer.status < 500 or answer.status == 501
    assert allowed, (request, answer)
    if answer.status >= 400 and request.method != "HEAD":
        _check_error(request, answer)
    assert b"Traceback" not in answer.body
    assert not any("\n" in value or "\r" in value for value in answer.headers.values())
    assert target.untouched(), request


def _check_error(request: Request, answer: Answer) -> None:
    """One line, in a media type of OCCI, that says something."""
    media_type = answer.headers["content-type"].partition(";")[0]
    if "json" in media_type:
        told = json.loads(answer.body)
        assert told["code"] == answer.status
        line = told["message"]
    else:
        assert media_type.startswith("text/"), (request, answer)
        line = answer.text
    assert line.strip(), (request, answer)
    assert line.rstrip("\n").isprintable(), (request, answer)


@settings(max_examples=300)
@given(request=requests())
def test_no_request_makes_the_gateway_fail(target: Target, request: Request) -> None:
    _check(target, request)


@settings(max_examples=100)
@given(request=requests())
def test_no_request_makes_the_gateway_fail_on_postgresql(postgres_target: Target, request: Request) -> None:
    _check(postgres_target, request)

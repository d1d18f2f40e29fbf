"""After any sequence of requests the listings are what a simple model in memory says."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests.client import BASE, COMPUTE, NETWORK, STORAGE, Client, action
from tests.conftest import Site

_MADE = {"compute": (COMPUTE, ()), "network": (NETWORK, ()), "storage": (STORAGE, ("occi.storage.size=1",))}
_USERS = ("ada", "bob")
_TAG = 'red; scheme="http://site.example/tags#"; class="mixin"; location="/tag/red/"'
_SITE: list[Site] = []


class Requests(RuleBasedStateMachine):
    """Two users create, tag, stop and delete; each sees exactly their own."""

    entities = Bundle("entities")

    def __init__(self) -> None:
        super().__init__()
        self.clients: dict[str, Client] = {user: _SITE[0].client(user) for user in _USERS}
        self.there: dict[str, list[str]] = {user: [] for user in _USERS}
        self.tagged: dict[str, set[str]] = {user: set() for user in _USERS}
        self.running: set[str] = set()
        for user, client in self.clients.items():
            assert client.delete("/").status == 200
            client.post("/-/", f"Category: {_TAG}")
            assert client.delete("/tag/red/").status == 200
            for _ in range(2):
                self._made(user, "compute", client.create(COMPUTE))

    @rule(target=entities, user=st.sampled_from(_USERS), kind=st.sampled_from(sorted(_MADE)))
    def create(self, user: str, kind: str) -> tuple[str, str]:
        category, attributes = _MADE[kind]
        path = self.clients[user].create(category, *attributes)
        return self._made(user, kind, path)

    @rule(target=entities, user=st.sampled_from(_USERS), number=st.integers(0, 3))
    def create_at(self, user: str, number: int) -> object:
        path = f"/vms/{number}"
        answer = self.clients[user].put(path, f"Category: {COMPUTE}")
        mine = path in self.there[user]
        taken = not mine and any(path in paths for paths in self.there.values())
        assert answer.status == (200 if mine else 409 if taken else 201)
        if answer.status == 200:
            self.tagged[user].discard(path)
        return self._made(user, "compute", path) if answer.status == 201 else multiple()

    def _made(self, user: str, kind: str, path: str) -> tuple[str, str]:
        self.there[user].append(path)
        if kind == "compute":
            self.running.add(path)
        return user, path

    @rule(entity=consumes(entities), by=st.sampled_from(_USERS))
    def delete(self, entity: tuple[str, str], by: str) -> None:
        maker, path = entity
        mine = path in self.there[by]  # whoever made it: a path that was given up may be another's by now
        assert self.clients[by].delete(path).status == (200 if mine else 404)
        if mine:
            self._gone(by, path)
        elif path in self.there[maker]:
            assert self.clients[maker].get(path).status == 200

    def _gone(self, owner: str, path: str) -> None:
        self.there[owner].remove(path)
        self.tagged[owner].discard(path)
        self.running.discard(path)

    @rule(
        user=st.sampled_from(_USERS),
        collection=st.sampled_from(("/compute/", "/storage/", "/vms/", "/")),
        dice=st.integers(0, 5),
    )
    def delete_all(self, user: str, collection: str, dice: int) -> None:
        if dice:
            return  # seldom: the other rules need something to work on
        assert self.clients[user].delete(collection).status == 200
        for path in list(self.there[user]):
            at_home = path.startswith(collection)
            if at_home or (collection == "/compute/" and path.startswith("/vms/")):
                self._gone(user, path)

    @rule(
        user=st.sampled_from(_USERS),
        pick=st.integers(0, 9),
        method=st.sampled_from(("POST", "PUT", "DELETE")),
        anothers=st.sampled_from((False, False, False, True)),
    )
    def tag(self, user: str, pick: int, method: str, anothers: bool) -> None:
        [other] = set(_USERS) - {user}
        paths = self.there[other if anothers else user]
        if not paths:
            return
        named = paths if method == "POST" else [paths[pick % len(paths)]]
        body = "".join(f"X-OCCI-Location: {path}\n" for path in named)
        answer = self.clients[user].request(method, "/tag/red/", body, {"Content-Type": "text/plain"})
        assert answer.status == (404 if anothers else 200)
        if answer.status == 200:
            before = self.tagged[user]
            after = {"POST": before | {*named}, "PUT": {*named}, "DELETE": before - {*named}}
            self.tagged[user] = after[method]

    @rule(user=st.sampled_from(_USERS), term=st.sampled_from(("start", "stop")))
    def act_on_all(self, user: str, term: str) -> None:
        answer = self.clients[user].post(f"/compute/?action={term}", f"Category: {action('compute', term)}")
        assert answer.status == 200
        mine = {path for path in self.there[user] if path.startswith(("/compute/", "/vms/"))}
        self.running = self.running | mine if term == "start" else self.running - mine

    @invariant()
    def listings_are_as_the_model_says(self) -> None:
        for user, client in self.clients.items():
            listed = [path for path in _paths(client, "/") if path.split("/")[1] in (*_MADE, "vms")]
            mine = [path for path in listed if "/console" not in path and path != "/network/default"]
            assert sorted(mine) == sorted(self.there[user])
            assert set(_paths(client, "/tag/red/")) == self.tagged[user]
            stopped = [path for path in _paths(client, "/compute/") if path not in self.running]
            for path in stopped:
                assert client.get(path).attributes["occi.compute.state"] == '"inactive"'


def _paths(client: Client, path: str) -> list[str]:
    answer = client.get(path, Accept="text/uri-list")
    assert answer.status == 200
    return [uri.removeprefix(BASE) for uri in answer.lines]


def test_listings_follow_every_sequence_of_requests(tmp_path: Path) -> None:
    site = Site({}, tmp_path)
    _SITE[:] = [site]
    try:
        run_state_machine_as_test(
            Requests,
            settings=settings(
                max_examples=30,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        site.close()

"""One change of a thing at a time: nothing acknowledged is lost, and the ledger says what is true."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway import turns
from gateway.cloud import Cloud
from gateway.identity import Principal
from gateway.model import (
    Compute,
    ComputeSpec,
    Conflict,
    GatewayError,
    NotFound,
    Resource,
    SecurityGroup,
    SecurityGroupSpec,
    Volume,
    VolumeSpec,
)
from gateway.reconcile import Reconciler
from gateway.store import Database, migrate
from gateway.turns import LEASE_SECONDS, Turns
from tests.conftest import Site
from tests.gateway.test_permissions import ADA, BOB

GIB = 1 << 30
Make = Callable[..., Site]


@pytest.fixture
def cloud(site: Site) -> Cloud:
    return site.cloud


def _slow(cloud: Cloud, monkeypatch: pytest.MonkeyPatch, noun: type[Resource], method: str) -> None:
    """Let a call of the back end last, so that changes that are begun together overlap."""
    collection: Any = cloud.zones.collection("default", noun)
    call = getattr(collection, method)

    def lasting(*arguments: Any) -> Any:
        found = call(*arguments)
        time.sleep(0.1)
        return found

    monkeypatch.setattr(collection, method, lasting)


def _at_once(*works: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


def _used(cloud: Cloud, user: str = "ada") -> int:
    principal = Principal(subject="", user=user, tenant="")
    [usage] = cloud.settings.quotas.of(cloud.database, principal)
    return usage.used


def test_resizes_at_once_leave_the_ledger_at_what_the_machine_has(
    make_site: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = make_site(quotas={"user": {"ada": {"vcpus": 20}}}).cloud
    machine = cloud.create(ADA, Compute, ComputeSpec(cores=1, memory=GIB)).resource.id
    _slow(cloud, monkeypatch, Compute, "update")
    _at_once(*(lambda n=n: cloud.update(ADA, Compute, machine, {"cores": n}) for n in (2, 8, 3, 5)))
    assert _used(cloud) == cloud.get(ADA, Compute, machine).resource.cores


def test_what_changes_at_once_remember_is_all_remembered(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    _slow(cloud, monkeypatch, Compute, "get")

    def adding(name: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
        return lambda before: {**before, name: 1}

    _at_once(*(lambda n=n: cloud.update(ADA, Compute, machine, {}, extra=adding(n)) for n in ("a", "b", "c")))
    assert cloud.get(ADA, Compute, machine).overlay.extra == {"a": 1, "b": 1, "c": 1}


def test_foreign_attributes_that_are_set_at_once_are_all_there(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = site.client("ada")
    machine = ada.create('compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"')
    _slow(site.cloud, monkeypatch, Compute, "get")
    _at_once(*(lambda n=n: ada.post(machine, f'X-OCCI-Attribute: org.site.{n}="1"') for n in ("a", "b")))
    assert {"org.site.a", "org.site.b"} <= ada.get(machine).attributes.keys()


def _join(cloud: Cloud, caller: Any, machine: str, group: str) -> None:
    cloud.update(caller, Compute, machine, {"security_groups": lambda present: (*present, group)})


def test_security_groups_that_are_joined_at_once_are_all_joined(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups = [cloud.create(ADA, SecurityGroup, SecurityGroupSpec()).resource.id for _ in range(3)]
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    _slow(cloud, monkeypatch, Compute, "get")
    _at_once(*(lambda g=g: _join(cloud, ADA, machine, g) for g in groups))
    assert set(cloud.get(ADA, Compute, machine).resource.security_groups) == set(groups)


@pytest.mark.parametrize("zone", ["default", "kvm"])
def test_a_group_that_one_may_not_see_stays_with_its_machine(make_site: Make, zone: str) -> None:
    backends = {"default": {"driver": "sandbox"}, "kvm": {"driver": "sandbox", "path": "kvm.db"}}
    cloud = make_site(backends=backends).cloud
    secret = cloud.create(ADA, SecurityGroup, SecurityGroupSpec(), zone=zone).resource.id
    own = cloud.create(BOB, SecurityGroup, SecurityGroupSpec(), zone=zone).resource.id
    machine = cloud.create(ADA, Compute, ComputeSpec(security_groups=(secret,)), zone=zone).resource.id
    cloud.share(ADA, Compute, machine, mode=0o606)
    _join(cloud, BOB, machine, own)
    assert cloud.get(BOB, Compute, machine).resource.security_groups == (own,)
    cloud.update(BOB, Compute, machine, {"security_groups": ()})
    assert cloud.get(ADA, Compute, machine).resource.security_groups == (secret,)


def test_volumes_that_grow_at_once_weigh_what_they_have(
    make_site: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud = make_site(quotas={"user": {"ada": {"volume_bytes": 100 * GIB}}}).cloud
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    _slow(cloud, monkeypatch, Volume, "act")
    sizes = [n * GIB for n in (4, 2, 9)]

    def grow(size: int) -> None:
        try:
            cloud.act(ADA, Volume, volume, "resize", {"size": size})
        except GatewayError:  # the back end does not shrink what has grown further meanwhile
            assert size < 9 * GIB

    _at_once(*(lambda s=s: grow(s) for s in sizes))
    assert _used(cloud) == cloud.get(ADA, Volume, volume).resource.size == 9 * GIB


class Died(BaseException):
    """Stands for the end of the process."""


def _die(*arguments: Any, **named: Any) -> Any:
    raise Died


def _dying(cloud: Cloud, noun: type[Resource], method: str, work: Callable[[], object]) -> None:
    """Do the work in a process that ends in the middle of its call of the back end."""
    child = os.fork()
    if child == 0:
        setattr(cloud.zones.collection("default", noun), method, lambda *arguments: os._exit(7))
        try:
            work()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


@pytest.mark.parametrize("noun", [Compute, Volume])
def test_what_a_change_that_was_broken_off_held_is_given_back(make_site: Make, noun: type[Resource]) -> None:
    limits = {"vcpus": 50} if noun is Compute else {"volume_bytes": 50}
    cloud = make_site(quotas={"user": {"ada": limits}}).cloud
    if noun is Compute:
        id = cloud.create(ADA, Compute, ComputeSpec(cores=1, memory=GIB)).resource.id
        _dying(cloud, noun, "update", lambda: cloud.update(ADA, noun, id, {"cores": 8}))
    else:
        id = cloud.create(ADA, Volume, VolumeSpec(size=1)).resource.id
        _dying(cloud, noun, "act", lambda: cloud.act(ADA, noun, id, "resize", {"size": 8}))
    Reconciler(cloud).run()
    fresh = _used(cloud)
    report = Reconciler(cloud, stale_seconds=0).run()
    assert (fresh, _used(cloud), report.failed) == (8, 1, [])
    assert cloud.update(ADA, noun, id, {"title": "free again"}).resource.title == "free again"


def test_a_change_of_what_is_gone_is_settled_too(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    with pytest.raises(Died), cloud.door.turns.of([("compute", machine), ("attachment", f"{machine}~x")]):
        raise Died
    cloud.delete(ADA, Compute, machine)
    assert Reconciler(cloud, stale_seconds=0).run().failed == []
    assert cloud.door.turns.broken_off(0) == []


def test_who_waits_too_long_is_told_so_and_has_changed_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.1)
    cloud, ada = site.cloud, site.client("ada")
    machine = ada.create('compute; scheme="http://schemas.ogf.org/occi/infrastructure#"; class="kind"')
    id = machine.rpartition("/")[2]
    with cloud.door.turns.of([("compute", id)]):
        answer = ada.post(machine, 'X-OCCI-Attribute: occi.core.title="late"')
        other = cloud.create(ADA, Compute, ComputeSpec()).resource.id
        cloud.update(ADA, Compute, other, {"title": "another thing"})
    assert (answer.status, f"compute {id}: another request is changing it" in answer.text) == (409, True)
    assert "occi.core.title" not in ada.get(machine).attributes
    assert ada.post(machine, 'X-OCCI-Attribute: occi.core.title="now"').status == 200


def test_a_stranger_cannot_hold_up_a_change(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    monkeypatch.setattr(cloud.door.turns, "of", _die)
    with pytest.raises(NotFound):
        cloud.update(BOB, Compute, machine, {"title": "mine"})


@pytest.fixture
def database(store_url: str) -> Database:
    database = Database(store_url)
    migrate.upgrade(database)
    return database


def test_turns_of_several_things_never_wait_for_each_other_in_a_circle(database: Database) -> None:
    def work(things: list[tuple[str, str]]) -> None:
        for _ in range(10):
            with Turns(database).of(things):
                pass

    one, two = ("compute", "1"), ("compute", "2")
    _at_once(*(lambda t=t: work(t) for t in ([one, two], [two, one], [one], [two])))
    assert Turns(database).broken_off(0) == []


def test_only_one_is_in_its_turn(database: Database) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal inside, most
        with Turns(database).of([("compute", "1")]):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.02)
            with lock:
                inside -= 1

    _at_once(*[work] * 6)
    assert (inside, most) == (0, 1)


def test_a_turn_that_was_broken_off_is_known_and_ends_with_its_lease(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.05)
    own = Turns(database)
    with pytest.raises(Died), own.of([("volume", "a b")]):
        raise Died
    assert (own.broken_off(LEASE_SECONDS), own.broken_off(0)) == ([], [("volume", "a b")])
    with pytest.raises(Conflict), own.of([("volume", "a b")]):
        pass
    own.settle(("volume", "a b"))
    with own.of([("volume", "a b")]):
        pass


def test_a_turn_ends_with_an_error_too(database: Database) -> None:
    own = Turns(database)
    with pytest.raises(ValueError, match="wrong"), own.of([("compute", "1")]):
        raise ValueError("wrong")
    assert own.broken_off(0) == []

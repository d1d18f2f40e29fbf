"""Making things through the door: zone, templates, references, idempotency keys, what a failure leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest
from sqlalchemy import update

from gateway.cloud import Cloud
from gateway.model import (
    Address,
    AddressSpec,
    AlreadyExists,
    Attachment,
    AttachmentSpec,
    BackendError,
    BackendUnavailable,
    Compute,
    ComputeSpec,
    Conflict,
    Forbidden,
    GatewayError,
    Image,
    ImageSpec,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NetworkSpec,
    NotFound,
    QuotaExceeded,
    SecurityGroup,
    SecurityGroupSpec,
    Volume,
    VolumeSpec,
)
from gateway.store import Query
from gateway.store.overlay import Holding, now
from gateway.store.schema import resources
from tests.conftest import Site
from tests.gateway.ledger import held
from tests.gateway.test_permissions import ADA, ADMIN, BOB, EVE

GIB = 1 << 30
DAY = 24 * 3600 * 1_000_000
Make = Callable[..., Site]
POOLS = {"public": "203.0.113.0/28"}
TWO_ZONES = {
    "default": {"driver": "sandbox", "pools": POOLS},
    "kvm": {"driver": "sandbox", "path": "kvm.db", "pools": POOLS},
}
TINY = {"tiny": {"cores": 1, "memory": "64MiB"}}


@pytest.fixture
def cloud(make_site: Make) -> Cloud:
    return make_site(backends={"default": {"driver": "sandbox", "pools": POOLS}}).cloud


@pytest.fixture
def zoned(make_site: Make) -> Cloud:
    """A cloud of the zones default and kvm, with a type of the configuration."""
    return make_site(backends=TWO_ZONES, instance_types=TINY).cloud


def _refused(attempt: Callable[[], Any]) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        attempt()
    return refused.value


def test_a_zone_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec(), zone="mars"))
    assert isinstance(error, NotFound)
    assert error.message == "no zone mars"


@pytest.mark.parametrize("part", ["attachments", "interfaces", "instance_type", "image"])
def test_whatever_a_request_refers_to_decides_its_zone(zoned: Cloud, part: str) -> None:
    volume = zoned.create(ADA, Volume, VolumeSpec(size=GIB), zone="kvm").resource.id
    network = zoned.create(ADA, Network, NetworkSpec(), zone="kvm").resource.id
    parts: dict[str, Any] = {
        "attachments": (AttachmentSpec(volume=volume),),
        "interfaces": (InterfaceSpec(network=network),),
        "instance_type": "kvm--large",
        "image": "kvm--alpine-3",
    }
    made = zoned.create(ADA, Compute, ComputeSpec(**{part: parts[part]}))
    assert made.overlay.zone == "kvm"
    assert made.resource.id.startswith("kvm--")
    assert zoned.get(ADA, Compute, made.resource.id) == made
    if part in ("instance_type", "image"):
        assert getattr(made.resource, part) == parts[part]


def test_a_type_of_the_configuration_leaves_the_zone_open(zoned: Cloud) -> None:
    here = zoned.create(ADA, Compute, ComputeSpec(instance_type="tiny"))
    there = zoned.create(ADA, Compute, ComputeSpec(instance_type="tiny"), zone="kvm")
    assert (here.overlay.zone, there.overlay.zone) == ("default", "kvm")
    assert zoned.zones.backend("kvm").computes.get(zoned.zones.split(there.resource.id)[1]).cores == 1


def test_a_type_and_an_image_left_open_are_those_of_the_zone(zoned: Cloud) -> None:
    made = zoned.create(ADA, Compute, ComputeSpec(), zone="kvm").resource
    assert made.image == "kvm--debian-12"
    assert zoned.create(ADA, Compute, ComputeSpec()).resource.image == "debian-12"


def test_the_named_zone_wins_and_what_is_elsewhere_is_refused(zoned: Cloud) -> None:
    error = _refused(lambda: zoned.create(ADA, Compute, ComputeSpec(image="kvm--alpine-3"), zone="default"))
    assert isinstance(error, InvalidRequest)
    assert error.field == "image"
    assert error.message == "image: kvm--alpine-3 is in zone kvm, the rest of the request in zone default"


def test_a_link_is_made_in_the_zone_of_its_machine_under_outside_names(zoned: Cloud) -> None:
    machine = zoned.create(ADA, Compute, ComputeSpec(), zone="kvm").resource.id
    volume = zoned.create(ADA, Volume, VolumeSpec(size=GIB), zone="kvm").resource.id
    link = zoned.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=machine))
    assert (link.resource.compute, link.resource.volume) == (machine, volume)
    assert zoned.get(ADA, Attachment, link.resource.id) == link


def test_making_a_link_is_told_to_the_observer_as_create(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    told: list[tuple[str, str]] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append((zone, operation))
    cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=machine))
    assert told == [("default", "attachment.create")]


def test_a_link_of_which_nothing_is_to_be_remembered_gets_no_row(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    link = cloud.create(ADA, Attachment, AttachmentSpec(volume=volume, compute=machine), extra={})
    assert link.overlay.seq == 0
    assert cloud.overlays.get("attachment", link.resource.id, "ada") is None


def test_what_a_link_is_given_to_remember_is_in_the_answer(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id
    spec = AttachmentSpec(volume=volume, compute=machine)
    link = cloud.create(ADA, Attachment, spec, extra={"title": "data"})
    assert (link.overlay.extra, link.resource.title) == ({"title": "data"}, "data")
    assert cloud.get(ADA, Attachment, link.resource.id) == link


def test_a_fixed_mac_in_a_link_of_its_own_needs_the_admin_role(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    spec = InterfaceSpec(network="default", compute=machine, mac="52:54:00:00:00:01")
    error = _refused(lambda: cloud.create(ADA, Interface, spec))
    assert isinstance(error, Forbidden)
    assert error.reason == "restricted_attribute"
    [record] = cloud.audit.query(event="interface.create")
    assert (record["outcome"], record["reason"]) == ("denied", "restricted_attribute")


def test_what_the_back_end_cannot_hold_and_a_path_are_kept_with_what_is_made(cloud: Cloud) -> None:
    extra = {"attributes": {"a.b": "c"}}
    made = cloud.create(ADA, Compute, ComputeSpec(title="web"), path="/my/web", extra=extra)
    assert (made.overlay.path, made.overlay.extra) == ("/my/web", extra)
    assert cloud.get(ADA, Compute, made.resource.id) == replace(made, overlay=made.overlay)
    renamed = cloud.create(ADA, Compute, ComputeSpec(title="web"), extra={"title": "kept"})
    assert renamed.resource.title == "kept"


def test_a_path_that_is_taken_is_named_and_nothing_is_left(cloud: Cloud) -> None:
    cloud.create(ADA, Compute, ComputeSpec(), path="/my/web")
    error = _refused(lambda: cloud.create(BOB, Compute, ComputeSpec(), path="/my/web"))
    assert isinstance(error, AlreadyExists)
    assert error.message == "/my/web is taken"
    keyed = _refused(lambda: cloud.create(BOB, Compute, ComputeSpec(), path="/my/web", idempotency_key="k"))
    assert isinstance(keyed, AlreadyExists)
    assert cloud.locations(BOB, Compute) == []
    assert cloud.overlays.making(now() + DAY) == []


def test_what_is_made_is_its_makers_in_the_first_group_and_weighs_what_it_is(make_site: Make) -> None:
    cloud = make_site(tenancy={"umask": "137"}).cloud
    before = now()
    made = cloud.create(ADA, Compute, ComputeSpec(instance_type="medium"))
    row = made.overlay
    assert (row.kind, row.id, row.zone) == ("compute", made.resource.id, "default")
    assert (row.owner, row.tenant, row.group, row.mode) == ("ada", "bio", "lab", 0o640)
    assert (row.other_tenants, row.path, row.extra, row.state) == (False, None, {}, "live")
    assert before <= row.created <= now()
    assert held(cloud, row.id) == Holding(2, 2 * GIB, 0, "medium")
    assert cloud.create(BOB, Compute, ComputeSpec()).overlay.group == ""
    mate = ADA._replace(principal=replace(ADA.principal, groups=("first", "second")))
    assert cloud.create(mate, Compute, ComputeSpec()).overlay.group == "first"


def test_the_group_quota_of_a_maker_without_a_group_is_nobodys(make_site: Make) -> None:
    cloud = make_site(quotas={"group": {"lab": {"instances": 1}}}).cloud
    cloud.create(ADA, Compute, ComputeSpec())
    cloud.create(BOB, Compute, ComputeSpec())
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec()))
    assert isinstance(error, QuotaExceeded)
    assert error.message == "quota exceeded: instances 1 of 1 (group lab)"


def test_the_record_of_a_creation_tells_what_was_made_and_for_whom(cloud: Cloud) -> None:
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB, title="data")).resource.id
    [record] = cloud.audit.query(event="volume.create")
    assert (record["user"], record["outcome"], record["owner"]) == ("ada", "success", "ada")
    assert (record["resource_kind"], record["resource_id"]) == ("volume", volume)
    assert record["resource_title"] == "data"


def test_the_record_of_a_machine_tells_its_image_and_its_places_in_networks(cloud: Cloud) -> None:
    made = cloud.create(ADA, Compute, ComputeSpec(image="alpine-3")).resource
    [record] = cloud.audit.query(event="compute.create")
    assert record["image_id"] == "alpine-3"
    assert record["addresses"] == [str(made.interfaces[0].address)]
    assert record["macs"] == [made.interfaces[0].mac]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (ComputeSpec(), "image"),
        (ComputeSpec(instance_type="small"), "image"),
        (ComputeSpec(image="debian-12"), "instance_type"),
    ],
)
def test_a_required_template_that_is_missing_is_named(make_site: Make, spec: ComputeSpec, field: str) -> None:
    cloud = make_site(defaults={"templates_required": True}).cloud
    error = _refused(lambda: cloud.create(ADA, Compute, spec))
    assert isinstance(error, InvalidRequest)
    assert error.field == field
    assert (
        error.message == "a compute needs an image and an instance type; name one os_tpl and one resource_tpl"
    )


def _reserved(cloud: Cloud, pool: str = "public", zone: str | None = None) -> Address:
    return cloud.create(ADA, Address, AddressSpec(pool=pool), zone=zone).resource


def test_a_machine_can_be_made_with_a_reserved_address_in_a_named_network(cloud: Cloud) -> None:
    network = cloud.create(ADA, Network, NetworkSpec()).resource.id
    reserved = _reserved(cloud)
    card = InterfaceSpec(network=network, reservation=reserved.id)
    made = cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,))).resource
    [interface] = made.interfaces
    assert (interface.network, interface.address, interface.reservation) == (
        network,
        reserved.address,
        reserved.id,
    )


def test_a_reserved_address_without_a_network_is_used_in_the_first_one_of_its_zone(zoned: Cloud) -> None:
    machine = zoned.create(ADA, Compute, ComputeSpec(), zone="kvm").resource.id
    reserved = _reserved(zoned, zone="kvm")
    spec = InterfaceSpec(network="", compute=machine, reservation=reserved.id)
    made = zoned.create(ADA, Interface, spec).resource
    assert (made.network, made.address, made.reservation) == ("kvm--default", reserved.address, reserved.id)


def test_a_back_end_is_given_pool_and_address_of_a_reservation(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    reserved = _reserved(cloud)
    asked: list[InterfaceSpec] = []

    def listen(noun: Any, cards: Callable[[Any], tuple[InterfaceSpec, ...]]) -> None:
        collection: Any = cloud.zones.collection("default", noun)
        create = collection.create

        def heard(spec: Any) -> Any:
            asked.extend(cards(spec))
            return create(spec)

        monkeypatch.setattr(collection, "create", heard)

    listen(Interface, lambda spec: (spec,))
    listen(Compute, lambda spec: spec.interfaces)
    card = InterfaceSpec(network="", reservation=reserved.id)
    told = replace(card, network="default", pool="public", address=reserved.address)
    link = cloud.create(ADA, Interface, replace(card, compute=machine)).resource.id
    assert asked == [replace(told, compute=machine)]
    cloud.delete(ADA, Interface, link)
    cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,)))
    assert asked[1:] == [told]


def test_a_reserved_address_of_another_zone_is_refused(zoned: Cloud) -> None:
    machine = zoned.create(ADA, Compute, ComputeSpec(), zone="kvm").resource.id
    reserved = _reserved(zoned)
    spec = InterfaceSpec(network="", compute=machine, reservation=reserved.id)
    error = _refused(lambda: zoned.create(ADA, Interface, spec))
    assert isinstance(error, InvalidRequest)
    assert error.field == "reservation"


def test_a_reserved_address_needs_some_network_to_be_used_in(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec(interfaces=())).resource
    reserved = _reserved(cloud)
    for network in cloud.list(ADMIN, Network):
        cloud.share(ADMIN, Network, network.resource.id, mode=0o000)
    spec = InterfaceSpec(network="", compute=machine.id, reservation=reserved.id)
    error = _refused(lambda: cloud.create(ADA, Interface, spec))
    assert isinstance(error, InvalidRequest)
    assert (error.message, error.field) == ("no network to use the reserved address in", "network")


def test_a_reserved_address_is_used_by_who_may_manage_it(cloud: Cloud) -> None:
    reserved = _reserved(cloud)
    cloud.share(ADA, Address, reserved.id, mode=0o604)
    machine = cloud.create(BOB, Compute, ComputeSpec()).resource.id
    spec = InterfaceSpec(network="default", compute=machine, reservation=reserved.id)
    error = _refused(lambda: cloud.create(BOB, Interface, spec))
    assert isinstance(error, Forbidden)
    assert error.message == f"address {reserved.id}: you may see it but have no manage right on it"


def test_an_address_of_a_pool_asks_for_its_reservation(cloud: Cloud) -> None:
    card = InterfaceSpec(network="default", pool="public", address=ip_address("203.0.113.9"))
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,))))
    assert isinstance(error, InvalidRequest)
    assert (error.message, error.field) == (
        "address: name the reservation to use an address of a pool",
        "address",
    )


@pytest.mark.parametrize(
    "card",
    [
        InterfaceSpec(network="default", pool="public"),
        InterfaceSpec(network="default", address=ip_address("10.96.0.77")),
    ],
    ids=["any address of the pool", "an address of the network"],
)
def test_a_pool_alone_and_an_address_alone_need_no_reservation(cloud: Cloud, card: InterfaceSpec) -> None:
    [interface] = cloud.create(ADA, Compute, ComputeSpec(interfaces=(card,))).resource.interfaces
    assert interface.address is not None
    assert card.address in (None, interface.address)


def test_groups_of_a_machine_are_those_the_maker_may_use(cloud: Cloud) -> None:
    theirs = cloud.create(EVE, SecurityGroup, SecurityGroupSpec(title="theirs")).resource.id
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec(security_groups=(theirs,))))
    assert error.message == f"no security_group {theirs}"


def test_a_repeated_key_gives_what_the_first_request_made(cloud: Cloud) -> None:
    def create() -> Any:
        return cloud.create(
            ADA, Compute, ComputeSpec(title="x"), path="/x", extra={"title": "y"}, idempotency_key="k"
        )

    first = create()
    told: list[str] = []
    cloud.door.observer = lambda zone, operation, outcome, seconds: told.append(operation)
    assert create().resource == first.resource
    assert create().overlay.id == first.overlay.id
    assert first.resource.title == "y"
    assert set(told) == {"compute.get"}
    assert len(cloud.audit.query(event="compute.create")) == 1


def test_a_key_is_one_persons_and_one_nouns(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec(), idempotency_key="k").resource.id
    assert cloud.create(BOB, Compute, ComputeSpec(), idempotency_key="k").resource.id != machine
    assert cloud.create(ADA, Volume, VolumeSpec(size=GIB), idempotency_key="k").resource.id != machine
    assert cloud.create(ADA, Compute, ComputeSpec(), idempotency_key="K").resource.id != machine


def test_the_token_of_a_key_is_the_same_in_every_process_and_version(cloud: Cloud) -> None:
    made = cloud.create(ADA, Compute, ComputeSpec(title="x"), idempotency_key="k")
    assert made.overlay.token == "key:" + hashlib.sha256(b"ada\0compute\0k").hexdigest()
    found = cloud.zones.backend("default").computes.find(made.overlay.token)
    assert found is not None
    assert found.id == made.resource.id


def test_what_has_no_key_has_a_token_of_its_own(cloud: Cloud) -> None:
    first, second = (cloud.create(ADA, Compute, ComputeSpec()).overlay for _ in range(2))
    assert first.token != second.token
    assert (first.fingerprint, second.fingerprint) == (None, None)
    assert cloud.overlays.by_key(first.token) is None


@pytest.mark.parametrize("key", ["", "k" * 256, "a\nb"], ids=["empty", "too long", "not printable"])
def test_a_key_of_another_form_is_refused(cloud: Cloud, key: str) -> None:
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec(), idempotency_key=key))
    assert isinstance(error, InvalidRequest)
    assert (error.message, error.field) == (
        "Idempotency-Key: 1 to 255 printable characters",
        "idempotency_key",
    )
    assert cloud.locations(ADA, Compute) == []


@pytest.mark.parametrize("key", ["k", "k" * 255])
def test_a_key_may_have_one_to_255_characters(cloud: Cloud, key: str) -> None:
    first, again = (cloud.create(ADA, Compute, ComputeSpec(), idempotency_key=key) for _ in range(2))
    assert again.resource.id == first.resource.id


def test_a_key_with_another_request_is_refused_with_its_reason(cloud: Cloud) -> None:
    cloud.create(ADA, Compute, ComputeSpec(title="x"), idempotency_key="k")
    for different in (
        lambda: cloud.create(ADA, Compute, ComputeSpec(title="y"), idempotency_key="k"),
        lambda: cloud.create(ADA, Compute, ComputeSpec(title="x"), zone="default", idempotency_key="k"),
    ):
        error = _refused(different)
        assert isinstance(error, Conflict)
        assert error.message == "this Idempotency-Key was used before with another request"
        assert error.reason == "idempotency_key"


def test_a_key_whose_request_is_still_running_asks_to_wait(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    computes: Any = cloud.zones.backend("default").computes
    create, refused = computes.create, []

    def slow(spec: ComputeSpec) -> Compute:
        refused.append(_refused(again))
        made: Compute = create(spec)
        return made

    def again() -> Any:
        return cloud.create(ADA, Compute, ComputeSpec(title="x"), idempotency_key="k")

    monkeypatch.setattr(computes, "create", slow)
    made = again()
    [error] = refused
    assert isinstance(error, Conflict)
    assert (
        error.message == "the first request with this Idempotency-Key is still running; try again in a moment"
    )
    assert [id for id, _ in cloud.locations(ADA, Compute)] == [made.resource.id]


def test_of_two_requests_with_one_key_at_once_the_second_is_told_to_wait(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = cloud.zones.collection

    def create() -> str:
        return cloud.create(ADA, Compute, ComputeSpec(), idempotency_key="k").resource.id

    def find_while_another_request_comes_first(zone: str, noun: Any) -> Any:
        monkeypatch.setattr(cloud.zones, "collection", find)
        create()
        return find(zone, noun)

    cloud.instance_types()
    monkeypatch.setattr(cloud.zones, "collection", find_while_another_request_comes_first)
    error = _refused(create)
    assert isinstance(error, Conflict)
    assert error.message == "the first request with this Idempotency-Key is still running"
    assert [id for id, _ in cloud.locations(ADA, Compute)] == [create()]


def _aged(cloud: Cloud, id: str, microseconds: int) -> None:
    with cloud.database.write() as tx:
        statement = update(resources).where(resources.c.id == id)
        tx.run(Query(statement.values(created=now() - microseconds)))


def test_a_key_is_good_for_24_hours(cloud: Cloud) -> None:
    def create() -> str:
        return cloud.create(ADA, Compute, ComputeSpec(), idempotency_key="k").resource.id

    machine = create()
    _aged(cloud, machine, DAY - 60_000_000)
    assert create() == machine
    _aged(cloud, machine, DAY)
    error = _refused(create)
    assert isinstance(error, Conflict)
    assert error.message == "this Idempotency-Key was used more than 24 hours ago; choose another"


def test_a_key_does_not_show_what_was_given_away(cloud: Cloud) -> None:
    def create() -> Any:
        return cloud.create(ADA, Compute, ComputeSpec(), idempotency_key="k").resource.id

    machine = create()
    cloud.share(ADMIN, Compute, machine, owner="eve", tenant="evil")
    error = _refused(create)
    assert isinstance(error, Conflict)
    assert "is not yours any more" in error.message


def test_a_failed_creation_gives_its_key_path_and_quota_back(make_site: Make) -> None:
    rule = {"noun": "compute", "operation": "create", "error": "unavailable", "title_matches": "^bad"}
    backends = {"default": {"driver": "sandbox", "failures": [rule]}}
    cloud = make_site(backends=backends, quotas={"user": {"ada": {"instances": 1}}}).cloud

    def create(title: str) -> Any:
        return cloud.create(ADA, Compute, ComputeSpec(title=title), path="/x", idempotency_key="k")

    assert isinstance(_refused(lambda: create("bad")), BackendUnavailable)
    assert cloud.overlays.making(now() + DAY) == []
    assert create("good").overlay.path == "/x"


def test_an_image_is_saved_by_its_machine_under_its_title(zoned: Cloud) -> None:
    machine = zoned.create(ADA, Compute, ComputeSpec(), zone="kvm").resource.id
    told: list[tuple[str, str]] = []
    zoned.door.observer = lambda zone, operation, outcome, seconds: told.append((zone, operation))
    image = zoned.create(ADA, Image, ImageSpec(title="mine", compute=machine))
    assert told == [("kvm", operation) for operation in ("compute.get", "image.get", "compute.save")]
    assert (image.resource.title, image.resource.compute) == ("mine", machine)
    assert image.overlay.kind == "image"
    assert zoned.get(ADA, Image, image.resource.id) == image


def test_an_image_is_saved_once_for_each_key(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    spec = ImageSpec(title="mine", compute=machine)
    image = cloud.create(ADA, Image, spec, idempotency_key="k")
    found = cloud.zones.backend("default").images.find(image.overlay.token)
    assert found is not None
    assert found.id == image.resource.id


def test_saving_an_image_takes_the_manage_right_on_the_machine(cloud: Cloud) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    cloud.share(ADA, Compute, machine, mode=0o604)
    error = _refused(lambda: cloud.create(BOB, Image, ImageSpec(title="mine", compute=machine)))
    assert isinstance(error, Forbidden)


def test_a_back_end_that_uses_the_separator_of_links_in_a_name_is_not_believed(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    computes: Any = cloud.zones.backend("default").computes
    create = computes.create
    monkeypatch.setattr(computes, "create", lambda spec: replace(create(spec), id="a~b"))
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec()))
    assert isinstance(error, BackendError)
    assert error.message == "the back end gave compute an identifier that cannot be used"
    assert cloud.overlays.get("compute", "a~b", "ada") is None
    [record] = cloud.audit.query(event="compute.create")
    assert (record["outcome"], record["reason"]) == ("failure", "backend_error")


def test_a_row_that_has_gone_while_the_back_end_worked_is_not_bound(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    volumes: Any = cloud.zones.collection("default", Volume)
    create = volumes.create

    def late(spec: VolumeSpec) -> Volume:
        [row] = cloud.overlays.making(now() + DAY)
        with cloud.database.write() as tx:
            cloud.overlays.release(tx, row)
        made: Volume = create(spec)
        return made

    monkeypatch.setattr(volumes, "create", late)
    error = _refused(lambda: cloud.create(ADA, Volume, VolumeSpec(size=GIB)))
    assert isinstance(error, BackendError)
    assert error.message == "the back end gave volume an identifier that cannot be used"


def test_a_link_that_cannot_be_remembered_is_not_made(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = cloud.create(ADA, Compute, ComputeSpec()).resource.id
    volume = cloud.create(ADA, Volume, VolumeSpec(size=GIB)).resource.id

    def down(*arguments: Any) -> Any:
        raise BackendUnavailable("the gateway's store cannot be reached now", reason="store_unavailable")

    monkeypatch.setattr(cloud.door, "remembered", down)
    error = _refused(
        lambda: cloud.create(
            ADA, Attachment, AttachmentSpec(compute=machine, volume=volume), extra={"attributes": {"a.b": 1}}
        )
    )
    assert isinstance(error, BackendUnavailable)
    assert cloud.get(ADA, Compute, machine).resource.attachments == ()


def test_an_identifier_that_another_has_is_the_back_ends_mistake(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cloud.create(ADA, Compute, ComputeSpec()).resource
    collection: Any = cloud.zones.collection("default", Compute)
    monkeypatch.setattr(collection, "create", lambda spec: first)
    error = _refused(lambda: cloud.create(ADA, Compute, ComputeSpec()))
    assert isinstance(error, BackendError)
    assert "an identifier that another one has" in error.message

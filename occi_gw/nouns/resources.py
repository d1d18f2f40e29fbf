"""Network and storage (GFD.184 sections 3.2 and 3.3), IP reservations and security groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from gateway.cloud import Held
from gateway.model import (
    INTERFACE_ACTIONS,
    NETWORK_ACTIONS,
    VOLUME_ACTIONS,
    Address,
    AddressSpec,
    Forbidden,
    InvalidRequest,
    Network,
    NetworkSpec,
    SecurityGroup,
    SecurityGroupSpec,
    Volume,
    VolumeSpec,
    allowed_actions,
)
from occi_gw import vocabulary as v
from occi_gw.mapping import (
    ADDRESS_FIELDS,
    IPNETWORK_FIELDS,
    LINK_STATES,
    NETWORK_FIELDS,
    NETWORK_STATES,
    OSNETWORK_FIELDS,
    SECURITYGROUP_FIELDS,
    STORAGE_FIELDS,
    VOLUME_STATES,
    Field,
    gibibytes,
    read_field,
)
from occi_gw.nouns.base import Noun, Wish
from occi_gw.rendering.values import Action, Entity, Mixin, Value
from occi_gw.scene import Incoming, Scene


class NetworkNoun(Noun[Network]):
    type = Network
    fields = NETWORK_FIELDS
    mixin_fields: ClassVar[Mapping[str, tuple[Field, ...]]] = {
        v.IPNETWORK.identifier: IPNETWORK_FIELDS,
        v.OSNETWORK.identifier: OSNETWORK_FIELDS,
    }
    actions: ClassVar[Mapping[str, str]] = {action.identifier: action.term for action in (v.UP, v.DOWN)}

    def wish(self, attributes: Mapping[str, Value], present: Entity | None = None) -> Wish:
        [version] = OSNETWORK_FIELDS
        found = super().wish({n: value for n, value in attributes.items() if n != version.name}, present)
        if version.name not in attributes:
            return found
        if present is not None:
            raise Forbidden(f"{version.name} is immutable: the address range tells it", reason="immutable")
        wanted, given = read_field(version, attributes[version.name]), found.fields.get("range")
        if given is None or version.write(given) != wanted:
            raise InvalidRequest(
                f"{version.name}: {wanted} is not the version of occi.network.address", field="range"
            )
        return found

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> NetworkSpec:
        return NetworkSpec(**wish.fields)

    def state_of(self, resource: Network) -> tuple[str, str | None]:
        return NETWORK_STATES[resource.state], resource.state_message

    def allowed(self, resource: Network) -> Sequence[str]:
        return allowed_actions(NETWORK_ACTIONS, resource.state)

    def mixins_of(self, scene: Scene, held: Held[Network]) -> list[Mixin]:
        model, found = scene.model, []
        if held.resource.range is not None:
            found.append(model.mixins[v.IPNETWORK.identifier])
        if held.overlay.zone in model.zone_mixins:
            found.append(model.zone_mixins[held.overlay.zone])
        return found


class StorageNoun(Noun[Volume]):
    type = Volume
    fields = STORAGE_FIELDS
    actions: ClassVar[Mapping[str, str]] = {
        action.identifier: action.term for action in (v.ONLINE, v.OFFLINE, v.BACKUP, v.SNAPSHOT, v.RESIZE)
    }

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> VolumeSpec:
        if "size" not in wish.fields:
            raise InvalidRequest("occi.storage.size is missing; give the size in GiB", field="size")
        return VolumeSpec(**wish.fields)

    def state_of(self, resource: Volume) -> tuple[str, str | None]:
        return VOLUME_STATES[resource.state], resource.state_message

    def allowed(self, resource: Volume) -> Sequence[str]:
        return allowed_actions(VOLUME_ACTIONS, resource.state)

    def mixins_of(self, scene: Scene, held: Held[Volume]) -> list[Mixin]:
        zone = scene.model.zone_mixins.get(held.overlay.zone)
        return [zone] if zone is not None else []

    def parameters(self, action: Action, attributes: Mapping[str, Value]) -> dict[str, Any]:
        found = super().parameters(action, attributes)
        if action.term != v.RESIZE.term:
            return found
        if "size" not in found:
            raise InvalidRequest("size is missing; give the new size in GiB", field="size")
        try:
            return {"size": gibibytes(found["size"])}
        except ValueError as error:
            raise InvalidRequest(f"size: {found['size']!r} is not {error}", field="size") from None


class ReservationNoun(Noun[Address]):
    """An address of a floating pool, reserved (rOCCI 5, ooi)."""

    type = Address
    fields = ADDRESS_FIELDS
    actions: ClassVar[Mapping[str, str]] = {
        action.identifier: action.term for action in (v.RESERVATION_UP, v.RESERVATION_DOWN)
    }

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> AddressSpec:
        pools = [
            scene.model.pools[m.identifier] for m in incoming.mixins if m.identifier in scene.model.pools
        ]
        if not pools:
            pools = list(scene.model.pools.values())
        if len(pools) != 1:
            raise InvalidRequest(
                "Category: name exactly one pool, a mixin that depends on floatingippool", field="category"
            )
        fields = {name: wish.fields[name] for name in ("title", "address") if name in wish.fields}
        return AddressSpec(pool=pools[0], **fields)

    def state_of(self, resource: Address) -> tuple[str, str | None]:
        return LINK_STATES[resource.state], resource.state_message

    def allowed(self, resource: Address) -> Sequence[str]:
        return allowed_actions(INTERFACE_ACTIONS, resource.state)

    def mixins_of(self, scene: Scene, held: Held[Address]) -> list[Mixin]:
        model = scene.model
        for identifier, pool in model.pools.items():
            if pool == held.resource.pool:
                return [model.mixins[identifier]]
        return []


class SecurityGroupNoun(Noun[SecurityGroup]):
    type = SecurityGroup
    fields = SECURITYGROUP_FIELDS

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> SecurityGroupSpec:
        if "rules" not in wish.fields:
            raise InvalidRequest(
                "occi.securitygroup.rules is missing; give a list, it may be empty", field="rules"
            )
        return SecurityGroupSpec(**wish.fields)

    def state_of(self, resource: SecurityGroup) -> tuple[str, str | None]:
        return LINK_STATES[resource.state], None

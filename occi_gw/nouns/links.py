"""Links that start at a compute: networkinterface, storagelink (GFD.184 section 3.4), securitygrouplink."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Generic, TypeVar

from gateway.cloud import Held
from gateway.model import (
    ATTACHMENT_ACTIONS,
    INTERFACE_ACTIONS,
    LINK_SEPARATOR,
    Address,
    Attachment,
    AttachmentSpec,
    Compute,
    Conflict,
    Forbidden,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NotFound,
    Resource,
    SecurityGroup,
    Volume,
    allowed_actions,
    shorten,
)
from gateway.store.tags import Tag
from occi_gw import vocabulary as v
from occi_gw.mapping import (
    ATTACHMENT_FIELDS,
    INTERFACE_FIELDS,
    IPINTERFACE_FIELDS,
    LINK_STATES,
    Field,
    text,
)
from occi_gw.nouns.base import Made, Noun, Wish
from occi_gw.rendering import Rendered, Rendering
from occi_gw.rendering.values import Action, Entity, LinkRendering, Mixin, Value
from occi_gw.scene import Incoming, Scene

L = TypeVar("L", Attachment, Interface)

_SOURCE, _TARGET = "occi.core.source", "occi.core.target"
_ENDS = frozenset({_SOURCE, _TARGET, "occi.core.source.kind", "occi.core.target.kind"})


def _no_path(path: str | None, location: str) -> None:
    """Raises InvalidRequest: what a link joins is its identifier, so nobody can choose another."""
    if path is not None:
        raise InvalidRequest(
            f"{shorten(path)}: the server names links; POST to {location} makes one", field="path"
        )


def _require_ends(scene: Scene, attributes: Mapping[str, Value], present: Entity) -> None:
    """Raises Forbidden for another source or target than the link has."""
    for name, end in ((_SOURCE, present.source), (_TARGET, present.target)):
        if name in attributes and not scene.same_place(text(attributes[name]), end or ""):
            raise Forbidden(f"{name} does not change; delete the link and make another", reason="immutable")


def _is_there(scene: Scene, noun: Noun[Any], id: str) -> bool:
    """Whether an identifier that joins two others is that of an entity of a noun."""
    if LINK_SEPARATOR not in id:
        return False
    try:
        noun.get(scene, id)
    except NotFound:
        return False
    return True


class LinkNoun(Noun[L], Generic[L]):
    """What the two links of the infrastructure share."""

    #: Nouns that a link of this kind may lead to.
    targets: tuple[type[Resource], ...]

    def has(self, scene: Scene, id: str) -> bool:
        return _is_there(scene, self, id)

    def create(self, scene: Scene, incoming: Incoming, path: str | None = None) -> Made:
        _no_path(path, self.location)
        return super().create(scene, incoming)

    def wish(self, attributes: Mapping[str, Value], present: Entity | None = None) -> Wish:
        rest = {name: value for name, value in attributes.items() if name not in _ENDS}
        return super().wish(rest, present)

    def fresh(self, scene: Scene, attributes: Mapping[str, Value], present: Entity) -> Mapping[str, Value]:
        _require_ends(scene, attributes, present)
        return super().fresh(scene, attributes, present)

    def check_target(self, target: Noun[Any]) -> None:
        if target.type not in self.targets:
            raise InvalidRequest(
                f"{_TARGET}: a {self.kind.term} does not lead to a {target.kind.term}", field="target"
            )

    def source(self, scene: Scene, attributes: Mapping[str, Value]) -> str:
        """The compute that a new link starts at. Raises InvalidRequest, NotFound."""
        noun, id = self._end(scene, attributes, _SOURCE)
        if noun.type is not Compute:
            raise InvalidRequest(f"{_SOURCE}: a {self.kind.term} starts at a compute", field="source")
        return id

    def target(self, scene: Scene, attributes: Mapping[str, Value]) -> tuple[Noun[Any], str]:
        """Where a new link leads to. Raises InvalidRequest, NotFound."""
        noun, id = self._end(scene, attributes, _TARGET)
        self.check_target(noun)
        return noun, id

    def _end(self, scene: Scene, attributes: Mapping[str, Value], name: str) -> tuple[Noun[Any], str]:
        if name not in attributes:
            raise InvalidRequest(f"{name} is missing; it names an end of the link", field=name)
        return scene.locate(text(attributes[name]))

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> Any:
        return replace(self.spec_of(scene, incoming), compute=self.source(scene, incoming.attributes))

    def spec_of(self, scene: Scene, incoming: Incoming) -> Any:
        """The specification without its compute."""
        raise NotImplementedError

    def create_between(self, scene: Scene, compute: str, incoming: Incoming) -> None:
        """Make a link of an existing compute."""
        self.check_mixins(incoming.mixins)
        wish = self.wish(incoming.attributes)
        spec = replace(self.spec_of(scene, incoming), compute=compute)
        scene.cloud.create(scene.caller, self.type, spec, extra=self.extra(incoming.mixins, wish, scene))

    def state_of(self, resource: L) -> tuple[str, str | None]:
        return LINK_STATES[resource.state], resource.state_message

    def target_of(self, scene: Scene, resource: L) -> tuple[str, str]:
        """(path, kind) of where the link leads to."""
        raise NotImplementedError

    def ends_of(self, scene: Scene, held: Held[L]) -> tuple[str, str, str, str]:
        compute = v.COMPUTE.identifier
        return (scene.home(compute, held.resource.compute), compute, *self.target_of(scene, held.resource))

    def inside(self, scene: Scene, source: str, resource: L) -> LinkRendering:
        """The link as the compute shows it."""
        attributes: dict[str, Value] = {}
        for field in self.fields:
            value = getattr(resource, field.field)
            if value is not None:
                attributes[field.name] = field.write(value)
        attributes[f"occi.{self.kind.term}.state"] = LINK_STATES[resource.state]
        mixins = self.mixins_by_data(scene, resource)
        for mixin in mixins:
            for field in self.mixin_fields.get(mixin.identifier, ()):
                value = getattr(resource, field.field)
                if value is not None:
                    attributes[field.name] = field.write(value)
        target, target_kind = self.target_of(scene, resource)
        return LinkRendering(
            id=resource.id,
            location=self.location + resource.id,
            kind=self.kind,
            mixins=mixins,
            source=source,
            source_kind=v.COMPUTE.identifier,
            target=target,
            target_kind=target_kind,
            attributes=attributes,
        )

    def mixins_by_data(self, scene: Scene, resource: L) -> tuple[Mixin, ...]:
        return ()


class AttachmentNoun(LinkNoun[Attachment]):
    type = Attachment
    targets = (Volume,)
    fields = ATTACHMENT_FIELDS
    actions: ClassVar[Mapping[str, str]] = {
        a.identifier: a.term for a in (v.ATTACHMENT_ONLINE, v.ATTACHMENT_OFFLINE)
    }

    def spec_of(self, scene: Scene, incoming: Incoming) -> AttachmentSpec:
        wish = self.wish(incoming.attributes).fields
        return AttachmentSpec(
            volume=self.target(scene, incoming.attributes)[1],
            device=wish.get("device"),
            mountpoint=wish.get("mountpoint"),
        )

    def target_of(self, scene: Scene, resource: Attachment) -> tuple[str, str]:
        return scene.home(v.STORAGE.identifier, resource.volume), v.STORAGE.identifier

    def allowed(self, resource: Attachment) -> Sequence[str]:
        return allowed_actions(ATTACHMENT_ACTIONS, resource.state)


class InterfaceNoun(LinkNoun[Interface]):
    type = Interface
    targets = (Network, Address)
    fields = INTERFACE_FIELDS
    mixin_fields: ClassVar[Mapping[str, tuple[Field, ...]]] = {
        v.IPNETWORKINTERFACE.identifier: IPINTERFACE_FIELDS
    }
    actions: ClassVar[Mapping[str, str]] = {a.identifier: a.term for a in (v.INTERFACE_UP, v.INTERFACE_DOWN)}

    def spec_of(self, scene: Scene, incoming: Incoming) -> InterfaceSpec:
        wish = self.wish(incoming.attributes).fields
        noun, id = self.target(scene, incoming.attributes)
        pools = [
            scene.model.pools[m.identifier] for m in incoming.mixins if m.identifier in scene.model.pools
        ]
        reserved = noun.type is Address
        return InterfaceSpec(
            network="" if reserved else id,
            reservation=id if reserved else None,
            device=wish.get("device"),
            mac=wish.get("mac"),
            address=wish.get("address"),
            pool=pools[0] if pools and not reserved else None,
        )

    def target_of(self, scene: Scene, resource: Interface) -> tuple[str, str]:
        if resource.reservation is not None:
            return scene.home(v.IPRESERVATION.identifier, resource.reservation), v.IPRESERVATION.identifier
        return scene.home(v.NETWORK.identifier, resource.network), v.NETWORK.identifier

    def mixins_by_data(self, scene: Scene, resource: Interface) -> tuple[Mixin, ...]:
        if resource.address is None:
            return ()
        return (scene.model.mixins[v.IPNETWORKINTERFACE.identifier],)

    def mixins_of(self, scene: Scene, held: Held[Interface]) -> list[Mixin]:
        return list(self.mixins_by_data(scene, held.resource))

    def remembered(self, mixins: Sequence[Mixin], scene: Scene) -> list[str]:
        """The address itself tells of ipnetworkinterface."""
        kept = super().remembered(mixins, scene)
        return [name for name in kept if name != v.IPNETWORKINTERFACE.identifier]

    def allowed(self, resource: Interface) -> Sequence[str]:
        return allowed_actions(INTERFACE_ACTIONS, resource.state)


class OfCompute(Noun[Compute]):
    """Entities that are not stored anywhere: what a compute's own data say."""

    type = Compute
    deletable = False

    @property
    def row_kind(self) -> str:
        return ""

    def has(self, scene: Scene, id: str) -> bool:
        return _is_there(scene, self, id)

    def of_compute(self, scene: Scene, source: str, compute: Compute) -> Sequence[Any]:
        """The entities that this compute gives rise to."""
        raise NotImplementedError

    def entities(self, scene: Scene, ids: Sequence[str] | None = None) -> Iterator[Entity]:
        computes = scene.cloud.list(scene.caller, Compute)
        found = (entity for held in computes for entity in self._entities_of(scene, held))
        return found if ids is None else (entity for entity in found if entity.id in ids)

    def _entities_of(self, scene: Scene, held: Held[Compute]) -> Sequence[Entity]:
        source = scene.nouns[v.COMPUTE.identifier].place(held.resource.id, held.overlay)
        return [as_entity(link) for link in self.of_compute(scene, source, held.resource)]

    def paths(self, scene: Scene, *, owned: bool = False, tag: Tag | None = None) -> Sequence[str]:
        return [self.location + id for id in self.ids(scene, owned=owned, tag=tag)]

    def ids(self, scene: Scene, *, owned: bool = False, tag: Tag | None = None) -> Sequence[str]:
        if tag is not None:
            return []
        held = scene.cloud.list(scene.caller, Compute, owned=owned)
        return [entity.id for one in held for entity in self._entities_of(scene, one)]

    def show(self, scene: Scene, id: str, outgoing: Rendering) -> Rendered:
        return outgoing.entity(self.get(scene, id))

    def get(self, scene: Scene, id: str) -> Entity:
        held = scene.cloud.get(scene.caller, Compute, id.partition(LINK_SEPARATOR)[0])
        for entity in self._entities_of(scene, held):
            if entity.id == id:
                return entity
        raise NotFound(f"no {self.kind.term} {shorten(id)}")

    def create(self, scene: Scene, incoming: Incoming, path: str | None = None) -> Made:
        raise Forbidden(f"a {self.kind.term} is made by the provider only")

    def update(self, scene: Scene, id: str, incoming: Incoming, *, full: bool) -> Entity:
        """Nothing of it can change; what is sent back unchanged is taken."""
        present = self.get(scene, id)
        if any(m not in present.mixins for m in incoming.mixins):
            raise Forbidden(f"a {self.kind.term} takes no mixins")
        _require_ends(scene, incoming.attributes, present)
        ignored = {*_ENDS, "occi.core.id"}
        rest = {n: value for n, value in incoming.attributes.items() if n not in ignored}
        fresh = self.fresh(scene, rest, present)
        wish = self.wish(fresh, present)
        if wish.fields or wish.foreign:
            names = ", ".join(fresh)
            raise Forbidden(f"{shorten(names)}: a {self.kind.term} does not change", reason="immutable")
        return present

    def act(self, scene: Scene, id: str, action: Action, attributes: Mapping[str, Value]) -> Mixin | None:
        self.get(scene, id)
        self.action_name(action)
        return None

    def delete(self, scene: Scene, id: str) -> None:
        self.get(scene, id)
        self.check_delete(scene, [id])

    def check_delete(self, scene: Scene, ids: Sequence[str]) -> None:
        if ids and not self.deletable:
            raise Forbidden(f"a {self.kind.term} goes with its compute")
        computes = {id.partition(LINK_SEPARATOR)[0] for id in ids}
        scene.cloud.check_delete(scene.caller, Compute, sorted(computes))


class SecurityGroupLinkNoun(OfCompute):
    """A security group of a compute; the identifier joins the two."""

    deletable = True

    def of_compute(self, scene: Scene, source: str, compute: Compute) -> Sequence[LinkRendering]:
        return [
            LinkRendering(
                id=f"{compute.id}{LINK_SEPARATOR}{group}",
                location=f"{self.location}{compute.id}{LINK_SEPARATOR}{group}",
                kind=self.kind,
                mixins=(),
                source=source,
                source_kind=v.COMPUTE.identifier,
                target=scene.home(v.SECURITYGROUP.identifier, group),
                target_kind=v.SECURITYGROUP.identifier,
                attributes={"occi.securitygrouplink.state": "active"},
            )
            for group in compute.security_groups
        ]

    def check_target(self, target: Noun[Any]) -> None:
        if target.type is not SecurityGroup:
            raise InvalidRequest(
                f"{_TARGET}: a {self.kind.term} does not lead to a {target.kind.term}", field="target"
            )

    def create(self, scene: Scene, incoming: Incoming, path: str | None = None) -> Made:
        _no_path(path, self.location)
        self.check_mixins(incoming.mixins)
        for name in (_SOURCE, _TARGET):
            if name not in incoming.attributes:
                raise InvalidRequest(f"{name} is missing; it names an end of the link", field=name)
        source, compute = scene.locate(text(incoming.attributes[_SOURCE]))
        if source.type is not Compute:
            raise InvalidRequest(f"{_SOURCE}: a {self.kind.term} starts at a compute", field="source")
        id = self._put(scene, compute, incoming)
        return Made(self, id, self.location + id)

    def create_between(self, scene: Scene, compute: str, incoming: Incoming) -> None:
        self._put(scene, compute, incoming)

    def _put(self, scene: Scene, compute: str, incoming: Incoming) -> str:
        target, group = scene.locate(text(incoming.attributes[_TARGET]))
        self.check_target(target)
        present = scene.cloud.get(scene.caller, Compute, compute).resource.security_groups
        if group in present and scene.idempotency_key is None:
            raise Conflict(f"compute {shorten(compute)} has security group {shorten(group)} already")
        if group not in present:
            scene.cloud.update(scene.caller, Compute, compute, {"security_groups": (*present, group)})
        return f"{compute}{LINK_SEPARATOR}{group}"

    def delete(self, scene: Scene, id: str) -> None:
        compute, _, group = id.partition(LINK_SEPARATOR)
        present = scene.cloud.get(scene.caller, Compute, compute).resource.security_groups
        if group not in present:
            raise NotFound(f"no {self.kind.term} {shorten(id)}")
        rest = tuple(other for other in present if other != group)
        scene.cloud.update(scene.caller, Compute, compute, {"security_groups": rest})


def as_entity(link: LinkRendering | Entity) -> Entity:
    """A link as the entity that it is."""
    if isinstance(link, Entity):
        return link
    return Entity(
        id=link.id,
        location=link.location,
        kind=link.kind,
        mixins=link.mixins,
        attributes=link.attributes,
        source=link.source,
        source_kind=link.source_kind,
        target=link.target,
        target_kind=link.target_kind,
    )

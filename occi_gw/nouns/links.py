"""Links that start at a compute: networkinterface and storagelink (GFD.184 section 3.4)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
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
    Forbidden,
    Interface,
    InterfaceSpec,
    InvalidRequest,
    Network,
    NotFound,
    Resource,
    Volume,
    allowed_actions,
    shorten,
)
from occi_gw import vocabulary as v
from occi_gw.mapping import (
    ATTACHMENT_FIELDS,
    INTERFACE_FIELDS,
    IPINTERFACE_FIELDS,
    LINK_STATES,
    Field,
    text,
)
from occi_gw.nouns.attributes import Wish
from occi_gw.nouns.base import Made, Noun
from occi_gw.rendering.values import Entity, LinkRendering, Mixin, Value
from occi_gw.scene import Incoming, Scene

L = TypeVar("L", Attachment, Interface)

SOURCE, TARGET = "occi.core.source", "occi.core.target"
ENDS = frozenset({SOURCE, TARGET, "occi.core.source.kind", "occi.core.target.kind"})


def no_path(path: str | None, location: str) -> None:
    """Raises InvalidRequest: what a link joins is its identifier, so nobody can choose another."""
    if path is not None:
        raise InvalidRequest(
            f"{shorten(path)}: the server names links; POST to {location} makes one", field="path"
        )


def require_ends(scene: Scene, attributes: Mapping[str, Value], present: Entity) -> None:
    """Raises Forbidden for another source or target than the link has."""
    for name, end in ((SOURCE, present.source), (TARGET, present.target)):
        if name in attributes and not scene.same_place(text(attributes[name]), end or ""):
            raise Forbidden(f"{name} does not change; delete the link and make another", reason="immutable")


def is_there(scene: Scene, noun: Noun[Any], id: str) -> bool:
    """Whether an identifier that joins two others is that of an entity of a noun."""
    if LINK_SEPARATOR not in id:
        return False
    try:
        noun.get(scene, id)
    except NotFound:
        return False
    return True


class LinkNoun(Noun[L], ABC, Generic[L]):
    """What the two links of the infrastructure share."""

    #: Nouns that a link of this kind may lead to.
    targets: tuple[type[Resource], ...]

    def has(self, scene: Scene, id: str) -> bool:
        return is_there(scene, self, id)

    def create(self, scene: Scene, incoming: Incoming, path: str | None = None) -> Made:
        no_path(path, self.location)
        return super().create(scene, incoming)

    def wish(self, attributes: Mapping[str, Value], present: Entity | None = None) -> Wish:
        rest = {name: value for name, value in attributes.items() if name not in ENDS}
        return super().wish(rest, present)

    def fresh(self, scene: Scene, attributes: Mapping[str, Value], present: Entity) -> Mapping[str, Value]:
        require_ends(scene, attributes, present)
        return super().fresh(scene, attributes, present)

    def check_target(self, target: Noun[Any]) -> None:
        if target.type not in self.targets:
            raise InvalidRequest(
                f"{TARGET}: a {self.kind.term} does not lead to a {target.kind.term}", field="target"
            )

    def source(self, scene: Scene, attributes: Mapping[str, Value]) -> str:
        """The compute that a new link starts at. Raises InvalidRequest, NotFound."""
        noun, id = self._end(scene, attributes, SOURCE)
        if noun.type is not Compute:
            raise InvalidRequest(f"{SOURCE}: a {self.kind.term} starts at a compute", field="source")
        return id

    def target(self, scene: Scene, attributes: Mapping[str, Value]) -> tuple[Noun[Any], str]:
        """Where a new link leads to. Raises InvalidRequest, NotFound."""
        noun, id = self._end(scene, attributes, TARGET)
        self.check_target(noun)
        return noun, id

    def _end(self, scene: Scene, attributes: Mapping[str, Value], name: str) -> tuple[Noun[Any], str]:
        if name not in attributes:
            raise InvalidRequest(f"{name} is missing; it names an end of the link", field=name)
        return scene.locate(text(attributes[name]))

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> Any:
        return replace(self.spec_of(scene, incoming), compute=self.source(scene, incoming.attributes))

    @abstractmethod
    def spec_of(self, scene: Scene, incoming: Incoming) -> Any:
        """The specification without its compute."""

    def create_between(self, scene: Scene, compute: str, incoming: Incoming) -> Made:
        """Make a link of an existing compute."""
        wish = self.wish(incoming.attributes)
        spec = replace(self.spec_of(scene, incoming), compute=compute)
        extra = self.extra(incoming.mixins, wish, scene)
        id = scene.cloud.create(scene.caller, self.type, spec, extra=extra).resource.id
        return Made(self, id, self.location + id)

    def state_of(self, resource: L) -> tuple[str, str | None]:
        return LINK_STATES[resource.state], resource.state_message

    @abstractmethod
    def target_of(self, scene: Scene, resource: L) -> tuple[str, str]:
        """(path, kind) of where the link leads to."""

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

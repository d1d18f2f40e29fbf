"""Entities that a compute's own data give rise to: its security group links, its consoles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.cloud import Held
from gateway.model import (
    LINK_SEPARATOR,
    Compute,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    SecurityGroup,
    shorten,
)
from gateway.store.tags import Tag
from occi_gw import vocabulary as v
from occi_gw.mapping import text
from occi_gw.nouns.base import Made, Noun
from occi_gw.nouns.links import ENDS, SOURCE, TARGET, is_there, no_path, require_ends
from occi_gw.rendering import Rendered, Rendering
from occi_gw.rendering.values import Action, Entity, LinkRendering, Mixin, Value
from occi_gw.scene import Incoming, Scene


class OfCompute(Noun[Compute], ABC):
    """Entities that are not stored anywhere: what a compute's own data say."""

    type = Compute
    deletable = False

    @property
    def row_kind(self) -> str:
        return ""

    def has(self, scene: Scene, id: str) -> bool:
        return is_there(scene, self, id)

    @abstractmethod
    def of_compute(self, scene: Scene, source: str, compute: Compute) -> Sequence[Any]:
        """The entities that this compute gives rise to."""

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
        require_ends(scene, incoming.attributes, present)
        ignored = {*ENDS, "occi.core.id"}
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
                f"{TARGET}: a {self.kind.term} does not lead to a {target.kind.term}", field="target"
            )

    def create(self, scene: Scene, incoming: Incoming, path: str | None = None) -> Made:
        no_path(path, self.location)
        self.check_mixins(incoming.mixins)
        for name in (SOURCE, TARGET):
            if name not in incoming.attributes:
                raise InvalidRequest(f"{name} is missing; it names an end of the link", field=name)
        source, compute = scene.locate(text(incoming.attributes[SOURCE]))
        if source.type is not Compute:
            raise InvalidRequest(f"{SOURCE}: a {self.kind.term} starts at a compute", field="source")
        return self._put(scene, compute, incoming)[0]

    def create_between(self, scene: Scene, compute: str, incoming: Incoming) -> Made | None:
        """Make a link of an existing compute; None where it was there."""
        made, new = self._put(scene, compute, incoming)
        return made if new else None

    def _put(self, scene: Scene, compute: str, incoming: Incoming) -> tuple[Made, bool]:
        """The link, and whether it is new."""
        target, group = scene.locate(text(incoming.attributes[TARGET]))
        self.check_target(target)
        new = False

        def joined(present: Sequence[str]) -> Sequence[str]:
            nonlocal new
            new = group not in present
            if new:
                return (*present, group)
            if scene.idempotency_key is None:
                raise Conflict(f"compute {shorten(compute)} has security group {shorten(group)} already")
            return present

        scene.cloud.update(scene.caller, Compute, compute, {"security_groups": joined})
        id = f"{compute}{LINK_SEPARATOR}{group}"
        return Made(self, id, self.location + id), new

    def delete(self, scene: Scene, id: str) -> None:
        compute, _, group = id.partition(LINK_SEPARATOR)

        def left(present: Sequence[str]) -> Sequence[str]:
            if group not in present:
                raise NotFound(f"no {self.kind.term} {shorten(id)}")
            return tuple(other for other in present if other != group)

        scene.cloud.update(scene.caller, Compute, compute, {"security_groups": left})


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

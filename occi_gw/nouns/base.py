"""What all nouns share: attributes by table, creating, updating, acting, rendering.

A noun is the bridge between one OCCI kind and one type of the common model. Every method takes the
``Scene`` of the request.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from gateway.cloud import KINDS, LINKS, Held
from gateway.model import Conflict, Forbidden, GatewayError, InvalidRequest, Resource, shorten
from gateway.store.overlay import Overlay
from gateway.store.tags import Tag
from occi_gw.mapping import ALIASES, CORE_FIELDS, Field, read_field
from occi_gw.nouns.attributes import (
    IGNORED,
    STATE,
    Wish,
    check_parameters,
    ids_of,
    limit_links,
    same,
    within_limit,
)
from occi_gw.nouns.places import check_place
from occi_gw.nouns.updates import linked, retag
from occi_gw.nouns.updates import plan as plan_of
from occi_gw.registry import Model
from occi_gw.rendering import Rendered, Rendering
from occi_gw.rendering.values import (
    Action,
    Entity,
    Kind,
    LinkLine,
    LinkRendering,
    Mixin,
    Value,
)
from occi_gw.scene import Incoming, Scene
from occi_gw.vocabulary import EXCLUSIVE

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Made:
    """An entity that has just been made."""

    noun: Noun[Any]
    id: str
    path: str


#: Entities whose rendering is kept, for each kind.
REMEMBERED = 1024


class Noun(Generic[R]):
    """One kind of entity."""

    kind: Kind
    type: type[R]
    fields: ClassVar[tuple[Field, ...]] = ()
    #: Attributes of mixins that the noun understands: mixin identifier -> fields.
    mixin_fields: ClassVar[Mapping[str, tuple[Field, ...]]] = {}
    #: OCCI action identifier -> the model's action.
    actions: ClassVar[Mapping[str, str]] = {}

    #: Whether deleting one does something by itself.
    deletable: ClassVar[bool] = True
    #: Term of an action -> the state in which it has nothing to do.
    idle_states: ClassVar[Mapping[str, str]] = {
        "start": "active",
        "stop": "inactive",
        "suspend": "suspended",
        "up": "active",
        "down": "inactive",
        "online": "online",
        "offline": "offline",
    }

    def __init__(self, kind: Kind) -> None:
        assert kind.location is not None
        self.kind = kind
        self.location = kind.location
        self.core = CORE_FIELDS
        self.by_name = {field.name: field for field in self._all_fields()}
        self._shown: dict[tuple[str, Rendering], tuple[R, Overlay, Model, Rendered]] = {}
        self._listed: tuple[Sequence[tuple[str, str | None]], Sequence[str]] = ((), ())
        self._by_action = {
            self.actions[action.identifier]: action
            for action in kind.actions
            if action.identifier in self.actions
        }

    def _all_fields(self) -> Iterable[Field]:
        yield from self.core
        yield from self.fields
        for fields in self.mixin_fields.values():
            yield from fields

    @property
    def row_kind(self) -> str:
        return KINDS.get(self.type) or LINKS[self.type]

    # Reading

    def place(self, id: str, row: Overlay | None = None) -> str:
        """The path of an entity."""
        return row.path if row is not None and row.path else self.location + id

    def paths(self, scene: Scene, *, owned: bool = False, tag: Tag | None = None) -> Sequence[str]:
        """The paths of all entities that the caller may use (``owned``: owns)."""
        found = scene.cloud.locations(scene.caller, self.type, owned=owned, tag=tag)
        of, paths = self._listed  # the door gives the same list again while nothing has changed
        if of is not found:
            location = self.location
            paths = [path or location + id for id, path in found]
            self._listed = found, paths
        return paths

    def ids(self, scene: Scene, *, owned: bool = False, tag: Tag | None = None) -> Sequence[str]:
        return [id for id, _ in scene.cloud.locations(scene.caller, self.type, owned=owned, tag=tag)]

    def entities(self, scene: Scene, ids: Sequence[str] | None = None) -> Iterator[Entity]:
        """All entities, or those with these ids, in order of creation.

        The back end has answered when this returns; each entity is built when it is taken.
        """
        wanted = None if ids is None else frozenset(ids)
        held = scene.cloud.list(scene.caller, self.type, ids=wanted)
        return (self.entity(scene, one) for one in held)

    def has(self, scene: Scene, id: str) -> bool:
        """Whether the caller may use an entity of this kind with this id."""
        return scene.cloud.knows(scene.caller, self.type, id)

    def get(self, scene: Scene, id: str) -> Entity:
        """Raises NotFound."""
        return self.entity(scene, scene.cloud.get(scene.caller, self.type, id))

    def show(self, scene: Scene, id: str, outgoing: Rendering) -> Rendered:
        """One entity as an answer; what has not changed is not rendered again, clients poll.

        Raises NotFound.
        """
        held = scene.cloud.get(scene.caller, self.type, id)
        resource, row, model = held.resource, held.overlay, scene.model
        if row.tags:
            return outgoing.entity(self.entity(scene, held))
        known = self._shown.get((id, outgoing))
        if known is not None and known[2] is model and known[0] == resource and known[1] == row:
            return known[3]
        rendered = outgoing.entity(self.entity(scene, held))
        if len(self._shown) >= REMEMBERED:
            self._shown.clear()
        self._shown[id, outgoing] = (resource, row, model, rendered)
        return rendered

    # Changing

    def create(self, scene: Scene, incoming: Incoming, path: str | None = None) -> Made:
        """Make an entity, at a path of the client's choice if there is one.

        Raises InvalidRequest, NotFound, Forbidden, Conflict, QuotaExceeded, AlreadyExists.
        """
        self.check_mixins(incoming.mixins)
        limit_links(incoming.links)
        if path is not None:
            check_place(scene, self, path)
        wish = self.wish(incoming.attributes)
        spec = self.spec(scene, incoming, wish)
        held = scene.cloud.create(
            scene.caller,
            self.type,
            spec,
            zone=self.zone(scene, incoming.mixins),
            path=path,
            extra=self.extra(incoming.mixins, wish, scene),
            idempotency_key=scene.idempotency_key,
        )
        self._complete(scene, incoming, held)
        return Made(self, held.resource.id, self.place(held.resource.id, held.overlay))

    def _complete(self, scene: Scene, incoming: Incoming, held: Held[R]) -> None:
        """Remember what needs the identifier; where that fails the entity goes away again."""
        try:
            self.after_create(scene, incoming, held)
            for mixin in incoming.mixins:
                tag = scene.tagged.tags.get(mixin.identifier)
                if tag is not None:
                    scene.cloud.tag(scene.caller, tag, [(self.type, held.resource.id)], exact=False)
        except BaseException:
            # With a key it may be what an earlier request has made, in use by now. The client is to repeat a
            # request with a key that has failed, and that completes what is left to do.
            if scene.idempotency_key is None:
                with suppress(GatewayError):  # the client is told of the first error
                    self.delete(scene, held.resource.id)
            raise

    def after_create(self, scene: Scene, incoming: Incoming, held: Held[R]) -> None:
        """What can be remembered only when the entity has its identifier."""

    def update(self, scene: Scene, id: str, incoming: Incoming, *, full: bool) -> Entity:
        """Change what is sent; with ``full`` also clear what is not (GFD.223, full update).

        Raises NotFound, InvalidRequest, Forbidden (immutable), QuotaExceeded, InvalidState.
        """
        plan = plan_of(self, scene, id, incoming, full=full)
        with linked(self, scene, plan):
            if plan.change is not None:
                scene.cloud.update_all(scene.caller, [plan.change])
            retag(self, scene, plan)
        return self.get(scene, id)

    def yields(self, action: Action) -> bool:
        """Whether doing an action yields something to show. Raises InvalidRequest as ``action_name``."""
        return False

    def act(self, scene: Scene, id: str, action: Action, attributes: Mapping[str, Value]) -> Mixin | None:
        """Do an action; what it yields, if anything, is a mixin. Raises NotFound, Forbidden, InvalidState."""
        self.act_all(scene, [id], action, attributes)
        return None

    def act_all(
        self, scene: Scene, ids: Sequence[str], action: Action, attributes: Mapping[str, Value]
    ) -> None:
        """Do an action on several, or on none where the rights or the quota for one are missing."""
        name, parameters = self.action_name(action), self.parameters(action, attributes)
        scene.cloud.act_all(scene.caller, self.type, ids, name, parameters)

    def delete(self, scene: Scene, id: str) -> None:
        scene.cloud.delete(scene.caller, self.type, id)

    def check_delete(self, scene: Scene, ids: Sequence[str]) -> None:
        """Raises Forbidden or Conflict where deleting these would leave one of them."""
        scene.cloud.check_delete(scene.caller, self.type, ids)

    # What nouns differ in

    def spec(self, scene: Scene, incoming: Incoming, wish: Wish) -> Any:
        """The specification for the cloud."""
        raise Forbidden(f"a {self.kind.term} is made by the provider only")

    def state_of(self, resource: R) -> tuple[str | None, str | None]:
        """(state, state message) in OCCI words."""
        return None, None

    def mixins_of(self, scene: Scene, held: Held[R]) -> list[Mixin]:
        """The provider's mixins that the resource's own data say it has."""
        return []

    def links_of(self, scene: Scene, held: Held[R]) -> tuple[LinkRendering, ...]:
        return ()

    def allowed(self, resource: R) -> Sequence[str]:
        """The model's actions that would do something now."""
        return ()

    def ends_of(self, scene: Scene, held: Held[R]) -> tuple[str, str, str, str] | None:
        """Of a link: source, its kind, target, its kind."""
        return None

    def zone(self, scene: Scene, mixins: Sequence[Mixin]) -> str | None:
        """The zone that an availability zone mixin asks for. Raises InvalidRequest for two."""
        zones = [scene.model.zones[m.identifier] for m in mixins if m.identifier in scene.model.zones]
        if len(zones) > 1:
            raise InvalidRequest("Category: two availability zones; name one", field="category")
        return zones[0] if zones else None

    def mixin_changes(
        self, scene: Scene, incoming: Incoming, present: Entity, *, full: bool
    ) -> dict[str, Any]:
        """What adding or leaving out provider mixins changes. Raises Forbidden for a place."""
        own, model = {mixin.identifier for mixin in present.mixins}, scene.model
        for mixin in incoming.mixins:
            places = mixin.identifier in model.zones or mixin.identifier in model.pools
            if places and mixin.identifier not in own:
                raise Forbidden(
                    f"Category: {shorten(mixin.identifier)} is chosen when a {self.kind.term} is made and"
                    " does not change",
                    reason="immutable",
                )
        return {}

    def check_link(self, scene: Scene, link: LinkLine) -> None:
        """Raises what speaks against a new link, InvalidRequest or NotFound, before anything changes."""
        raise InvalidRequest(f"Link: a {self.kind.term} starts no links", field="link")

    def add_link(self, scene: Scene, id: str, link: LinkLine) -> Made | None:
        """Make a link of an entity; None where it was there. Only after ``check_link``."""
        raise NotImplementedError

    def parameters(self, action: Action, attributes: Mapping[str, Value]) -> dict[str, Any]:
        """The action's attributes, checked. Raises InvalidRequest naming one that is wrong."""
        check_parameters(action, attributes)
        return dict(attributes)

    # The shared machinery

    def action_name(self, action: Action) -> str:
        """The model's word for an action of this kind. Raises InvalidRequest for another kind's."""
        name = self.actions.get(action.identifier)
        if name is None or name not in self._by_action:
            offer = ", ".join(a.term for a in self.kind.actions) or "none"
            raise InvalidRequest(
                f"{shorten(action.identifier)} is no action of a {self.kind.term}; its actions: {offer}",
                field="action",
            )
        return name

    def idle(self, action: Action, state: Value | None) -> bool:
        """Whether the action has nothing to do in a state: clients start machines that run."""
        return self.idle_states.get(action.term) == state

    def check_mixins(self, mixins: Iterable[Mixin]) -> None:
        """Raises InvalidRequest for a mixin that does not apply, Conflict for two forms of one thing."""
        identifiers = {mixin.identifier for mixin in mixins}
        for mixin in mixins:
            if mixin.applies and self.kind.identifier not in mixin.applies:
                raise InvalidRequest(
                    f"Category: mixin {shorten(mixin.identifier)} does not apply to a {self.kind.term}",
                    field="category",
                    reason="mixin_not_applicable",
                )
        for one, other in EXCLUSIVE:
            if {one.identifier, other.identifier} <= identifiers:
                raise Conflict(f"Category: {one.identifier} and {other.identifier} say the same; send one")

    def wish(self, attributes: Mapping[str, Value], present: Entity | None = None) -> Wish:
        """The attributes as model fields and foreign ones.

        Raises InvalidRequest (unknown ``occi.`` attribute, bad value), Forbidden (immutable).
        """
        fields: dict[str, Any] = {}
        foreign: dict[str, Value] = {}
        for given, value in attributes.items():
            name = ALIASES.get(given, given)
            field = self.by_name.get(name)
            if field is not None:
                if field.immutable and present is not None:
                    raise Forbidden(f"{name} is immutable: only the server sets it", reason="immutable")
                fields[field.field] = read_field(field, value)
            elif name in IGNORED or STATE.fullmatch(name):
                continue
            elif name.startswith("occi."):
                self.unknown(name, present)
            else:
                foreign[name] = value
        return Wish(fields, foreign)

    def unknown(self, name: str, present: Entity | None) -> None:
        """An ``occi.`` attribute that is no field. Raises InvalidRequest or Forbidden, or lets it pass."""
        raise InvalidRequest(
            f"{shorten(name)} is no attribute of a {self.kind.term} or its mixins", field="attribute"
        )

    def fresh(self, scene: Scene, attributes: Mapping[str, Value], present: Entity) -> Mapping[str, Value]:
        """The attributes that differ from what the entity shows now: clients send everything back."""
        shown: dict[str, Value | None] = {
            **present.attributes,
            "occi.core.id": present.id,
            "occi.core.title": present.title,
            "occi.core.summary": present.summary,
        }
        return {
            name: value
            for name, value in attributes.items()
            if not (name in shown and same(value, shown[name]))
            and not (name == "occi.core.id" and value in ids_of(present.kind, present.id))
        }

    def extra(self, mixins: Sequence[Mixin], wish: Wish, scene: Scene) -> dict[str, Any]:
        """What the gateway must remember: foreign attributes, and mixins that no data tell."""
        found: dict[str, Any] = {}
        if kept := self.remembered(mixins, scene):
            found["mixins"] = kept
        if wish.foreign:
            found["attributes"] = dict(wish.foreign)
        return within_limit(found)

    def remembered(self, mixins: Sequence[Mixin], scene: Scene) -> list[str]:
        """The provider mixins whose presence only the gateway can remember."""
        model = scene.model
        told = (model.images, model.types, model.zones, model.pools)
        return [
            mixin.identifier
            for mixin in mixins
            if mixin.identifier in model.mixins and not any(mixin.identifier in table for table in told)
        ]

    def entity(self, scene: Scene, held: Held[R]) -> Entity:
        """The resource as its entity."""
        resource, row = held.resource, held.overlay
        extra = row.extra
        attributes: dict[str, Value] = {}
        for field in self.fields:
            value = getattr(resource, field.field)
            if value is not None:
                attributes[field.name] = field.write(value)
        state, message = self.state_of(resource)
        if state is not None:
            attributes[f"occi.{self.kind.term}.state"] = state
        if message is not None:
            attributes[f"occi.{self.kind.term}.state.message"] = message
        mixins = self.mixins_of(scene, held)
        if extra or row.tags:
            mixins += [mixin for mixin in self._kept_mixins(scene, row) if mixin not in mixins]
        for mixin in mixins:
            for field in self.mixin_fields.get(mixin.identifier, ()):
                value = getattr(resource, field.field)
                if value is not None and value != ():
                    attributes[field.name] = field.write(value)
        attributes |= extra.get("attributes", {})
        ends = self.ends_of(scene, held)
        source, source_kind, target, target_kind = ends or (None, None, None, None)
        allowed = self.allowed(resource)
        return Entity(
            id=resource.id,
            location=row.path or self.location + resource.id,
            kind=self.kind,
            mixins=tuple(mixins),
            title=resource.title,
            summary=getattr(resource, "summary", None),
            attributes=attributes,
            actions=tuple([self._by_action[name] for name in allowed if name in self._by_action]),
            links=self.links_of(scene, held),
            source=source,
            source_kind=source_kind,
            target=target,
            target_kind=target_kind,
        )

    def _kept_mixins(self, scene: Scene, row: Overlay) -> list[Mixin]:
        known = scene.model.mixins
        kept = [known[name] for name in row.extra.get("mixins", ()) if name in known]
        if row.tags:
            own = scene.tagged.tag_mixins
            kept += [own[seq] for seq in row.tags if seq in own]
        return kept

"""What all nouns share: attributes by table, creating, updating, acting, rendering.

A noun is the bridge between one OCCI kind and one type of the common model. Every method takes the
``Scene`` of the request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from gateway.cloud import KINDS, LINKS, Change, Held
from gateway.model import Conflict, Forbidden, InvalidRequest, Resource, shorten
from gateway.store.overlay import Overlay
from gateway.store.tags import Tag
from occi_gw.mapping import ALIASES, CORE_FIELDS, Field, read_field
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
    core_id,
    entity_urn,
)
from occi_gw.scene import Incoming, Scene
from occi_gw.vocabulary import EXCLUSIVE

R = TypeVar("R", bound=Resource)

#: What foreign attributes of one entity may weigh, as JSON.
EXTRA_LIMIT = 65536

#: Set by the server and moving; a client's copy of them is old news, not a wish.
_STATE = re.compile(r"occi\.[a-z]+\.state(\.message)?")
_IGNORED = frozenset({"occi.core.id"})

#: Identifiers that servers make: a client's own must not look like one.
_SERVER_MADE = re.compile(r"[0-9]+|[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}|.*~.*|.*--.*")


@dataclass(frozen=True, slots=True)
class Wish:
    """The attributes of a request, sorted."""

    fields: Mapping[str, Any]  # model field -> value
    foreign: Mapping[str, Value]  # attributes of other domains, kept as they are


@dataclass(frozen=True, slots=True)
class Plan:
    """What an update of one entity comes to."""

    id: str
    row: Overlay
    mixins: tuple[Mixin, ...]
    links: Sequence[LinkLine]
    change: Change | None
    full: bool


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
        self._fields = {field.name: field for field in self._all_fields()}
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
        if path is not None:
            self._check_path(scene, path)
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
        self.after_create(scene, incoming, held)
        tags = [scene.tagged.tags[m.identifier] for m in incoming.mixins if m.identifier in scene.tagged.tags]
        for tag in tags:
            scene.cloud.tag(scene.caller, tag, [(self.type, held.resource.id)], exact=False)
        return Made(self, held.resource.id, self.place(held.resource.id, held.overlay))

    def after_create(self, scene: Scene, incoming: Incoming, held: Held[R]) -> None:
        """What can be remembered only when the entity has its identifier."""

    def update(self, scene: Scene, id: str, incoming: Incoming, *, full: bool) -> Entity:
        """Change what is sent; with ``full`` also clear what is not (GFD.223, full update).

        Raises NotFound, InvalidRequest, Forbidden (immutable), QuotaExceeded, InvalidState.
        """
        plan = self.plan(scene, id, incoming, full=full)
        if plan.change is not None:
            scene.cloud.update_all(scene.caller, [plan.change])
        self.finish(scene, plan)
        return self.get(scene, id)

    def plan(self, scene: Scene, id: str, incoming: Incoming, *, full: bool) -> Plan:
        """What an update comes to; changes nothing. Raises what the entity itself speaks against."""
        if incoming.kind is not None and incoming.kind.identifier != self.kind.identifier:
            raise InvalidRequest(
                f"Category: this is a {self.kind.term}; the kind of an entity does not change",
                field="category",
            )
        self.check_mixins(incoming.mixins)
        held = scene.cloud.get(scene.caller, self.type, id)
        present = self.entity(scene, held)
        links = self.new_links(scene, incoming.links, present, full=full)
        fresh = self.fresh(scene, incoming.attributes, present)
        if not full:
            _refuse_moving(fresh)
        wish = self.wish(fresh, present)
        changes = {**wish.fields, **self.mixin_changes(scene, incoming, present, full=full)}
        if full:
            changes = {**self._cleared(incoming.attributes, present), **changes}
        extra = self._new_extra(scene, held.overlay, incoming, wish, full=full)
        change = Change(self.type, id, changes, extra) if changes or extra is not None else None
        return Plan(id, held.overlay, incoming.mixins, links, change, full)

    def finish(self, scene: Scene, plan: Plan) -> None:
        """The part of a plan that is no change of the resource: the caller's own mixins, new links."""
        self._retag(scene, plan.id, plan.mixins, plan.row, full=plan.full)
        for link in plan.links:
            self.add_link(scene, plan.id, link)

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

    def new_links(
        self, scene: Scene, links: Sequence[LinkLine], present: Entity, *, full: bool
    ) -> Sequence[LinkLine]:
        """The links of a request that are not there yet: own links and action links come back in a PUT.

        Raises InvalidRequest where a new one cannot be taken.
        """
        own = {name for link in present.links for name in (link.location, *_ids(link.kind, link.id))}
        ends = {link.target for link in present.links}

        def is_own(link: LinkLine) -> bool:
            if not link.self_uri:
                return any(scene.same_place(link.target, end) for end in ends)
            return link.self_uri in own or link.self_uri.removeprefix(scene.authority) in own

        new = [link for link in links if "action=" not in link.target and not is_own(link)]
        if new and full:
            raise InvalidRequest(
                f"Link: {shorten(new[0].target)} is no link of this entity; PUT makes none,"
                " POST to the collection of the link kind does",
                field="link",
            )
        return new

    def add_link(self, scene: Scene, id: str, link: LinkLine) -> None:
        raise InvalidRequest(f"Link: a {self.kind.term} starts no links", field="link")

    def parameters(self, action: Action, attributes: Mapping[str, Value]) -> dict[str, Any]:
        """The action's attributes, checked. Raises InvalidRequest naming one that is wrong."""
        known = {definition.name: definition for definition in action.attributes}
        for name, value in attributes.items():
            definition = known.get(name)
            if definition is None:
                offer = f"its attributes: {', '.join(known)}" if known else "it has no attributes"
                raise InvalidRequest(f"{shorten(name)} is no attribute of {action.term}; {offer}", field=name)
            words = (definition.pattern or {}).get("enum")
            if words and value not in words:
                allowed = ", ".join(words)
                raise InvalidRequest(f"{name}: {shorten(value)!r} is not one of {allowed}", field=name)
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
            field = self._fields.get(name)
            if field is not None:
                if field.immutable and present is not None:
                    raise Forbidden(f"{name} is immutable: only the server sets it", reason="immutable")
                fields[field.field] = read_field(field, value)
            elif name in _IGNORED or _STATE.fullmatch(name):
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
            and not (name == "occi.core.id" and value in _ids(present.kind, present.id))
        }

    def _cleared(self, attributes: Mapping[str, Value], present: Entity) -> dict[str, Any]:
        """Fields that a full update leaves out and that are set now."""
        shown = {**present.attributes, "occi.core.title": present.title, "occi.core.summary": present.summary}
        return {
            field.field: None
            for name, field in self._fields.items()
            if field.clears and name not in attributes and shown.get(name) is not None
        }

    def extra(self, mixins: Sequence[Mixin], wish: Wish, scene: Scene) -> dict[str, Any]:
        """What the gateway must remember: foreign attributes, and mixins that no data tell."""
        found: dict[str, Any] = {}
        if kept := self.remembered(mixins, scene):
            found["mixins"] = kept
        if wish.foreign:
            found["attributes"] = dict(wish.foreign)
        return _within_limit(found)

    def remembered(self, mixins: Sequence[Mixin], scene: Scene) -> list[str]:
        """The provider mixins whose presence only the gateway can remember."""
        model = scene.model
        told = (model.images, model.types, model.zones, model.pools)
        return [
            mixin.identifier
            for mixin in mixins
            if mixin.identifier in model.mixins and not any(mixin.identifier in table for table in told)
        ]

    def _new_extra(
        self, scene: Scene, row: Overlay, incoming: Incoming, wish: Wish, *, full: bool
    ) -> dict[str, Any] | None:
        """The new remembered part, None where it stays as it is."""
        before: dict[str, Any] = dict(row.extra)
        attributes = dict(before.get("attributes", {}))
        mixins = list(before.get("mixins", ()))
        sent = self.remembered(incoming.mixins, scene)
        if full:
            attributes = {n: v for n, v in attributes.items() if n in incoming.attributes}
            mixins = [m for m in mixins if m in sent]
        attributes.update(wish.foreign)
        mixins += [m for m in sent if m not in mixins]
        after = {k: v for k, v in before.items() if k not in ("attributes", "mixins")}
        after |= {"attributes": attributes} if attributes else {}
        after |= {"mixins": mixins} if mixins else {}
        return None if after == before else _within_limit(after)

    def _retag(self, scene: Scene, id: str, mixins: Sequence[Mixin], row: Overlay, *, full: bool) -> None:
        if not row.tags and not any(m.identifier not in scene.model.mixins for m in mixins):
            return
        tags = scene.tagged.tags
        sent = [tags[m.identifier] for m in mixins if m.identifier in tags]
        for tag in sent:
            if tag.seq not in row.tags:
                scene.cloud.tag(scene.caller, tag, [(self.type, id)], exact=False)
        if full:
            for tag in tags.values():
                if tag.seq in row.tags and tag not in sent:
                    scene.cloud.untag(scene.caller, tag, [(self.type, id)])

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

    def _check_path(self, scene: Scene, path: str) -> None:
        """Raises InvalidRequest for a path that a client may not choose."""
        collection, _, id = path.rpartition("/")
        homes = {noun.location for noun in scene.nouns.values()}
        if f"{collection}/" in homes - {self.location}:
            raise InvalidRequest(f"{shorten(path)} is a place of another kind", field="path")
        if f"{collection}/" == self.location and _SERVER_MADE.fullmatch(id):
            raise InvalidRequest(
                f"{shorten(path)} looks like a path that the server makes; choose a name", field="path"
            )
        if re.fullmatch(r"(/[A-Za-z0-9][A-Za-z0-9._~-]{0,127}){1,8}", path) is None:
            raise InvalidRequest(
                f"{shorten(path)}: a path is at most 8 segments of letters, digits, '.', '_', '-'",
                field="path",
            )


def _ids(kind: Kind, id: str) -> tuple[str, ...]:
    """The forms in which the renderings show an id."""
    return id, core_id(id), entity_urn(kind.identifier, id)


def _refuse_moving(attributes: Mapping[str, Value]) -> None:
    """A full update sends everything back and may be late; who names one attribute means it."""
    for name in attributes:
        if name in _IGNORED or _STATE.fullmatch(name):
            raise Forbidden(f"{name} is immutable: only the server sets it", reason="immutable")


def same(one: Value | None, other: Value | None) -> bool:
    """Equality of attribute values: numbers by value, also in quotes, the rest exactly."""
    if one == other:
        return True
    if isinstance(one, list | dict) or isinstance(other, list | dict):
        return bool(_as_json(one) == _as_json(other))
    if isinstance(other, bool) and isinstance(one, str):
        return one == ("true" if other else "false")
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return False
    if isinstance(one, str) and isinstance(other, str):
        return False
    try:
        return float(one) == float(other)
    except (ValueError, OverflowError):
        return False


def _as_json(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _within_limit(extra: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(extra)) > EXTRA_LIMIT:
        raise InvalidRequest(
            f"attributes of other domains may take {EXTRA_LIMIT} bytes in all", field="attributes"
        )
    return extra

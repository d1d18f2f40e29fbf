"""What an update of an entity comes to (GFD.223 section 5.4.6), settled before anything changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.cloud import Change
from gateway.model import GatewayError, InvalidRequest, shorten
from gateway.store.overlay import Overlay
from occi_gw.nouns.attributes import Wish, ids_of, limit_links, refuse_moving, within_limit
from occi_gw.rendering.values import Entity, LinkLine, Mixin, Value
from occi_gw.scene import Incoming, Scene

if TYPE_CHECKING:
    from occi_gw.nouns.base import Made, Noun


@dataclass(frozen=True, slots=True)
class Plan:
    """What an update of one entity comes to."""

    id: str
    row: Overlay
    mixins: tuple[Mixin, ...]
    links: Sequence[LinkLine]
    change: Change | None
    full: bool


def plan(noun: Noun[Any], scene: Scene, id: str, incoming: Incoming, *, full: bool) -> Plan:
    """What an update comes to; changes nothing. Raises what the entity itself speaks against."""
    if incoming.kind is not None and incoming.kind.identifier != noun.kind.identifier:
        raise InvalidRequest(
            f"Category: this is a {noun.kind.term}; the kind of an entity does not change",
            field="category",
        )
    noun.check_mixins(incoming.mixins)
    held = scene.cloud.get(scene.caller, noun.type, id)
    present = noun.entity(scene, held)
    links = _new_links(noun, scene, incoming.links, present, full=full)
    fresh = noun.fresh(scene, incoming.attributes, present)
    if not full:
        refuse_moving(fresh)
    wish = noun.wish(fresh, present)
    changes = {**wish.fields, **noun.mixin_changes(scene, incoming, present, full=full)}
    if full:
        changes = {**_cleared(noun, incoming.attributes, present), **changes}

    def extra(before: Mapping[str, Any]) -> Mapping[str, Any]:
        return _new_extra(noun, scene, before, incoming, wish, full=full)

    touches = changes or extra(held.overlay.extra) != held.overlay.extra
    change = Change(noun.type, id, changes, extra) if touches else None
    return Plan(id, held.overlay, incoming.mixins, links, change, full)


@contextmanager
def linked(noun: Noun[Any], scene: Scene, plan: Plan) -> Iterator[None]:
    """Make the new links of a plan, and delete them again where one of them or the block fails.

    They come before the rest because they can be taken back from here, a change cannot.
    """
    made: list[Made] = []
    try:
        for link in plan.links:
            one = noun.add_link(scene, plan.id, link)
            if one is not None:
                made.append(one)
        yield
    except BaseException:
        for one in reversed(made):
            with suppress(GatewayError):  # the client is told of the first error
                one.noun.delete(scene, one.id)
        raise


def _new_links(
    noun: Noun[Any], scene: Scene, links: Sequence[LinkLine], present: Entity, *, full: bool
) -> Sequence[LinkLine]:
    """The links of a request that are not there yet: own links and action links come back in a PUT.

    Raises InvalidRequest or NotFound where a new one cannot be taken.
    """
    known = _Known(scene, present)
    new: list[LinkLine] = []
    for link in links:
        if "action=" in link.target or known.has(link):
            continue
        if full:
            raise InvalidRequest(
                f"Link: {shorten(link.target)} is no link of this entity; PUT makes none,"
                " POST to the collection of the link kind does",
                field="link",
            )
        new.append(link)
        limit_links(new)
    for link in new:
        noun.check_link(scene, link)
    return new


class _Known:
    """The links that an entity has, by all their names; each name is looked up once."""

    def __init__(self, scene: Scene, present: Entity) -> None:
        self._scene = scene
        self._own = {name for link in present.links for name in (link.location, *ids_of(link.kind, link.id))}
        self._ends = {link.target for link in present.links}
        self._found: dict[str, bool] = {}

    def has(self, link: LinkLine) -> bool:
        """Whether the link is there. Raises InvalidRequest for a target that is no name of an entity."""
        authority = self._scene.authority
        if link.self_uri:
            return link.self_uri in self._own or link.self_uri.removeprefix(authority) in self._own
        if link.target not in self._found:
            self._found[link.target] = any(self._scene.same_place(link.target, end) for end in self._ends)
        return self._found[link.target]


def _cleared(noun: Noun[Any], attributes: Mapping[str, Value], present: Entity) -> dict[str, Any]:
    """Fields that a full update leaves out and that are set now."""
    shown = {**present.attributes, "occi.core.title": present.title, "occi.core.summary": present.summary}
    return {
        field.field: None
        for name, field in noun.by_name.items()
        if field.clears and name not in attributes and shown.get(name) is not None
    }


def _new_extra(
    noun: Noun[Any],
    scene: Scene,
    before: Mapping[str, Any],
    incoming: Incoming,
    wish: Wish,
    *,
    full: bool,
) -> Mapping[str, Any]:
    """What is remembered after an update. Raises InvalidRequest where that is too much."""
    attributes = dict(before.get("attributes", {}))
    mixins = list(before.get("mixins", ()))
    sent = noun.remembered(incoming.mixins, scene)
    if full:
        attributes = {n: v for n, v in attributes.items() if n in incoming.attributes}
        mixins = [m for m in mixins if m in sent]
    attributes.update(wish.foreign)
    mixins += [m for m in sent if m not in mixins]
    after = {k: v for k, v in before.items() if k not in ("attributes", "mixins")}
    after |= {"attributes": attributes} if attributes else {}
    after |= {"mixins": mixins} if mixins else {}
    return before if after == before else within_limit(after)


def retag(noun: Noun[Any], scene: Scene, plan: Plan) -> None:
    """Put the caller's own mixins of a plan on the entity; with ``full`` take the others off."""
    row, mixins = plan.row, plan.mixins
    if not row.tags and not any(m.identifier not in scene.model.mixins for m in mixins):
        return
    tags = scene.tagged.tags
    sent = [tags[m.identifier] for m in mixins if m.identifier in tags]
    for tag in sent:
        if tag.seq not in row.tags:
            scene.cloud.tag(scene.caller, tag, [(noun.type, plan.id)], exact=False)
    if plan.full:
        for tag in tags.values():
            if tag.seq in row.tags and tag not in sent:
                scene.cloud.untag(scene.caller, tag, [(noun.type, plan.id)])

"""Collections: of a kind, of a mixin, and of a path (GFD.185 sections 3.4.2 and 3.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice
from typing import Any

import falcon

from gateway.model import (
    Conflict,
    Forbidden,
    InvalidRequest,
    InvalidState,
    NotFound,
    shorten,
)
from gateway.store.tags import Tag
from occi_gw.nouns.base import Noun
from occi_gw.nouns.links import LinkNoun
from occi_gw.nouns.of_compute import OfCompute
from occi_gw.nouns.updates import plan
from occi_gw.rendering.values import Action, Entity, Mixin
from occi_gw.resources.exchange import Endpoint, Exchange
from occi_gw.resources.selection import Filter, Page
from occi_gw.scene import Incoming, Scene

Member = tuple[Noun[Any], str]


class Collection:
    """What the three kinds of collection share; a subclass says who the members are."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def list(
        self,
        exchange: Exchange,
        req: falcon.Request,
        resp: falcon.Response,
        nouns: Sequence[Noun[Any]],
        member: Callable[[Entity], bool] | None = None,
        tag: Tag | None = None,
    ) -> None:
        """Answer a GET: URIs by one query and one back end call for each noun, entities where needed."""
        scene, page, wanted = exchange.scene, Page.of(req), Filter.of(exchange)
        whole = exchange.outgoing.lists_entities
        if member is None and not any(wanted.beyond(noun.kind.identifier) for noun in nouns):
            if whole and page is None:
                entities: Iterable[Entity] = _entities(scene, nouns, tag)
            elif not whole:
                paths = list(chain.from_iterable(noun.paths(scene, tag=tag) for noun in nouns))
                exchange.listed(resp, page.cut(paths) if page else paths)
                return
            else:
                assert page is not None
                entities = _of_members(scene, page.cut(_members(scene, nouns, tag)))
        else:
            found = [
                entity
                for entity in _entities(scene, nouns, tag)
                if (member is None or member(entity)) and wanted.matches(entity)
            ]
            entities = page.cut(found) if page else found
        of_links = all(isinstance(noun, LinkNoun) for noun in nouns) and bool(nouns)
        exchange.answer(resp, exchange.outgoing.entities(scene.authority, entities, of_links=of_links))

    @staticmethod
    def act(
        exchange: Exchange,
        req: falcon.Request,
        resp: falcon.Response,
        members: Sequence[Member],
        kind: Noun[Any] | None = None,
    ) -> None:
        """Do an action on all members, or on none when it does not apply to one (or to ``kind``)."""
        incoming = exchange.read_request()
        action = requested_action(req, incoming)
        scene = exchange.scene
        if kind is not None:
            kind.action_name(action)
        for noun, id in members:
            noun.action_name(action)
            noun.parameters(action, incoming.attributes)
            entity = noun.get(scene, id)
            state = entity.attributes.get(f"occi.{noun.kind.term}.state")
            if action not in entity.actions and not noun.idle(action, state):
                raise InvalidState(f"{entity.location} is {state}: cannot {action.term}; nothing was done")
        for noun, ids in _by_noun(members).items():
            noun.act_all(scene, ids, action, incoming.attributes)
        exchange.answer(resp, exchange.outgoing.ok())

    @staticmethod
    def delete(exchange: Exchange, resp: falcon.Response, members: Sequence[Member]) -> None:
        """Delete members, or none where one would stay; one that has gone meanwhile is no error."""
        scene = exchange.scene
        if not scene.cloud.settings.collection_delete:
            raise Conflict("deleting collections is switched off here; delete one entity at a time")
        for noun, ids in _by_noun(members).items():
            noun.check_delete(scene, ids)
        for noun, id in members:
            with suppress(NotFound):
                noun.delete(scene, id)
        exchange.answer(resp, exchange.outgoing.ok())


def _by_noun(members: Iterable[Member]) -> Mapping[Noun[Any], list[str]]:
    found: dict[Noun[Any], list[str]] = {}
    for noun, id in members:
        found.setdefault(noun, []).append(id)
    return found


def _entities(scene: Scene, nouns: Sequence[Noun[Any]], tag: Tag | None) -> Iterator[Entity]:
    """The entities of some nouns; the back end has answered for all of them before the first is taken.

    Links and consoles are the exception: they come from the machines, whose list is read anew when their turn
    comes rather than held several times over.
    """
    found = []
    for place, noun in enumerate(nouns):
        listed = partial(_listed, scene, noun, tag)
        found.append(_later(listed) if place and isinstance(noun, LinkNoun | OfCompute) else _begun(listed()))
    return chain.from_iterable(found)


def _listed(scene: Scene, noun: Noun[Any], tag: Tag | None) -> Iterator[Entity]:
    return noun.entities(scene, noun.ids(scene, tag=tag) if tag else None)


def _later(listed: Callable[[], Iterator[Entity]]) -> Iterator[Entity]:
    yield from listed()


def _begun(entities: Iterator[Entity]) -> Iterator[Entity]:
    """The same, its first already built: with it comes all that is read once for a request."""
    return chain(list(islice(entities, 1)), entities)


def _members(scene: Scene, nouns: Sequence[Noun[Any]], tag: Tag | None) -> Sequence[Member]:
    return [(noun, id) for noun in nouns for id in noun.ids(scene, tag=tag)]


def _of_members(scene: Scene, members: Sequence[Member]) -> Iterator[Entity]:
    found = [_begun(noun.entities(scene, ids)) for noun, ids in _by_noun(members).items()]
    return chain.from_iterable(found)


def owned(scene: Scene, nouns: Iterable[Noun[Any]]) -> Sequence[Member]:
    """What a collection operation may touch: what the caller owns."""
    return [(noun, id) for noun in nouns for id in noun.ids(scene, owned=True)]


def requested_action(req: falcon.Request, incoming: Incoming) -> Action:
    """The action of a POST: the term in the query and the Category must agree (GFD.185 section 3.4.4.6).

    Raises InvalidRequest.
    """
    term = req.params.get("action", "")
    action = incoming.action
    if action is None:
        raise InvalidRequest("Category: no action; send the action that the query names", field="action")
    if term != action.term:
        raise InvalidRequest(
            f"?action={shorten(term)} and Category {shorten(action.term)} do not agree", field="action"
        )
    if incoming.kind is not None or incoming.mixins or incoming.links:
        raise InvalidRequest("an action comes alone: no kind, mixin or link beside it", field="category")
    return action


class KindCollection(Collection):
    """``/compute/`` and the like."""

    def __init__(self, endpoint: Endpoint, noun: Noun[Any]) -> None:
        super().__init__(endpoint)
        self._noun = noun

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        exchange = self._endpoint.exchange(req)
        self.list(exchange, req, resp, [self._noun])

    on_head = on_get

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Create an entity, or act on all that the caller owns."""
        exchange = self._endpoint.exchange(req)
        if "action" in req.params:
            self.act(exchange, req, resp, owned(exchange.scene, [self._noun]), self._noun)
            return
        incoming = exchange.read_request()
        kind = incoming.require_kind()
        if kind.identifier != self._noun.kind.identifier:
            raise InvalidRequest(
                f"Category: {shorten(kind.identifier)} is not made in {self._noun.location}",
                field="category",
            )
        no_action(incoming)
        exchange.created(resp, self._noun.create(exchange.scene, incoming))

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Delete what the request names, or everything that the caller owns."""
        exchange = self._endpoint.exchange(req)
        delete_named(exchange, resp, [self._noun])


def delete_named(exchange: Exchange, resp: falcon.Response, nouns: Sequence[Noun[Any]]) -> None:
    """Delete the entities that the request names, all of them known, or all that the caller owns."""
    scene = exchange.scene
    named = dict.fromkeys(scene.locate(uri) for uri in exchange.read_locations())
    for noun, id in named:
        if noun not in nouns:
            raise InvalidRequest(
                f"{shorten(noun.location + id)} is no member of this collection", field="uri"
            )
        noun.get(scene, id)
    Collection.delete(exchange, resp, list(named) or owned(scene, [noun for noun in nouns if noun.deletable]))


def no_action(incoming: Incoming) -> None:
    if incoming.action is not None:
        raise InvalidRequest(
            f"Category: {shorten(incoming.action.term)} is an action; name it in the query, ?action=...",
            field="category",
        )


class MixinCollection(Collection):
    """The collection of a mixin: of a user's, or of one of the provider's."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, mixin: Mixin) -> None:
        exchange = self._endpoint.exchange(req)
        tag = exchange.scene.tagged.tags.get(mixin.identifier)
        if tag is not None:
            self.list(exchange, req, resp, self._nouns(exchange, mixin), tag=tag)
        else:
            self.list(exchange, req, resp, self._nouns(exchange, mixin), member=_has(mixin))

    def on_post(self, req: falcon.Request, resp: falcon.Response, mixin: Mixin) -> None:
        """Put the mixin on entities, or act on those that have it."""
        exchange = self._endpoint.exchange(req)
        if "action" in req.params:
            members = set(self._members(exchange, mixin))
            mine = [m for m in owned(exchange.scene, self._nouns(exchange, mixin)) if m in members]
            self.act(exchange, req, resp, mine)
            return
        self._associate(exchange, resp, mixin, exact=False)

    def on_put(self, req: falcon.Request, resp: falcon.Response, mixin: Mixin) -> None:
        """Put the mixin on these entities and take it off all others."""
        self._associate(self._endpoint.exchange(req), resp, mixin, exact=True)

    def on_delete(self, req: falcon.Request, resp: falcon.Response, mixin: Mixin) -> None:
        """Take the mixin off entities, or off all; never deletes one."""
        exchange = self._endpoint.exchange(req)
        scene = exchange.scene
        tag = scene.tagged.tags.get(mixin.identifier)
        named = self._present(scene, exchange.read_locations())
        if tag is None:
            raise Forbidden(f"mixin {shorten(mixin.identifier)} is the provider's; entities keep it")
        things = [(noun.type, id) for noun, id in named]
        scene.cloud.untag(scene.caller, tag, things or None)
        exchange.answer(resp, exchange.outgoing.ok())

    def _associate(self, exchange: Exchange, resp: falcon.Response, mixin: Mixin, *, exact: bool) -> None:
        scene = exchange.scene
        uris = exchange.read_locations()
        if not uris:
            raise InvalidRequest("X-OCCI-Location is missing; name the entities", field="location")
        named = self._present(scene, uris)
        for noun, _ in named:
            noun.check_mixins([mixin])
        tag = scene.tagged.tags.get(mixin.identifier)
        if tag is not None:
            things = [(noun.type, id) for noun, id in named]
            scene.cloud.tag(scene.caller, tag, things, exact=exact)
        elif exact:
            raise Forbidden(
                f"mixin {shorten(mixin.identifier)} is the provider's; it cannot be taken off others"
            )
        else:
            sent = Incoming(None, (mixin,), None, {}, ())
            plans = [plan(noun, scene, id, sent, full=False) for noun, id in named]
            scene.cloud.update_all(scene.caller, [one.change for one in plans if one.change is not None])
        exchange.answer(resp, exchange.outgoing.ok())

    @staticmethod
    def _present(scene: Scene, uris: Iterable[str]) -> Sequence[Member]:
        """The entities that a request names, each once.

        Raises NotFound, InvalidRequest, Forbidden where one takes no mixins.
        """
        named = list(dict.fromkeys(scene.locate(uri) for uri in uris))
        for noun, id in named:
            noun.get(scene, id)
            if isinstance(noun, OfCompute):
                raise Forbidden(f"a {noun.kind.term} takes no mixins")
        return named

    @staticmethod
    def _nouns(exchange: Exchange, mixin: Mixin) -> Sequence[Noun[Any]]:
        """The nouns that the mixin applies to."""
        return [
            noun
            for kind, noun in exchange.scene.nouns.items()
            if (not mixin.applies or kind in mixin.applies) and not isinstance(noun, OfCompute)
        ]

    def _members(self, exchange: Exchange, mixin: Mixin) -> Sequence[Member]:
        scene = exchange.scene
        tag = scene.tagged.tags.get(mixin.identifier)
        nouns = self._nouns(exchange, mixin)
        if tag is not None:
            return _members(scene, nouns, tag)
        has = _has(mixin)
        return [(noun, e.id) for noun in nouns for e in noun.entities(scene) if has(e)]


def _has(mixin: Mixin) -> Callable[[Entity], bool]:
    """Membership of an entity: the mixin itself, or one that depends on it."""
    identifier = mixin.identifier
    return lambda entity: any(
        own.identifier == identifier or identifier in own.depends for own in entity.mixins
    )


class PathCollection(Collection):
    """The root and every other path that ends with a slash: the entities below it."""

    def on_get(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        exchange = self._endpoint.exchange(req)
        nouns = tuple(exchange.scene.nouns.values())
        if path == exchange.scene.prefix + "/":
            self.list(exchange, req, resp, nouns)
        else:
            self.list(exchange, req, resp, nouns, member=lambda entity: entity.location.startswith(path))

    def on_post(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        """Create at the root (what the 1.1 suites do with every entity), or act on all below."""
        exchange = self._endpoint.exchange(req)
        scene = exchange.scene
        if "action" in req.params:
            self.act(exchange, req, resp, self._owned_below(scene, path))
            return
        if path != scene.prefix + "/":
            raise NotFound(f"no collection at {shorten(path)} takes new entities; POST to that of a kind")
        incoming = exchange.read_request()
        noun = exchange.noun(incoming.require_kind().identifier)
        no_action(incoming)
        exchange.created(resp, noun.create(scene, incoming))

    def on_delete(self, req: falcon.Request, resp: falcon.Response, path: str) -> None:
        exchange = self._endpoint.exchange(req)
        scene = exchange.scene
        if path == scene.prefix + "/":
            delete_named(exchange, resp, tuple(scene.nouns.values()))
            return
        self.delete(exchange, resp, self._owned_below(scene, path))

    @staticmethod
    def _owned_below(scene: Scene, path: str) -> Sequence[Member]:
        if path == scene.prefix + "/":
            return owned(scene, scene.nouns.values())
        return [
            (noun, id)
            for noun in scene.nouns.values()
            if not isinstance(noun, OfCompute)
            for id, chosen in scene.cloud.locations(scene.caller, noun.type, owned=True)
            if (chosen or noun.location + id).startswith(path)
        ]

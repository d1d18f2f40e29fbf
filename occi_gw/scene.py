"""What one request works with: its caller, the model that caller sees, and the places of this endpoint."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from gateway.cloud import Cloud
from gateway.identity import Caller
from gateway.lengths import PATH
from gateway.model import GatewayError, InvalidRequest, NotFound, Resource, Volume, shorten
from gateway.objects.names import place_of
from gateway.store.overlay import Overlay
from occi_gw.registry import Model, Models, Registry
from occi_gw.rendering.values import (
    Action,
    CategoryLine,
    Kind,
    LinkLine,
    Message,
    Mixin,
    Value,
    core_id,
    entity_urn,
    stands_for_another,
)

if TYPE_CHECKING:
    from occi_gw.nouns.base import Noun

#: An ``occi.core.id``, with or without what makes a URN of it.
_ID = re.compile(r"(urn:uuid:)?[A-Za-z0-9][A-Za-z0-9._~-]*")

#: Characters of the URI of an entity, with a host and with a path that escapes every character.
LONGEST_URI = 4 * PATH


@dataclass(slots=True)
class Scene:
    """One request's view of the endpoint."""

    cloud: Cloud
    caller: Caller
    registry: Registry
    nouns: Mapping[str, Noun[Any]]  # kind identifier -> noun
    authority: str  # scheme and authority of absolute links
    prefix: str
    idempotency_key: str | None = None
    #: Where other front ends of this gateway are: name -> prefix.
    homes: Mapping[str, str] = field(default_factory=dict)
    _models: Models | None = field(default=None, init=False)
    _by_urn: Mapping[str, Sequence[tuple[Noun[Any], str]]] | None = field(default=None, init=False)
    _chosen: dict[type[Resource], Mapping[str, str]] = field(default_factory=dict, init=False)

    @property
    def model(self) -> Model:
        """The model without the caller's own mixins; enough to render what has none."""
        if self._models is None:
            self._models = self.registry.models(self.caller)
        return self._models.model

    @property
    def tagged(self) -> Model:
        """The model with the caller's own mixins."""
        if self._models is None:
            self._models = self.registry.models(self.caller)
        return self._models.tagged

    def forget(self) -> None:
        """After a change of the model itself."""
        self._models = None
        self.caller = self.caller._replace(generations=None)

    def noun_of(self, row: Overlay) -> Noun[Any]:
        """The noun of an ownership row."""
        for noun in self.nouns.values():
            if noun.row_kind == row.kind:
                return noun
        raise NotFound(f"no entity at {shorten(row.path)}")

    def home(self, kind: str, id: str) -> str:
        """The path of an entity: the one that its maker chose, else the one in its kind's collection."""
        noun = self.nouns[kind]
        if noun.type not in self._chosen:
            self._chosen[noun.type] = self.cloud.chosen_paths(self.caller, noun.type)
        return self._chosen[noun.type].get(id) or noun.location + id

    def path_of(self, uri: str) -> str:
        """The path that a URI of this endpoint, or an absolute path, names.

        Raises InvalidRequest for what is neither, NotFound for one longer than any: urlsplit remembers what
        it has split.
        """
        if len(uri) > LONGEST_URI:
            raise NotFound(f"no entity at {shorten(uri)}")
        try:
            parts = urlsplit(uri)
        except ValueError:
            parts = None
        if parts is None or parts.query or parts.fragment or (parts.scheme and not parts.netloc):
            raise InvalidRequest(f"{shorten(uri)} is not the URI of an entity", field="uri")
        if parts.scheme and f"{parts.scheme}://{parts.netloc}" != self.authority:
            raise InvalidRequest(f"{shorten(uri)} is not an entity of {self.authority}", field="uri")
        if not parts.path.startswith("/"):
            raise InvalidRequest(f"{shorten(uri)} is neither an absolute URI nor a path", field="uri")
        path = unquote(parts.path)
        if not path.isprintable():
            raise InvalidRequest(f"{shorten(uri)} has a control character", field="uri")
        return path

    def locate(self, uri: str) -> tuple[Noun[Any], str]:
        """The noun and identifier of the entity that a URI, a path or an ``occi.core.id`` names.

        Raises NotFound, InvalidRequest.
        """
        if _ID.fullmatch(uri):
            return self._with_id(uri)
        path = self.path_of(uri)
        exported = self._exported(path)
        if exported is not None:
            return exported
        found = self.place(path)
        if found is None:
            raise NotFound(f"no entity at {shorten(path)}")
        return found

    def _exported(self, path: str) -> tuple[Noun[Any], str] | None:
        """The volume that a container of stored objects is exported as, where the path is that of one."""
        home = self.homes.get("cdmi")
        if not home or not path.startswith(f"{home}/") or not self.cloud.stores_objects:
            return None
        exports = self.cloud.objects.exports
        names = tuple(name for name in path.removeprefix(home).split("/") if name)
        try:
            if exports is None:
                raise NotFound("nothing is exported here")
            id = exports.volume_of(self.caller, place_of(names))
        except GatewayError:
            raise NotFound(f"no exported container at {shorten(path)}") from None
        return next(noun for noun in self.nouns.values() if noun.type is Volume), id

    def _with_id(self, name: str) -> tuple[Noun[Any], str]:
        """The one entity with this id, whatever its kind. Raises NotFound, InvalidRequest for two."""
        id = name.removeprefix("urn:uuid:")
        found = [(noun, id) for noun in self.nouns.values() if noun.has(self, id)]
        if not found and stands_for_another(name):
            found = list(self._derived().get(name, ()))
        if not found:
            raise NotFound(f"no entity has the id {shorten(name)}")
        if len(found) > 1:
            kinds = " and ".join(noun.kind.term for noun, _ in found)
            raise InvalidRequest(f"{shorten(name)} is the id of {kinds}; give the path", field="uri")
        return found[0]

    def _derived(self) -> Mapping[str, Sequence[tuple[Noun[Any], str]]]:
        """All entities whose id in JSON is derived, as links have it, by that; listed once for a request."""
        if self._by_urn is None:
            found: dict[str, list[tuple[Noun[Any], str]]] = {}
            for noun in self.nouns.values():
                for id in noun.ids(self):
                    if core_id(id) == id:
                        found.setdefault(entity_urn(noun.kind.identifier, id), []).append((noun, id))
            self._by_urn = found
        return self._by_urn

    def same_place(self, uri: str, path: str) -> bool:
        """Whether a URI names the entity at a path, by any of its names. Raises InvalidRequest."""
        if uri in (path, self.authority + path):
            return True
        try:
            return self.locate(uri) == self.place(path)
        except NotFound:
            return False

    def place(self, path: str) -> tuple[Noun[Any], str] | None:
        """The noun and identifier that a path means, whether or not the entity is there."""
        row = self.cloud.by_path(self.caller, path)
        if row is not None:
            return self.noun_of(row), row.id
        collection, _, id = path.rpartition("/")
        for noun in self.nouns.values():
            if noun.location == f"{collection}/" and id:
                return noun, id.removeprefix("urn:uuid:")
        return None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request's structures, resolved against the model."""

    kind: Kind | None
    mixins: tuple[Mixin, ...]
    action: Action | None
    attributes: Mapping[str, Value]
    links: tuple[LinkLine, ...]

    @classmethod
    def of(cls, message: Message, model: Model) -> Incoming:
        """Raises NotFound (unknown category), InvalidRequest (two kinds, two actions, a wrong class)."""
        kinds: list[Kind] = []
        mixins: list[Mixin] = []
        actions: list[Action] = []
        for line in message.categories:
            found = resolve(line, model)
            target: list[Any] = (
                kinds if isinstance(found, Kind) else mixins if isinstance(found, Mixin) else actions
            )
            if found not in target:
                target.append(found)
        for several, what in ((kinds, "kinds"), (actions, "actions")):
            if len(several) > 1:
                names = " and ".join(c.identifier for c in several)
                raise InvalidRequest(f"Category: two {what}, {names}; send one", field="category")
        return cls(
            kinds[0] if kinds else None,
            tuple(mixins),
            actions[0] if actions else None,
            message.attributes,
            message.links,
        )

    def require_kind(self) -> Kind:
        if self.kind is None:
            raise InvalidRequest("Category: no kind; name the kind of the entity", field="category")
        return self.kind


_CLASS_NAMES: Mapping[type[Any], str] = {Kind: "kind", Mixin: "mixin", Action: "action"}


def resolve(line: CategoryLine, model: Model) -> Kind | Mixin | Action:
    """The category that a line names. Raises NotFound, InvalidRequest for a wrong class."""
    identifier = line.identifier
    found = model.kinds.get(identifier) or model.mixins.get(identifier) or model.actions.get(identifier)
    if found is None:
        raise NotFound(f"Category: {shorten(identifier)} is not known here")
    expected = _CLASS_NAMES[type(found)]
    if line.category_class not in (None, expected):
        raise InvalidRequest(
            f"Category: {shorten(identifier)} is a {expected}, not a {line.category_class}", field="category"
        )
    return found

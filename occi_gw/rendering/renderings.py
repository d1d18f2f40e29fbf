"""One class per family of media types: what it reads, and what each kind of answer looks like in it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence

from occi_gw.rendering import negotiation
from occi_gw.rendering.occi_json import read_json, read_locations
from occi_gw.rendering.occi_json_writer import JsonForm, error_object, to_json, uri_array
from occi_gw.rendering.parse_error import ParseError
from occi_gw.rendering.rendered import NotAListing, Rendered, as_body
from occi_gw.rendering.text import read_headers, read_plain
from occi_gw.rendering.text_lines import (
    Lines,
    category_line,
    category_value,
    entity_lines,
    location_lines,
    location_values,
    to_headers,
    to_plain,
    wsgi_string,
)
from occi_gw.rendering.uri_list import uri_lines
from occi_gw.rendering.values import Action, Category, Entity, Kind, Message, Mixin

_NOT_ON_A_LINE = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_MAX_ERROR = 1000


class Rendering(ABC):
    """What a resource needs of a media type.

    ``lists_entities`` says what a listing shows: whole entities, or URIs only, for which ``locations`` with
    the paths gives the same answer as ``entities``. ``shows_structures`` says whether it has more than
    URIs.
    """

    lists_entities = False
    shows_structures = True

    def __init__(self, media_type: str) -> None:
        self.media_type = media_type

    @abstractmethod
    def read(self, headers: Mapping[str, str], body: bytes) -> Message:
        """The structures of a request. Raises ParseError."""

    def read_locations(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        """The entities that a request on a collection names. Raises ParseError for anything else in it."""
        message = self.read(headers, body)
        if message.categories or message.links or message.attributes:
            raise ParseError("only X-OCCI-Location values are expected here")
        return message.locations

    def require_structures(self) -> None:
        """Raises NotAListing where neither entities nor categories can be shown.

        To be called before what is to be shown is made or changed.
        """
        if not self.shows_structures:
            raise NotAListing

    def model(self, kinds: Sequence[Kind], mixins: Sequence[Mixin], actions: Sequence[Action]) -> Rendered:
        """The query interface: in text kinds, actions and mixins in this order, each as given."""
        return self.categories([*kinds, *actions, *mixins])

    @abstractmethod
    def categories(self, categories: Iterable[Category]) -> Rendered:
        """Some categories in full."""

    @abstractmethod
    def entity(self, entity: Entity) -> Rendered:
        """One entity."""

    def entities(self, base_url: str, entities: Iterable[Entity], *, of_links: bool = False) -> Rendered:
        """A listing; ``of_links`` says that an empty one is of links."""
        return self.locations(base_url, (entity.location for entity in entities))

    @abstractmethod
    def locations(self, base_url: str, paths: Iterable[str]) -> Rendered:
        """A list of URIs of entities."""

    @abstractmethod
    def created(self, entity: Entity | None, uri: str) -> Rendered:
        """The answer to a create (201): the absolute ``uri`` as Location, and what belongs in the body.

        The entity itself is needed only where ``lists_entities``.
        """

    @abstractmethod
    def ok(self) -> Rendered:
        """Success with nothing to show."""

    @abstractmethod
    def error(self, code: int, message: str) -> Rendered:
        """A failure, told in one line."""

    def _rendered(self, body: bytes | Iterator[bytes], *headers: tuple[str, str]) -> Rendered:
        return Rendered((("Content-Type", self.media_type), *headers), body)


class PlainText(Rendering):
    """text/plain and text/occi+plain: structures as body lines."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Message:
        return read_plain(body)

    def categories(self, categories: Iterable[Category]) -> Rendered:
        return self._rendered(to_plain(_category_lines(categories)))

    def entity(self, entity: Entity) -> Rendered:
        return self._rendered(to_plain(entity_lines(entity)))

    def locations(self, base_url: str, paths: Iterable[str]) -> Rendered:
        return self._rendered(as_body(location_lines(base_url, paths)))

    def created(self, entity: Entity | None, uri: str) -> Rendered:
        return self._rendered(to_plain(Lines(locations=[uri])), ("Location", uri))

    def ok(self) -> Rendered:
        return self._rendered(b"OK")

    def error(self, code: int, message: str) -> Rendered:
        return self._rendered(_one_line(message).encode() + b"\n")


class HeaderText(Rendering):
    """text/occi: structures as headers, the body only says OK. Raises HeaderTooLarge."""

    def read(self, headers: Mapping[str, str], body: bytes) -> Message:
        return read_headers(headers)

    def categories(self, categories: Iterable[Category]) -> Rendered:
        return self._lines(_category_lines(categories))

    def entity(self, entity: Entity) -> Rendered:
        return self._lines(entity_lines(entity))

    def locations(self, base_url: str, paths: Iterable[str]) -> Rendered:
        return self._lines(Lines(locations=location_values(base_url, paths)))

    def created(self, entity: Entity | None, uri: str) -> Rendered:
        return self._lines(Lines(locations=[uri]), ("Location", uri))

    def ok(self) -> Rendered:
        return self._lines(Lines())

    def error(self, code: int, message: str) -> Rendered:
        line = _one_line(message)
        return self._rendered(line.encode(), ("X-OCCI-Error", wsgi_string(line)))

    def _lines(self, lines: Lines, *headers: tuple[str, str]) -> Rendered:
        return self._rendered(b"OK", *headers, *to_headers(lines))


class UriList(Rendering):
    """text/uri-list: listings only. Raises NotAListing for the rest; an error is told in text/plain."""

    shows_structures = False

    def read(self, headers: Mapping[str, str], body: bytes) -> Message:
        raise ParseError(f"{self.media_type} is no media type of a request; send text/plain")

    def categories(self, categories: Iterable[Category]) -> Rendered:
        raise NotAListing

    def entity(self, entity: Entity) -> Rendered:
        raise NotAListing

    def locations(self, base_url: str, paths: Iterable[str]) -> Rendered:
        return self._rendered(as_body(uri_lines(base_url, paths)))

    def created(self, entity: Entity | None, uri: str) -> Rendered:
        return self._rendered(uri.encode() + b"\r\n", ("Location", uri))

    def ok(self) -> Rendered:
        return self._rendered(b"")

    def error(self, code: int, message: str) -> Rendered:
        return PlainText(negotiation.TEXT_PLAIN).error(code, message)


class Json(Rendering):
    """application/occi+json, in one of its two forms."""

    lists_entities = True

    def __init__(self, media_type: str, form: JsonForm) -> None:
        super().__init__(media_type)
        self._form = form

    def read(self, headers: Mapping[str, str], body: bytes) -> Message:
        return read_json(body)

    def read_locations(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return read_locations(body)

    def categories(self, categories: Iterable[Category]) -> Rendered:
        return self._rendered(to_json(self._form.categories(categories)))

    def entity(self, entity: Entity) -> Rendered:
        return self._rendered(to_json(self._form.single(entity)))

    def entities(self, base_url: str, entities: Iterable[Entity], *, of_links: bool = False) -> Rendered:
        return self._rendered(as_body(self._form.collection(entities, of_links=of_links)))

    def locations(self, base_url: str, paths: Iterable[str]) -> Rendered:
        return self._rendered(as_body(uri_array(base_url, paths)))

    def created(self, entity: Entity | None, uri: str) -> Rendered:
        assert entity is not None
        return self._rendered(to_json(self._form.single(entity)), ("Location", uri))

    def ok(self) -> Rendered:
        return self._rendered(b"{}")

    def error(self, code: int, message: str) -> Rendered:
        return self._rendered(to_json(error_object(code, message)))


def _category_lines(categories: Iterable[Category]) -> Lines:
    return Lines(categories=[category_value(category_line(category)) for category in categories])


def _one_line(message: str) -> str:
    return _NOT_ON_A_LINE.sub(" ", message).strip()[:_MAX_ERROR]

"""What an OCCI check is given: preconditions that block instead of fail, and the tracks of what was made."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from conformance.exchange import Endpoint, Headers, Response, TransportError
from conformance.framework import Blocked, CannotRun, Cleanup, Context, Skipped, require
from conformance.occi import tolerant
from conformance.occi import vocabulary as v
from conformance.occi.wire import WRITERS, Message, Scalar, category, plain

QUERY = "/-/"
WELL_KNOWN = "/.well-known/org/ogf/occi/-/"
UNSUPPORTED = frozenset({405, 501})
GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Tag:
    """A user-defined mixin that this run has added."""

    id: str
    location: str


class OcciContext(Context):
    """The endpoint as an OCCI client sees it.

    Methods `given_...` and `need_...` establish preconditions: they raise Blocked or Skipped, never Failed.
    """

    def __init__(self, endpoint: Endpoint, *, settle: float = 60.0) -> None:
        """`settle`: seconds to wait for a state to be reached."""
        super().__init__(endpoint)
        self.settle = settle
        self.run_id = secrets.token_hex(3)
        self.made: set[str] = set()
        self.server = ""
        self._counter = 0
        self._before: frozenset[str] = frozenset()
        self._shared: dict[str, str] = {}
        self._template_mixins: tuple[str, ...] = ()

    # Requests

    def send(
        self,
        method: str,
        reference: str,
        message: Message | None = None,
        *,
        accept: str = v.PLAIN,
        rendering: str = v.PLAIN,
        headers: Headers = (),
        body: bytes = b"",
    ) -> Response:
        """Send a message in a rendering, or just headers and a body; an empty `accept` is not sent."""
        if message is not None:
            request = WRITERS[rendering](message)
            headers, body = (*request.headers, *headers), request.body
        accepted = (("Accept", accept),) if accept else ()
        return self.endpoint.send(method, reference, (*accepted, *headers), body)

    def get(self, reference: str, accept: str = v.PLAIN, headers: Headers = ()) -> Response:
        return self.send("GET", reference, accept=accept, headers=headers)

    def delete(self, reference: str) -> Response:
        return self.send("DELETE", reference)

    def name(self, word: str = "thing") -> str:
        """A title, host name or term that nothing else on the endpoint has."""
        self._counter += 1
        return f"sgc-{self.run_id}-{word}-{self._counter}"

    # The endpoint

    def preflight(self) -> None:
        try:
            response = self.get(QUERY)
        except TransportError as error:
            raise CannotRun(f"cannot reach the endpoint: {error}") from error
        if response.status in (401, 403):
            raise CannotRun(f"{response.status} for GET /-/: credentials refused; see --user and --token-env")
        self.server = response.header("Server")
        if "OCCI/" not in self.server and not tolerant.read(response).categories:
            raise CannotRun(f"{self.endpoint.url} is not an OCCI endpoint: {response.status} and no Category")
        self._before = frozenset(self.listing("/"))

    @cached_property
    def model(self) -> tuple[tolerant.Model, ...]:
        response = self.get(QUERY)
        categories = tolerant.read(response).categories
        require(response.ok and categories, "the query interface lists nothing")
        return categories

    def category(self, identifier: str) -> tolerant.Model:
        """The category as published; Skipped when it is not."""
        for found in self.model:
            if found.id == identifier:
                return found
        raise Skipped(f"{identifier} is not published")

    def publishes(self, identifier: str) -> bool:
        return any(found.id == identifier for found in self.model)

    def children(self, parent: str) -> list[str]:
        """The mixins that name the parent in `rel`."""
        return [found.id for found in self.model if parent in found.rel and found.class_ != "kind"]

    def location(self, identifier: str) -> str:
        """The path of the collection of a category; the usual one when the model does not tell."""
        published = next((found.location for found in self.model if found.id == identifier), "")
        return self.path(published) if published else f"/{v.split(identifier)[1]}/"

    def claims(self, version: str) -> bool:
        return re.search(rf"(?<!\S)OCCI/{re.escape(version)}(?!\S)", self.server) is not None

    def need_claim(self, version: str) -> None:
        if not self.claims(version):
            raise Skipped(f"the Server header does not claim OCCI/{version}")

    @cached_property
    def _json(self) -> Response:
        return self.get(QUERY, v.JSON)

    def need_json(self) -> None:
        """Skipped unless the endpoint speaks OCCI 1.2 JSON; that of 1.1 servers is not specified."""
        self.need_claim("1.2")
        if self._json.status == 406:
            raise Skipped("no JSON rendering: 406")
        require(self._json.ok and self._json.media_type == v.JSON, "the model in JSON does not work")

    def need(self, rendering: str) -> None:
        if rendering == v.JSON:
            self.need_json()

    def path(self, reference: str) -> str:
        """The path below the endpoint, also of a URI with a wrong authority (another check is about that)."""
        path = self.endpoint.path(reference)
        return self.endpoint.path(urlsplit(path).path) if "://" in path else path

    # Making and removing

    def track(self, reference: str, stack: Cleanup | None = None) -> str:
        """Note an entity that this run has made; it is deleted after the check. Answers its path."""
        path = self.path(reference)
        if path in self._before or not path.startswith("/") or path.endswith("/"):
            raise Blocked(f"the answer to a create names {reference[:80]!r}, which is not a new entity")
        self.made.add(path)
        (stack or self.cleanup).push(path, lambda: self._removed(path))
        return path

    def _removed(self, path: str) -> bool:
        response = self.delete(path)
        if response.ok or response.status in GONE:
            self.made.discard(path)
            return True
        return False

    def uri_of(self, response: Response, kind: str) -> str:
        """The URI of what a create made, guessed from its id if need be; empty when it cannot be told."""
        uri = tolerant.created_uri(response)
        if uri or not response.ok:
            return uri if response.ok else ""
        identifier = tolerant.read(response).attributes.get("occi.core.id", "")
        if not identifier and response.media_type in (v.JSON, v.BARE_JSON):
            try:
                entities = tolerant.json_entities(response.json())
            except ValueError:
                entities = []
            identifier = str(entities[0].get("id", "")) if entities else ""
        return self.location(kind) + identifier.removeprefix("urn:uuid:") if identifier else ""

    def create(
        self,
        message: Message,
        *,
        rendering: str = v.PLAIN,
        accept: str = v.PLAIN,
        at: str = "",
        method: str = "POST",
        headers: Headers = (),
    ) -> tuple[Response, str]:
        """Send a create request; answers the response and the path of the entity, empty if none was made."""
        response = self.send(
            method,
            at or self.location(message.kind),
            message,
            accept=accept,
            rendering=rendering,
            headers=headers,
        )
        return response, self.adopt(response, message.kind, at if method == "PUT" else "")

    def adopt(self, response: Response, kind: str, otherwise: str = "") -> str:
        """Track whatever a successful answer says was made."""
        uri = (otherwise if response.ok else "") or self.uri_of(response, kind)
        if response.ok and not uri:
            self.leftovers.append(f"a {v.split(kind)[1]} whose URI the answer to its creation does not tell")
        return self.track(uri) if uri else ""

    def create_raw(self, kind: str, headers: Headers, body: bytes = b"") -> tuple[Response, str]:
        """Create in the collection of the kind with these headers, none added but Accept, and this body."""
        response = self.send("POST", self.location(kind), headers=headers, body=body)
        return response, self.adopt(response, kind)

    def given(
        self,
        kind: str,
        attributes: Mapping[str, Scalar] | None = None,
        mixins: tuple[str, ...] = (),
        links: tuple[str, ...] = (),
    ) -> str:
        """The path of a new entity of the kind; Blocked when it cannot be made."""
        wanted = {"occi.core.title": self.name(v.split(kind)[1]), **self._needed(kind), **(attributes or {})}
        extra = self._template_mixins if kind == v.COMPUTE else ()
        response, path = self.create(Message(kind, (*mixins, *extra), attributes=wanted, links=links))
        if not path and kind == v.COMPUTE and not extra and not mixins and 400 <= response.status < 500:
            self._template_mixins = tuple(
                self.children(parent)[0] for parent in (v.OS_TPL, v.RESOURCE_TPL) if self.children(parent)
            )
            if self._template_mixins:
                return self.given(kind, attributes, mixins, links)
        require(path, f"cannot make a {v.split(kind)[1]}: {response.status}")
        return path

    @staticmethod
    def _needed(kind: str) -> Mapping[str, Scalar]:
        return {"occi.storage.size": 1.0} if kind == v.STORAGE else {}

    def given_compute(self, attributes: Mapping[str, Scalar] | None = None, **more: tuple[str, ...]) -> str:
        return self.given(v.COMPUTE, attributes, **more)

    def shared(self, kind: str) -> str:
        """An entity that several checks read and none changes; made at the first use."""
        path = self._shared.get(kind, "")
        if not path or not self.get(path).ok:
            own, self.cleanup = self.cleanup, self.shared_cleanup
            try:
                path = self._shared[kind] = self.given(kind)
            finally:
                self.cleanup = own
        return path

    def given_link(self, kind: str = v.STORAGELINK, source: str = "") -> tuple[str, str, str]:
        """Paths of (link, source, target), the source and the target new unless a source is given."""
        target_kind = v.STORAGE if kind == v.STORAGELINK else v.NETWORK
        source = source or self.given_compute()
        target = self.given(target_kind)
        ends = {"occi.core.source": self.uri(source), "occi.core.target": self.uri(target)}
        response, path = self.create(Message(kind, attributes=ends))
        require(path, f"cannot make a {v.split(kind)[1]}: {response.status}")
        return path, source, target

    def uri(self, path: str) -> str:
        return self.endpoint.resolve(path)

    def reference(self, path: str) -> str:
        """The absolute path as a client writes it: with the base path of the endpoint."""
        return self.endpoint.base + path

    # Tags

    def add_tag(
        self, tag: Tag, *, accept: str = v.PLAIN, headers: Headers = (), **parameters: str
    ) -> Response:
        """POST the tag to the query interface and track it."""
        value = category(tag.id, "mixin", **{"location": tag.location, **parameters})
        response = self.endpoint.send(
            "POST", QUERY, (("Accept", accept), ("Content-Type", v.OCCI), ("Category", value), *headers)
        )
        self.track_tag(tag, response)
        return response

    def track_tag(self, tag: Tag, response: Response) -> None:
        if response.status in UNSUPPORTED:
            raise Skipped(f"no user-defined mixins: {response.status} for POST /-/")
        if response.ok:
            self.cleanup.push(f"mixin {tag.id}", lambda: self._tag_removed(tag))

    def _tag_removed(self, tag: Tag) -> bool:
        response = self.remove_tag(tag.id)
        return response.ok or response.status in (*GONE, 400)

    def remove_tag(self, identifier: str, class_: str = "mixin") -> Response:
        scheme, term = v.split(identifier)
        value = category(identifier, class_) if class_ else f'{term}; scheme="{scheme}"'
        return self.send("DELETE", QUERY, headers=(("Content-Type", v.OCCI), ("Category", value)))

    def new_tag(self) -> Tag:
        """A tag that is not yet added."""
        term = self.name("tag")
        return Tag(f"http://conformance.example.org/tags#{term}", f"/{term}/")

    def given_tag(self, *members: str) -> Tag:
        """An added tag, put on the members."""
        tag = self.new_tag()
        response = self.add_tag(tag)
        require(response.ok, f"cannot add a mixin: {response.status}")
        if members:
            response = self.send("POST", tag.location, Message(locations=tuple(self.uri(m) for m in members)))
            require(response.ok, f"cannot associate with a mixin: {response.status}")
        return tag

    # Reading

    def describe(self, path: str) -> tolerant.Rendering:
        response = self.get(path)
        require(response.ok, f"cannot read {path}: {response.status}")
        return tolerant.read(response)

    def listing(self, reference: str, headers: Headers = ()) -> list[str]:
        """Paths of a collection; empty when it cannot be listed."""
        response = self.get(reference, headers=headers)
        return [self.path(uri) for uri in tolerant.listed(response)] if response.ok else []

    def only_ours(self, collection: str) -> None:
        """Skipped unless everything in the collection was made by this run."""
        others = [path for path in self.listing(collection) if path not in self.made]
        if others:
            raise Skipped(f"{collection} holds {len(others)} entities that this run has not made")

    def given_listed(self, collection: str, *members: str) -> None:
        listed = self.listing(collection)
        require(set(members) <= set(listed), f"{collection} does not list what was made")

    def state(self, path: str, kind: str = v.COMPUTE) -> str:
        return self.describe(path).attributes.get(f"occi.{v.split(kind)[1]}.state", "")

    def reaches(self, path: str, wanted: str, kind: str = v.COMPUTE) -> bool:
        """Whether the state is reached in time; polls with growing pauses up to a second."""
        deadline = time.monotonic() + self.settle
        pause = 0.05
        while self.state(path, kind) != wanted:
            if time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 2, 1.0)
        return True

    # Actions

    def act(
        self,
        path: str,
        kind: str,
        term: str,
        *,
        query: str = "",
        rendering: str = v.PLAIN,
        accept: str = v.PLAIN,
        parameters: Mapping[str, Scalar] | None = None,
    ) -> Response:
        """Invoke an action; `query` overrides the term in the query string."""
        message = Message(action=v.action(kind, term), attributes=parameters or {})
        return self.send(
            "POST", f"{path}?action={query or term}", message, rendering=rendering, accept=accept
        )

    def given_state(self, path: str, wanted: str) -> None:
        """Bring a compute into a state; Blocked when it does not get there."""
        term = {"active": "start", "inactive": "stop", "suspended": "suspend"}[wanted]
        if wanted != "active":
            self.given_state(path, "active")
        if self.state(path) != wanted:
            response = self.act(path, v.COMPUTE, term)
            # Machines that start by themselves may refuse a start; what counts is that they get there.
            require(response.ok or wanted == "active", f"cannot {term} a compute: {response.status}")
        require(self.reaches(path, wanted), f"a compute does not become {wanted}")

    def send_lines(self, method: str, path: str, *lines: str) -> Response:
        request = plain(*lines)
        return self.send(method, path, headers=request.headers, body=request.body)

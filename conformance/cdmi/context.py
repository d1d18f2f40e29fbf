"""What a CDMI check is given: what is published, a container of its own, preconditions that block."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any

from conformance.cdmi import vocabulary as v
from conformance.cdmi.strict import Document
from conformance.exchange import Credentials, Endpoint, Headers, Response, TransportError
from conformance.framework import CannotRun, Cleanup, Context, Skipped, require

VERSIONED = ((v.VERSION_HEADER, v.OFFERED),)
GONE = frozenset({404, 410})
Published = Mapping[str, Any]


class CdmiContext(Context):
    """The endpoint as a CDMI client sees it. Paths are those below its root URI.

    Methods `given_...` and `need_...` and `box` establish preconditions: they raise Blocked or Skipped.
    """

    def __init__(self, endpoint: Endpoint, *, settle: float = 60.0) -> None:
        """`settle`: seconds to wait for a copy, a move, the end of a retention."""
        super().__init__(endpoint)
        self.settle = settle
        self.run_id = secrets.token_hex(3)
        self.shared: dict[str, str] = {}
        self._counter = 0
        self._run = ""
        self._box = ""

    # Requests

    def http(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Headers = (),
        *,
        credentials: Credentials | None = None,
    ) -> Response:
        """Plain HTTP: exactly these headers and this body."""
        return self.endpoint.send(method, path, headers, body, credentials=credentials)

    def cdmi(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        kind: str = "",
        accept: str = "",
        headers: Headers = (),
        credentials: Credentials | None = None,
    ) -> Response:
        """A CDMI request. `kind` is the Content-Type, by default that of a container or of a data object."""
        body = b"" if document is None else _bytes(document)
        kind = kind or (v.CONTAINER if path.partition("?")[0].endswith("/") else v.OBJECT)
        given = (("Content-Type", kind),) if document is not None else ()
        accepted = (("Accept", accept),) if accept else ()
        return self.http(
            method, path, body, (*VERSIONED, *given, *accepted, *headers), credentials=credentials
        )

    def get(self, path: str, accept: str = "") -> Response:
        return self.cdmi("GET", path, accept=accept)

    def put(self, path: str, document: object, kind: str = "") -> Response:
        return self.cdmi("PUT", path, document, kind=kind)

    def delete(self, path: str) -> Response:
        return self.cdmi("DELETE", path)

    def other(self, method: str, path: str, document: object = None, **more: Any) -> Response:
        """The same as `cdmi` in the name of the second account; Skipped without one."""
        return self.cdmi(method, path, document, credentials=self.need_second(), **more)

    def name(self, word: str = "thing") -> str:
        """A name that nothing else on the endpoint has."""
        self._counter += 1
        return f"sgc-{self.run_id}-{word}-{self._counter}"

    # The endpoint

    def preflight(self) -> None:
        try:
            response = self.get(v.CAPABILITIES)
            root = self.get("/?objectID")
        except TransportError as error:
            raise CannotRun(f"cannot reach the endpoint: {error}") from error
        if 401 in (response.status, root.status):
            raise CannotRun("401: credentials refused; see --user and --token-env")
        if not isinstance(_object(response).get("capabilities"), dict):
            raise CannotRun(
                f"{self.endpoint.url} is not a CDMI endpoint: {response.status} and no capabilities"
            )

    @cached_property
    def system(self) -> Published:
        return self._entry(v.CAPABILITIES)

    @cached_property
    def entries(self) -> Mapping[str, Published]:
        """What is published by entry of the tree; a type that is not there publishes nothing."""
        return {v.SYSTEM: self.system, **{name: self._entry(f"{v.CAPABILITIES}{name}/") for name in v.TYPES}}

    def _entry(self, path: str) -> Published:
        found = _object(self.get(path)).get("capabilities")
        return found if isinstance(found, dict) else {}

    def published(self, entry: str, name: str) -> Any:
        """The value of a capability, None where it is absent or "false"."""
        value = self.entries[entry].get(name)
        return None if value in ("false", False, "", []) else value

    def need(self, entry: str, *names: str) -> None:
        """Skipped unless all these are published."""
        for name in names:
            if self.published(entry, name) is None:
                raise Skipped(f"{name} is not published{f' for {entry}' if entry else ''}")

    def need_not(self, entry: str, *names: str) -> None:
        """Skipped where all these are published, so that what they gate must work."""
        if all(self.published(entry, name) is not None for name in names):
            raise Skipped(f"{names[-1]} is published")

    def need_second(self) -> Credentials:
        if self.second is None:
            raise Skipped("no second account; see --second-user")
        return self.second

    def need_users(self) -> None:
        if not self.endpoint.credentials.headers:
            raise Skipped("no credentials are in use")

    @property
    def now(self) -> datetime:
        """The time of the server, or ours where it does not tell."""
        date = self.get("/?objectID").header("Date")
        return parsedate_to_datetime(date) if date else datetime.now(UTC)

    def reference(self, path: str) -> str:
        """A path as it stands in the body of a request: from the root of the server."""
        return self.endpoint.base + path

    # Making and removing

    @property
    def box(self) -> str:
        """The container of this check, with a slash at its end; made at the first use."""
        if not self._box:
            self.need("container", "cdmi_create_container")
            if not self._run:
                self._run = self._made(f"/{self.name('run')}/", self.shared_cleanup)
            self._box = self._made(self._run + self.name("box") + "/", self.cleanup)
        return self._box

    def _made(self, path: str, stack: Cleanup) -> str:
        response = self.put(path, {})
        require(response.status == 201, f"cannot make a container: {response.status}")
        stack.push(path, lambda: self.removed(path))
        return path

    def shared_box(self) -> str:
        """A container that lasts to the end of the run."""
        require(self.box, "no container")
        return self._made(self._run + self.name("shared") + "/", self.shared_cleanup)

    def after_check(self) -> None:
        super().after_check()
        self._box = ""

    def removed(self, path: str) -> bool:
        """Delete and answer whether it is gone; what is under retention is waited for."""
        deadline = time.monotonic() + self.settle
        pause = 0.05
        while True:
            response = self.delete(path)
            if response.ok or response.status in GONE:
                return True
            if response.status != 403 or time.monotonic() + pause > deadline:
                return False
            time.sleep(pause)
            pause = min(pause * 2, 1.0)

    def track(self, path: str) -> str:
        """Note what lies outside the container of the check."""
        self.cleanup.push(path, lambda: self.removed(path))
        return path

    def new(self, word: str = "object") -> str:
        """The path of a data object that is not there."""
        self.need("container", "cdmi_create_dataobject")
        return self.box + self.name(word)

    def new_container(self) -> str:
        return self.box + self.name("container") + "/"

    def given(self, value: str = "hello world", **fields: Any) -> str:
        """The path of a new data object; Blocked when it cannot be made."""
        path = self.new()
        response = self.put(path, {"value": value, **fields})
        require(response.status == 201, f"cannot make a data object: {response.status}")
        return path

    def given_bytes(self, content: bytes, media_type: str = "application/octet-stream") -> str:
        path = self.new()
        response = self.http("PUT", path, content, (("Content-Type", media_type),))
        require(response.status == 201, f"cannot make a data object by HTTP: {response.status}")
        return path

    def given_container(self, *children: str, **fields: Any) -> str:
        """The path of a new container with data objects (or, with a slash, containers) of these names."""
        path = self.new_container()
        response = self.put(path, fields)
        require(response.status == 201, f"cannot make a container: {response.status}")
        for child in children:
            response = self.put(path + child, {} if child.endswith("/") else {"value": child})
            require(response.status == 201, f"cannot make {child}: {response.status}")
        return path

    def given_queue(self, *values: str, **fields: Any) -> str:
        """The path of a new queue that holds these values; Skipped where there are no queues."""
        self.need(v.SYSTEM, "cdmi_queues")
        self.need("container", "cdmi_create_queue")
        path = self.box + self.name("queue")
        response = self.cdmi("PUT", path, fields, kind=v.QUEUE, accept=v.QUEUE)
        require(response.status == 201, f"cannot make a queue: {response.status}")
        if values:
            response = self.cdmi("POST", path, {"value": list(values)}, kind=v.QUEUE)
            require(response.status == 204, f"cannot enqueue: {response.status}")
        return path

    # Reading

    def read(self, path: str) -> Document:
        """The fields of an object; Blocked when it cannot be read."""
        response = self.get(path)
        found = _object(response)
        require(response.ok and found, f"cannot read {path}: {response.status}")
        return found

    def metadata(self, path: str) -> Document:
        found = self.read(path).get("metadata")
        require(isinstance(found, dict), f"{path} has no metadata")
        return dict(found or {})

    def identifier(self, path: str) -> str:
        found = self.read(path).get("objectID")
        require(isinstance(found, str) and found, f"{path} has no objectID")
        return str(found)

    def content(self, path: str) -> bytes:
        """The value by plain HTTP; Blocked when it cannot be read."""
        response = self.http("GET", path)
        require(response.status == 200, f"cannot read {path} by HTTP: {response.status}")
        return response.body

    def exists(self, path: str) -> bool:
        return self.get(path).status not in GONE

    def complete(self, path: str) -> Document:
        """The fields of an object as soon as it is no longer being made; Blocked if that does not come."""
        self.until(lambda: self.read(path).get("completionStatus") != "Processing", "it stays Processing")
        return self.read(path)

    def until(self, condition: Callable[[], bool], otherwise: str) -> None:
        """Wait for a condition with growing pauses; Blocked where it does not come in time."""
        deadline = time.monotonic() + self.settle
        pause = 0.02
        while not condition():
            require(time.monotonic() + pause < deadline, otherwise)
            time.sleep(pause)
            pause = min(pause * 2, 1.0)


def _bytes(document: object) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def _object(response: Response) -> Document:
    """The JSON object of an answer; empty when it has none."""
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}

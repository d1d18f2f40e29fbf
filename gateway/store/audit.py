"""The audit record: append-only, written in the same transaction as the change it tells of."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import and_, bindparam, insert, or_, select, true
from sqlalchemy.sql.elements import ColumnElement

from gateway.identity import Caller, RequestInfo

from .database import Database, Query, Transaction
from .overlay import now
from .schema import audit

log = logging.getLogger("gateway.audit")

_NAMES = ("time", "event", "outcome", "user", "tenant", "resource_id", "record")
_APPEND = Query(insert(audit).values({name: bindparam(name) for name in _NAMES}))
_NODE = socket.gethostname()

#: Names of fields whose values go into the record as a digest only.
_SECRET = re.compile(r"password|secret|token|credential|user_data|keys?$")

#: (back end, identifier there) of an identifier of ours.
Split = Callable[[str], tuple[str, str]]


class Audit:
    """The audit record of one store."""

    def __init__(
        self, database: Database, version: str, file: str = "", *, split: Split | None = None
    ) -> None:
        self.database = database
        self._version = version
        self._file = file
        self._split = split

    def append(self, tx: Transaction, caller: Caller, event: str, outcome: str, **facts: Any) -> None:
        """Add one record; ``facts`` are further fields (``resource_id``, ``reason``, ``before``, ...).

        Of what ``before`` and ``after`` hold under a name that tells of a secret only a digest is kept.
        """
        present = now()
        principal, resource = caller.principal, facts.get("resource_id")
        for name in ("before", "after"):
            if facts.get(name):
                facts[name] = _without_secrets(facts[name])
        if self._split is not None and resource is not None:
            facts["backend"], facts["backend_id"] = self._split(resource)
        record = {
            "time": datetime.fromtimestamp(present / 1e6, UTC).isoformat(timespec="microseconds"),
            "event": event,
            "outcome": outcome,
            "request_id": caller.request.id,
            "node": _NODE,
            "worker": os.getpid(),
            "version": self._version,
            "subject": principal.subject,
            "user": principal.user,
            "tenant": principal.tenant,
            "groups": principal.groups,
            "roles": sorted(principal.roles),
            "auth_method": principal.auth_method,
            **_wire(caller.request),
            **{name: fact for name, fact in facts.items() if fact is not None},
        }
        text = json.dumps(record, default=str)
        if self._file:
            tx.afterwards.append(partial(self._copy, text))
        tx.run(
            _APPEND,
            time=present,
            event=event,
            outcome=outcome,
            user=principal.user,
            tenant=principal.tenant,
            resource_id=facts.get("object_id") if resource is None else resource,
            record=text,
        )

    def _copy(self, text: str) -> None:
        """Append one record to the file, in one write so that lines of several workers do not mix.

        Opened anew each time: whoever rotates the file needs to tell nobody.
        """
        try:
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, f"{text}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            log.error("the audit file cannot be written, the store has the record: %s", error)

    def query(
        self,
        *,
        user: str | None = None,
        resource: str | None = None,
        event: str | None = None,
        since: datetime | None = None,
        text: str | None = None,
        address: str | None = None,
        image: str | None = None,
        limit: int = 1000,
    ) -> Sequence[Mapping[str, Any]]:
        """Matching records, oldest first; ``text`` is looked for anywhere in their JSON, as given or escaped.

        ``address`` is one that a machine had, ``image`` what one was made of.
        """
        conditions: list[ColumnElement[bool]] = [true()]
        values: dict[str, Any] = {}
        for name, column, value in (
            ("user", audit.c.user, user),
            ("resource", audit.c.resource_id, resource),
            ("event", audit.c.event, event),
        ):
            if value is not None:
                conditions.append(column == bindparam(name))
                values[name] = value
        if since is not None:
            conditions.append(audit.c.time >= bindparam("since"))
            values["since"] = int(since.timestamp() * 1e6)
        for name, parts in (("text", _spellings(text)), ("at", _quoted(address)), ("of", _quoted(image))):
            if parts:
                held = {f"{name}{number}": _literal(part) for number, part in enumerate(parts)}
                conditions.append(or_(*(audit.c.record.contains(bindparam(n), escape="!") for n in held)))
                values |= held
        statement = select(audit.c.record).where(and_(*conditions)).order_by(audit.c.seq)
        if address is None and image is None:
            statement = statement.limit(limit)
        records = (json.loads(row[0]) for row in self.database.read(Query(statement), **values))
        return list(islice((record for record in records if _tells(record, address, image)), limit))


def _tells(record: Mapping[str, Any], address: str | None, image: str | None) -> bool:
    """Whether a record is of a machine with the address and of the image, where they are asked for."""
    return (address is None or address in record.get("addresses", ())) and (
        image is None or image == record.get("image_id")
    )


def _wire(request: RequestInfo) -> dict[str, Any]:
    """What a record tells of the request; what only some requests have is left out where there is none."""
    told: dict[str, Any] = {
        "client_ip": request.client_ip,
        "user_agent": request.user_agent,
        "protocol": request.protocol,
        "method": request.method,
        "path": request.path,
    }
    if request.forwarded_for:
        told["forwarded_for"] = request.forwarded_for
    if request.trace_id:
        told["trace_id"], told["parent_id"] = request.trace_id, request.parent_id
    if request.begun:
        told["duration_ms"] = round((time.perf_counter() - request.begun) * 1000, 3)
    return told


def _without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _kept(name, value) for name, value in values.items()}


def _kept(name: str, value: Any) -> Any:
    """A value as the record has it."""
    if value and _SECRET.search(name):
        raw = value if isinstance(value, bytes) else str(value).encode()
        return f"sha256:{hashlib.sha256(raw).hexdigest()}"
    return _without_secrets(value) if isinstance(value, Mapping) else value


def _literal(text: str) -> str:
    """The text without its meaning in a pattern of ``contains``, escaped by "!"."""
    return re.sub("[!%_]", r"!\g<0>", text)


def _quoted(text: str | None) -> Sequence[str]:
    """The text as a value in the JSON of a record; nothing where there is none."""
    return [] if text is None else [json.dumps(text)]


def _spellings(text: str | None) -> Sequence[str]:
    """How the text may stand in the JSON of a record: as given, or escaped as inside a value."""
    return [] if text is None else list(dict.fromkeys((text, json.dumps(text)[1:-1])))

"""The audit record: append-only, written in the same transaction as the change it tells of."""

from __future__ import annotations

import json
import logging
import os
import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import and_, bindparam, insert, select, true
from sqlalchemy.sql.elements import ColumnElement

from gateway.identity import Caller

from .database import Database, Query, Transaction
from .overlay import now
from .schema import audit

log = logging.getLogger("gateway.audit")

_NAMES = ("time", "event", "outcome", "user", "tenant", "resource_id", "record")
_APPEND = Query(insert(audit).values({name: bindparam(name) for name in _NAMES}))
_NODE = socket.gethostname()


class Audit:
    """The audit record of one store."""

    def __init__(self, database: Database, version: str, file: str = "") -> None:
        self.database = database
        self._version = version
        self._file = file

    def append(self, tx: Transaction, caller: Caller, event: str, outcome: str, **facts: Any) -> None:
        """Add one record; ``facts`` are further fields (``resource_id``, ``reason``, ``before``, ...)."""
        time = now()
        principal, request = caller.principal, caller.request
        record = {
            "time": datetime.fromtimestamp(time / 1e6, UTC).isoformat(timespec="microseconds"),
            "event": event,
            "outcome": outcome,
            "request_id": request.id,
            "node": _NODE,
            "worker": os.getpid(),
            "version": self._version,
            "subject": principal.subject,
            "user": principal.user,
            "tenant": principal.tenant,
            "groups": principal.groups,
            "roles": sorted(principal.roles),
            "auth_method": principal.auth_method,
            "client_ip": request.client_ip,
            "user_agent": request.user_agent,
            "protocol": request.protocol,
            "method": request.method,
            "path": request.path,
            **{name: fact for name, fact in facts.items() if fact is not None},
        }
        text = json.dumps(record, default=str)
        if self._file:
            tx.afterwards.append(partial(self._copy, text))
        tx.run(
            _APPEND,
            time=time,
            event=event,
            outcome=outcome,
            user=principal.user,
            tenant=principal.tenant,
            resource_id=facts.get("resource_id"),
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
        limit: int = 1000,
    ) -> Sequence[Mapping[str, Any]]:
        """Matching records, oldest first; ``text`` is looked for anywhere in the record."""
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
        if text is not None:
            conditions.append(audit.c.record.contains(bindparam("text"), escape="!"))
            values["text"] = re.sub("[!%_]", r"!\g<0>", text)
        statement = select(audit.c.record).where(and_(*conditions)).order_by(audit.c.seq)
        rows = self.database.read(Query(statement.limit(limit)), **values)
        return [json.loads(row[0]) for row in rows]

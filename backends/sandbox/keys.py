"""Security groups and key pairs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import uuid
from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any, ClassVar

from gateway.model import (
    AlreadyExists,
    InvalidRequest,
    InvalidState,
    KeyPair,
    KeyPairSpec,
    LinkState,
    Rule,
    SecurityGroup,
    SecurityGroupChanges,
    SecurityGroupSpec,
    TitleChanges,
    shorten,
)

from .database import Connection
from .images import TITLE
from .nouns import Stored
from .rows import Row

DIRECTIONS = ("inbound", "outbound")
PROTOCOLS = ("tcp", "udp", "icmp", "any")
_GROUP_CHANGES = frozenset(SecurityGroupChanges.__optional_keys__)


class SecurityGroups(Stored[SecurityGroup, SecurityGroupSpec, SecurityGroupChanges]):
    noun = "security group"
    table: ClassVar[str] = "security_groups"
    columns: ClassVar[str] = "id, title, summary, rules, state"

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[SecurityGroup]:
        return [
            SecurityGroup(id, title, summary, tuple(map(_rule, json.loads(rules))), LinkState(state))
            for id, title, summary, rules, state in rows
        ]

    def create(self, spec: SecurityGroupSpec) -> SecurityGroup:
        self._fail("create", title=spec.title)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            id = str(uuid.uuid4())
            connection.execute(
                "INSERT INTO security_groups (id, token, title, summary, rules, state)"
                " VALUES (?, ?, ?, ?, ?, 'active')",
                (id, spec.token or None, spec.title, spec.summary, _dumped(spec.rules)),
            )
            return self._load(connection, id, now)

    def update(self, id: str, changes: SecurityGroupChanges) -> SecurityGroup:
        self._fail("update", id=id)
        self._known(changes, _GROUP_CHANGES)
        now = self._site.clock()
        with self._site.database.write() as connection:
            self._load(connection, id, now)
            columns: dict[str, Any] = dict(changes)
            if "rules" in changes:
                columns["rules"] = _dumped(changes["rules"])
            self._change(connection, id, columns)
            return self._load(connection, id, now)

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        now = self._site.clock()
        with self._site.database.write() as connection:
            self._load(connection, id, now)
            row = connection.execute(
                "SELECT c.id FROM computes AS c, json_each(c.security_groups) AS g"
                " WHERE g.value = ? AND (c.gone IS NULL OR c.gone > ?) LIMIT 1",
                (id, now),
            ).fetchone()
            if row is not None:
                raise InvalidState(f"security group {id} cannot be deleted: compute {row[0]} is in it")
            connection.execute("DELETE FROM security_groups WHERE id = ?", (id,))


def _dumped(rules: Sequence[Rule]) -> str:
    """Raises InvalidRequest for a rule that makes no sense."""
    return json.dumps([_checked(rule) for rule in rules])


def _checked(rule: Rule) -> list[Any]:
    if rule.direction not in DIRECTIONS:
        raise _wrong_rule(f"direction {shorten(rule.direction)} is not inbound or outbound")
    if rule.protocol not in PROTOCOLS:
        raise _wrong_rule(f"protocol {shorten(rule.protocol)} is not one of: {', '.join(PROTOCOLS)}")
    first, last = rule.first_port, rule.last_port
    if (first is None) != (last is None):
        raise _wrong_rule("a range of ports has a first and a last one")
    if first is not None and last is not None and not 0 <= first <= last <= 65535:
        raise _wrong_rule(f"ports {first}-{last} are not a range inside 0 to 65535")
    return [rule.direction, rule.protocol, first, last, None if rule.range is None else str(rule.range)]


def _wrong_rule(reason: str) -> InvalidRequest:
    return InvalidRequest(f"security group: {reason}", field="rules")


def _rule(stored: Sequence[Any]) -> Rule:
    direction, protocol, first, last, network = stored
    return Rule(direction, protocol, first, last, ip_network(network) if network else None)


class KeyPairs(Stored[KeyPair, KeyPairSpec, TitleChanges]):
    """Named public keys; a name is used once."""

    noun = "key pair"
    table: ClassVar[str] = "key_pairs"
    columns: ClassVar[str] = "id, title, public_key, fingerprint"

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[KeyPair]:
        return [KeyPair(*row) for row in rows]

    def create(self, spec: KeyPairSpec) -> KeyPair:
        """Raises AlreadyExists for a title in use, InvalidRequest for a key that is none."""
        self._fail("create", title=spec.title)
        mark = fingerprint(spec.public_key)
        now = self._site.clock()
        with self._site.database.write() as connection:
            known = self._made(connection, spec.token, now)
            if known is not None:
                return known
            self._unused_title(connection, spec.title, "")
            id = str(uuid.uuid4())
            connection.execute(
                "INSERT INTO key_pairs (id, token, title, public_key, fingerprint) VALUES (?, ?, ?, ?, ?)",
                (id, spec.token or None, spec.title, spec.public_key, mark),
            )
            return self._load(connection, id, now)

    def _unused_title(self, connection: Connection, title: str, id: str) -> None:
        if connection.execute("SELECT 1 FROM key_pairs WHERE title = ? AND id != ?", (title, id)).fetchone():
            raise AlreadyExists(f"key pair {shorten(title)} exists; delete it or choose another name")

    def update(self, id: str, changes: TitleChanges) -> KeyPair:
        self._fail("update", id=id)
        self._known(changes, TITLE)
        now = self._site.clock()
        with self._site.database.write() as connection:
            self._load(connection, id, now)
            if "title" in changes:
                title = changes["title"]
                if title is None:
                    raise InvalidRequest("a key pair keeps its name", field="title")
                self._unused_title(connection, title, id)
                self._change(connection, id, {"title": title})
            return self._load(connection, id, now)

    def delete(self, id: str) -> None:
        self._fail("delete", id=id)
        with self._site.database.write() as connection:
            self._load(connection, id, self._site.clock())
            connection.execute("DELETE FROM key_pairs WHERE id = ?", (id,))


def fingerprint(public_key: str) -> str:
    """``SHA256:<base64>`` of an ``authorized_keys`` line, as ssh-keygen prints it. Raises InvalidRequest."""
    parts = public_key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error):
        raise InvalidRequest(
            f'public key {shorten(public_key)!r} is not a line like "ssh-ed25519 AAAA... name"',
            field="public_key",
        ) from None
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"

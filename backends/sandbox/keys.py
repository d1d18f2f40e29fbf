"""Security groups and key pairs."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
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
from .nouns import Plain
from .rows import Row

DIRECTIONS = ("inbound", "outbound")
PROTOCOLS = ("tcp", "udp", "icmp", "any")


class SecurityGroups(Plain[SecurityGroup, SecurityGroupSpec, SecurityGroupChanges]):
    noun = "security group"
    table: ClassVar[str] = "security_groups"
    columns: ClassVar[str] = "id, title, summary, rules, state"
    changeable = frozenset(SecurityGroupChanges.__optional_keys__)

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[SecurityGroup]:
        return [
            SecurityGroup(id, title, summary, tuple(map(_rule, json.loads(rules))), LinkState(state))
            for id, title, summary, rules, state in rows
        ]

    def _insert(self, connection: Connection, spec: SecurityGroupSpec, now: float) -> str:
        columns = {
            "title": spec.title,
            "summary": spec.summary,
            "rules": _dumped(spec.rules),
            "state": "active",
        }
        return self._put(connection, spec.token, columns)

    def _columns(
        self, connection: Connection, present: SecurityGroup, changes: SecurityGroupChanges
    ) -> dict[str, Any]:
        return {**changes, "rules": _dumped(changes["rules"])} if "rules" in changes else {**changes}

    def _release(self, connection: Connection, present: SecurityGroup) -> None:
        row = connection.execute(
            "SELECT c.id FROM computes AS c, json_each(c.security_groups) AS g"
            " WHERE g.value = ? AND (c.gone IS NULL OR c.gone > ?) LIMIT 1",
            (present.id, self._site.clock()),
        ).fetchone()
        if row is not None:
            raise InvalidState(f"security group {present.id} cannot be deleted: compute {row[0]} is in it")


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


class KeyPairs(Plain[KeyPair, KeyPairSpec, TitleChanges]):
    """Named public keys; a name is used once."""

    noun = "key pair"
    table: ClassVar[str] = "key_pairs"
    columns: ClassVar[str] = "id, title, public_key, fingerprint"
    changeable = TITLE

    def _build(
        self, connection: Connection, rows: Sequence[Row], now: float, ids: str | None
    ) -> Sequence[KeyPair]:
        return [KeyPair(*row) for row in rows]

    def _insert(self, connection: Connection, spec: KeyPairSpec, now: float) -> str:
        """Raises AlreadyExists for a title in use, InvalidRequest for a key that is none."""
        mark = fingerprint(spec.public_key)
        self._unused_title(connection, spec.title, "")
        columns = {"title": spec.title, "public_key": spec.public_key, "fingerprint": mark}
        return self._put(connection, spec.token, columns)

    def _unused_title(self, connection: Connection, title: str, id: str) -> None:
        if connection.execute("SELECT 1 FROM key_pairs WHERE title = ? AND id != ?", (title, id)).fetchone():
            raise AlreadyExists(f"key pair {shorten(title)} exists; delete it or choose another name")

    def _columns(self, connection: Connection, present: KeyPair, changes: TitleChanges) -> TitleChanges:
        if "title" in changes:
            if changes["title"] is None:
                raise InvalidRequest("a key pair keeps its name", field="title")
            self._unused_title(connection, changes["title"], present.id)
        return changes


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

"""Making domains, each with its members (CDMI 10)."""

from __future__ import annotations

import json
from typing import Any

from backends.values import Stored
from gateway.identity import Caller
from gateway.model import (
    AceMask,
    AlreadyExists,
    Container,
    DataObject,
    Domain,
    Encoding,
    NotFound,
    StoredObject,
    Wish,
)
from gateway.objects.contents import Content
from gateway.objects.domains import MEMBER
from gateway.objects.identifier import new_id
from gateway.objects.names import MEMBERS, Place, Seen
from gateway.objects.ways import group_of, path_of
from gateway.objects.wishes import checked
from gateway.objects.writing import Writer, require_place
from gateway.policy import acl as lists
from gateway.policy.system import DOMAIN_ENABLED
from gateway.store import Constraint, Transaction
from gateway.store.object_rows import Held
from gateway.store.objects import Extent


class Founder:
    """Makes domains."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def make(self, caller: Caller, place: Place, wish: Wish) -> Seen:
        """Make a domain with its members, which are those of the one above at first. Raises AlreadyExists."""
        way = self._writer.ways.parent(caller, place, AceMask.APPEND_DATA, container=True)
        require_place(way, place, Domain)
        wish = checked(True, wish)
        wish["system"] = {DOMAIN_ENABLED: "false", **wish.get("system", {})}
        made = Domain(**self._writer.common(caller, way, place, wish, kind=Domain))
        above = path_of(way) or ()
        delegation = {
            "cdmi_member_enabled": "true",
            "cdmi_member_type": "delegation",
            "cdmi_delegation_URI": f"/{'/'.join(above)}/{MEMBERS}/",
        }
        with self._writer.kept([json.dumps(delegation).encode()]) as stored:
            try:
                with self._writer.database.write() as tx:
                    if not self._writer.rows.lock(tx, way[-1]):
                        raise NotFound(f"no domain for {place}")
                    held = self.add(tx, way[-1], made, group_of(caller), (delegation, stored))
                    fresh = self._writer.told(tx, caller, [*way, held])
                    self._writer.ways.record(tx, caller, "domain.create", held)
            except Constraint:
                raise AlreadyExists(f"{place} is there already") from None
        return self._writer.ways.seen(fresh, [*way, held])

    def add(
        self,
        tx: Transaction,
        above: Held | None,
        made: StoredObject,
        group: str,
        delegation: tuple[dict[str, str], Stored] | None,
    ) -> Held:
        """The rows of a domain: its own, and those of its members."""
        held = self._writer.rows.add(tx, above, made, group)
        own: dict[str, Any] = {
            "parent": None,
            "owner": made.owner,
            "tenant": made.tenant,
            "metadata": {},
            "created": made.created,
            "modified": made.created,
        }
        members = Container(
            id=new_id(self._writer.enterprise),
            name=MEMBERS,
            acl=lists.DEFAULT,
            **own,
        )
        container = self._writer.rows.add(tx, held, members, group)
        if delegation is not None:
            member, stored = delegation
            thing = DataObject(
                id=new_id(self._writer.enterprise),
                name="parent",
                acl=lists.DEFAULT,
                system={MEMBER: member},
                mimetype="application/json",
                encoding=Encoding.UTF_8,
                size=stored.size,
                **own,
            )
            row = self._writer.rows.add(tx, container, thing, group)
            self._writer.keep(
                tx, row, Content([Extent(0, stored.size, stored.key, 0)], stored.size, None, stored)
            )
        return held

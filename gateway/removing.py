"""Removing things: the links that end at one go along, and nothing goes while another's machine uses it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from gateway.door import KINDS, Door, facts_of, name_of
from gateway.identity import Caller
from gateway.model import (
    Address,
    Attachment,
    Compute,
    Conflict,
    Image,
    Interface,
    Network,
    NotFound,
    Resource,
    SecurityGroup,
    Volume,
    shorten,
)
from gateway.policy.permissions import Right, rights_of


@dataclass(frozen=True, slots=True)
class Use:
    """One compute's link to something."""

    compute: str
    thing: str
    #: Attachment or interface; None for membership in a security group, which is no resource by itself.
    link: Attachment | Interface | None


class Remover:
    """The deleting half of the door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def remove(self, caller: Caller, noun: type[Resource], id: str) -> None:
        """Raises NotFound, Forbidden, Conflict (in use by another's machine)."""
        event = f"{name_of(noun)}.delete"
        with self._door.attempt(caller, event, id):
            row = self._door.row(caller, noun, id, Right.MANAGE)
            uses = self._uses(noun, [id])
            self._refuse_anothers(caller, noun, uses)
            for use in uses:
                with suppress(NotFound):  # disconnected meanwhile
                    self._unlink(caller, use)
            zone, native = self._door.zones.split(id)
            self._door.call(zone, noun, "delete", lambda c: c.delete(native))
            with self._door.database.write() as tx:
                if row.seq:
                    self._door.overlays.delete(tx, row)
                if noun is Compute:
                    self._door.overlays.delete_links(tx, id)
                if noun is Image:
                    self._door.bump_catalogue(tx)
                self._door.audit.append(tx, caller, event, "success", **facts_of(noun, id, row.owner))

    def check(self, caller: Caller, noun: type[Resource], ids: Sequence[str]) -> None:
        """Raises Forbidden or Conflict where one of them would stay; what is gone already is passed over.

        One back end call for each zone, whatever the number.
        """
        for id in ids:
            with suppress(NotFound):
                self._door.row(caller, noun, id, Right.MANAGE)
        self._refuse_anothers(caller, noun, self._uses(noun, ids))

    def _refuse_anothers(self, caller: Caller, noun: type[Resource], uses: Sequence[Use]) -> None:
        may: dict[str, bool] = {}
        for use in uses:
            if use.compute not in may:
                may[use.compute] = self._may_unlink(caller, use.compute)
            if not may[use.compute]:
                raise Conflict(
                    f"{name_of(noun)} {shorten(use.thing)} is linked to machines of other users; nothing was"
                    " deleted, it can go when they have removed their links",
                    reason="in_use",
                )

    def _may_unlink(self, caller: Caller, compute: str) -> bool:
        row = self._door.overlays.get(KINDS[Compute], compute, caller.principal.user)
        return row is not None and bool(rights_of(caller.principal, row) & Right.MANAGE)

    def _unlink(self, caller: Caller, use: Use) -> None:
        if use.link is not None:
            self.remove(caller, type(use.link), use.link.id)
            return
        zone, native = self._door.zones.split(use.compute)
        group = self._door.zones.split(use.thing)[1]

        def leave(computes: Any) -> None:
            rest = tuple(g for g in computes.get(native).security_groups if g != group)
            computes.update(native, {"security_groups": rest})

        with self._door.turns.of([(KINDS[Compute], use.compute)]):
            self._door.call(zone, Compute, "update", leave)
        row = self._door.row(caller, Compute, use.compute, Right.MANAGE)
        facts = facts_of(Compute, use.compute, row.owner)
        self._door.record(caller, "compute.update", "success", before={"security_groups": use.thing}, **facts)

    def _uses(self, noun: type[Resource], ids: Sequence[str]) -> Sequence[Use]:
        """The links that end at these."""
        if noun not in _USERS or not self._door.zones.has(_USERS[noun]):
            return ()
        by_zone: dict[str, list[str]] = {}
        for id in ids:
            by_zone.setdefault(self._door.zones.split(id)[0], []).append(id)
        return [use for zone, some in by_zone.items() for use in self._uses_in(zone, noun, some)]

    def _uses_in(self, zone: str, noun: type[Resource], ids: Sequence[str]) -> Iterator[Use]:
        zones = self._door.zones
        if _USERS[noun] not in zones.backend(zone).collections():
            return
        natives = zones.natives(zone, ids) if noun is Volume else None
        found = self._door.call(zone, _USERS[noun], "list", lambda c: c.list(natives))
        wanted = frozenset(ids)
        for resource in found:
            for use in _uses_of(zones.publish(zone, resource), noun):
                if use.thing in wanted:
                    yield use


#: What is asked for the links that end at a noun.
_USERS: dict[type[Resource], type[Resource]] = {
    Volume: Volume,
    Network: Interface,
    Address: Interface,
    SecurityGroup: Compute,
}


def _uses_of(resource: Any, noun: type[Resource]) -> Iterator[Use]:
    """The uses that a resource of ``_USERS[noun]`` tells of."""
    if isinstance(resource, Volume):
        for attachment in resource.attachments:
            yield Use(attachment.compute, resource.id, attachment)
    elif isinstance(resource, Interface):
        thing = resource.network if noun is Network else resource.reservation
        if thing is not None:
            yield Use(resource.compute, thing, resource)
    else:
        for group in resource.security_groups:
            yield Use(resource.id, group, None)

"""Changing things: what goes to the back end, what only the gateway keeps, what it weighs against quotas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from backends.base import Capability
from gateway.door import (
    Door,
    Held,
    facts_of,
    merged,
    name_of,
    owner_of,
)
from gateway.identity import Caller
from gateway.model import (
    Compute,
    Image,
    Resource,
    Volume,
)
from gateway.policy.permissions import Right
from gateway.references import resolve_groups
from gateway.store.overlay import Holding, Overlay
from gateway.weight import weight_of

R = TypeVar("R", bound=Resource)


class Changer:
    """The updating half of the door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def update(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        changes: Mapping[str, Any],
        *,
        extra: Mapping[str, Any] | None = None,
    ) -> Held[R]:
        """Change the named fields, all or none; ``extra`` replaces what is remembered, None leaves it.

        Raises NotFound, Forbidden, QuotaExceeded, InvalidRequest, InvalidState, Unsupported.
        """
        event = f"{name_of(noun)}.update"
        with self._door.attempt(caller, event, id):
            row = self._door.row(caller, noun, id, Right.MANAGE)
            before = self._door.fetch(noun, id)
            self._door.settings.restrictions.check_changes(caller.principal, before, changes)
            inside, kept = self._inside_changes(caller, noun, row, before, changes)
            holding = weight_after(before, inside)
            if holding is not None:
                self._reserve_growth(caller, row, holding, weight_of(before))
            resource = self._change(noun, row, inside, before, holding)
            row = self._remember(caller, noun, row, extra, kept, event, inside, before)
            return Held(self._door.seen(caller, row, merged(resource, row)), row)

    def act(
        self,
        caller: Caller,
        noun: type[R],
        id: str,
        action: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> Held[R]:
        """Do an action of the noun's state table. Raises NotFound, Forbidden, InvalidState, Unsupported."""
        event = f"{name_of(noun)}.{action}"
        with self._door.attempt(caller, event, id):
            row = self._door.row(caller, noun, id, Right.MANAGE)
            zone, native = self._door.zones.split(id)
            growth = parameters.get("size") if parameters and noun is Volume and action == "resize" else None
            before = self._door.fetch(noun, id) if growth is not None else None
            if before is not None:
                wanted = Holding(bytes=int(growth or 0))
                self._reserve_growth(caller, row, wanted, weight_of(before))
            try:
                resource = self._door.call(zone, noun, action, lambda c: c.act(native, action, parameters))
            except BaseException:
                if before is not None:
                    self._set_holding(row, weight_of(before))
                raise
            resource = merged(self._door.zones.publish(zone, resource), row)
            self._door.record(caller, event, "success", resource=resource, owner=row.owner, after=parameters)
            return Held(self._door.seen(caller, row, resource), row)

    def _inside_changes(
        self, caller: Caller, noun: type[Resource], row: Overlay, before: Resource, changes: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """(changes for the back end, changes that only the gateway can keep)."""
        inside = dict(changes)
        if inside.get("security_groups"):
            inside["security_groups"] = resolve_groups(
                inside["security_groups"],
                lambda n, id, right, field: self._door.resolve(caller, n, id, right, field, row.zone),
            )
        if noun is Compute and inside.get("instance_type") is not None:
            offered = self._door.catalogue.instance_type(inside["instance_type"])
            inside |= {"cores": offered.cores, "memory": offered.memory}
            if offered.id not in self._door.settings.instance_types:
                inside["instance_type"] = self._door.zones.split(offered.id)[1]
        kept: dict[str, Any] = {}
        if Capability.RENAME not in self._door.zones.backend(row.zone).capabilities:
            kept = {name: inside.pop(name) for name in ("title", "summary") if name in inside}
        return inside, kept

    def _reserve_growth(self, caller: Caller, row: Overlay, wanted: Holding, present: Holding) -> None:
        """Hold the larger of what is there and what is wanted until the back end has answered."""
        largest = Holding(
            vcpus=max(wanted.vcpus, present.vcpus),
            memory_bytes=max(wanted.memory_bytes, present.memory_bytes),
            bytes=max(wanted.bytes, present.bytes),
            instance_type=wanted.instance_type,
        )
        with self._door.database.write() as tx:
            if wanted != present:
                self._door.settings.quotas.check(tx, owner_of(caller, row), row.kind, row.token, largest)
            self._door.overlays.set_holding(tx, row, largest)

    def _set_holding(self, row: Overlay, holding: Holding) -> None:
        with self._door.database.write() as tx:
            self._door.overlays.set_holding(tx, row, holding)

    def _change(
        self, noun: type[R], row: Overlay, inside: Mapping[str, Any], before: R, holding: Holding | None
    ) -> R:
        if not inside:
            return before
        zone, native = self._door.zones.split(row.id)
        try:
            resource: R = self._door.call(zone, noun, "update", lambda c: c.update(native, inside))
        except BaseException:
            if holding is not None:
                self._set_holding(row, weight_of(before))
            raise
        if holding is not None:
            self._set_holding(row, holding)
        return self._door.zones.publish(zone, resource)

    def _remember(
        self,
        caller: Caller,
        noun: type[Resource],
        row: Overlay,
        extra: Mapping[str, Any] | None,
        kept: Mapping[str, Any],
        event: str,
        inside: Mapping[str, Any],
        before: Resource,
    ) -> Overlay:
        """Write what only the gateway keeps, and the audit record of an update."""
        new = {**(row.extra if extra is None else extra), **kept}
        if new != row.extra and not row.seq:
            row = self._door.remembered(caller, noun, row.id, new)
        with self._door.database.write() as tx:
            if new != row.extra:
                self._door.overlays.set_extra(tx, row, new)
            if noun is Image:
                self._door.bump_catalogue(tx)
            was = {name: getattr(before, name, None) for name in inside}
            facts = facts_of(noun, row.id, row.owner)
            self._door.audit.append(tx, caller, event, "success", before=was, after=dict(inside), **facts)
        return replace(row, extra=new)


def weight_after(before: Resource, changes: Mapping[str, Any]) -> Holding | None:
    """What the resource would weigh after the changes; None where they do not touch it."""
    weighty = {n: changes[n] for n in ("cores", "memory", "size", "instance_type") if n in changes}
    return weight_of(replace(before, **weighty)) if weighty else None

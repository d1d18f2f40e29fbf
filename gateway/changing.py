"""Changing things: what goes to the back end, what only the gateway keeps, what it weighs against quotas."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
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
    ComputeState,
    GatewayError,
    Image,
    InvalidState,
    NotFound,
    Resource,
    Unsupported,
    Volume,
    shorten,
)
from gateway.policy.permissions import Right
from gateway.references import resolve_groups
from gateway.store import Transaction
from gateway.store.overlay import Holding, Overlay
from gateway.weight import weight_of

R = TypeVar("R", bound=Resource)


#: Changes of a compute that not every back end can make.
_SIZES = frozenset({"cores", "memory", "instance_type"})


#: What weighs another amount once it has changed, by the kind of its row.
_WEIGHTY: Mapping[str, type[Resource]] = {"compute": Compute, "volume": Volume}


@dataclass(frozen=True, slots=True)
class Change:
    """What a caller wants of one resource; ``extra`` replaces what is remembered, None leaves it.

    A function in the place of a field's value, or of ``extra``, is given what is there now, as the caller may
    see it, and gives what is to be there: no other change comes in between.
    """

    noun: type[Resource]
    id: str
    changes: Mapping[str, Any]
    extra: Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None

    @property
    def event(self) -> str:
        return f"{name_of(self.noun)}.update"


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A change that nothing known speaks against."""

    change: Change
    row: Overlay
    before: Resource
    inside: Mapping[str, Any]  # for the back end
    extra: Mapping[str, Any]  # for the gateway's memory
    present: Holding
    holding: Holding | None  # the weight afterwards, where it may differ


class Changer:
    """The updating half of the door."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def update(self, caller: Caller, changes: Sequence[Change]) -> Sequence[Held[Any]]:
        """Change several resources, all or none: what one lacks a right, a quota or a state for, none gets.

        A back end that fails in the middle is asked to take back what it has changed.
        Raises NotFound, Forbidden, QuotaExceeded, InvalidRequest, InvalidState, Unsupported.
        """
        for change in changes:
            with self._door.attempt(caller, change.event, change.id):
                self._door.row(caller, change.noun, change.id, Right.MANAGE)
        with self._door.turns.of((name_of(change.noun), change.id) for change in changes):
            return self._update(caller, changes)

    def _update(self, caller: Caller, changes: Sequence[Change]) -> Sequence[Held[Any]]:
        prepared = []
        for change in changes:
            with self._door.attempt(caller, change.event, change.id):
                prepared.append(self._prepared(caller, change))
        self._reserve_growth(caller, [p for p in prepared if p.holding is not None])
        changed = self._change_all(caller, prepared)
        held = []
        for one, resource in zip(prepared, changed, strict=True):
            with self._door.attempt(caller, one.change.event, one.row.id):
                row = self._remember(caller, one)
            held.append(Held(self._door.seen(caller, row, merged(resource, row)), row))
        return held

    def act(
        self,
        caller: Caller,
        noun: type[R],
        ids: Sequence[str],
        action: str,
        parameters: Mapping[str, Any] | None = None,
    ) -> Sequence[Held[R]]:
        """Do an action of the noun's state table on several; rights and quotas are settled for all before.

        Raises NotFound, Forbidden, InvalidState, Unsupported, QuotaExceeded.
        """
        event = f"{name_of(noun)}.{action}"
        growth = parameters.get("size") if parameters and noun is Volume and action == "resize" else None
        rows = []
        for id in ids:
            with self._door.attempt(caller, event, id):
                rows.append(self._door.row(caller, noun, id, Right.MANAGE))
        if growth is None:
            return self._act_on(caller, noun, event, rows, action, parameters, {})
        with self._door.turns.of((row.kind, row.id) for row in rows):
            held = self._held(caller, event, rows, int(growth))
            return self._act_on(caller, noun, event, rows, action, parameters, held)

    def settle(self, kind: str, id: str) -> None:
        """Let what somebody who is gone was changing weigh what its back end says of it.

        Raises BackendUnavailable, BackendError; then it is left for the next time.
        """
        noun = _WEIGHTY.get(kind)
        row = self._door.overlays.get(kind, id, "") if noun is not None else None
        if noun is not None and row is not None:
            zone, native = self._door.zones.split(id)
            with suppress(NotFound):
                present = self._door.call(zone, noun, "get", lambda c: c.get(native))
                self._set_holding(row, weight_of(present))
        self._door.turns.settle((kind, id))

    def _act_on(
        self,
        caller: Caller,
        noun: type[R],
        event: str,
        rows: Sequence[Overlay],
        action: str,
        parameters: Mapping[str, Any] | None,
        held: Mapping[str, Holding],
    ) -> Sequence[Held[R]]:
        """Do an action on one after another; ``held`` is what those weighed that grow by it."""
        done: list[Held[R]] = []
        for row in rows:
            with self._door.attempt(caller, event, row.id):
                try:
                    resource = self._act(noun, row, action, parameters)
                except BaseException:
                    for left in rows[len(done) :]:
                        if left.id in held:
                            self._set_holding(left, held[left.id])
                    raise
                facts = {"owner": row.owner, "after": parameters}
                self._door.record(caller, event, "success", resource=resource, **facts)
                done.append(Held(self._door.seen(caller, row, resource), row))
        return done

    def _act(self, noun: type[R], row: Overlay, action: str, parameters: Mapping[str, Any] | None) -> R:
        zone, native = self._door.zones.split(row.id)
        resource: R = self._door.call(zone, noun, action, lambda c: c.act(native, action, parameters))
        return merged(self._door.zones.publish(zone, resource), row)

    def _held(self, caller: Caller, event: str, rows: Sequence[Overlay], size: int) -> Mapping[str, Holding]:
        """Reserve what volumes will weigh at a new size; what each weighs now."""
        present = {row.id: weight_of(self._door.fetch(Volume, row.id)) for row in rows}
        refused = self._door.attempt(caller, event, rows[0].id if len(rows) == 1 else None)
        with refused, self._door.database.write() as tx:
            for row in sorted(rows, key=lambda row: row.owner):
                self._reserve(tx, caller, row, Holding(bytes=size), present[row.id])
        return present

    def _prepared(self, caller: Caller, change: Change) -> _Prepared:
        """What a change comes to; what can be refused before anything changes is refused here."""
        row = self._door.row(caller, change.noun, change.id, Right.MANAGE)
        before = self._door.fetch(change.noun, change.id)
        visible = self._door.seen(caller, row, before)
        changes = {n: v(getattr(visible, n)) if callable(v) else v for n, v in change.changes.items()}
        self._door.settings.restrictions.check_changes(caller.principal, before, changes)
        inside, kept = self._inside_changes(caller, change.noun, row, changes)
        if "security_groups" in inside and isinstance(before, Compute) and isinstance(visible, Compute):
            hidden = [g for g in before.security_groups if g not in visible.security_groups]
            inside["security_groups"] = (
                *self._door.zones.natives(row.zone, hidden),
                *inside["security_groups"],
            )
        if _SIZES & inside.keys() and isinstance(before, Compute):
            self._require_resizable(row, before)
        weighed = before
        if isinstance(before, Compute) and before.instance_type is not None:
            # The ledger knows types by the names that their back ends have for them, as at the making.
            weighed = replace(before, instance_type=self._inside_type(before.instance_type))
        after = weight_after(weighed, inside)
        extra = change.extra(row.extra) if callable(change.extra) else change.extra
        remembered = {**(row.extra if extra is None else extra), **kept}
        return _Prepared(change, row, before, inside, remembered, weight_of(weighed), after)

    def _require_resizable(self, row: Overlay, compute: Compute) -> None:
        if Capability.RESIZE not in self._door.zones.backend(row.zone).capabilities:
            raise Unsupported(f"compute {shorten(row.id)}: zone {row.zone} does not change sizes")
        if compute.state is ComputeState.DELETING:
            raise InvalidState(f"compute {shorten(row.id)} is {compute.state}: its size does not change")

    def _inside_changes(
        self, caller: Caller, noun: type[Resource], row: Overlay, changes: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """(changes for the back end, changes that only the gateway can keep)."""
        inside = dict(changes)
        if inside.get("security_groups"):
            inside["security_groups"] = resolve_groups(
                inside["security_groups"],
                lambda n, id, right, field: self._door.resolve(caller, n, id, right, field, row.zone),
            )
        if noun is Compute and inside.get("instance_type") is not None:
            offered = self._door.catalogue.offered_in(inside["instance_type"], row.zone)
            inside |= {"cores": offered.cores, "memory": offered.memory}
            inside["instance_type"] = self._inside_type(offered.id)
        kept: dict[str, Any] = {}
        if Capability.RENAME not in self._door.zones.backend(row.zone).capabilities:
            kept = {name: inside.pop(name) for name in ("title", "summary") if name in inside}
        return inside, kept

    def _inside_type(self, id: str) -> str:
        """An instance type as its back end names it; the configuration's have one name everywhere."""
        return id if id in self._door.settings.instance_types else self._door.zones.split(id)[1]

    def _reserve_growth(self, caller: Caller, prepared: Sequence[_Prepared]) -> None:
        """Hold what all of them will weigh, in one transaction; other requests lock in the same order."""
        if not prepared:
            return
        first, several = prepared[0], len(prepared) > 1
        refused = self._door.attempt(caller, first.change.event, None if several else first.row.id)
        with refused, self._door.database.write() as tx:
            for one in sorted(prepared, key=lambda p: p.row.owner):
                assert one.holding is not None
                self._reserve(tx, caller, one.row, one.holding, one.present)

    def _reserve(
        self, tx: Transaction, caller: Caller, row: Overlay, wanted: Holding, present: Holding
    ) -> None:
        """Hold the larger of what is there and what is wanted until the back end has answered."""
        largest = Holding(
            vcpus=max(wanted.vcpus, present.vcpus),
            memory_bytes=max(wanted.memory_bytes, present.memory_bytes),
            bytes=max(wanted.bytes, present.bytes),
            instance_type=wanted.instance_type,
        )
        if wanted != present:
            self._door.settings.quotas.check(tx, owner_of(caller, row), row.kind, row.token, largest)
        self._door.overlays.set_holding(tx, row, largest)

    def _set_holding(self, row: Overlay, holding: Holding) -> None:
        with self._door.database.write() as tx:
            self._door.overlays.set_holding(tx, row, holding)

    def _change_all(self, caller: Caller, prepared: Sequence[_Prepared]) -> Sequence[Any]:
        """The resources as they are after their changes. Raises what the back end raises."""
        changed: list[Any] = []
        try:
            for one in prepared:
                with self._door.attempt(caller, one.change.event, one.row.id):
                    changed.append(self._change(one, one.inside))
        except BaseException:
            self._take_back(prepared, len(changed))
            raise
        for one in prepared:
            if one.holding is not None:
                self._set_holding(one.row, one.holding)
        return changed

    def _take_back(self, prepared: Sequence[_Prepared], changed: int) -> None:
        """Undo the first ``changed`` and give back what was held; what cannot be undone stays and counts."""
        for place, one in enumerate(prepared):
            weight = one.present
            try:
                if place < changed:
                    self._change(one, self._undoing(one))
            except GatewayError:
                weight = one.holding or weight
            if one.holding is not None:
                self._set_holding(one.row, weight)

    def _change(self, one: _Prepared, inside: Mapping[str, Any]) -> Any:
        if not inside:
            return one.before
        zone, native = self._door.zones.split(one.row.id)
        resource = self._door.call(zone, one.change.noun, "update", lambda c: c.update(native, inside))
        return self._door.zones.publish(zone, resource)

    def _undoing(self, one: _Prepared) -> dict[str, Any]:
        """The changes that lead back to what was before."""
        was = {name: getattr(one.before, name) for name in one.inside}
        if was.get("instance_type") is not None:
            was["instance_type"] = self._inside_type(was["instance_type"])
        if was.get("security_groups"):
            was["security_groups"] = tuple(self._door.zones.natives(one.row.zone, was["security_groups"]))
        return was

    def _remember(self, caller: Caller, one: _Prepared) -> Overlay:
        """Write what only the gateway keeps, and the audit record of an update."""
        noun, row, new = one.change.noun, one.row, one.extra
        if new != row.extra and not row.seq:
            row = self._door.remembered(caller, noun, row.id)
        with self._door.database.write() as tx:
            if new != row.extra:
                self._door.overlays.set_extra(tx, row, new)
            if noun is Image:
                self._door.bump_catalogue(tx)
            was = {name: getattr(one.before, name) for name in one.inside}
            facts = facts_of(noun, row.id, row.owner)
            self._door.audit.append(
                tx, caller, one.change.event, "success", before=was, after=dict(one.inside), **facts
            )
        return replace(row, extra=new)


def weight_after(before: Resource, changes: Mapping[str, Any]) -> Holding | None:
    """What the resource would weigh after the changes; None where they do not touch it."""
    weighty = {n: changes[n] for n in ("cores", "memory", "size", "instance_type") if n in changes}
    return weight_of(replace(before, **weighty)) if weighty else None

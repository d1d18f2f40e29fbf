"""State machines of the common model, as tables ``{state: {action: state}}``.

An action that leads from a state to itself is allowed and has no effect: clients start machines that run
already. A state without a row for an action refuses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from .errors import InvalidState


class ComputeState(StrEnum):
    PENDING = "pending"  # accepted, being made
    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETING = "deleting"
    ERROR = "error"


class VolumeState(StrEnum):
    CREATING = "creating"
    ONLINE = "online"
    OFFLINE = "offline"
    BACKUP = "backup"  # a backup is being taken
    SNAPSHOT = "snapshot"  # a snapshot is being taken
    RESIZING = "resizing"
    DEGRADED = "degraded"
    DELETING = "deleting"
    ERROR = "error"


class NetworkState(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"


class LinkState(StrEnum):
    """State of an Interface, an Attachment or an Address."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"


class ImageState(StrEnum):
    SAVING = "saving"
    READY = "ready"
    ERROR = "error"


class TaskState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class LeaseState(StrEnum):
    FREE = "free"
    USED = "used"
    HELD = "held"


State = TypeVar("State", bound=StrEnum)
Table = Mapping[State, Mapping[str, State]]

_C, _V, _N, _L = ComputeState, VolumeState, NetworkState, LinkState

COMPUTE_ACTIONS: Table[ComputeState] = {
    _C.PENDING: {"start": _C.RUNNING},
    _C.STARTING: {"start": _C.RUNNING},
    _C.RUNNING: {
        "start": _C.RUNNING,
        "stop": _C.STOPPED,
        "restart": _C.RUNNING,
        "suspend": _C.SUSPENDED,
        "save": _C.RUNNING,
    },
    _C.RESTARTING: {"start": _C.RUNNING, "restart": _C.RUNNING},
    _C.SUSPENDING: {"suspend": _C.SUSPENDED},
    _C.SUSPENDED: {"start": _C.RUNNING, "suspend": _C.SUSPENDED, "stop": _C.STOPPED},
    _C.STOPPING: {"stop": _C.STOPPED},
    _C.STOPPED: {"start": _C.RUNNING, "stop": _C.STOPPED, "save": _C.STOPPED},
    _C.DELETING: {},
    _C.ERROR: {"start": _C.RUNNING, "stop": _C.STOPPED},
}

VOLUME_ACTIONS: Table[VolumeState] = {
    _V.CREATING: {"online": _V.ONLINE},
    _V.ONLINE: {
        "online": _V.ONLINE,
        "offline": _V.OFFLINE,
        "backup": _V.ONLINE,
        "snapshot": _V.ONLINE,
        "resize": _V.ONLINE,
    },
    _V.OFFLINE: {
        "online": _V.ONLINE,
        "offline": _V.OFFLINE,
        "backup": _V.OFFLINE,
        "snapshot": _V.OFFLINE,
        "resize": _V.OFFLINE,
    },
    _V.BACKUP: {},
    _V.SNAPSHOT: {},
    _V.RESIZING: {},
    _V.DEGRADED: {"online": _V.ONLINE, "offline": _V.OFFLINE, "backup": _V.DEGRADED, "snapshot": _V.DEGRADED},
    _V.DELETING: {},
    _V.ERROR: {"offline": _V.OFFLINE},
}

NETWORK_ACTIONS: Table[NetworkState] = {
    _N.ACTIVE: {"up": _N.ACTIVE, "down": _N.INACTIVE},
    _N.INACTIVE: {"up": _N.ACTIVE, "down": _N.INACTIVE},
    _N.ERROR: {"up": _N.ACTIVE, "down": _N.INACTIVE},
}

#: Interfaces and addresses know up and down.
INTERFACE_ACTIONS: Table[LinkState] = {
    _L.ACTIVE: {"up": _L.ACTIVE, "down": _L.INACTIVE},
    _L.INACTIVE: {"up": _L.ACTIVE, "down": _L.INACTIVE},
    _L.ERROR: {"up": _L.ACTIVE, "down": _L.INACTIVE},
}

ATTACHMENT_ACTIONS: Table[LinkState] = {
    _L.ACTIVE: {"online": _L.ACTIVE, "offline": _L.INACTIVE},
    _L.INACTIVE: {"online": _L.ACTIVE, "offline": _L.INACTIVE},
    _L.ERROR: {"online": _L.ACTIVE, "offline": _L.INACTIVE},
}

#: The state that shows while a back end is on its way to the end of an action.
COMPUTE_TRANSITIONS: Mapping[str, ComputeState] = {
    "start": _C.STARTING,
    "stop": _C.STOPPING,
    "restart": _C.RESTARTING,
    "suspend": _C.SUSPENDING,
}
VOLUME_TRANSITIONS: Mapping[str, VolumeState] = {
    "backup": _V.BACKUP,
    "snapshot": _V.SNAPSHOT,
    "resize": _V.RESIZING,
}


def allowed_actions(table: Table[State], state: State) -> tuple[str, ...]:
    """The actions that ``state`` allows and that change something, in table order."""
    return tuple(a for a, end in table[state].items() if end != state or a in _NEVER_IDLE)


#: Actions that do their work although they end in the state they began in.
_NEVER_IDLE = frozenset({"restart", "save", "backup", "snapshot", "resize"})


def next_state(table: Table[State], state: State, action: str, what: str) -> State:
    """The state that ``action`` leads to; ``what`` names the thing in the error.

    Raises InvalidState, naming state and allowed actions.
    """
    try:
        return table[state][action]
    except KeyError:
        allowed = allowed_actions(table, state)
        offer = f"allowed: {', '.join(allowed)}" if allowed else "no action is allowed now"
        raise InvalidState(f"{what} is {state}: cannot {action}; {offer}", allowed=allowed) from None


def is_idle(table: Table[State], state: State, action: str) -> bool:
    """Whether ``action`` is allowed in ``state`` but has nothing to do."""
    return action not in _NEVER_IDLE and table[state].get(action) == state

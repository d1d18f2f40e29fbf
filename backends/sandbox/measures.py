"""What the sandbox measures: functions of identifier and time alone, so that nothing has to be recorded.

Counters grow with the time a machine has run and stand still while it does not.
"""

from __future__ import annotations

import math
import zlib
from datetime import UTC, datetime

from gateway.model import Compute, ComputeState, Measure, Sample

_COUNTERS = {
    "disk.read.bytes": "bytes read from disks since the machine was made",
    "disk.write.bytes": "bytes written to disks since the machine was made",
    "net.in.bytes": "bytes received since the machine was made",
    "net.out.bytes": "bytes sent since the machine was made",
}

MEASURES = (
    Measure("cpu.utilization", "percent", "processor time used, of all cores"),
    Measure("memory.used", "bytes", "memory the machine holds"),
    *(Measure(name, "bytes", text) for name, text in _COUNTERS.items()),
)

_PERIOD_SECONDS = 300.0


def samples(compute: Compute, *, ran: float, since: float | None, now: float) -> tuple[Sample, ...]:
    """The latest values; ``ran`` seconds before ``since``, when the machine began to run last."""
    running = compute.state in (ComputeState.RUNNING, ComputeState.RESTARTING)
    awake = running or compute.state is ComputeState.SUSPENDED
    time = datetime.fromtimestamp(now, UTC)
    seconds = ran + (max(0.0, now - since) if since is not None else 0.0)
    load = _load(compute.id, now)
    values = {
        "cpu.utilization": round(100 * load, 2) if running else 0.0,
        "memory.used": float(int(compute.memory * (0.2 + 0.6 * load))) if awake else 0.0,
    }
    for name in _COUNTERS:
        values[name] = float(int(seconds * _rate(compute.id, name)))
    return tuple(Sample(measure.name, time, values[measure.name]) for measure in MEASURES)


def _load(id: str, now: float) -> float:
    """Between 0.05 and 0.95, a slow wave of its own for each machine."""
    phase = zlib.crc32(id.encode()) / 2**32
    return 0.5 + 0.45 * math.sin(2 * math.pi * (now / _PERIOD_SECONDS + phase))


def _rate(id: str, name: str) -> float:
    """Bytes per second, between 1 KiB and 1 MiB."""
    return 1024 + zlib.crc32(f"{id}/{name}".encode()) % (1 << 20)

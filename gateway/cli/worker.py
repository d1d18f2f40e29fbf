"""``stratusgate worker``: what one process of all nodes does in the background."""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import signal
import threading
import time
import types
from datetime import UTC, datetime, timedelta

from gateway.app import Gateway
from gateway.cli.common import Commands, configuration, log_as
from gateway.model import GatewayError
from gateway.reconcile import Reconciler
from gateway.store.leases import Leases

log = logging.getLogger("gateway")

RECONCILE_SECONDS = 60
RECONCILE_LEASE = "reconcile"

#: Values that no object has are removed this often, once they are as old.
SWEEP_SECONDS = 3600

#: Delayed creates are looked for this often; who has begun with one says so at least every lease.
OBJECTS_SECONDS = 1
OBJECTS_LEASE = "objects"
OBJECTS_LEASE_SECONDS = 15
_STOP_SECONDS = 60


def add_commands(commands: Commands, common: argparse.ArgumentParser) -> None:
    worker = commands.add_parser("worker", parents=[common], help="only the background work")
    worker.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    worker.set_defaults(run=run_worker)


def run_worker(options: argparse.Namespace) -> int:
    config = configuration(options)
    log_as(config)
    gateway = Gateway(config)
    reconciler = Reconciler(gateway.cloud, adopt=config.get("tenancy", "import"))
    leases = Leases(gateway.database, holder=f"{os.uname().nodename}:{os.getpid()}:{secrets.token_hex(4)}")
    stop = _StopSwitch(options.parent)
    objects = _start_on_objects(gateway, leases, stop)
    swept = time.monotonic()
    while stop.wait(RECONCILE_SECONDS):
        if leases.hold(RECONCILE_LEASE, seconds=3 * RECONCILE_SECONDS):
            for failure in reconciler.run().failed:
                log.warning("reconciling: %s", failure)
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                _sweep(gateway)
    if objects is not None:
        objects.join(_STOP_SECONDS)
    leases.release(RECONCILE_LEASE, OBJECTS_LEASE)
    return 0


def _start_on_objects(gateway: Gateway, leases: Leases, stop: _StopSwitch) -> threading.Thread | None:
    """Begin with what goes on after its request; it waits for nothing else that the worker does."""
    if not gateway.cloud.stores_objects:
        return None

    def mine() -> bool:
        return not stop.stopped and leases.hold(OBJECTS_LEASE, seconds=OBJECTS_LEASE_SECONDS, durable=False)

    def work() -> None:
        while stop.wait(OBJECTS_SECONDS):
            try:
                if gateway.cloud.objects.has_work():
                    gateway.cloud.objects.work(mine)
            except GatewayError as error:
                log.warning("stored objects: %s", error.message)
            except Exception:
                log.exception("working on stored objects failed")

    thread = threading.Thread(target=work, name="objects", daemon=True)
    thread.start()
    return thread


def _sweep(gateway: Gateway) -> None:
    """Remove what nobody has of the values of objects; no upload stands still for as long as that takes."""
    if gateway.cloud.stores_objects:
        try:
            number = gateway.cloud.objects.sweep(datetime.now(UTC) - timedelta(seconds=SWEEP_SECONDS))
        except GatewayError as error:
            log.warning("sweeping: %s", error.message)
        else:
            log.info("swept %d values that no object had", number)


class _StopSwitch:
    """Turned by SIGTERM or SIGINT, or when the serving process that started us is gone."""

    def __init__(self, parent: int | None) -> None:
        self._parent = parent
        self._stopped = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._turn)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _turn(self, number: int, frame: types.FrameType | None) -> None:
        self._stopped = True

    @property
    def stopped(self) -> bool:
        return self._stopped

    def wait(self, seconds: float) -> bool:
        """Wait; False when it is time to stop."""
        end = time.monotonic() + seconds
        while not self._stopped and time.monotonic() < end:
            if self._parent is not None and os.getppid() != self._parent:
                self._stopped = True
            else:
                time.sleep(0.5)
        return not self._stopped

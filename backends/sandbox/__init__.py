"""The sandbox: a cloud in one database file that needs nothing else, for trying out and for tests.

It has every noun and every capability of ``backends.base``. What is made in it is kept; several processes may
use one file at once. Options: see ``options.Options``.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from backends.base import Backend, Capability
from gateway.model import BackendUnavailable

from .addresses import Addresses, PortMappings
from .computes import Computes
from .database import Database
from .failures import Injector
from .images import Images, InstanceTypes
from .joints import Attachments, Interfaces
from .keys import KeyPairs, SecurityGroups
from .networks import Networks
from .nouns import Site
from .options import Options, read_options
from .volumes import Snapshots, Volumes

__all__ = ["Options", "SandboxBackend"]


class SandboxBackend(Backend):
    """A sandbox in the file ``path``, which is made if it is missing.

    ``options`` are keyword arguments as in the configuration table. ``clock`` tells seconds since 1970 UTC.
    Raises InvalidRequest for a wrong option, BackendUnavailable where the file cannot be used.
    """

    capabilities = frozenset(Capability)

    computes: Computes
    images: Images
    instance_types: InstanceTypes
    volumes: Volumes
    snapshots: Snapshots
    networks: Networks
    attachments: Attachments
    interfaces: Interfaces
    addresses: Addresses
    security_groups: SecurityGroups
    key_pairs: KeyPairs
    port_mappings: PortMappings

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.time, **options: Any
    ) -> None:
        self._options = chosen = read_options({**options, "path": os.fspath(path)}, data="")
        if not chosen.shared_volumes:
            self.capabilities = self.capabilities - {Capability.SHARED_VOLUMES}
        self.database = database = Database(chosen.path)
        site = Site(database, chosen, clock, Injector(database, chosen.failures))
        images = Images(site)
        volumes = Volumes(site, images)
        self.computes = Computes(site, images)
        self.images = images
        self.instance_types = InstanceTypes(chosen)
        self.volumes = volumes
        self.snapshots = Snapshots(site, volumes)
        self.networks = Networks(site)
        self.attachments = Attachments(site)
        self.interfaces = Interfaces(site)
        self.addresses = Addresses(site)
        self.security_groups = SecurityGroups(site)
        self.key_pairs = KeyPairs(site)
        self.port_mappings = PortMappings(site)

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, data: str) -> Self:
        path = read_options(options, data=data).path
        return cls(path, **{name: value for name, value in options.items() if name != "path"})

    def check(self) -> None:
        """Take the lock that a change would take, and change nothing."""
        if not os.path.exists(self.database.path):
            raise BackendUnavailable(f"sandbox database: {self.database.path} is missing")
        with self.database.write() as connection:
            connection.execute("SELECT count(*) FROM failures").fetchone()

    def pools(self) -> Sequence[str]:
        return tuple(self._options.pools)

    def close(self) -> None:
        self.database.close()

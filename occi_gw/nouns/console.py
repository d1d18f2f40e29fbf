"""Consoles as the first OpenStack front end showed them: a link to a resource that has the URL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from gateway.model import LINK_SEPARATOR, Compute
from occi_gw import vocabulary as v
from occi_gw.nouns.of_compute import OfCompute
from occi_gw.rendering.values import Entity, LinkRendering
from occi_gw.scene import Scene

#: Protocol -> kind of the console resource.
_KINDS = {"ssh": v.SSH_CONSOLE, "vnc": v.VNC_CONSOLE}


class ConsoleLinkNoun(OfCompute):
    def of_compute(self, scene: Scene, source: str, compute: Compute) -> Sequence[LinkRendering]:
        if compute.console is None:
            return []
        return [
            LinkRendering(
                id=f"{compute.id}{LINK_SEPARATOR}{protocol}",
                location=f"{self.location}{compute.id}{LINK_SEPARATOR}{protocol}",
                kind=self.kind,
                mixins=(),
                source=source,
                source_kind=v.COMPUTE.identifier,
                target=scene.nouns[kind.identifier].location + compute.id,
                target_kind=kind.identifier,
            )
            for protocol, kind in _KINDS.items()
            if getattr(compute.console, protocol) is not None
        ]


class ConsoleNoun(OfCompute):
    """The console of one protocol; its identifier is the compute's."""

    protocol: ClassVar[str]

    def of_compute(self, scene: Scene, source: str, compute: Compute) -> Sequence[Entity]:
        url = getattr(compute.console, self.protocol) if compute.console is not None else None
        if url is None:
            return []
        return [
            Entity(
                id=compute.id,
                location=self.location + compute.id,
                kind=self.kind,
                title=compute.title,
                attributes={f"org.openstack.compute.console.{self.protocol}": url},
            )
        ]


class SshConsoleNoun(ConsoleNoun):
    protocol = "ssh"


class VncConsoleNoun(ConsoleNoun):
    protocol = "vnc"

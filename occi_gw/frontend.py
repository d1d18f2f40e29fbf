"""The entry point of the front end: its options, and what it is built of."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gateway.cloud import Cloud
from gateway.frontends import Services
from gateway.model import GatewayError, InvalidRequest
from occi_gw import vocabulary as v
from occi_gw.nouns.base import Noun
from occi_gw.nouns.compute import ComputeNoun
from occi_gw.nouns.console import ConsoleLinkNoun, SshConsoleNoun, VncConsoleNoun
from occi_gw.nouns.links import AttachmentNoun, InterfaceNoun
from occi_gw.nouns.of_compute import SecurityGroupLinkNoun
from occi_gw.nouns.resources import NetworkNoun, ReservationNoun, SecurityGroupNoun, StorageNoun
from occi_gw.registry import Registry, Schemes, has_profile
from occi_gw.resources.exchange import Endpoint
from occi_gw.routes import application

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Kind -> the noun that serves it, in the order in which collections are listed and deleted.
NOUNS: Mapping[str, type[Noun[Any]]] = {
    v.COMPUTE.identifier: ComputeNoun,
    v.STORAGE.identifier: StorageNoun,
    v.NETWORK.identifier: NetworkNoun,
    v.STORAGELINK.identifier: AttachmentNoun,
    v.NETWORKINTERFACE.identifier: InterfaceNoun,
    v.IPRESERVATION.identifier: ReservationNoun,
    v.SECURITYGROUP.identifier: SecurityGroupNoun,
    v.SECURITYGROUPLINK.identifier: SecurityGroupLinkNoun,
    v.CONSOLE.identifier: ConsoleLinkNoun,
    v.SSH_CONSOLE.identifier: SshConsoleNoun,
    v.VNC_CONSOLE.identifier: VncConsoleNoun,
}

#: Options of ``[frontends.occi]``: name -> (default, help).
OPTIONS: Mapping[str, tuple[str, str]] = {
    "scheme": ("http://schemas.stratusgate.example", "base of the schemes of the site's own templates"),
}

#: The suites read schemes with lower-case letters and these marks only.
_SCHEME = re.compile(r"https?://[a-z0-9.-]+(:[0-9]+)?(/[a-z0-9._/-]*)?")


class OcciFrontend:
    name = "occi"
    title = "OCCI"
    default_prefix = ""
    well_known = (v.WELL_KNOWN_PATH,)

    def build(self, services: Services, options: Mapping[str, Any]) -> WSGIApplication:
        """The application. Raises InvalidRequest naming the option that is wrong."""
        for name in options:
            if name not in OPTIONS:
                near = difflib.get_close_matches(name, OPTIONS, 1, 0.5)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(OPTIONS)}"
                raise InvalidRequest(f"unknown key; {hint}", field=name)
        scheme = options.get("scheme", OPTIONS["scheme"][0])
        if not isinstance(scheme, str) or _SCHEME.fullmatch(scheme) is None:
            raise InvalidRequest(f"{scheme!r} is not a URL in lower case without '#'", field="scheme")
        registry = Registry(services.cloud, Schemes(scheme.rstrip("/")), services.prefix)
        nouns = {kind: noun(registry.kinds[kind]) for kind, noun in NOUNS.items() if kind in registry.kinds}
        return application(Endpoint(services, registry, nouns))

    def server_tokens(self, cloud: Cloud) -> tuple[str, ...]:
        """What the Server header claims; the template profile only where its sizes are on offer."""
        try:
            profile = has_profile(cloud.instance_types().values())
        except GatewayError:
            profile = False
        return (*v.SERVER_TOKENS, v.CRTP_TOKEN) if profile else v.SERVER_TOKENS


frontend = OcciFrontend()

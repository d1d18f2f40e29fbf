"""The entry point of the front end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cdmi_gw.resources.exchange import Endpoint
from cdmi_gw.routes import application
from gateway.cloud import Cloud
from gateway.frontends import Services
from gateway.model import InvalidRequest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class CdmiFrontend:
    name = "cdmi"
    title = "CDMI"
    default_prefix = "/cdmi"
    well_known = ()
    needs_objects = True

    def build(self, services: Services, options: Mapping[str, Any]) -> WSGIApplication:
        """The application. Raises InvalidRequest naming the option that is wrong."""
        for name in options:
            raise InvalidRequest("unknown key; there are none", field=name)
        return application(Endpoint(services))

    def server_tokens(self, cloud: Cloud) -> tuple[str, ...]:
        return ()


frontend = CdmiFrontend()

"""The entry point of the front end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cdmi_gw.resources.exchange import Endpoint
from cdmi_gw.routes import application
from gateway.cloud import Cloud
from gateway.config import switch
from gateway.frontends import Services
from gateway.model import InvalidRequest

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


#: Options of ``[frontends.cdmi]``: name -> (default, help).
OPTIONS: Mapping[str, tuple[bool, str]] = {
    "slashless": (
        False,
        "serve containers without the slash at the end of their paths too",
    ),
}


class CdmiFrontend:
    name = "cdmi"
    title = "CDMI"
    default_prefix = "/cdmi"
    well_known = ()
    needs_objects = True

    def build(self, services: Services, options: Mapping[str, Any]) -> WSGIApplication:
        """The application. Raises InvalidRequest naming the option that is wrong."""
        for name in options:
            if name not in OPTIONS:
                raise InvalidRequest(f"unknown key; known: {', '.join(OPTIONS)}", field=name)
        try:
            slashless = switch(options.get("slashless", False))
        except ValueError as error:
            raise InvalidRequest(f"must be {error}", field="slashless") from None
        return application(Endpoint(services, slashless=slashless))

    def server_tokens(self, cloud: Cloud) -> tuple[str, ...]:
        return ()


frontend = CdmiFrontend()

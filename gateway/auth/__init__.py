"""Authentication: one module per mode, tried in the order of the sources they read.

A mode that finds its credential decides, for good or bad; a bad credential never falls through to the
next mode. Adding one is a module with a ``Mode`` and a line in ``_MODES`` of ``gateway/app.py``; no front end
changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.identity import Principal
from gateway.model import InvalidRequest, NotAuthenticated

from .basic import Basic

__all__ = ["Authenticator", "Basic", "Mode"]

#: Servers join repeated headers with a comma.
_SECOND = re.compile(r",\s*(basic|bearer|digest|negotiate)\s", re.IGNORECASE)

#: The parts of a WSGI environment that modes read.
Environ = Mapping[str, Any]


class Mode(Protocol):
    """One way to prove who one is."""

    #: The value of ``WWW-Authenticate`` that invites it; None where there is none to give.
    challenge: str | None

    def present(self, environ: Environ) -> bool:
        """Whether the request carries this mode's credential."""

    def authenticate(self, environ: Environ) -> Principal:
        """Raises NotAuthenticated, InvalidRequest (malformed), TooManyRequests."""


class Authenticator:
    """All modes of one gateway, in order of precedence."""

    def __init__(self, modes: Sequence[Mode]) -> None:
        self._modes = tuple(modes)
        #: One challenge and no more: clients match the whole header value.
        self.challenge = next((mode.challenge for mode in modes if mode.challenge), None)

    def authenticate(self, environ: Environ) -> Principal:
        """The principal of a request.

        Raises NotAuthenticated with the challenge when there is no credential or a bad one, InvalidRequest
        for two credentials in one header, TooManyRequests after too many failures.
        """
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        if "," in authorization and _SECOND.search(authorization) is not None:
            raise InvalidRequest("two Authorization headers; send one", reason="invalid_request")
        for mode in self._modes:
            if mode.present(environ):
                try:
                    return mode.authenticate(environ)
                except NotAuthenticated as error:
                    error.challenge = self.challenge
                    raise
        if authorization:
            scheme = authorization.split(" ", 1)[0]
            raise NotAuthenticated(
                f"authentication scheme {scheme[:20]!a} is not offered here", challenge=self.challenge
            )
        raise NotAuthenticated("sign in first", challenge=self.challenge, reason="auth.missing")

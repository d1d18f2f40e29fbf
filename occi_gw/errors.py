"""Model errors and rendering errors -> HTTP status (spec sections GFD.185 3.6.1, GFD.223 6)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.model import (
    AlreadyExists,
    BackendError,
    BackendUnavailable,
    Conflict,
    Forbidden,
    GatewayError,
    InvalidRequest,
    InvalidState,
    NotAuthenticated,
    NotFound,
    PolicyDenied,
    QuotaExceeded,
    TooManyRequests,
    Unsupported,
)
from occi_gw.rendering import HeaderTooLarge, ParseError, RenderingError

STATUS: Mapping[type[Exception], int] = {
    ParseError: 400,
    HeaderTooLarge: 413,
    RenderingError: 400,
    InvalidRequest: 400,
    InvalidState: 400,  # N: an action that does not apply is a bad request
    NotAuthenticated: 401,
    Forbidden: 403,
    PolicyDenied: 403,
    QuotaExceeded: 403,
    NotFound: 404,
    AlreadyExists: 409,
    Conflict: 409,
    TooManyRequests: 429,
    Unsupported: 501,
    BackendError: 502,
    BackendUnavailable: 503,
}

#: The reasons that 1.1 and 1.2 tell apart: (status for a 1.1 client, status for the rest).
BY_VERSION: Mapping[str, tuple[int, int]] = {"mixin_not_applicable": (403, 400)}


class NotAcceptable(GatewayError):
    """No rendering in common, or a request in a media type that is not read here: 406."""

    reason = "not_acceptable"


class TooLarge(GatewayError):
    """Body or page beyond the limit: 413."""

    reason = "too_large"


class NotImplementedVersion(GatewayError):
    """The client speaks a newer OCCI only: 501."""

    reason = "version"


_OWN: Mapping[type[Exception], int] = {NotAcceptable: 406, TooLarge: 413, NotImplementedVersion: 501}


def status_of(error: Exception, client: tuple[int, int] | None) -> int:
    """The status for an error; 500 for what is none of ours."""
    by_version = BY_VERSION.get(getattr(error, "reason", ""))
    if by_version is not None:
        return by_version[0] if client is not None and client < (1, 2) else by_version[1]
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
        if kind in _OWN:
            return _OWN[kind]
    return 500


def message_of(error: Exception) -> str:
    """One line for a person."""
    return error.message if isinstance(error, GatewayError) else str(error)

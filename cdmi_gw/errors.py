"""Model errors -> HTTP status (the causes of CDMI 1.1.1's operation tables), and the document of an error."""

from __future__ import annotations

import json
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

STATUS: Mapping[type[Exception], int] = {
    InvalidRequest: 400,
    Unsupported: 400,  # 12.1: what no capability names is a bad request
    NotAuthenticated: 401,
    Forbidden: 403,
    PolicyDenied: 403,
    QuotaExceeded: 403,
    NotFound: 404,
    AlreadyExists: 409,
    Conflict: 409,
    InvalidState: 409,
    TooManyRequests: 429,
    BackendError: 502,
    BackendUnavailable: 503,
}

#: Reasons that say more than the type.
BY_REASON: Mapping[str, int] = {
    "no_space": 507,
    "not_acceptable": 406,
    "too_large": 413,
    "range": 416,
    "precondition": 412,
    "method": 405,
}


def status_of(error: Exception) -> int:
    """The status for an error; 500 for what is none of ours."""
    if isinstance(error, GatewayError) and error.reason in BY_REASON:
        return BY_REASON[error.reason]
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def document(line: str) -> bytes:
    """The body of an error; the standard leaves it open."""
    return json.dumps({"error": line}).encode() + b"\n"

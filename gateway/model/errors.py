"""The closed family of errors that the gateway and its back ends raise.

A front end renders each by a table; anything else that escapes is a bug of ours. Every error has a
one-line ``message`` for a person and a stable ``reason`` code for logs and the audit record.
"""

from __future__ import annotations

from collections.abc import Iterable


class GatewayError(Exception):
    """Base of the family; never raised itself."""

    reason = "error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if reason is not None:
            self.reason = reason


class NotFound(GatewayError):
    """The thing does not exist, or the caller has no right to know that it does."""

    reason = "not_found"

    @classmethod
    def of(cls, noun: str, identifier: str) -> NotFound:
        return cls(f"no {noun} {shorten(identifier)}")


class Elsewhere(NotFound):
    """What stands there is a reference; the thing is to be asked for at ``target``, a URI."""

    reason = "reference"

    def __init__(self, message: str, *, target: str) -> None:
        super().__init__(message)
        self.target = target


class AlreadyExists(GatewayError):
    """The name, path or identifier is taken."""

    reason = "already_exists"


class InvalidState(GatewayError):
    """The action is not allowed in the present state; ``allowed`` are the actions that are."""

    reason = "invalid_state"

    def __init__(self, message: str, *, allowed: Iterable[str] = (), reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.allowed = tuple(allowed)


class InvalidRequest(GatewayError):
    """A value of the request is wrong; ``field`` is the common model's name of it, where one is to blame."""

    reason = "invalid_request"

    def __init__(self, message: str, *, field: str | None = None, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.field = field


class NotAuthenticated(GatewayError):
    """No credential, or a bad one. ``challenge`` is the value of ``WWW-Authenticate``."""

    reason = "not_authenticated"

    def __init__(self, message: str, *, challenge: str | None = None, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.challenge = challenge


class Forbidden(GatewayError):
    """The caller may see the thing but not do this with it."""

    reason = "forbidden"


class QuotaExceeded(GatewayError):
    """The reservation would pass a limit.

    >>> str(QuotaExceeded("instances", used=10, limit=10, scope="tenant bio"))
    'quota exceeded: instances 10 of 10 (tenant bio)'
    """

    reason = "quota"

    def __init__(self, dimension: str, *, used: int, limit: int, scope: str) -> None:
        super().__init__(
            f"quota exceeded: {dimension} {used} of {limit} ({scope})", reason=f"quota.{dimension}"
        )
        self.dimension, self.used, self.limit, self.scope = dimension, used, limit, scope


class PolicyDenied(GatewayError):
    """A rule of the site (image policy, for one) forbids it."""

    reason = "policy"


class Unsupported(GatewayError):
    """This back end, or this gateway, does not offer the operation."""

    reason = "unsupported"


class Conflict(GatewayError):
    """The request contradicts itself or the present state of something else."""

    reason = "conflict"


class TooManyRequests(GatewayError):
    """A rate limit was passed; ``retry_after`` in whole seconds."""

    reason = "rate_limited"

    def __init__(self, message: str, *, retry_after: int, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class BackendUnavailable(GatewayError):
    """The back end or the store cannot be reached now; ``retry_after`` in whole seconds."""

    reason = "backend_unavailable"

    def __init__(self, message: str, *, retry_after: int = 5, reason: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class BackendError(GatewayError):
    """The back end failed or answered nonsense; the message is fit for the client, details are logged."""

    reason = "backend_error"


def shorten(value: object, limit: int = 80) -> str:
    """``value`` on one line, control characters escaped, at most ``limit`` characters."""
    text = str(value)[: limit + 1]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return text if len(text) <= limit else text[: limit - 3] + "..."

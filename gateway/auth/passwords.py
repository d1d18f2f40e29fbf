"""Password hashes: argon2id with the parameters that OWASP recommends for servers."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

#: What a password of an unknown user is compared with, so that it costs the same as a wrong one.
_NOBODY = _HASHER.hash(secrets.token_urlsafe(24))


def hashed(password: str) -> str:
    return _HASHER.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Constant-time comparison; None (no such user) takes as long and is never true."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def generated() -> str:
    """A password for somebody who has none yet."""
    return secrets.token_urlsafe(15)

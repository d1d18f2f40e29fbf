"""HTTP Basic (RFC 7617) against the local users."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from gateway.identity import Principal
from gateway.model import InvalidRequest, NotAuthenticated, TooManyRequests
from gateway.store.generations import KEY, Generations
from gateway.store.users import User, Users

from .passwords import matches

CACHED_SIGN_INS = 1024


class Basic:
    """Verified sign-ins are remembered until any user changes: hashing is meant to be slow.

    ``generations`` tells whether users have changed; the cache keeps keyed digests, never passwords.
    """

    def __init__(
        self,
        users: Users,
        generations: Callable[[], Generations],
        *,
        realm: str,
        failures_per_minute: int = 10,
    ) -> None:
        self.challenge: str | None = f'Basic realm="{realm}", charset="UTF-8"'
        self._users = users
        self._generations = generations
        self._failures_per_minute = failures_per_minute
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._cache: OrderedDict[bytes, tuple[int, Principal]] = OrderedDict()

    def present(self, environ: Mapping[str, Any]) -> bool:
        return bool(environ.get("HTTP_AUTHORIZATION", "")[:6].lower() == "basic ")

    def authenticate(self, environ: Mapping[str, Any]) -> Principal:
        header = environ["HTTP_AUTHORIZATION"]
        digest = hashlib.blake2b(header.encode("latin-1"), key=self._key).digest()
        generation = (environ.get(KEY) or self._generations()).users
        known = self._cache.get(digest)
        if known is not None and known[0] == generation:
            return known[1]
        address = environ.get("REMOTE_ADDR", "")
        if self._failures_per_minute and self._users.failures(address) >= self._failures_per_minute:
            raise TooManyRequests("too many failed sign-ins; wait a minute", retry_after=60)
        name, passwords = _decoded(header[6:])
        user = self._users.get(name)
        right = any(matches(user.password if user else None, password) for password in passwords)
        if user is None or not right or user.disabled:
            self._users.count_failure(address)
            reason = "auth.disabled" if right else "auth.fail"
            raise NotAuthenticated("wrong user name or password", reason=reason)
        principal = _principal(user)
        self._remember(digest, generation, principal)
        return principal

    def _remember(self, digest: bytes, generation: int, principal: Principal) -> None:
        with self._lock:
            self._cache[digest] = (generation, principal)
            self._cache.move_to_end(digest)
            if len(self._cache) > CACHED_SIGN_INS:
                self._cache.popitem(last=False)


def _principal(user: User) -> Principal:
    return Principal(
        subject=f"local:{user.name}",
        user=user.name,
        tenant=user.tenant,
        groups=user.groups,
        roles=frozenset(user.roles),
        auth_method="basic",
    )


def _decoded(credentials: str) -> tuple[str, tuple[str, ...]]:
    """(user name, what the password may be): UTF-8, else ISO 8859-1 as older clients send.

    Raises InvalidRequest for what is no credential at all.
    """
    try:
        raw = base64.b64decode(credentials.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("Authorization: the Basic credential is not base64") from None
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    name, colon, password = text.partition(":")
    if not colon:
        raise InvalidRequest("Authorization: the Basic credential has no colon")
    if any(unicodedata.category(c) == "Cc" for c in text):
        raise InvalidRequest("Authorization: the Basic credential has a control character")
    normal = unicodedata.normalize("NFC", password)
    return unicodedata.normalize("NFC", name), (password,) if normal == password else (password, normal)

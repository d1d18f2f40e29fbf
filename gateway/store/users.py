"""Local users and what their sign-ins leave behind."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from gateway.model import AlreadyExists, InvalidRequest, NotFound, shorten

from .database import Constraint, Database, Query, Row, Transaction
from .generations import BUMP_USERS
from .overlay import now
from .schema import sign_in_failures, users

_c = users.c
_COLUMNS = (_c.name, _c.tenant, _c.groups, _c.roles, _c.password, _c.disabled)
_GET = Query(select(*_COLUMNS).where(_c.name == bindparam("user")))
_LIST = Query(select(*_COLUMNS).order_by(_c.name))
_ADD = Query(
    insert(users).values(
        {n: bindparam(n) for n in ("name", "tenant", "groups", "roles", "password", "disabled", "created")}
    )
)
_PASSWORD = Query(update(users).where(_c.name == bindparam("user")).values(password=bindparam("password")))
_DISABLED = Query(update(users).where(_c.name == bindparam("user")).values(disabled=bindparam("disabled")))
_REMOVE = Query(delete(users).where(_c.name == bindparam("user")))

_f = sign_in_failures.c
_FAILURES = Query(select(_f.minute, _f.count).where(_f.address == bindparam("client")))
_FAILURE_NEW = Query(
    insert(sign_in_failures).values(address=bindparam("address"), minute=bindparam("minute"), count=1)
)
_FAILURE_MORE = Query(
    update(sign_in_failures)
    .where(_f.address == bindparam("client"), _f.minute == bindparam("this_minute"))
    .values(count=_f.count + 1)
)
_FAILURES_OLD = Query(delete(sign_in_failures).where(_f.minute < bindparam("this_minute")))


@dataclass(frozen=True, slots=True)
class User:
    name: str
    tenant: str
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    password: str  # argon2 string
    disabled: bool = False


def normalized(name: str) -> str:
    """The form in which user names are kept and compared: NFC, case kept.

    Raises InvalidRequest for an empty name, a colon or what ``printable`` refuses.
    """
    name = printable(name, "user name")
    if not name or ":" in name:
        raise InvalidRequest("user name: must not be empty or contain a colon; Basic has no way to send it")
    return name


def named(text: str, what: str) -> str:
    """The name of a tenant or a group in NFC. Raises InvalidRequest for none and what ``printable`` refuses.

    What belongs to no group or tenant has the empty one in its row: nobody may be a member of that.
    """
    if not text:
        raise InvalidRequest(f"{what}: must not be empty; name one or leave it out")
    return printable(text, what)


def printable(text: str, what: str) -> str:
    """A name in NFC, for who has one by that of ``what``.

    Raises InvalidRequest for more than 128 characters and for any that cannot be printed: control and format
    characters, halves of surrogate pairs, code points that Unicode has not assigned or keeps private.
    """
    text = unicodedata.normalize("NFC", text)
    if len(text) > 128 or not text.isprintable():
        raise InvalidRequest(
            f"{what}: {shorten(text)} must be at most 128 printable characters, without control or format "
            "characters, surrogates and unassigned code points"
        )
    return text


#: Told of each change in its own transaction: what was done, to whom, what was set.
Record = Callable[[Transaction, str, str, Mapping[str, Any] | None], None]


class Users:
    """The users of one store. Every change makes all workers forget what they know of users."""

    def __init__(self, database: Database, record: Record | None = None) -> None:
        self.database = database
        self._record = record

    def get(self, name: str) -> User | None:
        rows = self.database.read(_GET, user=name)
        return _user(rows[0]) if rows else None

    def list(self) -> Sequence[User]:
        return [_user(row) for row in self.database.read(_LIST)]

    def add(self, user: User) -> None:
        """Raises AlreadyExists, InvalidRequest for a name of user, tenant or group that cannot be one."""
        tenant = named(user.tenant, "tenant")
        groups = tuple(named(group, "group") for group in user.groups)
        try:
            with self.database.write() as tx:
                tx.run(
                    _ADD,
                    name=normalized(user.name),
                    tenant=tenant,
                    groups=json.dumps(groups),
                    roles=json.dumps(user.roles),
                    password=user.password,
                    disabled=int(user.disabled),
                    created=now(),
                )
                self._changed(tx, "add", user.name, {"tenant": tenant, "groups": groups, "roles": user.roles})
        except Constraint:
            raise AlreadyExists(f"user {user.name} exists already") from None

    def set_password(self, name: str, password: str) -> None:
        """Raises NotFound."""
        self._change(_PASSWORD, "passwd", name, password=password)

    def set_disabled(self, name: str, disabled: bool) -> None:
        """Raises NotFound."""
        self._change(_DISABLED, "disable" if disabled else "enable", name, disabled=int(disabled))

    def remove(self, name: str) -> None:
        """Raises NotFound. What the user owns stays, with its owner's name."""
        self._change(_REMOVE, "remove", name)

    def _change(self, query: Query, what: str, name: str, **values: object) -> None:
        with self.database.write() as tx:
            if tx.run(query, user=name, **values) == 0:
                raise NotFound(f"no user {name}")
            self._changed(tx, what, name)

    def _changed(self, tx: Transaction, what: str, name: str, after: Mapping[str, Any] | None = None) -> None:
        tx.run(BUMP_USERS)
        if self._record is not None:
            self._record(tx, what, name, after)

    def failures(self, address: str) -> int:
        """Failed sign-ins from this address in the present minute."""
        rows = self.database.read(_FAILURES, client=address)
        return int(rows[0][1]) if rows and rows[0][0] == _minute() else 0

    def count_failure(self, address: str) -> None:
        minute = _minute()
        with self.database.write() as tx:
            tx.lock("sign-in failures")
            tx.run(_FAILURES_OLD, this_minute=minute)
            if tx.run(_FAILURE_MORE, client=address, this_minute=minute) == 0:
                tx.run(_FAILURE_NEW, address=address, minute=minute)


def _minute() -> int:
    return now() // 60_000_000


def _user(row: Row) -> User:
    name, tenant, groups, roles, password, disabled = row
    return User(name, tenant, tuple(json.loads(groups)), tuple(json.loads(roles)), password, bool(disabled))

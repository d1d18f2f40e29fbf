"""``stratusgate user``: local users."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

from gateway.auth import passwords
from gateway.cli.common import Commands, configuration, operator
from gateway.config import Config
from gateway.identity import Role
from gateway.model import InvalidRequest
from gateway.store import Database, Transaction, migrate
from gateway.store.audit import Audit
from gateway.store.users import User, Users, named, normalized
from gateway.version import version


def add_commands(commands: Commands, common: argparse.ArgumentParser) -> None:
    group = commands.add_parser("user", help="local users").add_subparsers(required=True, metavar="ACTION")
    add = group.add_parser("add", parents=[common], help="make a user; prints a generated password")
    add.add_argument("name")
    add.add_argument("--tenant", help="default: the user's own name")
    add.add_argument("--group", action="append", default=[], help="may repeat; the first is the primary one")
    add.add_argument("--role", action="append", default=[], choices=[role.value for role in Role])
    add.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    add.set_defaults(run=run_add)
    change = group.add_parser("passwd", parents=[common], help="set a new password")
    change.add_argument("name")
    change.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    change.set_defaults(run=run_passwd)
    show = group.add_parser("list", parents=[common], help="all users")
    show.add_argument("--json", action="store_true")
    show.set_defaults(run=run_list)
    for word, disabled in (("disable", True), ("enable", False)):
        switch = group.add_parser(word, parents=[common], help=f"{word} signing in")
        switch.add_argument("name")
        switch.set_defaults(run=run_switch, disabled=disabled)


def opened(options: argparse.Namespace) -> Users:
    """The users of the configured store, brought up to date."""
    return users_of(configuration(options))


def users_of(config: Config) -> Users:
    database = Database(config.store_url)
    migrate.upgrade(database)
    audit = Audit(database, version(), config.get("audit", "file"))
    return Users(database, partial(_recorded, audit))


def _recorded(audit: Audit, tx: Transaction, what: str, name: str, after: Mapping[str, Any] | None) -> None:
    event = f"admin.user.{what}"
    audit.append(tx, operator(), event, "success", resource_kind="user", resource_id=name, after=after)


def run_add(options: argparse.Namespace) -> int:
    users = opened(options)
    name = normalized(options.name)
    tenant = name if options.tenant is None else named(options.tenant, "--tenant")
    groups = tuple(dict.fromkeys(named(group, "--group") for group in options.group))
    roles = tuple(dict.fromkeys(options.role))
    password, told = _password(options)
    users.add(User(name, tenant, groups, roles, passwords.hashed(password)))
    if told:
        print(password)
    return 0


def run_passwd(options: argparse.Namespace) -> int:
    users = opened(options)
    password, told = _password(options)
    users.set_password(normalized(options.name), passwords.hashed(password))
    if told:
        print(password)
    return 0


def run_list(options: argparse.Namespace) -> int:
    found = opened(options).list()
    if options.json:
        rows = [
            {
                "name": user.name,
                "tenant": user.tenant,
                "groups": user.groups,
                "roles": user.roles,
                "disabled": user.disabled,
            }
            for user in found
        ]
        print(json.dumps(rows, indent=2))
        return 0
    for user in found:
        words = [user.name, user.tenant, ",".join(user.groups) or "-", ",".join(user.roles) or "-"]
        print("\t".join([*words, "disabled" if user.disabled else "enabled"]))
    return 0


def run_switch(options: argparse.Namespace) -> int:
    opened(options).set_disabled(normalized(options.name), options.disabled)
    return 0


def _password(options: argparse.Namespace) -> tuple[str, bool]:
    """(password, whether it was made here and must be told)."""
    if options.password_stdin:
        try:
            password = sys.stdin.readline().rstrip("\r\n")
        except UnicodeDecodeError:
            raise InvalidRequest("--password-stdin: standard input is not UTF-8") from None
    elif sys.stdin.isatty():
        password = getpass.getpass(f"password of {options.name} (empty = generate): ")
    else:
        password = ""
    if not password:
        if options.password_stdin:
            raise InvalidRequest("--password-stdin: standard input gave no password")
        return passwords.generated(), True
    if not password.isprintable():
        raise InvalidRequest(
            "password: must be printable characters in UTF-8, Basic authentication sends no others"
        )
    return password, False

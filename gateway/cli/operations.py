"""Commands for operators: configuration, store, reconciling, audit, images, whoami."""

from __future__ import annotations

import argparse
import base64
import getpass
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.app import Application, Gateway
from gateway.cli.common import Commands, configuration, operator
from gateway.cloud import KINDS
from gateway.config import ConfigError, shown
from gateway.model import GatewayError, Image, ImageSpec, InvalidRequest, Origin, shorten
from gateway.reconcile import Reconciler
from gateway.store import Database, migrate
from gateway.store.audit import Audit
from gateway.version import version


def add_commands(commands: Commands, common: argparse.ArgumentParser) -> None:
    _add_config(commands, common)
    _add_db(commands, common)
    reconcile = commands.add_parser(
        "reconcile", parents=[common], help="compare the store with the back ends"
    )
    reconcile.set_defaults(run=run_reconcile)
    audit = commands.add_parser("audit", parents=[common], help="ask the audit record")
    audit.add_argument("--user")
    audit.add_argument("--resource", metavar="ID")
    audit.add_argument("--event", help="for example compute.create")
    audit.add_argument("--address", metavar="A", help="of a machine")
    audit.add_argument("--image", metavar="ID", help="that a machine was made of")
    audit.add_argument("--text", help="anywhere in the record")
    audit.add_argument("--since", metavar="TIME", help="RFC 3339, or 90m, 12h, 7d ago")
    audit.add_argument("--limit", type=_positive, default=1000)
    audit.set_defaults(run=run_audit)
    share = commands.add_parser(
        "share", parents=[common], help="owner, group and permission bits of a resource"
    )
    share.add_argument("kind", choices=sorted(KINDS.values()))
    share.add_argument("id")
    share.add_argument("--mode", help="three octal digits: owner, group, other; use 4, manage 2, admin 1")
    share.add_argument("--group")
    share.add_argument("--owner")
    share.add_argument("--tenant")
    share.add_argument("--other-tenants", choices=["yes", "no"], help="whether other means every tenant")
    share.set_defaults(run=run_share)
    who = commands.add_parser("whoami", parents=[common], help="what the gateway makes of a credential")
    who.add_argument("--user", required=True)
    who.add_argument("--password-env", metavar="VAR", default="STRATUSGATE_PASSWORD")
    who.set_defaults(run=run_whoami)
    _add_image(commands, common)


def _add_config(commands: Commands, common: argparse.ArgumentParser) -> None:
    group = commands.add_parser("config", help="configuration").add_subparsers(
        required=True, metavar="ACTION"
    )
    check = group.add_parser("check", parents=[common], help="validate everything")
    check.add_argument("--online", action="store_true", help="also reach the stores and the back ends")
    check.set_defaults(run=run_check)
    show = group.add_parser("show", parents=[common], help="effective values and their origin")
    show.set_defaults(run=run_show)


def _add_db(commands: Commands, common: argparse.ArgumentParser) -> None:
    group = commands.add_parser("db", help="the store").add_subparsers(required=True, metavar="ACTION")
    for word, run, text in (
        ("upgrade", run_upgrade, "bring the schema to this version"),
        ("downgrade", run_downgrade, "one step back"),
        ("current", run_current, "the revision of the schema"),
    ):
        command = group.add_parser(word, parents=[common], help=text)
        command.set_defaults(run=run)
        if run is run_upgrade:
            command.add_argument(
                "--no-backup", action="store_true", help="do not copy an SQLite store before it changes"
            )


def _add_image(commands: Commands, common: argparse.ArgumentParser) -> None:
    group = commands.add_parser("image", help="the site's images").add_subparsers(
        required=True, metavar="ACTION"
    )
    load = group.add_parser("import", parents=[common], help="offer an image file to everybody")
    load.add_argument("file", type=Path)
    load.add_argument("--name", required=True)
    load.add_argument("--zone")
    load.add_argument("--origin", metavar="ID", help="identifier of the image where it comes from")
    load.set_defaults(run=run_image_import)
    listing = group.add_parser("list", parents=[common], help="all images")
    listing.set_defaults(run=run_image_list)


def _positive(text: str) -> int:
    number = int(text)
    if not 0 < number < 1 << 31:
        raise ValueError(text)
    return number


def run_check(options: argparse.Namespace) -> int:
    config = configuration(options)
    gateway = Gateway(config)
    Application(gateway)
    if options.online:
        problems = _unreachable(gateway)
        if problems:
            raise ConfigError(problems)
    print("the configuration is valid")
    return 0


def _unreachable(gateway: Gateway) -> list[str]:
    problems = []
    try:
        migrate.current(gateway.database)
    except Exception as error:  # whatever the driver says is what the operator must read
        problems.append(f"store: {error}".splitlines()[0])
    for zone in gateway.zones.names():
        try:
            gateway.zones.backend(zone).check()
        except GatewayError as error:
            problems.append(f"backends.{zone}: {error.message}")
    if gateway.values is not None:
        try:
            gateway.values.check()
        except GatewayError as error:
            problems.append(f"objects: {error.message}")
    return problems


def run_show(options: argparse.Namespace) -> int:
    for line in shown(configuration(options)):
        print(line)
    return 0


def _database(options: argparse.Namespace) -> Database:
    return Database(configuration(options).store_url)


def run_upgrade(options: argparse.Namespace) -> int:
    database = _database(options)
    copy = migrate.upgrade(database, copy=not options.no_backup)
    if copy is not None:
        print(f"stratusgate: the store as it was: {copy}", file=sys.stderr)
    print(migrate.current(database))
    return 0


def run_downgrade(options: argparse.Namespace) -> int:
    database = _database(options)
    migrate.downgrade(database)
    print(migrate.current(database) or "empty")
    return 0


def run_current(options: argparse.Namespace) -> int:
    print(migrate.current(_database(options)) or "empty")
    return 0


def _opened(options: argparse.Namespace) -> Gateway:
    gateway = Gateway(configuration(options))
    migrate.upgrade(gateway.database)
    return gateway


def run_reconcile(options: argparse.Namespace) -> int:
    gateway = _opened(options)
    report = Reconciler(gateway.cloud, adopt=gateway.config.get("tenancy", "import")).run()
    numbers = (report.finished, report.released, report.adopted, report.forgotten)
    print("finished {}, released {}, adopted {}, forgotten {}".format(*numbers))
    for failure in report.failed:
        print(f"stratusgate: {failure}", file=sys.stderr)
    return 1 if report.failed else 0


def run_audit(options: argparse.Namespace) -> int:
    database = _database(options)
    migrate.upgrade(database)
    records = Audit(database, version()).query(
        user=options.user,
        resource=options.resource,
        event=options.event,
        address=options.address,
        image=options.image,
        text=options.text,
        since=_since(options.since),
        limit=options.limit,
    )
    for record in records:
        print(json.dumps(record))
    return 0


def _since(text: str | None) -> datetime | None:
    if text is None:
        return None
    units = {"m": "minutes", "h": "hours", "d": "days"}
    if re.fullmatch("[0-9]{1,6}[mhd]", text):
        try:
            return datetime.now(UTC) - timedelta(**{units[text[-1]]: int(text[:-1])})
        except OverflowError:
            raise InvalidRequest(f"--since: {text!r} is before the year 1") from None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidRequest(f"--since: {text!r} is neither RFC 3339 nor a number with m, h or d") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def run_share(options: argparse.Namespace) -> int:
    gateway = _opened(options)
    noun = next(noun for noun, kind in KINDS.items() if kind == options.kind)
    if options.mode is not None and re.fullmatch("[0-7]{3}", options.mode) is None:
        raise InvalidRequest(f"--mode: {shorten(options.mode)} is not three octal digits such as 640")
    row = gateway.cloud.share(
        operator(),
        noun,
        options.id,
        mode=None if options.mode is None else int(options.mode, 8),
        group=options.group,
        owner=options.owner,
        tenant=options.tenant,
        other_tenants=None if options.other_tenants is None else options.other_tenants == "yes",
    )
    others = "every tenant" if row.other_tenants else "the tenant"
    print(f"{row.kind} {row.id}: owner {row.owner or '-'}, tenant {row.tenant or '-'}, ", end="")
    print(f"group {row.group or '-'}, mode {row.mode:03o}, other means {others}")
    return 0


def run_whoami(options: argparse.Namespace) -> int:
    gateway = _opened(options)
    password = os.environ.get(options.password_env) or getpass.getpass()
    credential = base64.b64encode(f"{options.user}:{password}".encode()).decode()
    principal = gateway.authenticator.authenticate(
        {"HTTP_AUTHORIZATION": f"Basic {credential}", "REMOTE_ADDR": "command line"}
    )
    quotas = gateway.cloud.settings.quotas.of(gateway.database, principal)
    facts: dict[str, Any] = {
        "subject": principal.subject,
        "user": principal.user,
        "tenant": principal.tenant,
        "groups": principal.groups,
        "roles": sorted(principal.roles),
        "auth_method": principal.auth_method,
        "quotas": [asdict(usage) for usage in quotas],
    }
    print(json.dumps(facts, indent=2))
    return 0


def run_image_import(options: argparse.Namespace) -> int:
    gateway = _opened(options)
    if not options.file.is_file():
        raise InvalidRequest(f"{options.file}: no such file")
    origin = Origin(identifier=options.origin, location=options.file.absolute().as_uri())
    spec = ImageSpec(title=options.name, size=options.file.stat().st_size, origin=origin)
    held = gateway.cloud.create(operator(), Image, spec, zone=options.zone)
    gateway.cloud.share(operator(), Image, held.resource.id, mode=0o604, other_tenants=True)
    print(held.resource.id)
    return 0


def run_image_list(options: argparse.Namespace) -> int:
    gateway = _opened(options)
    images: Sequence[Any] = gateway.cloud.list(operator(), Image)
    for held in images:
        image = held.resource
        print("\t".join((image.id, image.title or "-", str(image.size), held.overlay.owner or "-")))
    return 0

"""What several commands share: finding the configuration and opening the store."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway import logs
from gateway.config import Config, ConfigError, load
from gateway.identity import Caller, Principal, RequestInfo, Role

DEFAULT_DATA = Path("stratusgate-data")


def configuration(
    options: argparse.Namespace, overrides: Mapping[str, Mapping[str, Any]] | None = None
) -> Config:
    """The configuration that ``--config`` and ``--data`` name; makes the data folder. Raises ConfigError."""
    data = (options.data or DEFAULT_DATA).absolute()
    config = load(options.config, data=data, overrides=overrides)
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError([f"--data: {error}"]) from None
    return config


def log_as(config: Config) -> None:
    """Have this process log in the form and from the level that is configured."""
    logs.configure(config.get("log", "format"), config.get("log", "level"))


def operator() -> Caller:
    """Whoever runs the command: may do everything, and is named in the audit record."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # a container may run under any number
        name = str(number)
    roles = frozenset({Role.ADMIN})
    return Caller(
        Principal(f"os:{name}", "", "", roles=roles, auth_method="os"), lambda: RequestInfo(protocol="cli")
    )


Commands = Any  # what argparse.add_subparsers gives; its class has no public name

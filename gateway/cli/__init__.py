"""The ``stratusgate`` command. Exit status: 0 done, 1 failed, 2 wrong usage, 3 cannot tell."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from conformance.cli import add_arguments as add_conformance_arguments
from conformance.cli import run as run_conformance
from gateway.cli import operations, serve, users, worker
from gateway.config import ConfigError
from gateway.model import GatewayError, shorten
from gateway.version import version


def parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    top = argparse.ArgumentParser(prog="stratusgate", description="Standards-facing API gateway for clouds.")
    top.add_argument("--version", action="version", version=f"stratusgate {version()}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--config", type=Path, metavar="FILE", help="TOML configuration")
    common.add_argument(
        "--data", type=Path, metavar="DIR", help="folder of the embedded store (default: ./stratusgate-data)"
    )
    serve.add_commands(commands, common)
    worker.add_commands(commands, common)
    users.add_commands(commands, common)
    operations.add_commands(commands, common)
    suite = commands.add_parser("conformance", help="validate a standard against any endpoint")
    add_conformance_arguments(suite)
    suite.set_defaults(run=run_conformance)
    return top


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of one command; ends with status 2 where one is no text. Paths may be any bytes."""
    top = parser()
    options = top.parse_args(arguments)
    for name, value in vars(options).items():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, str) and any("\ud800" <= c <= "\udfff" for c in part):
                top.error(f"{name}: {shorten(part)} is not UTF-8")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    options = parsed(arguments)
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except ConfigError as error:
        for problem in error.problems:
            print(f"stratusgate: {problem}", file=sys.stderr)
        return 1
    except GatewayError as error:
        print(f"stratusgate: {error.message}", file=sys.stderr)
        return 1
    except DBAPIError as error:
        reason = str(error.orig).splitlines()[0] if error.orig else "no connection"
        print(f"stratusgate: store: {shorten(reason, 300)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has seen enough; say nothing more at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return status

"""The command `stratusgate conformance STANDARD URL`: exit 0 conforms, 1 does not, 2 could not run."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from conformance import cdmi, framework, occi
from conformance.exchange import Credentials, Endpoint
from conformance.report import REPORTS, result_lines, summary_lines

SUITES: Mapping[str, framework.Suite[Any]] = {"cdmi": cdmi.SUITE, "occi": occi.SUITE}
CANNOT_RUN = 2


class Usage(Exception):
    """The command line cannot be carried out; the text says what to give instead."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `conformance` to a parser."""
    parser.add_argument("standard", choices=sorted(SUITES), help="standard to check")
    parser.add_argument("url", nargs="?", metavar="URL", help="endpoint, as clients are given it")
    parser.add_argument("--user", metavar="U", help="user name for HTTP Basic")
    parser.add_argument(
        "--password-env",
        metavar="VAR",
        default="STRATUSGATE_PASSWORD",
        help="environment variable with the password (default %(default)s)",
    )
    parser.add_argument(
        "--token-env", metavar="VAR", help="environment variable with a token for X-Auth-Token"
    )
    parser.add_argument(
        "--second-user",
        metavar="U",
        help="another, ordinary account; without it checks of what others may do are skipped (cdmi)",
    )
    parser.add_argument(
        "--second-password-env",
        metavar="VAR",
        default="STRATUSGATE_SECOND_PASSWORD",
        help="environment variable with its password (default %(default)s)",
    )
    parser.add_argument("--report", choices=sorted(REPORTS), default="text", help="form of the report")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write the report there, not to stdout")
    parser.add_argument(
        "--only",
        metavar="ID",
        action="append",
        default=[],
        help="run this check or all whose id begins so; may repeat",
    )
    parser.add_argument("--list", action="store_true", help="show the checks and leave")
    parser.add_argument(
        "--timeout", metavar="S", type=float, default=30.0, help="seconds to wait for an answer (default 30)"
    )
    parser.add_argument(
        "--ca-file", metavar="FILE", default="", help="certificates to trust, not the system's"
    )
    parser.add_argument(
        "--settle",
        metavar="S",
        type=float,
        default=60.0,
        help="seconds to wait for a state to change (default 60)",
    )


def _from_environment(variable: str) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise Usage(f"environment variable {variable} is not set; it must hold the secret")
    return value


def _endpoint(args: argparse.Namespace) -> Endpoint:
    if not args.url:
        raise Usage("no endpoint given; usage: conformance STANDARD URL")
    credentials = Credentials(
        user=args.user or "",
        password=_from_environment(args.password_env) if args.user else "",
        token=_from_environment(args.token_env) if args.token_env else "",
    )
    try:
        return Endpoint(args.url, credentials, timeout=args.timeout, ca_file=args.ca_file)
    except ValueError as error:
        raise Usage(str(error)) from error


def _write(report: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(report)
        return
    try:
        output.write_text(report, encoding="utf-8")
    except OSError as error:
        raise Usage(f"cannot write {output}: {error.strerror}") from error


def _printer(args: argparse.Namespace) -> Callable[[framework.Result], None]:
    """Text to the terminal appears check by check; every other report is written at the end."""
    if args.report == "text" and args.output is None:
        return lambda result: print("\n".join(result_lines(result)), flush=True)
    return lambda result: None


def _carry_out(args: argparse.Namespace) -> int:
    suite = SUITES[args.standard]
    try:
        checks = suite.registry.select(args.only)
    except ValueError as error:
        raise Usage(str(error)) from error
    if args.list:
        for check in checks:
            print(f"{check.id:14} {check.level:6} {check.title} [{check.clause}]")
        return 0
    if args.output is not None and not args.output.parent.is_dir():
        raise Usage(f"cannot write {args.output}: {args.output.parent} is no folder")
    context = suite.context(_endpoint(args), settle=args.settle)
    if args.second_user:
        context.second = Credentials(args.second_user, _from_environment(args.second_password_env))
    finished = framework.run(suite.registry.standard, context, checks, _printer(args))
    if args.report == "text" and args.output is None:
        print("\n" + "\n".join(summary_lines(finished)))
    else:
        _write(REPORTS[args.report](finished), args.output)
    return finished.exit_status


def run(args: argparse.Namespace) -> int:
    """Carry out the command; answers the exit status and writes nothing but the report to stdout."""
    try:
        return _carry_out(args)
    except (Usage, framework.CannotRun) as error:
        print(f"conformance: {error}", file=sys.stderr)
        return CANNOT_RUN
    except BrokenPipeError:
        # The reader has seen enough; without this the interpreter complains again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="conformance", description="check an endpoint against a standard")
    add_arguments(parser)
    return run(parser.parse_args(argv))

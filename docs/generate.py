"""Writes the option tables of ``docs/configuration.md`` from the tables that the gateway reads them by.

``python docs/generate.py`` rewrites the file; with ``--check`` it only tells whether that would change it.
"""

from __future__ import annotations

import argparse
import dataclasses
import difflib
import ipaddress
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # the tree this file is in, not an installed copy

from backends.sandbox.options import Options
from backends.values.s3_options import S3Options
from cdmi_gw.frontend import OPTIONS as CDMI_OPTIONS
from gateway import config
from gateway.policy.quota import DIMENSIONS, PER_TYPE
from gateway.policy.restricted import RESTRICTED
from occi_gw.frontend import OPTIONS as OCCI_OPTIONS

CONFIGURATION = Path(__file__).with_name("configuration.md")

_REGION = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

#: Values that no option takes; what a reader says about them is what it does take.
_PROBES = ("\0", -1)

_SANDBOX_DEFAULTS = {
    "path": '`"sandbox.db"`',
    "capacity": "no limit",
    "images": "`debian-12`, `alpine-3`",
    "instance_types": "`small`, `medium`, `large`",
    "pools": "none",
    "failures": "none",
}
_SANDBOX_HELP = {
    "path": "the file of the cloud; a relative one lies in the data folder",
    "delay": "seconds that each change of state takes",
    "capacity": "table: `cores`, `memory`, `disk`; what is not named has no limit",
    "images": (
        "tables by identifier: `title`, `summary`, `size`, `architecture`, `tags`; instead of the default"
    ),
    "instance_types": (
        "tables by identifier: `title`, `cores`, `memory`, `disk`, `tags`; instead of the default"
    ),
    "pools": "networks of floating addresses by name of the pool",
    "failures": "list of rules that make calls fail, see [the sandbox](sandbox.md#failures)",
    "shared_volumes": "a volume can be attached to several machines",
    "default_network": "a machine that names no network gets an interface in network `default`",
    "public_address": "the public address of port mappings",
}


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    lines = [list(head)]
    lines.append(["---"] * len(lines[0]))
    lines += [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def allowed(read: Callable[[Any], Any]) -> str:
    """What an option takes, in the words of its own error message."""
    said = []
    for probe in _PROBES:
        try:
            read(probe)
        except ValueError as error:
            said.append(str(error))
    return max(said, key=len)


def value(default: Any) -> str:
    """A default as TOML has it."""
    if isinstance(default, ipaddress.IPv4Address | ipaddress.IPv6Address):
        default = str(default)
    return f"`{json.dumps(default)}`"


def fixed_sections() -> str:
    """The sections of ``gateway.config.OPTIONS``."""
    return "\n".join(
        f"### `[{section}]`\n\n"
        + table(
            ("key", "value", "default", "meaning"),
            (
                (f"`{key}`", allowed(option.read), value(option.default), option.help)
                for key, option in options.items()
            ),
        )
        for section, options in config.OPTIONS.items()
    )


def occi_options() -> str:
    rows = ((f"`{name}`", value(default), text) for name, (default, text) in OCCI_OPTIONS.items())
    return table(("key", "default", "meaning"), rows)


def cdmi_options() -> str:
    rows = ((f"`{name}`", value(default), text) for name, (default, text) in CDMI_OPTIONS.items())
    return table(("key", "default", "meaning"), rows)


def sandbox_options() -> str:
    """The options of the sandbox. Raises LookupError for one that has no description here."""
    fields = {field.name: field for field in dataclasses.fields(Options)}
    if fields.keys() != _SANDBOX_HELP.keys():
        raise LookupError(f"describe {sorted(fields.keys() ^ _SANDBOX_HELP.keys())} in {__file__}")
    return table(
        ("key", "default", "meaning"),
        (
            (f"`{name}`", _SANDBOX_DEFAULTS.get(name) or value(fields[name].default), text)
            for name, text in _SANDBOX_HELP.items()
        ),
    )


def bucket_options() -> str:
    return table(
        ("key", "value", "default", "meaning"),
        (
            (
                f"`{field.name}`",
                allowed(field.metadata["read"]),
                "none" if field.default is dataclasses.MISSING else value(field.default),
                field.metadata["help"],
            )
            for field in dataclasses.fields(S3Options)
        ),
    )


def quota_dimensions() -> str:
    rows: list[tuple[str, str]] = []
    for name, dimension in DIMENSIONS.items():
        what = f"{dimension.kind.replace('_', ' ')}s"
        counted = f"number of {what}" if dimension.column is None else f"sum over {what}"
        rows.append((f"`{name}`", counted.replace("addresss", "reserved addresses")))
    rows.append((f"`{PER_TYPE}<type>`", "number of computes of one instance type"))
    return table(("dimension", "counts"), rows)


def restricted_attributes() -> str:
    return table(("name", "what it is"), ((f"`{name}`", text) for name, text in RESTRICTED.items()))


REGIONS: Mapping[str, Callable[[], str]] = {
    "fixed-sections": fixed_sections,
    "cdmi-options": cdmi_options,
    "occi-options": occi_options,
    "sandbox-options": sandbox_options,
    "bucket-options": bucket_options,
    "quota-dimensions": quota_dimensions,
    "restricted-attributes": restricted_attributes,
}


def generated(text: str) -> str:
    """The document with every marked region written anew. Raises KeyError for an unknown region."""
    return _REGION.sub(lambda match: f"{match[1]}\n{REGIONS[match[2]]()}\n{match[3]}", text)


def difference() -> Iterator[str]:
    """What running this script would change in the file, as a unified diff."""
    present = CONFIGURATION.read_text(encoding="utf-8")
    return difflib.unified_diff(
        present.splitlines(), generated(present).splitlines(), "present", "generated", lineterm=""
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the option tables of docs/configuration.md.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where they are stale")
    if parser.parse_args().check:
        changes = list(difference())
        print("\n".join(changes))
        return 1 if changes else 0
    CONFIGURATION.write_text(generated(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

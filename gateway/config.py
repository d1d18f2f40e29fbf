"""Configuration: everything that one gateway is told, read from all sources by the table of options.

Sources, later ones win: defaults, the TOML file, its drop-ins (``FILE.d/*.toml`` in name order), the
environment (``STRATUSGATE__SECTION__KEY``), the command line. Any value may be ``{ file = "..." }`` or
``{ env = "..." }``. An unknown key is an error that names the nearest known one.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.model import InstanceType, InvalidRequest, shorten
from gateway.options import OF_A_DRIVER, OPTIONS, natural, port_of, positive, size, switch, text, texts
from gateway.policy import classes
from gateway.policy.classes import Classes
from gateway.policy.quota import DIMENSIONS, PER_TYPE, SCOPES
from gateway.policy.restricted import RESTRICTED

__all__ = [
    "OPTIONS",
    "Config",
    "ConfigError",
    "load",
    "options_of",
    "shown",
    "switch",
]

ENVIRONMENT_PREFIX = "STRATUSGATE__"


class ConfigError(Exception):
    """The configuration cannot be used; one problem a line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


_INSTANCE_TYPE = {"title", "cores", "memory", "disk", "tags"}
_DYNAMIC = ("backends", "frontends", "instance_types", "quotas", "restricted", "storage_classes")


@dataclass(frozen=True, slots=True)
class Config:
    """Checked values; ``origin`` tells where each came from."""

    values: Mapping[str, Mapping[str, Any]]
    objects: Mapping[str, Any]  # the options of the driver of values
    backends: Mapping[str, Mapping[str, Any]]
    frontends: Mapping[str, Mapping[str, Any]]
    instance_types: Mapping[str, InstanceType]
    quotas: Mapping[str, Mapping[str, Mapping[str, int]]]
    restricted: Mapping[str, tuple[str, ...]]
    storage_classes: Classes
    origin: Mapping[str, str]
    data: Path

    def get(self, section: str, key: str) -> Any:
        return self.values[section][key]

    @property
    def store_url(self) -> str:
        return self.get("store", "url") or f"sqlite:///{self.data / 'store.db'}"


def load(
    file: Path | None,
    *,
    data: Path,
    environ: Mapping[str, str] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Config:
    """Read and check everything. Raises ConfigError with every problem found."""
    problems: list[str] = []
    raw: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for source, tables in _sources(file, environ if environ is not None else os.environ, overrides, problems):
        _merge(raw, tables, source, origin, "")
    raw = _resolved(raw, "", problems)
    for section in raw:
        if section not in OPTIONS and section not in _DYNAMIC:
            problems.append(_unknown("section", section, [*OPTIONS, *_DYNAMIC], origin.get(section)))
    values = {section: _section(section, raw.get(section, {}), origin, problems) for section in OPTIONS}
    problems += _same_port(values["server"])
    config = Config(
        values=values,
        objects=_driver_options(raw, "objects"),
        backends=_tables(raw, "backends", problems) or {"default": {"driver": "sandbox"}},
        frontends=_tables(raw, "frontends", problems) or {"occi": {}, "cdmi": {}},
        instance_types=_instance_types(_tables(raw, "instance_types", problems), problems),
        quotas=_quotas(_tables(raw, "quotas", problems), problems),
        restricted=_restricted(raw.get("restricted", {}), problems),
        storage_classes=_storage_classes(_tables(raw, "storage_classes", problems), problems),
        origin=origin,
        data=data,
    )
    for zone, options in config.backends.items():
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", zone):
            problems.append(f"backends.{zone}: a zone's name is lower-case letters, digits and single dashes")
        if "driver" not in options:
            problems.append(f"backends.{zone}: driver is missing")
    if problems:
        raise ConfigError(problems)
    return config


def _sources(
    file: Path | None,
    environ: Mapping[str, str],
    overrides: Mapping[str, Mapping[str, Any]] | None,
    problems: list[str],
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if file is not None:
        drop_ins = sorted(Path(f"{file}.d").glob("*.toml"))
        for path in (file, *drop_ins):
            try:
                yield str(path), tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
                problems.append(f"{path}: {error}")
    for name, value in sorted(environ.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            yield f"environment {name}", _of_environment(name, value)
    if overrides:
        yield "command line", overrides


def _of_environment(name: str, value: str) -> Mapping[str, Any]:
    """The tables that one variable stands for; a part of its name with a small letter keeps its case."""
    parts = name.removeprefix(ENVIRONMENT_PREFIX).split("__")
    first, *keys = [part.lower() if part.isupper() else part for part in parts]
    drivers = first in OF_A_DRIVER and bool(keys) and keys[0] not in OPTIONS[first]
    tables = _typed(value, scalars=drivers or first not in OPTIONS)
    for key in reversed(keys):
        tables = {key: tables}
    return {first: tables}


def _typed(value: str, *, scalars: bool) -> Any:
    """The TOML value that a text is, or else the text.

    Numbers and truths stay texts without ``scalars``: the readers of our own options know what they take.
    """
    try:
        found = tomllib.loads(f"value = {value}")
    except ValueError:
        return value
    typed = found.pop("value")
    kinds = (str, list, dict, bool, int, float) if scalars else (str, list, dict)
    return typed if isinstance(typed, kinds) and not found else value


def _merge(
    into: dict[str, Any], new: Mapping[str, Any], source: str, origin: dict[str, str], at: str
) -> None:
    for key, value in new.items():
        name = f"{at}{key}"
        origin[name] = source
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value, source, origin, f"{name}.")
        elif isinstance(value, dict):
            into[key] = {}
            _merge(into[key], value, source, origin, f"{name}.")
        else:
            into[key] = value


def _resolved(tables: dict[str, Any], at: str, problems: list[str]) -> dict[str, Any]:
    """Tables with ``{ file = ... }`` and ``{ env = ... }`` replaced by what they point at."""
    found: dict[str, Any] = {}
    for key, value in tables.items():
        name = f"{at}{key}"
        source = next(iter(value), None) if isinstance(value, dict) and len(value) == 1 and at else None
        if source in ("file", "env") and not isinstance(value[source], str):
            problems.append(f"{name}: {source} must be a text")
        elif source == "file":
            try:
                found[key] = Path(value["file"]).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                problems.append(f"{name}: {error}")
        elif source == "env":
            if value["env"] in os.environ:
                found[key] = os.environ[value["env"]]
            else:
                problems.append(f"{name}: environment variable {value['env']} is not set")
        else:
            found[key] = _resolved(value, f"{name}.", problems) if isinstance(value, dict) else value
    return found


def _unknown(what: str, name: str, known: list[str], source: str | None = None) -> str:
    near = difflib.get_close_matches(name.rpartition(".")[2], [k.rpartition(".")[2] for k in known], 1, 0.5)
    hint = f"; did you mean {near[0]}?" if near else f"; known: {', '.join(sorted(known))}"
    return f"{source + ': ' if source else ''}unknown {what} {name}{hint}"


def _section(section: str, given: Any, origin: Mapping[str, str], problems: list[str]) -> Mapping[str, Any]:
    options = OPTIONS[section]
    if not isinstance(given, dict):
        problems.append(f"{section}: must be a table")
        given = {}
    for key in given:
        if key not in options and section not in OF_A_DRIVER:
            name = f"{section}.{key}"
            problems.append(_unknown("key", name, list(options), origin.get(name)))
    values = {}
    for key, option in options.items():
        value = given.get(key, option.default)
        try:
            values[key] = option.read(list(value) if isinstance(value, tuple) else value)
        except ValueError as error:
            problems.append(f"{section}.{key}: {shorten(repr(value))} is not {error}")
    return values


def _driver_options(raw: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """What a fixed section says to its driver; the driver names what it does not know."""
    given = raw.get(section, {})
    return (
        {key: given[key] for key in given if key not in OPTIONS[section]} if isinstance(given, dict) else {}
    )


def _same_port(server: Mapping[str, Any]) -> list[str]:
    """A problem where both listeners have one port; values that could not be read are missing."""
    bind, admin = server.get("bind"), server.get("admin_bind")
    if not bind or not admin or port_of(bind) != port_of(admin):
        return []
    return [
        f"server.admin_bind: {admin} has the port of server.bind, which tells the two apart; choose another"
    ]


def _tables(raw: Mapping[str, Any], section: str, problems: list[str]) -> Mapping[str, Mapping[str, Any]]:
    given = raw.get(section, {})
    if not isinstance(given, dict) or not all(isinstance(table, dict) for table in given.values()):
        problems.append(f"{section}: must hold tables, for example [{section}.name]")
        return {}
    return given


def _instance_types(
    given: Mapping[str, Mapping[str, Any]], problems: list[str]
) -> Mapping[str, InstanceType]:
    found = {}
    for name, table in given.items():
        at = f"instance_types.{name}"
        problems += [
            _unknown("key", f"{at}.{key}", list(_INSTANCE_TYPE)) for key in table.keys() - _INSTANCE_TYPE
        ]
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
            problems.append(f"{at}: the name must be lower-case letters, digits, - and _")
        tags = table.get("tags", {})
        try:
            if not isinstance(tags, dict):
                raise ValueError("tags to be a table")
            found[name] = InstanceType(
                id=name,
                title=text(table.get("title", name)),
                cores=positive(table.get("cores", 1)),
                memory=size(table.get("memory", "1GiB")),
                disk=size(table.get("disk", 0)),
                tags={key: str(value) for key, value in tags.items()},
            )
        except ValueError as error:
            problems.append(f"{at}: expected {error}")
    return found


def _quotas(
    given: Mapping[str, Mapping[str, Any]], problems: list[str]
) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    found: dict[str, dict[str, dict[str, int]]] = {}
    for scope, names in given.items():
        if scope not in SCOPES:
            problems.append(_unknown("quota scope", f"quotas.{scope}", list(SCOPES)))
            continue
        for name, limits in names.items():
            at = f"quotas.{scope}.{name}"
            if not isinstance(limits, dict):
                problems.append(f"{at}: must be a table of limits")
                continue
            for dimension, limit in limits.items():
                if dimension not in DIMENSIONS and not dimension.startswith(PER_TYPE):
                    known = [*DIMENSIONS, f"{PER_TYPE}<type>"]
                    problems.append(_unknown("dimension", f"{at}.{dimension}", known))
                    continue
                try:
                    value = size(limit) if dimension.endswith("bytes") else natural(limit)
                except ValueError as error:
                    problems.append(f"{at}.{dimension}: {shorten(repr(limit))} is not {error}")
                else:
                    found.setdefault(scope, {}).setdefault(name, {})[dimension] = value
    return found


def _restricted(given: Any, problems: list[str]) -> Mapping[str, tuple[str, ...]]:
    """``[restricted] role = ["interface.mac"]``: what a role may set that others may not."""
    if not isinstance(given, dict):
        problems.append("restricted: must be a table of roles")
        return {}
    found = {}
    for role, names in given.items():
        try:
            found[role] = texts(names)
        except ValueError as error:
            problems.append(f"restricted.{role}: {shorten(repr(names))} is not {error}")
            continue
        problems += [
            _unknown("attribute", f"restricted.{role}.{name}", list(RESTRICTED))
            for name in found[role]
            if name not in RESTRICTED
        ]
    return found


def _storage_classes(given: Mapping[str, Mapping[str, Any]], problems: list[str]) -> Classes:
    try:
        return classes.read(given)
    except InvalidRequest as error:
        problems.append(f"storage_classes.{error.field}: {error.message}")
        return {}


_SECRET = re.compile(r"password|secret|token|key$|credential")
_LOGIN = re.compile(r"(?<=://)([^/@:]*):[^@]*@")


def _masked(key: str, value: Any) -> Any:
    """The value without secrets: those its name tells of, and passwords inside URLs."""
    if isinstance(value, dict):
        return {name: _masked(name, inner) for name, inner in value.items()}
    if _SECRET.search(key):
        return "***"
    if isinstance(value, list):
        return [_masked(key, inner) for inner in value]
    return _LOGIN.sub(r"\1:***@", value) if isinstance(value, str) else value


def shown(config: Config) -> Iterator[str]:
    """The effective values, one a line, with their origin; secrets masked."""
    for section, options in OPTIONS.items():
        for key, option in options.items():
            value = config.get(section, key)
            if section == "tenancy" and key == "umask":
                value = f"{value:03o}"
            display = "***" if option.secret and value else _masked(key, value)
            yield f"{section}.{key} = {display!r}  # {config.origin.get(f'{section}.{key}', 'default')}"
    for key, value in config.objects.items():
        yield f"objects.{key} = {_masked(key, value)!r}  # {config.origin.get(f'objects.{key}', 'default')}"
    for section, tables in (("backends", config.backends), ("frontends", config.frontends)):
        for name, table in tables.items():
            for key, value in table.items():
                yield (
                    f"{section}.{name}.{key} = {_masked(key, value)!r}  "
                    f"# {config.origin.get(f'{section}.{name}.{key}', 'default')}"
                )

    def source(name: str) -> str:
        return config.origin.get(name, "default")

    for name, offered in config.instance_types.items():
        at = f"instance_types.{name}"
        yield f"{at} = {offered.cores} cores, {offered.memory} bytes  # {source(f'{at}.cores')}"
    for scope, names in config.quotas.items():
        for name, limits in names.items():
            for dimension, limit in limits.items():
                at = f"quotas.{scope}.{name}.{dimension}"
                yield f"{at} = {limit}  # {source(at)}"


def options_of(read: Callable[[Mapping[str, Any]], Any], where: str, options: Mapping[str, Any]) -> Any:
    """Let a driver or front end read its own table; its InvalidRequest becomes a ConfigError."""
    try:
        return read(options)
    except InvalidRequest as error:
        field = f".{error.field}" if error.field and not error.message.startswith(error.field) else ""
        raise ConfigError([f"{where}{field}: {error.message}"]) from None

"""What several commands share: finding the configuration and opening the store."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config import Config, ConfigError, load

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


Commands = Any  # what argparse.add_subparsers gives; its class has no public name

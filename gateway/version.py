"""The version of what is installed."""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _installed


def version() -> str:
    try:
        return _installed("stratusgate")
    except PackageNotFoundError:
        return "0"

"""The listeners of the serving process at a reload: the new ones are there before the old ones go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gunicorn.sock import TCP6Socket, TCPSocket
from gunicorn.util import is_ipv6

from gateway.config import ConfigError


def renewed(addresses: Sequence[Any], old: Sequence[Any], settings: Any, log: Any) -> list[Any]:
    """Listeners at the addresses, (host, port) each, in their order; those of ``old`` that are there stay.

    Raises ConfigError where one cannot be had; then nothing has changed. That is so too for an address whose
    port is held by another of our own: the workers that are in the middle of requests still listen there.
    """
    kept = {listener.cfg_addr: listener for listener in old}
    made: dict[Any, Any] = {}
    for host, port in addresses:
        if (host, port) in kept:
            continue
        try:
            kind: Any = TCP6Socket if is_ipv6(host) else TCPSocket
            made[host, port] = kind((host, port), settings, log)
        except (OSError, ValueError) as error:  # the second for what can be no name of a host
            close(list(made.values()))
            raise ConfigError([f"server: cannot listen at {host} port {port}: {error}"]) from None
    return [kept.get(address) or made[address] for address in addresses]


def close(listeners: Sequence[Any]) -> None:
    for listener in listeners:
        listener.close()

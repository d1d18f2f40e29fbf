"""Metrics that are not counted but looked up when the page is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, Metric

from gateway.model import GatewayError

if TYPE_CHECKING:
    from gateway.app import Gateway


def quotas(gateway: Gateway) -> Iterator[Metric]:
    """Limits of tenants and what is used of them; nothing where that is switched off."""
    if not gateway.config.get("metrics", "quotas"):
        return
    labels = ("tenant", "dimension")
    limit = GaugeMetricFamily("stratusgate_quota_limit", "What a tenant may have", labels=labels)
    used = GaugeMetricFamily("stratusgate_quota_used", "What a tenant has of what is limited", labels=labels)
    try:
        usages = gateway.cloud.settings.quotas.usage(gateway.database, "tenant")
    except GatewayError:
        usages = ()  # the rest of the metrics is wanted most when the store is down
    for usage in usages:
        limit.add_metric((usage.name, usage.dimension), usage.limit)
        used.add_metric((usage.name, usage.dimension), usage.used)
    yield limit
    yield used

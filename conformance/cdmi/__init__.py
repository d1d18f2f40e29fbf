"""The CDMI 1.0.2 and 1.1.1 suite: driven by what the endpoint publishes; clauses are those of 1.1.1."""

from __future__ import annotations

from conformance.cdmi import (  # noqa: F401  # importing a module registers its checks
    checks_acl,
    checks_capabilities,
    checks_clients,
    checks_containers,
    checks_domains,
    checks_errors,
    checks_form,
    checks_http,
    checks_keeping,
    checks_metadata,
    checks_negotiation,
    checks_objects,
    checks_paths,
    checks_queues,
    checks_select,
    checks_service,
    checks_transfer,
)
from conformance.cdmi.context import CdmiContext
from conformance.cdmi.registry import REGISTRY
from conformance.framework import Suite

SUITE: Suite[CdmiContext] = Suite(REGISTRY, CdmiContext)

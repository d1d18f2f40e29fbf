"""The OCCI 1.1 and 1.2 suite: renderings over HTTP, the infrastructure model, and what clients need."""

from __future__ import annotations

from conformance.framework import Suite
from conformance.occi import (  # noqa: F401  # importing a module registers its checks
    checks_actions,
    checks_collections,
    checks_create,
    checks_discovery,
    checks_entities,
    checks_errors,
    checks_extensions,
    checks_filters,
    checks_links,
    checks_malformed,
    checks_model,
    checks_negotiation,
    checks_shape,
    checks_syntax,
    checks_tags,
    checks_templates,
    checks_updates,
    checks_versions,
)
from conformance.occi.context import OcciContext
from conformance.occi.registry import REGISTRY

SUITE: Suite[OcciContext] = Suite(REGISTRY, OcciContext)

"""`python -m conformance occi URL`: the suites without the gateway."""

from conformance.cli import main

raise SystemExit(main())

"""``python -m gateway.cli`` is ``stratusgate``."""

import sys

from gateway.cli import main

sys.exit(main())

"""The common resource model: immutable types, state tables, errors. No I/O, no HTTP, no XML."""

from .errors import *  # noqa: F403 - the package's front door shows each module's names
from .objects import *  # noqa: F403 - as above
from .resources import *  # noqa: F403 - as above
from .specs import *  # noqa: F403 - as above
from .states import *  # noqa: F403 - as above
from .wishes import *  # noqa: F403 - as above

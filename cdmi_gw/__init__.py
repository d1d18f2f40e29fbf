"""CDMI 1.0.2 and 1.1 (ISO/IEC 17826): the front end ``cdmi``."""

from cdmi_gw.frontend import frontend

__all__ = ["frontend"]

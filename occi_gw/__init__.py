"""OCCI 1.1 and 1.2 (GFD.183 to 185, GFD.221 to 226, GFD.229): the front end ``occi``."""

from occi_gw.frontend import frontend

__all__ = ["frontend"]

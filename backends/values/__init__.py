"""Where the bytes of objects are kept: the interface, and a directory as the default."""

from .base import BLOCK, Stored, ValueStore
from .directory import DirectoryStore

__all__ = ["BLOCK", "DirectoryStore", "Stored", "ValueStore"]

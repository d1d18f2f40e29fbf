"""The one error that reading a rendering can raise, and the safe way to show foreign text inside it."""

from __future__ import annotations

_SHOWN = 80


class ParseError(ValueError):
    """A request or answer that is not in the language of its media type.

    ``message`` is one line that names what was found and what was expected; ``where`` is the place
    (``header Category``, ``body line 3``, ``$.resources[0].kind``) or empty; ``column`` counts characters
    from 1 within that place. ``str()`` joins the three.
    """

    def __init__(self, message: str, where: str = "", column: int | None = None) -> None:
        super().__init__(message, where, column)
        self.message = message
        self.where = where
        self.column = column

    def __str__(self) -> str:
        column = None if self.column is None else f"column {self.column}"
        place = ", ".join(part for part in (self.where, column) if part)
        return f"{place}: {self.message}" if place else self.message

    def at(self, where: str, offset: int = 0) -> ParseError:
        """The same error seen from outside: at ``where``, whose text begins ``offset`` characters earlier."""
        return ParseError(self.message, where, None if self.column is None else self.column + offset)


def shown(text: str) -> str:
    """``text`` in quotes, on one line, without raw control characters, at most 80 characters of it."""
    clipped = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in clipped)
    return f'"{safe}"'

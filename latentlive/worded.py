"""Objects whose public names are words: called or read, never assigned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from latentlive.errors import WordError, did_you_mean

LONGEST = 60
"""Most characters of a value to show."""


class Worded:
    """An object whose names are a performer's words; it refuses assignments to them.

    ``d1.gain = -6`` would put a number where the word was, and ``d1.gain(-3)`` would fail from
    then on.
    """

    _called: ClassVar[str]
    """The text that a performer types for it."""

    def _typed(self) -> str:
        """Return the text that a performer types for this object."""
        return self._called

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None:
            if name.startswith("_"):
                object.__setattr__(self, name, value)
                return
            word = f"{self._typed()}.{name}"
            held = getattr(type(self), name, None)
            if callable(held):
                raise WordError(f"{word} is a word: {word}({_short(value)})")
            if held is not None:
                raise WordError(f"{word} is read, not set")
            words = [one for one in dir(type(self)) if not one.startswith("_")]
            raise WordError(
                f"{self._typed()} has no .{name} that could be set{did_you_mean(name, words)}"
            )

        def __delattr__(self, name: str) -> None:
            if name.startswith("_"):
                object.__delattr__(self, name)
                return
            raise WordError(f"{self._typed()}.{name} cannot be deleted")


def typed(thing: Worded | type[Worded]) -> str:
    """Return the text that a performer types for an object, or for one of a class."""
    return thing._called if isinstance(thing, type) else thing._typed()


def _short(value: Any) -> str:
    """Return a value for a message: on one line, and short."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a performer's class may do anything here
        return "..."
    return text if len(text) <= LONGEST else "..."

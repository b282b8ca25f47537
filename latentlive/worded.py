"""Objects whose public names are words: called or read, never assigned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from latentlive.errors import WordError, did_you_mean

LONGEST = 60
"""Characters of a value that are shown."""


class Worded:
    """A thing that a performer has words for; assigning to one of them is refused.

    ``d1.gain = -6`` would put a number where the word was, and ``d1.gain(-3)`` would fail from
    then on.
    """

    _called: ClassVar[str]
    """How it is typed."""

    def _typed(self) -> str:
        """Return how this one is typed."""
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
    """Return how a thing with words is typed; of a class, how one of its kind is."""
    return thing._called if isinstance(thing, type) else thing._typed()


def _short(value: Any) -> str:
    """Return a value as a message shows it: on one line, and not long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # noqa: BLE001 - a performer's class may do anything here
        return "..."
    return text if len(text) <= LONGEST else "..."

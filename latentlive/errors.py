"""The error tree: every message is one line that a performer can act on.

::

    LatentliveError
    ├── ExpressionError    a bad expression: operator, rule, value, remedy
    │   └── WordError      a word that does not exist here
    ├── SoundError         a sound that is missing, broken or silent
    ├── ModelError         a model file that cannot be trusted or read
    ├── DeviceError        no sound device, or it refuses what was asked
    └── EngineError        the engine is gone, busy or was asked the impossible
        └── HangingError   the engine is there and does not answer
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class LatentliveError(Exception):
    """The root: catch it to catch everything that latentlive raises on purpose."""


class ExpressionError(LatentliveError):
    """An expression that has no meaning, refused where it is typed."""


class WordError(ExpressionError, AttributeError):
    """A word that does not exist here, with the one that was meant."""


class SoundError(LatentliveError):
    """A sound that is missing, broken or silent."""


class ModelError(LatentliveError):
    """A model file that cannot be trusted or read."""


class DeviceError(LatentliveError):
    """No sound device, or one that refuses what was asked."""


class EngineError(LatentliveError):
    """The engine is gone, busy, or was asked for something impossible."""


class HangingError(EngineError):
    """The engine is there and does not answer: nothing but its end helps."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'gong'?`` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def reason(error: OSError) -> str:
    """Return what the system refuses, with the file that it names."""
    named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{named}{error.strerror or error}"


def printable(text: str) -> str:
    r"""Return a text without what a terminal would take for an order.

    >>> print(printable("rain" + chr(27) + "[2J"))
    rain\x1b[2J
    """
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)

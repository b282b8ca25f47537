"""The error tree: every message is one line that a performer can act on.

::

    LatentliveError
    ├── ExpressionError    a bad expression: operator, rule, value, remedy
    │   └── WordError      a word that does not exist
    ├── SoundError         a sound that is missing, broken or silent
    ├── ModelError         a model file that cannot be trusted or read
    ├── DeviceError        no sound device, or it refuses a request
    └── EngineError        the engine has ended, is busy or cannot do it
        └── HangingError   the engine runs and does not answer
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable


class LatentliveError(Exception):
    """The root: catch it to catch everything that latentlive raises on purpose."""


class ExpressionError(LatentliveError):
    """An expression without a meaning, refused as it is typed."""


class WordError(ExpressionError, AttributeError):
    """A word that does not exist, with a suggestion."""


class SoundError(LatentliveError):
    """A sound that is missing, broken or silent."""


class ModelError(LatentliveError):
    """A model file that cannot be trusted or read."""


class DeviceError(LatentliveError):
    """No sound device, or one that refuses a request."""


class EngineError(LatentliveError):
    """The engine has ended, is busy, or cannot do what a request asks."""


class HangingError(EngineError):
    """The engine runs and does not answer: the only remedy is to end it."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'gong'?`` for the nearest known word, or an empty string."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]!r}?" if near else ""


def reason(error: OSError) -> str:
    """Return the system's reason, with the file that it names."""
    named = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{named}{error.strerror or error}"


def printable(text: str) -> str:
    r"""Return a text without terminal control codes.

    >>> print(printable("rain" + chr(27) + "[2J"))
    rain\x1b[2J
    """
    return "".join(c if c.isprintable() or c == "\t" else repr(c)[1:-1] for c in text)

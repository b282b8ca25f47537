"""Jobs for the console, their results, and the console's interface to a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from latentlive.errors import LatentliveError


@dataclass(frozen=True)
class Answer:
    """The result of a cell.

    Parameters
    ----------
    shown : str
        The cell's value, as text.
    error : str
        One line, empty without an error.
    line : int, optional
        The line of the file that raised the error.
    leave : bool
        Whether the cell leaves the prompt.
    """

    shown: str = ""
    error: str = ""
    line: int | None = None
    leave: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Code to run.

    Parameters
    ----------
    at : float
        The time of entry, in seconds of ``time.monotonic``.
    """

    at: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True)
class Typed(Asked):
    """A line or cell from the keyboard."""

    code: str


@dataclass(frozen=True)
class Sent(Asked):
    """A cell from an editor.

    Parameters
    ----------
    code : str
    file : str
    line : int
        Of its first line in the file.
    reply : function of the answer
    """

    code: str
    file: str
    line: int
    reply: Callable[[Answer], object]


@dataclass(frozen=True)
class Saved(Asked):
    """Saved pattern files."""

    names: list[str]


@dataclass(frozen=True)
class Left:
    """The end of the keyboard's input, or of the engine."""

    error: LatentliveError | None = None


Job = Typed | Sent | Saved | Left


class Front(Protocol):
    """The performer's terminal: a line editor, or plain text."""

    def read(self) -> None:
        """Begin to read one line or cell in a thread, which puts it into the console's inbox."""

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Make room for output above the edited line."""

    def output(self) -> contextlib.AbstractContextManager[None]:
        """Send the output of running code straight to the terminal."""

    def show(self, text: str, style: str = "") -> None:
        """Show lines in the style ``error``, ``note``, ``echo`` or none."""

    def insert(self, text: str) -> bool:
        """Insert text into the edited line; return False where none is edited."""

    def close(self) -> None:
        """Restore the terminal."""

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
        Its value, as text.
    error : str
        One line; empty if all is well.
    line : int, optional
        Of the file, where the error came from.
    leave : bool
        Whether it asked to leave.
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
        When it was entered, in seconds of ``time.monotonic``.
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
    """Pattern files that were saved."""

    names: list[str]


@dataclass(frozen=True)
class Left:
    """The keyboard's end, or the engine's."""

    error: LatentliveError | None = None


Job = Typed | Sent | Saved | Left


class Front(Protocol):
    """The performer's terminal: a line editor, or plain text."""

    def read(self) -> None:
        """Begin to read one line or cell in a thread; it arrives in the console's inbox."""

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Make room for output while a line is being typed."""

    def output(self) -> contextlib.AbstractContextManager[None]:
        """Send the output of running code straight to the terminal."""

    def show(self, text: str, style: str = "") -> None:
        """Show lines; the style is ``error``, ``note``, ``echo`` or none."""

    def close(self) -> None:
        """Put the terminal back as it was."""

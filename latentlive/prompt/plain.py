"""The prompt without a line editor: for dumb terminals, pipes and other programs.

Statements are run as they are complete; ``# %%`` begins a cell that runs as one. No escape code is
written: values go to standard output, errors and notes to standard error.
"""

from __future__ import annotations

import codeop
import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TextIO

from latentlive.prompt.jobs import Job, Left, Typed
from latentlive.prompt.session import HEADING

GOES_ON = ("else", "elif", "except", "finally", "case", ")", "]", "}")


def cells(rows: Iterable[str]) -> Iterator[str]:
    """Yield what is to be run, as soon as it is complete.

    Parameters
    ----------
    rows : iterable of str
        Lines, with or without their ends.

    Example
    -------
    >>> list(cells(["a = 1", "if a:", "    b = 2", "c = 3", "# %% all", "d = 4", "e = 5"]))
    ['a = 1', 'if a:\\n    b = 2', 'c = 3', 'd = 4\\ne = 5']
    """
    held: list[str] = []
    whole = False
    for row in rows:
        row = row.rstrip("\r\n")
        if HEADING.match(row):
            if any(one.strip() for one in held):
                yield "\n".join(held)
            held, whole = [], True
            continue
        if whole:
            held.append(row)
            continue
        begins = row.strip() and not row[0].isspace() and not row.startswith(GOES_ON)
        if held and begins and _complete([*held, ""]):
            yield "\n".join(held)
            held = []
        held.append(row)
        if _complete(held):
            if any(one.strip() for one in held):
                yield "\n".join(held).rstrip()
            held = []
    if any(one.strip() for one in held):
        yield "\n".join(held)


def _complete(rows: list[str]) -> bool:
    """Tell whether lines can be run, or are wrong already."""
    try:
        return codeop.compile_command("\n".join(rows), "<stdin>", "single") is not None
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return True


class Plain:
    """A terminal without escape codes.

    Parameters
    ----------
    inbox : queue of jobs
    source : stream
        Where lines are read.
    """

    def __init__(self, inbox: SimpleQueue[Job], source: TextIO | None = None) -> None:
        self._inbox = inbox
        self._source = source or sys.stdin
        self._asks = self._source.isatty()
        self._cells = cells(self._rows())

    def _rows(self) -> Iterator[str]:
        while True:
            if self._asks:
                print(">>> ", end="", flush=True)
            row = self._source.readline()
            if not row:
                return
            yield row

    def read(self) -> None:
        """Begin to read what is to be run next."""
        threading.Thread(target=self._read, name="line", daemon=True).start()

    def _read(self) -> None:
        code = next(self._cells, None)
        self._inbox.put(Left() if code is None else Typed(code))

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: what is printed may stand beside what is typed."""
        return contextlib.nullcontext()

    def output(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: what running code prints is seen as it is."""
        return contextlib.nullcontext()

    def show(self, text: str, style: str = "") -> None:
        """Show lines."""
        if style == "echo":
            text = ">>> " + text.replace("\n", "\n... ")
        print(text, file=sys.stderr if style else sys.stdout, flush=True)

    def close(self) -> None:
        """Do nothing: nothing is to be put back."""

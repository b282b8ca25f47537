"""The prompt without a line editor: for dumb terminals, pipes and other programs.

Each statement runs once it is complete; ``# %%`` begins a cell that runs as one. It writes no
escape codes: values go to standard output, errors and notes to standard error.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue
from typing import TextIO

from latentlive.prompt.jobs import Job, Left, Typed
from latentlive.prompt.session import HEADING
from latentlive.prompt.statement import escaped, is_whole, state

GOES_ON = re.compile(r"(?:else|elif|except|finally|case)\b|[)\]}]")
"""The start of an unindented row that continues the row above."""


def cells(rows: Iterable[str], asks: bool = False) -> Iterator[str]:
    """Yield each piece of code as soon as it is complete.

    Parameters
    ----------
    rows : iterable of str
        Lines, with or without their ends.
    asks : bool
        Whether someone types them: then an empty row ends a block, as in Python's own prompt.
        In a file, the next unindented row ends it.

    Example
    -------
    >>> list(cells(["if a:", "    b = 2", "", "    c = 3", "# %% all", "d = 4", "e = 5"]))
    ['if a:\\n    b = 2\\n\\n    c = 3', 'd = 4\\ne = 5']
    """
    held: list[str] = []
    whole = False

    def taken() -> str:
        text = "\n".join(held).rstrip()
        held.clear()
        return text

    for row in rows:
        row = escaped(row.rstrip("\r\n").removeprefix("\ufeff"))
        if HEADING.match(row):
            if text := taken():
                yield text
            whole = True
            continue
        begins = row.strip() and not row[0].isspace() and not GOES_ON.match(row)
        if not whole and held and begins and state("\n".join(held)) != "open":
            yield taken()
        held.append(row)
        text = "\n".join(held)
        wrong = not asks and row[:1].isspace() and state(text) == "wrong"  # its rows stay together
        ended = not whole and not wrong and is_whole(text if asks else text.rstrip())
        if ended and (text := taken()):
            yield text
    if text := taken():
        yield text


class Plain:
    """A terminal without escape codes.

    Parameters
    ----------
    inbox : queue of jobs
    source : stream
        The input, line by line.
    """

    def __init__(self, inbox: SimpleQueue[Job], source: TextIO | None = None) -> None:
        self._inbox = inbox
        self._source = source or sys.stdin
        self._asks = self._source.isatty()
        self._cells = cells(self._rows(), self._asks)

    def _rows(self) -> Iterator[str]:
        while True:
            if self._asks:
                print(">>> ", end="", flush=True)
            try:
                row = self._source.readline()
            except (OSError, ValueError):
                return  # the input is closed
            if not row:
                return
            yield row

    def read(self) -> None:
        """Begin to read the next code to run."""
        threading.Thread(target=self._read, name="line", daemon=True).start()

    def _read(self) -> None:
        code = next(self._cells, None)
        self._inbox.put(Left() if code is None else Typed(code))

    def aside(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: output may stand beside typed text."""
        return contextlib.nullcontext()

    def output(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: the output of running code is shown unchanged."""
        return contextlib.nullcontext()

    def show(self, text: str, style: str = "") -> None:
        """Show lines."""
        if style == "echo":
            text = ">>> " + text.replace("\n", "\n... ")
        with contextlib.suppress(OSError):  # nobody reads the output now; the sound goes on
            print(text, file=sys.stderr if style else sys.stdout, flush=True)

    def insert(self, text: str) -> bool:
        """Return False: nothing is edited here."""
        return False

    def close(self) -> None:
        """Do nothing: the terminal is unchanged."""

"""The log of a performance: a session to read, and every decision to the sample beside it.

``FILE.py`` holds the cells that were typed, each with its moment. ``FILE.jsonl`` holds, a line
each, what it was played with, the textures as resolved data, the texts as they were written, and
the decisions that made the sound. Both are written line by line: a crash loses nothing.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from latentlive.engine.desk.decisions import Decision
from latentlive.engine.log.formats import Header
from latentlive.errors import EngineError
from latentlive.ground.claims import moved, numbered
from latentlive.protocol.clip import Source
from latentlive.protocol.wire import Message

CLOSED = {"do": "closed", "at": 0}
"""The line that ends a log."""


class Journal:
    """Writes a log in a thread of its own: a disk may stall, a texture may be long.

    Parameters
    ----------
    path : Path
        Ends in ``.py``; gets a number where one of its files is there already.
    header : Header
        What the performance is played with.
    say : function of a line

    Raises
    ------
    EngineError
        If it cannot be written.
    """

    def __init__(self, path: Path, header: Header, say: Callable[[str], object]) -> None:
        if path.suffix != ".py":
            raise EngineError(f"log: the file must end in .py, got {path.name!r}")
        self._say, self._known = say, set[str]()
        self._moment = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.path, self._text, self._lines = _fresh(path)
        except OSError as error:
            raise EngineError(f"log: cannot write {path}: {error.strerror}") from None
        if self.path != path:
            say(moved("log", path, self.path))
        self._broken = False
        self._queue: queue.SimpleQueue[Decision | Message | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()
        self._put(header.dump())

    def _write(self) -> None:
        """Write lines until the log is closed or the disk refuses them."""
        try:
            while (noted := self._queue.get()) is not None:
                if isinstance(noted, Decision):
                    self._line(noted.dump(self._keep))
                    continue
                self._line(noted)
                if "text" in noted:
                    self._text.write(noted["text"])
                    self._text.flush()
            self._text.close()
            self._lines.close()
        except (OSError, ValueError, RecursionError) as error:
            self._broken = True
            why = error.strerror if isinstance(error, OSError) else error
            self._say(f"log: cannot write {self.path}: {why}; it ends here")

    def _line(self, message: Message) -> None:
        self._lines.write(json.dumps(message, separators=(",", ":")) + "\n")
        self._lines.flush()

    def note(self, decision: Decision) -> None:
        """Queue a decision to be written."""
        self._put(decision)

    def _put(self, noted: Decision | Message) -> None:
        if not self._broken:
            self._queue.put(noted)

    def _keep(self, source: Source) -> str:
        """Return the digest of a texture; its first use writes its line."""
        key = source.digest
        if key not in self._known:
            self._known.add(key)
            self._line({"texture": key, **source.data})
        return key

    def cell(
        self, code: str, name: str, sample: int, beat: float, rate: int, failed: str = ""
    ) -> None:
        """Write a cell as typed, with the moment at which it lands, or the line that refused it."""
        self._moment = max(self._moment, sample)  # a session's moments rise
        minutes, seconds = divmod(self._moment / rate, 60.0)
        hours, minutes = divmod(int(minutes), 60)
        stamp = f"{hours:02d}:{minutes:02d}:{int(seconds * 1000) / 1000:06.3f}"
        place = json.dumps({"sample": self._moment, "beat": round(beat, 3)})
        heading = " ".join(part for part in ("# %%", stamp, name, place) if part)
        text = f"{heading}\n{code.rstrip()}\n\n"
        told = {"text": text, "failed": failed} if failed else {"text": text}
        self._put({key: _writable(one) for key, one in told.items()})

    def close(self, patience: float = 5.0, ended: bool = True) -> None:
        """End the log; wait so many seconds at most for a slow disk.

        Unless it has `ended` in good order, its layers can be resumed.
        """
        if ended:
            self._put(CLOSED)
        self._broken = True  # no more lines are taken
        self._queue.put(None)
        self._writer.join(patience)


def _writable(text: str) -> str:
    """Return a text that can be written: half a surrogate pair can be typed."""
    return text.encode(errors="backslashreplace").decode()


def _fresh(path: Path) -> tuple[Path, TextIO, TextIO]:
    """Create both files of a log, under the first number that is free for both."""
    for free in numbered(path):
        try:
            # Line endings are kept as typed.
            text = free.open("x", encoding="utf-8", newline="")
        except FileExistsError:
            continue
        try:
            lines = free.with_suffix(".jsonl").open("x", encoding="utf-8", newline="")
        except OSError as error:
            text.close()
            free.unlink()
            if not isinstance(error, FileExistsError):
                raise
        else:
            return free, text, lines
    raise AssertionError

"""A process that makes one thing beside a performance, and lets all other processes go before it.

What to make comes as a line of JSON on standard input; lines of JSON on standard output tell how
much is done, and what the performer is to read. It goes when its input ends.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from latentlive.corpus.frozen import forget_unfinished
from latentlive.errors import LatentliveError, printable
from latentlive.ground import threads
from latentlive.ground.system import give_way

Said = Callable[[int, int], object]
"""Told how much is done, and how much there is."""

Tell = Callable[[str], object]
"""Told a line for the performer."""


def serve(make: Callable[[dict[str, Any], Said, Tell], object]) -> None:
    """Make one thing; write one line to standard error if that fails."""
    give_way()
    given = sys.stdin.buffer.readline()
    threads.run(_end_with_input)
    out = os.fdopen(os.dup(1), "w")
    sys.stdout = sys.stderr  # a model may print

    def said(done: int, total: int) -> None:
        print(json.dumps({"done": done, "total": total}), file=out, flush=True)

    def tell(line: str) -> None:
        print(json.dumps({"line": line}), file=out, flush=True)

    try:
        make(json.loads(given), said, tell)
    except LatentliveError as error:
        sys.exit(printable(str(error)))
    except Exception as error:  # noqa: BLE001 - a model of somebody else's may raise anything
        sys.exit(printable(f"{type(error).__name__}: {error}"))


def _end_with_input() -> None:
    """End this process when nobody holds its input any more, and leave nothing half."""
    while os.read(0, 1024):  # no reader's lock is held when this process ends
        pass
    forget_unfinished(os.getpid())
    os._exit(1)

"""The guard: processes beside the engine watch it, and end one that hangs for good.

What it had rendered sounds on and fades out by itself; an engine that comes back in time goes on,
and one that waits for its turn on a busy machine, or that a debugger holds, is waited for.
One that does not could neither be played nor be stopped: its end is seen by every prompt, and
``latentlive resume`` brings its layers back.
"""

from __future__ import annotations

import threading
import time

from latentlive.engine.shared import CLOSING, TICKS, Shared
from latentlive.engine.timing import GUARD_EVERY, HOPELESS
from latentlive.ground import processes
from latentlive.ground.patience import Patience
from latentlive.ground.turns import Turns


class Guard:
    """Ends an engine whose loop stands still for too long.

    Parameters
    ----------
    shared : Shared
    engine : int
        Its process: who started this one.
    """

    def __init__(self, shared: Shared, engine: int) -> None:
        self._header, self._engine = shared.header, engine
        self._since = processes.started(engine)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        patience, seen = Patience(excused=Turns(self._engine).missed), 0
        while not self._header[CLOSING]:
            if (ticks := int(self._header[TICKS])) != seen or not ticks:
                seen = ticks
                patience.heard()
            elif patience.waited() > HOPELESS:
                processes.end(self._engine, self._since)
                return
            time.sleep(GUARD_EVERY)

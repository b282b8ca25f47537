"""Start an engine beside the prompt: typing need not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from latentlive.errors import EngineError, LatentliveError

if TYPE_CHECKING:
    from latentlive.client import Engine

PATIENCE = 6.0
"""Seconds that a typed line waits for the piece of an improviser to be heard."""

LEAVE = 4.0
"""Longest wait, in seconds, for a starting engine; an abandoned one ends by itself."""


def shown_state(engine: Engine) -> dict[str, Any]:
    """Return an engine's state, with the progress of sounds being frozen."""
    freezing = [one._asdict() | {"told": str(one)} for one in engine.freezing.progress]
    return {**engine.state, "freezing": freezing} if engine.state else engine.state


class Booting:
    """Starts an engine in a thread; `engine` waits for it.

    Parameters
    ----------
    start : function
        Returns the engine.
    say : function of a line
        Receives lines for the performer.
    failed : function of an error
        Called if no engine starts.
    begun : function of the engine
        Called once it runs.
    """

    def __init__(
        self,
        start: Callable[[], Engine],
        say: Callable[[str], object],
        failed: Callable[[LatentliveError], object],
        begun: Callable[[Engine], object] = lambda engine: None,
    ) -> None:
        self._start, self._say, self._failed, self._begun = start, say, failed, begun
        self._finished = threading.Event()
        self._told = False
        self.started: Engine | None = None
        self.error: LatentliveError | None = None
        threading.Thread(target=self._boot, name="booting", daemon=True).start()

    def _boot(self) -> None:
        try:
            self.started = engine = self._start()
            engine.patience = PATIENCE
            engine.corpus.prepare()
        except LatentliveError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - whatever it is, the prompt must not wait on
            self.error = EngineError(f"engine: it did not start: {error}")
        self._finished.set()
        if self.error is not None:
            self._failed(self.error)
        elif self.started is not None:
            self._begun(self.started)

    @property
    def ready(self) -> bool:
        """Whether `engine` returns at once."""
        return self._finished.is_set() and self.error is None

    @property
    def state(self) -> dict[str, Any]:
        """The engine's state, empty until there is one.

        ``ended`` holds the reason of the engine's end; ``hangs`` is set if it does not answer.
        """
        engine = self.started
        if engine is None:
            return {}
        if engine.ended:
            return {"ended": engine.why}
        state = shown_state(engine)
        return {**state, "hangs": True} if engine.hangs else state

    def engine(self) -> Engine:
        """Wait for the engine and return it; say so if it is not ready yet.

        Raises
        ------
        LatentliveError
            If it did not start.
        """
        if not self._finished.is_set() and not self._told:
            self._told = True
            self._say("the engine is starting: this line waits for it")
        while not self._finished.wait(0.05):
            pass  # short waits, so that Ctrl-C works on every system
        if self.error is not None:
            raise self.error
        assert self.started is not None
        return self.started

    def close(self) -> None:
        """Fade out and end the engine, even one that is still starting."""
        end = time.monotonic() + LEAVE
        while self.started is None and self.error is None and time.monotonic() < end:
            time.sleep(0.02)
        if self.started is not None:
            self.started.close()

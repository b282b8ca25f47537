"""An engine that starts beside the prompt: typing need not wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from latentlive.errors import EngineError, LatentliveError

if TYPE_CHECKING:
    from latentlive.client import Engine

LONG = 3.0
"""Seconds after which making the starter sounds is worth a line."""

LEAVE = 4.0
"""Seconds for which an engine that is still starting is waited for; left alone, it ends."""


def shown_state(engine: Engine) -> dict[str, Any]:
    """Return the state of an engine, and how far the sounds are that are frozen beside it."""
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
        Called if no engine comes.
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
            late = threading.Timer(LONG, self._say, ["making the starter sounds, once ..."])
            late.start()
            try:
                engine.corpus.prepare()
            finally:
                late.cancel()
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
        """Whether `engine` would answer at once."""
        return self._finished.is_set() and self.error is None

    @property
    def state(self) -> dict[str, Any]:
        """The engine's state, empty as long as there is none.

        ``ended`` says why the engine ended, ``hangs`` that it does not answer.
        """
        engine = self.started
        if engine is None:
            return {}
        if engine.ended:
            return {"ended": engine.why}
        state = shown_state(engine)
        return {**state, "hangs": True} if engine.hangs else state

    def engine(self) -> Engine:
        """Return the engine, once it runs; says so if that takes a while.

        Raises
        ------
        LatentliveError
            If it did not start.
        """
        if not self._finished.is_set() and not self._told:
            self._told = True
            self._say("the engine is starting: this line waits for it")
        while not self._finished.wait(0.05):
            pass  # in short waits, so that Ctrl-C is heard on every system
        if self.error is not None:
            raise self.error
        assert self.started is not None
        return self.started

    def close(self) -> None:
        """Fade out and end the engine, also one that is still starting."""
        end = time.monotonic() + LEAVE
        while self.started is None and self.error is None and time.monotonic() < end:
            time.sleep(0.02)
        if self.started is not None:
            self.started.close()

"""Play a session without a prompt, from its first cell to the silence after its last."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from latentlive.client import Engine
from latentlive.corpus import Audio
from latentlive.corpus.segmenting import By
from latentlive.errors import EngineError
from latentlive.ground.lines import print_aside
from latentlive.latent import Recorded, Sound, Texture, freezing_by
from latentlive.prompt.scope import Names, parsed, told_line
from latentlive.prompt.session import Cell, parse, reach_patterns, read_session
from latentlive.units import Floats, clock_text

EARLY = 3.0
"""Seconds by which a cell runs before its moment, to render in time."""

LOOK_EVERY = 0.1
"""Seconds between readings of the transport."""

START_PATIENCE = 10.0
"""Seconds beyond the requested length for the transport to start."""


class Recital:
    """Runs a session's cells, each in time for its moment.

    Parameters
    ----------
    engine : Engine
        Started with ``hold=True``.
    path : Path
        The session.
    tell : function of a line
        Receives the line about a faulty cell; the others still play.
    """

    def __init__(self, engine: Engine, path: Path, tell: Callable[[str], object]) -> None:
        self._engine, self._file, self._tell = engine, str(path), tell
        self._cells = parse(read_session(path))
        self._scenes = deque(cell for cell in self._cells if not cell.name.startswith("line "))
        self._scope = Names(lambda: engine)
        self._failed: set[int] = set()
        self._over = threading.Event()
        self.waits = False
        """Whether a cell waits for a sound to be frozen."""
        self.error: BaseException | None = None
        """The reason for an early end."""
        reach_patterns()

    def run(self) -> None:
        """Run all cells; return once the plan is empty and all is silent."""
        try:
            self._run()
        except BaseException as error:  # noqa: BLE001 - `play` raises it again
            self.error = error

    def stop(self) -> None:
        """Make `run` return after the running cell."""
        self._over.set()

    def scenes(self, seconds: float) -> Iterator[str]:
        """Yield moment and name of each cell newly heard by a second of the transport."""
        while self._scenes and (self._scenes[0].moment or 0.0) <= seconds:
            scene = self._scenes.popleft()
            if scene.line not in self._failed:
                yield f"{clock_text(scene.moment or 0.0)}  {scene.name}"

    def _run(self) -> None:
        self._engine.patient = self._wait
        first = [cell for cell in self._cells if (cell.moment or 0.0) <= EARLY]
        for cell in first:
            if self._gone():
                return
            self._play(cell)
        self._engine.start()
        for cell in self._cells[len(first) :]:
            while not self._gone() and self._seconds() < (cell.moment or 0.0) - EARLY:
                self._over.wait(LOOK_EVERY)
            if self._gone():
                return
            self._play(cell)
        while not self._gone():
            state = self._engine.state
            if state and state["running"] and state["silent"]:
                return
            self._over.wait(LOOK_EVERY)

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Render a texture into a sound, and wait for it: for ``.frozen()``."""
        sound = self._engine.freeze(texture, name, seconds)
        self._wait(name)
        return sound

    def recording(self, sound: Sound) -> tuple[Audio, int]:
        """Return a recording, and its samples a second."""
        return self._engine.recording(sound)

    def _wait(self, name: str) -> None:
        """Wait until something is frozen or measured."""
        self.waits = True
        try:
            self._engine.freezing.wait(name, self._gone)
        finally:
            self.waits = False

    def boundaries(self, sound: Recorded, by: By, shortest: float) -> Floats:
        """Return where the parts of a recording begin [seconds]: for ``.segments()``."""
        return self._engine.boundaries(sound, by, shortest)

    def _gone(self) -> bool:
        return self._over.is_set() or self._engine.ended

    def _seconds(self) -> float:
        state = self._engine.state
        return float(state["seconds"]) if state and state["running"] else -EARLY

    def _play(self, cell: Cell) -> None:
        """Run one cell; if it fails, it changes nothing, and the session goes on."""
        engine, scope, file = self._engine, self._scope, self._file
        at = None
        if cell.moment is not None:
            at = round(cell.moment * engine.welcome.sample_rate)
        try:
            code = compile(parsed(cell.code, file, cell.line, scope), file, "exec")
            with engine.cell(at, cell.code, cell.name), freezing_by(self):
                exec(code, scope)
                scope.mend()
        except BaseException as error:  # noqa: BLE001 - a performer's code may raise anything
            self._failed.add(cell.line)
            self._tell(f"{cell.name}: {told_line(error, file, scope=scope)}")


def play(
    engine: Engine,
    path: Path,
    seconds: float | None = None,
    show: Callable[[dict[str, Any]], object] = lambda state: None,
    say: Callable[[str], object] = print_aside,
    tell: Callable[[str], object] = print_aside,
) -> None:
    """Play a session to its end: until the plan is empty and all is silent.

    The cells run in a separate thread: none of them can hold up the end.

    Parameters
    ----------
    engine : Engine
        Started with ``hold=True``.
    path : Path
    seconds : float, optional [seconds of the transport]
        End there at the latest.
    show : function of the engine's state
        Called about ten times a second.
    say : function of a line
        Receives the names of cells as they sound.
    tell : function of a line
        Receives the line about a faulty cell.

    Raises
    ------
    LatentliveError
        If the session cannot be read, or does not start within `seconds` plus `START_PATIENCE`.
    """
    recital = Recital(engine, path, tell)
    thread = threading.Thread(target=recital.run, name="session", daemon=True)
    begun = time.monotonic()
    thread.start()
    try:
        while thread.is_alive() and not engine.ended:
            thread.join(LOOK_EVERY)
            state = engine.state
            show(state)
            running = bool(state and state["running"])
            for line in recital.scenes(state["seconds"]) if running else ():
                say(line)
            if seconds is None:
                continue
            if running:
                if state["seconds"] >= seconds:
                    break
            elif recital.waits:
                begun = time.monotonic()
            elif time.monotonic() - begun > seconds + START_PATIENCE:
                raise EngineError(f"play: it has not begun after {seconds + START_PATIENCE:g} s")
    finally:
        recital.stop()
        thread.join(LOOK_EVERY)
    if recital.error is not None and not engine.ended:
        raise recital.error

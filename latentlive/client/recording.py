"""The engine's words for what is written to files: the log, recordings, bounces."""

from __future__ import annotations

import os
import subprocess
import threading

from latentlive.client.connection import Connection
from latentlive.client.transaction import Transaction
from latentlive.errors import ExpressionError
from latentlive.ground.launch import ONE_THREAD, command
from latentlive.protocol.kinds import BEATS, PATH
from latentlive.protocol.requests import RecordTo, StopRecording


class Recording(Connection):
    """An engine, as files are written of it."""

    _cells: Transaction

    def bounce(self, start: float, stop: float, path: str | os.PathLike[str]) -> None:
        """Write the performance from one beat to another to a file, rendered in the background.

        Parameters
        ----------
        start, stop : float [beats, >= 0]
        path : path
            Ends in ``.wav`` or ``.flac``; gets a number if the file exists.

        Example
        -------
        ``bounce(0, 64, "intro.flac")``
        """
        first, last = (
            BEATS.coerce(value, f"bounce: {name}")
            for name, value in (("start", start), ("stop", stop))
        )
        self._cells.refuse_planned("bounce")
        file = _file(path, "bounce: path")
        beats = [f"{first:.6f}b", f"{last:.6f}b"]
        bounced = command("latentlive.engine.log.bounced", self.log, file, *beats)
        moment = self._cells.moment or 0

        def reached() -> bool:
            return self.ended or int(self.state.get("position", 0)) >= moment

        def run() -> None:
            self.wait_for(reached, threading.TIMEOUT_MAX)  # at once unless its cell has a moment
            done = subprocess.run(
                bounced, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
            )
            told = done.stderr if done.returncode else f"bounced to {done.stdout}"
            self._say((told.strip().splitlines() or ["bounce: it was ended"])[-1])

        threading.Thread(target=run, daemon=True).start()
        self._say(f"bouncing to {file}")

    @property
    def log(self) -> str:
        """The file of the performance's log."""
        return str(self.welcome.log)

    def record(
        self, path: str | os.PathLike[str], stems: str | os.PathLike[str] | None = None
    ) -> None:
        """Record the output to a ``.wav`` or ``.flac`` file from now on.

        Overwrites nothing: if the file exists, the new one gets a number, ``take-2.wav``. A
        recording under way ends when this one opens.

        Parameters
        ----------
        path : path
            The file is readable up to the last second at any moment, whatever is killed.
        stems : path, optional
            A folder for a ``.wav`` file of each layer, after its gain and the master and before
            the limiter; it gets a number if it holds sounds.

        Raises
        ------
        EngineError
            If the file cannot be written; a recording under way goes on.
        """
        folder = None if stems is None else _file(stems, "record: stems")
        file = _file(path, "record: path")
        self._cells.act(RecordTo(file, folder))

    def stop_recording(self) -> None:
        """End the recording, and name its file."""
        self._cells.act(StopRecording(), "stop_recording")


def _file(value: object, place: str) -> str:
    """Return a performer's path as an absolute one.

    Raises
    ------
    ExpressionError
        ``record: path must be a name in quotes, got 3``
    """
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    file = PATH.coerce(given, place)
    try:
        return os.path.abspath(file)
    except OSError:
        raise ExpressionError(
            f"{place}: the working folder is gone; write the whole path, got {file!r}"
        ) from None

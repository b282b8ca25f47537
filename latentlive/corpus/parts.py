"""The parts of recordings, found in processes of their own, once, and kept in the cache."""

from __future__ import annotations

import atexit
import contextlib
import json
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np

from latentlive.corpus.audio import Audio
from latentlive.corpus.thumbnails import NAMES
from latentlive.errors import SoundError, printable
from latentlive.ground import threads
from latentlive.ground.extras import lacking
from latentlive.ground.files import working_file, write_whole
from latentlive.ground.launch import command, launched
from latentlive.ground.system import apart
from latentlive.units import Floats

VERSION = 1
"""Raise it when parts or features change, to hear kept sounds anew."""

SPEED = 25.0
"""Seconds of sound heard in a second, on a slow machine: said before it is known."""

STARTING = 5.0
"""Seconds that the process needs to start."""

MOST = 1 << 16


class Listening:
    """A recording whose parts are being found.

    Parameters
    ----------
    path : Path
        Where they will be.
    digest : str
    rate : int [samples per second]
    seconds : float
        Of the recording.
    """

    def __init__(self, path: Path, digest: str, rate: int, seconds: float) -> None:
        self._path, self._begun = path, time.monotonic()
        self.seconds, self.done = seconds, 0.0
        self.parts: Floats | None = None
        self.error = ""
        self.over = threading.Event()
        listening = command("latentlive.corpus.listening", digest, str(rate))
        self.process = launched(listening, **apart())
        threads.run(self._follow)

    @property
    def left(self) -> float:
        """The estimated seconds until its parts are known."""
        passed = time.monotonic() - self._begun
        if self.done < 0.05:
            return max(STARTING + self.seconds / SPEED - passed, 1.0)
        return max(passed / self.done - passed, 1.0)

    def stop(self) -> None:
        """End the process."""
        self.process.kill()

    def _follow(self) -> None:
        try:
            with self.process as process:
                assert process.stdout is not None
                told: object = None
                for line in process.stdout:
                    told = json.loads(line)
                    if isinstance(told, float):
                        self.done = told
            self.parts = checked(told)
            if self.parts is None:
                self.error = told if isinstance(told, str) else "its process was ended"
            else:
                with contextlib.suppress(OSError):  # found anew next time
                    write_whole(self._path, partial(np.save, arr=self.parts))
        except (OSError, ValueError) as error:
            self.error = printable(str(error))
        finally:
            self.over.set()


_running: dict[Path, Listening] = {}
_turn = threading.Lock()


def parts_of(audio: Audio, rate: int, word: str, patience: float | None = None) -> Floats:
    """Return the parts of a decoded sound of the cache [shape=(n, 2 + 35)]: see `listening.heard`.

    Parameters
    ----------
    audio : Audio
    rate : int [samples per second]
    word : str
        Who asks, for messages.
    patience : float, optional [seconds]
        How long to wait; None waits for any time.

    Raises
    ------
    SoundError
        ``improvise: its piece is being heard (12%, about 40 s left); give the line again then``
    """
    try:
        path = working_file(f"{audio.digest}-{rate}-{VERSION}.npy", "parts")
    except OSError as error:
        raise SoundError(f"{word}: the cache takes no files: {error.strerror}") from None
    known = _read(path)
    if known is not None:
        return known
    if line := lacking(word, "corpus", "librosa"):
        raise SoundError(line)
    with _turn:
        running = _running.get(path)
        if running is None:
            seconds = len(audio.samples) / rate
            try:
                running = _running[path] = Listening(path, audio.digest, rate, seconds)
            except OSError as error:
                raise SoundError(f"{word}: no process can be started: {error.strerror}") from None
    if not running.over.wait(patience):
        raise SoundError(
            f"{word}: its piece is being heard ({running.done:.0%}, about {running.left:.0f} s "
            "left); give the line again then"
        )
    with _turn:
        _running.pop(path, None)
    if running.parts is None:
        raise SoundError(f"{word}: the piece cannot be heard: {running.error}")
    return running.parts


@atexit.register
def _stop() -> None:
    for one in list(_running.values()):
        one.stop()


def checked(found: object) -> Floats | None:
    """Return parts if they are what `listening.heard` returns, else None."""
    try:
        parts = np.array(found, np.float64)
    except (ValueError, TypeError):
        return None
    if parts.ndim != 2 or parts.shape[1] != 2 + len(NAMES) or not 0 < len(parts) <= MOST:
        return None
    starts, stops = parts[:, 0], parts[:, 1]
    sound = np.isfinite(parts).all() and starts[0] >= 0.0 and (stops > starts).all()
    return parts if sound and (starts[1:] >= stops[:-1] - 1e-9).all() else None


def _read(path: Path) -> Floats | None:
    try:
        return checked(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError):
        return None

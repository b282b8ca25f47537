"""A bounce at a loudness that was asked for: measured as it is written, then scaled."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from latentlive.corpus.takes import open_take
from latentlive.limiter import CEILING, REACH, between
from latentlive.loudness import Meter
from latentlive.units import Samples, from_db

BLOCK = 1 << 16
"""Samples that are scaled at a time."""


class Levels:
    """Loudness and true peak of a mix.

    Parameters
    ----------
    rate : int [samples a second]
    channels : int
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._meter = Meter(rate, channels)
        self._last = np.zeros((2 * REACH, channels), np.float32)
        self._peak = 0.0

    def take(self, mixed: Samples) -> None:
        """Take what comes next [shape=(n, channels)]."""
        self._meter.take(mixed)
        near = np.concatenate([self._last, mixed])
        highest = float(np.abs(mixed).max(initial=0.0))
        self._peak = max(self._peak, highest, float(between(near).max(initial=0.0)))
        self._last = near[-2 * REACH :]

    def gain_to(self, loudness: float, say: Callable[[str], object]) -> float:
        """Return the gain [dB] that brings all to a loudness [LUFS], or as near as peaks allow."""
        if not math.isfinite(self._meter.integrated):
            say("bounce: nothing is loud enough to be measured; it stays as it is")
            return 0.0
        gain = loudness - self._meter.integrated
        room = 20.0 * math.log10(float(CEILING) / max(self._peak, 1e-9))
        if gain > room + 0.05:
            say(
                f"bounce: its peaks reach the ceiling at {self._meter.integrated + room:.1f} LUFS, "
                f"so it is no louder than that; {loudness:g} LUFS were asked for"
            )
        return min(gain, room)


def rescale(path: Path, gain: float, kind: str) -> None:
    """Write a file anew with a gain [dB], as another kind of file if need be.

    Raises
    ------
    OSError, EngineError
        If it cannot be written; the file is as it was then.
    """
    beside = path.with_name(f".{path.stem}.scaled{kind}")
    try:
        with soundfile.SoundFile(path) as given:
            take = open_take(beside, given.samplerate, given.channels, "bounce")
            with contextlib.closing(take):
                while len(block := given.read(BLOCK, dtype="float32", always_2d=True)):
                    take.write(block * np.float32(from_db(gain)))
        beside.replace(path.with_suffix(kind))
        if path.suffix != kind:
            path.unlink()
    finally:
        beside.unlink(missing_ok=True)

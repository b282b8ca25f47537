"""Comb and echo: a sound and its repeats, from a delay line with feedback."""

from __future__ import annotations

import numpy as np

from latentlive.effects.block import F32, F64, Setting
from latentlive.effects.declared import INDEX, LONGEST_ECHO
from latentlive.effects.lines import Line, Tap


class _Delayed:
    """What comb and echo have in common: what goes into the line, and how it is mixed in."""

    name = ""
    held = 0.0
    """Seconds that the line holds at least."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._on, self._back, self._mix = (
            INDEX[f"{self.name}.{p}"] for p in ("on", "feedback", "mix")
        )
        self._line, self._tap = Line(round(self.held * rate)), Tap()
        self.idle = True

    def reset(self) -> None:
        """Forget all that was heard."""
        self._line.reset()
        self._tap = Tap()
        self.idle = True

    def process(self, x: F64 | None, setting: Setting) -> F64 | None:
        """Return what comes out of a block [shape=(2, 1024)]; None is silence."""
        off = setting.off(self._on)
        if self._line.quiet and (off or x is None):
            if not self.idle:
                self.reset()
            return x
        self.idle = False
        on = setting.samples(self._on)
        given = None if off or x is None else (x * on).astype(np.float32)
        wet = self._wet(given, setting)
        y = wet * setting.samples(self._mix)
        if x is not None:
            y += x * (1.0 - on * setting.samples(self._mix))
        return y

    def _wet(self, given: F32 | None, setting: Setting) -> F64:
        raise NotImplementedError


class Comb(_Delayed):
    """Resonance at a pitch and its multiples; at any feedback noise keeps its level."""

    name = "comb"
    held = 0.05

    def _wet(self, given: F32 | None, setting: Setting) -> F64:
        reading = self._tap.plan(self._rate / setting.points(INDEX["comb.hz"]))
        back = setting.samples(self._back)
        round_ = self._line.feed(given, reading, back)
        return np.multiply(round_, np.sqrt(1.0 - np.square(back)), dtype=np.float64)


class Echo(_Delayed):
    """Repeats, each as much softer as the feedback says."""

    name = "echo"
    held = 5.0

    def _wet(self, given: F32 | None, setting: Setting) -> F64:
        most = float(LONGEST_ECHO * self._rate)
        reading = self._tap.plan(np.minimum(setting.points(INDEX["echo.samples"]), most))
        self._line.feed(given, reading, setting.samples(self._back))
        return self._line.read(reading).astype(np.float64)

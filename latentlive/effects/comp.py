"""Comp: a feed-forward compressor that listens to both sides, or to another sound.

After Giannoulis, Massberg and Reiss, "Digital Dynamic Range Compressor Design", JAES 60(6), 2012:
level in decibels, gain computer with a soft knee, then smoothing in decibels with attack and
release, so that times hold at any level. Levels are peaks of pieces of 16 samples, held for 10 ms,
so that the gain does not follow the wave of a bass; the gain is linear from piece to piece.
"""

from __future__ import annotations

import math

import numpy as np

from latentlive.effects.block import BLOCK, F64, Setting
from latentlive.effects.declared import INDEX
from latentlive.mixer import GRID

PIECE = 16
"""Samples for which one level is measured."""

KNEE = 6.0
"""Decibels over which compression sets in."""

HELD = 0.01
"""Seconds for which a peak counts."""

SOFTEST = 1e-6
"""Level below which all is the same: -120 dB."""

_PIECES = BLOCK // PIECE
_RISE = np.arange(1, PIECE + 1) / PIECE
_PART = np.arange(PIECE, GRID + 1, PIECE) / GRID
_NONE = 1e-9


def reduction(level_db: F64, threshold: F64 | float, ratio: F64 | float) -> F64:
    """Return by how many decibels a level is turned down once the gain has settled.

    >>> reduction(np.array([-40.0, -18.0, -6.0]), -18.0, 4.0).tolist()
    [0.0, 0.5625, 9.0]
    """
    over = np.asarray(level_db) - threshold
    inside = np.clip(over + KNEE / 2, 0.0, KNEE)
    # A parabola in the knee, then a straight line.
    least = inside * inside / (2.0 * KNEE)
    found: F64 = (1.0 - 1.0 / ratio) * (least + np.maximum(over - KNEE / 2, 0.0))
    return found


def _running_max(values: F64, width: int) -> F64:
    """Return the greatest of each `width` values in a row [shape=(n - width + 1,)]."""
    done = 1
    while 2 * done <= width:
        values = np.maximum(values[:-done], values[done:])
        done *= 2
    left = width - done
    return np.maximum(values[:-left], values[left:]) if left else values


class Comp:
    """The compressor of one chain, with its state."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._on = INDEX["comp.on"]
        self._hold = max(round(HELD * rate / PIECE), 1)
        self.idle = True
        self.reset()

    def reset(self) -> None:
        """Forget all that was heard."""
        self._peaks = np.zeros(self._hold - 1)
        self._down, self._gain = 0.0, math.nan
        self.idle = True

    def process(self, x: F64 | None, setting: Setting, key: F64 | None = None) -> F64 | None:
        """Return what comes out of a block [shape=(2, 1024)]; None is silence.

        Parameters
        ----------
        key : array [shape=(2, 1024)] or None
            What it listens to instead.
        """
        heard = x if key is None else key
        if setting.off(self._on):
            if not self.idle:
                self.reset()
            return x
        if x is None and heard is None and self._down == 0.0 and not self._peaks.any():
            self.reset()
            return x
        self.idle = False
        gains = self._gains(heard, setting)
        if x is None:
            return None
        on = setting.steady(self._on)
        steps = np.multiply.outer(gains[1:] - gains[:-1], _RISE)
        steps += gains[:-1, None]
        gain = steps.reshape(BLOCK)
        if on != 1.0:
            gain = 1.0 + setting.samples(self._on) * (gain - 1.0)
        y: F64 = x * gain
        return y

    def _gains(self, heard: F64 | None, setting: Setting) -> F64:
        """Return the gain at the edges of the block's pieces [shape=(65,)]."""
        threshold = self._at_pieces(setting, "comp.threshold")
        ratio = self._at_pieces(setting, "comp.ratio")
        if heard is None:
            peaks = np.zeros(_PIECES)
        else:
            loud = np.abs(heard)
            peaks = np.maximum(loud[0], loud[1]).reshape(_PIECES, PIECE).max(axis=1)
        held = np.concatenate([self._peaks, peaks])
        self._peaks = held[_PIECES:].copy()
        levels = _running_max(held, self._hold)
        wanted = reduction(20.0 * np.log10(np.maximum(levels, SOFTEST)), threshold, ratio)
        down = self._smoothed(wanted, setting)
        gains = np.empty(_PIECES + 1)
        makeup = self._at_pieces(setting, "comp.makeup")
        gains[1:] = 10.0 ** ((makeup - down) / 20.0)
        if math.isnan(self._gain):
            self._gain = 10.0 ** (float(setting.points(INDEX["comp.makeup"])[0]) / 20.0)
        gains[0] = self._gain
        self._gain = float(gains[-1])
        return gains

    def _smoothed(self, wanted: F64, setting: Setting) -> F64:
        """Return the reduction after attack and release [shape=(64,), dB]."""
        down = self._down
        if down == 0.0 and not wanted.any():
            return wanted
        rises, falls = self._shares(setting, "comp.attack"), self._shares(setting, "comp.release")
        smoothed: list[float] = []
        for goal, rise, fall in zip(wanted.tolist(), rises, falls, strict=True):
            down += (goal - down) * (rise if goal > down else fall)
            smoothed.append(down)
        self._down = down if down > _NONE else 0.0
        return np.array(smoothed)

    def _shares(self, setting: Setting, name: str) -> list[float]:
        """Return the part of the way that each piece goes, from a row of seconds."""
        seconds = setting.steady(INDEX[name])
        if seconds is not None:
            return [-math.expm1(-PIECE / (self._rate * seconds))] * _PIECES
        moving = self._at_pieces(setting, name)
        shares: list[float] = (-np.expm1(-PIECE / (self._rate * moving))).tolist()
        return shares

    @staticmethod
    def _at_pieces(setting: Setting, name: str) -> F64 | float:
        """Return a row's values where pieces end [shape=(64,)], or the one that it has."""
        steady = setting.steady(INDEX[name])
        if steady is not None:
            return steady
        points = setting.points(INDEX[name])
        return (points[:-1, None] + (points[1:] - points[:-1])[:, None] * _PART).reshape(-1)

"""Strokes: a texture that begins anew on the steps of a pattern."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.curves import Curve, CurveLike, Lag, Live, Num, Time, as_curve, hashed
from latentlive.curves.chance import uniform
from latentlive.errors import ExpressionError
from latentlive.expr import Beats, Number, child, declared, number, operator
from latentlive.latent.base import Latent
from latentlive.latent.elapsed import layer_beats
from latentlive.latent.patterns import LONGEST, LOUDEST, PatternLike, as_pattern, as_strokes
from latentlive.latent.query import GRAIN, Latents, Length, Query, Scope
from latentlive.latent.sources import as_latent
from latentlive.latent.striking import TIE, Struck, Table, counted
from latentlive.units import Floats

Rows = NDArray[np.int64]

LONGEST_TAIL = 4.0
"""Most seconds of a tail."""

LATE = 0.25
"""Seconds before a step at which live curves decide on it: windows that begin before a stroke
hold its attack, and must know of it."""

BLOCK = 1024
"""Steps that are drawn at a time."""

STEP = Beats(above=0.0, least=1 / 1024)
START = Number("seconds", least=0.0, most=1e9)


def _hits(
    self: Latent,
    pattern: PatternLike | Curve,
    step: float = 0.25,
    swing: float = 0.0,
    probability: CurveLike = 1.0,
    at: float = 0.0,
    tail: float = 0.02,
) -> Latent:
    begin: float = START.coerce(at, "hits: at")
    return Hits(self, pattern, step, swing, probability, begin, tail)


@operator(form="method", make=_hits)
class Hits(Latent):
    """Strike it: begin it anew on the steps of a pattern, for ever.

    A stroke rings until it ends, is damped, or the next one begins. Curves before ``.hits`` are
    read when a stroke begins, and hold for it (``seq`` gives each its note, ``fit`` an envelope);
    live ones are heard at any time, and so are all that follow ``.hits``.

    Parameters
    ----------
    pattern : str, list of float, pattern or curve
        Marks, one a step: ``x`` a stroke, ``X`` an accent (6 dB louder), ``.`` or ``-`` nothing
        new, ``~`` damps what rings. Or the amplitude of each step, 0 to 2: 1 as recorded,
        0.5 is 6 dB softer, 0 nothing new. Or ``euclid(3, 8)``. Or a curve, whose amplitude each
        step reads.
    step : float [beats, >= 1/1024]
    swing : float [steps, 0 to below 1]
        How much later every second step comes: 1/3 is a shuffle in triplets.
    probability : curve or number [0 to 1]
        The chance of each stroke, read at its step; live curves a quarter of a second before.
    at : float [seconds, >= 0]
        Where each stroke begins inside the sound.
    tail : float [seconds, 0 to 4]
        Over which a stroke fades when the next begins, or when it is damped.

    Returns
    -------
    Latent
        Endless. Onsets fall on the sample in spaces of windows, such as ``rawaudiovae``, and
        within 4 ms in ``spectral`` and ``spectralvae``.

    Raises
    ------
    ExpressionError
        ``hits: at must be before the end at 2.00 seconds, got 3``

    Example
    -------
    >>> sound("xylo-c6").hits("x..x.x..", step=1 / 4)
    sound('xylo-c6').hits('x..x.x..')
    """

    of: Latent = child(as_latent)
    pattern: PatternLike | Curve = child(as_strokes)
    step: float = declared(STEP, default=0.25)
    swing: float = number("steps", default=0.0, least=0.0, most=0.999)
    probability: CurveLike = child(as_curve, default=1.0)
    start: float = number("seconds", default=0.0, typed="at", least=0.0, most=1e9)
    tail: float = number("seconds", default=0.02, least=0.0, most=LONGEST_TAIL)

    @property
    def loudest(self) -> float:
        """The most amplitude of a stroke."""
        if isinstance(self.pattern, Curve):
            return LOUDEST
        return max(float(as_pattern(self.pattern).table.max()), 0.0)

    @property
    def longest(self) -> int:
        """The most steps from one stroke to the next that are looked at."""
        if self.probability == Num(1) and not isinstance(self.pattern, Curve):
            return len(as_pattern(self.pattern).table)
        return LONGEST

    def length(self, scope: Scope) -> Length:
        self.rings(scope)
        return np.inf

    def rings(self, scope: Scope) -> Length:
        """Return how long a stroke rings by itself [frames]."""
        whole = scope.length(self.of)
        if not isinstance(whole, Fraction):
            return whole
        left = whole - scope.world.frames(self.start)
        if left <= 0:
            seconds = float(whole / scope.world.frames(1.0))
            raise ExpressionError(
                f"hits: at must be before the end at {seconds:.2f} seconds, got {self.start:g}"
            )
        return left

    def at(self, query: Query) -> Latents:
        if query.clock is None or not self.clocked:
            return Struck(self, query).latents()
        # A live curve is heard at a moment of the layer's clock: one table for positions whose
        # beats run with it alike.
        beats = query.clock.tempo.beats(query.clock.samples) / layer_beats(query)
        apart, group = np.unique(np.rint((beats - counted(query)) * GRAIN), return_inverse=True)
        shape = (len(query.frames), query.world.dims)
        mean, std = np.empty(shape, np.float32), np.empty(shape, np.float32)
        for i in range(len(apart)):
            here = group == i
            mean[here], std[here] = Struck(self, query.only(here)).latents()
        return Latents(mean, std)

    @property
    def clocked(self) -> bool:
        """Whether a curve of the pattern is read at moments of the layer's clock."""
        curves = [node for node in (self.pattern, self.probability) if isinstance(node, Curve)]
        return any(isinstance(node, Live | Lag) for curve in curves for node in curve.walk())

    def table(self, query: Query, low: float, high: float) -> Table:
        """Return the strokes on the steps from a beat to another."""
        first, last = max(int(low // self.step), 0), int(high // self.step) + 1
        steps = np.arange(first, max(last, first), dtype=np.int64)
        beats = self.beats(steps)
        if self.clocked:
            gains = self.gains(steps, self._time(query, beats))
        else:
            blocks = range(first // BLOCK, (max(last, first + 1) - 1) // BLOCK + 1)
            drawn = [_block(self, query.seed, query.own, block) for block in blocks]
            gains = np.concatenate(drawn)[first - blocks[0] * BLOCK :][: len(steps)]
        struck, damped = gains > 0.0, beats[gains < 0.0]
        ends = np.concatenate([damped, [np.inf]])[np.searchsorted(damped, beats[struck])]
        return Table(steps[struck], beats[struck], gains[struck], ends)

    def beats(self, steps: Rows) -> Floats:
        """Return the beats of steps."""
        return (steps + self.swing * (steps % 2)) * self.step

    def gains(self, steps: Rows, time: Time) -> Floats:
        """Return what falls on steps: an amplitude, 0 for nothing, below 0 to damp.

        Parameters
        ----------
        steps : array [shape=(n,)]
        time : Time
            When each of them is.
        """
        if isinstance(self.pattern, Curve):
            gains = np.clip(time.value(self.pattern), 0.0, LOUDEST)
        else:
            marks = as_pattern(self.pattern).table
            gains = marks[steps % len(marks)]
        key = hashed("hits", self.digest if time.own is None else "", time.seed, time.own)
        drawn = uniform(key, steps.astype(np.float64)) < time.value(self.probability)
        return np.where(drawn | (gains < 0.0), gains, 0.0)

    def _time(self, query: Query, beats: Floats) -> Time:
        """Return the time at which curves are read on some steps."""
        clock = query.clock
        if clock is not None:
            tempo, ago = clock.tempo, (counted(query)[0] - beats) * layer_beats(query)
            then = tempo.samples(tempo.beats(clock.samples[0]) - ago)
            then = np.floor(then + 0.5 + TIE)  # the same from every position
            clock = replace(clock, samples=then - LATE * tempo.sample_rate)
        return Time(beats + 1.0 / GRAIN, None, query.seed, query.own, clock)


@lru_cache(maxsize=256)
def _block(node: Hits, seed: int, own: int | None, number: int) -> Floats:
    """Return what falls on the steps of a block: the same in every query."""
    steps = np.arange(number * BLOCK, (number + 1) * BLOCK, dtype=np.int64)
    # Just after each step, so that a curve that steps has stepped too.
    gains = node.gains(steps, Time(node.beats(steps) + 1.0 / GRAIN, None, seed, own))
    gains.flags.writeable = False
    return gains

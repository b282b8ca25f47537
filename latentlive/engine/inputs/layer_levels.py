"""The levels of layers, which other layers follow: measured where they are heard."""

from __future__ import annotations

from collections.abc import Callable, Set

import numpy as np

from latentlive.curves import Gauge, gauge_of
from latentlive.engine.desk.desk import Desk
from latentlive.engine.inputs.arrivals import Arrivals
from latentlive.engine.inputs.meters import Meter, Peaks, level
from latentlive.engine.output.ringmix import mix_rings
from latentlive.mixer import GRID
from latentlive.units import Floats

KIND = "layers"

MOST_GAUGES = 16
"""Levels of layers that are measured."""

LONGEST = 1 << 13
"""Samples that are measured at a time; what lies before them was missed."""


class LayerLevels:
    """Measures layers with their gains, as time goes on.

    Parameters
    ----------
    desk : Desk
    arrivals : Arrivals
        Takes the values, as those of a controller.
    say : function of a line
        Told what a performer should know.
    """

    def __init__(self, desk: Desk, arrivals: Arrivals, say: Callable[[str], object]) -> None:
        self._desk, self._arrivals, self._say = desk, arrivals, say
        self._rate = desk.tempo.sample_rate
        self._known: frozenset[str] = frozenset()
        self._gauges: dict[str, list[Gauge]] = {}
        self._peaks: dict[str, Peaks] = {}
        self._meters: dict[str, Meter] = {}
        self._step = 0

    def want(self, asked: Set[str]) -> None:
        """Measure what curves follow: ``layers level:d2`` and so on."""
        for one in sorted(asked - self._known):
            kind, _, source = one.partition(" ")
            if kind == KIND:
                self._measure(gauge_of(source))
        self._known |= asked

    def _measure(self, gauge: Gauge) -> None:
        if len(self._meters) >= MOST_GAUGES:
            self._say(
                f"level: at most {MOST_GAUGES} levels of layers are measured; "
                f"level({gauge.channel}) stays where it is"
            )
            return
        self._gauges.setdefault(gauge.channel, []).append(gauge)
        self._peaks.setdefault(gauge.channel, Peaks(self._rate))
        self._meters[gauge.source] = Meter(gauge.attack, gauge.release, self._rate)

    def advance(self, now: int) -> None:
        """Measure up to what is heard at a moment [nanoseconds of time.monotonic_ns]."""
        desk = self._desk
        if not self._gauges or not desk.running:
            return
        # The position moves in bursts. What lies a little beyond it is final, and heard next.
        until = min(round(self._arrivals.pace.sample(now)), desk.position + desk.lead // 2) // GRID
        begun, self._step = max(self._step, until - LONGEST // GRID), max(until, self._step)
        if self._step <= begun:
            return
        for layer, gauges in self._gauges.items():
            levels = level(self._peaks[layer].take(self._heard(layer, begun, self._step)))
            for gauge in gauges:
                rows = [
                    (gauge.source, value, now, f"layer {layer}")
                    for _, value in self._meters[gauge.source].take(levels)
                ]
                self._arrivals.take(rows[-1:])

    def _heard(self, layer: str, first: int, last: int) -> Floats:
        """Return the louder side of what a layer is from one step of the grid to another."""
        rings = [
            ring
            for voice in self._desk.voices.values()
            if voice.sounding and voice.layer == layer
            for ring in voice.rings
        ]
        strips = (strip for strip in self._desk.strips if strip.layer == layer)
        rings += [ring for strip in strips for ring in strip.rings]
        if not rings:
            return np.zeros((last - first) * GRID)
        mixed = mix_rings(self._desk.shared, np.array(rings, np.int64), first, last)[0]
        louder: Floats = np.abs(mixed).max(axis=1)
        return louder

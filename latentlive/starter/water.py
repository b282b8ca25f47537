"""Rain, hail, streams and the sea.

Bubbles and drops as damped sines whose pitch rises (Minnaert 1933; van den Doel 2005) over
shaped noise; waves as noise whose band opens as they break.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import crowd, ping, scatter, tap
from .tools import (
    Signal,
    Voice,
    at_times,
    clock,
    highpass,
    lowpass,
    moving,
    pad,
    resonate,
    room,
    swell,
    tilt,
    wander,
    white,
)

Peaks = tuple[tuple[float, float, float], ...]
TIN: Peaks = ((780.0, 14.0, 2.0), (1430.0, 16.0, 2.2), (2310.0, 18.0, 2.0), (3650.0, 18.0, 1.6))
CAVE: Peaks = ((420.0, 4.0, 0.6), (950.0, 4.0, 0.6))


def drops(
    rng: np.random.Generator,
    *,
    seconds: float,
    per_second: float,
    low: float,
    high: float,
    t60: float,
    rise: float = 0.2,
    bed: float = 0.4,
    bed_slope: float = -1.5,
    bed_low: float = 400.0,
    splash: float = 0.3,
    heavy: float = 1.3,
    surface: Peaks = (),
    wet: float = 0.12,
    tail: float = 0.6,
    attack: float = 0.3,
    gusts: float = 0.2,
) -> Signal:
    """Let drops fall. Each is a bubble between `low` and `high` Hz with a `splash` of noise.

    `bed` is the far rain, too dense to hear drop by drop; `surface` what the near drops land
    on; `gusts` how far the density breathes, 0 to 1.
    """
    density = per_second * np.clip(1.0 + gusts * 1.5 * wander(rng, seconds, 1.3), 0.1, None)
    times = crowd(rng, seconds, density)
    grains = []
    for hz in np.exp(rng.uniform(np.log(low), np.log(high), 32)):
        grain = ping(float(hz), t60 * float(rng.uniform(0.5, 1.5)) * (low / float(hz)) ** 0.4, rise)
        burst = tap(rng, 0.012, 0.006, float(hz), min(float(hz) * 4.0, 16000.0))
        grain = pad(grain, max(grain.size, burst.size) / 44100.0)
        grain[: burst.size] += splash * burst
        grains.append(grain)
    x = scatter(rng, seconds, times, grains, rng.exponential(0.7, times.size) ** heavy)
    if surface:
        x = resonate(x, surface, 0.4)
    x /= np.std(x)
    if bed:
        far = highpass(tilt(white(rng, seconds), bed_slope), bed_low)
        x += bed * far / np.std(far) * (1.0 + gusts * wander(rng, seconds, 1.1))
    return room(rng, x * swell(seconds, attack, 0.6), wet, tail, 7000.0)


def sea(
    rng: np.random.Generator,
    *,
    seconds: float,
    waves: tuple[tuple[float, float], ...],
    dull: float,
    foam: float,
    deep: float = 0.3,
) -> Signal:
    """Break waves at (time, size): a dark rush, a bright crash, then foam hissing away."""
    t = clock(seconds)
    rush, crash = np.full(t.size, 0.06), np.full(t.size, 0.02)
    for when, size in waves:
        before = np.clip((t - when + 1.6) / 1.6, 0.0, 1.0) ** 3
        after = np.maximum(t - when, 0.0)
        rush += size * before * np.exp(-after / 0.7)
        crash += size * np.clip((t - when + 0.25) / 0.35, 0.0, 1.0) ** 2 * np.exp(-after / 0.9)

    def mask(at: Signal, hz: Signal) -> Signal:
        low = at_times(at, rush) / (1.0 + (hz / dull) ** 2) * 3.0
        high = at_times(at, crash) * (hz / 3000.0) / (1.0 + (hz / 6000.0) ** 2) ** 1.5
        return low + foam * high

    x = moving(tilt(white(rng, seconds), -2.0), mask)
    fizz = crowd(rng, seconds, 900.0 * np.minimum(crash, 1.5))
    grains = [ping(float(hz), 0.008, 0.3) for hz in rng.uniform(2500.0, 9000.0, 24)]
    spray = scatter(rng, seconds, fizz, grains, rng.exponential(0.5, fizz.size))
    x = x / np.std(x) + 0.3 * foam * spray
    x += deep * 3.0 * lowpass(white(rng, seconds), 90.0) * rush
    return highpass(x, 35.0) * swell(seconds, 0.5, 0.9)


SOUNDS: dict[str, Voice] = {
    "rain": partial(
        drops, seconds=5.0, per_second=420.0, low=1200.0, high=7000.0, t60=0.012, bed=0.8
    ),
    "downpour": partial(
        drops,
        seconds=5.0,
        per_second=1600.0,
        low=700.0,
        high=6000.0,
        t60=0.01,
        bed=1.6,
        bed_slope=-2.5,
        bed_low=120.0,
    ),
    "drizzle": partial(
        drops,
        seconds=4.0,
        per_second=160.0,
        low=3500.0,
        high=11000.0,
        t60=0.006,
        bed=0.5,
        bed_slope=1.5,
    ),
    "rain-roof": partial(
        drops,
        seconds=4.5,
        per_second=180.0,
        low=500.0,
        high=4500.0,
        t60=0.02,
        surface=TIN,
        bed=0.3,
        splash=1.2,
    ),
    "hail": partial(
        drops,
        seconds=3.4,
        per_second=110.0,
        low=1800.0,
        high=8000.0,
        t60=0.02,
        rise=0.0,
        splash=2.5,
        bed=0.15,
        surface=TIN[1:],
    ),
    "stream": partial(
        drops,
        seconds=5.0,
        per_second=130.0,
        low=350.0,
        high=2800.0,
        t60=0.07,
        rise=0.5,
        bed=0.25,
        bed_slope=-3.0,
        splash=0.05,
    ),
    "bubbles": partial(
        drops,
        seconds=3.4,
        per_second=22.0,
        low=260.0,
        high=1300.0,
        t60=0.11,
        rise=0.9,
        bed=0.0,
        splash=0.0,
        heavy=0.8,
        gusts=0.8,
    ),
    "drip": partial(
        drops,
        seconds=4.5,
        per_second=4.0,
        low=600.0,
        high=1900.0,
        t60=0.12,
        rise=0.6,
        bed=0.0,
        heavy=0.4,
        surface=CAVE,
        wet=0.6,
        tail=2.2,
        gusts=0.0,
        attack=0.01,
    ),
    "mud-pool": partial(
        drops,
        seconds=4.0,
        per_second=9.0,
        low=70.0,
        high=280.0,
        t60=0.22,
        rise=1.2,
        bed=0.08,
        bed_slope=-5.0,
        splash=0.15,
        heavy=0.6,
    ),
    "leaves": partial(
        drops,
        seconds=4.0,
        per_second=700.0,
        low=2500.0,
        high=9000.0,
        t60=0.005,
        rise=0.0,
        splash=2.0,
        bed=0.25,
        bed_slope=0.0,
        gusts=1.0,
        attack=0.8,
    ),
    "sea": partial(sea, seconds=6.0, waves=((2.2, 1.0), (4.6, 0.7)), dull=500.0, foam=0.8),
    "surf": partial(sea, seconds=5.0, waves=((1.3, 1.2),), dull=900.0, foam=2.2, deep=0.6),
    "billow": partial(sea, seconds=6.0, waves=((3.2, 1.0),), dull=220.0, foam=0.08, deep=0.8),
}

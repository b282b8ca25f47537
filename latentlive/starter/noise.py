"""Hiss, dust, shakers and swarms: noise given a colour, a motion or a grain.

Spectrally shaped noise (Serra & Smith 1990) and the particle model of shakers (Cook 1997).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import crowd, cycle, ladder, ping, scatter, tap, turns
from .tools import (
    Signal,
    Voice,
    at_times,
    clock,
    convolve,
    fall,
    highpass,
    lowpass,
    moving,
    points,
    resonate,
    room,
    samples,
    swell,
    tilt,
    wander,
    white,
)


def colour(
    rng: np.random.Generator,
    *,
    seconds: float,
    slope: float,
    attack: float = 0.3,
    release: float = 0.6,
    low: float = 25.0,
    high: float = 18000.0,
    flutter: float = 0.1,
    flicker: float = 3.0,
) -> Signal:
    """Hold a noise leaning by `slope` dB an octave between `low` and `high` Hz.

    `flutter` is how far its loudness wanders, 0 to 1, `flicker` how often a second.
    """
    x = highpass(lowpass(tilt(white(rng, seconds), slope), high), low)
    x *= 1.0 + flutter * wander(rng, seconds, flicker)
    return x * swell(seconds, attack, release)


def sweep(
    rng: np.random.Generator,
    *,
    seconds: float,
    path: tuple[float, ...],
    narrow: float,
    attack: float = 0.3,
    release: float = 0.4,
    comb: float = 0.0,
) -> Signal:
    """Move a band of noise along a `path` of Hz values; `narrow` is its Q.

    `comb` repeats the band at every multiple of itself, as a passing jet does.
    """
    steps = np.linspace(0.0, seconds, len(path))
    octave = points(seconds, *zip(steps.tolist(), np.log2(path).tolist(), strict=True))

    def mask(t: Signal, hz: Signal) -> Signal:
        centre = 2.0 ** at_times(t, octave)
        if comb:
            ripple = 0.5 + 0.5 * np.cos(2.0 * np.pi * hz / centre)
            return ripple**comb / (1.0 + (hz / 6000.0) ** 2)
        far = np.log2(np.maximum(hz, 1.0) / centre) * narrow
        return 1.0 / (1.0 + far**4)

    x = moving(white(rng, seconds), mask) * swell(seconds, attack, release)
    return room(rng, x / np.std(x), 0.1)


def shaker(
    rng: np.random.Generator,
    *,
    seconds: float,
    shakes: tuple[float, ...],
    centre: float,
    beads: float,
    t60: float = 0.02,
    width: float = 0.6,
) -> Signal:
    """Shake beads in a shell: many tiny hits, denser while the hand is moving.

    `shakes` are the times in seconds of the strokes, `beads` the hits a second at their height.
    """
    t = clock(seconds)
    energy = np.zeros(t.size)
    for i, start in enumerate(shakes):
        late = np.maximum(t - start, 0.0)
        energy += (late / 0.03) * np.exp(1.0 - late / 0.03) * (0.6 if i % 2 else 1.0)
    times = crowd(rng, seconds, beads * energy + 1.0)
    shell = centre * 2.0 ** rng.uniform(-width, width, 24)
    grains = [ping(float(hz), t60 * rng.uniform(0.5, 1.2)) for hz in shell]
    loud = rng.exponential(0.5, times.size) * (0.1 + np.interp(times, t, energy))
    x = scatter(rng, seconds, times, grains, loud)
    return room(rng, resonate(x, ((centre, 2.0, 1.0),), 0.7), 0.15, 0.4, 9000.0)


def dust(
    rng: np.random.Generator,
    *,
    seconds: float,
    per_second: float,
    low: float,
    high: float,
    t60: float,
    bed: float = 0.0,
    bed_slope: float = -3.0,
    heavy: float = 1.0,
    bursts: float = 0.0,
) -> Signal:
    """Sprinkle clicks over a `bed` of noise; `heavy` stretches the spread of their loudness.

    `bursts` gathers the clicks into clusters, that many a second.
    """
    density = np.full(samples(seconds), per_second)
    if bursts:
        density = density * np.clip(wander(rng, seconds, bursts) * 2.5 + 0.2, 0.02, 2.0)
    times = crowd(rng, seconds, density)
    grains = [
        tap(rng, t60 * 1.5 + 0.004, t60 * rng.uniform(0.4, 1.5), low, high) for _ in range(16)
    ]
    x = scatter(rng, seconds, times, grains, rng.exponential(1.0, times.size) ** heavy)
    x /= max(float(np.std(x)), 1e-9)
    if bed:
        ground = tilt(white(rng, seconds), bed_slope)
        x += bed * ground / np.std(ground)
    return room(rng, x * swell(seconds, 0.1, 0.4), 0.1)


def swarm(
    rng: np.random.Generator,
    *,
    seconds: float,
    hz: float,
    wings: int,
    spread: float,
    slope: float = 1.2,
) -> Signal:
    """Let insects fly by: many buzzing wings, each with its own path in pitch and distance."""
    x = np.zeros(samples(seconds))
    table = ladder(hz * 2.0**spread, slope, 9000.0)
    for _ in range(wings):
        own = hz * 2.0 ** (rng.normal(0.0, spread * 0.4) + 0.12 * wander(rng, seconds, 3.0))
        near = np.clip(0.6 + wander(rng, seconds, 1.5), 0.25, None) ** 2
        x += cycle(turns(own, rng.random()), table) * near
    x = highpass(x, hz * 0.8) + 0.1 * np.std(x) * highpass(white(rng, seconds), 3000.0)
    return room(rng, x * swell(seconds, 0.6, 0.8), 0.1)


def chirr(
    rng: np.random.Generator, *, seconds: float, hz: float, rasp: float, song: float, teeth: float
) -> Signal:
    """Scrape like a cricket: a carrier gated by `rasp` pulses a second inside `song` phrases."""
    t = clock(seconds)
    voices = np.zeros(t.size)
    for k in range(3):
        tune = hz * (1.0 + 0.02 * rng.normal()) * (1.0 + 0.003 * wander(rng, seconds, 10.0))
        pulse = np.clip(np.sin(2.0 * np.pi * rasp * (1.0 + 0.05 * k) * t), 0.0, None) ** teeth
        phrase = np.clip(np.sin(2.0 * np.pi * (song * (1.0 + 0.13 * k) * t + 0.1)) * 4.0, 0.0, 1.0)
        voices += np.sin(2.0 * np.pi * turns(tune)) * pulse * phrase * 0.6**k
    voices += 0.03 * highpass(white(rng, seconds), 2500.0)
    return room(rng, voices * swell(seconds, 0.15, 0.4), 0.2, 0.6, 9000.0)


def tear(rng: np.random.Generator, *, seconds: float, pulls: int, centre: float) -> Signal:
    """Tear or crumple: clusters of crackle whose pitch climbs as the sheet gets smaller."""
    x = dust(
        rng, seconds=seconds, per_second=700.0, low=500.0, high=9000.0, t60=0.006, bursts=pulls
    )
    grain = fall(0.02, 0.02) * white(rng, 0.02)
    climb = points(seconds, (0.0, centre), (seconds * 0.8, centre * 2.2), (seconds, centre))
    x = x + 0.3 * convolve(x, grain)
    return moving(
        x, lambda t, hz: 1.0 / (1.0 + (np.log2(np.maximum(hz, 1.0) / at_times(t, climb))) ** 4)
    )


SOUNDS: dict[str, Voice] = {
    "hiss": partial(colour, seconds=3.0, slope=3.0, low=2500.0),
    "pink": partial(colour, seconds=3.0, slope=-3.0, attack=0.8),
    "rumble": partial(colour, seconds=4.0, slope=-6.0, high=180.0, flutter=0.7, flicker=5.0),
    "white-hit": partial(colour, seconds=1.2, slope=0.0, attack=0.005, release=1.15, flutter=0.0),
    "flutter": partial(colour, seconds=2.6, slope=-2.0, low=300.0, flutter=1.0, flicker=28.0),
    "sweep-up": partial(
        sweep, seconds=3.0, path=(180.0, 700.0, 3000.0, 11000.0), narrow=1.6, attack=1.2
    ),
    "sweep-down": partial(
        sweep, seconds=3.0, path=(12000.0, 3500.0, 900.0, 150.0), narrow=1.6, release=1.2
    ),
    "whoosh": partial(
        sweep, seconds=1.4, path=(300.0, 1800.0, 500.0, 250.0), narrow=1.1, attack=0.5, release=0.7
    ),
    "jet": partial(
        sweep,
        seconds=5.0,
        path=(1400.0, 700.0, 330.0, 600.0, 1100.0),
        narrow=1.0,
        comb=2.0,
        attack=1.5,
        release=1.5,
    ),
    "shaker": partial(
        shaker, seconds=1.6, shakes=(0.05, 0.3, 0.55, 0.8, 1.05), centre=6500.0, beads=2500.0
    ),
    "maraca": partial(shaker, seconds=1.0, shakes=(0.03, 0.42), centre=3400.0, beads=1300.0),
    "cabasa": partial(
        shaker, seconds=1.2, shakes=(0.05, 0.12, 0.5, 0.57), centre=9000.0, beads=4500.0, t60=0.01
    ),
    "rain-stick": partial(
        shaker,
        seconds=4.5,
        shakes=tuple(0.05 + 0.1 * i for i in range(36)),
        centre=2800.0,
        beads=220.0,
        t60=0.03,
        width=1.1,
    ),
    "vinyl": partial(
        dust,
        seconds=4.0,
        per_second=26.0,
        low=700.0,
        high=9000.0,
        t60=0.003,
        bed=0.7,
        bed_slope=-3.0,
        heavy=0.7,
    ),
    "static": partial(
        dust,
        seconds=2.6,
        per_second=1400.0,
        low=1200.0,
        high=12000.0,
        t60=0.002,
        bed=0.25,
        heavy=1.4,
        bursts=9.0,
    ),
    "geiger": partial(
        dust,
        seconds=3.0,
        per_second=40.0,
        low=1800.0,
        high=6000.0,
        t60=0.014,
        bed=0.12,
        heavy=0.2,
        bursts=1.5,
    ),
    "gravel": partial(
        dust, seconds=2.2, per_second=300.0, low=300.0, high=5000.0, t60=0.02, heavy=1.5, bursts=3.2
    ),
    "sand": partial(
        dust, seconds=3.0, per_second=4000.0, low=4000.0, high=15000.0, t60=0.003, bursts=1.4
    ),
    "paper": partial(tear, seconds=1.8, pulls=9, centre=1900.0),
    "bees": partial(swarm, seconds=4.0, hz=190.0, wings=14, spread=0.35),
    "mosquito": partial(swarm, seconds=3.0, hz=620.0, wings=1, spread=0.1, slope=0.9),
    "cricket": partial(chirr, seconds=3.0, hz=4600.0, rasp=31.0, song=1.7, teeth=1.5),
    "cicada": partial(chirr, seconds=3.4, hz=6900.0, rasp=130.0, song=0.6, teeth=4.0),
}

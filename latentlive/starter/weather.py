"""Thunder, wind, fire and ice.

Wind as noise with moving bands, thunder as many cracks heard from many distances (Ribner &
Roy 1982), fire and snow as grains with heavy-tailed loudness (Farnell, Designing Sound, 2010),
ice as a dispersive waveguide.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import crowd, ping, scatter, string, tap
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


def thunder(
    rng: np.random.Generator, *, seconds: float, near: float, rolls: int, dark: float
) -> Signal:
    """Break a thunderclap: `near` is the crack, 0 to 1, then the roll, `dark` its cutoff in Hz."""
    t = clock(seconds)
    env = np.zeros(t.size)
    for _ in range(rolls):
        start = rng.exponential(seconds * 0.22)
        late = np.maximum(t - start, 0.0)
        length = rng.uniform(0.12, 0.5)
        env += (
            rng.uniform(0.4, 1.0)
            * (late / length)
            * np.exp(1.0 - late / length)
            * np.exp(-start / seconds * 2.0)
        )
    roll = lowpass(tilt(white(rng, seconds), -4.0), dark, 2) * env
    # Far parts of the channel arrive later and duller, so the roll darkens as it goes.
    roll = moving(roll, lambda at, hz: 1.0 / (1.0 + (hz * (0.3 + 2.2 * at / seconds) / dark) ** 2))
    roll /= np.max(np.abs(roll))
    times = np.sort(rng.exponential(0.09, 40)) + 0.004
    rips = [tap(rng, 0.2, t60, 150.0, 7000.0) for t60 in (0.03, 0.06, 0.12)]
    crack = scatter(rng, seconds, times, rips, rng.exponential(0.5, 40) * np.exp(-times / 0.25))
    x = roll + near * crack / np.max(np.abs(crack))
    return room(rng, x * swell(seconds, 0.004, seconds * 0.4), 0.4, 2.0, 1500.0)


def wind(
    rng: np.random.Generator,
    *,
    seconds: float,
    low: float,
    high: float,
    howl: float,
    gust: float = 0.7,
    rate: float = 0.9,
    bed: float = 0.3,
    hiss: float = 0.0,
    voices: int = 2,
) -> Signal:
    """Blow: bands of noise that climb from `low` to `high` Hz as each gust grows stronger.

    `howl` is the Q of the bands (a gap that whistles has a high one).
    """
    force = np.clip(
        0.5 + gust * wander(rng, seconds, rate) + 0.08 * wander(rng, seconds, 7.0), 0.04, 1.3
    )
    paths = [
        low
        * (high / low)
        ** np.clip(force * rng.uniform(0.6, 1.0) + 0.1 * wander(rng, seconds, 2.0), 0.0, 1.2)
        * rng.uniform(0.8, 1.6)
        for _ in range(voices)
    ]

    def mask(t: Signal, hz: Signal) -> Signal:
        total = bed / (1.0 + (hz / (low * 1.5)) ** 2)
        for path in paths:
            centre = at_times(t, path)
            total = total + 1.0 / (1.0 + ((hz - centre) / centre * howl * 2.0) ** 2)
        return total + hiss / (1.0 + (5000.0 / np.maximum(hz, 1.0)) ** 4)

    x = moving(tilt(white(rng, seconds), -1.0), mask) * force**1.3
    return highpass(x, 50.0) * swell(seconds, 0.7, 1.0)


def fire(
    rng: np.random.Generator,
    *,
    seconds: float,
    crackle: float,
    pops: float,
    roar: float,
    hiss: float,
) -> Signal:
    """Burn: `crackle` small clicks and `pops` big ones a second over a flickering roar."""
    small = [tap(rng, 0.02, t60, 1200.0, 12000.0) for t60 in (0.003, 0.006, 0.01, 0.016)]
    large = [tap(rng, 0.09, t60, 250.0, 5000.0) for t60 in (0.02, 0.04, 0.07)]
    busy = np.clip(0.6 + wander(rng, seconds, 3.0) * 1.4, 0.05, None)
    a, b = crowd(rng, seconds, crackle * busy), crowd(rng, seconds, pops)
    x = scatter(rng, seconds, a, small, 0.25 * rng.pareto(2.5, a.size).clip(0.0, 4.0))
    x += scatter(rng, seconds, b, large, 0.5 + 0.5 * rng.exponential(0.6, b.size))
    flame = lowpass(highpass(white(rng, seconds), 60.0), 380.0)
    x += roar * flame / np.std(flame) * (1.0 + 0.7 * wander(rng, seconds, 9.0))
    x += hiss * highpass(white(rng, seconds), 3500.0) * (1.0 + 0.5 * wander(rng, seconds, 5.0))
    return room(rng, x * swell(seconds, 0.3, 0.6), 0.08, 0.4)


def ice(
    rng: np.random.Generator,
    *,
    seconds: float,
    cracks: float,
    note: float,
    stiff: float,
    shards: float,
) -> Signal:
    """Crack a frozen lake: bending waves outrun the low ones, so each crack is a falling ping."""
    times = np.append(0.004, crowd(rng, seconds * 0.75, cracks))
    x = np.zeros(samples(seconds))
    for when in times[:7].tolist():
        burst = tap(rng, 0.03, float(rng.uniform(0.004, 0.012)), 200.0, 14000.0)
        hz = note * 2.0 ** rng.uniform(-0.7, 0.7)
        chirp = string(burst, hz, seconds - when, 1.6, 0.9, float(rng.uniform(0.05, 0.45)), stiff)
        x[x.size - chirp.size :] += chirp / np.max(np.abs(chirp)) * rng.uniform(0.4, 1.0)
    small = [ping(float(hz), 0.05) for hz in rng.uniform(2500.0, 9500.0, 20)]
    when_small = crowd(rng, seconds * 0.85, shards)
    x += scatter(rng, seconds, when_small, small, 0.3 * rng.exponential(0.5, when_small.size))
    return room(rng, highpass(x, 80.0), 0.3, 1.5, 6000.0)


def steps(
    rng: np.random.Generator, *, seconds: float, pace: float, low: float, high: float
) -> Signal:
    """Walk in snow: each step squeezes a thousand grains, first the heel, then the sole."""
    t = clock(seconds)
    press = np.zeros(t.size)
    for k, start in enumerate(np.arange(0.08, seconds - 0.4, pace)):
        for late, size, long in ((0.0, 1.0, 0.05), (0.17, 0.8, 0.08)):
            u = np.maximum(t - start - late - 0.02 * (k % 2), 0.0)
            press += size * (u / long) * np.exp(1.0 - u / long)
    times = crowd(rng, seconds, 2600.0 * press)
    grains = [tap(rng, 0.02, t60, low, high) for t60 in (0.004, 0.008, 0.012, 0.018)]
    x = scatter(
        rng, seconds, times, grains, rng.exponential(1.0, times.size) * np.interp(times, t, press)
    )
    return room(rng, resonate(x, ((700.0, 2.0, 0.8), (2100.0, 3.0, 0.6)), 0.6), 0.06, 0.3)


def slide(rng: np.random.Generator, *, seconds: float) -> Signal:
    """Let an avalanche go: a rumble of collisions that swells, brightens and buries itself."""
    grow = points(
        seconds, (0.0, 0.02), (seconds * 0.55, 1.0), (seconds * 0.75, 0.8), (seconds, 0.0)
    )
    times = crowd(rng, seconds, 60.0 + 500.0 * grow)
    rocks = [
        tap(rng, 0.2, t60, 60.0, hz) for t60, hz in ((0.05, 2500.0), (0.09, 1200.0), (0.15, 500.0))
    ]
    x = scatter(
        rng,
        seconds,
        times,
        rocks,
        rng.exponential(0.5, times.size) * np.interp(times, clock(seconds), grow),
    )
    dust = lowpass(white(rng, seconds), 3000.0) * grow**2 * 0.5
    deep = lowpass(white(rng, seconds), 80.0) * grow * 4.0
    body = convolve(x, fall(0.3, 0.3) * white(rng, 0.3)) * 0.02
    return room(rng, x + dust + deep + body, 0.25, 1.2, 2500.0)


SOUNDS: dict[str, Voice] = {
    "thunder": partial(thunder, seconds=6.0, near=1.0, rolls=14, dark=700.0),
    "thunder-far": partial(thunder, seconds=6.0, near=0.0, rolls=10, dark=170.0),
    "lightning": partial(thunder, seconds=3.0, near=2.5, rolls=5, dark=1500.0),
    "breeze": partial(wind, seconds=4.5, low=300.0, high=1100.0, howl=0.8, gust=0.5, hiss=0.3),
    "wind": partial(wind, seconds=6.0, low=220.0, high=1000.0, howl=5.0, voices=3),
    "gale": partial(
        wind, seconds=6.0, low=110.0, high=650.0, howl=1.6, gust=1.0, rate=1.8, bed=1.2, hiss=0.1
    ),
    "draught": partial(wind, seconds=4.5, low=600.0, high=1900.0, howl=22.0, gust=0.8, bed=0.05),
    "blizzard": partial(
        wind, seconds=5.0, low=500.0, high=2600.0, howl=3.0, gust=0.9, rate=2.5, hiss=0.9, voices=4
    ),
    "fire": partial(fire, seconds=5.0, crackle=70.0, pops=3.0, roar=0.1, hiss=0.03),
    "embers": partial(fire, seconds=4.0, crackle=34.0, pops=0.6, roar=0.008, hiss=0.012),
    "furnace": partial(fire, seconds=4.5, crackle=20.0, pops=0.5, roar=1.0, hiss=0.1),
    "ice": partial(ice, seconds=4.0, cracks=1.5, note=90.0, stiff=0.004, shards=14.0),
    "icicles": partial(ice, seconds=3.0, cracks=1.2, note=700.0, stiff=0.02, shards=45.0),
    "snow-steps": partial(steps, seconds=3.0, pace=0.62, low=900.0, high=7000.0),
    "avalanche": partial(slide, seconds=5.5),
}

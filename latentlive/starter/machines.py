"""Clockwork and signals.

Clicks by small modal banks (Farnell, Designing Sound, 2010), electronic signals by frequency
modulation (Chowning 1973).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .engines import along
from .sources import fm, modes, scatter, tap, turns
from .tools import (
    Signal,
    Voice,
    clock,
    convolve,
    fall,
    lowpass,
    points,
    room,
    samples,
    swell,
    white,
)


def clockwork(
    rng: np.random.Generator,
    *,
    seconds: float,
    pattern: tuple[float, ...],
    every: float,
    hz: tuple[float, ...],
    t60: float,
    noise: float = 0.5,
    loose: float = 0.004,
    bed: float = 0.0,
    thud: float = 0.0,
    swing: float = 0.12,
) -> Signal:
    """Repeat a `pattern` of clicks (times within a bar of `every` seconds) on metal or wood.

    `hz` are the modes of the part that is hit, `loose` the jitter in seconds, `thud` a low
    knock under the first click of the bar, `bed` the whirr behind.
    """
    kinds = []
    for k in range(4):
        bend = 1.0 + swing * (k - 1.5) / 1.5
        tone = modes(
            np.array(hz) * bend,
            rng.uniform(0.4, 1.0, len(hz)),
            t60 * rng.uniform(0.6, 1.0, len(hz)),
            t60 * 1.2 + 0.03,
        )
        click = noise * tap(rng, t60 * 1.2 + 0.03, min(0.03, t60), 600.0, 9000.0)
        kinds.append(tone / np.max(np.abs(tone)) + click[: tone.size])
    bars = np.arange(0.01, seconds - t60 * 0.5, every)
    times = np.sort((bars[:, None] + np.array(pattern)[None, :]).ravel())
    times = np.clip(times + rng.normal(0.0, loose, times.size), 0.003, seconds - 0.03)
    x = scatter(rng, seconds, times, kinds, rng.uniform(0.55, 1.0, times.size))
    if thud:
        low = modes(np.array([62.0, 95.0, 140.0]), np.ones(3), np.array([0.25, 0.2, 0.12]), 0.3)
        x += thud * scatter(rng, seconds, bars, [low], np.ones(bars.size))
    if bed:
        x += bed * lowpass(white(rng, seconds), 2500.0) * swell(seconds, 0.3, 0.4)
    return room(rng, x, 0.15, 0.45)


def beacon(
    rng: np.random.Generator,
    *,
    seconds: float,
    path: tuple[float, ...],
    ratio: float = 1.0,
    index: float = 0.5,
    gate: float = 0.0,
    t60: float = 0.0,
    echo: float = 0.0,
    steps: bool = False,
) -> Signal:
    """Send a signal: an FM tone along a `path` in Hz, gated, stepped or echoing."""
    hz = along(seconds, path)
    if steps:
        slot = np.minimum((clock(seconds) / seconds * len(path)).astype(np.int64), len(path) - 1)
        smooth = np.hanning(samples(0.006))
        hz = np.convolve(np.array(path)[slot], smooth / smooth.sum(), mode="same")
        hz = np.maximum(hz, min(path) * 0.5)
    x = fm(turns(hz), ratio, np.full(hz.size, index))
    x += 0.3 * fm(turns(hz * 1.004), ratio, np.full(hz.size, index * 1.5))
    if gate:
        x *= 1.0 / (1.0 + np.exp(-12.0 * (np.sin(2.0 * np.pi * gate * clock(seconds)) + 0.1)))
    if t60:
        x *= fall(seconds, t60)
    x *= points(seconds, (0.0, 0.0), (0.012, 1.0), (seconds, 1.0))
    if echo:
        taps = np.zeros(samples(seconds))
        taps[0] = 1.0
        for k in range(1, int(seconds / echo)):
            taps[samples(echo * k)] = 0.45**k
        x = convolve(x, taps)
    return room(rng, x * swell(seconds, 0.02, 0.3), 0.25, 1.0)


SOUNDS: dict[str, Voice] = {
    "clock": partial(
        clockwork,
        seconds=3.0,
        pattern=(0.0, 0.26),
        every=0.5,
        hz=(1750.0, 2900.0, 4300.0, 6100.0),
        t60=0.07,
        loose=0.001,
    ),
    "typewriter": partial(
        clockwork,
        seconds=2.6,
        pattern=(0.0, 0.13, 0.29, 0.37, 0.55),
        every=0.7,
        hz=(420.0, 1300.0, 2600.0, 4700.0),
        t60=0.06,
        noise=1.2,
        loose=0.02,
        thud=0.3,
    ),
    "sewing": partial(
        clockwork,
        seconds=2.6,
        pattern=(0.0, 0.034),
        every=0.085,
        hz=(310.0, 870.0, 2100.0, 3300.0),
        t60=0.05,
        bed=0.06,
        loose=0.002,
    ),
    "train": partial(
        clockwork,
        seconds=5.0,
        pattern=(0.0, 0.12, 0.62, 0.74),
        every=1.25,
        hz=(180.0, 330.0, 610.0, 1400.0),
        t60=0.25,
        bed=0.25,
        thud=1.0,
        loose=0.006,
    ),
    "ratchet": partial(
        clockwork,
        seconds=1.6,
        pattern=(0.0,),
        every=0.042,
        hz=(820.0, 1500.0, 2700.0),
        t60=0.06,
        noise=0.9,
        swing=0.04,
    ),
    "factory": partial(
        clockwork,
        seconds=4.0,
        pattern=(0.0, 0.33, 0.5),
        every=1.0,
        hz=(130.0, 247.0, 560.0, 1210.0, 2300.0),
        t60=0.5,
        noise=0.8,
        bed=0.12,
        thud=1.5,
        swing=0.3,
    ),
    "siren": partial(
        beacon,
        seconds=5.0,
        path=(320.0, 700.0, 880.0, 600.0, 420.0, 760.0, 880.0, 560.0),
        index=1.6,
    ),
    "alarm": partial(beacon, seconds=2.0, path=(980.0, 980.0), ratio=2.0, index=1.8, gate=5.0),
    "sonar": partial(beacon, seconds=4.5, path=(1250.0, 1240.0), index=0.15, t60=1.1, echo=0.9),
    "modem": partial(
        beacon,
        seconds=2.6,
        path=(
            1200.0,
            2200.0,
            1650.0,
            980.0,
            2100.0,
            1270.0,
            2225.0,
            1180.0,
            1850.0,
            2400.0,
            600.0,
            1700.0,
        )
        * 3,
        ratio=0.37,
        index=1.4,
        steps=True,
    ),
    "laser": partial(beacon, seconds=1.2, path=(5200.0, 900.0, 260.0, 110.0), index=2.5, t60=1.0),
    "computer": partial(
        beacon,
        seconds=2.4,
        path=(
            660.0,
            1320.0,
            880.0,
            1760.0,
            440.0,
            1110.0,
            2090.0,
            740.0,
            1480.0,
            550.0,
            990.0,
            1975.0,
        )
        * 2,
        index=0.8,
        gate=10.0,
        steps=True,
    ),
}

"""Wood, metal and skins hit once.

Modal synthesis with the measured mode ratios of bars, plates and membranes
(Fletcher & Rossing, The Physics of Musical Instruments, 1998).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import modes, pairs, scatter, string, tap
from .tools import RATE, Signal, Voice, clock, pad, pitch, room, samples, wander

FREE_BAR = (1.0, 2.756, 5.404, 8.933, 13.34, 18.64)
MARIMBA = (1.0, 3.93, 9.24, 16.3, 24.2)
XYLOPHONE = (1.0, 3.0, 6.1, 9.8, 14.5)
VIBRAPHONE = (1.0, 3.98, 10.65, 17.9)
WOOD_BLOCK = (1.0, 1.42, 2.11, 2.83, 3.79, 5.2, 6.9)
LOG = (1.0, 1.51, 2.62, 3.4, 5.1)
PLATE = (1.0, 1.46, 1.88, 2.57, 3.02, 3.9, 4.64, 5.3, 6.4, 7.9, 9.2, 11.0)
PIPE = (1.0, 2.72, 5.2, 8.2, 11.7, 15.4, 19.1)
STEEL_PAN = (1.0, 2.0, 2.99, 4.02, 5.1, 6.2)
MEMBRANE = (1.0, 1.593, 2.135, 2.295, 2.653, 2.917, 3.155, 3.5, 3.598, 4.058, 4.6, 5.1)
TIMPANI = (0.85, 1.0, 1.504, 1.742, 2.0, 2.245, 2.494, 2.8, 2.98, 3.46)
TABLA = (1.0, 2.0, 3.01, 4.02, 4.98, 6.1)


def bar(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    ratios: tuple[float, ...],
    hard: float,
    damp: float = 1.0,
    knock: float = 0.25,
    beat: float = 0.4,
    throb: float = 0.0,
) -> Signal:
    """Hit a bar or a plate: modal bank, a mallet of cutoff `hard` Hz, the knock of the contact.

    `damp` makes high modes die sooner; `throb` turns the fan of a vibraphone (depth 0 to 1).
    """
    ratio = np.array(ratios) * 2.0 ** (rng.normal(0.0, 4.0, len(ratios)) / 1200.0)
    hz = pitch(note) * ratio
    gain = rng.uniform(0.7, 1.0, hz.size) / (1.0 + (hz / hard) ** 2)
    gain[0] = max(gain[0], 0.8 * float(np.max(gain)))
    x = modes(*pairs(rng, hz, gain, t60 * ratio**-damp, beat), seconds)
    x /= np.max(np.abs(x))
    x += pad(tap(rng, 0.06, 0.025, 250.0, min(hard * 2.5, 12000.0)), seconds) * knock
    if throb:
        x *= 1.0 - throb * (0.5 + 0.5 * np.sin(2.0 * np.pi * 5.6 * clock(seconds)))
    return room(rng, x, 0.16, 0.6)


def drum(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    ratios: tuple[float, ...] = MEMBRANE,
    hard: float = 900.0,
    glide: float = 0.15,
    skin: float = 0.3,
    wires: float = 0.0,
    damp: float = 0.7,
    space: float = 0.18,
) -> Signal:
    """Hit a skin: membrane modes whose tension, and so pitch, relaxes after the blow.

    `glide` is the pitch excess at the blow, `skin` its noise, `wires` the rattle of a snare.
    """
    ratio = np.array(ratios) * 2.0 ** (rng.normal(0.0, 8.0, len(ratios)) / 1200.0)
    hz = pitch(note) * ratio
    gain = rng.uniform(0.5, 1.0, hz.size) / (1.0 + (hz / hard) ** 2)
    gain[0] = 1.0
    settle = 0.06
    still = modes(*pairs(rng, hz, gain, t60 * ratio**-damp, 0.8), seconds + glide * settle + 0.01)
    t = clock(seconds)
    x = np.interp(
        t + glide * settle * (1.0 - np.exp(-t / settle)), np.arange(still.size) / RATE, still
    )
    x /= np.max(np.abs(x))
    x += pad(tap(rng, 0.15, 0.07, 120.0, hard * 6.0), seconds) * skin
    if wires:
        rattle = tap(rng, seconds, 0.32, 1400.0, 9000.0)
        x += wires * rattle * (1.0 + 0.3 * wander(rng, seconds, 60.0))
    return room(rng, x, space, 0.7, 4000.0)


def spring(rng: np.random.Generator, *, seconds: float, note: str) -> Signal:
    """Kick a long coil: a very stiff waveguide turns each echo into a falling chirp."""
    burst = tap(rng, 0.02, 0.01, 60.0, 9000.0)
    x = string(burst, pitch(note), seconds, 3.4, 1.2, 0.11, 0.012)
    return room(rng, x, 0.12)


def clap(rng: np.random.Generator, *, seconds: float) -> Signal:
    """Clap in a hall: four bursts of palm noise a few milliseconds apart."""
    palms = [tap(rng, 0.25, t60, 500.0, 4200.0) for t60 in (0.04, 0.05, 0.06)]
    times = np.array([0.004, 0.015, 0.024, 0.036])
    x = scatter(rng, seconds, times, palms, np.array([0.6, 0.8, 0.7, 1.0]))
    return room(rng, x, 0.5, 0.9, 7000.0)


def roll(rng: np.random.Generator, *, note: str, seconds: float) -> Signal:
    """Roll on a drum with two sticks: one stroke of the membrane, dropped faster and faster."""
    stroke = drum(rng, note=note, seconds=0.9, t60=0.7, hard=1600.0, skin=0.4, wires=0.25)
    steps = np.cumsum(np.linspace(0.14, 0.045, samples(seconds) // 2600))
    times = steps[steps < seconds - 0.6]
    times = times + rng.normal(0.0, 0.003, times.size)
    level = np.linspace(0.25, 1.0, times.size) * rng.uniform(0.8, 1.0, times.size)
    left = np.append(np.zeros(30), stroke) * 0.85
    return scatter(rng, seconds, times, [stroke, left], level)


SOUNDS: dict[str, Voice] = {
    "marimba-c3": partial(bar, note="c3", seconds=2.6, t60=2.4, ratios=MARIMBA, hard=700.0),
    "marimba-g4": partial(bar, note="g4", seconds=1.8, t60=1.3, ratios=MARIMBA, hard=1500.0),
    "vibes-f4": partial(
        bar, note="f4", seconds=5.0, t60=6.5, ratios=VIBRAPHONE, hard=2200.0, throb=0.5, knock=0.1
    ),
    "xylo-c6": partial(
        bar, note="c6", seconds=1.2, t60=0.9, ratios=XYLOPHONE, hard=6000.0, knock=0.4
    ),
    "glock-g6": partial(
        bar, note="g6", seconds=3.0, t60=3.2, ratios=FREE_BAR, hard=12000.0, damp=0.6, beat=1.2
    ),
    "wood-block": partial(
        bar, note="e5", seconds=1.0, t60=0.28, ratios=WOOD_BLOCK, hard=4000.0, damp=0.5, knock=0.5
    ),
    "claves": partial(
        bar, note="d7", seconds=1.0, t60=0.3, ratios=FREE_BAR, hard=9000.0, knock=0.3
    ),
    "log-drum": partial(
        bar, note="a2", seconds=1.6, t60=1.1, ratios=LOG, hard=600.0, damp=0.8, knock=0.5
    ),
    "steel-pan": partial(
        bar, note="d4", seconds=2.6, t60=2.2, ratios=STEEL_PAN, hard=2400.0, damp=0.7, beat=3.0
    ),
    "anvil": partial(
        bar, note="f5", seconds=3.0, t60=3.4, ratios=PLATE, hard=15000.0, damp=0.25, beat=5.0
    ),
    "pipe": partial(
        bar, note="bb3", seconds=2.8, t60=2.8, ratios=PIPE, hard=4500.0, damp=0.5, beat=2.0
    ),
    "sheet": partial(
        bar, note="d2", seconds=4.0, t60=5.0, ratios=PLATE * 2, hard=900.0, damp=0.6, beat=9.0
    ),
    "kick": partial(drum, note="g1", seconds=1.0, t60=0.8, glide=2.2, hard=300.0, damp=1.5),
    "snare": partial(drum, note="a3", seconds=1.0, t60=0.35, hard=2500.0, skin=0.6, wires=0.9),
    "tom": partial(drum, note="c3", seconds=1.6, t60=1.2, glide=0.5, hard=700.0),
    "timpani": partial(
        drum, note="a2", seconds=3.6, t60=4.0, ratios=TIMPANI, hard=420.0, glide=0.03, space=0.25
    ),
    "taiko": partial(
        drum, note="d2", seconds=2.6, t60=2.0, glide=0.35, hard=350.0, skin=0.6, space=0.35
    ),
    "bongo": partial(drum, note="a4", seconds=1.0, t60=0.45, glide=0.2, hard=2400.0, skin=0.5),
    "tabla": partial(
        drum, note="d4", seconds=2.2, t60=1.9, ratios=TABLA, hard=1800.0, glide=0.03, damp=0.4
    ),
    "drum-roll": partial(roll, note="g3", seconds=3.0),
    "spring": partial(spring, seconds=3.4, note="g1"),
    "clap": partial(clap, seconds=1.2),
}

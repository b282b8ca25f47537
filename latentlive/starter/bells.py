"""Bells, gongs, cymbals, bowls and glass.

Modal synthesis with measured partials (Rossing, Science of Percussion Instruments, 2000) and,
for the electric ones, frequency modulation with a falling index (Chowning 1973).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import crowd, fm, modes, pairs, scatter, tap
from .tools import Signal, Voice, clock, fall, lowpass, pad, pitch, room

CHURCH = (0.5, 1.0, 1.2, 1.5, 2.0, 2.514, 2.662, 3.011, 4.166, 5.433, 6.796, 8.215, 9.7)
HAND_BELL = (1.0, 3.0, 4.15, 5.4, 7.6, 9.9)
BOWL = (1.0, 2.78, 5.18, 8.16, 11.66, 15.64)
TUBE = tuple(n * n / 81.0 for n in (5, 7, 9, 11, 13, 15, 17, 19, 21))
COWBELL = (1.0, 1.48, 2.05, 2.71, 3.6, 4.6, 5.9, 7.3)
TRIANGLE = (1.0, 1.33, 1.93, 2.37, 3.05, 3.62, 4.5, 5.18, 6.1, 7.2, 8.1)
GLASS = (1.0, 2.32, 4.25, 6.63, 9.38)
CROTALE = (1.0, 2.01, 3.45, 4.9, 5.1, 6.8)
TEMPLE = (0.55, 1.0, 1.42, 1.74, 2.3, 2.75, 3.4, 4.7, 5.9)


def bell(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    ratios: tuple[float, ...],
    hard: float = 5000.0,
    damp: float = 0.7,
    beat: float = 1.0,
    knock: float = 0.15,
) -> Signal:
    """Strike a bell: named partials, each a pair beating up to `beat` Hz, and the clapper."""
    ratio = np.array(ratios) * 2.0 ** (rng.normal(0.0, 5.0, len(ratios)) / 1200.0)
    hz = pitch(note) * ratio
    gain = rng.uniform(0.6, 1.0, hz.size) / (1.0 + (hz / hard) ** 2)
    x = modes(*pairs(rng, hz, gain, t60 * ratio**-damp, beat), seconds)
    x /= np.max(np.abs(x))
    x += pad(tap(rng, 0.08, 0.03, 900.0, min(2.5 * hard, 15000.0)), seconds) * knock
    return room(rng, x, 0.18, 1.0, 6000.0)


def gong(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    count: int,
    top: float,
    bloom: float,
    shine: float = 0.8,
    hard: float = 2500.0,
) -> Signal:
    """Strike a wide thin plate: a few strong modes, then hundreds that fill in after the blow.

    Energy climbs to the high modes in about `bloom` seconds (Chaigne, Touze & Thomas 2005);
    each late mode is two decays of opposite sign, so it starts at nothing.
    """
    base = pitch(note)
    low = base * np.array([1.0, 1.52, 2.03, 2.44, 2.96, 3.62, 4.31, 5.2])
    high = np.sort(base * 1.8 * (top / (base * 1.8)) ** rng.random(count) ** 0.8)
    late = bloom * (high / top) ** 0.5
    loud = shine * rng.exponential(0.35, count) / (1.0 + (high / hard) ** 2)
    long = t60 * (high / base) ** -0.36 * rng.uniform(0.6, 1.2, count)
    sign = rng.choice([-1.0, 1.0], count)
    fade = 0.9 ** np.arange(8.0)
    x = modes(*pairs(rng, low, rng.uniform(0.6, 1.0, 8) * fade, t60 * fade, 1.2), seconds)
    x += modes(
        np.concatenate([high, high]),
        np.concatenate([loud * sign, -loud * sign]),
        np.concatenate([long, np.minimum(late * 3.0, long * 0.5)]),
        seconds,
    )
    x /= np.max(np.abs(x))
    x += pad(lowpass(tap(rng, 0.12, 0.06, 60.0, 1800.0), hard), seconds) * 0.2
    return room(rng, x, 0.15, 1.2, 5000.0)


def electric(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    ratio: float,
    index: float,
    detune: float = 2.5,
) -> Signal:
    """Ring an FM bell: index and loudness fall together; a detuned twin makes it beat."""
    env = fall(seconds, t60)
    swing = index * fall(seconds, t60 * 0.6)
    t = clock(seconds)
    x = fm(pitch(note) * t, ratio, swing) + 0.7 * fm((pitch(note) + detune) * t, ratio, swing * 0.8)
    x += 0.35 * fm(pitch(note) * 2.003 * t, ratio * 1.7, swing * 0.5) * env
    return room(rng, x * env, 0.2, 1.0)


def chimes(
    rng: np.random.Generator,
    *,
    notes: tuple[str, ...],
    seconds: float,
    t60: float,
    per_second: float,
    ratios: tuple[float, ...],
    run: bool = False,
) -> Signal:
    """Let many small bells sound: at random in the wind, or in order when a hand runs by."""
    grains = []
    for note in notes:
        ratio = np.array(ratios) * 2.0 ** (rng.normal(0.0, 10.0, len(ratios)) / 1200.0)
        hz = pitch(note) * ratio
        gain = rng.uniform(0.5, 1.0, hz.size) / (1.0 + (hz / 7000.0) ** 2)
        length = min(1.2 * t60, seconds)
        grains.append(modes(*pairs(rng, hz, gain, t60 * ratio**-0.5, 2.0), length))
    if run:
        x = np.zeros_like(clock(seconds))
        for i, grain in enumerate(grains):
            when = np.array([0.003 + i / per_second + 0.008 * rng.random()])
            x += scatter(rng, seconds, when, [grain], np.array([rng.uniform(0.6, 1.0)]))
    else:
        times = np.append(0.003, crowd(rng, seconds * 0.8, per_second))
        x = scatter(rng, seconds, times, grains, rng.uniform(0.2, 1.0, times.size))
    return room(rng, x, 0.18, 0.9, 8000.0)


SOUNDS: dict[str, Voice] = {
    "gong": partial(
        gong,
        note="d2",
        seconds=6.0,
        t60=9.0,
        count=260,
        top=7000.0,
        bloom=0.45,
        hard=1800.0,
        shine=1.8,
    ),
    "gong-low": partial(
        gong,
        note="f1",
        seconds=6.0,
        t60=12.0,
        count=220,
        top=3800.0,
        bloom=0.8,
        hard=800.0,
        shine=1.4,
    ),
    "gong-opera": partial(
        gong, note="g3", seconds=3.2, t60=3.6, count=80, top=6000.0, bloom=0.08, shine=0.4
    ),
    "tam-tam": partial(
        gong,
        note="a1",
        seconds=6.0,
        t60=8.0,
        count=420,
        top=11000.0,
        bloom=0.7,
        shine=4.0,
        hard=5000.0,
    ),
    "crash": partial(
        gong,
        note="b3",
        seconds=3.6,
        t60=4.5,
        count=420,
        top=15000.0,
        bloom=0.03,
        shine=3.0,
        hard=12000.0,
    ),
    "ride": partial(
        gong,
        note="g4",
        seconds=3.0,
        t60=5.0,
        count=260,
        top=14000.0,
        bloom=0.015,
        shine=0.7,
        hard=9000.0,
    ),
    "church-bell": partial(
        bell, note="e4", seconds=6.0, t60=9.0, ratios=CHURCH, hard=3000.0, beat=0.9
    ),
    "great-bell": partial(
        bell, note="a2", seconds=6.0, t60=14.0, ratios=CHURCH, hard=1600.0, beat=0.6, knock=0.25
    ),
    "hand-bell": partial(bell, note="c5", seconds=3.4, t60=4.5, ratios=HAND_BELL, hard=3500.0),
    "ship-bell": partial(
        bell, note="b4", seconds=3.6, t60=4.5, ratios=CHURCH, hard=9000.0, beat=4.0, knock=0.3
    ),
    "temple-bell": partial(
        bell, note="f3", seconds=6.0, t60=12.0, ratios=TEMPLE, hard=700.0, beat=1.8, knock=0.1
    ),
    "tubular": partial(bell, note="g5", seconds=5.0, t60=5.0, ratios=TUBE, hard=4000.0, damp=0.5),
    "bowl-low": partial(
        bell, note="g2", seconds=6.0, t60=14.0, ratios=BOWL, hard=700.0, beat=2.2, knock=0.05
    ),
    "bowl-high": partial(
        bell, note="e5", seconds=5.0, t60=8.0, ratios=BOWL, hard=5000.0, beat=3.0, knock=0.05
    ),
    "crotale": partial(bell, note="c7", seconds=4.0, t60=6.0, ratios=CROTALE, hard=12000.0),
    "cowbell": partial(
        bell, note="g5", seconds=1.0, t60=0.5, ratios=COWBELL, hard=6000.0, damp=0.3, knock=0.4
    ),
    "triangle": partial(
        bell, note="e6", seconds=3.6, t60=5.0, ratios=TRIANGLE, hard=16000.0, damp=0.2, beat=4.0
    ),
    "glass": partial(
        bell, note="b5", seconds=2.0, t60=1.6, ratios=GLASS, hard=9000.0, beat=2.5, knock=0.08
    ),
    "fm-bell": partial(electric, note="a3", seconds=5.0, t60=5.5, ratio=1.4, index=8.0),
    "fm-glass": partial(electric, note="e5", seconds=3.0, t60=2.6, ratio=3.53, index=2.2),
    "wind-chimes": partial(
        chimes,
        notes=("e5", "g5", "a5", "b5", "d6", "e6", "g6"),
        seconds=5.0,
        t60=2.4,
        per_second=4.5,
        ratios=(1.0, 2.756, 5.404),
    ),
    "bell-tree": partial(
        chimes,
        notes=("b7", "a7", "g7", "f#7", "e7", "d7", "c#7", "b6", "a6", "g6", "f#6", "e6", "d6"),
        seconds=3.0,
        t60=1.6,
        per_second=15.0,
        ratios=HAND_BELL[:3],
        run=True,
    ),
    "sleigh": partial(
        chimes,
        notes=("b7", "c8", "c#8", "d8", "f8", "g8"),
        seconds=2.4,
        t60=0.14,
        per_second=90.0,
        ratios=(1.0, 1.19, 1.62, 2.1),
    ),
}

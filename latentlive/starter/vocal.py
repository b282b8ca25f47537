"""Voices: sung, hummed, whispered, growled.

Source and filter (Fant 1960): a glottal wave and breath through formants that move between
vowels (formant values after Peterson & Barney 1952 and the CHANT tables, Rodet 1984).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import cycle, ladder, turns, vibrato
from .tools import (
    Signal,
    Voice,
    clock,
    highpass,
    lowpass,
    moving,
    pitch,
    points,
    room,
    swell,
    wander,
    white,
)

# Five formants in Hz, then their levels in dB.
VOWELS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "a": ((700.0, 1130.0, 2600.0, 3300.0, 4200.0), (0, -4, -18, -20, -32)),
    "e": ((420.0, 1850.0, 2500.0, 3350.0, 4200.0), (0, -12, -14, -18, -30)),
    "i": ((290.0, 2200.0, 2950.0, 3500.0, 4300.0), (0, -15, -16, -20, -32)),
    "o": ((430.0, 800.0, 2600.0, 3200.0, 4100.0), (0, -7, -24, -26, -36)),
    "u": ((320.0, 650.0, 2500.0, 3200.0, 4000.0), (0, -14, -30, -32, -40)),
    "m": ((240.0, 900.0, 2200.0, 3000.0, 4000.0), (0, -26, -34, -38, -46)),
    "x": ((560.0, 1500.0, 2500.0, 3400.0, 4200.0), (0, -6, -14, -18, -28)),
}
WIDTH = np.array([80.0, 95.0, 130.0, 150.0, 200.0])


def formants(x: Signal, word: str, size: float, whistle: float = 0.0) -> Signal:
    """Shape a source by vowels spread evenly over its length; `size` 1 is a man's throat.

    `whistle` narrows and lifts the second formant, the trick of overtone singing.
    """
    at = np.linspace(0.0, x.size / 44100.0, max(len(word), 2))
    letters = word if len(word) > 1 else word * 2
    hz = np.array([VOWELS[v][0] for v in letters]) * size
    db = np.array([VOWELS[v][1] for v in letters], dtype=np.float64)

    def mask(t: Signal, f: Signal) -> Signal:
        total = np.full((t.shape[0], f.size), 0.004)
        for k in range(5):
            centre = np.interp(t, at, hz[:, k])
            level = 10.0 ** (np.interp(t, at, db[:, k]) / 20.0)
            width = WIDTH[k] * size**0.5
            if whistle and k == 1:
                width, level = width * 0.35, level + whistle
            total += level / np.sqrt(1.0 + ((f - centre) / width * 2.0) ** 2) ** 1.5
        return total

    return moving(x, mask)


def sing(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    word: str,
    size: float = 1.0,
    singers: int = 1,
    spread: float = 9.0,
    attack: float = 0.15,
    release: float = 0.4,
    cents: float = 35.0,
    rate: float = 5.5,
    air: float = 0.05,
    slope: float = 1.6,
    rough: float = 0.0,
    bend: tuple[float, ...] = (0.0, 0.0),
    sync: float = 0.0,
    whistle: float = 0.0,
) -> Signal:
    """Sing a `word` of vowels. `singers` are mistuned by `spread` cents, as in a choir.

    `bend` is a melody in semitones spread over the length, `rough` doubles the pitch period
    as in a growl, `sync` gates the breath that many times a second (laughter, purring).
    """
    steps = np.linspace(0.0, seconds, len(bend))
    slide = 2.0 ** (points(seconds, *zip(steps.tolist(), bend, strict=True)) / 12.0)
    hz = pitch(note)
    table = ladder(hz * 2.0 ** (max(bend) / 12.0) * 1.05, slope, 12000.0)
    env = swell(seconds, attack, release, 0.1)
    x = np.zeros(env.size)
    hush = highpass(white(rng, seconds), 600.0) * (2.0 * air)
    for _ in range(singers):
        tune = 2.0 ** (rng.normal(0.0, spread if singers > 1 else 1.0) / 1200.0)
        curve = vibrato(rng, hz * tune, seconds, cents, rate * rng.uniform(0.9, 1.1), 0.4) * slide
        curve = curve * (1.0 + 0.004 * wander(rng, seconds, 40.0))
        phase = turns(curve, rng.random())
        pulse = cycle(phase, table)
        if rough:
            pulse *= 1.0 + rough * np.sin(np.pi * phase) + rough * 0.5 * wander(rng, seconds, 70.0)
        gate = 0.4 + 0.6 * np.cos(np.pi * phase) ** 2
        loud = 1.0 + 0.15 * wander(rng, seconds, 3.0)
        # One breath serves everybody, each a random moment apart: as good, and much cheaper.
        x += loud * (pulse + np.roll(hush, int(rng.integers(hush.size))) * gate)
    x = formants(x, word, size, whistle) * env
    if sync:
        beat = 0.5 + 0.5 * np.cos(2.0 * np.pi * (sync * clock(seconds) + 0.5))
        x *= 0.04 + beat**1.5
    return room(rng, x, 0.22 if singers > 1 else 0.15, 1.3 if singers > 1 else 0.8)


def whisper(
    rng: np.random.Generator,
    *,
    seconds: float,
    word: str,
    size: float,
    syllables: float = 0.0,
    attack: float = 0.2,
    hiss: float = 0.1,
) -> Signal:
    """Whisper: breath alone through the formants, in `syllables` a second if any."""
    x = formants(white(rng, seconds), word, size)
    x = x / np.std(x) + hiss * highpass(white(rng, seconds), 4500.0)
    x = highpass(lowpass(x, 9000.0), 200.0) * swell(seconds, attack, 0.4)
    if syllables:
        x *= (
            0.1
            + np.abs(np.sin(np.pi * syllables * clock(seconds) + wander(rng, seconds, 2.0))) ** 1.4
        )
    return room(rng, x, 0.15, 0.6)


SOUNDS: dict[str, Voice] = {
    "choir-ah": partial(sing, note="c4", seconds=5.0, word="a", singers=8, attack=0.5, release=1.2),
    "choir-oo": partial(
        sing, note="g4", seconds=5.0, word="u", size=1.12, singers=8, attack=0.7, release=1.2
    ),
    "choir-ee": partial(
        sing, note="e5", seconds=4.5, word="i", size=1.15, singers=7, attack=0.5, release=1.0
    ),
    "choir-low": partial(
        sing, note="g2", seconds=5.5, word="oao", singers=7, attack=0.7, release=1.4, cents=18.0
    ),
    "choir-boys": partial(
        sing, note="a5", seconds=4.5, word="a", size=1.3, singers=7, cents=12.0, air=0.1, slope=2.0
    ),
    "soprano": partial(
        sing, note="a5", seconds=4.0, word="a", size=1.18, cents=65.0, rate=6.0, slope=1.3
    ),
    "alto": partial(sing, note="d4", seconds=3.6, word="oa", size=1.12, cents=40.0),
    "tenor": partial(sing, note="f3", seconds=3.6, word="ea", cents=50.0, slope=1.2),
    "basso": partial(sing, note="e2", seconds=4.5, word="oo", size=0.9, cents=30.0, slope=1.2),
    "hum": partial(sing, note="b2", seconds=3.6, word="m", cents=14.0, air=0.02, attack=0.3),
    "om": partial(sing, note="c2", seconds=6.0, word="aoum", size=0.92, singers=4, attack=0.8),
    "throat": partial(
        sing,
        note="d2",
        seconds=6.0,
        word="uoaxeieao",
        cents=5.0,
        slope=0.7,
        rough=0.4,
        whistle=1.6,
        attack=0.4,
    ),
    "wow": partial(
        sing, note="a2", seconds=1.8, word="uau", bend=(0.0, 5.0, -3.0), cents=0.0, slope=1.1
    ),
    "yodel": partial(
        sing,
        note="a3",
        seconds=3.0,
        word="oioi",
        size=1.1,
        bend=(0.0, 0.0, 9.0, 9.0, 4.0, 4.0, 12.0, 12.0, 12.0),
        cents=15.0,
    ),
    "sigh": partial(
        sing,
        note="e4",
        seconds=2.2,
        word="ax",
        size=1.15,
        bend=(2.0, -2.0, -9.0),
        air=0.5,
        release=1.4,
    ),
    "laugh": partial(
        sing,
        note="d4",
        seconds=2.0,
        word="axa",
        size=1.12,
        bend=(5.0, 2.0, -3.0),
        sync=5.5,
        air=0.3,
    ),
    "growl": partial(
        sing,
        note="a1",
        seconds=3.0,
        word="xax",
        size=0.8,
        slope=0.8,
        rough=0.9,
        air=0.2,
        cents=10.0,
    ),
    "purr": partial(
        sing,
        note="d1",
        seconds=3.6,
        word="mxm",
        size=1.3,
        slope=0.7,
        sync=1.1,
        air=0.7,
        rough=0.5,
        cents=0.0,
    ),
    "meow": partial(
        sing,
        note="a4",
        seconds=1.4,
        word="miaou",
        size=1.5,
        bend=(-3.0, 5.0, 3.0, -5.0),
        cents=8.0,
        slope=1.1,
    ),
    "robot-choir": partial(
        sing,
        note="a2",
        seconds=4.0,
        word="aeiou",
        singers=3,
        spread=30.0,
        cents=0.0,
        slope=0.6,
        air=0.0,
    ),
    "whisper": partial(whisper, seconds=3.0, word="xaeoiuae", size=1.1, syllables=2.6),
    "breath": partial(whisper, seconds=3.2, word="oax", size=1.05, attack=1.6, hiss=0.05),
    "hush": partial(whisper, seconds=1.8, word="ii", size=1.6, attack=0.12, hiss=4.0),
}

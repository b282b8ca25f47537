"""Strings, glass and metal set singing by friction.

The stick-slip sawtooth of Helmholtz through the resonances of the body (Schelleng 1973;
Mathews & Kohut 1973), with vibrato, bow noise and bow pressure opening the tone.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import cycle, ladder, modes, turns, vibrato
from .tools import (
    Signal,
    Voice,
    at_times,
    band,
    clock,
    highpass,
    lowpass,
    moving,
    pitch,
    points,
    resonate,
    room,
    samples,
    swell,
    wander,
    white,
)

# Air and wood resonances of a violin and its bridge hill; bigger bodies scale them down.
VIOLIN = (
    (275.0, 12.0, 1.0),
    (460.0, 14.0, 1.3),
    (550.0, 14.0, 1.4),
    (700.0, 12.0, 0.6),
    (1000.0, 10.0, 0.7),
    (1250.0, 12.0, 0.6),
    (2450.0, 2.2, 1.0),
    (3400.0, 6.0, 0.5),
)


def body(rng: np.random.Generator, x: Signal, size: float) -> Signal:
    """Send the string through a wooden body, `size` times a violin's, with its own fine grain."""
    grain = [
        (float(hz), float(rng.uniform(15.0, 30.0)), float(rng.uniform(0.3, 0.9)))
        for hz in rng.uniform(300.0, 5500.0, 16) / size**0.5
    ]
    large = [(hz / size, q, gain) for hz, q, gain in VIOLIN]
    return resonate(x, [*large, *grain], 0.25)


def bow(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    size: float,
    attack: float = 0.15,
    release: float = 0.5,
    cents: float = 18.0,
    rate: float = 5.4,
    press: float = 3500.0,
    slope: float = 1.0,
    rasp: float = 0.12,
    players: int = 1,
    tremolo: float = 0.0,
    bend: float = 0.0,
) -> Signal:
    """Draw a bow. `press` is how far the tone opens in Hz, `rasp` the noise of hair on string.

    `tremolo` repeats the stroke that many times a second; `bend` slides by so many semitones.
    """
    t = clock(seconds)
    slide = 2.0 ** (bend * points(seconds, (0.0, 0.0), (seconds * 0.3, 0.1), (seconds, 1.0)) / 12.0)
    table = ladder(pitch(note) * 1.04 * max(2.0 ** (bend / 12.0), 1.0), slope)
    table *= 0.6 + 0.4 * np.abs(np.sin(np.pi * 0.11 * np.arange(1, table.size + 1)))
    x = np.zeros(t.size)
    hair = highpass(lowpass(white(rng, seconds), 7000.0), 900.0) * (rasp / np.sqrt(players))
    for _ in range(players):
        tune = 2.0 ** (rng.normal(0.0, 5.0 if players > 1 else 0.5) / 1200.0)
        curve = vibrato(rng, pitch(note) * tune, seconds, cents, rate * rng.uniform(0.92, 1.08))
        phase = turns(curve * slide, rng.random())
        # Hair slips once a period, so the noise comes in breaths locked to the pitch.
        slip = 0.4 + (phase - np.floor(phase)) ** 4 * 3.0
        tone = cycle(phase, table) * (1.0 + 0.08 * wander(rng, seconds, 9.0))
        x += tone + np.roll(hair, int(rng.integers(hair.size))) * slip
    push = points(seconds, (0.0, 0.25), (attack * 1.5, 1.0), (seconds * 0.7, 0.9), (seconds, 0.4))
    x = moving(x, lambda at, hz: 1.0 / np.sqrt(1.0 + (hz / (press * at_times(at, push))) ** 4))
    x = body(rng, x, size) * swell(seconds, attack, release, 0.15)
    if tremolo:
        strokes = np.abs(np.sin(np.pi * tremolo * (t + 0.03 * wander(rng, seconds, 3.0))))
        x *= 0.15 + 0.85 * strokes**0.6
    return room(rng, x, 0.2, 0.9)


def rub(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    ratios: tuple[float, ...],
    rough: float,
    beat: float = 1.5,
    attack: float = 0.8,
) -> Signal:
    """Rub glass or metal: friction noise feeds narrow resonances, so each partial breathes.

    `rough` is how far, 0 to 1, the partials wander instead of holding steady.
    """
    t = clock(seconds)
    x = np.zeros(t.size)
    for i, ratio in enumerate(ratios):
        hz = pitch(note) * ratio * 2.0 ** (rng.normal(0.0, 4.0) / 1200.0)
        if hz > 16000.0:
            continue
        curve = hz * (1.0 + 0.0012 * rough * wander(rng, seconds, 6.0))
        loud = np.clip(1.0 - rough + rough * (0.6 + wander(rng, seconds, 4.0)), 0.0, 2.0)
        late = swell(seconds, attack * (1.0 + 0.25 * i), 0.9)
        phase = 2.0 * np.pi * turns(curve)
        twin = 0.6 * np.sin(phase + 2.0 * np.pi * beat * rng.uniform(0.4, 1.0) * t)
        tone = np.sin(phase) + twin
        tone += 2.0 * band(white(rng, seconds), hz, 90.0)
        x += tone * loud * late * (i + 1.0) ** -0.75
    x += highpass(white(rng, seconds), 2500.0) * 0.02 * swell(seconds, attack, 0.9)
    return room(rng, x, 0.25, 1.2, 7000.0)


def creak(rng: np.random.Generator, *, seconds: float, low: float, high: float) -> Signal:
    """Open an old door: slow irregular slips, each ringing the wood (Rath & Rocchesso 2005)."""
    speed = points(
        seconds,
        (0.0, low),
        (seconds * 0.45, high),
        (seconds * 0.7, high * 0.5),
        (seconds, low * 1.3),
    )
    speed = speed * 2.0 ** (0.35 * wander(rng, seconds, 11.0))
    steps = np.diff(np.floor(turns(speed)), prepend=0.0)
    kicks = np.where(steps > 0.0, rng.uniform(0.3, 1.0, steps.size), 0.0)
    wood = modes(
        np.array([310.0, 480.0, 745.0, 1130.0, 1690.0, 2350.0, 3300.0]),
        np.array([1.0, 0.8, 1.0, 0.7, 0.6, 0.4, 0.3]),
        np.array([0.07, 0.06, 0.06, 0.05, 0.04, 0.03, 0.03]),
        0.12,
    )
    size = 1 << (steps.size + wood.size).bit_length()
    x = np.fft.irfft(np.fft.rfft(kicks, size) * np.fft.rfft(wood, size), size)[: samples(seconds)]
    return room(rng, x * swell(seconds, 0.15, 0.4), 0.25, 0.8)


SOUNDS: dict[str, Voice] = {
    "violin-a4": partial(bow, note="a4", seconds=3.6, size=1.0, cents=24.0, rate=5.9),
    "violin-e6": partial(bow, note="e6", seconds=3.0, size=1.0, cents=20.0, rate=6.2, press=6000.0),
    "viola-d4": partial(bow, note="d4", seconds=3.6, size=1.25, press=2600.0),
    "cello-g2": partial(bow, note="g2", seconds=4.5, size=2.3, cents=16.0, press=2200.0),
    "cello-d4": partial(
        bow, note="d4", seconds=4.0, size=2.3, cents=26.0, attack=0.3, press=3000.0
    ),
    "bass-bow": partial(
        bow, note="e1", seconds=5.0, size=3.6, cents=8.0, attack=0.35, press=1500.0, rasp=0.25
    ),
    "strings": partial(bow, note="c4", seconds=5.0, size=1.3, attack=0.9, release=1.2, players=9),
    "strings-low": partial(
        bow, note="a2", seconds=5.5, size=2.3, attack=1.2, release=1.4, players=7, press=1500.0
    ),
    "tremolo": partial(
        bow, note="e4", seconds=3.6, size=1.1, players=5, tremolo=13.0, press=4500.0
    ),
    "spiccato": partial(
        bow, note="g4", seconds=1.0, size=1.0, attack=0.015, release=0.75, cents=0.0, rasp=0.4
    ),
    "ponticello": partial(
        bow, note="b3", seconds=3.2, size=1.0, cents=6.0, slope=0.45, press=8000.0, rasp=0.5
    ),
    "flautando": partial(
        bow,
        note="f#5",
        seconds=3.6,
        size=1.1,
        cents=10.0,
        slope=2.2,
        press=1800.0,
        rasp=0.2,
        attack=0.5,
    ),
    "glissando": partial(bow, note="d4", seconds=3.6, size=1.4, cents=12.0, bend=12.0),
    "erhu": partial(
        bow,
        note="d5",
        seconds=3.6,
        size=0.75,
        cents=45.0,
        rate=6.3,
        slope=0.7,
        bend=-2.0,
        press=4500.0,
    ),
    "hurdy-gurdy": partial(
        bow,
        note="g3",
        seconds=4.0,
        size=0.9,
        cents=3.0,
        slope=0.6,
        rasp=0.6,
        players=3,
        press=5000.0,
    ),
    "musical-saw": partial(
        bow,
        note="e5",
        seconds=4.0,
        size=1.0,
        cents=70.0,
        rate=5.6,
        slope=3.2,
        bend=5.0,
        rasp=0.03,
        attack=0.4,
    ),
    "glass-harp": partial(rub, note="a4", seconds=5.0, ratios=(1.0, 2.32, 4.25), rough=0.15),
    "bowl-sung": partial(
        rub,
        note="c3",
        seconds=6.0,
        ratios=(1.0, 2.78, 5.18, 8.16),
        rough=0.25,
        beat=3.5,
        attack=1.6,
    ),
    "bowed-gong": partial(
        rub,
        note="b2",
        seconds=6.0,
        ratios=(1.0, 1.52, 2.44, 3.62, 5.2, 6.9, 9.1, 12.3, 16.7, 22.1),
        rough=0.9,
        beat=4.0,
        attack=1.5,
    ),
    "waterphone": partial(
        rub,
        note="g4",
        seconds=5.0,
        ratios=(1.0, 1.26, 1.71, 2.19, 2.83, 3.67, 5.03, 6.41),
        rough=1.0,
        beat=7.0,
        attack=0.5,
    ),
    "creak": partial(creak, seconds=2.6, low=18.0, high=120.0),
}

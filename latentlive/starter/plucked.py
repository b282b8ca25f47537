"""Strings pulled and let go.

Extended Karplus-Strong (Karplus & Strong 1983; Jaffe & Smith 1983) through the resonances of
a body.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import string, tap
from .tools import Signal, Voice, fall, lowpass, pad, pitch, resonate, room, samples, white

NO_BODY: tuple[tuple[float, float, float], ...] = ()
GUITAR = ((102.0, 8.0, 1.4), (204.0, 9.0, 1.2), (390.0, 10.0, 0.9), (1150.0, 3.0, 0.4))
SMALL = ((280.0, 8.0, 1.4), (470.0, 8.0, 1.3), (900.0, 6.0, 0.8), (2400.0, 3.0, 0.6))
HARP = ((150.0, 5.0, 0.8), (260.0, 5.0, 0.8), (520.0, 4.0, 0.5))
DRUMHEAD = ((330.0, 4.0, 2.0), (760.0, 4.0, 2.2), (1900.0, 2.5, 1.6))


def pluck(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    high: float,
    soft: float,
    place: float = 0.18,
    stiff: float = 0.0,
    body: tuple[tuple[float, float, float], ...] = NO_BODY,
    double: float = 0.3,
    knock: float = 0.1,
    buzz: float = 0.0,
) -> Signal:
    """Pluck a string. `high` is the T60 at 4 kHz, `soft` the finger's cutoff in Hz.

    A second, slightly mistuned string (`double` Hz away) gives the two polarisations their
    slow beat; `buzz` lets the string graze a curved bridge, as on a sitar.
    """
    hz = pitch(note)
    # The pick bends the string once and lets go: one period of dull noise, no longer.
    burst = lowpass(pad(white(rng, 1.0 / hz), 1.0 / hz + 0.01), soft)
    x = string(burst, hz, seconds, t60, high, place, stiff)
    x += 0.6 * string(burst, hz + double, seconds, t60 * 0.8, high, place * 1.1, stiff)
    x /= np.max(np.abs(x))
    if buzz:
        # A one-sided bridge clips each swing differently as the string calms down.
        level = np.sqrt(fall(seconds, t60 * 0.7)) * 0.5 + 0.05
        x = x + buzz * np.maximum(x / level - 0.25, 0.0) * level
        x = resonate(x, ((1400.0, 2.0, 1.2), (2600.0, 2.0, 1.4), (4200.0, 3.0, 0.9)), 0.7)
    if body:
        x = resonate(x, body, 0.6)
    x /= np.max(np.abs(x))
    x += pad(tap(rng, 0.05, 0.02, 200.0, 4000.0), seconds) * knock
    return room(rng, x, 0.13, 0.6)


def strum(
    rng: np.random.Generator,
    *,
    notes: tuple[str, ...],
    seconds: float,
    gap: float,
    t60: float,
    high: float,
    soft: float,
    body: tuple[tuple[float, float, float], ...],
    stiff: float = 0.0,
) -> Signal:
    """Draw a hand across several strings, `gap` seconds apart, each left ringing."""
    x = np.zeros(samples(seconds))
    for i, note in enumerate(notes):
        hz = pitch(note) * 2.0 ** (rng.normal(0.0, 3.0) / 1200.0)
        start = samples(0.003 + i * gap * rng.uniform(0.85, 1.15))
        burst = lowpass(pad(white(rng, 1.0 / hz), 1.0 / hz + 0.01), soft)
        left = seconds - start / 44100.0
        tone = string(burst, hz, left, t60, high, rng.uniform(0.12, 0.3), stiff)
        tone /= np.max(np.abs(tone))
        x[start : start + tone.size] += tone[: x.size - start] * rng.uniform(0.7, 1.0)
    return room(rng, resonate(x, body, 0.6), 0.15, 0.8)


SOUNDS: dict[str, Voice] = {
    "nylon-e3": partial(
        pluck, note="e3", seconds=3.6, t60=4.0, high=0.35, soft=1800.0, body=GUITAR
    ),
    "steel-a2": partial(
        pluck,
        note="a2",
        seconds=4.5,
        t60=7.0,
        high=1.6,
        soft=7000.0,
        place=0.1,
        stiff=6e-5,
        body=GUITAR,
    ),
    "harp-c5": partial(
        pluck,
        note="c5",
        seconds=3.0,
        t60=3.2,
        high=0.7,
        soft=2600.0,
        place=0.45,
        body=HARP,
        knock=0.05,
    ),
    "harp-c2": partial(
        pluck,
        note="c2",
        seconds=5.0,
        t60=7.5,
        high=0.5,
        soft=900.0,
        place=0.4,
        body=HARP,
        knock=0.05,
    ),
    "koto-d4": partial(
        pluck,
        note="d4",
        seconds=3.0,
        t60=3.0,
        high=0.9,
        soft=6000.0,
        place=0.07,
        body=SMALL,
        knock=0.3,
    ),
    "banjo-g4": partial(
        pluck,
        note="g4",
        seconds=1.5,
        t60=1.0,
        high=0.45,
        soft=9000.0,
        place=0.09,
        body=DRUMHEAD,
        knock=0.35,
    ),
    "sitar-c3": partial(
        pluck,
        note="c3",
        seconds=4.5,
        t60=6.0,
        high=2.0,
        soft=6000.0,
        place=0.08,
        buzz=1.6,
        double=0.8,
    ),
    "bass-e1": partial(
        pluck,
        note="e1",
        seconds=4.0,
        t60=5.0,
        high=0.3,
        soft=900.0,
        place=0.2,
        stiff=1e-4,
        knock=0.15,
    ),
    "bass-slap": partial(
        pluck,
        note="a1",
        seconds=2.4,
        t60=3.0,
        high=0.9,
        soft=9000.0,
        place=0.06,
        stiff=2e-4,
        knock=0.8,
    ),
    "pizz-g3": partial(
        pluck, note="g3", seconds=1.3, t60=0.7, high=0.16, soft=2200.0, body=SMALL, knock=0.3
    ),
    "lute-d4": partial(
        pluck,
        note="d4",
        seconds=2.4,
        t60=1.9,
        high=0.4,
        soft=3500.0,
        place=0.15,
        body=SMALL,
        double=1.1,
    ),
    "mandolin": partial(
        pluck,
        note="a4",
        seconds=1.8,
        t60=1.5,
        high=0.8,
        soft=9000.0,
        place=0.11,
        body=SMALL,
        double=1.6,
    ),
    "harpsichord": partial(
        pluck,
        note="f3",
        seconds=3.2,
        t60=3.6,
        high=1.8,
        soft=14000.0,
        place=0.06,
        double=0.35,
        knock=0.25,
    ),
    "clavi-c3": partial(
        pluck,
        note="c3",
        seconds=2.2,
        t60=2.0,
        high=0.8,
        soft=5000.0,
        place=0.35,
        buzz=0.5,
        knock=0.3,
    ),
    "piano-c2": partial(
        pluck,
        note="c2",
        seconds=5.0,
        t60=9.0,
        high=1.0,
        soft=1600.0,
        place=0.125,
        stiff=3e-4,
        body=HARP,
    ),
    "piano-wire": partial(
        pluck,
        note="f1",
        seconds=5.0,
        t60=9.0,
        high=2.4,
        soft=8000.0,
        place=0.03,
        stiff=3e-3,
        double=0.15,
    ),
    "dulcimer": partial(
        pluck,
        note="e4",
        seconds=3.2,
        t60=3.6,
        high=1.3,
        soft=7000.0,
        place=0.13,
        double=1.3,
        body=SMALL,
    ),
    "strum": partial(
        strum,
        notes=("e2", "b2", "e3", "g3", "b3", "e4"),
        seconds=4.0,
        gap=0.022,
        t60=5.0,
        high=1.2,
        soft=6000.0,
        body=GUITAR,
    ),
    "harp-run": partial(
        strum,
        notes=("c4", "d4", "e4", "g4", "a4", "c5", "d5", "e5", "g5", "a5", "c6", "d6", "e6"),
        seconds=3.6,
        gap=0.075,
        t60=2.6,
        high=0.7,
        soft=4000.0,
        body=HARP,
    ),
}

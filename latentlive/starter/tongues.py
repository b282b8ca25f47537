"""Metal tongues flicked with a thumb, a pin or a finger.

Modal synthesis with the modes of a bar clamped at one end (Fletcher & Rossing 1998).
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import modes, pairs, tap
from .tools import Signal, Voice, clock, lowpass, pad, pitch, resonate, room, white

CLAMPED = (1.0, 6.27, 17.55, 34.4)


def lamella(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    t60: float,
    hard: float,
    buzz: float = 0.0,
    comb: float = 0.0,
) -> Signal:
    """Flick a metal tongue; `buzz` adds the bottle tops of an mbira, `comb` a music box's ring."""
    ratio = np.array(CLAMPED) * 2.0 ** (rng.normal(0.0, 12.0, len(CLAMPED)) / 1200.0)
    hz = pitch(note) * ratio
    gain = np.array([1.0, 0.5, 0.3, 0.15]) / (1.0 + (hz / hard) ** 2)
    x = modes(*pairs(rng, hz, gain, t60 * ratio**-0.8, 0.9), seconds)
    x /= np.max(np.abs(x))
    if comb:
        x += comb * modes(hz[:1] * 2.0, np.ones(1), np.array([t60 * 0.7]), seconds)
    if buzz:
        x += buzz * np.abs(x) ** 1.5 * lowpass(white(rng, seconds), 6000.0) * 1.5
    x += pad(tap(rng, 0.04, 0.015, 600.0, 7000.0), seconds) * 0.25
    return room(rng, resonate(x, ((210.0, 4.0, 0.5), (430.0, 5.0, 0.4)), 0.9), 0.15, 0.5)


def twang(rng: np.random.Generator, *, note: str, seconds: float) -> Signal:
    """Play a jaw harp: a buzzing reed whose mouth sweeps one bright formant up and down."""
    t = clock(seconds)
    reed = modes(
        pitch(note) * np.arange(1.0, 90.0),
        np.arange(1.0, 90.0) ** -0.35 * rng.choice([-1.0, 1.0], 89),
        3.2 * np.arange(1.0, 90.0) ** -0.12,
        seconds,
    )
    mouths = [
        resonate(reed, ((hz, 9.0, 1.0), (hz * 2.4, 8.0, 0.4)), 0.1)
        for hz in (620.0, 950.0, 1450.0, 2100.0)
    ]
    place = 1.5 + 1.5 * np.sin(2.0 * np.pi * 1.1 * t - 1.2)
    x = np.zeros_like(t)
    for i, mouth in enumerate(mouths):
        x += mouth * np.maximum(1.0 - np.abs(place - i), 0.0)
    return room(rng, x, 0.1, 0.4)


SOUNDS: dict[str, Voice] = {
    "kalimba-c4": partial(lamella, note="c4", seconds=2.4, t60=2.2, hard=2600.0),
    "mbira-g3": partial(lamella, note="g3", seconds=2.4, t60=1.9, hard=3500.0, buzz=0.6),
    "music-box": partial(lamella, note="e6", seconds=2.2, t60=2.0, hard=14000.0, comb=0.25),
    "jaw-harp": partial(twang, note="d2", seconds=3.0),
}

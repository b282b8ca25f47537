"""Pipes, reeds, brass and bottles.

Additive harmonics in two registers crossfaded by the breath, because louder is brighter
(Risset 1966 for brass; Benade 1976), waveshaping for reeds (Arfib 1979; Le Brun 1979), and
breath noise that resonates at the harmonics of the tube.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import cycle, ladder, turns, vibrato
from .tools import (
    Signal,
    Voice,
    clock,
    fall,
    highpass,
    lowpass,
    pad,
    pitch,
    points,
    resonate,
    room,
    swell,
    wander,
    white,
)

Peaks = tuple[tuple[float, float, float], ...]
FLAT: Peaks = ()
CLARINET: Peaks = ((1500.0, 2.0, 0.6), (3700.0, 3.0, 0.5))
OBOE: Peaks = ((1050.0, 4.0, 2.4), (2800.0, 4.0, 1.4))
BASSOON: Peaks = ((470.0, 4.0, 2.2), (1180.0, 4.0, 1.0))
SAX: Peaks = ((600.0, 2.5, 1.2), (1450.0, 3.0, 1.0), (3000.0, 3.0, 0.7))
TRUMPET: Peaks = ((1200.0, 1.6, 1.2), (2400.0, 2.0, 0.8))
TROMBONE: Peaks = ((560.0, 1.8, 1.2), (1300.0, 2.0, 0.6))
MOUTH: Peaks = ((560.0, 6.0, 1.6), (1500.0, 8.0, 1.6), (2300.0, 8.0, 1.0))


def breath(
    rng: np.random.Generator, seconds: float, hz: float, count: int, sharp: float, every: int = 1
) -> Signal:
    """Return breath noise ringing at `count` harmonics of a tube, RMS 1."""
    peaks = [(hz * (1 + i * every), sharp, (i + 1.0) ** -0.4) for i in range(count)]
    air = resonate(lowpass(white(rng, seconds), 9000.0), peaks, 0.15)
    return air / np.std(air)


def flute(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    slope: float = 2.0,
    odd: float = 1.0,
    air: float = 0.12,
    chiff: float = 0.3,
    attack: float = 0.09,
    release: float = 0.35,
    cents: float = 12.0,
    rate: float = 5.0,
    sharp: float = 25.0,
    bend: float = 0.0,
    pulse: float = 0.0,
) -> Signal:
    """Blow across an edge: a soft tone inside resonating breath, and a chiff before it speaks.

    `odd` scales the even harmonics (0 for a stopped pipe); `bend` scoops in from that many
    semitones away; `pulse` is the depth of the breath's own tremolo, 0 to 1.
    """
    hz = pitch(note)
    scoop = 2.0 ** (bend * points(seconds, (0.0, 1.0), (0.35, 0.0), (seconds, 0.0)) / 12.0)
    curve = vibrato(rng, hz, seconds, cents, rate, 0.4) * scoop
    table = ladder(hz * 1.06, slope)
    table[1::2] *= odd
    env = swell(seconds, attack, release, 0.1) * (1.0 + 0.07 * wander(rng, seconds, 6.0))
    phase = turns(curve)
    tone = cycle(phase, table**0.85) * env**2 + cycle(phase, table**1.4) * env
    noise = breath(rng, seconds, hz, 6, sharp, 1 if odd > 0.3 else 2)
    spit = points(seconds, (0.0, 0.0), (0.012, 1.0), (0.1, 0.25), (seconds, 0.0))
    x = tone / np.std(tone) + noise * (air * env + chiff * spit * (1.0 - env * 0.7))
    if pulse:
        x *= 1.0 - pulse * (0.5 + 0.5 * np.sin(2.0 * np.pi * turns(0.0 * curve + rate)))
    return room(rng, x, 0.18, 0.9)


def reed(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    bore: Peaks,
    even: float = 1.0,
    slope: float = 1.1,
    bright: float = 3000.0,
    air: float = 0.04,
    attack: float = 0.06,
    release: float = 0.25,
    cents: float = 10.0,
    growl: float = 0.0,
    reeds: int = 1,
    beat: float = 2.0,
) -> Signal:
    """Blow a reed: harmonics bent by waveshaping as the breath grows, through the bore.

    `even` is the share of even harmonics (a cylinder has few); several `reeds` beat against
    each other as in an accordion; `growl` hums into the tube.
    """
    hz = pitch(note)
    env = swell(seconds, attack, release, 0.12) * (1.0 + 0.05 * wander(rng, seconds, 7.0))
    x = np.zeros(env.size)
    table = ladder(hz * 1.03, slope, 9000.0)
    table[1::2] *= even
    for i in range(reeds):
        curve = vibrato(rng, hz + i * beat, seconds, cents, 5.2, 0.5)
        tone = cycle(turns(curve, rng.random()), table)
        x += tone / np.max(np.abs(tone))
    x /= reeds
    # An odd curve keeps a clarinet hollow; the bias lets a cone's even harmonics through.
    x = np.tanh(2.2 * x * env + 0.5 * even * (x * env) ** 2)
    if growl:
        hum = cycle(turns(vibrato(rng, hz * 0.47, seconds, 20.0)), ladder(hz, 1.5, 3000.0))
        x *= 1.0 + growl * hum
    x += env * air * breath(rng, seconds, hz, 5, 12.0)
    x = lowpass(resonate(x, bore, 0.6), bright * 2.0)
    return room(rng, x * np.sqrt(env), 0.15, 0.7)


def brass(
    rng: np.random.Generator,
    *,
    note: str,
    seconds: float,
    bell: Peaks,
    attack: float = 0.07,
    release: float = 0.3,
    peak: float = 1.0,
    cents: float = 8.0,
    swellto: float = 0.0,
    mute: float = 0.0,
    wobble: float = 0.02,
    players: int = 1,
) -> Signal:
    """Buzz the lips: spectrum richer with loudness (Risset), a blip of pitch at the onset.

    `peak` is the loudest brightness, 0 to 1; `swellto` delays it, as in a crescendo.
    """
    hz = pitch(note)
    if swellto:
        loud = points(seconds, (0.0, 0.0), (attack, 0.3), (swellto, 1.0), (seconds, 0.0))
    else:
        loud = swell(seconds, attack, release, 0.25)
        loud *= 1.0 + 0.35 * points(seconds, (0.0, 0.0), (0.05, 1.0), (0.25, 0.0), (seconds, 0.0))
    x = np.zeros(loud.size)
    for _ in range(players):
        tune = 2.0 ** (rng.normal(0.0, 4.0 if players > 1 else 0.5) / 1200.0)
        curve = vibrato(rng, hz * tune, seconds, cents, 5.0, 0.7)
        curve = curve * (
            1.0 + wobble * np.sin(2 * np.pi * 9.0 * clock(seconds)) * fall(seconds, 0.35)
        )
        phase = turns(curve, rng.random())
        for slope, level in ((3.2, 0.0), (1.9, 0.35), (1.0, 0.7), (0.45, 1.0)):
            part = np.clip(1.0 - np.abs(np.minimum(loud * peak, 1.0) - level) / 0.35, 0.0, None)
            table = ladder(hz * 1.05, slope, 12000.0)
            x += cycle(phase, table / np.sqrt(np.sum(table**2))) * part * loud
    x += loud * 0.02 * breath(rng, seconds, hz, 8, 10.0)
    x = resonate(x, bell, 0.5)
    if mute:
        x = highpass(resonate(x, ((1500.0, 6.0, 2.0), (3100.0, 6.0, 1.2)), 0.15), 600.0)
    return room(rng, x, 0.2, 1.1)


def toot(
    rng: np.random.Generator, *, notes: tuple[str, ...], seconds: float, steam: float
) -> Signal:
    """Sound a steam whistle: several stopped pipes at once, rising with the pressure."""
    press = swell(seconds, 0.18, 0.5) * (1.0 + 0.04 * wander(rng, seconds, 8.0))
    x = np.zeros(press.size)
    for note in notes:
        hz = pitch(note) * (0.94 + 0.06 * press) * 2.0 ** (rng.normal(0.0, 8.0) / 1200.0)
        table = np.array([1.0, 0.15, 0.4, 0.05, 0.12])
        x += cycle(turns(hz), table) * press
    x += highpass(white(rng, seconds), 1800.0) * steam * pad(press, seconds) ** 0.5
    return room(rng, x, 0.35, 1.4)


SOUNDS: dict[str, Voice] = {
    "flute-a4": partial(flute, note="a4", seconds=3.2),
    "piccolo": partial(flute, note="d7", seconds=2.2, air=0.08, cents=16.0, rate=5.8),
    "shakuhachi": partial(
        flute,
        note="d4",
        seconds=4.0,
        air=0.45,
        chiff=0.9,
        cents=30.0,
        rate=4.4,
        bend=-1.2,
        attack=0.2,
    ),
    "pan-pipe": partial(
        flute, note="g4", seconds=2.2, odd=0.1, air=0.35, chiff=1.2, cents=4.0, release=0.7
    ),
    "ocarina": partial(flute, note="f5", seconds=2.4, slope=4.0, air=0.06, chiff=0.1, cents=14.0),
    "bottle": partial(
        flute, note="b2", seconds=2.4, slope=3.6, odd=0.2, air=0.5, chiff=0.4, cents=2.0, attack=0.3
    ),
    "organ-pipe": partial(
        flute, note="c3", seconds=4.0, slope=1.3, air=0.03, chiff=0.25, cents=0.0, attack=0.05
    ),
    "whistle": partial(flute, note="b6", seconds=1.6, slope=5.0, air=0.1, cents=10.0, bend=-4.0),
    "clarinet-d3": partial(reed, note="d3", seconds=3.2, bore=CLARINET, even=0.08, bright=1800.0),
    "clarinet-b5": partial(reed, note="b5", seconds=2.6, bore=CLARINET, even=0.25, slope=1.8),
    "oboe-a4": partial(
        reed, note="a4", seconds=3.0, bore=OBOE, slope=0.8, cents=14.0, bright=5000.0
    ),
    "bassoon": partial(reed, note="bb1", seconds=3.0, bore=BASSOON, slope=0.9, bright=1600.0),
    "sax-f3": partial(reed, note="f3", seconds=3.0, bore=SAX, slope=0.9, air=0.1, growl=0.25),
    "harmonica": partial(
        reed,
        note="e5",
        seconds=2.4,
        bore=SAX,
        slope=0.7,
        reeds=2,
        beat=3.5,
        cents=6.0,
        bright=6000.0,
    ),
    "accordion": partial(
        reed,
        note="c4",
        seconds=3.4,
        bore=TROMBONE,
        slope=0.8,
        reeds=3,
        beat=1.7,
        cents=0.0,
        attack=0.12,
    ),
    "bagpipe": partial(
        reed,
        note="a3",
        seconds=4.0,
        bore=OBOE,
        slope=0.35,
        reeds=3,
        beat=0.7,
        cents=0.0,
        bright=7000.0,
    ),
    "didgeridoo": partial(
        reed,
        note="d2",
        seconds=5.0,
        bore=MOUTH,
        even=0.5,
        slope=0.9,
        growl=0.6,
        air=0.12,
        attack=0.25,
    ),
    "trumpet-c5": partial(brass, note="c5", seconds=2.6, bell=TRUMPET, cents=14.0),
    "trumpet-mute": partial(brass, note="g4", seconds=2.2, bell=TRUMPET, mute=1.0, cents=6.0),
    "horn-f3": partial(brass, note="f3", seconds=3.6, bell=TROMBONE, peak=0.5, attack=0.15),
    "trombone": partial(brass, note="bb2", seconds=3.0, bell=TROMBONE, peak=0.9),
    "tuba": partial(brass, note="f1", seconds=3.0, bell=TROMBONE, peak=0.55, attack=0.12),
    "brass-swell": partial(
        brass, note="d3", seconds=4.5, bell=TROMBONE, attack=0.8, swellto=3.4, players=5
    ),
    "conch": partial(
        brass, note="e3", seconds=4.0, bell=BASSOON, peak=0.35, attack=0.5, wobble=0.05
    ),
    "foghorn": partial(
        brass, note="a1", seconds=5.0, bell=BASSOON, attack=0.4, players=2, wobble=0.0
    ),
    "steam-whistle": partial(toot, notes=("c5", "eb5", "f#5", "a5"), seconds=3.0, steam=0.25),
}

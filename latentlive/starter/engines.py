"""Engines, motors and fans.

Pulse trains of exhaust through resonances (Farnell, Designing Sound, 2010); gear and blade
harmonics by wavetable over the noise of the air.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from .sources import cycle, ladder, turns
from .tools import (
    Signal,
    Voice,
    convolve,
    fall,
    highpass,
    lowpass,
    points,
    resonate,
    room,
    samples,
    swell,
    wander,
    white,
)

Peaks = tuple[tuple[float, float, float], ...]


def along(seconds: float, values: tuple[float, ...]) -> Signal:
    """Spread values evenly over the length, eased."""
    at = np.linspace(0.0, seconds, len(values))
    return points(seconds, *zip(at.tolist(), values, strict=True))


def engine(
    rng: np.random.Generator,
    *,
    seconds: float,
    firing: tuple[float, ...],
    cylinders: int,
    pipe: Peaks,
    bang: float,
    uneven: float = 0.15,
    hiss: float = 0.15,
    attack: float = 0.3,
    release: float = 0.5,
) -> Signal:
    """Run an engine: each firing is a puff, `bang` s long, and no two cylinders are alike.

    `firing` is the path of firings a second; `uneven` how much they differ.
    """
    rate = along(seconds, firing) * (1.0 + 0.03 * wander(rng, seconds, 6.0))
    count = np.floor(turns(rate)).astype(np.int64)
    hits = np.flatnonzero(np.diff(count, prepend=0) > 0)
    force = 1.0 + uneven * rng.standard_normal(cylinders)
    late = samples(0.004 * uneven) * rng.standard_normal(cylinders)
    train = np.zeros(rate.size)
    which = np.arange(hits.size) % cylinders
    where = np.clip(hits + late[which].astype(np.int64), 0, train.size - 1)
    np.add.at(train, where, force[which] * (1.0 + 0.1 * rng.standard_normal(hits.size)))
    puff = fall(0.12, bang) * (1.0 + lowpass(white(rng, 0.12), 900.0))
    puff *= 1.0 - fall(0.12, bang * 0.15)
    x = convolve(train, puff)
    gas = convolve(train, fall(0.12, bang * 2.0)) * lowpass(
        highpass(white(rng, seconds), 400.0), 3500.0
    )
    x = highpass(x, 30.0)
    x = x / np.std(x) + hiss * gas / np.std(gas)
    x = np.tanh(0.8 * resonate(x, pipe, 0.7))
    return room(rng, x * swell(seconds, attack, release), 0.12, 0.5)


def whirr(
    rng: np.random.Generator,
    *,
    seconds: float,
    turn: tuple[float, ...],
    gears: tuple[float, ...],
    slope: float,
    noise: float,
    hum: float = 0.0,
    chop: float = 0.0,
    case: Peaks = (),
    attack: float = 0.3,
    release: float = 0.5,
) -> Signal:
    """Spin a motor or a fan along a `turn` path in Hz, with `gears` as multiples of it.

    `chop` beats the air with every blade, 0 to 1; `hum` adds the mains at 50 Hz.
    """
    speed = along(seconds, turn) * (1.0 + 0.006 * wander(rng, seconds, 5.0))
    x = np.zeros(speed.size)
    for gear in gears:
        table = ladder(max(turn) * gear * 1.02, slope, 13000.0)
        table *= rng.uniform(0.3, 1.0, table.size)
        tone = cycle(turns(speed * gear, rng.random()), table)
        x += tone / np.std(tone) * rng.uniform(0.5, 1.0)
    air = lowpass(highpass(white(rng, seconds), 150.0), 5000.0)
    blade = turns(speed)
    air *= 1.0 - chop + chop * 2.0 * (0.5 + 0.5 * np.cos(2.0 * np.pi * blade)) ** 3
    x = x * (1.0 + 0.15 * np.sin(2.0 * np.pi * blade / 2.0)) / len(gears) + noise * air
    if hum:
        mains = cycle(
            turns(np.full(x.size, 50.0)), np.array([0.5, 1.0, 0.2, 0.6, 0.1, 0.4, 0.1, 0.3])
        )
        x += hum * mains
    x = resonate(x, case, 0.6) if case else x
    return room(rng, x * swell(seconds, attack, release), 0.12, 0.5)


SOUNDS: dict[str, Voice] = {
    "engine": partial(
        engine,
        seconds=5.0,
        firing=(24.0, 26.0, 70.0, 88.0, 60.0, 26.0),
        cylinders=4,
        pipe=((85.0, 4.0, 1.4), (210.0, 5.0, 1.0), (520.0, 4.0, 0.6)),
        bang=0.03,
    ),
    "tractor": partial(
        engine,
        seconds=4.0,
        firing=(9.0, 11.0, 11.0),
        cylinders=2,
        pipe=((62.0, 4.0, 1.5), (160.0, 4.0, 1.3), (900.0, 3.0, 0.4)),
        bang=0.07,
        uneven=0.3,
    ),
    "motorbike": partial(
        engine,
        seconds=4.0,
        firing=(30.0, 95.0, 55.0, 130.0, 170.0),
        cylinders=2,
        pipe=((140.0, 3.0, 1.2), (480.0, 3.0, 1.4), (1300.0, 2.0, 1.0)),
        bang=0.012,
        uneven=0.35,
        hiss=0.3,
    ),
    "steam-train": partial(
        engine,
        seconds=5.0,
        firing=(3.2, 4.2, 5.6, 7.0),
        cylinders=4,
        pipe=((180.0, 1.5, 0.5), (900.0, 1.0, 0.8)),
        bang=0.1,
        uneven=0.4,
        hiss=1.8,
    ),
    "helicopter": partial(
        engine,
        seconds=4.5,
        firing=(11.0, 12.5, 12.5, 12.0),
        cylinders=2,
        pipe=((55.0, 2.0, 1.6), (240.0, 2.0, 0.7), (1900.0, 1.5, 0.3)),
        bang=0.06,
        uneven=0.08,
        hiss=0.5,
        attack=1.2,
        release=1.2,
    ),
    "motor": partial(
        whirr,
        seconds=3.4,
        turn=(8.0, 95.0, 105.0, 105.0, 20.0),
        gears=(1.0, 6.0),
        slope=0.9,
        noise=0.15,
    ),
    "drill": partial(
        whirr,
        seconds=2.6,
        turn=(60.0, 290.0, 320.0, 250.0, 310.0, 90.0),
        gears=(1.0, 3.37),
        slope=0.5,
        noise=0.5,
        case=((1900.0, 4.0, 1.5), (3600.0, 4.0, 1.5)),
        attack=0.08,
    ),
    "fan": partial(
        whirr,
        seconds=4.0,
        turn=(21.0, 22.0, 21.5),
        gears=(1.0, 4.0),
        slope=1.6,
        noise=1.2,
        chop=0.35,
        attack=0.8,
    ),
    "turbine": partial(
        whirr,
        seconds=5.0,
        turn=(120.0, 480.0, 900.0, 1150.0),
        gears=(1.0, 2.73, 4.1),
        slope=1.8,
        noise=0.8,
        attack=1.5,
        release=0.8,
    ),
    "propeller": partial(
        whirr,
        seconds=4.0,
        turn=(38.0, 44.0, 43.0, 40.0),
        gears=(1.0, 2.0),
        slope=0.8,
        noise=0.6,
        chop=0.9,
    ),
    "mains": partial(
        whirr,
        seconds=3.6,
        turn=(100.0, 100.0),
        gears=(1.0,),
        slope=1.2,
        noise=0.03,
        hum=1.2,
        attack=0.05,
    ),
    "circular-saw": partial(
        whirr,
        seconds=3.0,
        turn=(700.0, 930.0, 780.0, 760.0, 900.0),
        gears=(1.0, 0.12),
        slope=0.45,
        noise=0.9,
        case=((2900.0, 6.0, 2.0), (5200.0, 5.0, 1.6)),
        attack=0.15,
    ),
    "vacuum": partial(
        whirr,
        seconds=3.4,
        turn=(90.0, 310.0, 330.0, 330.0, 120.0),
        gears=(1.0, 2.0),
        slope=1.3,
        noise=2.5,
        case=((650.0, 3.0, 1.0), (1700.0, 3.0, 1.0)),
    ),
}

"""The sound-making methods that several families share: modes, strings, cycles, grains."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .tools import (
    RATE,
    Signal,
    bins,
    clock,
    fall,
    fft_size,
    highpass,
    lowpass,
    points,
    samples,
    wander,
    white,
)


def modes(hz: Signal, gain: Signal, t60: Signal, seconds: float) -> Signal:
    """Sum decaying sines: modal synthesis (Adrien 1991; Fletcher & Rossing 1998), shape (n,).

    A mode's samples are the powers of one complex number, and powers factor into a coarse and
    a fine step, so the whole bank is two matrix products however many modes there are.
    """
    keep = (hz > 15.0) & (hz < 0.45 * RATE)
    hz, gain, t60 = hz[keep], gain[keep], t60[keep]
    step = (-6.9078 / t60 + 2j * np.pi * hz) / RATE
    fine, n = 512, samples(seconds)
    near = np.exp(np.outer(step, np.arange(fine)))
    far = np.exp(np.outer(np.arange(-(-n // fine)) * fine, step)) * gain
    # einsum rather than @: a threaded BLAS may sum in another order, and the last bits with it.
    blocks: Signal = np.einsum("mk,kf->mf", far.real, near.imag.copy())
    blocks += np.einsum("mk,kf->mf", far.imag, near.real.copy())
    return blocks.ravel()[:n]


def pairs(
    rng: np.random.Generator, hz: Signal, gain: Signal, t60: Signal, beat: float
) -> tuple[Signal, Signal, Signal]:
    """Split every mode into two, up to `beat` Hz apart, as in any body not perfectly round."""
    gap = beat * rng.uniform(0.3, 1.0, hz.size)
    share = rng.uniform(0.25, 0.75, hz.size)
    sign = rng.choice([-1.0, 1.0], hz.size)
    return (
        np.concatenate([hz - gap / 2, hz + gap / 2]),
        np.concatenate([gain * share * sign, gain * (1 - share) * sign]),
        np.concatenate([t60, t60 * rng.uniform(0.8, 1.0, hz.size)]),
    )


def tap(rng: np.random.Generator, seconds: float, t60: float, low: float, high: float) -> Signal:
    """Return the noise of a contact: a burst between `low` and `high` Hz, peak about 1."""
    burst = white(rng, seconds) * fall(seconds, t60)
    burst = highpass(lowpass(burst, high), low)
    return burst / max(float(np.max(np.abs(burst))), 1e-9)


def string(
    burst: Signal,
    hz: float,
    seconds: float,
    t60: float,
    t60_high: float,
    pluck: float = 0.2,
    stiff: float = 0.0,
) -> Signal:
    """Let a burst travel on a string: extended Karplus-Strong (Jaffe & Smith 1983), shape (n,).

    The loop (delay, loss, dispersion) is solved in the frequency domain on a circle slightly
    outside the unit circle, which gives exact tuning and any loss at the price of two FFTs.
    `t60_high` is the decay at 4 kHz, `pluck` the place along the string, `stiff` the
    inharmonicity B of f_k = k f sqrt(1 + B k^2).
    """
    n = samples(seconds)
    size = fft_size(2 * n)
    grow = 10.0 ** (6.0 / size)
    f = bins(size)
    k = f / hz
    if stiff > 0.0:
        k = np.sqrt((np.sqrt(1.0 + 4.0 * stiff * k**2) - 1.0) / (2.0 * stiff))
    rate = 6.9078 * (1.0 / t60 + (1.0 / t60_high - 1.0 / t60) * (f / 4000.0) ** 2)
    delay = RATE / hz
    loop = np.exp(-rate / hz) * grow**-delay * np.exp(-2j * np.pi * k)
    comb = 1.0 - grow ** (-delay * pluck) * np.exp(-2j * np.pi * k * pluck)
    short = burst[:n] * grow ** -np.arange(min(burst.size, n), dtype=np.float64)
    wave: Signal = np.fft.irfft(np.fft.rfft(short, size) * comb / (1.0 - loop), size)[:n]
    wave *= grow ** np.arange(n, dtype=np.float64)
    return wave


def vibrato(
    rng: np.random.Generator,
    hz: float,
    seconds: float,
    cents: float,
    rate: float = 5.4,
    onset: float = 0.5,
) -> Signal:
    """Return a pitch curve in Hz: vibrato that arrives after `onset` s, over a human drift."""
    speed = rate * (1.0 + 0.06 * wander(rng, seconds, 2.0))
    wave = np.sin(2.0 * np.pi * (np.cumsum(speed) / RATE + rng.random()))
    depth = points(seconds, (0.0, 0.0), (onset * 0.6, 0.05), (onset * 1.8 + 0.01, 1.0))
    drift = 4.0 * wander(rng, seconds, 3.0)
    curve: Signal = hz * 2.0 ** ((cents * depth * wave + drift) / 1200.0)
    return curve


def turns(hz: Signal, start: float = 0.0) -> Signal:
    """Return the phase in cycles of an oscillator whose pitch curve is `hz`."""
    phase: Signal = np.cumsum(hz) / RATE + start
    return phase


def ladder(top_hz: float, slope: float, limit: float = 15000.0) -> Signal:
    """Return harmonic amplitudes k**-slope, as many as fit under `limit` Hz at pitch `top_hz`."""
    return np.arange(1, max(int(limit / top_hz), 1) + 1, dtype=np.float64) ** -slope


def cycle(phase: Signal, harmonics: Signal, skew: Signal | None = None) -> Signal:
    """Play one period given by its harmonics: wavetable additive synthesis (Mathews 1969).

    `skew` holds the phase of each harmonic in radians; without it all are sines.
    """
    size = 8192
    spectrum = np.zeros(size // 2 + 1, dtype=np.complex128)
    turn = np.zeros(harmonics.size) if skew is None else skew
    spectrum[1 : harmonics.size + 1] = -0.5j * size * harmonics * np.exp(1j * turn)
    table = np.fft.irfft(spectrum, size)
    table = np.append(table, table[0])
    where = (phase - np.floor(phase)) * size
    left = np.minimum(where.astype(np.int64), size - 1)
    part = where - left
    wave: Signal = table[left] * (1.0 - part) + table[left + 1] * part
    return wave


def fm(phase: Signal, ratio: float, index: Signal) -> Signal:
    """Simple frequency modulation (Chowning 1973): `ratio` modulator to carrier, `index` curve."""
    wave: Signal = np.sin(2.0 * np.pi * phase + index * np.sin(2.0 * np.pi * ratio * phase))
    return wave


def crowd(rng: np.random.Generator, seconds: float, per_second: Signal | float) -> Signal:
    """Return sorted random event times in seconds: a Poisson process, steady or of a curve."""
    density = np.broadcast_to(np.asarray(per_second, dtype=np.float64), (samples(seconds),))
    total = np.cumsum(density) / RATE
    count = int(rng.poisson(total[-1]))
    times: Signal = np.interp(np.sort(rng.random(count)) * total[-1], total, clock(seconds))
    return times


def scatter(
    rng: np.random.Generator,
    seconds: float,
    times: Signal,
    grains: Sequence[Signal],
    gains: Signal,
) -> Signal:
    """Drop a randomly chosen grain at each time: granular synthesis (Roads 1978), shape (n,)."""
    n = samples(seconds)
    longest = max(g.size for g in grains)
    out = np.zeros(n + longest)
    which = rng.integers(0, len(grains), times.size)
    starts = np.minimum((times * RATE).astype(np.int64), n - 1)
    for pick, start, gain in zip(which.tolist(), starts.tolist(), gains.tolist(), strict=True):
        grain = grains[pick]
        out[start : start + grain.size] += gain * grain
    return out[:n]


def ping(hz: float, t60: float, rise: float = 0.0) -> Signal:
    """Return one damped sine, the voice of a bubble if its pitch rises (Minnaert 1933)."""
    seconds = min(t60 * 1.2 + 0.002, 1.5)
    t = clock(seconds)
    phase = hz * (t + 0.5 * rise * t * t / t60)
    ring: Signal = np.sin(2.0 * np.pi * phase) * np.exp(-6.9078 * t / t60)
    edge = min(samples(0.001), ring.size)
    ring[:edge] *= np.arange(edge) / edge
    return ring

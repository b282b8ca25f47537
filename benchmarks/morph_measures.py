"""How good is what lies between two sounds? Measures that need no listener.

A way from one sound to another is nine sounds; its ends are both sounds as the space rebuilds
them. `measured` returns a number for each name in `MEANING`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Row = dict[str, float]

RATE = 44100
AMOUNTS = np.linspace(0.0, 1.0, 9)
TINY = 1e-10
FULL = 1e-3
"""What a decibel is counted from where nothing else is said: 70 dB below it is the floor."""

MEANING = {
    "xf_sisdr": "dB, SI-SDR of the middle against both ends mixed; a crossfade has > 30; -> < 0",
    "novelty": "distance of the middle from the nearest mixture of the ends (powers added or "
    "geometric means), 24 bands an octave, over the distance of the ends; -> > .25",
    "c_lin": "1 - worst deviation of the ERB centroid from a straight line, over its range; -> 1",
    "c_mono": "share of steps in which the centroid moves towards the end; -> 1",
    "bulge": "ERB spread of the middle above the wider end's; -> < 0",
    "p_hit": "share of frames at 1/4, 1/2, 3/4 whose strongest pitch is within a semitone of the "
    "glide; of pairs with two pitches more than a minor third apart; -> 1",
    "p_both": "share of frames of the middle in which both ends' pitches are stronger than the "
    "glide; -> 0",
    "straight": "chord over path of the mean MFCCs; -> 1",
    "even": "smallest over largest step of the mean MFCCs; -> 1",
    "dip": "dB, level of the middle against the mean of the ends' decibels; -> 0",
    "lsd": "dB, rebuilt against original: log spectra at three resolutions; -> 0",
    "mcd": "dB, rebuilt against original: mel cepstra 1 to 24; -> 0",
    "f0_cents": "median error of the rebuilt pitch; -> 0",
    "f0_hit": "share of frames whose rebuilt pitch is within 50 cents; -> 1",
    "loud": "dB, mean error of the 23 ms level, down to 50 dB below the peak; -> < 1",
    "purity": "dB, how much flatter (noisier) the rebuilt fine spectrum is; -> 0",
    "attack": "dB, steepest rises of level within 6 ms against the original's; < 0: smeared; -> 0",
    "frame_mod": "dB, line at the frame rate in the envelope against the original's; -> 0",
    "x8_purity": "dB, the same of the sound read eight times slower; -> 0",
    "x8_frame_mod": "dB, the same of the sound read eight times slower; -> 0",
    "x8_rough": "dB, fluctuation at 20 to 150 Hz of the slowed sound against the sound; -> 0",
    "x8_level": "dB, level of the slowed sound against the sound; -> 0",
}


def powers(x: Floats, size: int, hop: int) -> Floats:
    """Return Hann power spectra [shape=(frames, size // 2 + 1)]."""
    padded = np.pad(np.asarray(x, np.float64), (size // 2, size // 2 + hop))
    cut = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    spectrum = np.fft.rfft(cut * np.hanning(size + 1)[:-1])
    result: Floats = (spectrum.real**2 + spectrum.imag**2) / (size / 4) ** 2
    return result


def decibels(power: Floats | float, top: float = FULL) -> Floats:
    """Return 10 log10, at least 70 dB below `top`."""
    result: Floats = 10.0 * np.log10(np.maximum(power, 1e-7 * top))
    return result


def bands(centres: Floats, size: int) -> Floats:
    """Return triangular bands over FFT bins; one narrower than a bin is the nearest bin."""
    hz = np.fft.rfftfreq(size, 1 / RATE)
    bank = np.array(
        [
            np.interp(hz, [low, mid, high], [0.0, 1.0, 0.0])
            for low, mid, high in zip(centres, centres[1:], centres[2:], strict=False)
        ]
    )
    narrow = ~bank.any(1)
    bank[narrow, np.rint(centres[1:-1][narrow] * size / RATE).astype(int)] = 1.0
    result: Floats = bank / bank.sum(1, keepdims=True)
    return result


@cache
def _mel() -> tuple[Floats, Floats]:
    edges = 700.0 * np.expm1(np.linspace(np.log1p(40 / 700), np.log1p(16000 / 700), 42))
    order = np.arange(25)[:, None]
    cosines = np.cos(np.pi / 40 * (np.arange(40) + 0.5) * order) * np.sqrt(2 / 40)
    return bands(edges, 2048).T, cosines.T


@cache
def _fine_bands() -> Floats:
    return bands(np.geomspace(80, 14000, 180), 8192).T


def cepstra(x: Floats) -> Floats:
    """Return 25 mel cepstra every 512 samples."""
    bank, cosines = _mel()
    power = powers(x, 2048, 512) @ bank
    result: Floats = np.log(power + max(1e-7 * power.max(), TINY)) @ cosines
    return result


def fine(x: Floats) -> Floats:
    """Return powers of 24 bands an octave, means over .19 s, summing to 1."""
    power = powers(x, 8192, 2048) @ _fine_bands()
    whole = len(power) // 4
    mean = power[: 4 * whole].reshape(whole, 4, -1).mean(1)
    result: Floats = mean / mean.sum(1, keepdims=True).clip(TINY)
    return result


def novelty(first: Floats, last: Floats, middle: Floats) -> float:
    """Return how far the middle is from any mixture of the ends, over how far these are apart."""
    parts = [fine(x) for x in (first, last, middle)]
    n = min(map(len, parts))
    a, b, m = (p[:n] for p in parts)
    log_a, log_b, log_m = (decibels(p, 1.0) for p in (a, b, m))
    mixtures = [decibels((1 - w) * a + w * b, 1.0) for w in (0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97)]
    for w in (0.0, 0.25, 0.5, 0.75, 1.0):
        mixtures.append(decibels(10 ** (((1 - w) * log_a + w * log_b) / 10), 1.0))
    away = []
    for mixture in mixtures:
        gap = mixture - log_m
        away.append(np.abs(gap - np.median(gap, 1, keepdims=True)).mean(1))
    apart = np.abs(log_a - log_b).mean()
    return float(np.min(away, 0).mean() / max(apart, 1e-3))


def place(x: Floats) -> tuple[float, float]:
    """Return the mean ERB centroid and spread, weighted by amplitude, of what sounds."""
    amplitude = np.sqrt(powers(x, 2048, 512))
    erb = 21.4 * np.log10(1 + 0.00437 * np.fft.rfftfreq(2048, 1 / RATE))
    weight = amplitude * np.gradient(erb)
    total = weight.sum(1)
    weight = weight[total > 0.03 * total.max()]
    weight /= weight.sum(1, keepdims=True)
    centroid = weight @ erb
    spread = np.sqrt(np.maximum(weight @ erb**2 - centroid**2, 0))
    return float(centroid.mean()), float(spread.mean())


PITCHES = 55 * 2 ** (np.arange(48 * 4.6) / 48)


@cache
def _pitch_kernels() -> Floats:
    hz = np.fft.rfftfreq(4096, 1 / RATE)
    ratio = hz / PITCHES[:, None]
    kernel = np.zeros_like(ratio)
    for harmonic in (1, 2, 3, 5, 7, 11):
        away = np.abs(ratio - harmonic)
        weight = np.select([away < 0.25, away < 0.75], [1.0, 0.5], 0.0)
        kernel += np.cos(2 * np.pi * ratio) * weight
    kernel *= np.where((hz > 0) & (hz < 6000), 1 / np.sqrt(np.maximum(hz, 1)), 0)
    norm = np.sqrt(np.sum(np.maximum(kernel, 0) ** 2, 1, keepdims=True))
    return (kernel / norm).T


def strengths(x: Floats) -> Floats:
    """Return how strong each of `PITCHES` is, about 0 to 1, every 1024 samples."""
    root = powers(x, 4096, 1024) ** 0.25
    root /= np.sqrt((root[:, :560] ** 2).sum(1, keepdims=True)).clip(1e-3)
    result: Floats = root @ _pitch_kernels()
    return result


def level(x: Floats, size: int = 1024) -> Floats:
    """Return the level [dB] of stretches."""
    n = len(x) // size
    return decibels(np.mean(np.reshape(x[: n * size], (n, size)) ** 2, 1) + 1e-9)


def flatness(x: Floats) -> float:
    """Return the spectral flatness [dB] of groups of 64 fine bins: low is tonal."""
    groups = powers(x, 8192, 2048)[:, 8 : 8 + 64 * 16].reshape(-1, 16, 64) + 1e-12
    mean = groups.mean(2)
    flat = 10 * np.log10(groups).mean(2) - 10 * np.log10(mean)
    return float((flat * np.sqrt(mean)).sum() / np.sqrt(mean).sum())


def fluctuation(x: Floats) -> tuple[Floats, Floats]:
    """Return rates [Hz] and powers of the level's fluctuations, relative to its mean."""
    envelope = np.convolve(np.asarray(x, float) ** 2, np.hanning(66) / 33, "same")[::16]
    n = len(envelope)
    relative = envelope / (envelope.mean() + TINY) - 1
    power = np.abs(np.fft.rfft(relative * np.hanning(n) / n)) ** 2
    return np.fft.rfftfreq(n, 16 / RATE), power


def frame_line(x: Floats, hop: int) -> float:
    """Return how far the frame rate, or twice it, stands out of the envelope [dB, >= 0]."""
    rates, power = fluctuation(x)
    worst = 0.0
    for rate in (RATE / hop, 2 * RATE / hop):
        near = (rates > 0.8 * rate) & (rates < 1.2 * rate)
        line = np.abs(rates - rate) < max(1.0, 1.5 * rates[1])
        over = power[line].max() / (power[near & ~line].max() + TINY)
        worst = max(worst, float(decibels(over)))
    return worst


def attack(x: Floats) -> float:
    """Return the mean of the three steepest rises within 256 samples [dB]."""
    steps = level(x, 256)
    rises = np.diff(np.maximum(steps, steps.max() - 60))
    return float(np.sort(rises)[-3:].mean())


def rebuilt(original: Floats, out: Floats, hop: int) -> Row:
    """Return how well a sound is rebuilt, its phases apart."""
    n = min(len(original), len(out))
    original, out = original[:n], out[:n]
    gaps = []
    for size in (512, 2048, 8192):
        p, q = powers(original, size, size // 4), powers(out, size, size // 4)
        top = float(p.max())
        gaps.append(np.abs(decibels(p, top) - decibels(q, top)).mean())
    row = {"lsd": float(np.mean(gaps))}
    away = (cepstra(original) - cepstra(out))[:, 1:]
    row["mcd"] = float(10 / np.log(10) * np.sqrt((away**2).sum(1) / 10).mean())
    strong, there = strengths(original), strengths(out)
    ratio = PITCHES[there.argmax(1)] / PITCHES[strong.argmax(1)]
    cents = 1200 * np.abs(np.log2(ratio))[strong.max(1) > 0.33]
    if len(cents) > 10:
        row |= {"f0_cents": float(np.median(cents)), "f0_hit": float(np.mean(cents < 50))}
    was = level(original)
    row["loud"] = float(np.abs(was - level(out))[was > was.max() - 50].mean())
    row["purity"] = flatness(out) - flatness(original)
    row["attack"] = attack(out) - attack(original)
    row["frame_mod"] = frame_line(out, hop) - frame_line(original, hop)
    return row


def glide(a: Floats, b: Floats, way: list[Floats]) -> Row:
    """Return p_hit and p_both, where both sounds have a pitch; the way has nine sounds."""
    n = len(way[0])
    from_, to = strengths(a[:n]), strengths(b[:n])
    fa, fb = PITCHES[from_.argmax(1)], PITCHES[to.argmax(1)]
    told = (from_.max(1) > 0.33) & (to.max(1) > 0.33) & (np.abs(np.log2(fa / fb)) > 0.25)
    if told.mean() <= 0.3:
        return {}
    hits = []
    for step in (2, 4, 6):
        t = AMOUNTS[step]
        heard = PITCHES[strengths(way[step]).argmax(1)]
        hits.append(np.abs(np.log2(heard / (fa ** (1 - t) * fb**t)))[told] < 1 / 12)
    middle = strengths(way[4])

    def around(hz: Floats) -> Floats:
        near = np.abs(PITCHES / hz[:, None] - 1) < 0.03
        return np.where(near, middle, -1.0).max(1)

    between, first, last = (around(f) for f in (np.sqrt(fa * fb), fa, fb))
    both = ((first > between) & (last > between))[told]
    return {"p_hit": float(np.mean(hits)), "p_both": float(np.mean(both))}


def between(a: Floats, b: Floats, way: list[Floats]) -> Row:
    """Return the measures of a way of nine sounds from `a` to `b`."""
    n = min(map(len, way))
    way = [x[:n] for x in way]
    first, middle, last = way[0], way[4], way[-1]
    mixed = first + last
    mixed = mixed * ((middle @ mixed) / max(float(mixed @ mixed), TINY))
    gap = middle - mixed
    row = {"xf_sisdr": float(decibels(float(mixed @ mixed)) - decibels(float(gap @ gap)))}
    row["novelty"] = novelty(first, last, middle)
    centroids, spreads = np.array([place(x) for x in way]).T
    span = centroids[-1] - centroids[0]
    if abs(span) > 1:
        line = centroids[0] + AMOUNTS * span
        row["c_lin"] = float(1 - np.abs(centroids - line).max() / abs(span))
        row["c_mono"] = float(np.mean(np.diff(centroids) * np.sign(span) > 0))
    row["bulge"] = float(spreads[4] - max(spreads[0], spreads[-1]))
    means = np.array([cepstra(x)[:, 1:14].mean(0) for x in way])
    steps = np.linalg.norm(np.diff(means, axis=0), axis=1)
    row["straight"] = float(np.linalg.norm(means[-1] - means[0]) / max(steps.sum(), TINY))
    row["even"] = float(steps.min() / max(steps.max(), TINY))
    loud = [float(decibels(float(np.mean(x**2)))) for x in (first, middle, last)]
    row["dip"] = loud[1] - (loud[0] + loud[2]) / 2
    return row | glide(a, b, way)


def slowed(original: Floats, slow: Floats, hop: int) -> Row:
    """Return the measures of a sound that is read eight times slower."""
    row = {"x8_purity": flatness(slow) - flatness(original)}
    row["x8_frame_mod"] = frame_line(slow, hop) - frame_line(original, hop)
    rough = []
    for x in (slow, original):
        rates, power = fluctuation(x)
        rough.append(float(power[(rates >= 20) & (rates < 150)].sum()) + 1e-9)
    row["x8_rough"] = float(decibels(rough[0]) - decibels(rough[1]))
    row["x8_level"] = float(decibels(np.mean(slow**2)) - decibels(np.mean(np.square(original))))
    return row


Morph = Callable[[Floats, Floats, float], Floats]
Stretch = Callable[[Floats, int], Floats]


def measured(morph: Morph, stretch: Stretch | None, hop: int, a: Floats, b: Floats) -> Row:
    """Return the measures of the way from `a` to `b`, and of both ends rebuilt.

    Parameters
    ----------
    morph : function of a, b and t
        The sound at t of the way.
    stretch : function of a sound and k, or None
        The sound read k times slower.
    hop : int [samples]
        Between frames, whose rate must not be heard.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    way = [np.asarray(morph(a, b, float(t)), np.float64) for t in AMOUNTS]
    row = between(a, b, way)
    row |= averaged([rebuilt(a, way[0], hop), rebuilt(b, way[-1], hop)])
    if stretch is not None:
        row |= slowed(a, np.asarray(stretch(a, 8), np.float64), hop)
    return row


def averaged(rows: list[Row] | list[Mapping[str, float]]) -> Row:
    """Return the mean of each measure over the rows that have it."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {n: float(np.mean([row[n] for row in rows if n in row])) for n in names}

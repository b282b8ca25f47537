"""Envelopes, filters, a small room and the final polish shared by every family of sounds.

Signals are one-dimensional float64 arrays at `RATE` samples a second; lengths are given in
seconds, frequencies in Hz, decays as T60 (the time to fall by 60 dB).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RATE = 44100
Signal: TypeAlias = NDArray[np.float64]
Spectrum: TypeAlias = NDArray[np.complex128]
Voice: TypeAlias = Callable[[np.random.Generator], Signal]

_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


def generator(name: str) -> np.random.Generator:
    """Return the random generator that belongs to one sound, whatever was made before it."""
    return np.random.Generator(np.random.PCG64(zlib.crc32(name.encode("utf-8"))))


def pitch(note: str) -> float:
    """Return the frequency in Hz of a note such as `a4` (440 Hz), `eb3` or `f#2`."""
    letter, octave = note[0], int(note[-1])
    shift = {"#": 1, "b": -1}.get(note[1:-1], 0)
    return float(440.0 * 2.0 ** ((_SEMITONES[letter] + shift - 9) / 12 + octave - 4))


def samples(seconds: float) -> int:
    """Return the number of samples in a length of time."""
    return round(seconds * RATE)


def clock(seconds: float) -> Signal:
    """Return the time in seconds of every sample, shape (n,)."""
    return np.arange(samples(seconds)) / RATE


def white(rng: np.random.Generator, seconds: float) -> Signal:
    """Return Gaussian white noise of unit variance, shape (n,)."""
    return rng.standard_normal(samples(seconds))


# --- envelopes -----------------------------------------------------------------------------


def points(seconds: float, *pairs: tuple[float, float]) -> Signal:
    """Return a curve through (time, value) pairs, eased so that no corner clicks, shape (n,)."""
    times = np.array([p[0] for p in pairs])
    values = np.array([p[1] for p in pairs])
    where = np.interp(clock(seconds), times, np.arange(times.size, dtype=np.float64))
    left = np.minimum(where.astype(np.int64), times.size - 2)
    part = where - left
    eased: Signal = part * part * (3.0 - 2.0 * part)
    curve: Signal = values[left] + np.diff(values)[left] * eased
    return curve


def swell(seconds: float, attack: float, release: float, dip: float = 0.0) -> Signal:
    """Return a sustained envelope: rise, hold (sinking by `dip`, 0 to 1), then fall to zero."""
    hold = max(seconds - release, attack + 0.01)
    end = max(seconds, hold + 0.01)
    return points(seconds, (0.0, 0.0), (attack, 1.0), (hold, 1.0 - dip), (end, 0.0))


def fall(seconds: float, t60: float) -> Signal:
    """Return an exponential decay from 1, losing 60 dB in `t60` seconds."""
    return np.exp(-6.9078 / t60 * clock(seconds))


def wander(rng: np.random.Generator, seconds: float, hz: float) -> Signal:
    """Return a slow random curve, about -1 to 1, moving `hz` times a second, shape (n,)."""
    count = int(np.ceil(seconds * hz)) + 2
    knots = np.clip(rng.standard_normal(count) * 0.6, -1.0, 1.0)
    where = clock(seconds) * hz
    left = where.astype(np.int64)
    part = where - left
    eased = part * part * (3.0 - 2.0 * part)
    curve: Signal = knots[left] + (knots[left + 1] - knots[left]) * eased
    return curve


# --- filters -------------------------------------------------------------------------------


def fft_size(length: int) -> int:
    """Return the next power of two, or 3/4 of it, that holds `length` samples."""
    size = 1 << max(length - 1, 1).bit_length()
    return size * 3 // 4 if size * 3 // 4 >= length else size


def bins(size: int) -> Signal:
    """Return the frequencies in Hz of a real FFT of `size` samples, shape (size // 2 + 1,)."""
    return np.linspace(0.0, RATE / 2, size // 2 + 1)


def through(x: Signal, response: Callable[[Signal], Spectrum | Signal]) -> Signal:
    """Filter by a frequency response given as a function of Hz; same length out.

    The responses below are those of causal analogue circuits, so transients never ring
    before they happen; half a second of padding keeps the tail from wrapping round.
    """
    size = fft_size(x.size + RATE // 2)
    hz = bins(size)
    shaped: Signal = np.fft.irfft(np.fft.rfft(x, size) * response(hz), size)
    return shaped[: x.size]


def lowpass(x: Signal, hz: float, order: int = 1) -> Signal:
    """Two-pole Butterworth low-pass, applied `order` times (12 dB an octave each)."""

    def response(f: Signal) -> Spectrum:
        u = f / hz
        return np.asarray((1.0 / (1.0 + 1.4142j * u - u**2)) ** order, dtype=np.complex128)

    return through(x, response)


def highpass(x: Signal, hz: float, order: int = 1) -> Signal:
    """Two-pole Butterworth high-pass, applied `order` times (12 dB an octave each)."""

    def response(f: Signal) -> Spectrum:
        u = f / hz
        return np.asarray((-(u**2) / (1.0 + 1.4142j * u - u**2)) ** order, dtype=np.complex128)

    return through(x, response)


def resonate(x: Signal, peaks: Sequence[tuple[float, float, float]], dry: float = 0.0) -> Signal:
    """Add resonances (Hz, Q, gain) in parallel to `dry` times the signal."""

    def response(f: Signal) -> Spectrum:
        total = np.full(f.shape, dry, dtype=np.complex128)
        for hz, q, gain in peaks:
            u = f / hz
            total += gain * (1j * u / q) / (1.0 - u**2 + 1j * u / q)
        return total

    return through(x, response)


def band(x: Signal, hz: float, q: float) -> Signal:
    """Keep one resonant band around `hz`."""
    return resonate(x, [(hz, q, 1.0)])


def tilt(x: Signal, db_per_octave: float, pivot: float = 1000.0) -> Signal:
    """Lean the spectrum around `pivot` Hz, flat below 25 Hz where nothing is heard."""
    power = db_per_octave / 6.0206
    return through(x, lambda f: (np.maximum(f, 25.0) / pivot) ** power)


def moving(x: Signal, mask: Callable[[Signal, Signal], Signal]) -> Signal:
    """Filter by a magnitude that changes in time: `mask(t, hz)` with t (frames, 1), hz (bins,).

    Overlap-add of 2048-sample frames, square-root Hann on the way in and on the way out.
    """
    size, hop = 2048, 512
    window = np.sqrt(0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(size) / size))
    padded = np.concatenate([np.zeros(size), x, np.zeros(size + hop)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    times = (np.arange(len(frames)) * hop - size / 2) / RATE
    hz = bins(size)
    gains = mask(np.maximum(times, 0.0)[:, None], hz)
    pieces = np.fft.irfft(np.fft.rfft(frames * window, axis=1) * gains, size, axis=1) * window
    out = np.zeros(padded.size + size)
    for lane in range(4):
        # Every fourth frame touches its neighbour without overlap: a lane is one reshape.
        flat = pieces[lane::4].ravel()
        out[lane * hop : lane * hop + flat.size] += flat
    result: Signal = out[size : size + x.size] * 0.5
    return result


def at_times(t: Signal, curve: Signal) -> Signal:
    """Read a sample-rate curve at the frame times of `moving`, keeping their shape."""
    read: Signal = curve[np.minimum((t * RATE).astype(np.int64), curve.size - 1)]
    return read


# --- space and polish ----------------------------------------------------------------------


def convolve(x: Signal, kernel: Signal) -> Signal:
    """Convolve and keep the first `x.size` samples."""
    size = fft_size(x.size + kernel.size)
    product = np.fft.rfft(x, size) * np.fft.rfft(kernel, size)
    wide: Signal = np.fft.irfft(product, size)
    return wide[: x.size]


def room(
    rng: np.random.Generator, x: Signal, wet: float = 0.15, t60: float = 0.7, dark: float = 5000.0
) -> Signal:
    """Place the sound in a small room: convolution with decaying noise (Moorer 1979).

    `wet` is the energy of the reverberation against that of the dry sound, 0 to 1.
    """
    tail = white(rng, t60) * fall(t60, t60) * points(t60, (0.0, 0.0), (0.02, 1.0), (t60, 1.0))
    wash = convolve(x, highpass(lowpass(tail, dark), 120.0))
    scale = float(np.sqrt(np.mean(x**2) / max(float(np.mean(wash**2)), 1e-20)))
    return x + wash * (scale * wet)


def pad(x: Signal, seconds: float) -> Signal:
    """Cut or extend with silence to a length in seconds."""
    n = samples(seconds)
    return np.concatenate([x[:n], np.zeros(max(n - x.size, 0))])


def _ease_peaks(x: Signal, crest: float) -> Signal:
    """Turn down the moments that stand more than `crest` above the RMS, 3 ms at a time."""
    block = 128
    blocks = np.abs(pad(x, (-(-x.size // block) * block) / RATE)).reshape(-1, block).max(axis=1)
    wide = np.pad(blocks, 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(wide, 5).max(axis=1)
    ceiling = crest * np.sqrt(np.mean(x**2))
    gain = (np.maximum(around, ceiling) / ceiling) ** -0.85
    centres = (np.arange(blocks.size) + 0.5) * block
    eased: Signal = x * np.interp(np.arange(x.size), centres, gain)
    return eased


def finish(x: Signal) -> NDArray[np.float32]:
    """Return the sound ready to play: no DC, eased ends, comparable level, float32, shape (n,).

    The level aims at an RMS of 0.13 and keeps the peak between 0.46 and 0.88.
    """
    x = _ease_peaks(highpass(x, 22.0), 5.0)
    rise, drop = samples(0.002), min(samples(0.3), x.size // 5)
    edges = np.ones(x.size)
    edges[:rise] = 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    edges[-drop:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, drop + 1) / drop)
    x = (x - np.sum(x * edges) / np.sum(edges)) * edges
    top = float(np.max(np.abs(x)))
    rms = float(np.sqrt(np.mean(x**2)))
    peak = float(np.clip(0.13 * top / rms, 0.46, 0.88))
    return (x * (peak / top)).astype(np.float32)

"""Loudness as it is perceived, in LUFS: ITU-R BS.1770-5, with the times of EBU Tech 3341."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.units import Samples

Complexes = NDArray[np.complex128]

STEPS_A_SECOND = 10
BLOCK, SHORT = 4, 30
"""Steps of a gated block, and of what is called short-term."""

FLOOR = -70.0
"""LUFS below which nothing counts."""

GATE = 10.0
"""LU below the mean of what counts at which a block still counts."""

LOUDEST, FINE = 30.0, 0.01
"""The loudest level that is told apart, and the width of the levels that are [LUFS]."""

BELOW_FLOOR = -math.inf


def weighting(frequencies: NDArray[Any], rate: int) -> Complexes:
    """Return the response of the K-weighting at some frequencies [Hz].

    A shelf for the head and a high-pass, as filters of second order at any rate: the standard
    gives them at 48 kHz (De Man, "Evaluation of implementations of the EBU R128 loudness
    measurement", AES 145, 2018, has what they are made of).
    """
    z = np.exp(-2j * np.pi * frequencies / rate)
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    edge = high**0.4996667741545416 * k / q
    shelf = _second_order(z, high + edge + k * k, k * k - high, high - edge + k * k)
    shelf /= _second_order(z, 1.0 + k / q + k * k, k * k - 1.0, 1.0 - k / q + k * k)
    k, q = math.tan(math.pi * 38.13547087602444 / rate), 0.5003270373238773
    a = 1.0 + k / q + k * k
    rumble = _second_order(z, 1.0, -1.0, 1.0)
    rumble /= _second_order(z, 1.0, (k * k - 1.0) / a, (1.0 - k / q + k * k) / a)
    return shelf * rumble


def _second_order(z: Complexes, first: float, half: float, last: float) -> Complexes:
    """Return a polynomial whose middle coefficient is twice `half`."""
    return first + 2.0 * half * z + last * z * z


class Meter:
    """Measures what it is given, in order, in pieces of any length.

    Parameters
    ----------
    rate : int [samples a second]
    channels : int
        All count alike.

    Example
    -------
    >>> meter = Meter(48000, 2)
    >>> tone = np.sin(2 * np.pi * 1000 / 48000 * np.arange(5 * 48000)) * 10 ** (-23 / 20)
    >>> meter.take(np.stack([tone, tone], axis=1).astype(np.float32))
    >>> round(meter.integrated, 1), round(meter.short_term, 1)
    (-23.0, -23.0)
    """

    def __init__(self, rate: int, channels: int) -> None:
        self._step = rate // STEPS_A_SECOND
        frequencies = np.fft.rfftfreq(BLOCK * self._step, 1.0 / rate)
        self._response = weighting(frequencies, rate)[:, None]
        # Filters of second order remember a tenth of a second at most: a step needs those before.
        self._heard = np.zeros((BLOCK * self._step, channels), np.float32)
        self._fresh = 0
        self._energies: list[float] = []
        levels = round((LOUDEST - FLOOR) / FINE)
        self._counts = np.zeros(levels, np.int64)
        self._sums = np.zeros(levels)

    def take(self, samples: Samples) -> None:
        """Take what comes next [shape=(n, channels)]."""
        while len(samples):
            part = samples[: self._step - self._fresh]
            samples = samples[len(part) :]
            self._heard = np.concatenate([self._heard[len(part) :], part])
            self._fresh += len(part)
            if self._fresh == self._step:
                self._fresh = 0
                self._measure()

    def _measure(self) -> None:
        """Add the energy of the last step, and the block that it ends."""
        spectrum = np.fft.rfft(self._heard, axis=0)
        heard = np.fft.irfft(spectrum * self._response, len(self._heard), axis=0)[-self._step :]
        self._energies = [*self._energies[1 - SHORT :], float((heard**2).mean(axis=0).sum())]
        block = self._energies[-BLOCK:]
        if len(block) == BLOCK:
            energy = sum(block) / BLOCK
            if (level := lufs(energy)) > FLOOR:
                found = min(int((level - FLOOR) / FINE), len(self._counts) - 1)
                self._counts[found] += 1
                self._sums[found] += energy

    @property
    def short_term(self) -> float:
        """The loudness of the last three seconds, or of what there is [LUFS]; -inf of silence."""
        return lufs(float(np.mean(self._energies))) if self._energies else BELOW_FLOOR

    @property
    def integrated(self) -> float:
        """The loudness of all, of its loud parts alone [LUFS]; -inf where nothing counts."""
        if not self._counts.any():
            return BELOW_FLOOR
        gate = lufs(float(self._sums.sum() / self._counts.sum())) - GATE
        first = max(math.ceil((gate - FLOOR) / FINE - 1e-9), 0)
        return lufs(float(self._sums[first:].sum() / max(self._counts[first:].sum(), 1)))


def lufs(energy: float) -> float:
    """Return the level of a weighted mean square, -inf of silence.

    >>> round(lufs(1.0), 3)
    -0.691
    """
    return -0.691 + 10.0 * math.log10(energy) if energy > 0.0 else BELOW_FLOOR

"""Rooms: impulse responses, synthesised or recorded, as the spectra that a reverb multiplies with.

A synthetic room is Gaussian noise, another one on each side, that decays exponentially (Moorer,
"About This Reverberation Business", 1979): by 60 dB in `seconds` where sound is low, faster where
it is high. A short-time Fourier transform applies the decay, so it is smooth over frequency.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK, F32, F64

C64 = NDArray[np.complex64]

LATE = 8 * BLOCK
"""Samples of a late partition."""

EARLY = 16
"""Early partitions, of a block each; where they end the late ones begin."""

LONGEST = 12.0
"""Seconds of a recording that count as a room."""

DAMPED_HZ = 2000.0
"""At damp 1 sound of this frequency dies away in half the time."""

CUT_DB = 72.0
"""Where a synthetic room ends."""

FADED = 0.1
"""Part of a room's end that fades, so that it is cut without a click."""

ONSET = 0.003
"""Seconds in which a synthetic room sets in."""

_FRAME, _HOP = 256, 128
_SEED = 228
"""The most even of 340: in an octave rooms decay within 3 % of what is declared, at 44.1 kHz."""

_KEPT = 96 * 2**20
"""Bytes of synthetic rooms that are kept."""


class Room:
    """A recording as a room.

    Parameters
    ----------
    recording : array [shape=(n,) or (n, 2)]
        At the engine's rate. Twelve seconds of it count; its energy becomes 1.
    rate : int [samples a second]

    Raises
    ------
    ValueError
        If it holds no sound, or what is no number.

    Example
    -------
    >>> Room(np.ones(44100, np.float32), 44100).samples
    44100
    """

    def __init__(self, recording: NDArray[np.floating], rate: int) -> None:
        given = np.asarray(recording, np.float64)[: round(LONGEST * rate)]
        if given.ndim == 1:
            given = np.stack([given, given], axis=1)
        if given.ndim != 2 or given.shape[1] != 2 or not len(given):
            raise ValueError(f"room: expected shape (n,) or (n, 2), got {np.shape(recording)}")
        if not np.isfinite(given).all() or not given.any():
            raise ValueError("room: a recording without sound, or with values that are no numbers")
        response = np.ascontiguousarray(given.T)
        fade = min(round(0.1 * rate), round(FADED * response.shape[1]))
        if fade > 1:
            response = response.copy()
            response[:, -fade:] *= np.cos(np.linspace(0.0, np.pi / 2, fade)) ** 2
        self._spectra(response)

    @classmethod
    def of(cls, response: F64) -> Room:
        """Return the room of an impulse response [shape=(2, n)]."""
        room = cls.__new__(cls)
        room._spectra(response)
        return room

    def _spectra(self, response: F64) -> None:
        response = response / np.sqrt((response**2).sum() / 2)
        self.samples = response.shape[1]
        split = EARLY * BLOCK
        self.early = _partitions(response[:, :split], BLOCK)
        self.late = _partitions(response[:, split:], LATE)

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        return self.early.nbytes + self.late.nbytes


def _partitions(response: F64, length: int) -> C64:
    """Return the spectra of parts of a response [shape=(2, parts, length + 1)]."""
    parts = -(-response.shape[1] // length)
    whole = np.zeros((2, parts * length), np.float32)
    whole[:, : response.shape[1]] = response
    if not parts:
        return np.zeros((2, 0, length + 1), np.complex64)
    return np.fft.rfft(whole.reshape(2, parts, length), 2 * length).astype(np.complex64, copy=False)


def decay(hz: F64, seconds: float, damp: float) -> F64:
    """Return the seconds in which sound of some frequencies [shape=(n,)] falls by 60 dB.

    >>> decay(np.array([0.0, 2000.0]), 3.0, 1.0).tolist()
    [3.0, 1.5]
    """
    return seconds / (1.0 + damp * hz / DAMPED_HZ)


def response(rate: int, seconds: float, damp: float) -> F64:
    """Return the impulse response of a synthetic room [shape=(2, n)]."""
    count = max(round(seconds * CUT_DB / 60.0 * rate), _FRAME)
    frames = -(-count // _HOP) + 1
    noise = np.stack([_noise(side, frames) for side in (0, 1)])
    window = np.sin(np.pi * (np.arange(_FRAME) + 0.5) / _FRAME)
    cut = np.lib.stride_tricks.sliding_window_view(noise, _FRAME, axis=1)[:, ::_HOP]
    spectra = np.fft.rfft(cut * window.astype(np.float32), axis=2)
    times = decay(np.fft.rfftfreq(_FRAME, 1.0 / rate).astype(np.float64), seconds, damp)
    nepers = np.log(1000.0) / rate / times
    at = np.arange(frames) * _HOP
    spectra *= np.exp(-np.multiply.outer(at, nepers)).astype(np.float32)
    parts = np.fft.irfft(spectra, _FRAME, axis=2).astype(np.float64)
    parts *= window
    whole = np.zeros((2, frames + 1, _HOP))
    whole[:, :-1] += parts[:, :, :_HOP]
    whole[:, 1:] += parts[:, :, _HOP:]
    # The first hop lies under one window alone: leave it out.
    found = whole.reshape(2, -1)[:, _HOP : _HOP + count]
    onset = min(round(ONSET * rate), count // 4)
    found[:, :onset] *= np.sin(np.linspace(0.0, np.pi / 2, onset)) ** 2
    fade = round(FADED * count)
    found[:, -fade:] *= np.cos(np.linspace(0.0, np.pi / 2, fade)) ** 2
    return found


@lru_cache(maxsize=4)
def _drawn(side: int, size: int) -> F32:
    rng = np.random.Generator(np.random.PCG64([_SEED, side]))
    return rng.standard_normal(size, np.float32)


def _noise(side: int, frames: int) -> F32:
    """Return noise for some frames: the beginning of the same noise for any number of them."""
    need = (frames + 1) * _HOP
    size = 1 << (need - 1).bit_length()
    return _drawn(side, size)[:need]


_rooms: OrderedDict[tuple[int, float, float], Room] = OrderedDict()
_keeping = threading.Lock()
"""Rooms may be made ahead, in a thread of their own."""


def synthetic(rate: int, seconds: float, damp: float) -> Room:
    """Return a synthetic room; the last ones that were asked for are kept."""
    key = rate, seconds, damp
    with _keeping:
        room = _rooms.get(key)
    if room is None:
        room = Room.of(response(rate, seconds, damp))
    with _keeping:
        _rooms[key] = room
        _rooms.move_to_end(key)
        while len(_rooms) > 1 and sum(r.size for r in _rooms.values()) > _KEPT:
            _rooms.popitem(last=False)
    return room

"""Set pitch, level and voicing in spectral vectors. All functions are pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from latentlive.spectral.grid import F32
from latentlive.spectral.layout import LEVEL_POWER, PITCH_REFERENCE, PLACES, POWER, over

VOICED, PITCH = PLACES["voiced"].start, PLACES["pitch"].start
HARMONIC = PLACES["harmonic"].start
PRESENCE, LEVEL = PLACES["presence"].start, PLACES["level"].start
_POSITIONS = ("position", "residue_position")

LOWEST_PITCH, HIGHEST_PITCH = 20.0, 6000.0


def _column(values: ArrayLike, n: int) -> F32:
    return np.broadcast_to(np.asarray(values, np.float32), (n,))


def _moved(z: F32, octaves: F32) -> F32:
    """Return vectors with pitch and positions raised by some octaves [shape=(n,)]."""
    out = z.copy()
    out[:, PITCH] += octaves * z[:, VOICED]
    for name in _POSITIONS:
        out[:, PLACES[name]] += (octaves * z[:, PRESENCE])[:, None]
    return out


def transposed(z: F32, semitones: ArrayLike) -> F32:
    """Return vectors transposed up by some semitones, pitched or not.

    Parameters
    ----------
    z : array [shape=(n, dims)]
    semitones : float or array [shape=(n,)]
    """
    steps = np.clip(np.nan_to_num(_column(semitones, len(z))), -120.0, 120.0)
    return _moved(z, steps / np.float32(12.0))


def pitched(z: F32, hz: ArrayLike) -> F32:
    """Return vectors with their pitch set in Hz, 20..6000; unpitched ones stay.

    Parameters
    ----------
    z : array [shape=(n, dims)]
    hz : float or array [shape=(n,), Hz]
    """
    wanted = np.log2(np.clip(_column(hz, len(z)), LOWEST_PITCH, HIGHEST_PITCH) / PITCH_REFERENCE)
    voiced = z[:, VOICED]
    has = voiced > np.float32(1e-3) * np.maximum(z[:, PRESENCE], 0.0)
    has &= voiced > 1e-6
    octaves = np.where(has, wanted - z[:, PITCH] / np.where(has, voiced, np.float32(1.0)), 0.0)
    out = _moved(z, octaves.astype(np.float32))
    # Set from the requested pitch: a sum of differences would be a little out of tune.
    out[:, PITCH] = np.where(has, wanted * voiced, z[:, PITCH])
    return out


def louder(z: F32, decibels: ArrayLike) -> F32:
    """Return vectors made louder by some dB.

    Parameters
    ----------
    z : array [shape=(n, dims)]
    decibels : float or array [shape=(n,), dB]
    """
    out = z.copy()
    gain = np.clip(np.nan_to_num(_column(decibels, len(z))), -200.0, 200.0)
    out[:, LEVEL] *= np.power(np.float32(10.0), gain * np.float32(LEVEL_POWER / 10.0))
    return out


def levelled(z: F32, decibels: ArrayLike) -> F32:
    """Return vectors at a level, RMS against full scale; silence stays silent.

    Parameters
    ----------
    z : array [shape=(n, dims)]
    decibels : float or array [shape=(n,), dB]
    """
    out = z.copy()
    wanted = np.clip(np.nan_to_num(_column(decibels, len(z)), nan=-200.0), -200.0, 20.0)
    root = np.power(
        np.float32(2.0) * np.power(np.float32(10.0), wanted / 10), np.float32(LEVEL_POWER)
    )
    out[:, LEVEL] = np.where(z[:, LEVEL] > 0, root, z[:, LEVEL])
    return out


def voiced(z: F32, amount: ArrayLike) -> F32:
    """Return vectors voiced by an amount, from 0 (spectrum only) to 1 (harmonics).

    An unpitched vector takes harmonics from its spectrum, at 200 Hz until `pitched` sets another
    pitch.

    Parameters
    ----------
    z : array [shape=(n, dims)]
    amount : float or array [shape=(n,)]
    """
    out = z.copy()
    presence, was = z[:, PRESENCE], z[:, VOICED]
    there = presence > 1e-4
    had = there & (was > np.float32(0.5) * presence)
    v = np.clip(np.nan_to_num(_column(amount, len(z))), 0.0, 1.0)
    out[:, VOICED] = v * presence * there
    out[:, HARMONIC] = np.maximum(z[:, HARMONIC], out[:, VOICED])
    out[:, PITCH] = over(z[:, PITCH], was, had) * had * out[:, VOICED]
    new = there & ~had
    if new.any():
        weight = presence[new, None]
        out[new, PLACES["harmonics"]] = weight * _from_spectrum(z[new] / weight)
        out[new, PLACES["residue_energy"]] *= np.float32(0.5)
    return out


def _from_spectrum(z: F32) -> F32:
    """Return harmonics of 200 Hz, each as strong as the spectrum around it."""
    place = PLACES["harmonics"]
    count = place.stop - place.start
    hz = np.float32(640.0) * np.exp2(np.clip(z[:, PLACES["position"]], -5.0, 5.0))
    number = np.clip(np.rint(hz / np.float32(PITCH_REFERENCE)), 1, count).astype(np.int64) - 1
    energy = np.power(np.clip(z[:, PLACES["energy"]], 0.0, 1.5), np.float32(1.0 / POWER))
    index = (number + np.arange(len(z))[:, None] * count).ravel()
    summed = np.bincount(index, energy.ravel(), len(z) * count).reshape(len(z), count)
    return np.power(summed, POWER).astype(np.float32)

"""The meaning of the numbers in a spectral vector.

A presence p, 1 for sound and 0 for silence, multiplies everything but the level, and the voicing
multiplies the pitch too. So a linear mix weighs each side by its content: silence does not affect
timbre, noise does not affect pitch, and two pitches glide in log f0. A pitched
sound may be harmonic or not: a bell is voiced and not harmonic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentlive.spectral.grid import F32, HIGHEST, LOWEST

ATOMS = 128
"""Shares of equal weight in a spectrum."""

RESIDUE = 32
"""Shares of the residue: a pitched spectrum without its harmonics."""

HARMONICS = 80
SLOTS = 8
"""Points of the envelopes inside a window."""

POWER = 0.15
"""Vectors hold energies to this power, close to loudness: steps are even, and 0 is silence."""

LEVEL_POWER = 0.2
"""Vectors hold the level to this power, so that half of it is 15 dB less."""

REFERENCE = 640.0
"""Hz at which a position is 0."""

PITCH_REFERENCE = 200.0
"""Hz at which a pitch is 0."""

_SIZES = {
    "position": ATOMS,
    "energy": ATOMS,
    "tone": ATOMS,
    "residue_position": RESIDUE,
    "residue_energy": RESIDUE,
    "residue_tone": RESIDUE,
    "noise_shape": SLOTS,
    "tone_shape": SLOTS,
    "harmonics": HARMONICS,
    "harmonic": 1,
    "voiced": 1,
    "pitch": 1,
    "presence": 1,
    "level": 1,
}

PLACES: dict[str, slice] = {}
"""The slice of each kind of number in a vector."""

for _name, _size in _SIZES.items():
    _start = sum(s.stop - s.start for s in PLACES.values())
    PLACES[_name] = slice(_start, _start + _size)

DIMS = PLACES["level"].stop

_BOUNDS = {
    "position": (np.log2(LOWEST / REFERENCE), np.log2(HIGHEST / REFERENCE)),
    "energy": (0.0, 1.5),
    "tone": (0.0, 1.0),
    "residue_position": (np.log2(LOWEST / REFERENCE), np.log2(HIGHEST / REFERENCE)),
    "residue_energy": (0.0, 1.5),
    "residue_tone": (0.0, 1.0),
    "noise_shape": (-3.0, 2.0),
    "tone_shape": (-3.0, 2.0),
    "harmonics": (0.0, 1.5),
    "harmonic": (0.0, 1.0),
    "voiced": (0.0, 1.0),
    "pitch": (-4.0, 5.0),
    "level": (0.0, 2.5),
}


@dataclass(frozen=True)
class Frames:
    """Vectors [n] taken apart and clipped to their bounds.

    Positions are in octaves from 640 Hz, the pitch in octaves from 200 Hz, energies to the
    power of .15 and relative, the level to the power of .2 and absolute.
    """

    position: F32
    energy: F32
    tone: F32
    residue_position: F32
    residue_energy: F32
    residue_tone: F32
    noise_shape: F32
    tone_shape: F32
    harmonics: F32
    harmonic: F32
    voiced: F32
    pitch: F32
    level: F32


def packed(frames: Frames, presence: F32) -> F32:
    """Return vectors [shape=(n, dims)] from their parts and the presence of each (0..1)."""
    z = np.empty((len(presence), DIMS), np.float32)
    for name, place in PLACES.items():
        if name != "presence":
            z[:, place] = getattr(frames, name).reshape(len(z), -1)
    z[:, PLACES["pitch"]] *= z[:, PLACES["voiced"]]
    z[:, PLACES["presence"]] = 1.0
    z[:, : PLACES["level"].start] *= presence[:, None]
    return z


def over(a: F32, b: F32, where: NDArray[np.bool_]) -> F32:
    """Return a / b where `where` is set, a elsewhere."""
    if where.all():
        # The usual divisor is presence, which is 1 unless a vector is mixed with silence.
        return a if (b == 1.0).all() else np.asarray(a / b)
    found: F32 = np.divide(a, b, out=a.copy(), where=where)
    return found


def unpacked(z: F32) -> Frames:
    """Return the parts of vectors [shape=(n, dims)]; invalid numbers become silence."""
    if not (z.min(initial=0.0) >= -1e6 and z.max(initial=0.0) <= 1e6):  # NaN is neither
        z = np.clip(z, np.float32(-1e6), np.float32(1e6))
        z[np.isnan(z)] = 0.0
    presence = z[:, PLACES["presence"]]
    there = presence > 1e-4
    plain = over(z, presence, there)
    parts = {name: plain[:, place] for name, place in PLACES.items() if name != "presence"}
    parts["pitch"] = over(parts["pitch"], parts["voiced"], parts["voiced"] > 1e-3)
    parts["level"] = z[:, PLACES["level"]] * there
    parts = {
        name: np.clip(part, np.float32(_BOUNDS[name][0]), np.float32(_BOUNDS[name][1]))
        for name, part in parts.items()
    }
    for name in ("position", "residue_position"):
        parts[name] = np.maximum.accumulate(parts[name], axis=1)
    for name in ("harmonic", "voiced", "pitch", "level"):
        parts[name] = parts[name][:, 0]
    return Frames(**parts)


def energies(roots: F32, power: float = POWER) -> F32:
    """Return energies from numbers stored to a power."""
    return np.power(roots, np.float32(1.0 / power))


def roots(energy: F32, power: float = POWER) -> F32:
    """Return energies as vectors store them: to a power."""
    return np.power(energy, np.float32(power)).astype(np.float32)

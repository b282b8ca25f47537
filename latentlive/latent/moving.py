"""Two ways to move vectors so that a descriptor of what they decode to changes.

`Straight`: where numbers stand for properties of a sound, along a line. `Shares`: where they code a
waveform, by raising some parts of it and lowering others. Sums run in an order of our own, so that
the bits of a vector do not depend on those around it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.latent.query import F32, Latents
from latentlive.units import Floats

FARTHEST = 6.0
"""Standard deviations that a descriptor is moved by at most, wherever the corpus ends."""

LOUDEST = 3.45
"""By how much energies are raised or lowered at most, as a natural logarithm: 15 dB."""

HALVINGS = 24
"""Steps of the search for a descriptor that is asked for."""

HEAD = 3
"""Rows of a straight direction before those of the cloud."""

NONE = 1e-20


class Straight(NamedTuple):
    """A direction along a line, in the cloud of the corpus.

    Parameters
    ----------
    rows : array [shape=(3 + axes, dims)]
        The mean vector; what the descriptor changes by for each number; the step by which it
        changes by 1; then the axes of the cloud.
    presence : float
        The place of the number that multiplies all others, -1 if there is none.
    constant : float
        The descriptor of the mean vector.
    std : float
        Of the descriptor in the corpus.
    gain : float
        How much farther to go than the fit says, for what is decoded to change as it is asked to.
    radius : float
        Of the cloud, in standard deviations along its axes.
    """

    rows: Floats
    presence: float
    constant: float
    std: float
    gain: float
    radius: float

    @property
    def numbers(self) -> Floats:
        """The single numbers, as an expression carries them."""
        return np.array([0.0, *self[1:]], np.float64)

    @property
    def dims(self) -> int:
        """Numbers of a vector."""
        return int(self.rows.shape[1])

    def expected(self, mean: F32 | Floats) -> Floats:
        """Return the descriptor that vectors are expected to have [shape=(n,)]."""
        centre, weights = self.rows[:2]
        plain = mean / whole(mean, int(self.presence))[:, None]
        return self.constant + summed(plain - centre, weights)

    def moved(self, latents: Latents, amount: Floats, target: bool) -> Latents:
        """Return latents moved along the direction, as far as the cloud reaches.

        Parameters
        ----------
        latents : Latents [shape=(n, dims)]
        amount : array [shape=(n,)]
            In standard deviations of the descriptor; with `target`, the descriptor to reach.
        target : bool
        """
        mean, std = latents
        scale = whole(mean, int(self.presence))
        far = amount - self.expected(mean) if target else amount * self.std
        most = FARTHEST * self.std
        far = self._within(mean / scale[:, None], np.clip(far * self.gain, -most, most))
        moved = mean + (scale * far)[:, None] * self.rows[HEAD - 1]
        return Latents(moved.astype(np.float32), std)

    def _within(self, plain: Floats, far: Floats) -> Floats:
        """Return how far to go so as to end in the cloud, or no farther outside than before."""
        centre, _, step = self.rows[:HEAD]
        inside, along, across = np.zeros(len(plain)), np.zeros(len(plain)), 0.0
        for axis in self.rows[HEAD:]:
            here, there = summed(plain - centre, axis), float(summed(step[None], axis)[0])
            inside += here * here
            along += here * there
            across += there * there
        left = np.minimum(inside - self.radius**2, 0.0)
        along = along * far
        square = np.maximum(across * far * far, 1e-30)
        reached = (np.sqrt(np.maximum(along * along - square * left, 0.0)) - along) / square
        part: Floats = far * np.clip(reached, 0.0, 1.0)
        return part


class Shares(NamedTuple):
    """A direction that raises some parts of a waveform and lowers others, and keeps the level.

    Parameters
    ----------
    rows : array [shape=(2 * parts, dims)]
        What a vector has of each part; then the vectors of the parts.
    weights : array [shape=(parts + 1,)]
        What the descriptor is for each share of the energy; the last one is the rest's.
    step : array [shape=(parts + 1,)]
        By how much each part is raised, as a logarithm.
    rest : float
        The energy of the rest, for each unit of its square.
    std : float
        Of the descriptor in the corpus.
    gain : float
        How far to go for what is decoded to change by 1.
    low, high : float
        The descriptor stays between, or is no farther outside than before.
    """

    rows: Floats
    weights: Floats
    step: Floats
    rest: float
    std: float
    gain: float
    low: float
    high: float

    @property
    def numbers(self) -> Floats:
        """The single numbers, as an expression carries them."""
        return np.concatenate([[1.0, *self[3:]], self.weights, self.step])

    @property
    def dims(self) -> int:
        """Numbers of a vector."""
        return int(self.rows.shape[1])

    def expected(self, mean: F32 | Floats) -> Floats:
        """Return the descriptor that vectors are expected to have [shape=(n,)]."""
        *_, energy = self._parts(mean)
        return self._heard(energy, np.zeros(len(mean)))

    def moved(self, latents: Latents, amount: Floats, target: bool) -> Latents:
        """Return latents moved as far as the corpus reaches; parameters as of `Straight`."""
        mean, std = latents
        parts, rest, energy = self._parts(mean)
        now, most = self._heard(energy, np.zeros(len(mean))), FARTHEST * self.std
        far = np.clip(amount, -FARTHEST, FARTHEST) * self.std * self.gain
        wanted = np.clip(amount, now - most, now + most) if target else self._heard(energy, far)
        reached = np.clip(wanted, np.minimum(now, self.low), np.maximum(now, self.high))
        searched = self._searched(energy, reached)
        far = np.where((reached == wanted) & ~np.bool_(target), far, searched)
        raised = np.exp(0.5 * self._logs(far))
        kept = np.add.reduce(energy * raised * raised, axis=1)
        raised *= np.sqrt(np.add.reduce(energy, axis=1) / np.maximum(kept, NONE))[:, None]
        moved = rest * raised[:, -1:]
        parts = parts * raised[:, :-1]
        for number, vector in enumerate(self.rows[parts.shape[1] :]):
            moved += parts[:, number, None] * vector
        nothing = far == 0.0
        return Latents(np.where(nothing[:, None], mean, moved).astype(np.float32), std)

    def _parts(self, mean: F32 | Floats) -> tuple[Floats, Floats, Floats]:
        """Return what vectors have of each part, the rest, and the energies of all."""
        count = len(self.rows) // 2
        parts, rest = np.zeros((len(mean), count)), mean.astype(np.float64)
        for number, row in enumerate(self.rows[:count]):
            parts[:, number] = summed(mean, row)
        for number, vector in enumerate(self.rows[count:]):
            rest -= parts[:, number, None] * vector
        energy = np.empty((len(mean), count + 1))
        energy[:, :-1] = parts * parts
        energy[:, -1] = self.rest * np.add.reduce(rest * rest, axis=1)
        return parts, rest, energy

    def _logs(self, far: Floats) -> Floats:
        """Return by how much each part is raised, as a logarithm of its energy."""
        logs: Floats = np.clip(far, -self._farthest, self._farthest)[:, None] * self.step
        return logs

    @property
    def _farthest(self) -> float:
        """How far until one part is raised or lowered by `LOUDEST`."""
        return LOUDEST / max(float(np.abs(self.step).max()), NONE)

    def _heard(self, energy: Floats, far: Floats) -> Floats:
        """Return the descriptor that is expected after a move."""
        raised = energy * np.exp(self._logs(far))
        total = np.maximum(np.add.reduce(raised, axis=1), NONE)
        found: Floats = summed(raised, self.weights) / total
        return found

    def _searched(self, energy: Floats, wanted: Floats) -> Floats:
        """Return how far to go for a descriptor, or as far as it goes."""
        low = np.full(len(wanted), -self._farthest)
        high = -low
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            above = self._heard(energy, middle) > wanted
            low, high = np.where(above, low, middle), np.where(above, middle, high)
        found: Floats = (low + high) / 2.0
        return found


Direction = Straight | Shares


def direction_of(rows: NDArray[np.float16], numbers: Floats) -> Direction | None:
    """Return the direction that an expression carries; None for what is none."""
    kind, *single = numbers.tolist()
    wide = rows.astype(np.float64)
    if kind == 0.0 and len(single) == 5 and len(rows) > HEAD:
        whole_number = single[0] == int(single[0]) and -1 <= single[0] < rows.shape[1]
        return Straight(wide, *single) if whole_number else None
    parts = len(rows) // 2
    if kind == 1.0 and len(single) == 5 + 2 * (parts + 1) and len(rows) == 2 * parts:
        weights, step = np.split(numbers[6:], 2)
        return Shares(wide, weights, step, *single[:5])
    return None


def whole(mean: F32 | Floats, presence: int) -> Floats:
    """Return what multiplies each vector [shape=(n,)]."""
    if presence < 0:
        return np.ones(len(mean))
    there = mean[:, presence].astype(np.float64)
    return np.where(there > 1e-4, there, 1.0)


def summed(rows: F32 | Floats, weights: Floats) -> Floats:
    """Return the weighted sum of each row, with bits that do not depend on the rows around it."""
    total: Floats = np.add.reduce(np.ascontiguousarray(rows * weights), axis=1)
    return total

"""Training a SpectralVAE: a network on top of spectral vectors of recordings.

Every part of a vector is compared in its own measure: places on the frequency axis count by the
energy that lies there, harmonics where there is a pitch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from latentlive.errors import ModelError
from latentlive.models.recipes import TrainingPlan
from latentlive.models.spectralvae import (
    BY,
    DECODER,
    ENCODER,
    HARMONIC,
    LEARNT,
    LEVEL,
    NAMED,
    PITCH,
    PRESENCE,
    TOLD,
    VOICED,
    SpectralVAE,
    described,
)
from latentlive.models.steps import Steps
from latentlive.models.team import Team
from latentlive.spectral import layout
from latentlive.spectral.space import Spectral
from latentlive.units import Samples

STRIDE = 4
"""One vector in so many is used for training, since their windows overlap."""

MOST_PAGES = 4096
"""Pages that are learnt from, evenly over all recordings: a hundred minutes."""

CODE, UNITS = 32, 512

_PART = {
    name: torch.from_numpy(np.searchsorted(LEARNT, np.arange(place.start, place.stop)))
    for name, place in layout.PLACES.items()
    if name not in NAMED
}
"""The place of each kind of number among the learnt ones."""


class SpectralVAENet(nn.Module):
    """The network of a SpectralVAE.

    Parameters
    ----------
    code, units : int
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, code: int = CODE, units: int = UNITS) -> None:
        super().__init__()
        self.code = code
        width = len(LEARNT)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        sizes = ((width, units), (units, units), (units, 2 * code))
        for name, (given, out) in zip(ENCODER, sizes, strict=True):
            self.add_module(name, nn.Linear(given, out))
        sizes = ((TOLD + code, units), (units, units), (units, width))
        for name, (given, out) in zip(DECODER, sizes, strict=True):
            self.add_module(name, nn.Linear(given, out))

    def _through(self, layers: tuple[str, str, str], x: Tensor) -> Tensor:
        first, second, last = (self.get_submodule(name) for name in layers)
        result: Tensor = last(functional.silu(second(functional.silu(first(x)))))
        return result

    def encode(self, learnt: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance [shape=(n, code)]."""
        both = self._through(ENCODER, (learnt - self.mean) / self.scale)
        return both[:, : self.code], both[:, self.code :].clamp(-14.0, 4.0)

    def decode(self, named: Tensor, code: Tensor) -> Tensor:
        """Return the learnt numbers [shape=(n, learnt)] from the named ones and a code."""
        given = torch.cat([named[:, :TOLD] * named[:, HARMONIC, None], code], dim=1)
        return self._through(DECODER, given) * self.scale + self.mean

    def forward(self, learnt: Tensor, named: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        """Return the reconstruction from a draw of the code, its mean and log-variance."""
        mean, log_variance = self.encode(learnt)
        drawn = mean + noise * torch.exp(0.5 * log_variance)
        return self.decode(named, drawn), mean, log_variance


class SpectralTraining(Steps):
    """A SpectralVAE in training.

    Parameters
    ----------
    sounds : sequence of arrays [shape=(n,), float32, mono]
    plan : TrainingPlan
    team : Team, optional
    clock : function returning seconds
        The clock of minutes.

    Raises
    ------
    ModelError
        If nothing in the sounds can be heard.
    """

    net: SpectralVAENet

    def __init__(
        self,
        sounds: Sequence[Samples],
        plan: TrainingPlan,
        team: Team | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._vectors = vectors(sounds)
        if not len(self._vectors):
            raise ModelError("train: nothing to hear in the sounds")
        super().__init__(plan, -(-len(self._vectors) // plan.recipe.batch), team, clock)
        torch.manual_seed(plan.seed)
        net = SpectralVAENet(plan.recipe.code, plan.recipe.units)
        mean, scale = statistics(described(self._vectors)[0])
        net.mean.copy_(torch.from_numpy(mean))
        net.scale.copy_(torch.from_numpy(scale))
        self.train(net)

    def _loss(self) -> Tensor:
        learnt, named, noise = self._drawn()
        rebuilt, mean, log_variance = self._shared(learnt, named, noise)
        divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp())
        errors = compared(learnt, rebuilt, named[:, VOICED])
        loss: Tensor = (errors + self.recipe.divergence * divergence.sum(dim=1)).mean()
        return loss

    def _drawn(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return this process's share of a step's vectors, and noise."""
        rng = np.random.default_rng((self.plan.seed, self.steps))
        batch = -(-self.recipe.batch // self.team.size) * self.team.size
        mine = slice(self.team.rank, None, self.team.size)
        chosen = rng.integers(len(self._vectors), size=batch)
        noise = rng.standard_normal((batch, self.recipe.code), np.float32)
        learnt, named = described(self._vectors[chosen[mine]])
        given = (learnt, named, noise[mine])
        first, second, third = (torch.from_numpy(x).to(self.team.device) for x in given)
        return first, second, third

    def model(self) -> SpectralVAE:
        """Return the present network, ready to play."""
        state = self.net.state_dict()
        weights = {name: tensor.detach().cpu().float().numpy() for name, tensor in state.items()}
        return SpectralVAE({**weights, **self._priors()}, self.plan.sample_rate)

    @torch.no_grad()
    def _priors(self) -> dict[str, NDArray[np.float32]]:
        """Return the mean and the std of the training vectors."""
        few = self._vectors[:: max(len(self._vectors) // 4096, 1)]
        learnt, named = described(few)
        _, log_variance = self.net.encode(torch.from_numpy(learnt).to(self.team.device))
        pitched = named[:, VOICED] * named[:, HARMONIC] > 0.5
        octaves = named[pitched, PITCH] / named[pitched, VOICED] if pitched.any() else np.zeros(1)
        own = (named[:, VOICED] * named[:, HARMONIC], octaves, named[:, LEVEL])
        return {
            "prior.mean": np.array([numbers.mean() for numbers in own], np.float32),
            "prior.std": np.array([numbers.std() for numbers in own], np.float32),
            "spread": log_variance.exp().mean(dim=0).sqrt().cpu().numpy(),
        }


def vectors(sounds: Sequence[Samples]) -> NDArray[np.float32]:
    """Return spectral vectors of recordings [shape=(n, dims)], those in which there is a sound."""
    space = Spectral()
    places = [
        (sound, first) for sound in sounds for first in range(0, len(sound), space.page * space.hop)
    ]
    chosen = places[:: -(-len(places) // MOST_PAGES) or 1]
    found = [np.empty((0, space.dims), np.float32)]
    for sound, first in chosen:
        count = min(-(-(len(sound) - first) // space.hop), space.page)
        page = space.encode_page(stretch(sound, first, space))[:count:STRIDE]
        found.append(page[page[:, BY[PRESENCE]] > 0.5])
    return np.concatenate(found)


def stretch(sound: Samples, first: int, space: Spectral) -> Samples:
    """Return a page's samples from `first` on, with their margins; silence outside."""
    samples = np.zeros(space.page_samples(space.page), np.float32)
    start = first - space.margin
    low, high = max(start, 0), min(start + len(samples), len(sound))
    samples[low - start : high - start] = sound[low:high]
    return samples


def statistics(learnt: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean of each number, and one scale for each kind of number."""
    mean = learnt.mean(axis=0)
    scale = np.empty_like(mean)
    for place in _PART.values():
        scale[place] = max(float(np.sqrt(np.mean((learnt - mean)[:, place] ** 2))), 1e-3)
    return mean, scale


def compared(given: Tensor, rebuilt: Tensor, voiced: Tensor) -> Tensor:
    """Return how far vectors are from those given [shape=(n,)]."""
    part = {name: (given[:, place], rebuilt[:, place]) for name, place in _PART.items()}

    def square(name: str) -> Tensor:
        a, b = part[name]
        return (a - b).square()

    def shares(name: str) -> Tensor:
        energy = part[name][0]
        return energy / energy.mean(dim=1, keepdim=True).clamp_min(1e-6)

    def placed(name: str, weight: Tensor) -> Tensor:
        a, b = part[name]
        error = functional.smooth_l1_loss(b, a, beta=0.05, reduction="none")
        return (error * weight).mean(dim=1)

    energy, residue = shares("energy"), shares("residue_energy")
    return (
        4.0 * placed("position", energy)
        + 60.0 * square("energy").mean(dim=1)
        + (square("tone") * energy).mean(dim=1)
        + placed("residue_position", residue)
        + 30.0 * square("residue_energy").mean(dim=1)
        + (square("residue_tone") * residue).mean(dim=1)
        + square("noise_shape").mean(dim=1)
        + square("tone_shape").mean(dim=1)
        + 120.0 * square("harmonics").mean(dim=1) * voiced
    )

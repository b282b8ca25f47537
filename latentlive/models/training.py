"""Training a network on windows of recordings.

The loss is that of the paper (Tatar, Cotton, Bisig, SMC 2023), squared error plus a
Kullback-Leibler term, with the weights that a recipe gives its parts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from latentlive.models.files import ARCHITECTURES, Model
from latentlive.models.networks import NETS, LinearCode, Net
from latentlive.models.overlap import OVERLAP, cut, rebuilt, shared
from latentlive.models.recipes import TrainingPlan
from latentlive.models.steps import Steps
from latentlive.models.team import Team
from latentlive.models.windows import Grid, Windows
from latentlive.units import Samples

WINDOW, DIMS = 1024, 256
GAIN_DB = (-12.0, 0.0)
LINEAR_RATE = 2e-3
BEFORE = 2**62
"""The step whose draws decide how a training begins."""
LOOKED_AT = 16_384
"""Windows that decide how a training begins."""


class Training(Steps):
    """A network in training.

    Parameters
    ----------
    sounds : sequence of arrays [shape=(n,), float32, mono]
    plan : TrainingPlan
    team : Team, optional
    clock : function returning seconds
        The clock of minutes.

    Example
    -------
    >>> plan = TrainingPlan(PAPER, epochs=1)
    >>> training = Training([np.ones(4096, np.float32)], plan)  # doctest: +SKIP
    >>> while training.step():  # doctest: +SKIP
    ...     print(training.loss)
    """

    net: LinearCode | Net

    def __init__(
        self,
        sounds: Sequence[Samples],
        plan: TrainingPlan,
        team: Team | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        recipe, team = plan.recipe, team or Team(0, 1, torch.device("cpu"))
        group = OVERLAP if recipe.joined else 1
        # A multiple of what the processes share evenly.
        self._stretches = -(-recipe.batch // (group * team.size)) * team.size
        length = WINDOW + (group - 1) * WINDOW // OVERLAP
        hop = recipe.hop
        self._grid = Grid(sounds, WINDOW, hop, plan.seed) if hop else None
        self._windows = Windows(sounds, length, plan.seed)
        whole = len(Grid(sounds, WINDOW, hop or WINDOW // OVERLAP, plan.seed))
        super().__init__(plan, -(-whole // (self._stretches * group)), team, clock)
        self._unfair = self._mean_weight() if recipe.fairness else 1.0
        torch.manual_seed(plan.seed)
        if self.recipe.linear:
            self.train(LinearCode(self._components()))
        else:
            self.train(NETS[plan.architecture](WINDOW, dims=DIMS))

    @property
    def linear(self) -> bool:
        """Whether the linear code is still in training, as which the network will begin."""
        return isinstance(self.net, LinearCode)

    def model(self) -> Model:
        """Return the present network, ready to play."""
        net = self._network()
        weights = {name: t.detach().cpu().float().numpy() for name, t in net.state_dict().items()}
        return ARCHITECTURES[self.plan.architecture](weights, self.plan.sample_rate)

    @torch.no_grad()
    def rebuilt(self, samples: Samples) -> Samples:
        """Return a recording as the network rebuilds it, windows overlapping [shape=(n,)]."""
        given = torch.from_numpy(np.array(samples, np.float32)).to(self.team.device)
        result: Samples = rebuilt(self._network(), given).cpu().numpy()
        return result

    def _network(self) -> Net:
        net = self._grown() if isinstance(self.net, LinearCode) else self.net
        return net.to(self.team.device)

    def _prepare(self) -> None:
        if isinstance(self.net, LinearCode) and self.part >= self.recipe.linear:
            self.train(self._grown())

    def _stage(self) -> tuple[float, float]:
        linear = self.recipe.linear
        if self.linear:
            return LINEAR_RATE, self.part / linear
        return self.recipe.rate, (self.part - linear) / (1.0 - linear)

    def _loss(self) -> Tensor:
        """Return this process's share of the batch's mean loss, times the processes."""
        if self._grid is None:
            stretches = self._windows.draw(self.steps, self._stretches, GAIN_DB)
        else:
            stretches = self._grid.draw(self.steps, self._stretches)
        mine = slice(self.team.rank, None, self.team.size)
        x = cut(torch.from_numpy(stretches[mine]).to(self.team.device), WINDOW)
        shape = (len(stretches), x.shape[1], DIMS)
        rng = np.random.default_rng((self.plan.seed, self.steps, 1))
        noise = torch.from_numpy(rng.standard_normal(shape, np.float32)[mine])
        with torch.autocast(
            self.team.device.type, torch.bfloat16, self.recipe.half and _half(self.team.device)
        ):
            y, mean, log_variance = self._shared(x, noise.to(self.team.device))
        losses = self._errors(x, y)
        if not self.linear:
            divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp())
            losses = losses + self.recipe.divergence * divergence.mean(dim=(1, 2))
        return losses.sum() * (self.team.size / len(stretches))

    def _errors(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the squared error of each stretch [shape=(n,)]."""
        difference = y - x
        errors = difference.square().mean(dim=(1, 2))
        joined = self.recipe.joined
        if joined:
            error = shared(difference)
            together = error.square().mean(dim=1)
            if self.recipe.treble:
                steps = error.diff(dim=1).square().mean(dim=1)
                together = together + self.recipe.treble * steps
            errors = (1.0 - joined) * errors + joined * together
        if self.recipe.fairness:
            power = x.square().mean(dim=(1, 2)) + 1e-6
            errors = errors * power.pow(-self.recipe.fairness) / self._unfair
        return errors

    def _mean_weight(self) -> float:
        """Return the mean weight of a stretch, which then counts as 1."""
        drawn = self._windows.draw(BEFORE, LOOKED_AT // OVERLAP, GAIN_DB)
        power = np.square(drawn, dtype=np.float64).mean(axis=1) + 1e-6
        return float(np.mean(power**-self.recipe.fairness))

    def _begin_with(self) -> Tensor:
        drawn = self._windows.draw(BEFORE, LOOKED_AT // OVERLAP, GAIN_DB)
        return cut(torch.from_numpy(drawn), WINDOW).reshape(-1, WINDOW)

    def _components(self) -> Tensor:
        """Return the strongest principal components [shape=(window, dims)]."""
        x = self._begin_with()
        _, vectors = torch.linalg.eigh((x.T @ x).double())
        strongest: Tensor = vectors[:, -DIMS:].flip(1).float()
        return strongest

    def _grown(self) -> Net:
        """Return the network that begins as the linear code of this moment."""
        assert isinstance(self.net, LinearCode)
        code = LinearCode(self.net.synthesis.detach().cpu())
        with torch.no_grad():
            code.analysis.copy_(self.net.analysis)
            deviation = code.encode(self._begin_with())[0].std(dim=0)
        torch.manual_seed(self.plan.seed)
        net = NETS[self.plan.architecture](WINDOW, dims=DIMS)
        net.begin(code, deviation.clamp_min(1e-3 * float(deviation.max())))
        return net


def _half(device: torch.device) -> bool:
    """Return whether the machine multiplies bfloat16 faster than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))

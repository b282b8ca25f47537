"""Training one step after another, whatever the network: clock, learning rate, Adam, processes."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn

from latentlive.errors import ModelError
from latentlive.models.files import Model
from latentlive.models.recipes import TrainingPlan
from latentlive.models.team import Team

WARM_STEPS = 100


class Steps(ABC):
    """A network in training, resumable at each step.

    Parameters
    ----------
    plan : TrainingPlan
    epoch_steps : int
        Steps in which as much is drawn as there is.
    team : Team, optional
    clock : function returning seconds
        The clock of minutes.
    """

    net: nn.Module

    def __init__(
        self,
        plan: TrainingPlan,
        epoch_steps: int,
        team: Team | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.plan, self.recipe = plan, plan.recipe
        self.team = team or Team(0, 1, torch.device("cpu"))
        self._clock, self._looked = clock, clock()
        self.steps = self.stage_steps = 0
        self.spent = 0.0
        self.loss = math.nan
        minutes, epochs = plan.minutes, plan.epochs
        if minutes is None and epochs is None:
            minutes, epochs = self.recipe.minutes, self.recipe.epochs
        self._seconds = 60.0 * (minutes or 0.0)
        self.total_steps = (epochs or 0) * epoch_steps

    @property
    def part(self) -> float:
        """How much is done, 0 to 1."""
        if self.total_steps:
            return min(self.steps / self.total_steps, 1.0)
        return min(self.spent / self._seconds, 1.0)

    @abstractmethod
    def model(self) -> Model:
        """Return the present network, ready to play."""

    @abstractmethod
    def _loss(self) -> Tensor:
        """Return this process's share of the batch's mean loss, times the processes."""

    def step(self) -> bool:
        """Train on one batch; return False, having done nothing, when all is done.

        Raises
        ------
        ModelError
            ``train: out of memory with 256 windows at a time; try --batch 128``
        """
        try:
            return self._step()
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, RuntimeError) and "memory" not in str(error):
                raise
            batch = self.recipe.batch
            raise ModelError(
                f"train: out of memory with {batch} windows at a time; try --batch {batch // 2}"
            ) from None

    def train(self, net: nn.Module) -> None:
        """Go on with another network, from the first step of a stage."""
        self.net = net.to(self.team.device)
        self._shared = self.team.share(self.net)
        self.adam = torch.optim.Adam(self.net.parameters(), lr=self.recipe.rate, fused=True)
        self.stage_steps = 0

    def _step(self) -> bool:
        now = self._clock()
        self.spent += now - self._looked
        self._looked = now
        self.spent = self.team.agreed(self.spent)
        if self.part >= 1.0:
            return False
        self._prepare()
        for group in self.adam.param_groups:
            group["lr"] = self._rate()
        loss = self._loss()
        self.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.recipe.clip:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.recipe.clip)
        self.adam.step()
        self.loss = self.team.mean(loss)
        if not math.isfinite(self.loss):
            raise ModelError(
                f"train: the loss is no number any more, at step {self.steps}; "
                "--resume goes on from where it was last saved"
            )
        self.steps += 1
        self.stage_steps += 1
        return True

    def _prepare(self) -> None:  # noqa: B027 - most have nothing to prepare
        """Prepare the next step."""

    def _stage(self) -> tuple[float, float]:
        """Return the highest learning rate of this stage, and how much of it is done (0..1)."""
        return self.recipe.rate, self.part

    def _rate(self) -> float:
        if not self.recipe.cosine:
            return self.recipe.rate
        rate, done = self._stage()
        warm = min((self.stage_steps + 1) / WARM_STEPS, 1.0)
        return rate * warm * 0.5 * (1.0 + math.cos(math.pi * done))

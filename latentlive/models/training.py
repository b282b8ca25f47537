"""Training a RawAudioVAE on a set of recordings.

The loss is the paper's (Tatar, Cotton, Bisig, SMC 2023): mean squared error plus 1e-4 times the
Kullback-Leibler term. The schedule is ours: small batches, a cosine from 1e-3, bfloat16 where
the machine has it, windows at random offsets and levels instead of one fixed grid.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from latentlive.models.rawaudiovae import RawAudioVAE
from latentlive.units import Samples

KL_WEIGHT = 1e-4


class Module(nn.Module):
    """The network as torch trains it; layer names are those of the original checkpoints."""

    def __init__(self, window: int = 1024, units: int = 2048, dims: int = 256) -> None:
        super().__init__()
        self.fc1 = nn.Linear(window, units)
        self.fc21 = nn.Linear(units, dims)
        self.fc22 = nn.Linear(units, dims)
        self.fc3 = nn.Linear(dims, units)
        self.fc4 = nn.Linear(units, window)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance of windows."""
        hidden = torch.relu(self.fc1(x))
        return self.fc21(hidden), self.fc22(hidden)

    def decode(self, z: Tensor) -> Tensor:
        """Return the windows of latent vectors."""
        return torch.tanh(self.fc4(torch.relu(self.fc3(z))))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return reconstruction, mean and log-variance."""
        mean, log_variance = self.encode(x)
        drawn = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
        return self.decode(drawn), mean, log_variance


def loss(x: Tensor, y: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return the paper's loss, both terms averaged over all elements."""
    divergence = -0.5 * torch.mean(1 + log_variance - mean.pow(2) - log_variance.exp())
    return nn.functional.mse_loss(y, x) + KL_WEIGHT * divergence


@dataclass(frozen=True)
class Progress:
    """How far a training is: part done 0..1, steps, and a running mean of the loss."""

    part: float
    steps: int
    loss: float


class Windows:
    """Draws batches of windows at random places of some recordings, never across two of them."""

    def __init__(self, sounds: Sequence[Samples], window: int, seed: int) -> None:
        self.window = window
        padded = [np.pad(s, (0, max(window - len(s), 0))).astype(np.float32) for s in sounds]
        self.joined = np.concatenate(padded)
        starts = np.concatenate([[0], np.cumsum([len(s) for s in padded])[:-1]])
        self.first = np.concatenate(
            [
                start + np.arange(len(s) - window + 1)
                for start, s in zip(starts, padded, strict=True)
            ]
        )
        self.rng = np.random.default_rng(seed)

    def batch(self, n: int) -> Tensor:
        """Return n windows [shape=(n, window)], each at a random level of -12 to +3 dB."""
        first = self.rng.choice(self.first, n)
        windows = self.joined[first[:, None] + np.arange(self.window)]
        gain = 10.0 ** (self.rng.uniform(-12.0, 3.0, (n, 1)) / 20.0)
        return torch.from_numpy(np.clip(windows * gain, -1.0, 1.0).astype(np.float32))


def train(
    sounds: Sequence[Samples],
    seconds: float,
    *,
    sample_rate: int = 44100,
    batch: int = 256,
    rate: float = 1e-3,
    seed: int = 0,
    progress: Callable[[Progress], object] = lambda _: None,
) -> RawAudioVAE:
    """Train on recordings for a time and return the space.

    Parameters
    ----------
    sounds : sequence of arrays [shape=(n,), float32, mono at `sample_rate`]
    seconds : float [seconds of wall time, > 0]
    batch : int [windows]
    rate : float
        The learning rate at the start; it follows a cosine to 0.
    progress : function of Progress
        Called every 50 steps.
    """
    torch.manual_seed(seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    module = Module().to(device)
    windows = Windows(sounds, 1024, seed)
    optimiser = torch.optim.Adam(module.parameters(), lr=rate, fused=True)
    begun, steps, mean_loss = time.monotonic(), 0, math.nan
    while (part := (time.monotonic() - begun) / seconds) < 1.0:
        for group in optimiser.param_groups:
            group["lr"] = (
                rate * 0.5 * (1.0 + math.cos(math.pi * part)) * min(1.0, (steps + 1) / 200)
            )
        x = windows.batch(batch).to(device)
        with torch.autocast(device, dtype=torch.bfloat16):
            y, mean, log_variance = module(x)
        value = loss(x, y.float(), mean.float(), log_variance.float())
        optimiser.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        steps += 1
        if steps % 50 == 0:
            seen = value.item()
            mean_loss = seen if math.isnan(mean_loss) else 0.95 * mean_loss + 0.05 * seen
            progress(Progress(part, steps, mean_loss))
    weights = {name: t.detach().cpu().float().numpy() for name, t in module.state_dict().items()}
    return RawAudioVAE(weights, sample_rate)

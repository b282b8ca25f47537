"""The networks as torch trains them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentlive.models import levelvae, rawaudiovae


class LinearCode(nn.Module):
    """A linear autoencoder, as which the other networks can begin.

    Parameters
    ----------
    basis : Tensor [shape=(window, dims), orthonormal columns]
        Where it starts: the principal components.
    """

    def __init__(self, basis: Tensor) -> None:
        super().__init__()
        self.window, self.dims = basis.shape
        # Laid out in memory as a state read back is, since that decides the last bits.
        self.analysis = nn.Parameter(basis.T.clone(memory_format=torch.contiguous_format))
        self.synthesis = nn.Parameter(basis.clone(memory_format=torch.contiguous_format))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)]."""
        mean = functional.linear(x, self.analysis)
        return mean, torch.zeros_like(mean)

    def decode(self, z: Tensor) -> Tensor:
        """Return windows [shape=(n, window)] of latent vectors [shape=(n, dims)]."""
        return functional.linear(z, self.synthesis)

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the windows rebuilt from their latents, which are not drawn."""
        mean, log_variance = self.encode(x)
        return self.decode(mean).float(), mean.float(), log_variance.float()


class RawAudioVAENet(nn.Module):
    """RawAudioVAE; layer names are those of the original checkpoints.

    Parameters
    ----------
    window, units, dims : int
    """

    def __init__(self, window: int = 1024, units: int = 2048, dims: int = 256) -> None:
        super().__init__()
        self.window, self.dims = window, dims
        self.fc1 = nn.Linear(window, units)
        self.fc21 = nn.Linear(units, dims)
        self.fc22 = nn.Linear(units, dims)
        self.fc3 = nn.Linear(dims, units)
        self.fc4 = nn.Linear(units, window)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)]."""
        hidden = torch.relu(self.fc1(x))
        return self.fc21(hidden), self.fc22(hidden)

    def decode(self, z: Tensor) -> Tensor:
        """Return windows [shape=(n, window)] of latent vectors [shape=(n, dims)]."""
        return torch.tanh(self.fc4(torch.relu(self.fc3(z))))

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the windows rebuilt from a draw of their latents, mean and log-variance.

        Parameters
        ----------
        x : Tensor [shape=(n, window)]
        noise : Tensor [shape=(n, dims), standard normal]
        """
        return _drawn(self, x, noise)

    @torch.no_grad()
    def begin(self, code: LinearCode, deviation: Tensor) -> None:
        """Start as a linear code.

        A pair of hidden units carries a latent and its negative, which pass a ReLU intact. The
        other units start without a say and are free to learn the rest.

        Parameters
        ----------
        code : LinearCode
        deviation : Tensor [shape=(dims,), > 0]
            The standard deviation of its latents; ours start at unit variance.
        """
        one = torch.eye(code.dims)
        both = torch.cat([one, -one])
        paired = slice(0, 2 * code.dims)
        for layer in (self.fc21, self.fc4):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        for layer in (self.fc1, self.fc3):
            layer.bias[paired] = 0.0
        self.fc1.weight[paired] = both @ code.analysis
        self.fc21.weight[:, paired] = (both / deviation).T
        self.fc3.weight[paired] = both * deviation
        self.fc4.weight[:, paired] = code.synthesis @ both.T
        _quiet(self.fc22)


class LevelVAENet(nn.Module):
    """LevelVAE: linear paths beside the hidden layers, and nothing that depends on the level.

    Parameters
    ----------
    window, units, dims : int
    """

    scale: Tensor

    def __init__(self, window: int = 1024, units: int = 1843, dims: int = 256) -> None:
        super().__init__()
        self.window, self.dims = window, dims
        self.analysis = nn.Linear(window, dims, bias=False)
        self.fc1 = nn.Linear(window, 2048, bias=False)
        self.fc21 = nn.Linear(2048, dims, bias=False)
        self.fc22 = nn.Linear(2048, dims)
        self.synthesis = nn.Linear(dims, window, bias=False)
        self.fc3 = nn.Linear(dims, units, bias=False)
        self.fc4 = nn.Linear(units, window, bias=False)
        self.register_buffer("scale", torch.ones(dims))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)]."""
        hidden = torch.relu(self.fc1(x))
        return (self.analysis(x) + self.fc21(hidden)) / self.scale, self.fc22(hidden)

    def decode(self, z: Tensor) -> Tensor:
        """Return windows [shape=(n, window)] of latent vectors [shape=(n, dims)]."""
        components = z * self.scale
        hidden = torch.relu(self.fc3(components))
        windows: Tensor = self.synthesis(components) + self.fc4(hidden)
        return windows

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the windows rebuilt from a draw of their latents, mean and log-variance."""
        return _drawn(self, x, noise)

    @torch.no_grad()
    def begin(self, code: LinearCode, deviation: Tensor) -> None:
        """Start as a linear code; the hidden layers start without a say."""
        self.analysis.weight.copy_(code.analysis)
        self.synthesis.weight.copy_(code.synthesis)
        self.scale.copy_(deviation)
        nn.init.zeros_(self.fc21.weight)
        nn.init.zeros_(self.fc4.weight)
        _quiet(self.fc22)


Net = RawAudioVAENet | LevelVAENet
NETS: dict[str, type[Net]] = {
    rawaudiovae.ARCHITECTURE: RawAudioVAENet,
    levelvae.ARCHITECTURE: LevelVAENet,
}


def _drawn(net: Net, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    mean, log_variance = net.encode(x)
    mean, log_variance = mean.float(), log_variance.float()
    y = net.decode(mean + noise * torch.exp(0.5 * log_variance))
    return y.float(), mean, log_variance


def _quiet(log_variance: nn.Linear) -> None:
    """Start with a std of about 0.007, so that noise does not drown quiet sounds."""
    log_variance.weight.mul_(0.1)
    nn.init.constant_(log_variance.bias, -10.0)

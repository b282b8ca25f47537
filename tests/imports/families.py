"""Models of other people's architectures, small ones that are trained here for seconds."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn.utils import weight_norm

RATE = 44100


def sounds():
    """Return a tone, a bell and noise of two seconds each [shape=(3, n), float32]."""
    n = np.arange(2 * RATE)
    tone = sum(np.sin(2 * np.pi * 220 * k * n / RATE) / k for k in range(1, 9))
    bell = sum(
        np.sin(2 * np.pi * hz * n / RATE) * np.exp(-n / RATE * (1 + i))
        for i, hz in enumerate((437.0, 1210.0, 2305.0, 3811.0))
    )
    noise = np.random.default_rng(5).standard_normal(len(n))
    rows = np.array([tone, bell, noise])
    return (0.1 * rows / np.sqrt((rows**2).mean(axis=1, keepdims=True))).astype(np.float32)


def trained(net, rows, loss, steps=400, rate=1e-3):
    """Train a network on rows for some steps, and return it."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    optimizer = torch.optim.Adam(net.parameters(), rate)
    for _ in range(steps):
        batch = rows[torch.randint(len(rows), (64,))]
        optimizer.zero_grad()
        loss(net, batch).backward()
        optimizer.step()
    return net.eval()


class TimbreNet(nn.Module):
    """Latent Timbre Synthesis as its state dicts have it, narrower."""

    def __init__(self, units=256, dims=16):
        super().__init__()
        self.fc1, self.fc21 = nn.Linear(384, units), nn.Linear(units, dims)
        self.fc22, self.fc3 = nn.Linear(units, dims), nn.Linear(dims, units)
        self.fc4 = nn.Linear(units, 384)

    def encode(self, x):
        hidden = torch.relu(self.fc1(x))
        return self.fc21(hidden), self.fc22(hidden)

    def decode(self, z):
        return torch.relu(self.fc4(torch.relu(self.fc3(z))))


def timbre_loss(net, x):
    mean, log_variance = net.encode(x)
    y = net.decode(mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance))
    divergence = -(1 + log_variance - mean**2 - log_variance.exp()).mean()
    return ((x - y) ** 2).sum(1).mean() + 5e-4 * divergence


def convolved(sizes, transposed):
    """Return RAMFEM's convolutions: normalisation, convolution, leaky ReLU."""
    layers = []
    for a, b in pairwise(sizes):
        one = (
            nn.ConvTranspose1d(a, b, 7, 4, 3, output_padding=3)
            if transposed
            else nn.Conv1d(a, b, 7, 4, 3)
        )
        layers += [nn.BatchNorm1d(a), one, nn.LeakyReLU(0.01)]
    return layers


class MovementEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv_model = nn.Sequential(*convolved([1, 8, 16, 32, 64], False))
        self.dense_model = nn.Sequential(
            nn.BatchNorm1d(64), nn.Linear(64, 32), nn.LeakyReLU(0.01), nn.BatchNorm1d(32),
            nn.Linear(32, 32),
        )  # fmt: skip

    def forward(self, x):
        return self.dense_model(self.conv_model(x[:, None]).flatten(1))


class MovementDecoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense_model = nn.Sequential(
            nn.BatchNorm1d(32), nn.Linear(32, 32), nn.LeakyReLU(0.01), nn.BatchNorm1d(32),
            nn.Linear(32, 64), nn.LeakyReLU(0.01),
        )  # fmt: skip
        self.conv_model = nn.Sequential(*convolved([64, 32, 16, 8, 1], True)[:-1])

    def forward(self, z):
        return self.conv_model(self.dense_model(z)[:, :, None])[:, 0]


class Resnet(nn.Module):
    def __init__(self, dim, dilation):
        super().__init__()
        self.block = nn.Sequential(
            nn.LeakyReLU(0.2), nn.ReflectionPad1d(dilation),
            weight_norm(nn.Conv1d(dim, dim, 3, dilation=dilation)), nn.LeakyReLU(0.2),
            weight_norm(nn.Conv1d(dim, dim, 1)),
        )  # fmt: skip
        self.shortcut = weight_norm(nn.Conv1d(dim, dim, 1))

    def forward(self, x):
        return self.shortcut(x) + self.block(x)


class Vocoder(nn.Module):
    """MelGAN's generator, narrow: 80 bands, ratios 8 8 2 2."""

    def __init__(self, width=4):
        super().__init__()
        channels = 16 * width
        layers = [nn.ReflectionPad1d(3), weight_norm(nn.Conv1d(80, channels, 7))]
        for ratio in (8, 8, 2, 2):
            layers += [
                nn.LeakyReLU(0.2),
                weight_norm(
                    nn.ConvTranspose1d(channels, channels // 2, 2 * ratio, ratio, ratio // 2)
                ),
            ]
            channels //= 2
            layers += [Resnet(channels, 3**j) for j in range(3)]
        layers += [nn.LeakyReLU(0.2), nn.ReflectionPad1d(3), weight_norm(nn.Conv1d(channels, 1, 7))]
        self.model = nn.Sequential(*layers, nn.Tanh())

    def forward(self, mel):
        return self.model(mel)


def keras_file(path, layers):
    """Write dense layers as Keras does: (kind, name, activation, kernel, bias); return the path."""
    import h5py

    described = []
    with h5py.File(path, "w") as file:
        for kind, name, settings, kernel, bias in layers:
            described.append({"class_name": kind, "config": {"name": name, **settings}})
            if kernel is not None:
                group = file.create_group(f"model_weights/{name}/{name}")
                group["kernel:0"], group["bias:0"] = kernel, bias
        model = {"class_name": "Functional", "config": {"name": "model", "layers": described}}
        file.attrs["model_config"] = json.dumps(model)
    return path

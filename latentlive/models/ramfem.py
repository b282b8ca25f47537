"""RAMFEM's audio autoencoder: short windows of sound, standardised, through convolutions.

Bisig, Tatar: Raw Music from Free Movements (AIMC 2021). An adversarial autoencoder at 32 kHz whose
windows of 256 samples are independent; its latents are about N(0, I).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.models import tensors
from latentlive.models.layers import (
    Conv,
    Deconv,
    Layer,
    Leaky,
    Linear,
    Network,
    Scale,
    Shape,
    scaled,
)
from latentlive.models.tensors import Weights
from latentlive.space import F32, Space

ARCHITECTURE = "ramfem"
RATE = 32000
STRIDE, PADDING, EXTRA = 4, 3, 3
SLOPE = 0.01
LEAST, LARGEST = 1e-6, 1e6
"""Bounds of what samples were standardised by: float32 holds what comes of it."""

USUAL = {"mean": 0.0, "std": 0.1}
"""Mean and std of samples where nobody said them."""

STEADY = np.float32(-60.0)
"""The log-variance of latents that do not vary."""


class Ramfem(Space):
    """The space of such an autoencoder.

    Parameters
    ----------
    weights : mapping of name to array
        ``encoder.conv_model.N.weight`` and so on, as in its state dicts.
    facts : mapping
        ``mean`` and ``std`` of the samples that it learnt from.
    sample_rate : int [samples a second]
    digest : str

    Raises
    ------
    ModelError
        If its layers do not fit one another, or are none of this family's.
    """

    def __init__(
        self, weights: Weights, facts: Mapping[str, float], sample_rate: int, digest: str
    ) -> None:
        mean, std = (float(facts.get(name, default)) for name, default in USUAL.items())
        numbers = math.isfinite(mean) and math.isfinite(std)
        if not numbers or not LEAST <= std <= LARGEST or abs(mean) > LARGEST:
            raise ModelError(
                f"model: mean {mean:g} and std {std:g}: std must lie in {LEAST:g} to "
                f"{LARGEST:g}, mean in -{LARGEST:g} to {LARGEST:g}"
            )
        self.name, self.digest = ARCHITECTURE, f"ramfem-1-{digest}-{mean}-{std}"
        self.sample_rate = tensors.checked_rate(sample_rate)
        self._mean, self._std = np.float32(mean), np.float32(std)
        held = tensors.finite(weights)
        convolved = _layers(held, "encoder.conv_model")
        dense = _layers(held, "encoder.dense_model")
        if not convolved or not dense:
            raise ModelError("model: not RAMFEM's, it lacks encoder.conv_model or dense_model")
        self.window = tensors.checked_window(
            STRIDE ** sum(isinstance(layer, Conv) for layer in convolved)
        )
        encoder = [*convolved, Shape((-1,)), *dense[: -1 if isinstance(dense[-1], Leaky) else None]]
        self._encoder = Network(encoder, held, (1, self.window))
        self.dims = self._encoder(np.zeros((1, 1, self.window), np.float32)).shape[1]
        dense, convolved = (_layers(held, f"decoder.{part}_model") for part in ("dense", "conv"))
        if not convolved or not dense:
            raise ModelError("model: not RAMFEM's, it lacks decoder.dense_model or conv_model")
        decoder = [*dense, Shape((-1, 1)), *convolved[:-1]]  # its output is linear
        self._decoder = Network(decoder, held, (self.dims,))
        if self._decoder(np.zeros((1, self.dims), np.float32)).shape != (1, 1, self.window):
            raise ModelError(f"model: its decoder must make windows of {self.window} samples")

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return the latents of windows, which do not vary [shape=(n, dims)]."""
        z = self._encoder(((windows - self._mean) / self._std)[:, None])
        return z, np.full_like(z, STEADY)

    def decode(self, z: F32) -> F32:
        """Return windows [shape=(n, window)] of latents [shape=(n, dims)]."""
        windows: F32 = self._decoder(z)[:, 0] * self._std + self._mean
        return windows


def _layers(held: Weights, part: str) -> list[Layer]:
    """Return the layers of a part in their order, inferred from their tensors' shapes.

    A leaky ReLU, which has no tensors, follows each convolution and each linear layer.
    """
    layers: list[Layer] = []
    in_time = part.endswith("conv_model")
    numbers = {int(name.split(".")[2]) for name in held if name.startswith(f"{part}.")}
    for number in sorted(numbers):
        name = f"{part}.{number}"
        rank = held[f"{name}.weight"].ndim
        if rank == 1:
            layers.append(Scale(name, in_time))
            continue
        if rank == 2:
            layers.append(Linear(name))
        elif part.startswith("encoder"):
            layers.append(Conv(name, STRIDE, PADDING))
        else:
            layers.append(Deconv(name, STRIDE, PADDING, EXTRA))
        layers.append(Leaky(SLOPE))
    return layers


def imported(parts: Mapping[str, Mapping[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Return the tensors of an encoder's and a decoder's state dict, normalisations folded.

    Parameters
    ----------
    parts : mapping of 'encoder' and 'decoder' to state dicts
    """
    kept: dict[str, NDArray[Any]] = {}
    for part, state in parts.items():
        held = {f"{part}.{name}": np.asarray(tensor) for name, tensor in state.items()}
        for name in held:
            layer, _, kind = name.rpartition(".")
            if kind == "running_mean":
                kept |= scaled(layer, held)
            elif kind in ("weight", "bias") and f"{layer}.running_mean" not in held:
                kept[name] = np.ascontiguousarray(held[name], np.float32)
    return kept

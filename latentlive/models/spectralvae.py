"""SpectralVAE: a small variational autoencoder on top of the spectral space.

Five numbers of a spectral vector pass by the network as they are: voicing, pitch, how harmonic it
is, presence and level. So pitch glides, and silence stays silent, whatever the network learnt. The
rest, where energy lies and how it is shared, is drawn through `code` numbers that are about
N(0, I): its priors are places of the space.
"""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.models import tensors
from latentlive.models.graph import session
from latentlive.models.tensors import F32, Weights
from latentlive.space import Axis, Prior
from latentlive.spectral import layout
from latentlive.spectral.space import Spectral

ARCHITECTURE = "spectralvae"
ENCODER = ("encoder1", "encoder2", "encoder3")
DECODER = ("decoder1", "decoder2", "decoder3")

NAMED = ("voiced", "pitch", "harmonic", "presence", "level")
"""Numbers that bypass the network: the first of a vector, in this order."""

BY = np.array([layout.PLACES[name].start for name in NAMED])
"""Where these lie in a spectral vector."""

LEARNT = np.setdiff1d(np.arange(layout.DIMS), BY)
"""The numbers of a spectral vector that the network describes."""

VOICED, PITCH, HARMONIC, PRESENCE, LEVEL = range(len(NAMED))

OWN = ("voiced", "octaves", "level")
"""Dimensions that a prior draws besides the code."""

TOLD = 2
"""Numbers that the decoder is told of what passes by: voicing and pitch, as far as harmonics tell
of them. Of the level it knows nothing, so that what becomes louder keeps its timbre."""


def described(z: F32) -> tuple[F32, F32]:
    """Return what the network is told of spectral vectors: what it learns, and what passes by.

    Parameters
    ----------
    z : array [shape=(n, spectral dims)]

    Returns
    -------
    (learnt, named) : arrays [shape=(n, len(LEARNT)), (n, 5)]
        As if presence were 1 everywhere.
    """
    presence = z[:, BY[PRESENCE], None]
    plain = np.asarray(z / np.where(presence > 1e-4, presence, np.float32(1.0)), np.float32)
    named = plain[:, BY]
    named[:, LEVEL] = z[:, BY[LEVEL]]
    return plain[:, LEARNT], named


def _on_named(axis: Axis) -> Axis:
    """Return an axis of the spectral space that acts on the numbers that pass by the network."""

    def put(z: F32, values: F32) -> F32:
        spectral = np.zeros((len(z), layout.DIMS), np.float32)
        spectral[:, BY] = z[:, : len(NAMED)]
        moved = z.copy()
        moved[:, : len(NAMED)] = axis(spectral, values)[:, BY]
        return moved

    return put


class SpectralVAE(Spectral):
    """The space of a trained SpectralVAE.

    Encoder: Linear(spectral, units), SiLU, Linear(units, units), SiLU, Linear(units, 2 * code),
    mean and log-variance. Decoder: Linear(2 + code, units), SiLU, Linear(units, units), SiLU,
    Linear(units, spectral).

    Parameters
    ----------
    weights : mapping of name to array
        ``encoder1.weight`` and so on, as torch lays them out: (out, in); ``mean`` and ``scale`` of
        what is learnt; ``prior.mean`` and ``prior.std`` of voicing, pitch [octaves] and level;
        ``spread`` of the code.
    sample_rate : int [samples per second]
    name : str

    Raises
    ------
    ModelError
        If a tensor is missing, has the wrong shape, or holds NaN or infinity.
    """

    architecture = ARCHITECTURE
    names = NAMED
    steady, presence = (VOICED, PITCH, HARMONIC, LEVEL), PRESENCE
    axes = MappingProxyType({name: _on_named(axis) for name, axis in Spectral.axes.items()})

    def __init__(self, weights: Weights, sample_rate: int = 44100, name: str = "model") -> None:
        self.name = name
        self.sample_rate = sample_rate
        self.weights = checked(weights)
        self.units, _ = self.weights["encoder1.weight"].shape
        self.code = self.weights["encoder3.weight"].shape[0] // 2
        self.dims = len(NAMED) + self.code
        self.digest = f"{Spectral.digest}-{tensors.weights_digest(self.weights)}"
        self.silence = np.zeros(self.dims, np.float32)
        still = np.zeros(len(NAMED), np.float32)
        self.std = np.concatenate([still, self.weights["spread"]])
        spread = np.concatenate([still, np.ones(self.code, np.float32)])
        self.prior: Prior | None = Prior(0.0, spread, len(OWN) + self.code, self.drawn)

    @cached_property
    def _encoder(self) -> Any:
        first = self.weights["encoder1.weight"] / self.weights["scale"]
        bias = self.weights["encoder1.bias"] - first @ self.weights["mean"]
        last = {f"encoder3.{part}": self.weights[f"encoder3.{part}"] for part in ("weight", "bias")}
        folded = {
            **self.weights,
            "encoder1.weight": first,
            "encoder1.bias": bias,
            **{name: tensor[: self.code] for name, tensor in last.items()},
        }
        width = len(LEARNT)
        return session(_steps(ENCODER), folded, ("x", width), [("y", self.code)])

    @cached_property
    def _decoder(self) -> Any:
        scale, mean = self.weights["scale"], self.weights["mean"]
        folded = {
            **self.weights,
            "decoder3.weight": self.weights["decoder3.weight"] * scale[:, None],
            "decoder3.bias": self.weights["decoder3.bias"] * scale + mean,
        }
        return session(_steps(DECODER), folded, ("x", TOLD + self.code), [("y", len(LEARNT))])

    def encode_page(self, samples: F32) -> F32:
        """Return the vectors of a page [shape=(n, dims)]; see `Spectral`."""
        return self.encoded(super().encode_page(samples))

    def encoded(self, z: F32) -> F32:
        """Return our vectors [shape=(n, dims)] of spectral ones, silence where those are silent."""
        learnt, named = described(z)
        (code,) = self._encoder.run(None, {"x": learnt})
        return joined(named, code, z[:, BY[PRESENCE]])

    def decoded(self, z: F32) -> F32:
        """Return spectral vectors of ours [shape=(n, dims)]."""
        presence = z[:, PRESENCE, None]
        plain = z / np.where(presence > 1e-4, presence, np.float32(1.0))
        told = np.concatenate(
            [plain[:, :TOLD] * plain[:, HARMONIC, None], plain[:, len(NAMED) :]], axis=1
        )
        (learnt,) = self._decoder.run(None, {"x": np.nan_to_num(told)})
        result = np.empty((len(z), layout.DIMS), np.float32)
        result[:, LEARNT] = learnt * presence
        result[:, BY] = z[:, : len(NAMED)]
        return result

    def drawn(self, draws: F32) -> F32:
        """Return the vectors of draws from N(0, I) [shape=(n, 3 + code)].

        Voicing, pitch and level are spread as in the sounds that it was trained on.
        """
        own = self.weights["prior.mean"] + self.weights["prior.std"] * draws[:, : len(OWN)]
        voiced, octaves, level = own.T
        voiced = np.clip(voiced, 0.0, 1.0)
        there = np.ones_like(voiced)
        named = np.stack([voiced, voiced * octaves, voiced, there, level], axis=1)
        return np.concatenate([named, draws[:, len(OWN) :]], axis=1, dtype=np.float32)

    @property
    def spectral_prior(self) -> Prior:
        """Where spectral vectors lie, made of the same draws."""
        spread = np.zeros(layout.DIMS, np.float32)
        spread[LEARNT] = self.weights["scale"]
        draws = len(OWN) + self.code
        return Prior(0.0, spread, draws, lambda drawn: self.decoded(self.drawn(drawn)))

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> Any:
        """Return a block prepared for decoding; see `Spectral`."""
        return super().prepare(self.decoded(z), first, key, turn)


def joined(named: F32, code: F32, presence: F32) -> F32:
    """Return vectors [shape=(n, dims)] from named numbers, a code, and their presence."""
    z = np.concatenate([named, code], axis=1)
    z[:, :LEVEL] *= presence[:, None]
    z[:, LEVEL + 1 :] *= presence[:, None]
    z[:, PRESENCE] = presence
    return z


def _steps(layers: tuple[str, str, str]) -> list[tuple[str, str, str, str]]:
    """Return the graph of three Linear layers with SiLU between them, from x to y."""
    steps, source = [], "x"
    for layer in layers[:-1]:
        steps += [
            ("Linear", source, f"{layer}.h", layer),
            ("Sigmoid", f"{layer}.h", f"{layer}.s", ""),
            ("Mul", f"{layer}.h {layer}.s", f"{layer}.r", ""),
        ]
        source = f"{layer}.r"
    return [*steps, ("Linear", source, "y", layers[-1])]


def checked(weights: Weights) -> dict[str, NDArray[np.float32]]:
    """Return the tensors as float32, or raise ModelError with the first thing wrong."""
    layers = {f"{layer}.{part}": None for layer in ENCODER + DECODER for part in ("weight", "bias")}
    tensors.present("SpectralVAE", weights, layers)
    units, _ = tensors.sides(weights, "encoder1.weight")
    both, _ = tensors.sides(weights, "encoder3.weight")
    code, width = both // 2, len(LEARNT)
    shapes: dict[str, tuple[int, ...]] = {
        "encoder1.weight": (units, width),
        "encoder2.weight": (units, units),
        "encoder3.weight": (2 * code, units),
        "decoder1.weight": (units, TOLD + code),
        "decoder2.weight": (units, units),
        "decoder3.weight": (width, units),
    }
    biases = {f"{name[:-7]}.bias": shape[:1] for name, shape in shapes.items()}
    one_each: dict[str, tuple[int, ...]] = {"mean": (width,), "scale": (width,)}
    one_each |= {"prior.mean": (len(OWN),), "prior.std": (len(OWN),), "spread": (code,)}
    result = tensors.checked("SpectralVAE", weights, {**shapes, **biases, **one_each})
    if not (result["scale"] > 0).all():
        raise ModelError("model: scale must be > 0 everywhere")
    return result

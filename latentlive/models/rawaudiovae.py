"""RawAudioVAE: one window of raw audio in, one out, windows independent.

Tatar, Cotton, Bisig: Sound design strategies for latent audio space explorations using deep
learning architectures (SMC 2023, arXiv 2305.15571).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.models.graph import session

F32 = NDArray[np.float32]
LAYERS = ("fc1", "fc21", "fc22", "fc3", "fc4")


class RawAudioVAE:
    """The space of a trained RawAudioVAE.

    Encoder: Linear(window, units), ReLU, then Linear(units, dims) twice (mean, log-variance).
    Decoder: Linear(dims, units), ReLU, Linear(units, window), tanh.

    Parameters
    ----------
    weights : mapping of name to array
        ``fc1.weight``, ``fc1.bias`` and so on, as torch lays them out: (out, in).
    sample_rate : int [samples per second]
    name : str

    Raises
    ------
    ModelError
        If a tensor is missing, has the wrong shape, or holds NaN or infinity.
    """

    def __init__(
        self, weights: Mapping[str, NDArray[Any]], sample_rate: int = 44100, name: str = "model"
    ) -> None:
        self.name = name
        self.sample_rate = sample_rate
        self.weights = checked(weights)
        self.units, self.window = self.weights["fc1.weight"].shape
        self.dims = self.weights["fc21.weight"].shape[0]
        self.digest = weights_digest(self.weights)

    @cached_property
    def _encoder(self) -> Any:
        steps = [
            ("Linear", "x", "h", "fc1"),
            ("Relu", "h", "r", ""),
            ("Linear", "r", "mean", "fc21"),
            ("Linear", "r", "log_variance", "fc22"),
        ]
        outputs = [("mean", self.dims), ("log_variance", self.dims)]
        return session(steps, self.weights, ("x", self.window), outputs)

    @cached_property
    def _decoder(self) -> Any:
        steps = [
            ("Linear", "z", "h", "fc3"),
            ("Relu", "h", "r", ""),
            ("Linear", "r", "o", "fc4"),
            ("Tanh", "o", "y", ""),
        ]
        return session(steps, self.weights, ("z", self.dims), [("y", self.window)])

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)]."""
        mean, log_variance = self._encoder.run(None, {"x": windows})
        return mean, log_variance

    def decode(self, z: F32) -> F32:
        """Return windows [shape=(n, window)] of latent vectors [shape=(n, dims)]."""
        windows: F32 = self._decoder.run(None, {"z": z})[0]
        return windows


def checked(weights: Mapping[str, NDArray[Any]]) -> dict[str, F32]:
    """Return the ten tensors as float32, or raise ModelError with the first thing wrong."""
    wanted = [f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")]
    missing = [name for name in wanted if name not in weights]
    if missing:
        raise ModelError(f"model: not a RawAudioVAE, it lacks {', '.join(missing)}")
    units, window = _sides(weights["fc1.weight"], "fc1.weight")
    dims, _ = _sides(weights["fc21.weight"], "fc21.weight")
    shapes = {
        "fc1": (units, window),
        "fc21": (dims, units),
        "fc22": (dims, units),
        "fc3": (units, dims),
        "fc4": (window, units),
    }
    result = {}
    for layer, shape in shapes.items():
        for name, wanted_shape in ((f"{layer}.weight", shape), (f"{layer}.bias", shape[:1])):
            tensor = np.ascontiguousarray(weights[name], np.float32)
            if tensor.shape != wanted_shape:
                raise ModelError(
                    f"model: {name} must have shape {wanted_shape}, got {tensor.shape}"
                )
            if not np.isfinite(tensor).all():
                raise ModelError(f"model: {name} holds NaN or infinity")
            result[name] = tensor
    return result


def _sides(tensor: NDArray[Any], name: str) -> tuple[int, int]:
    if tensor.ndim != 2 or 0 in tensor.shape:
        raise ModelError(f"model: {name} must have two axes, got shape {tensor.shape}")
    return tensor.shape[0], tensor.shape[1]


def weights_digest(weights: Mapping[str, NDArray[Any]]) -> str:
    """Return the digest of some tensors: names, types, shapes and bytes."""
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(weights):
        tensor = np.ascontiguousarray(weights[name])
        digest.update(f"{name} {tensor.dtype.str} {tensor.shape}".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()

"""RawAudioVAE: one window of raw audio in, one out, windows independent.

Tatar, Cotton, Bisig: Sound design strategies for latent audio space explorations using deep
learning architectures (SMC 2023, arXiv 2305.15571).
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from latentlive.models import tensors
from latentlive.models.graph import session
from latentlive.models.tensors import F32, Weights
from latentlive.space import Space

ARCHITECTURE = "rawaudiovae"
LAYERS = ("fc1", "fc21", "fc22", "fc3", "fc4")


class RawAudioVAE(Space):
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
        If a tensor is missing, has the wrong shape, or holds NaN or infinity, or if no model has
        such a rate or window.
    """

    architecture = ARCHITECTURE
    peak = 1.0  # of tanh

    def __init__(self, weights: Weights, sample_rate: int = 44100, name: str = "model") -> None:
        self.name = name
        self.sample_rate = tensors.checked_rate(sample_rate)
        self.weights = checked(weights)
        self.units, window = self.weights["fc1.weight"].shape
        self.window = tensors.checked_window(window)
        self.dims = self.weights["fc21.weight"].shape[0]
        self.digest = tensors.weights_digest(self.weights)

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


def checked(weights: Weights) -> dict[str, F32]:
    """Return the ten tensors as float32, or raise ModelError with the first thing wrong."""
    wanted = {f"{layer}.{part}": None for layer in LAYERS for part in ("weight", "bias")}
    tensors.present("RawAudioVAE", weights, wanted)
    units, window = tensors.sides(weights, "fc1.weight")
    dims, _ = tensors.sides(weights, "fc21.weight")
    shapes = {
        "fc1": (units, window),
        "fc21": (dims, units),
        "fc22": (dims, units),
        "fc3": (units, dims),
        "fc4": (window, units),
    }
    both: dict[str, tuple[int, ...]] = {f"{layer}.weight": shape for layer, shape in shapes.items()}
    both |= {f"{layer}.bias": shape[:1] for layer, shape in shapes.items()}
    return tensors.checked("RawAudioVAE", weights, {name: both[name] for name in wanted})

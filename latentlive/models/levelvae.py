"""LevelVAE: RawAudioVAE with linear paths beside its hidden layers, and nothing level-dependent.

Without biases and without tanh every layer keeps proportions: a sound at half the level has half
the latents, and half the latents decode to half the level. So quiet passages are rebuilt as well
as loud ones, and silence is exactly silent. The linear paths can begin as the best linear code of
the recordings, and the hidden layers learn the rest.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from latentlive.errors import ModelError
from latentlive.models import tensors
from latentlive.models.graph import session
from latentlive.models.tensors import F32, Weights
from latentlive.space import Space

ARCHITECTURE = "levelvae"
NAMES = ("analysis", "fc1", "fc21", "fc22", "synthesis", "fc3", "fc4")


class LevelVAE(Space):
    """The space of a trained LevelVAE.

    Encoder: hidden = ReLU(Linear(window, encoder units)); mean = (Linear(window, dims) +
    Linear(hidden)) / scale; log-variance = Linear(hidden) with the only bias of the network.
    Decoder: c = z * scale; window = Linear(c) + Linear(ReLU(Linear(c, units))). With 1843 units a
    window costs no more multiplications than RawAudioVAE's 2048.

    Parameters
    ----------
    weights : mapping of name to array
        ``analysis.weight``, ``fc1.weight`` and so on, as torch lays them out: (out, in);
        ``fc22.bias``, and ``scale`` [shape=(dims,), > 0].
    sample_rate : int [samples per second]
    name : str

    Raises
    ------
    ModelError
        If a tensor is missing, has the wrong shape, or holds NaN or infinity, or if no model has
        such a rate or window.
    """

    architecture = ARCHITECTURE
    peak = 16.0  # latents rise with the level, and rows hold at most 65504

    def __init__(self, weights: Weights, sample_rate: int = 44100, name: str = "model") -> None:
        self.name = name
        self.sample_rate = tensors.checked_rate(sample_rate)
        self.weights = checked(weights)
        self.units, self.dims = self.weights["fc3.weight"].shape
        self.window = tensors.checked_window(self.weights["synthesis.weight"].shape[0])
        self.digest = tensors.weights_digest(self.weights)

    @cached_property
    def _encoder(self) -> Any:
        scale = self.weights["scale"][:, None]
        folded = {
            **self.weights,
            "analysis.weight": self.weights["analysis.weight"] / scale,
            "fc21.weight": self.weights["fc21.weight"] / scale,
        }
        steps = [
            ("Linear", "x", "h", "fc1"),
            ("Relu", "h", "r", ""),
            ("Linear", "x", "direct", "analysis"),
            ("Linear", "r", "learned", "fc21"),
            ("Add", "direct learned", "mean", ""),
            ("Linear", "r", "log_variance", "fc22"),
        ]
        outputs = [("mean", self.dims), ("log_variance", self.dims)]
        return session(steps, folded, ("x", self.window), outputs)

    @cached_property
    def _decoder(self) -> Any:
        scale = self.weights["scale"]
        folded = {
            **self.weights,
            "synthesis.weight": self.weights["synthesis.weight"] * scale,
            "fc3.weight": self.weights["fc3.weight"] * scale,
        }
        steps = [
            ("Linear", "z", "h", "fc3"),
            ("Relu", "h", "r", ""),
            ("Linear", "z", "direct", "synthesis"),
            ("Linear", "r", "learned", "fc4"),
            ("Add", "direct learned", "y", ""),
        ]
        return session(steps, folded, ("z", self.dims), [("y", self.window)])

    def encode(self, windows: F32) -> tuple[F32, F32]:
        """Return mean and log-variance [shape=(n, dims)] of windows [shape=(n, window)]."""
        mean, log_variance = self._encoder.run(None, {"x": windows})
        return mean, log_variance

    def decode(self, z: F32) -> F32:
        """Return windows [shape=(n, window)] of latent vectors [shape=(n, dims)]."""
        windows: F32 = self._decoder.run(None, {"z": z})[0]
        return windows


def checked(weights: Weights) -> dict[str, F32]:
    """Return the nine tensors as float32, or raise ModelError with the first thing wrong."""
    wanted = {f"{name}.weight": None for name in NAMES} | {"fc22.bias": None, "scale": None}
    tensors.present("LevelVAE", weights, wanted)
    window, dims = tensors.sides(weights, "synthesis.weight")
    units, _ = tensors.sides(weights, "fc3.weight")
    encoder_units, _ = tensors.sides(weights, "fc1.weight")
    shapes: dict[str, tuple[int, ...]] = {
        "analysis.weight": (dims, window),
        "fc1.weight": (encoder_units, window),
        "fc21.weight": (dims, encoder_units),
        "fc22.weight": (dims, encoder_units),
        "fc22.bias": (dims,),
        "synthesis.weight": (window, dims),
        "fc3.weight": (units, dims),
        "fc4.weight": (window, units),
        "scale": (dims,),
    }
    result = tensors.checked("LevelVAE", weights, shapes)
    if not (result["scale"] > 0).all():
        raise ModelError("model: scale must be > 0 everywhere")
    return result

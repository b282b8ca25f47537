"""Vocoders of the MelGAN kind: mel spectra are the latents, convolutions make the sound.

Kumar et al.: MelGAN (NeurIPS 2019, arXiv 1910.06711). Nothing is learnt of the way in: a recording
is described by its own log mel spectrum. Convolutions reach a few frames, so blocks decoded with
those beside them are exact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground.extras import lacking
from latentlive.models import tensors
from latentlive.models.layers import (
    Conv,
    Deconv,
    Layer,
    Leaky,
    Network,
    Plain,
    Reflect,
    Residual,
    matrix,
    normed,
)
from latentlive.models.tensors import Weights
from latentlive.space import F32, Part, Space

ARCHITECTURE = "melgan"
RATE = 22050
SIZE = 1024
"""Samples of a window of the spectrum."""

FLOOR = 1e-5
SLOPE = 0.2
NEAR = 10
"""Frames decoded on either side of a block; the convolutions reach 6."""


class MelGAN(Space):
    """The space of such a vocoder.

    Parameters
    ----------
    weights : mapping of name to array
        ``model.N.weight`` and so on.
    sample_rate : int [samples a second]
    digest : str

    Raises
    ------
    ModelError
        If its layers do not fit one another, or are none of this family's.
    """

    hop: int
    linear = True
    prior = None
    peak = 1.0
    block, behind, ahead, page, short = 64, NEAR, NEAR, 256, 8

    def __init__(self, weights: Weights, sample_rate: int, digest: str) -> None:
        self.name, self.digest = ARCHITECTURE, f"melgan-2-{digest}"
        self.sample_rate = tensors.checked_rate(sample_rate)
        held = tensors.finite(weights)
        if "model.1.weight" not in held or held["model.1.weight"].ndim != 3:
            raise ModelError("model: not a MelGAN, it lacks model.1.weight")
        self.dims = held["model.1.weight"].shape[1]
        frames = self.behind + self.block + self.ahead
        self._network = Network(generator(held), held, (self.dims, frames))
        length = self._network(np.zeros((1, self.dims, frames), np.float32)).shape[-1]
        self.window = self.hop = length // frames
        if self.hop * frames != length or self.hop < tensors.LEAST_WINDOW:
            raise ModelError(f"model: it makes {length} samples of {frames} frames")
        self.margin = (SIZE - self.hop) // 2
        self.silence = np.full(self.dims, np.log10(FLOOR), np.float32)

    def encode_page(self, samples: F32) -> F32:
        """Return log mel spectra [shape=(n, dims)]."""
        windows = sliding_window_view(samples, SIZE)[:: self.hop][: self.page_vectors(samples)]
        fade = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SIZE) / SIZE)
        spectrum = np.abs(np.fft.rfft(windows * fade.astype(np.float32), axis=1))
        mel = _filters(self.sample_rate, self.dims)(spectrum)
        found: F32 = np.log10(np.maximum(mel, FLOOR)).astype(np.float32)
        return found

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> F32:
        """Return the samples of a block, a row a frame [shape=(block, hop)]."""
        samples = self._network(np.ascontiguousarray(z.T)[None]).reshape(-1, self.hop)
        return samples[self.behind : self.behind + self.block]

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return the windows of some parts, one after the other [shape=(n, 1, window)]."""
        return np.concatenate([part.prepared[part.start : part.stop] for part in parts])[:, None]


@lru_cache(maxsize=4)
def _filters(sample_rate: int, bands: int) -> Network:
    """Return the mel filters that these models learn from."""
    if line := lacking("model", "import", "librosa"):
        raise ModelError(line)
    import librosa

    filters = librosa.filters.mel(sr=sample_rate, n_fft=SIZE, n_mels=bands)
    return matrix(filters.T.astype(np.float32))


def generator(held: Weights) -> list[Layer]:
    """Return the layers of a generator, inferred from its tensors' names and shapes."""
    numbers = sorted({int(name.split(".")[1]) for name in held if name.startswith("model.")})
    layers: list[Layer] = []
    dilation = 1
    for number in numbers:
        name = f"model.{number}"
        if f"{name}.shortcut.weight" in held:
            branch = (
                Leaky(SLOPE),
                Reflect(dilation),
                Conv(f"{name}.block.2", dilation=dilation),
                Leaky(SLOPE),
                Conv(f"{name}.block.4"),
            )
            layers.append(Residual(branch, (Conv(f"{name}.shortcut"),)))
            dilation *= 3
            continue
        kernel = held[f"{name}.weight"].shape[2]
        if kernel % 2:
            layers += [Leaky(SLOPE)] * bool(layers)
            layers += [Reflect(kernel // 2), Conv(name)]
        else:
            stride, dilation = kernel // 2, 1
            padding, extra = stride // 2 + stride % 2, stride % 2
            layers += [Leaky(SLOPE), Deconv(name, stride, padding, extra)]
    return [*layers, Plain("Tanh")]


def imported(found: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state dict, each convolution's direction and length joined."""
    kept: dict[str, NDArray[Any]] = {}
    for name in found:
        if re.fullmatch(r"model(\.\w+)+\.weight_g", name):
            kept |= normed(name.removesuffix(".weight_g"), found)
    return kept

"""Latent Timbre Synthesis: a VAE on frames of a constant-Q transform.

Tatar, Bisig, Pasquier: Latent Timbre Synthesis (Neural Computing and Applications 2020, arXiv
2006.00408). Features: magnitudes of 384 bins, 48 an octave from C1 on, so up to 8.3 kHz. Here the
decoded magnitudes over those of the carrier are gains of its spectrum: 46 ms of context instead of
the two seconds of the lowest filters, so that it plays live.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.ground.extras import lacking
from latentlive.models import tensors
from latentlive.models.layers import Layer, Linear, Network, Plain, matrix
from latentlive.models.magnitudes import LEAST, Magnitudes
from latentlive.models.tensors import Weights
from latentlive.space import F32, Prior

ARCHITECTURE = "lts"
BINS, OCTAVE = 384, 48
LOWEST = 32.70319566257483
"""Hz of the lowest bin: C1."""

HOP, WINDOW = 512, 2048
EVERY = 128
"""Samples from one frame of the transform to the next, as its models were trained."""

MARGIN = 96 * HOP
"""More than half of the longest filter, which has 93,389 samples."""

NOISE = math.sqrt(1.5 * math.pi / 4.0)
"""Mean magnitude of the transform of white noise with an RMS of 1, in every bin."""

QUIET = 1e-6
"""Part of its peak below which the carrier's energy counts as this much: no gain explodes."""


class LTS(Magnitudes):
    """The space of a Latent Timbre Synthesis model.

    Code: the latents, whether anything sounds, and the carrier's own transform.

    Parameters
    ----------
    weights : mapping of name to array
        ``encoder.0.weight`` and so on, ``mean``, ``log_variance``, ``decoder.0`` and so on, as
        torch lays them out.
    sample_rate : int [samples a second]
    digest : str

    Raises
    ------
    ModelError
        If its layers do not fit one another, or are none of this family's.
    """

    margin = MARGIN

    def __init__(self, weights: Weights, sample_rate: int, digest: str) -> None:
        self.name, self.digest = ARCHITECTURE, f"lts-1-{digest}"
        held = tensors.finite(weights)
        self.latents = held["mean.bias"].shape[0] if "mean.bias" in held else 0
        if not self.latents:
            raise ModelError("model: not a Latent Timbre Synthesis model, it lacks mean.bias")
        super().__init__(self.latents + 1 + BINS, WINDOW, HOP, tensors.checked_rate(sample_rate))
        self.spread = self.latents
        inner = stack(held, "encoder")
        self._mean = Network([*inner, Linear("mean")], held, (BINS,))
        self._log_variance = Network([*inner, Linear("log_variance")], held, (BINS,))
        self._decoder = Network(stack(held, "decoder"), held, (self.latents,))
        if self._decoder(np.zeros((1, self.latents), np.float32)).shape != (1, BINS):
            raise ModelError(f"model: its decoder must make {BINS} bins")
        self.silence = np.zeros(self.dims, np.float32)
        self.silence[: self.latents] = self._mean(np.zeros((1, BINS), np.float32))[0]
        mean, std = np.zeros(self.dims, np.float32), np.zeros(self.dims, np.float32)
        mean[self.latents], std[: self.latents] = 1.0, 1.0
        self.prior = Prior(mean, std)
        self._seen = matrix(seen(sample_rate))

    def described(self, samples: F32, windows: F32, rms: F32) -> tuple[F32, F32]:
        """Return the codes of a page, and the log-variances of its latents."""
        n = len(windows)
        frames = transform(samples, self.sample_rate)
        first = (self.margin + self.window // 2) // EVERY
        at = first + np.arange(n) * (self.hop // EVERY)
        magnitudes = np.ascontiguousarray(frames[at])
        sounding = np.sqrt(np.mean(windows**2, axis=1, keepdims=True)) >= LEAST
        own = magnitudes / rms * sounding
        code = np.concatenate([self._mean(magnitudes), sounding, own], axis=1, dtype=np.float32)
        return code, np.maximum(self._log_variance(magnitudes), np.float32(-60.0))

    def wanted(self, code: F32, heard: F32, noise: NDArray[np.bool_]) -> F32:
        """Return the carriers' magnitudes, each bin raised or lowered as the model wants."""
        decoded = np.maximum(self._decoder(code[:, : self.latents]), np.float32(0.0))
        there = np.clip(code[:, self.latents, None], 0.0, 1.0)
        own = np.maximum(code[:, self.latents + 1 :], np.float32(0.0))
        own = np.where(noise[:, None], np.float32(NOISE), own)
        energy, carried = self._seen((decoded * there) ** 2), self._seen(own**2)
        least = QUIET * carried.max(axis=1, keepdims=True) + np.float32(1e-12)
        wanted: F32 = heard * np.sqrt(energy / np.maximum(carried, least))
        return wanted


def seen(sample_rate: int) -> F32:
    """Return how much of each bin of the transform a bin of the spectrum sees [shape=(384, bins)].

    A bin of the spectrum is four bins wide at its foot, and sees one of the transform's at least.
    Above the transform nothing is seen.
    """
    hz = np.arange(WINDOW // 2 + 1) * (sample_rate / WINDOW)
    centres = LOWEST * 2.0 ** (np.arange(BINS) / OCTAVE)
    width = np.maximum(sample_rate / WINDOW, 0.7 * centres * (2.0 ** (1 / OCTAVE) - 1.0))
    weight = np.exp(-0.5 * ((hz - centres[:, None]) / width[:, None]) ** 2)
    weight[:, hz > centres[-1]] = 0.0
    kept: F32 = weight.astype(np.float32)
    return kept


def transform(samples: F32, sample_rate: int) -> F32:
    """Return magnitudes of the constant-Q transform that these models learn from [shape=(n, 384)].

    Parameters
    ----------
    samples : array [shape=(any,)]
        Frame i is centred at sample ``128 * i``.
    sample_rate : int [samples a second]
    """
    if line := lacking("model", "import", "librosa"):
        raise ModelError(line)
    import librosa

    found: F32 = np.abs(
        librosa.cqt(
            samples,
            sr=sample_rate,
            hop_length=EVERY,
            fmin=LOWEST,
            n_bins=BINS,
            bins_per_octave=OCTAVE,
        )
    ).T.astype(np.float32)
    return found


def stack(weights: Weights, name: str) -> list[Layer]:
    """Return linear layers ``name.0``, ``name.1`` ... with a ReLU after each."""
    layers: list[Layer] = []
    while f"{name}.{len(layers) // 2}.weight" in weights:
        layers += [Linear(f"{name}.{len(layers) // 2}"), Plain("Relu")]
    return layers


def imported(found: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return the tensors of a state dict by our names."""
    names = {"fc1": "encoder.0", "fc21": "mean", "fc22": "log_variance"}
    names |= {"fc3": "decoder.0", "fc4": "decoder.1"}
    try:
        return {
            f"{ours}.{part}": found[f"{theirs}.{part}"]
            for theirs, ours in names.items()
            for part in ("weight", "bias")
        }
    except KeyError as error:
        raise ModelError(f"model: it lacks {error.args[0]}") from None

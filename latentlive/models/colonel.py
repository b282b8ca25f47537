"""Colonel and Keene's timbre autoencoders: frames of a spectrum, each divided by its peak.

Colonel, Keene: Conditioning autoencoder latent spaces for real-time timbre interpolation and
synthesis (IJCNN 2020, arXiv 2001.11296). A bottleneck of a few numbers from 0 to 1; where the model
was told the pitch class, twelve more stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentlive.errors import ModelError
from latentlive.models import tensors
from latentlive.models.layers import Layer, Leaky, Linear, Network, Plain
from latentlive.models.magnitudes import Magnitudes
from latentlive.models.tensors import Weights
from latentlive.space import F32, Prior

ARCHITECTURE = "colonel"
HOP, WINDOW = 1024, 4096
BINS = WINDOW // 2 + 1
CLASSES = 12
A4 = 440.0

ACTIVATIONS: Mapping[str, Sequence[Layer]] = {
    "linear": (),
    "relu": (Plain("Relu"),),
    "sigmoid": (Plain("Sigmoid"),),
    "tanh": (Plain("Tanh"),),
}


class Colonel(Magnitudes):
    """The space of such an autoencoder.

    Code: the latents, pitch classes if the model knows them, and the gain: the peak of the
    spectrum.

    Parameters
    ----------
    weights : mapping of name to array
        ``encoder.0.weight`` and so on, and ``decoder.0`` and so on, as torch lays them out.
    activations : mapping of 'encoder' and 'decoder' to list of str
        After each layer: ``linear``, ``relu``, ``sigmoid``, ``tanh``, or ``leaky 0.1``.
    sample_rate : int [samples a second]
    digest : str

    Raises
    ------
    ModelError
        If its layers do not fit one another, or are none of this family's.
    """

    short = 8

    def __init__(
        self,
        weights: Weights,
        activations: Mapping[str, Sequence[str]],
        sample_rate: int,
        digest: str,
    ) -> None:
        self.name, self.digest = ARCHITECTURE, f"colonel-2-{digest}"
        held = tensors.finite(weights)
        encoder, decoder = (_stack(activations, part) for part in ("encoder", "decoder"))
        try:
            told = held["encoder.0.weight"].shape[1] - BINS
            heard = held["decoder.0.weight"].shape[1]
            self.latents = held[f"encoder.{len(activations['encoder']) - 1}.weight"].shape[0]
        except (KeyError, IndexError):
            raise ModelError("model: not Colonel and Keene's, it lacks encoder.0") from None
        self.classes = heard - self.latents
        if (told, self.classes) not in ((0, 0), (CLASSES, CLASSES), (0, CLASSES)):
            raise ModelError(f"model: it reads {told + BINS} numbers; {BINS} or {BINS + CLASSES}")
        self._told = told
        rate = tensors.checked_rate(sample_rate)
        super().__init__(self.latents + self.classes + 1, WINDOW, HOP, rate)
        self._encoder = Network(encoder, held, (BINS + told,))
        self._decoder = Network(decoder, held, (heard,))
        if self._decoder(np.zeros((1, heard), np.float32)).shape != (1, BINS):
            raise ModelError(f"model: its decoder must make {BINS} bins")
        self.silence = np.zeros(self.dims, np.float32)
        mean, std = np.zeros(self.dims, np.float32), np.zeros(self.dims, np.float32)
        mean[: self.latents], std[: self.latents] = 0.5, 0.25
        mean[self.code - 1] = 100.0  # the gain of about -20 dB
        self.prior = Prior(mean, std)
        self.names = (
            *(f"latent {i}" for i in range(self.latents)),
            *(("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")[: self.classes]),
            "gain",
        )
        hz = np.arange(1, BINS) * (rate / WINDOW)
        self._class = np.rint(69 + 12 * np.log2(hz / A4)).astype(np.int64) % 12
        self._weight = np.exp(-0.5 * (np.log2(hz / A4) / 2.0) ** 2).astype(np.float32)

    def described(self, samples: F32, windows: F32, rms: F32) -> tuple[F32, F32]:
        """Return the codes of a page; nothing varies."""
        spectrum = np.abs(np.fft.rfft(windows * self._fade, axis=1)).astype(np.float32)
        gain = spectrum.max(axis=1, keepdims=True)
        shape = spectrum / np.maximum(gain, np.float32(1e-6))
        chroma = self._chroma(spectrum)
        latents = self._encoder(np.concatenate([shape, chroma[:, : self._told]], axis=1))
        code = np.concatenate([latents, chroma[:, : self.classes], gain], axis=1, dtype=np.float32)
        return code, np.zeros((len(windows), 0), np.float32)

    def wanted(self, code: F32, heard: F32, noise: NDArray[np.bool_]) -> F32:
        """Return the decoded shapes times the gain."""
        gain = np.maximum(code[:, -1:], np.float32(0.0))
        wanted: F32 = np.maximum(self._decoder(code[:, :-1]), np.float32(0.0)) * gain
        return wanted

    def _chroma(self, spectrum: F32) -> F32:
        """Return 1 for the strongest pitch class of each window, 0 for the others."""
        energy = (spectrum[:, 1:] * self._weight) ** 2
        strength = np.stack([energy[:, self._class == c].sum(axis=1) for c in range(CLASSES)], 1)
        strongest: F32 = (strength >= strength.max(axis=1, keepdims=True)).astype(np.float32)
        strongest *= strength.max(axis=1, keepdims=True) > 0
        return strongest


def _stack(activations: Mapping[str, Sequence[str]], part: str) -> list[Layer]:
    layers: list[Layer] = []
    for i, said in enumerate(activations.get(part, ())):
        name, _, slope = said.partition(" ")
        if name == "leaky":
            follows: Sequence[Layer] = (Leaky(float(slope)),)
        elif name in ACTIVATIONS:
            follows = ACTIVATIONS[name]
        else:
            known = ", ".join([*ACTIVATIONS, "leaky"])
            raise ModelError(f"model: an activation {name!r}; known: {known}")
        layers += [Linear(f"{part}.{i}"), *follows]
    return layers


def imported(
    dense: Sequence[tuple[str, NDArray[Any], NDArray[Any]]],
) -> tuple[dict[str, NDArray[Any]], dict[str, list[str]]]:
    """Return tensors by our names, and activations, of the dense layers of a whole network.

    Parameters
    ----------
    dense : sequence of (activation, kernel [shape=(in, out)], bias)
        In their order; the narrowest is the bottleneck.
    """
    widths = [kernel.shape[1] for _, kernel, _ in dense]
    encoder = widths.index(min(widths)) + 1
    kept: dict[str, NDArray[Any]] = {}
    activations: dict[str, list[str]] = {"encoder": [], "decoder": []}
    for i, (activation, kernel, bias) in enumerate(dense):
        part, number = ("encoder", i) if i < encoder else ("decoder", i - encoder)
        kept[f"{part}.{number}.weight"] = np.ascontiguousarray(kernel.T)
        kept[f"{part}.{number}.bias"] = bias
        activations[part].append(activation)
    return kept, activations

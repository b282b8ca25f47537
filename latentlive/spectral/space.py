"""The space `spectral`: sounds as places of partials and shares of spectra, without training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentlive.space import Axis, Part, Prior, Space
from latentlive.spectral import analysis, axes, grid, layout, synthesis
from latentlive.spectral.grid import F32
from latentlive.spectral.synthesis import Prepared


class Spectral(Space):
    """A space in which every point between two sounds is a sound.

    A vector holds the places of a window's partials, their shares of its energy, and its envelope
    in time. Positions on the frequency axis are numbers in the vector, so a linear mix moves pitch
    and timbre instead of fading one sound into the other. The method follows the transport of
    spectra (Henderson and Solomon 2019), with harmonics matched by number where there is a pitch.

    Vectors sit `hop` samples apart on the recording's own grid: vector i is centred in its
    window, which begins at sample ``i * hop``. Pages of `page` vectors in a row are encoded
    together. Blocks of `block` vectors, on a grid anchored at the texture's clock, are decoded
    together.
    """

    name = "spectral"
    digest = "spectral-8"
    sample_rate = grid.RATE
    dims = layout.DIMS
    window = grid.FRAME
    hop = grid.HOP
    page = grid.PAGE
    short = grid.SHORT
    margin = grid.MARGIN
    hears = grid.HEARS
    block = grid.BLOCK
    live_block = grid.LIVE_BLOCK
    ahead = grid.AHEAD
    peak = analysis.LOUDEST
    keeps = np.float16  # steps of position are 2 cents where 16 bits are coarsest
    linear = True
    axes: Mapping[str, Axis] = {
        "pitch": axes.pitched,
        "transpose": axes.transposed,
        "loudness": axes.levelled,
        "gain": axes.louder,
        "voiced": axes.voiced,
    }
    steady = tuple(
        at
        for name in ("harmonic", "voiced", "pitch", "level")
        for at in range(layout.PLACES[name].start, layout.PLACES[name].stop)
    )
    presence = layout.PLACES["presence"].start
    prior: Prior | None = None
    silence = np.zeros(layout.DIMS, np.float32)
    """Mixing silence with a sound only lowers its level."""

    def encode_page(self, samples: F32) -> F32:
        """Return the vectors of a page [shape=(n, dims)]."""
        return analysis.encoded(samples, self.page_vectors(samples))

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> Prepared:
        """Return the components of a block: a pure function of its arguments.

        Parameters
        ----------
        z : array [shape=(behind + block + ahead, dims)]
        first : int
            The index of the block's first vector on the texture's clock.
        key : int
            The noise key, from the seed and the layer's slot.
        turn : float [radians]
            How far the noise is turned towards that of ``key ^ 1``.
        """
        return synthesis.prepared(z, first, key, turn)

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return faded windows [shape=(n, channels, window)], ready to overlap and add."""
        return synthesis.decoded(list(parts))[:, None, :]

"""The space `spectral`: sounds as places of partials and shares of spectra, nothing trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from latentlive.space import Axis, Part, Prior, Space
from latentlive.spectral import analysis, axes, grid, layout, synthesis
from latentlive.spectral.grid import F32
from latentlive.spectral.synthesis import Prepared


class Spectral(Space):
    """A space in which what lies between two sounds is a sound.

    A vector says where the partials of a window lie, how its energy is shared among them, and
    how it moves in time; positions on the frequency axis are numbers in it, so that a linear mix
    moves pitch and timbre instead of fading one sound into the other. It follows the transport of
    spectra (Henderson and Solomon 2019), with harmonics counted by number where there is a pitch.

    Vectors lie `hop` samples apart on the recording's own grid: vector i is centred in its
    window, which begin at sample ``i * hop``. They are encoded in pages, page p holding
    so many vectors in a row, and decoded in blocks, on a grid of `block` vectors
    that is anchored at the texture's clock.
    """

    name = "spectral"
    digest = "spectral-7"
    sample_rate = grid.RATE
    dims = layout.DIMS
    window = grid.FRAME
    hop = grid.HOP
    page = grid.PAGE
    page_samples = grid.PAGE_SAMPLES
    margin = grid.MARGIN
    block = grid.BLOCK
    ahead = grid.AHEAD
    peak = analysis.LOUDEST
    keeps = np.float16  # positions are told apart by 2 cents where 16 bits are coarsest
    linear = True
    axes: Mapping[str, Axis] = {
        "pitch": axes.pitched,
        "transpose": axes.transposed,
        "loudness": axes.levelled,
        "gain": axes.louder,
        "voiced": axes.voiced,
    }
    prior: Prior | None = None
    silence = np.zeros(layout.DIMS, np.float32)
    """Mixed with a sound, it only lowers its level."""

    def encode_page(self, samples: F32) -> F32:
        """Return the vectors [shape=(page, dims)] of a page.

        Parameters
        ----------
        samples : array [shape=(page_samples + 2 * margin,)]
            The first vector's window begins at ``samples[margin]``; outside the recording: 0.
        """
        return analysis.encoded(samples)

    def prepare(self, z: F32, first: int, key: int, turn: float = 0.0) -> Prepared:
        """Return what a block is made of: a pure function of its arguments.

        Parameters
        ----------
        z : array [shape=(behind + block + ahead, dims)]
        first : int
            Which vector of the texture's clock the block's first is.
        key : int
            The noise key: of the seed and the layer's slot.
        turn : float [radians]
            How far the noise is turned towards that of ``key ^ 1``.
        """
        return synthesis.prepared(z, first, key, turn)

    def synthesize(self, parts: Sequence[Part]) -> F32:
        """Return faded windows [shape=(n, channels, window)]: adding them is all there is to do."""
        return synthesis.decoded(list(parts))[:, None, :]

"""One texture turning into another in latent space: two sources, one decode."""

from __future__ import annotations

import numpy as np

from latentlive.renderer.joining import Rendered
from latentlive.renderer.rendering import Rendering
from latentlive.units import Floats, Samples


class Morph(Rendered):
    """A texture that takes over from another by interpolating latents.

    Each keeps its own clock. Until `start` the vectors are the first's; from `start + over` they
    are exactly the second's. Noise and blocks are the second's throughout.

    Parameters
    ----------
    before : Rendering or Morph
        Of the same space and join.
    after : Rendering
    lead : int [samples]
        How far the clock of `before` is ahead of that of `after`.
    start, over : int [samples]
        When the morph begins, on the clock of `after`, and its duration.
    """

    def __init__(
        self, before: Rendered, after: Rendering, lead: int, start: int, over: int
    ) -> None:
        live = before.live or after.live
        super().__init__(after.space, after.overlap, after.key, after.length, after.rate, live)
        self.before, self.after, self.turn = before, after, after.turn
        self._lead, self._start, self._over = lead, start, max(over, 1)

    def _amount(self, frames: Floats) -> Samples:
        amount = (frames * self.frame - self._start) / self._over
        return np.clip(amount, 0.0, 1.0).astype(np.float32)[:, None]

    def start(self) -> bool:
        """Go on with what must be ready first, briefly; return whether all is."""
        return self.before.start() and self.after.start()

    def drawn(self, frames: Floats) -> Samples:
        """Return the latent vectors at some frames of the second's clock [shape=(n, dims)]."""
        amount = self._amount(frames)
        z = self.after.drawn(frames)
        if float(amount.min(initial=1.0)) < 1.0:
            earlier = self.before.drawn(frames + self._lead / self.frame)
            z = (np.float32(1.0) - amount) * earlier + amount * z
        return z

    def gains(self, frames: Floats) -> Samples:
        """Return the gains of windows at some frames of the second's clock [shape=(n, 1)]."""
        amount = self._amount(frames)
        earlier = self.before.gains(frames + self._lead / self.frame)
        return (np.float32(1.0) - amount) * earlier + amount * self.after.gains(frames)

"""One texture turning into another in latent space: two sources, one decode."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from latentlive.renderer.passes import Passes
from latentlive.renderer.rendering import Plan, Rendering
from latentlive.space import Space
from latentlive.units import Floats, Samples


class Rendered(Protocol):
    """What renders stretches of a texture: a `Rendering`, or a `Morph` of two."""

    @property
    def space(self) -> Space:
        """The space that decodes."""

    @property
    def length(self) -> int | None:
        """Samples until it is over, None if it never is."""

    @property
    def passes(self) -> Passes | None:
        """What a loop decoded to when it last came by."""

    def plan(self, start: int, stop: int) -> Plan:
        """Return what is needed for samples `start` to `stop`."""

    def draw(self, plan: Plan) -> Samples:
        """Return the latent vectors of the windows needed [shape=(n, dims)]."""

    def drawn(self, frames: Floats) -> Samples:
        """Return the latent vectors at some frames [shape=(n, dims)]."""

    def gains(self, frames: Floats) -> Samples:
        """Return the gain of windows at some frames [shape=(n, 1)]."""

    def finish(self, plan: Plan, decoded: Samples) -> Samples:
        """Join decoded windows into the samples of the planned blocks."""

    def cut(self, plan: Plan, joined: Samples, start: int, stop: int) -> Samples:
        """Return exactly samples `start` to `stop` of what was joined."""


class Morph:
    """A texture that takes over from another by interpolation of their latents.

    Each keeps its own clock. Until `start` the windows are those of the first, from `start + over`
    on exactly those of the second.

    Parameters
    ----------
    before : Rendering or Morph
        Of the same space and join.
    after : Rendering
    lead : int [samples]
        By how much the clock of `before` is ahead of that of `after`.
    start, over : int [samples]
        When it begins, on the clock of `after`, and how long it takes.
    """

    def __init__(
        self, before: Rendered, after: Rendering, lead: int, start: int, over: int
    ) -> None:
        self.before, self.after = before, after
        self.space, self.length = after.space, after.length
        self._window = after.space.window
        self._lead, self._start, self._over = lead, start, max(over, 1)

    @property
    def passes(self) -> Passes | None:
        """What the second decoded to when it last came by."""
        return self.after.passes

    def _amount(self, frames: Floats) -> Samples:
        amount = (frames * self._window - self._start) / self._over
        return np.clip(amount, 0.0, 1.0).astype(np.float32)[:, None]

    def plan(self, start: int, stop: int) -> Plan:
        """Return what is needed for samples `start` to `stop`."""
        return self.after.plan(start, stop)

    def draw(self, plan: Plan) -> Samples:
        """Return the latent vectors of the windows needed [shape=(n, dims)]."""
        return self.drawn(self._frames(plan))

    def _frames(self, plan: Plan) -> Floats:
        clock = np.arange(plan.first_window, plan.last_block, dtype=np.float64)
        return clock / self.after.overlap

    def drawn(self, frames: Floats) -> Samples:
        """Return the latent vectors at some frames of the second's clock [shape=(n, dims)]."""
        amount = self._amount(frames)
        z = self.after.drawn(frames)
        if float(amount.min(initial=1.0)) < 1.0:
            earlier = self.before.drawn(frames + self._lead / self._window)
            z = (np.float32(1.0) - amount) * earlier + amount * z
        return z

    def gains(self, frames: Floats) -> Samples:
        """Return the gain of windows at some frames of the second's clock [shape=(n, 1)]."""
        amount = self._amount(frames)
        earlier = self.before.gains(frames + self._lead / self._window)
        return (np.float32(1.0) - amount) * earlier + amount * self.after.gains(frames)

    def finish(self, plan: Plan, decoded: Samples) -> Samples:
        """Join decoded windows into the samples of the planned blocks."""
        frames = self._frames(plan)
        gains = self.gains(frames)
        if (gains != self.after.gain).any():
            decoded = decoded * (gains / self.after.gain)
        return self.after.finish(plan, decoded)

    def cut(self, plan: Plan, joined: Samples, start: int, stop: int) -> Samples:
        """Return exactly samples `start` to `stop` of what was joined."""
        return self.after.cut(plan, joined, start, stop)

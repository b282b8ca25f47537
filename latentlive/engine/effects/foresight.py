"""Foresight: rooms are made before a reverb needs them, while nobody waits for them."""

from __future__ import annotations

import threading
import time

import numpy as np

from latentlive.effects.block import BLOCK, CELLS, POINTS
from latentlive.effects.chain import Chain
from latentlive.effects.declared import INDEX, NEUTRAL
from latentlive.effects.reverb import stepped
from latentlive.effects.rooms import synthetic
from latentlive.engine.shared import POINTS as ALL_POINTS
from latentlive.engine.shared import SINCE, Shared
from latentlive.engine.timing import FORESEEN, FORESIGHT_EVERY

ROOM = "on", "space", "seconds", "damp"
"""Of a reverb: what its room depends on."""


class Foresight:
    """Makes the synthetic rooms that the strips' curves come to, in a thread of its own.

    Parameters
    ----------
    shared : Shared
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            for number in np.flatnonzero(self._shared.strips[:, SINCE] >= 0).tolist():
                self.look(number)
            time.sleep(FORESIGHT_EVERY)

    def look(self, number: int) -> None:
        """Make the rooms of a strip's next second."""
        shared = self._shared
        first = shared.position // BLOCK
        until = min(
            int(shared.knobs_until[number]), shared.position + round(FORESEEN * shared.rate)
        )
        ends = np.arange(first + 1, until // BLOCK) * CELLS % ALL_POINTS
        rows = shared.knobs[number][:, ends]
        on, space, seconds, damp = (rows[INDEX[f"reverb.{name}"]] for name in ROOM)
        synthesised = (on > 0.0) & (space < 1.0)
        if not synthesised.any():
            return
        seconds, damp = seconds[synthesised], damp[synthesised]
        moves = bool(np.ptp(seconds) > 0.0), bool(np.ptp(damp) > 0.0)
        pairs = np.stack([seconds, damp], axis=1).astype(np.float64)
        rooms = dict.fromkeys(stepped(one, other, *moves) for one, other in pairs.tolist())
        for room in rooms:
            synthetic(shared.rate, *room)


def warm(rate: int) -> None:
    """Run every effect once, so that the first block is as quick as all others."""
    rows = np.repeat(NEUTRAL[:, None], POINTS, axis=1)
    rows[[number for name, number in INDEX.items() if name.endswith(".on")]] = 1.0
    rows[INDEX["reverb.seconds"]] = 0.1
    chain, noise = Chain(rate), np.random.default_rng(0).standard_normal((2, BLOCK)) * 0.1
    for _ in range(2):
        chain.process(noise, rows)

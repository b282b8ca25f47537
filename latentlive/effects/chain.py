"""All effects of one strip in their fixed order, with their state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK, F32, F64, Setting
from latentlive.effects.comp import Comp
from latentlive.effects.drive import Drive
from latentlive.effects.filters import Filter
from latentlive.effects.repeats import Comb, Echo
from latentlive.effects.reverb import NO_ROOMS, Reverb
from latentlive.effects.rooms import Room


class Chain:
    """The effects hpf, lpf, comb, drive, comp, echo and reverb, one after the other.

    What it gives depends on what it was given since it was made, block by block, and on nothing
    else. Effects that are off, or that hear nothing and ring no more, cost nothing.

    Parameters
    ----------
    rate : int [samples a second]
    """

    def __init__(self, rate: int) -> None:
        self._hpf, self._lpf = Filter("hpf", rate), Filter("lpf", rate)
        self._comb, self._drive, self._comp = Comb(rate), Drive(rate), Comp(rate)
        self._echo, self._reverb = Echo(rate), Reverb(rate)
        self._all = (
            self._hpf,
            self._lpf,
            self._comb,
            self._drive,
            self._comp,
            self._echo,
            self._reverb,
        )

    @property
    def idle(self) -> bool:
        """Whether no effect is on or rings: silence in is silence out, and changes nothing."""
        return all(effect.idle for effect in self._all)

    def reset(self) -> None:
        """Forget all that was heard."""
        for effect in self._all:
            effect.reset()

    def process(
        self,
        x: NDArray[np.floating],
        rows: F32,
        key: NDArray[np.floating] | None = None,
        rooms: Mapping[int, Room] = NO_ROOMS,
    ) -> NDArray[np.floating]:
        """Return a block with its effects [shape=(2, 1024)].

        Parameters
        ----------
        x : array [shape=(2, 1024)]
        rows : array [shape=(len(ROWS), 17)]
            The values of `declared.ROWS` at the grid's points, both edges included.
        key : array [shape=(2, 1024)] or None
            What `comp` listens to instead.
        rooms : mapping of int to Room
            What `reverb.space` counts.
        """
        given = np.array(x, np.float64, order="C") if np.any(x) else None
        other = None if key is None else np.array(key, np.float64, order="C")
        y = self.run(given, Setting(rows), other, rooms)
        return np.zeros((2, BLOCK)) if y is None else y

    def run(
        self, x: F64 | None, setting: Setting, key: F64 | None, rooms: Mapping[int, Room]
    ) -> F64 | None:
        """Do the same for what was checked; None is silence. It never writes into `x`."""
        x = self._hpf.process(x, setting)
        x = self._lpf.process(x, setting)
        x = self._comb.process(x, setting)
        x = self._drive.process(x, setting)
        x = self._comp.process(x, setting, key)
        x = self._echo.process(x, setting)
        return self._reverb.process(x, setting, rooms)

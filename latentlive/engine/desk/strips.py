"""Strips: where layers, buses and the master go through their effects.

A strip has two rings that the process of effects fills, so to the mix it is a voice of two sides.
Voices feed it, other strips send to it. All of this is written ahead, as gains are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.desk.fades import Blend, Fade, Setting, before, glided, straight
from latentlive.engine.desk.model import Hold, Voice
from latentlive.engine.shared import (
    ANY_SIDE,
    FROM,
    KEY,
    LEFT,
    LOUD,
    MASTER,
    PLACE,
    RENEWED,
    RINGS,
    SENDS,
    SERIAL,
    SINCE,
    SLOT,
    STRIPS,
    TO,
    Shared,
)
from latentlive.engine.timing import GLIDE, to_samples
from latentlive.errors import EngineError
from latentlive.ground.system import fence
from latentlive.mixer import GRID
from latentlive.units import Floats, Tempo

CENTRE = float(np.sqrt(0.5))
"""The gain of either side in the middle."""


class Clocked(NamedTuple):
    """The clock of a strip's layer from a moment on, see `glided`; without a tempo of its own that
    of the transport."""

    since: int
    glide: int
    origin: int
    tempo: Tempo | None


@dataclass(eq=False)
class Strip:
    """The effects of a layer, a bus or the master on one pair of channels.

    Parameters
    ----------
    serial : int
        Which of all voices and strips it is.
    number : int
        Its place in the shared memory.
    layer : str
    slot, pair : int
    start : int [samples, global]
    clocks : list of Clocked
        Of its layer, in rising order.
    """

    serial: int
    number: int
    layer: str
    slot: int
    pair: int
    start: int
    clocks: list[Clocked]
    fade: Fade = field(default_factory=lambda: Fade(0, 0, 1.0, 1.0))
    gate: Fade = field(default_factory=lambda: Fade(0, 0, 1.0, 1.0))
    sounding: bool = True
    holds: list[Hold] = field(default_factory=list)
    gains_until: int = 0
    knobs_until: int = 0
    through_until: int = 0

    @property
    def rings(self) -> tuple[int, int]:
        """Left and right."""
        return RINGS + 2 * self.number, RINGS + 2 * self.number + 1

    @property
    def end(self) -> None:
        """It has none of its own."""

    @property
    def leaving(self) -> bool:
        """Whether it fades out."""
        return self.fade.high == 0.0

    def is_over(self, position: int) -> bool:
        """Return whether it has been heard to its end."""
        return self.leaving and position > self.fade.stop + GRID

    def on_its_clock(
        self,
        samples: NDArray[np.int64],
        transport: Tempo,
        values: Callable[[NDArray[np.int64], int, Tempo], Floats],
        blend: Blend = straight,
    ) -> Floats:
        """Return values that follow its layer's clock [shape=(k, n)]; where that begins anew they
        go over."""

        def own(one: Clocked, part: NDArray[np.int64]) -> Floats:
            return values(part, one.origin, one.tempo or transport)

        return glided(self.clocks, samples, own, blend)

    def follow(self, at: int, rate: int, origin: int, tempo: Tempo) -> bool:
        """Follow another clock from a sample on; return whether it is another one."""
        if (self.clocks[-1].origin, self.clocks[-1].tempo) == (origin, tempo):
            return False
        past = before(tuple(self.clocks), at, rate)
        self.clocks = [*past, Clocked(at, to_samples(GLIDE, rate) if past else 0, origin, tempo)]
        return True


class Sending(NamedTuple):
    """From which slot a send goes to which; as a key it is listened to and not heard."""

    source: int
    target: int
    key: bool = False


@dataclass
class Row:
    """A send from one strip to another."""

    sending: Sending
    number: int
    source: Strip
    target: Strip
    until: int


class Strips:
    """The strips, and the sends between them.

    Parameters
    ----------
    shared : Shared
    """

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self.by_serial: dict[int, Strip] = {}
        self.sends: dict[Sending, Setting] = {}
        self.pre: dict[Sending, bool] = {}
        """Whether it goes off before the fader."""
        self.rows: dict[tuple[int, int, bool], Row] = {}
        """By the serials of two strips."""

    def __iter__(self) -> Iterator[Strip]:
        return iter(self.by_serial.values())

    def at(self, slot: int, pair: int) -> Strip | None:
        """Return the strip of a slot on a pair of channels that does not fade out."""
        found = (one for one in self if (one.slot, one.pair) == (slot, pair) and not one.leaving)
        return next(found, None)

    def of(self, slot: int) -> Strip | None:
        """Return the newest strip of a slot."""
        return next((one for one in reversed(list(self)) if one.slot == slot), None)

    @property
    def master(self) -> Strip | None:
        """A strip of the master."""
        return self.of(MASTER)

    @property
    def loud(self) -> bool:
        """Whether anything is still heard of them."""
        position = self._shared.position
        return any(self.loud_until(one) > position for one in self)

    def loud_until(self, strip: Strip) -> int:
        """Return one past the last position at which a strip was loud."""
        return int(self._shared.strips[strip.number, LOUD])

    def free(self) -> int:
        """Return the number of a strip that nobody has.

        Raises
        ------
        EngineError
            If all are in use.
        """
        taken = {one.number for one in self}
        for number in range(STRIPS):
            if number not in taken:
                return number
        raise EngineError(f"effects: at most {STRIPS} layers and buses have effects or sends")

    def add(self, strip: Strip, voices: list[Voice]) -> None:
        """Let a strip begin, with the voices of its layer."""
        shared = self._shared
        self.by_serial[strip.serial] = strip
        for ring in strip.rings:
            # Gains reach from one step to the next: the one before it begins is silence.
            shared.ready[ring] = strip.start - GRID
            shared.write_audio(ring, strip.start - GRID, np.zeros(GRID, np.float32))
        for voice in voices:
            self.feed(voice)
        words = [SERIAL, SLOT, RENEWED, LOUD]
        shared.strips[strip.number, words] = strip.serial, strip.slot, -1, -1
        self._connect()
        fence()
        shared.strips[strip.number, SINCE] = strip.start

    def feed(self, voice: Voice) -> None:
        """Let a voice feed the strip of its layer, if there is one."""
        strip = self.at(voice.slot, voice.pair)
        for side, ring in enumerate(voice.rings):
            part = ANY_SIDE if len(voice.rings) == 1 else LEFT + side
            self._shared.feeding[ring] = (-1 if strip is None else strip.number), part

    def remove(self, strip: Strip) -> None:
        """Forget a strip."""
        shared = self._shared
        del self.by_serial[strip.serial]
        shared.strips[strip.number, SINCE] = -1
        feeding = shared.feeding[:, 0]
        feeding[feeding == strip.number] = -1
        for key, row in list(self.rows.items()):
            if strip in (row.source, row.target):
                shared.sends[row.number, [FROM, TO]] = -1
                shared.sends_until[row.number] = 0
                del self.rows[key]
        if strip.slot == MASTER and self.master is None:
            shared.through[:] = 0.0
        self._order()

    def renew(self, at: int) -> None:
        """Let all strips begin anew at a sample."""
        for strip in self:
            self._shared.strips[strip.number, RENEWED] = max(at, strip.start)

    def send(self, sending: Sending, setting: Setting, pre: bool) -> None:
        """Set a send."""
        self.sends[sending], self.pre[sending] = setting, pre
        self._connect()

    def _connect(self) -> None:
        """Give rows to sends whose strips are both there."""
        for sending in self.sends:
            # Only to the newest strip of a bus: an older one fades out.
            target = self.of(sending.target)
            sources = [one for one in self if one.slot == sending.source]
            for source in sources if target is not None else ():
                assert target is not None
                key = source.serial, target.serial, sending.key
                if key not in self.rows:
                    self._give_row(sending, source, target)
        self._order()

    def _give_row(self, sending: Sending, source: Strip, target: Strip) -> None:
        taken = {row.number for row in self.rows.values()}
        number = next((n for n in range(SENDS) if n not in taken), None)
        if number is None:
            raise EngineError(f"send: there are at most {SENDS} sends")
        start = max(source.start, target.start)
        key = source.serial, target.serial, sending.key
        self.rows[key] = Row(sending, number, source, target, start)
        shared = self._shared
        shared.send_gains[:, number] = 0.0
        shared.sends_until[number] = start
        shared.sends[number, KEY] = int(sending.key)
        fence()
        shared.sends[number, [FROM, TO]] = source.number, target.number

    def _order(self) -> None:
        """Number the strips so that each comes after those that send to it."""
        places = {one.serial: 0 for one in self}
        for _ in places:
            for row in self.rows.values():
                after = places[row.source.serial] + 1
                places[row.target.serial] = max(places[row.target.serial], after)
        last = max(places.values(), default=0) + 1
        for one in self:
            place = last if one.slot == MASTER else places[one.serial]
            self._shared.strips[one.number, PLACE] = place

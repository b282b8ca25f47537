"""A performance rendered again, faster than it was played: the same decisions, without a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.effects.block import BLOCK
from latentlive.effects.rooms import Room
from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.model import Voice
from latentlive.engine.effects.rack import Rack, room_of
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.playback import Playback
from latentlive.engine.output.player import Player
from latentlive.engine.output.ringmix import mix_rings
from latentlive.engine.render.priority import BATCH
from latentlive.engine.render.worker import Worker
from latentlive.engine.shared import PANIC, PANIC_DONE, POSITION, RUNNING, Shared
from latentlive.engine.timing import effects_lead
from latentlive.errors import LatentliveError
from latentlive.mixer import GRID, grid_floor
from latentlive.protocol.preview import is_preview
from latentlive.protocol.rendering import Finished, Job
from latentlive.space import Space

F32 = NDArray[np.float32]

STEP = 4096
"""Samples that are mixed at a time."""

AHEAD = 4096
"""Samples beyond that for which voices are rendered: the limiter looks ahead."""

REACH = 4 * STEP
"""Samples for which gains are written ahead."""


class Heard(NamedTuple):
    """A stretch of a performance.

    Parameters
    ----------
    mix : array [shape=(n, channels)]
        Behind the limiter.
    layers : mapping of name to array [shape=(n, 2)]
        Before the limiter, if stems are asked for.
    """

    mix: F32
    layers: Mapping[str, F32]


def whole(bounce: Bounce) -> Heard:
    """Return all that a bounce yields, as one stretch."""
    mixes: list[F32] = []
    layers: dict[str, list[tuple[int, F32]]] = {}
    at = 0
    for heard in bounce.blocks():
        mixes.append(heard.mix)
        for name, one in heard.layers.items():
            layers.setdefault(name, []).append((at, one))
        at += len(heard.mix)
    found = {}
    for name, parts in layers.items():
        found[name] = np.zeros((at, 2), np.float32)
        for start, one in parts:
            found[name][start : start + len(one)] = one
    return Heard(np.concatenate(mixes), found)


class Bounce:
    """Renders a performance, without what was auditioned beside it.

    Parameters
    ----------
    performance : Performance
    space : Space
        The model that it was played with.
    begin : int [samples]
    stop : int [samples], optional
        The end of the log when left out.
    stems : bool
        Whether each layer is wanted by itself.

    Raises
    ------
    EngineError
        If the model is another one.
    """

    def __init__(
        self,
        performance: Performance,
        space: Space,
        begin: int = 0,
        stop: int | None = None,
        stems: bool = False,
    ) -> None:
        header = performance.header
        performance.check_model(space)
        self.begin = max(begin, header.begins)
        start = max(performance.pre_roll(self.begin), header.told)
        self.stop = performance.end if stop is None else stop
        self._stems = stems
        self._shared = Shared.create(header.channels, header.rate)
        self._shared.header[POSITION] = start
        self._shared.header[RUNNING] = 1
        tempo = header.tempo
        late = effects_lead(header.rate, header.lead)
        self._desk = Desk(self._shared, tempo, header.seed, reach=REACH, lead=header.lead)
        self._desk.effects_lead = late
        self._playback = Playback(
            self._desk, performance, start, wanted=lambda layer: not is_preview(layer)
        )
        self._rooms: dict[int, Room] = {}
        self._rack = Rack(self._shared, self._rooms)
        self._worker = Worker(space, self._shared, tapes=self._desk.tapes)
        self._stripped = start // BLOCK * BLOCK
        self._bound: dict[int, int] = {}
        """The version of each voice that the worker has."""
        self._player = Player(self._shared)

    def blocks(self) -> Iterator[Heard]:
        """Yield what is heard from `begin` to `stop`, stretch by stretch.

        With effects it begins earlier, and leaves that out: they hold what rang then.
        """
        for heard in self._stretches():
            early = self.begin - (self._desk.position - len(heard.mix))
            if early <= 0:
                yield heard
            elif early < len(heard.mix):
                layers = {name: samples[early:] for name, samples in heard.layers.items()}
                yield Heard(heard.mix[early:], layers)

    def _stretches(self) -> Iterator[Heard]:
        while (position := self._desk.position) < self.stop:
            if position == self._playback.panic:
                self._playback.panicked()
                self._shared.header[PANIC] += 1
                self._shared.header[PANIC_DONE] += 1
            until = min(grid_floor(position) + STEP, self.stop)
            if self._playback.panic is not None:
                until = min(until, self._playback.panic)
            self._playback.take(until + AHEAD)
            if (end := self._playback.held_up) is not None:
                until = min(until, end)
            self._render(until + AHEAD)
            self._desk.write()
            self._render_effects(until + AHEAD)
            layers = self._layers(position, until) if self._stems else {}
            out = np.empty((until - position, self._shared.channels), np.float32)
            self._player.fill(out)
            self._playback.end(until)
            yield Heard(out, layers)

    def _render(self, until: int) -> None:
        """Render every voice up to a sample."""
        voices = [v for v in self._desk.voices.values() if v.start < until]
        for voice in voices:
            if self._bound.get(voice.serial) != voice.version:
                self._bind(voice)
        gone = self._bound.keys() - self._desk.voices.keys()
        self._worker.drop(list(gone))
        for serial in gone:
            del self._bound[serial]
        while due := [v for v in voices if v.rendered < until and not v.complete]:
            jobs = [Job(v.serial, v.version, v.rendered, v.rendered + v.piece) for v in due[:BATCH]]
            answers = {answer.serial: answer for answer in self._worker.render(jobs)}
            for voice in due[:BATCH]:
                answer = answers[voice.serial]
                if isinstance(answer, Finished):
                    voice.rendered = answer.stop
                else:
                    voice.falter()
                self._playback.silence_holes(voice)

    def _render_effects(self, until: int) -> None:
        """Render every strip up to a sample."""
        for number in range(len(self._rooms), len(self._desk.rooms)):
            self._rooms[number + 1] = room_of(self._desk.rooms[number], self._shared.rate)
        since = self._stripped
        self._rack.advance(until)
        self._stripped = until // BLOCK * BLOCK
        self._playback.silence_strips(since, self._stripped)

    def _bind(self, voice: Voice) -> None:
        self._bound[voice.serial] = voice.version
        try:
            loaded = self._worker.load(voice.binding(self._desk.seed))
            voice.length, voice.beyond = loaded.length, loaded.beyond
        except LatentliveError:
            voice.falter()  # it sounded in the performance, but cannot be rendered here
        else:
            voice.stream.bound[0] = voice.version

    def _layers(self, start: int, stop: int) -> dict[str, F32]:
        """Return each layer by itself, before the limiter [shape=(n, 2)]."""
        low, high = start // GRID, -(-stop // GRID)
        by_layer: dict[str, list[int]] = {}
        for voice in self._desk.voices.values():
            if voice.sounding:
                by_layer.setdefault(voice.layer, []).extend(voice.rings)
        for strip in self._desk.strips:
            by_layer.setdefault(strip.layer, []).extend(strip.rings)
        found = {}
        for name, rings in by_layer.items():
            mixed = mix_rings(self._shared, np.array(rings, np.int64), low, high)[0]
            found[name] = mixed[start - low * GRID : stop - low * GRID]
        return found

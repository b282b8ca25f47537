"""The render worker: decodes what the scheduler asks for into the voices' rings.

Started as ``python -m latentlive.engine.render.worker``; the due windows of all voices go into one
decode. A voice that fails is reported alone and the others go on.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import click
import numpy as np

from latentlive.curves import Point, Tapes
from latentlive.engine.shared import WORKING, Shared
from latentlive.engine.timing import LONGEST_BATCH
from latentlive.errors import EngineError, LatentliveError
from latentlive.expr.record import inline
from latentlive.ground import processes
from latentlive.models import load_model
from latentlive.protocol.address import sweep
from latentlive.protocol.clip import Clip, Source
from latentlive.protocol.rendering import (
    AboutVoice,
    Answer,
    Batch,
    Drop,
    Encode,
    Failed,
    Finished,
    Job,
    Load,
    Loaded,
    Move,
    Order,
    Ping,
    Pong,
    Ready,
    Render,
    Starts,
    Tape,
)
from latentlive.protocol.wire import Message, Wire
from latentlive.renderer import Morph, Rendered, Rendering, Request, Spaces, stored_sounds
from latentlive.renderer.channels import STEREO
from latentlive.space import Space, StartingError

STARTING_PAUSE = 0.02
"""Seconds after which it is tried again whether a space has started."""


@dataclass
class Bound:
    """A voice that this worker can render.

    Parameters
    ----------
    version : int
        Which of the voice's successive clips this is.
    origin : int [samples, global]
    rings : tuple of int
        One, or one for each side of a wide or stereo voice.
    renderings : list of Rendering or Morph
        One for each ring.
    """

    version: int
    origin: int
    rings: tuple[int, ...]
    renderings: list[Rendered]
    channels: int = 1

    @property
    def length(self) -> int | None:
        """Samples of what it renders, None if it is endless."""
        return self.renderings[0].length


class Stretch(NamedTuple):
    """A stretch of one ring: what to decode for it, and where it goes."""

    job: Job
    ring: int
    rendering: Rendered
    request: Request


class Worker:
    """Keeps the renderings of voices and serves render messages.

    Parameters
    ----------
    space : Space
    shared : Shared
    lane : int
        Which of the workers it is.
    longest : float [seconds]
        After so long in one batch, what is left of it is not begun and not answered: it is asked
        for again, behind what is then more urgent.
    live : bool
        Whether layers wait for it: then nothing waits here for a space that is still starting.
    tapes : Tapes, optional
        What live curves are read from; when left out, what `Tape` orders tell.
    """

    def __init__(
        self,
        space: Space,
        shared: Shared,
        lane: int = 0,
        longest: float = math.inf,
        live: bool = False,
        tapes: Tapes | None = None,
    ) -> None:
        self.space, self.shared, self.lane = space, shared, lane
        self.longest, self.live = longest, live
        self.spaces = Spaces(space)
        self.voices: dict[int, Bound] = {}
        self.tapes = tapes or Tapes(space.sample_rate)

    @contextlib.contextmanager
    def _busy_with(self, serial: int) -> Iterator[None]:
        """Show the engine which voice the worker is busy with, in case it hangs; 0 for none."""
        self.shared.header[WORKING + self.lane] = serial
        try:
            yield
        finally:
            self.shared.header[WORKING + self.lane] = 0

    def bind(self, order: Load | Move) -> Loaded | Starts | Failed:
        """Load or move a voice; a texture from outside may fail in any way."""
        try:
            loaded = self.load(order) if isinstance(order, Load) else self.move(order)
            if self.live and not self._started(order.serial):
                # Until it has, the other worker goes on with the voice if it has it.
                time.sleep(STARTING_PAUSE)
                return Starts(order.serial, order.version)
            return loaded
        except Exception as error:  # noqa: BLE001 - its own fault, whatever it is
            return failure(order.serial, order.version, error)

    def _started(self, serial: int) -> bool:
        """Return whether a voice is ready by now: its spaces answer, and it has learned all."""
        return all([one.start() for one in self.voices[serial].renderings])

    def load(self, order: Load) -> Loaded:
        """Make what renders a voice."""
        self.voices.pop(order.serial, None)
        clip = order.clip.mapped(inline, self.space.sample_rate)
        sides: list[tuple[float, int | None]] = [(0.0, None)]
        if len(order.rings) > 1:
            sides = [(-order.wide, 0), (order.wide, 1)]
        self._hurry(False)
        renderings = [
            rendered(clip, self.spaces, order.seed, order.slot, side, self.tapes, channel)
            for side, channel in sides
        ]
        self._hurry(self.live)
        bound = Bound(order.version, clip.origin, order.rings, renderings, clip.channels)
        self.voices[order.serial] = bound
        beyond = renderings[0].beyond
        return Loaded(order.serial, order.version, bound.length, self.spaces.named, beyond)

    def _hurry(self, hurried: bool) -> None:
        """Let spaces that are still starting say so from now on, or wait: a level is measured."""
        for space in self.spaces.loaded:
            space.hurried = hurried

    def move(self, order: Move) -> Loaded:
        """Let a voice's clock begin elsewhere."""
        bound = self.voices[order.serial]
        bound.version, bound.origin = order.version, order.origin
        return Loaded(order.serial, order.version, bound.length, {}, bound.renderings[0].beyond)

    def drop(self, serials: Iterable[int]) -> None:
        """Forget voices that are over."""
        for serial in serials:
            self.voices.pop(serial, None)

    def render(self, jobs: Iterable[Job]) -> list[AboutVoice]:
        """Render stretches of several voices with one decode; return an answer for each begun."""
        answers: list[AboutVoice] = []
        due: list[Stretch] = []
        spent: dict[int, float] = {}
        starting = False
        for job in jobs:
            serial, start, stop = job.serial, job.start, job.stop
            bound = self.voices.get(serial)
            if bound is None or bound.version != job.version:
                continue
            if sum(spent.values()) > self.longest:
                break
            begun = time.perf_counter()
            with self._busy_with(serial):
                try:
                    for ring, rendering in zip(bound.rings, bound.renderings, strict=True):
                        request = rendering.request(start - bound.origin, stop - bound.origin)
                        due.append(Stretch(job, ring, rendering, request))
                except StartingError:  # it was killed; not answered, so it is asked for again
                    due = [stretch for stretch in due if stretch.job is not job]
                    starting = True
                    continue
                except Exception as error:  # noqa: BLE001 - its own fault, whatever it is
                    due = [stretch for stretch in due if stretch.job is not job]
                    answers.append(failure(serial, job.version, error))
            spent[serial] = time.perf_counter() - begun
        if starting and not due:
            time.sleep(STARTING_PAUSE)
        by_space: dict[str, list[Stretch]] = {}
        for stretch in due:
            by_space.setdefault(stretch.rendering.space.digest, []).append(stretch)
        failed: dict[int, Exception] = {}
        for stretches in by_space.values():
            failed |= self._decode_apart(stretches, spent)
        for job in {id(stretch.job): stretch.job for stretch in due}.values():
            serial, length = job.serial, (job.stop - job.start) / self.space.sample_rate
            if serial in failed:
                answers.append(failure(serial, job.version, failed[serial]))
            else:
                load = spent[serial] / length
                answers.append(Finished(serial, job.version, job.start, job.stop, load))
        return answers

    def encode(self, job: Job) -> None:
        """Encode what a stretch of a voice reads, and decode nothing."""
        bound = self.voices.get(job.serial)
        if bound is not None and bound.version == job.version:
            with contextlib.suppress(Exception):  # the error is reported when it is rendered
                for one in bound.renderings[
                    : bound.channels
                ]:  # both sides of a wide one read alike
                    one.encode(job.start - bound.origin, job.stop - bound.origin)

    def _decode_apart(
        self, stretches: list[Stretch], spent: dict[int, float]
    ) -> dict[int, Exception]:
        """Decode stretches together; one by one if that fails. Return what failed, by serial."""
        try:
            return self._decode(stretches, spent)
        except Exception:  # noqa: BLE001 - whatever the decoder raises: now each is tried alone
            failed: dict[int, Exception] = {}
            for one in stretches:
                try:
                    failed |= self._decode([one], spent)
                except Exception as error:  # noqa: BLE001 - this one
                    failed[one.job.serial] = error
            return failed

    def _decode(self, stretches: list[Stretch], spent: dict[int, float]) -> dict[int, Exception]:
        """Decode stretches together and write them; return those that cannot be joined."""
        begun, space = time.perf_counter(), stretches[0].rendering.space
        decoded = space.synthesize([part for one in stretches for part in one.request.parts])
        each = (time.perf_counter() - begun) / max(len(decoded), 1)
        counts = [one.request.windows for one in stretches]
        failed: dict[int, Exception] = {}
        windows = np.split(decoded, np.cumsum(counts)[:-1])
        for one, count, part in zip(stretches, counts, windows, strict=True):
            spent[one.job.serial] += each * count
            try:
                samples = one.rendering.join(one.request, part)
            except LatentliveError as error:  # not finite; the others are written
                failed[one.job.serial] = error
            else:
                self.shared.write_audio(one.ring, one.job.start, samples)
        return failed

    def answer(self, order: Order) -> Answer | None:
        """Carry out an order; return the answer, if it has one."""
        match order:
            case Drop():
                self.drop(order.serials)
            case Render():
                return Batch(tuple(self.render(order.jobs)))
            case Load() | Move():
                with self._busy_with(order.serial):
                    return self.bind(order)
            case Tape():
                for one in order.values:
                    self.tapes.take(Point(one.at, one.source, one.value))
                self.tapes.close(order.values[-1].at)
            case Encode():
                with self._busy_with(order.job.serial):
                    self.encode(order.job)
                return Batch()
            case Ping():
                return Pong()
        return None


def rendered(
    clip: Clip[Source],
    spaces: Spaces,
    seed: int,
    slot: int,
    side: float = 0.0,
    tapes: Tapes | None = None,
    channel: int | None = None,
) -> Rendered:
    """Return the rendering of a clip, or of a channel, bound to its sounds and to what arrives.

    A stereo texture draws noise of its own for each channel, a mono one as its `side` says.

    Raises
    ------
    LatentliveError
        If it has no meaning here.
    """
    sounds = stored_sounds(clip.source.sounds)
    if clip.source.channels == 1:
        channel = None
    turned = side if channel is None else STEREO[channel][0]
    after = Rendering(
        clip.source.expr,
        spaces,
        sounds,
        seed=seed,
        slot=slot,
        tempo=clip.tempo,
        looped=True,
        side=turned,
        channel=channel,
    )
    if tapes is not None:
        after.listen(tapes, clip.origin, clip.lead)
    if clip.crossing is None:
        return after
    crossing, before = clip.crossing, clip.crossing.before
    earlier = rendered(before, spaces, seed, slot, side, tapes, channel)
    lead, start = clip.origin - before.origin, crossing.at - clip.origin
    return Morph(earlier, after, lead, start, crossing.over)


def failure(serial: int, version: int, error: Exception) -> Failed:
    """Return the answer for a voice that cannot be rendered."""
    why = str(error) if isinstance(error, LatentliveError) else repr(error)
    return Failed(serial, version, why)


def answered(worker: Worker, message: Message) -> Answer | None:
    """Parse an order and carry it out; a texture may be too much for this process."""
    try:
        order = Order.load(message)
    except Exception as error:
        if "serial" not in message:
            raise
        return failure(message["serial"], message["version"], error)
    return worker.answer(order)


@click.command()
@click.option("--fd", type=int, required=True)
@click.option("--model", default="")
@click.option("--lane", default=0)
def main(fd: int, model: str, lane: int) -> None:
    """Serve until the engine closes the pipe."""
    processes.unmoved_by_signals()
    processes.let_deadlines_go_first()
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    worker = Worker(load_model(model or None), Shared.attach(fd), lane, LONGEST_BATCH, live=True)
    worker.space.warm()
    wire.send(Ready().dump())
    with contextlib.suppress(EngineError):  # nobody reads the answer
        while (message := wire.receive()) is not None:
            if (answer := answered(worker, message)) is not None:
                wire.send(answer.dump())
    sweep()  # the engine may have been killed


if __name__ == "__main__":
    main()

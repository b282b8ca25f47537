"""The render worker: decodes what the scheduler asks for into the voices' rings.

Started as ``python -m latentlive.engine.worker``; the due windows of all voices go into one
decode. A voice that fails is reported alone and the others go on.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import click
import numpy as np

from latentlive.corpus import Audio, audio_digest, stored
from latentlive.engine.block import Block
from latentlive.engine.wire import Message, Wire
from latentlive.errors import EngineError, LatentliveError
from latentlive.expr import load
from latentlive.latent import Joined, Latent, Recorded, Sound
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces
from latentlive.renderer.rendering import Plan
from latentlive.space import Space
from latentlive.units import Samples, Tempo


@dataclass
class Job:
    """A stretch of one voice: what to decode for it, and where it goes."""

    voice: int
    serial: int
    start: int
    stop: int
    rendering: Rendering
    clock: int
    plan: Plan
    z: Samples


class Worker:
    """Keeps a rendering per voice and serves render messages.

    Parameters
    ----------
    space : Space
    block : Block
    """

    def __init__(self, space: Space, block: Block) -> None:
        self.space, self.block = space, block
        self.spaces = Spaces(space)
        self.voices: dict[int, tuple[int, int, Rendering]] = {}

    def load(self, message: Message) -> Message:
        """Bind an expression to a voice; return its length in samples, None if endless."""
        voice, serial = message["voice"], message["serial"]
        self.voices.pop(voice, None)
        texture = load(message["expr"])
        if not isinstance(texture, Latent | Joined):
            raise EngineError("a layer plays a latent, not a curve")
        rendering = Rendering(
            texture,
            self.spaces,
            _sounds(message["sounds"]),
            seed=message["seed"],
            slot=message["slot"],
            tempo=Tempo(message["bpm"], self.space.sample_rate),
            looped=True,
        )
        self.voices[voice] = (serial, message["origin"], rendering)
        return {"op": "loaded", "voice": voice, "serial": serial, "length": rendering.length}

    def render(self, jobs: list[list[int]]) -> list[Message]:
        """Render stretches of several voices with one decode; return a reply for each."""
        replies: list[Message] = []
        due: list[Job] = []
        for voice, serial, start, stop in jobs:
            known = self.voices.get(voice)
            if known is None or known[0] != serial:
                continue
            _, origin, rendering = known
            try:
                plan = rendering.plan(start - origin, stop - origin)
                z = rendering.draw(plan)
            except (LatentliveError, ArithmeticError, ValueError, MemoryError) as error:
                replies.append(failure(voice, serial, error))
                continue
            due.append(Job(voice, serial, start, stop, rendering, start - origin, plan, z))
        by_space: dict[str, list[Job]] = {}
        for job in due:
            by_space.setdefault(job.rendering.space.digest, []).append(job)
        for jobs_here in by_space.values():
            space = jobs_here[0].rendering.space
            decoded = space.decode(np.concatenate([job.z for job in jobs_here]))
            ends = np.cumsum([len(job.z) for job in jobs_here])
            for job, part in zip(jobs_here, np.split(decoded, ends[:-1]), strict=True):
                joined = job.rendering.finish(job.plan, part)
                length = job.stop - job.start
                samples = job.rendering.cut(job.plan, joined, job.clock, job.clock + length)
                self.block.write_audio(job.voice, job.start, samples)
                replies.append({"op": "rendered", "voice": job.voice, "serial": job.serial})
        return replies


def failure(voice: int, serial: int, error: Exception) -> Message:
    """Return the message that tells of a voice that cannot be rendered."""
    return {"op": "failed", "voice": voice, "serial": serial, "error": str(error) or repr(error)}


def _sounds(digests: dict[str, str]) -> Any:
    known: dict[str, Audio] = {}

    def find(sound: Recorded) -> Audio:
        if sound.digest not in known:
            if not isinstance(sound, Sound) or isinstance(sound.source, str):
                digest = digests[sound.digest]
                known[sound.digest] = Audio(stored(digest), digest)
            else:
                samples = np.asarray(sound.source, np.float32)
                known[sound.digest] = Audio(samples, audio_digest(samples))
        return known[sound.digest]

    return find


@click.command()
@click.option("--fd", type=int, required=True)
@click.option("--model", default="")
def main(fd: int, model: str) -> None:
    """Serve until the engine closes the pipe."""
    wire = Wire(sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
    worker = Worker(load_model(model or None), Block.attach(fd))
    worker.space.decode(np.zeros((1, worker.space.dims), np.float32))
    wire.send({"op": "ready"})
    while (message := wire.receive()) is not None:
        if message["op"] == "load":
            try:
                wire.send(worker.load(message))
            except (LatentliveError, ArithmeticError, ValueError, KeyError) as error:
                wire.send(failure(message["voice"], message["serial"], error))
        elif message["op"] == "render":
            wire.send({"op": "batch", "replies": worker.render(message["jobs"])})


if __name__ == "__main__":
    main()

"""How fast a space is on this machine: measured as workers render, in processes of their own."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import time
from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from latentlive.curves import Sine
from latentlive.engine.render.priority import BATCH, CHUNK
from latentlive.errors import EngineError, LatentliveError, ModelError
from latentlive.ground import processes
from latentlive.ground.launch import ONE_THREAD, command
from latentlive.latent import Interp, Texture, Z
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, stored_sounds, usual_hop
from latentlive.space import F32, Prior, Space
from latentlive.units import Samples

BRIEF, LONG = 0.15, 0.3
"""Seconds for which each piece of work is measured: beside a performance, and before one."""

WAITS = 0.1
"""Computing for less than this part of the time, a process waits for another one."""

PATIENCE = 12.0
"""Seconds after which a measurement is given up; to load torch for a script takes some of them."""

WINDOWS = 64
"""Windows encoded at once, where a space encodes window by window."""


class Speed(NamedTuple):
    """Seconds of sound that one core makes, or describes, in a second.

    Parameters
    ----------
    decode : float
        Of layers whose recordings are encoded already: mixed, decoded and joined, as many at once
        as workers render together.
    encode : float or None
        Of one recording; None where the space encodes none.
    """

    decode: float
    encode: float | None

    def __str__(self) -> str:
        encodes = f", encodes {_times(self.encode)}" if self.encode else ""
        return f"decodes {_times(self.decode)}{encodes} real time"


def _times(factor: float) -> str:
    return f"{factor:.0f} x" if factor >= 10 else f"{factor:.2g} x"


def held(cores: Iterable[Speed]) -> tuple[int, int]:
    """Return how many layers some cores hold: of new recordings, one each, and of known ones.

    Example
    -------
    >>> held([Speed(40.0, 10.0), Speed(40.0, 10.0)]), held([Speed(0.5, None)])
    ((16, 80), (0, 0))
    """
    new = known = 0.0
    for one in cores:
        new += 1.0 / (1.0 / one.decode + (1.0 / one.encode if one.encode else 0.0))
        known += one.decode
    return math.floor(new), math.floor(known)


def measure(model: str, count: int = 1, behind: bool = False) -> list[Speed]:
    """Return the speed of a space, as each of so many processes finds it at the same time.

    Parameters
    ----------
    model : str
        As `load_model` takes it; empty for the default.
    count : int
        Of processes.
    behind : bool
        Whether they are brief, and take only time that others leave.

    Raises
    ------
    ModelError
        If the space makes no sound.
    EngineError
        If a process cannot be started, or gives no answer in time.
    """
    lasts = "--behind" if behind else f"--lasts={LONG}"
    measuring = command("latentlive.engine.render.speed", f"--model={model}", lasts)
    end = time.monotonic() + PATIENCE
    with contextlib.ExitStack() as stack:
        running = []
        try:
            for _ in range(count):
                child = subprocess.Popen(
                    measuring,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, **ONE_THREAD},
                )
                running.append(child)
                stack.push(child)
                stack.callback(child.kill)
            told = [child.communicate(timeout=end - time.monotonic())[0] for child in running]
        except (OSError, MemoryError) as error:
            raise EngineError(f"speed: it cannot be measured: {error}") from None
        except subprocess.TimeoutExpired:
            raise EngineError(f"speed: no answer within {PATIENCE:g} s") from None
    return [_speed(one) for one in told]


def _speed(told: bytes) -> Speed:
    if not told:
        raise EngineError("speed: the process that measures has ended")
    answer: dict[str, Any] = json.loads(told)
    if "why" in answer:
        raise ModelError(answer["why"])
    return Speed(**answer)


def measured(space: Space, lasts: float = BRIEF) -> Speed:
    """Return the speed of a space in this process; nothing is written.

    Parameters
    ----------
    space : Space
    lasts : float [seconds]
        For which each piece of work is repeated; one that takes longer is done once.

    Raises
    ------
    LatentliveError
        If it makes no sound.
    """
    space.warm()
    encode, (a, b) = None, _vectors(space)
    if space.encodes:
        describe, heard = _describing(space)
        a, b = describe()[[0, -1], : space.dims]  # without log-variances
        encode = heard / _usual(describe, lasts)
    spaces, mixed = Spaces(space), Interp(Z(a), Z(b), Sine(8))
    texture = mixed if space.hop else mixed.overlap(space.window // usual_hop(space))
    work, heard = _playing(spaces, texture, 1)
    took = _usual(work, BRIEF)
    together = min(int(BRIEF / took), BATCH)
    if together > 1:
        work, heard = _playing(spaces, texture, together)
        took = _usual(work, lasts)
    return Speed(heard / took, encode)


def _usual(work: Callable[[], object], lasts: float) -> float:
    """Return the seconds that a piece of work takes a core, done again and again for a while.

    The time for which this process computes counts, not that which others take; that on the wall
    where a space computes in a process of its own, and this one waits.
    """
    walls, cores = list[float](), list[float]()
    begun = time.perf_counter()
    while not walls or time.perf_counter() < begun + lasts:
        wall, core = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    return median(walls if sum(cores) < WAITS * sum(walls) else cores)


def _playing(spaces: Spaces, texture: Texture, count: int) -> tuple[Callable[[], object], float]:
    """Return what renders the next whole blocks of some layers, and their seconds in all."""
    space = spaces.default
    layers = [Rendering(texture, spaces, stored_sounds({}), slot=n) for n in range(count)]
    block = space.block * layers[0].hop
    length, position = block * -(-CHUNK // block), 0

    def make() -> None:
        nonlocal position
        end = position + length
        while position < end:
            stop = min(position + CHUNK, end)
            asked = [layer.request(position, stop) for layer in layers]
            decoded = space.synthesize([part for one in asked for part in one.parts])
            windows = np.split(decoded, np.cumsum([one.windows for one in asked])[:-1])
            for layer, one, part in zip(layers, asked, windows, strict=True):
                layer.join(one, part)
            position = stop

    return make, count * length / space.sample_rate


def _describing(space: Space) -> tuple[Callable[[], F32], float]:
    """Return what encodes a stretch of a recording to vectors, and its seconds."""
    hop = usual_hop(space)
    count, around = (space.page, 2 * space.margin) if space.page else (WINDOWS, 0)
    samples = _tone((count - 1) * hop + space.window + around, space.sample_rate)
    heard = count * hop / space.sample_rate
    if space.page:
        return lambda: space.encode_page(samples), heard
    windows = np.ascontiguousarray(sliding_window_view(samples, space.window)[::hop])
    return lambda: space.encode(windows)[0], heard


def _vectors(space: Space) -> F32:
    """Return two vectors [shape=(2, dims)]: of its prior, or of N(0, I)."""
    rng, prior = np.random.default_rng(0), space.prior or Prior()
    return prior.vectors(rng.standard_normal((2, prior.draws or space.dims), np.float32))


def _tone(length: int, rate: int) -> Samples:
    """Return a tone of 110 Hz in noise [shape=(length,)]."""
    samples = np.random.default_rng(0).standard_normal(length, np.float32) * np.float32(0.05)
    tone = np.sin(2 * np.pi * 110.0 * np.arange(length) / rate)
    return samples + np.float32(0.4) * tone.astype(np.float32)


@click.command()
@click.option("--model", default="")
@click.option("--behind", is_flag=True)
@click.option("--lasts", default=BRIEF)
def main(model: str, behind: bool, lasts: float) -> None:
    """Measure a space, and print the answer as JSON."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what libraries print is no answer
    if behind:
        processes.stand_back()
    answer: dict[str, Any]
    try:
        answer = measured(load_model(model or None), lasts)._asdict()
    except LatentliveError as error:
        answer = {"why": str(error)}
    json.dump(answer, answers)
    answers.flush()


if __name__ == "__main__":
    main()

"""Rendering, bouncing and measuring on a cluster: what is cut, sent, and put together again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from latentlive.corpus import work as here
from latentlive.corpus.store import stored
from latentlive.engine.log.bounce import Heard
from latentlive.engine.log.performance import Performance
from latentlive.errors import EngineError
from latentlive.machines.asked import Model, Rendered, check_portable
from latentlive.machines.hub import Hub, Ready, Refusal, Seat, Task, as_bytes
from latentlive.machines.station import bits_of, bits_of_measuring
from latentlive.models import load_model
from latentlive.models.files import BUILT_IN
from latentlive.renderer.channels import Channels
from latentlive.renderer.frozen import Frozen
from latentlive.space import Space
from latentlive.units import Samples

SHORTEST, LONGEST = 2.0, 20.0
"""Seconds of a stretch; between them, several for each worker."""

STRETCHES = 16
"""Stretches of the whole, if they are not longer or shorter."""

LARGEST_FILE = 1 << 29
"""Bytes of a sound file that is sent; a larger one is measured here."""


def stretches(begin: int, stop: int, rate: int, grid: int) -> Iterator[tuple[int, int]]:
    """Yield where stretches begin and end.

    Parameters
    ----------
    begin, stop : int [samples]
    rate : int [samples a second]
    grid : int
        All but the ends are multiples of it.

    >>> list(stretches(3, 100, 10, 8))
    [(3, 24), (24, 48), (48, 72), (72, 96), (96, 100)]
    """
    long = min(max((stop - begin) / STRETCHES, SHORTEST * rate), LONGEST * rate)
    step = max(-(-round(long) // grid), 1) * grid
    start = begin
    while start < stop:
        end = min((start // grid) * grid + step, stop)
        yield start, end
        start = end


def equipped(hub: Hub, model: Model, space: Space, digests: list[str], log: bytes = b"") -> Ready:
    """Return what makes a worker ready: checks code and bits, sends model, sounds and log."""
    bits, told = bits_of(space), model.told

    def ready(seat: Seat) -> None:
        asked = {"model": told}
        if hub.checked(seat, asked, bits).get("wants"):
            data = Path(model.file).read_bytes()
            seat.ask("keep_model", {"mark": told["file"]}, as_bytes(data))
            hub.checked(seat, asked, bits)
        for one in seat.ask("lacks", {"digests": digests})[0]["digests"]:
            if one not in digests:
                raise Refusal("it asks for sounds that are none of ours")
            seat.ask("keep_sound", {"digest": one}, {"samples": np.asarray(stored(one))})
        if log:
            mark = hashlib.blake2b(log, digest_size=16).hexdigest()
            seat.ask("keep_log", {"mark": mark}, as_bytes(log))

    return ready


class Stretches:
    """Renders textures on a cluster, with the same samples as here.

    Parameters
    ----------
    hub : Hub
    model : str
        The space's name, or its file; empty for the default.
    """

    def __init__(self, hub: Hub, model: str) -> None:
        self._hub, self._space = hub, load_model(model or None)
        self._model = Model.of(model, self._space)

    def rendered(
        self,
        rendering: Channels,
        total: int,
        seed: int,
        tempo: float,
        start: Mapping[str | int, float],
    ) -> Iterator[Samples]:
        """Yield samples 0 to `total` of what `offline.prepare` has returned."""
        told = {"seed": seed, "tempo": tempo, "start": tuple(start.items())}
        asked = Rendered.of(rendering.texture, rendering.sounds, **told)
        return self._blocks(asked, rendering, total)

    def frozen(self, sound: Frozen, rendering: Channels, total: int) -> Iterator[Samples]:
        """Yield samples 0 to `total` of a sound that is to be frozen; as `freezing.Blocks`."""
        check_portable(sound.texture)
        asked = Rendered(sound.texture, sound.sounds, sound.seed, sound.tempo, looped=True)
        return self._blocks(asked, rendering, total)

    def _blocks(self, asked: Rendered, rendering: Channels, total: int) -> Iterator[Samples]:
        told = asked.dump()
        mark = hashlib.blake2b(json.dumps(told).encode(), digest_size=16).hexdigest()
        head = {"mark": mark, "asked": told, "model": self._model.told}
        spans = list(stretches(0, total, rendering.rate, rendering.hop))
        tasks = [Task("render", {**head, "start": a, "stop": b}) for a, b in spans]
        ready = equipped(self._hub, self._model, self._space, asked.digests)
        for index, _, arrays in self._hub.done(tasks, ready):
            yield checked(arrays, "samples", spans[index])


def checked(arrays: dict[str, Any], name: str, span: tuple[int, int]) -> Samples:
    """Return the samples of a stretch, if they are what a stretch can be."""
    samples: Samples | None = arrays.get(name)
    if (
        samples is None
        or samples.dtype != np.float32
        or samples.ndim not in (1, 2)
        or len(samples) != span[1] - span[0]
        or not np.isfinite(samples).all()
    ):
        raise EngineError("cluster: a worker sent what is no stretch of sound")
    return samples


class SpreadBounce:
    """Bounces a performance on a cluster; to be written as a `Bounce` is.

    Parameters
    ----------
    hub : Hub
    performance : Performance
    model : str
    space : Space
    begin : int [samples]
    stop : int [samples], optional
    stems : bool

    Raises
    ------
    EngineError
        ``cluster: the log plays on a map, whose sounds lie on this machine; leave out --cluster``
    """

    def __init__(
        self,
        hub: Hub,
        performance: Performance,
        model: str,
        space: Space,
        begin: int = 0,
        stop: int | None = None,
        stems: bool = False,
    ) -> None:
        performance.check_model(space)
        if performance.maps:
            raise EngineError(
                "cluster: the log plays on a map, whose sounds lie on this machine; "
                "leave out --cluster"
            )
        for name in performance.spaces:
            if name not in BUILT_IN:
                raise EngineError(f"cluster: the log plays .on({name!r}), a file of this machine")
        self._hub, self._performance, self._space = hub, performance, space
        self._model = Model.of(model, space)
        self.begin = max(begin, performance.header.begins)
        self.stop = performance.end if stop is None else stop
        self._stems = stems

    def blocks(self) -> Iterator[Heard]:
        """Yield what is heard from `begin` to `stop`, stretch by stretch."""
        log = self._performance.path.read_bytes()
        mark = hashlib.blake2b(log, digest_size=16).hexdigest()
        head = {"log": mark, "model": self._model.told, "stems": self._stems}
        spans = list(stretches(self.begin, self.stop, self._performance.header.rate, 1 << 12))
        tasks = [Task("bounce", {**head, "start": a, "stop": b}) for a, b in spans]
        digests = self._performance.recordings
        ready = equipped(self._hub, self._model, self._space, digests, log)
        for index, told, arrays in self._hub.done(tasks, ready):
            layers = {
                name: checked(arrays, f"layer {i}", spans[index])
                for i, name in enumerate(told["layers"])
                if name in self._performance.layers
            }
            yield Heard(checked(arrays, "mix", spans[index]), layers)


def measuring(hub: Hub) -> Callable[..., Iterator[tuple[str, tuple[Any, str]]]]:
    """Return what measures sound files on a cluster, as `scan.measured` does here."""
    bits = bits_of_measuring()

    def ready(seat: Seat) -> None:
        hub.checked(seat, {"measures": True}, bits)

    def measured(
        paths: dict[str, str], workers: int | None = None
    ) -> Iterator[tuple[str, tuple[Any, str]]]:
        names = [name for name, path in paths.items() if _sent(path)]
        tasks = (_task(paths[name]) for name in names)
        for index, told, arrays in hub.done(tasks, ready, ordered=False):
            found = arrays.get("thumbnail")
            if found is not None and not (found.shape == (35,) and np.isfinite(found).all()):
                raise EngineError("cluster: a worker sent what is no thumbnail")
            yield names[index], (found, str(told["why"]))
        sent = set(names)
        yield from ((name, here.measure(path)) for name, path in paths.items() if name not in sent)

    return measured


def _sent(path: str) -> bool:
    try:
        return 0 < os.path.getsize(path) <= LARGEST_FILE
    except OSError:
        return False


def _task(path: str) -> Task:
    def arrays() -> dict[str, Any]:
        try:
            return as_bytes(Path(path).read_bytes())
        except OSError:  # gone meanwhile: the worker says that nothing can be read
            return as_bytes(b"")

    return Task("measure", {"suffix": Path(path).suffix.lower(), "path": path}, arrays)

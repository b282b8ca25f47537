"""Checks of this machine, with a remedy for each failure."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latentlive.engine.inputs.probe import ports
from latentlive.engine.output.devices import IN
from latentlive.engine.output.probe import listed, tried
from latentlive.errors import DeviceError, EngineError, LatentliveError
from latentlive.ground.files import cache_folder, working_folder, working_folders

if TYPE_CHECKING:
    from latentlive.engine.render.speed import Speed

OLDEST_PYTHON = (3, 11)
LEAST_CORES = 2
LEAST_DISK_GB = 5.0
LEAST_LAYERS = 4
KEPT_WEEKS = 4
"""Weeks for which pruning keeps logs."""

QUICK = "rawaudiovae"
"""The space of which a machine holds most layers."""

FROZEN = 'play it with .frozen("name"), which renders before it plays'


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Parameters
    ----------
    name : str
    state : 'ok', 'warning' or 'fails'
        With 'fails', latentlive can make no sound.
    text : str
    remedy : str
    """

    name: str
    state: str
    text: str
    remedy: str = ""

    def line(self) -> str:
        """Return the finding as one line."""
        sign = {"ok": "ok  ", "warning": "warn", "fails": "FAIL"}[self.state]
        return f"{sign}  {self.name:<8} {self.text}{f'; {self.remedy}' if self.remedy else ''}"


def examine(model: str | None = None, device: str = "") -> Iterator[Finding]:
    """Check everything that sound needs, one item at a time.

    Parameters
    ----------
    model : str, optional
        A model file; by default the starter model.
    device : str
        Name or number; empty for the system's own choice.

    Example
    -------
    >>> next(examine()).name
    'Python'
    """
    yield python()
    yield cores()
    yield from cache()
    rate, found = opened_model(model)
    yield found
    if found.state == "ok":
        yield layers(model)
    yield sound(device, rate)
    yield hearing()
    yield midi()


def python() -> Finding:
    """Check the interpreter."""
    text = f"{platform.python_version()} on {platform.platform(terse=True)}"
    if sys.version_info < OLDEST_PYTHON:
        return Finding("Python", "fails", text, "install Python 3.11 or newer")
    return Finding("Python", "ok", text)


def cores() -> Finding:
    """Check the processor."""
    count = os.cpu_count() or 1
    if count < LEAST_CORES:
        return Finding("cores", "warning", str(count), "few layers can be rendered in time")
    return Finding("cores", "ok", str(count))


def cache() -> Iterator[Finding]:
    """Check the cache folder and the room on its disk."""
    move = "set LATENTLIVE_CACHE to a folder on another disk"
    try:
        folder = cache_folder()
        probe = Path(folder, f".doctor-{os.getpid()}")
        probe.write_bytes(b"written")
        probe.unlink()
    except OSError as error:
        told = f"{error.filename or 'the folder'}: {error.strerror}"
        try:
            told += f"; {working_folder()} serves until it does"
        except OSError:
            state = "fails"
        else:
            state = "warning"
        yield Finding("cache", state, told, "set LATENTLIVE_CACHE to a folder of yours")
        return
    yield Finding("cache", "ok", str(folder))
    free = shutil.disk_usage(folder).free / 1e9
    state, remedy = ("ok", "") if free >= LEAST_DISK_GB else ("warning", move)
    yield Finding("disk", state, f"{free:.1f} GB free", remedy)


def prune(weeks: float = KEPT_WEEKS) -> str:
    """Delete older logs of performances and engines in the cache; return a line.

    Logs elsewhere, named by ``--log``, stay.
    """
    oldest = time.time() - weeks * 7 * 24 * 3600
    count = size = 0
    for path in (one for folder in working_folders("log") for one in folder.iterdir()):
        with contextlib.suppress(OSError):
            state = path.lstat()
            if path.suffix in (".py", ".jsonl", ".log") and state.st_mtime < oldest:
                path.unlink()
                count, size = count + 1, size + state.st_size
    return f"pruned: {count} logs older than {weeks:g} weeks, {size / 1e6:.1f} MB"


def opened_model(model: str | None) -> tuple[int, Finding]:
    """Open a model; return its sample rate too."""
    from latentlive.models import load_model

    try:
        space = load_model(model)
    except (LatentliveError, OSError) as error:
        return 44100, Finding("model", "fails", str(error))
    text = f"{space.name}: {space.sample_rate} Hz, windows of {space.window}, {space.dims} dims"
    return space.sample_rate, Finding("model", "ok", text)


def layers(model: str | None) -> Finding:
    """Measure how many layers of a space the cores of the render workers hold."""
    from latentlive.engine.render.dispatch import LANES
    from latentlive.engine.render.speed import measure

    try:
        return told(measure(model or "", min(len(LANES), os.cpu_count() or 1)), model)
    except LatentliveError as error:
        remedy = f"end what else computes, or, if it is slower than real time, {FROZEN}"
        return Finding("layers", "warning", str(error), remedy)


def told(speeds: Sequence[Speed], model: str | None) -> Finding:
    """Return what measured speeds mean, one of each core, for layers of a model."""
    from latentlive.engine.render.speed import held

    new, known = held(speeds)
    slowest = min(speeds, key=lambda one: one.decode)
    later = f", {known} once their sounds are encoded" if slowest.encode else ""
    text = f"{new} at once{later}; each of {len(speeds)} cores {slowest}"
    if slowest.decode < 1.0:
        return Finding("layers", "warning", f"slower than real time: {text}", FROZEN)
    if new < LEAST_LAYERS:
        quicker = "" if model == QUICK else f", or play a quicker space: --model {QUICK}"
        remedy = f"end what else computes{quicker}"
        return Finding("layers", "warning", text, remedy)
    return Finding("layers", "ok", text)


def sound(device: str, rate: int) -> Finding:
    """Open a device."""
    try:
        opened = tried(device, rate)
    except DeviceError as error:
        return Finding("sound", "fails", str(error))
    note = "" if opened["rate"] == rate else f" (the model's {rate} Hz are resampled)"
    text = f"{opened['name']}: {opened['channels']} channels at {opened['rate']} Hz{note}"
    return Finding("sound", "ok", text)


def hearing() -> Finding:
    """List the sound inputs, without opening one; everything but `grab` and `level` works alone."""
    try:
        lines = listed(IN)
    except DeviceError as error:
        return Finding("input", "warning", str(error))
    names = ", ".join(" ".join(line.split()[1:]).rpartition(" (")[0] for line in lines)
    return Finding("input", "ok", f"{names} (none is opened before a word asks)")


def midi() -> Finding:
    """List what is plugged in; everything but control by MIDI works without any."""
    try:
        inputs, _ = ports()
    except EngineError as error:
        return Finding("midi", "warning", str(error).removeprefix("midi: "))
    return Finding("midi", "ok", ", ".join(inputs) or "no device is plugged in")

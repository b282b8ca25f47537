"""Sounds that are being frozen beside a performance, and the lines that wait for them.

They are rendered one at a time, each by a process of `latentlive.renderer.freezer` that gives way
to all others and ends with this one. A line that plays such a sound is sent when the sound is
complete, unless a newer one for its layer has come before.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, NamedTuple

from latentlive.corpus.frozen import forget_unfinished
from latentlive.errors import EngineError, ExpressionError, LatentliveError, printable, reason
from latentlive.expr import Node
from latentlive.ground.names import normal
from latentlive.ground.system import apart
from latentlive.latent import Sound, Texture
from latentlive.protocol.changes import Change, Hush, Play, Rename, Stop
from latentlive.protocol.children import ONE_THREAD
from latentlive.renderer.freezing import Frozen, Setting, to_freeze

LOOK_EVERY = 0.1
"""Seconds between two looks at whether a session that waits has ended."""

PATIENCE = 2.0
"""Seconds to wait for the end of a process that was killed."""

Say = Callable[[str], object]


class Line(NamedTuple):
    """A line that waits: which layer is to play what.

    Parameters
    ----------
    layer : str
    texture : Latent or joined Latent
    panics : int
        How often all had been silenced when it was typed.
    """

    layer: str
    texture: Texture
    panics: int = 0

    def plays(self, name: str) -> bool:
        """Return whether it plays the sound of a name."""
        return name in _names(self.texture)


class Progress(NamedTuple):
    """How far a sound is.

    Parameters
    ----------
    name : str
    done : float [0 to 1]
    left : float or None [seconds]
        How long it is likely to take; None as long as nothing is known.
    """

    name: str
    done: float
    left: float | None

    def __str__(self) -> str:
        if self.left is None:
            return "waits" if not self.done else f"{100 * self.done:.0f}%"
        return f"{100 * self.done:.0f}%, about {_span(self.left)} left"


@dataclass
class Making:
    """A sound that is being rendered, or waits for its turn.

    Parameters
    ----------
    sound : Frozen
    """

    sound: Frozen
    process: subprocess.Popen[bytes] | None = None
    begun: tuple[float, int] | None = None
    """When something was done first, in seconds of ``time.monotonic``, and how many samples."""

    done: int = 0
    total: int = 0
    dropped: bool = False
    waited_for: bool = False
    announced: bool = False
    error: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.sound.name

    @property
    def progress(self) -> Progress:
        """How far it is."""
        left = None
        if self.begun is not None and self.done > self.begun[1]:
            since, first = self.begun
            each = (time.monotonic() - since) / (self.done - first)
            left = each * (self.total - self.done)
        return Progress(self.name, self.done / self.total if self.total else 0.0, left)

    def told(self, done: int, total: int) -> None:
        """Take in how far it is."""
        self.done, self.total = done, total
        if self.begun is None:
            self.begun = time.monotonic(), done

    def kill(self) -> None:
        """Render it no further; it is over when its process has ended and nothing half is left."""
        self.dropped = True
        if self.process is None:
            self.over.set()
        else:
            self.process.kill()


class Freezing:
    """What is being frozen, one after the other, and what waits for it.

    Parameters
    ----------
    setting : function
        Returns what the performance renders with now.
    send : function of a Line
        Lets a layer play a texture whose sounds are there.
    say : function of a line
        Told what a performer should know.
    """

    def __init__(
        self, setting: Callable[[], Setting], send: Callable[[Line], object], say: Say
    ) -> None:
        self._setting, self._send, self._say = setting, send, say
        self._makings: list[Making] = []
        self._lines: dict[str, Line] = {}
        self._told: set[str] = set()
        self._newest: list[tuple[set[str], bool]] = []
        self._serving = False
        self.turn = threading.RLock()
        """Held while changes are sent: a line that has waited overtakes no newer one."""

    # What a performer asks for.

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Return the sound of a name; render it unless it is there or on its way.

        Raises
        ------
        LatentliveError
            If it cannot be frozen.
        """
        self.check(texture, "freeze this one then")
        sound = to_freeze(texture, name, seconds, self._setting())
        with self.turn:
            known = self._of(sound.name)
            if known is not None and known.sound.key == sound.key:
                return Sound(sound.name)
            if sound.done:
                self._cancel(sound.name)
                return Sound(sound.name)
            if known is not None:  # its lines wait for this one
                self._makings.remove(known)
                known.kill()
            if not self._serving:
                self._begin()
            self._makings.append(Making(sound))
        return Sound(sound.name)

    def wait(self, name: str, given_up: Callable[[], bool]) -> None:
        """Wait until a sound is frozen.

        Raises
        ------
        EngineError
            If it is not: it failed, was cancelled, or `given_up` was so first.
        """
        making = self._of(name)
        if making is None:
            return
        making.waited_for = True
        while not making.over.wait(LOOK_EVERY):
            if given_up():
                self._cancel(name)
        if making.dropped:
            raise EngineError(f"frozen: {name!r} was cancelled")
        if not making.sound.done:
            raise EngineError(f"frozen: {making.error}")

    def cancel(self, name: str) -> bool:
        """Stop rendering a sound, and drop the lines that wait for it.

        Returns
        -------
        bool
            Whether it was being rendered; nothing of it is left then.
        """
        making = self._cancel(name)
        if making is not None:
            making.over.wait(PATIENCE)
        return making is not None

    def _cancel(self, name: str) -> Making | None:
        with self.turn:
            making = self._of(name)
            if making is not None:
                self._makings.remove(making)
                making.kill()
                self._drop(making.name)
            return making

    # Lines that wait.

    def unfinished(self, texture: object) -> list[Progress]:
        """Return which sounds of a texture are being frozen, and how far they are."""
        if not self._makings or not isinstance(texture, Node):
            return []
        names = _names(texture)
        return [one for one in self.progress if one.name in names]

    def check(self, texture: object, then: str) -> None:
        """Refuse a texture that has to be there now, and waits for a sound.

        Raises
        ------
        ExpressionError
            ``sound: 'river' is not frozen yet (42%, about 30 s left); play it then``
        """
        for one in self.unfinished(texture):
            raise ExpressionError(f"sound: {one.name!r} is not frozen yet ({one}); {then}")

    def keep(self, lines: Sequence[Line], alone: bool = True) -> None:
        """Let lines wait; one whose sounds have been completed meanwhile is sent.

        Parameters
        ----------
        lines : sequence of Line
        alone : bool
            Whether they are all that was typed in their cell.
        """
        with self.turn:
            for line in lines:
                self._lines[line.layer] = line
                self._told.discard(line.layer)
            if lines:
                self._newest.append(({line.layer for line in lines}, alone))
            self._settle()
            for making in self._makings[:1]:
                self._announce(making)

    def overtaken(self, changes: Iterable[Change]) -> None:
        """Drop lines that newer changes stand for, once these are sent."""
        for change in changes:
            overtake(self._lines, change)
            self._newest.clear()

    def take_back(self) -> bool:
        """Drop the lines that were the last change of the layers; return whether they were all."""
        with self.turn:
            typed, alone = self._newest.pop() if self._newest else (set(), True)
            layers = sorted(typed & self._lines.keys())
            for layer in layers:
                del self._lines[layer]
            if layers and alone:
                self._say(f"undone: {', '.join(layers)} {_one(layers, 'waits', 'wait')} no more")
            return bool(layers) and alone

    def forget_lines(self) -> None:
        """Drop all lines that wait."""
        with self.turn:
            self._lines.clear()

    @property
    def progress(self) -> list[Progress]:
        """How far the sounds are, in their order."""
        return [making.progress for making in list(self._makings)]

    def close(self) -> None:
        """Stop all renderings, and wait for their processes to end; what is complete stays."""
        with self.turn:
            self._lines.clear()
            ended = list(self._makings)
            self._makings.clear()
            for making in ended:
                making.kill()
        for making in ended:
            making.over.wait(PATIENCE)

    # Rendering.

    def _begin(self) -> None:
        """Start the thread that renders; it waits for its turn."""
        try:
            threading.Thread(target=self._serve, name="freezing", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            raise EngineError(f"frozen: no room for another thread: {error}") from None
        self._serving = True

    def _serve(self) -> None:
        """Render what waits, one after the other, until nothing does."""
        forget_unfinished()
        while True:
            with self.turn:
                if not self._makings:
                    self._serving = False
                    return
                making = self._makings[0]
            try:
                self._render(making)
            except Exception as error:  # noqa: BLE001 - what waits behind it is rendered all the same
                making.error = printable(f"{type(error).__name__}: {error}")
            with self.turn:
                if making in self._makings:  # nobody has cancelled it
                    self._makings.remove(making)
                    if making.sound.done:
                        self._complete(making)
                    else:
                        self._fail(making)
                making.over.set()

    def _render(self, making: Making) -> None:
        with contextlib.ExitStack() as stack:
            try:
                errors = stack.enter_context(tempfile.TemporaryFile())
                with self.turn:
                    if making.dropped:
                        return
                    process = making.process = _started(errors)
            except OSError as error:
                making.error = f"no process can be started: {reason(error)}"
                return
            stack.callback(forget_unfinished, process.pid)
            stack.enter_context(process)  # waited for, before what it has left half is removed
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(OSError):  # it has ended already
                process.stdin.write(json.dumps(making.sound.dump()).encode() + b"\n")
                process.stdin.flush()
            for line in process.stdout:
                making.told(**json.loads(line))
                with self.turn:
                    self._announce(making)
            process.wait()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            if said and process.returncode > 0:
                making.error = printable(said[-1].removeprefix("frozen: "))

    def _complete(self, making: Making) -> None:
        plays = self._settle()
        then = f": {', '.join(plays)} {_one(plays, 'plays', 'play')} it" if plays else ""
        if not making.waited_for:
            self._say(f"{making.name} is frozen{then}")

    def _fail(self, making: Making) -> None:
        making.error = making.error or "its process was ended"
        layers = self._drop(making.name)
        rest = f"; {', '.join(layers)} {_one(layers, 'goes', 'go')} on as before" if layers else ""
        if not making.waited_for:
            self._say(f"{making.name} is not frozen: {making.error}{rest}")

    def _settle(self) -> list[str]:
        """Send lines whose sounds are all there; return their layers."""
        sent = []
        for layer, line in list(self._lines.items()):
            if self.unfinished(line.texture):
                continue
            del self._lines[layer]
            try:
                self._send(line._replace(layer=layer))
                sent.append(layer)
            except LatentliveError as error:
                self._say(f"{layer} goes on as it was: {error}")
        return sent

    def _announce(self, making: Making) -> None:
        """Say once which layers wait for a sound, and how long, as soon as that is known."""
        left = making.progress.left
        if left is None or making.done == making.total:
            return
        when = f"in about {_span(left)}"
        if making.waited_for and not making.announced:
            making.announced = True
            self._say(f"{making.name} is frozen first, {when}")
        waiting = {layer for layer, line in self._lines.items() if line.plays(making.name)}
        if new := sorted(waiting - self._told):
            self._told |= waiting
            plays = _one(new, "plays", "play")
            self._say(f"{', '.join(new)} {plays} {making.name} when it is frozen, {when}")

    def _drop(self, name: str) -> list[str]:
        """Drop lines that wait for a sound; return their layers."""
        layers = [layer for layer, line in self._lines.items() if line.plays(name)]
        for layer in layers:
            del self._lines[layer]
        return layers

    def _of(self, name: str) -> Making | None:
        return next((one for one in self._makings if one.name == normal(name)), None)


def overtake(lines: dict[str, Line], change: Change) -> None:
    """Let a change take the place of lines that wait, by layer."""
    match change:
        case Play() | Stop():
            lines.pop(change.layer, None)
        case Hush():
            lines.clear()
        case Rename() if change.layer in lines:
            lines[change.name] = lines.pop(change.layer)


def parted(typed: Iterable[Change | Line]) -> tuple[tuple[Change, ...], list[Line]]:
    """Return the changes of a cell, and the lines in it that none of them has overtaken."""
    changes: list[Change] = []
    lines: dict[str, Line] = {}
    for one in typed:
        if isinstance(one, Line):
            lines[one.layer] = one
        else:
            changes.append(one)
            overtake(lines, one)
    return tuple(changes), [line._replace(layer=layer) for layer, line in lines.items()]


def _started(errors: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "latentlive.renderer.freezer"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        **apart(),
        env={**os.environ, **ONE_THREAD},
    )


def _names(texture: Node) -> set[str]:
    """Return the names of the sounds in a texture."""
    named = (node.source for node in texture.walk() if isinstance(node, Sound))
    return {normal(name) for name in named if isinstance(name, str)}


def _one(layers: Sequence[str], one: str, many: str) -> str:
    """Return the word for one layer, or that for many."""
    return one if len(layers) == 1 else many


def _span(seconds: float) -> str:
    """Return about how long something takes.

    >>> _span(38.2), _span(200)
    ('38 s', '3 min')
    """
    return f"{max(round(seconds), 1)} s" if seconds < 100 else f"{round(seconds / 60)} min"

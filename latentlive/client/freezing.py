"""Freeze sounds and measure directions beside a performance, and hold the lines that wait for them.

A process makes one of them at a time; it gives way to all others and ends with this process. When
it is complete, the lines that need it are sent, except lines that a newer one for their layer has
replaced.
"""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from latentlive.client.waiting import Awaited, Line, Waiting, one_or_many
from latentlive.corpus.frozen import forget_unfinished
from latentlive.errors import EngineError, ExpressionError, printable, reason
from latentlive.expr import Node
from latentlive.ground.launch import command, launched
from latentlive.ground.names import normal
from latentlive.ground.system import apart
from latentlive.latent import Sound, Texture
from latentlive.renderer.frozen import Setting, to_freeze

LOOK_EVERY = 0.1
"""Seconds between checks whether a waiting session has ended."""

PREFIX = re.compile("(frozen|directions): ")
"""The word that an error of a process begins with."""

PATIENCE = 2.0
"""Seconds to wait for a killed process to end."""

Say = Callable[[str], object]


class Progress(NamedTuple):
    """The progress of a sound.

    Parameters
    ----------
    name : str
    done : float [0 to 1]
    left : float or None [seconds]
        The estimated time left; None while unknown.
    doing : str
        What is being done to it.
    """

    name: str
    done: float
    left: float | None
    doing: str = "freezing"

    def __str__(self) -> str:
        if self.left is None:
            return "waits" if not self.done else f"{100 * self.done:.0f}%"
        return f"{100 * self.done:.0f}%, about {_span(self.left)} left"


@dataclass
class Making:
    """What is being made, or waits for its turn.

    Parameters
    ----------
    job : Awaited
    """

    job: Awaited
    process: subprocess.Popen[bytes] | None = None
    begun: tuple[float, int] | None = None
    """Time of the first progress, in seconds of ``time.monotonic``, and its samples."""

    done: int = 0
    total: int = 0
    dropped: bool = False
    waited_for: bool = False
    announced: bool = False
    error: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        """The name of what is made."""
        return self.job.name

    @property
    def progress(self) -> Progress:
        """The progress so far."""
        left = None
        if self.begun is not None and self.done > self.begun[1]:
            since, first = self.begun
            each = (time.monotonic() - since) / (self.done - first)
            left = each * (self.total - self.done)
        done = self.done / self.total if self.total else 0.0
        return Progress(self.name, done, left, self.job.doing)

    def told(self, done: int, total: int) -> None:
        """Note the progress in samples."""
        self.done, self.total = done, total
        if self.begun is None:
            self.begun = time.monotonic(), done

    def kill(self) -> None:
        """Stop rendering; `over` is set once the process has ended and left no partial file."""
        self.dropped = True
        if self.process is None:
            self.over.set()
        else:
            self.process.kill()


class Freezing:
    """The sounds to freeze, one after the other, and the lines that wait for them.

    Parameters
    ----------
    setting : function
        Returns the performance's present rendering settings.
    send : function of a Line
        Plays a texture with complete sounds on a layer.
    say : function of a line
        Receives lines for the performer.
    """

    def __init__(
        self, setting: Callable[[], Setting], send: Callable[[Line], object], say: Say
    ) -> None:
        self._setting, self._say = setting, say
        self.waiting = Waiting(send, say)
        self._makings: list[Making] = []
        self._serving = False
        self.turn = threading.RLock()
        """Held while changes are sent: a waiting line must not overtake a newer one."""

    # The performer's requests.

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Return the sound of a name; render it unless it is complete or rendering.

        Raises
        ------
        LatentliveError
            If the sound cannot be frozen.
        """
        self.check(texture, "freeze this one then")
        sound = to_freeze(texture, name, seconds, self._setting())
        with self.turn:
            if sound.done:
                known = self._of(sound.name)
                if known is not None and known.job.key != sound.key:
                    self._cancel(sound.name)
            else:
                self.make(sound)
        return Sound(sound.name)

    def make(self, job: Awaited) -> None:
        """Make something, unless it is being made."""
        with self.turn:
            known = self._of(job.name)
            if known is not None and known.job.key == job.key:
                return
            if known is not None:  # its lines now wait for the new one
                self._makings.remove(known)
                known.kill()
            if not self._serving:
                self._begin()
            self._makings.append(Making(job))

    def wait(self, name: str, given_up: Callable[[], bool]) -> None:
        """Wait until a sound is frozen.

        Raises
        ------
        EngineError
            If it failed, was cancelled, or `given_up` came first.
        """
        making = self._of(name)
        if making is None:
            return
        making.waited_for = True
        while not making.over.wait(LOOK_EVERY):
            if given_up():
                self._cancel(name)
        if making.dropped:
            raise EngineError(f"{making.job.made}: {name!r} was cancelled")
        if not making.job.done:
            raise EngineError(f"{making.job.made}: {making.error}")

    def cancel(self, name: str) -> Awaited | None:
        """Stop making something, and drop the lines that wait for it.

        Returns
        -------
        Awaited or None
            What was being made, if anything; nothing of it remains then.
        """
        making = self._cancel(name)
        if making is None:
            return None
        making.over.wait(PATIENCE)
        return making.job

    def _cancel(self, name: str) -> Making | None:
        with self.turn:
            making = self._of(name)
            if making is not None:
                self._makings.remove(making)
                making.kill()
                self.waiting.drop(making.job)
            return making

    # Lines that wait.

    def unfinished(self, texture: object) -> list[Progress]:
        """Return the progress of what a texture still needs."""
        return [making.progress for making in self._needed(texture)]

    def _needed(self, texture: object) -> list[Making]:
        if not isinstance(texture, Node):
            return []
        return [making for making in list(self._makings) if making.job.concerns(texture)]

    def check(self, texture: object, then: str) -> None:
        """Refuse a texture that has to play now while a sound of it is incomplete.

        Raises
        ------
        ExpressionError
            ``sound: 'river' is not frozen yet (42%, about 30 s left); play it then``
        """
        for making in self._needed(texture):
            job = making.job
            raise ExpressionError(f"{job.lacking} not {job.made} yet ({making.progress}); {then}")

    def keep(self, lines: Sequence[Line], alone: bool = True) -> None:
        """Hold lines; send those whose sounds are complete by now.

        Parameters
        ----------
        lines : sequence of Line
        alone : bool
            Whether their cell changed nothing else.
        """
        with self.turn:
            self.waiting.keep(lines, alone)
            self.waiting.send_ready(self.unfinished)
            for making in self._makings[:1]:
                self._announce(making)

    def take_back(self) -> bool:
        """Drop the lines of the last change; return whether it consisted of lines only."""
        with self.turn:
            return self.waiting.take_back()

    def forget_lines(self) -> None:
        """Drop all waiting lines."""
        with self.turn:
            self.waiting.lines.clear()

    @property
    def progress(self) -> list[Progress]:
        """The progress of every sound, in rendering order."""
        return [making.progress for making in list(self._makings)]

    def close(self) -> None:
        """Stop all rendering, and wait for the processes to end; complete sounds stay."""
        with self.turn:
            self.waiting.lines.clear()
            ended = list(self._makings)
            self._makings.clear()
            for making in ended:
                making.kill()
        for making in ended:
            making.over.wait(PATIENCE)

    # Rendering.

    def _begin(self) -> None:
        """Start the rendering thread; it waits for `turn`."""
        try:
            threading.Thread(target=self._serve, name="freezing", daemon=True).start()
        except (RuntimeError, MemoryError) as error:
            raise EngineError(f"frozen: no room for another thread: {error}") from None
        self._serving = True

    def _serve(self) -> None:
        """Render the waiting sounds one after the other until none is left."""
        forget_unfinished()
        while True:
            with self.turn:
                if not self._makings:
                    self._serving = False
                    return
                making = self._makings[0]
            try:
                self._render(making)
            except Exception as error:  # noqa: BLE001 - later sounds must still render
                making.error = printable(f"{type(error).__name__}: {error}")
            with self.turn:
                if making in self._makings:  # not cancelled
                    self._makings.remove(making)
                    if making.job.done:
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
                    started = command(making.job.module)
                    process = making.process = launched(started, errors, **apart())
            except OSError as error:
                making.error = f"no process can be started: {reason(error)}"
                return
            stack.callback(forget_unfinished, process.pid)
            stack.enter_context(process)  # waits for its end before its partial file is removed
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(OSError):  # it has ended already
                process.stdin.write(json.dumps(making.job.dump()).encode() + b"\n")
                process.stdin.flush()
            for line in process.stdout:
                told = json.loads(line)
                if "line" in told:
                    self._say(told["line"])
                    continue
                making.told(**told)
                with self.turn:
                    self._announce(making)
            process.wait()
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip().splitlines()
            if said and process.returncode > 0:
                making.error = printable(PREFIX.sub("", said[-1]))

    def _complete(self, making: Making) -> None:
        plays = self.waiting.send_ready(self.unfinished)
        it = one_or_many(plays, "plays", "play")
        then = f": {', '.join(plays)} {it} {making.job.played}" if plays else ""
        if not making.waited_for:
            self._say(f"{making.job.noun} {making.job.be} {making.job.made}{then}")

    def _fail(self, making: Making) -> None:
        making.error = making.error or "its process was ended"
        layers = self.waiting.drop(making.job)
        goes = one_or_many(layers, "goes", "go")
        rest = f"; {', '.join(layers)} {goes} on as before" if layers else ""
        if not making.waited_for:
            job = making.job
            self._say(f"{job.noun} {job.be} not {job.made}: {making.error}{rest}")

    def _announce(self, making: Making) -> None:
        """Say once who waits for a sound, and how long, once the time is known."""
        left = making.progress.left
        if left is None or making.done == making.total:
            return
        when = f"in about {_span(left)}"
        if making.waited_for and not making.announced:
            making.announced = True
            self._say(f"{making.job.noun} {making.job.be} {making.job.made} first, {when}")
        self.waiting.announce(making.job, when)

    def _of(self, name: str) -> Making | None:
        return next((one for one in self._makings if one.name == normal(name)), None)


def _span(seconds: float) -> str:
    """Return an approximate duration as text.

    >>> _span(38.2), _span(200)
    ('38 s', '3 min')
    """
    return f"{max(round(seconds), 1)} s" if seconds < 100 else f"{round(seconds / 60)} min"

"""Runs typed, sent and loaded code: a cell at a time, on the main thread, whatever it raises."""

from __future__ import annotations

import ast
import contextlib
import importlib
import linecache
import math
import queue
import signal
import time
import traceback
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from latentlive.errors import LatentliveError
from latentlive.latent import Recorded, Sound, Texture, freezing_by
from latentlive.prompt.booting import Booting
from latentlive.prompt.helping import Examples, Help, told
from latentlive.prompt.jobs import Answer, Front, Job, Left, Saved, Sent, Typed
from latentlive.prompt.rehearsal import Rehearsal
from latentlive.prompt.reloading import Patterns
from latentlive.prompt.scope import Names, parsed, told_line
from latentlive.prompt.session import BREAK, Cell
from latentlive.prompt.statement import escaped
from latentlive.prompt.tutorial import Tutorial
from latentlive.worded import Worded

if TYPE_CHECKING:
    from latentlive.client import Engine
    from latentlive.corpus import Audio
    from latentlive.corpus.segmenting import By
    from latentlive.units import Floats

LONGEST = 4000
"""Most characters of a value to show."""

AGAIN = 0.25
"""Seconds before the next try to read a line when threads or memory have run out."""


class Leave(BaseException):
    """The performer leaves."""


class Exit(Worded):
    """Leaves the prompt when its name is typed; the engine fades out."""

    _called = "exit"

    def __call__(self, *_: Any) -> None:
        raise Leave

    def __repr__(self) -> str:
        return "exit"


class Why(Worded):
    """Prints the traceback of the last error when its name is typed."""

    _called = "why"

    def __init__(self) -> None:
        self._last: BaseException | None = None

    def remember(self, error: BaseException) -> None:
        """Keep an error for showing."""
        self._last = error

    def __repr__(self) -> str:
        if self._last is None:
            return "nothing went wrong yet"
        try:
            told = traceback.TracebackException.from_exception(self._last)
            told.stack = traceback.StackSummary.from_list(
                [frame for frame in told.stack if frame.filename != __file__]
            )
            return "".join(told.format()).rstrip()
        except BaseException as error:  # noqa: BLE001 - an exception's own text may fail
            return f"{type(self._last).__name__}, which cannot be shown: {type(error).__name__}"


class Console:
    """Runs all of a performer's code.

    Parameters
    ----------
    booting : Booting
    inbox : queue of jobs
    """

    def __init__(self, booting: Booting, inbox: queue.SimpleQueue[Job]) -> None:
        self.booting, self.inbox = booting, inbox
        self.why = Why()
        self.rehearsal = Rehearsal(self._cell)
        leave = Exit()
        words = {
            "load": self.rehearsal.load,
            "cell": self.rehearsal.cell,
            "why": self.why,
            "exit": leave,
            "quit": leave,
            "tutorial": Tutorial(),
            "examples": Examples(),
        }
        self.scope = Names(self._live, words)
        self.scope.words["help"] = Help(self.scope)
        self.patterns = Patterns(self.scope)
        self._cells: contextlib.ExitStack | None = None
        self._code = ""
        self._number = 0
        self._interruptible = False
        self._entered, self._pressed = math.inf, -math.inf

    # The loop.

    def serve(self, front: Front) -> None:
        """Run jobs until the performer leaves or the engine fails to start.

        Raises
        ------
        LatentliveError
            If the engine failed to start.
        """
        watching = self.patterns.watch(lambda names: self.inbox.put(Saved(names)))
        before = signal.signal(signal.SIGINT, self._interrupted)
        try:
            self._read(front)
            while True:
                job = self._next()
                if isinstance(job, Left):
                    if job.error is not None:
                        raise job.error
                    return
                with front.output():
                    answer = self._do(job, front)
                if answer.leave:
                    return
                if isinstance(job, Typed):
                    self._read(front)
        finally:
            signal.signal(signal.SIGINT, before)
            watching.set()

    def _read(self, front: Front) -> None:
        """Begin to read the next line; without a thread for it, try again after a while."""
        while True:
            try:
                front.read()
            except (RuntimeError, MemoryError) as error:
                if isinstance(error, RuntimeError) and "start new thread" not in str(error):
                    raise
                time.sleep(AGAIN)
            else:
                return

    def _next(self) -> Job:
        while True:
            with contextlib.suppress(queue.Empty):
                return self.inbox.get(timeout=0.5)  # short waits let signals in everywhere

    def _do(self, job: Typed | Sent | Saved, front: Front) -> Answer:
        self._entered = job.at
        if isinstance(job, Typed):
            answer = self.run(job.code)
            _present(front, answer)
            return answer
        with front.aside():
            if isinstance(job, Saved):
                for line in self._reload(job.names):
                    front.show(line, "note")
                return Answer()
            front.show(job.code.strip("\n"), "echo")
            answer = self.run(job.code, job.file, job.line)
            _present(front, answer)
        job.reply(answer)
        return answer

    def _reload(self, names: list[str]) -> list[str]:
        try:
            with self.interruptible():
                return self.patterns.reload(names, self.booting.engine)
        except (KeyboardInterrupt, LatentliveError) as error:
            return [self._said(error, "")]

    # Running.

    def run(self, code: str, file: str = "", line: int = 1) -> Answer:
        """Run a cell: its changes land together, or not at all.

        Parameters
        ----------
        code : str
        file : str
            Empty for typed code.
        line : int
            Of the cell's first line in the file.
        """
        self._number += 1
        code = escaped(code)
        name = file or f"<cell {self._number}>"
        if not file:
            rows = [f"{row}\n" for row in BREAK.split(code)]
            linecache.cache[name] = (len(code), None, rows, name)
        taken = False
        try:
            value = self.execute(code, name, line)
            taken = True
            if isinstance(value, Exit):
                return Answer(leave=True)
            with self.interruptible():
                return Answer(self._shown(code, value))
        except Leave:
            return Answer(leave=True)
        except KeyboardInterrupt as error:
            self.why.remember(error)
            what = "while its value was shown" if taken else "nothing of it was taken"
            return Answer(error=f"stopped: {what}")
        except BaseException as error:  # noqa: BLE001 - the prompt survives all typed code
            self.why.remember(error)
            place = name if file or "\n" in code.strip() else ""
            return Answer(error=self._said(error, place), line=_line(error, name))

    def execute(self, code: str, file: str, line: int = 1, name: str = "") -> Any:
        """Run code as one cell; return the value of its last expression, let its errors through."""
        tree = parsed(code, file, line, self.scope)
        last = tree.body[-1] if tree.body else None
        if any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree)):
            importlib.invalidate_caches()
            self.patterns.links.note(tree)
        outer = self._cells, self._code
        value = None
        try:
            with contextlib.ExitStack() as self._cells:
                self._code, label = code, name
                if self.booting.ready:
                    self._enter(label)
                with self.interruptible(), freezing_by(self):
                    if isinstance(last, ast.Expr):
                        body = ast.Module(tree.body[:-1], tree.type_ignores)
                        exec(compile(body, file, "exec"), self.scope)
                        value = eval(compile(ast.Expression(last.value), file, "eval"), self.scope)
                    else:
                        exec(compile(tree, file, "exec"), self.scope)
                self.scope.mend()
        finally:
            self._cells, self._code = outer
        if self.booting.ready:
            self.patterns.remember(tree, self.booting.engine())
        return value

    def _cell(self, cell: Cell, file: str) -> None:
        self.execute(cell.code, file, cell.line, cell.name)

    def _live(self) -> Engine:
        """Return the engine for a word; its changes belong to the running cell."""
        waited = not self.booting.ready
        engine = self.booting.engine()
        if waited and self._cells is not None:
            self._enter()
        return engine

    def freeze(self, texture: Texture, name: str, seconds: float | None) -> Sound:
        """Render a texture into a sound beside the performance: for ``.frozen()``."""
        return self._live().freeze(texture, name, seconds)

    def boundaries(self, sound: Recorded, by: By, shortest: float) -> Floats:
        """Return where the parts of a recording begin [seconds]: for ``.segments()``."""
        return self._live().boundaries(sound, by, shortest)

    def recording(self, sound: Sound) -> tuple[Audio, int]:
        """Return a recording, and its samples a second: for ``contour``."""
        return self._live().recording(sound)

    def _enter(self, name: str = "") -> None:
        assert self._cells is not None
        self._cells.enter_context(self.booting.engine().cell(code=self._code, name=name))

    def _shown(self, code: str, value: Any) -> str:
        """Return the text of a cell's value; show a layer only if the cell is just its name."""
        from latentlive.client import Layer

        if value is None or (isinstance(value, Layer) and not code.strip().isidentifier()):
            return ""
        self.scope["_"] = value
        text = self.scope.shown(value, told)
        if len(text) > LONGEST and not isinstance(value, Why):
            text = f"{text[:LONGEST]} ... ({len(text)} characters)"
        return text

    # The error and its place.

    def __contains__(self, file: object) -> bool:
        """Return whether a file is the performer's: errors then name its lines."""
        path = self.rehearsal.path
        return file in self.patterns or (path is not None and file == str(path))

    def _said(self, error: BaseException, place: str) -> str:
        return told_line(error, place, self, self.scope) + self.patterns.hint(error)

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let Ctrl-C stop the code inside, and nothing else: it must not cut a message in two."""
        before, self._interruptible = self._interruptible, True
        try:
            if self._pressed > self._entered:  # pressed before the line for it began to run
                self._interrupted()
            yield
        finally:
            self._interruptible = before

    def _interrupted(self, *_: Any) -> None:
        self._pressed = -math.inf if self._interruptible else time.monotonic()
        if self._interruptible:
            raise KeyboardInterrupt


def _present(front: Front, answer: Answer) -> None:
    if answer.shown:
        front.show(answer.shown)
    if answer.error:
        front.show(answer.error, "error")


def _line(error: BaseException, file: str) -> int | None:
    """Return the last line of a file that an error passed through."""
    if isinstance(error, SyntaxError) and error.filename == file:
        return error.lineno
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    return lines[-1] if lines else None

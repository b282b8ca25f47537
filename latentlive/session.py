"""Session files: Python in percent cells, each with the moment at which it lands.

::

    # %% sea
    d1 >> sound("rain").extend(8)
    # %% 00:00:12.000 gong
    d2 >> sound("gong")
"""

from __future__ import annotations

import re
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import latentlive
from latentlive.browser import Browser
from latentlive.engine import Engine, Layer
from latentlive.errors import ExpressionError, LatentliveError, SoundError

HEADING = re.compile(r"^# %%(?:[ \t]+(?P<rest>.*))?$")
MOMENT = re.compile(r"^(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)(?:[ \t]+|$)")
EARLY = 3.0
"""Seconds before its moment at which a cell is run, so that it can be rendered in time."""


@dataclass(frozen=True)
class Cell:
    """A piece of a session.

    Parameters
    ----------
    name : str
    moment : float or None [seconds of the transport]
        None lands with the first sample.
    line : int
        Of its first line of code in the file.
    code : str
    """

    name: str
    moment: float | None
    line: int
    code: str


def parse(text: str) -> list[Cell]:
    """Return the cells of a session; what stands before the first heading is one as well.

    Raises
    ------
    ExpressionError
        If moments do not rise from cell to cell.
    """
    cells: list[Cell] = []
    name, moment, line = "", None, 1
    body: list[str] = []

    def close() -> None:
        if any(row.strip() and not row.lstrip().startswith("#") for row in body):
            cells.append(Cell(name or f"line {line}", moment, line, "\n".join(body)))

    for number, row in enumerate(text.splitlines(), 1):
        heading = HEADING.match(row)
        if not heading:
            body.append(row)
            continue
        close()
        rest = (heading["rest"] or "").split("{", 1)[0].strip()
        stamp = MOMENT.match(rest)
        moment = None
        if stamp:
            moment = int(stamp[1]) * 3600 + int(stamp[2]) * 60 + float(stamp[3])
            rest = rest[stamp.end() :]
        name, line, body = rest.strip(), number + 1, []
    close()
    late = 0.0
    for cell in cells:
        if (cell.moment or 0.0) < late:
            raise ExpressionError(
                f"session: cell {cell.name!r} (line {cell.line}) comes before the one above it"
            )
        late = cell.moment or 0.0
    return cells


def find_session(name: str) -> Path:
    """Return a session's file: a path, or the name of a shipped one.

    Raises
    ------
    SoundError
        ``session: no 'evening'; shipped are 'first_light'``
    """
    path = Path(name)
    if path.is_file():
        return path
    package = Path(latentlive.__file__).parent
    shipped: dict[str, Path] = {}
    for folder in (package / "shipped" / "sessions", package.parent / "sessions"):
        shipped.update({p.stem: p for p in sorted(folder.glob("*.py"))})
    if name in shipped:
        return shipped[name]
    known = ", ".join(repr(stem) for stem in sorted(shipped)) or "none"
    raise SoundError(f"session: no file {name!r}; shipped are {known}")


def names(engine: Engine) -> dict[str, Any]:
    """Return what is in scope at the prompt and in a session: words, layers, ``np``."""
    scope: dict[str, Any] = {word: getattr(latentlive, word) for word in latentlive.WORDS}
    scope.update({f"d{n}": engine.layer(f"d{n}") for n in range(1, 17)})
    scope.update(layer=engine.layer, hush=engine.hush, only=engine.only, panic=engine.panic)
    scope.update(master=engine.master, record=engine.record, stop_recording=engine.stop_recording)
    scope.update(np=np, corpus=Browser(engine))
    return scope


class Names(dict[str, Any]):
    """The scope of typed code, in which the layers keep their names."""

    def __setitem__(self, name: str, value: Any) -> None:
        held = self.get(name)
        if isinstance(held, Layer) and held.name == name:
            raise ExpressionError(f"{name} is a layer: {name} >> ...")
        super().__setitem__(name, value)


def first_line(error: BaseException, file: str) -> str:
    """Return an error as one line, with the line of `file` that raised it."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    place = f"line {lines[-1]}: " if lines and lines[-1] else ""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    text = str(error).strip().splitlines()
    said = text[0] if text else ""
    return place + (
        said if isinstance(error, LatentliveError) else f"{type(error).__name__}: {said}"
    )


def run_cell(engine: Engine, cell: Cell, scope: dict[str, Any], file: str) -> str | None:
    """Run one cell; return what was wrong with it in one line, or None.

    A cell that fails changes nothing, and the session goes on.
    """
    rate = engine.welcome["sample_rate"]
    at = None if cell.moment is None else round(cell.moment * rate)
    try:
        code = compile("\n" * (cell.line - 1) + cell.code, file, "exec")
        with engine.cell(at):
            exec(code, scope)
    except Exception as error:  # noqa: BLE001 - a performer's code may raise anything
        return f"{cell.name}: {first_line(error, file)}"
    return None


def play(
    engine: Engine,
    path: Path,
    seconds: float | None = None,
    show: Callable[[dict[str, Any]], object] = lambda _: None,
) -> None:
    """Play a session to its end: until nothing is planned and all is silent.

    Parameters
    ----------
    engine : Engine
        Started with ``hold=True``.
    path : Path
    seconds : float, optional [seconds of the transport]
        End there at the latest.
    show : function of the engine's state
        Called about ten times a second.
    """
    file = str(path)
    try:
        cells = parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SoundError(f"session: cannot read {path}: {error}") from None
    scope: dict[str, Any] = Names(names(engine))
    waiting = [c for c in cells if c.moment is not None]

    def run(cell: Cell) -> None:
        wrong = run_cell(engine, cell, scope, file)
        if wrong:
            print(wrong, file=sys.stderr)

    for cell in cells:
        if cell.moment is None:
            run(cell)
    engine.start()
    while not engine.ended:
        time.sleep(0.1)
        state = engine.state
        show(state)
        if not state:
            continue
        now = state["seconds"]
        while waiting and (waiting[0].moment or 0.0) - EARLY <= now:
            run(waiting.pop(0))
            state = engine.state
        if seconds is not None and now >= seconds:
            return
        if state["silent"] and not waiting:
            return
        if state["silent"] and not state["running"]:
            run(waiting.pop(0))  # nothing came before it that could start the transport

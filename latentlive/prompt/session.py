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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import latentlive
from latentlive.engine import Engine
from latentlive.errors import ExpressionError, SoundError
from latentlive.prompt.scope import Names, first_line, parsed
from latentlive.units import clock_text

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

    def __bool__(self) -> bool:
        """Tell whether there is any code in it."""
        rows = self.code.splitlines()
        return any(row.strip() and not row.lstrip().startswith("#") for row in rows)


def cells(text: str) -> list[Cell]:
    """Return all cells of a text; what stands before the first heading is one as well."""
    found: list[Cell] = []
    name, moment, line = "", None, 1
    body: list[str] = []

    def close() -> None:
        found.append(Cell(name or f"line {line}", moment, line, "\n".join(body)))

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
    return found


def parse(text: str) -> list[Cell]:
    """Return the cells of a session that hold code.

    Raises
    ------
    ExpressionError
        If moments do not rise from cell to cell.
    """
    held = [cell for cell in cells(text) if cell]
    late = 0.0
    for cell in held:
        if (cell.moment or 0.0) < late:
            raise ExpressionError(
                f"session: cell {cell.name!r} (line {cell.line}) comes before the one above it"
            )
        late = cell.moment or 0.0
    return held


def cell_at(text: str, line: int) -> Cell | None:
    """Return the cell that a line of a text belongs to, its heading included; None without code."""
    found = [cell for cell in cells(text) if cell.line - 1 <= line or cell.line == 1][-1]
    return found if found else None


def shipped(kind: str) -> list[Path]:
    """Return the folders of what comes with latentlive: ``sessions`` or ``patterns``."""
    package = Path(latentlive.__file__).parent
    folders = (package / "shipped" / kind, package.parent / kind)
    return [folder for folder in folders if folder.is_dir()]


def reach_patterns() -> list[Path]:
    """Let ``import`` find pattern files: those in the working folder, and the shipped ones."""
    folders = [Path.cwd() / "patterns", *shipped("patterns")]
    sys.path.extend(str(folder) for folder in folders if str(folder) not in sys.path)
    return folders


def find_session(name: str) -> Path:
    """Return a session's file: a path, with or without ``.py``, or the name of a shipped one.

    Raises
    ------
    SoundError
        ``session: no 'evening'; shipped are 'first_light'``
    """
    own = [Path(name), Path(f"{name}.py"), Path("sessions", f"{name}.py")]
    for path in own:
        if path.is_file():
            return path
    known = {p.stem: p for folder in shipped("sessions") for p in sorted(folder.glob("*.py"))}
    if name in known:
        return known[name]
    listed = ", ".join(repr(stem) for stem in sorted(known)) or "none"
    raise SoundError(f"session: no file {name!r}; shipped are {listed}")


def read_session(path: Path) -> str:
    """Return a session's text.

    Raises
    ------
    SoundError
        If the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SoundError(f"session: cannot read {path}: {error}") from None


def run_cell(engine: Engine, cell: Cell, scope: Names, file: str) -> str | None:
    """Run one cell; return what was wrong with it in one line, or None.

    A cell that fails changes nothing, and the session goes on.
    """
    rate = engine.welcome["sample_rate"]
    at = None if cell.moment is None else round(cell.moment * rate)
    try:
        code = compile(parsed(cell.code, file, cell.line, scope), file, "exec")
        with engine.cell(at, cell.code, cell.name):
            exec(code, scope)
            scope.mend()
    except Exception as error:  # noqa: BLE001 - a performer's code may raise anything
        return f"{cell.name}: {first_line(error, file, scope=scope)}"
    return None


def play(
    engine: Engine,
    path: Path,
    seconds: float | None = None,
    show: Callable[[dict[str, Any]], object] = lambda _: None,
    say: Callable[[str], object] = lambda line: print(line, file=sys.stderr),
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
    say : function of a line
        Told the names of cells as they are heard, and what is wrong with one.
    """
    file = str(path)
    held = parse(read_session(path))
    scope = Names(lambda: engine)
    reach_patterns()
    waiting = [c for c in held if c.moment is not None]

    def run(cell: Cell) -> None:
        wrong = run_cell(engine, cell, scope, file)
        if wrong:
            say(wrong)

    scenes = [cell for cell in held if not cell.name.startswith("line ")]
    for cell in held:
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
        while scenes and state["running"] and (scenes[0].moment or 0.0) <= now:
            scene = scenes.pop(0)
            say(f"{clock_text(scene.moment or 0.0)}  {scene.name}")
        while waiting and (waiting[0].moment or 0.0) - EARLY <= now:
            run(waiting.pop(0))
            state = engine.state
        if seconds is not None and now >= seconds:
            return
        if state["silent"] and not waiting:
            return
        if state["silent"] and not state["running"]:
            run(waiting.pop(0))  # nothing came before it that could start the transport

"""Session files: Python in percent cells, each with the moment at which it lands.

::

    # %% sea
    d1 >> sound("rain").extend(8)
    # %% 00:00:12.000 gong
    d2 >> sound("gong")
"""

from __future__ import annotations

import os
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple

import latentlive
from latentlive.errors import ExpressionError, SoundError
from latentlive.ground.names import normal, on_disk

HEADING = re.compile(r"^#[ \t]*%%(?:[ \t]+(?P<rest>.*))?$", re.MULTILINE)
CODE = re.compile(r"^[^\S\n]*[^\s#]", re.MULTILINE)
MOMENT = re.compile(r"^(\d+):([0-5]\d):([0-5]\d(?:\.\d+)?)(?:[ \t]+|$)")
ALMOST = re.compile(r"^\d+:\d")
"""The start of a moment: a malformed one would silently land at the first sample."""

BREAK = re.compile(r"\r\n|\r|\n")
"""Python's line ends: a form feed, U+0085 and U+2028 do not end a line."""


class Cell(NamedTuple):
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
        """Return whether the cell holds any code."""
        return CODE.search(self.code) is not None


def cells(text: str) -> list[Cell]:
    """Return all cells of a text; the text before the first heading is one too."""
    text = BREAK.sub("\n", text.removeprefix("\ufeff"))
    headings = list(HEADING.finditer(text))
    starts = [heading.start() for heading in headings]
    found = [Cell("line 1", None, 1, text[: starts[0] if starts else None].removesuffix("\n"))]
    line = 1 + text.count("\n", 0, starts[0] if starts else 0)
    for heading, stop in zip(headings, [*starts, len(text)][1:], strict=True):
        rest = (heading["rest"] or "").split("{", 1)[0].strip()
        stamp = MOMENT.match(rest)
        moment = None
        if stamp:
            moment = int(stamp[1]) * 3600 + int(stamp[2]) * 60 + float(stamp[3])
            rest = rest[stamp.end() :].strip()
        code = text[heading.end() + 1 : stop].removesuffix("\n")
        found.append(Cell(rest or f"line {line + 1}", moment, line + 1, code))
        line += text.count("\n", heading.start(), stop)
    return found


def parse(text: str) -> list[Cell]:
    """Return the cells of a session that hold code.

    Raises
    ------
    ExpressionError
        If moments do not rise from cell to cell, or are malformed.
    """
    held = [cell for cell in cells(text) if cell]
    late = 0.0
    for cell in held:
        if cell.moment is None and ALMOST.match(cell.name):
            raise ExpressionError(
                f"session: a moment is written 00:01:12.480, got {cell.name!r} (line {cell.line})"
            )
        if (cell.moment or 0.0) < late:
            raise ExpressionError(
                f"session: cell {cell.name!r} (line {cell.line}) comes before the one above it"
            )
        late = cell.moment or 0.0
    return held


def cell_at(text: str, line: int) -> Cell | None:
    """Return the cell of a line of a text, headings included; None without code."""
    found = [cell for cell in cells(text) if cell.line - 1 <= line or cell.line == 1][-1]
    return found if found else None


def shipped(kind: str) -> list[Path]:
    """Return the folders shipped with latentlive: ``sessions``, ``patterns`` or ``editors``."""
    package = Path(latentlive.__file__).parent
    folders = (package / "shipped" / kind, package.parent / kind)
    return [folder for folder in folders if folder.is_dir()]


def reach_patterns() -> list[Path]:
    """Make pattern files importable: those in the working folder, and the shipped ones."""
    folders = [Path.cwd() / "patterns", *shipped("patterns")]
    sys.path.extend(str(folder) for folder in folders if str(folder) not in sys.path)
    sys.meta_path[:] = [one for one in sys.meta_path if not isinstance(one, AlikeFinder)]
    sys.meta_path.append(AlikeFinder(folders))
    return folders


class AlikeFinder(MetaPathFinder):
    """Finds pattern files whose names differ from Python's name only in Unicode form."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a pattern file's module, None for other modules."""
        for file in (on_disk(folder / f"{name}.py") for folder in self._folders):
            if path is None and os.path.isfile(file):
                return spec_from_file_location(name, file)
        return None


def find_session(name: str) -> Path:
    """Return a session's file: a path, with or without ``.py``, or the name of a shipped one.

    Raises
    ------
    SoundError
        ``session: no 'evening'; shipped are 'first_light'``
    """
    own = [Path(name), Path(f"{name}.py"), Path("sessions", f"{name}.py")]
    for path in map(on_disk, own):
        if os.path.isfile(path):
            return path
    known = {
        normal(p.stem): p for folder in shipped("sessions") for p in sorted(folder.glob("*.py"))
    }
    if normal(name) in known:
        return known[normal(name)]
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
        # Keep line breaks: `BREAK` alone decides what ends a line.
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise SoundError(f"session: cannot read {path}: {why}") from None

"""The names in scope of typed code, and errors in one line."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Collection, Container, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import latentlive
from latentlive.errors import ExpressionError, LatentliveError, did_you_mean
from latentlive.later import instead
from latentlive.prompt.calls import misused
from latentlive.protocol.kinds import PATH

if TYPE_CHECKING:
    from latentlive.client import Engine
    from latentlive.prompt.browser import Browser
    from latentlive.prompt.spaces import Sheet

LAYERS = tuple(f"d{n}" for n in range(1, 17))
KEPT = frozenset({*LAYERS, "layer", "master", "hush", "only", "panic"})
"""Names that typed code cannot replace: those that silence a layer."""

OF_THE_ENGINE = (
    *LAYERS,
    *("layer", "bus", "layers", "master", "hush", "only", "panic", "record", "stop_recording"),
    *("tempo", "tap", "now", "at", "cue", "after", "go", "plan", "cancel", "ready"),
    *("turn", "learn", "forget", "watch", "knobs", "inputs", "grab", "send", "visuals", "stage"),
    *("clock_in", "clock_out", "link", "directions"),
    *("audition", "undo", "redo", "history", "status", "seed", "bounce", "corpus", "log"),
)
"""Words looked up on the engine at each use: ``now`` is always fresh."""

BARE = frozenset({"panic", "hush", "undo", "redo", "stop_recording", "tap"})
"""Words that act when their name is alone on a line: in an emergency nobody types ()."""

BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of statements that hold statements."""

LONGEST = 400
"""Most characters of an error's line."""


class Names(dict[str, Any]):
    """The scope of typed code: its own variables, and behind them the words.

    A variable can hide a word, and ``del`` restores it; names in `KEPT` cannot be hidden.

    Parameters
    ----------
    engine : function that returns the engine
        Called when a word needs the engine, so that you can type before it runs.
    words : mapping
        Further words, such as ``help``.
    """

    def __init__(
        self, engine: Callable[[], Engine], words: Mapping[str, Any] | None = None
    ) -> None:
        import numpy as np

        super().__init__(__name__="__main__")
        self._engine = engine
        self.words: dict[str, Any] = {
            **{word: getattr(latentlive, word) for word in latentlive.WORDS},
            "np": np,
            "print": self.print,
            "space": self.space,
            **(words or {}),
        }

    def __missing__(self, name: str) -> Any:
        if name in self.words:
            return self.words[name]
        if name == "corpus":
            return self._browser()
        if name in OF_THE_ENGINE:
            return getattr(self._engine(), name)
        raise KeyError(name)

    def _browser(self) -> Browser:
        from latentlive.prompt.browser import Browser

        return Browser(self._engine())

    def shown(self, value: Any, told: Callable[[Any], str] = str) -> str:
        """Return a value's text; after a choice of sounds, list the sounds."""
        text = told(value)
        from latentlive.latent import Cluster, Near, Place

        if isinstance(value, Cluster | Near | Place):
            from latentlive.prompt.browser import held

            text += f"\n{held(self._engine(), value)!r}"
        return text

    def print(
        self,
        *values: Any,
        sep: str = " ",
        end: str = "\n",
        file: IO[str] | None = None,
        flush: bool = False,
    ) -> None:
        """Print values as Python does; list the sounds of a cluster, ``near(...)`` or a place too.

        Example
        -------
        ``print(cluster(18))``
        """
        told = (self.shown(value) for value in values)
        print(*told, sep=sep, end=end, file=file, flush=flush)

    def space(self, name: str | None = None) -> Sheet:
        """Show what a space is: window, dimensions, axes, reach, and its speed here now.

        Parameters
        ----------
        name : str, optional
            Of a space, or of a model file; by default the space that plays.

        Example
        -------
        ``space()``, ``space("spectralvae")``, ``space("mine.safetensors")``
        """
        from latentlive.prompt.spaces import Sheet

        return Sheet(self._engine().welcome.file if name is None else PATH.coerce(name, "space"))

    def __setitem__(self, name: str, value: Any) -> None:
        if name in KEPT:
            raise ExpressionError(_kept(name))
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        if name in KEPT:
            raise ExpressionError(_kept(name))
        super().__delitem__(name)

    def mend(self) -> None:
        """Delete kept names that code has assigned past `__setitem__` (``global d1; d1 = 3``).

        Raises
        ------
        ExpressionError
            For the first such name.
        """
        taken = [name for name in KEPT if name in self]
        for name in taken:
            super().__delitem__(name)
        if taken:
            raise ExpressionError(_kept(min(taken)))

    def known(self) -> list[str]:
        """Return every name that can be typed."""
        own = (name for name in self if not name.startswith("__"))
        return sorted({*own, *self.language})

    @property
    def language(self) -> frozenset[str]:
        """Every word, including words hidden by variables."""
        return frozenset({*self.words, *OF_THE_ENGINE})


def parsed(code: str, file: str, line: int, scope: Names) -> ast.Module:
    """Return a cell's code to run, with a call for each word of `BARE` alone on a line.

    Parameters
    ----------
    code : str
    file : str
    line : int
        Of its first line in the file.
    scope : Names
        Its own variables, and names that the cell assigns, get no call.
    """
    tree = ast.parse("\n" * (line - 1) + code, file)
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    acting = BARE - scope.keys() - {one.id for one in names if not isinstance(one.ctx, ast.Load)}
    opened: list[ast.AST] = [tree]
    while opened:
        node = opened.pop()
        for field in BLOCKS:
            held = getattr(node, field, None)
            for statement in held if isinstance(held, list) else ():
                opened.append(statement)
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Name):
                    word = statement.value
                    if word.id in acting:
                        statement.value = ast.copy_location(ast.Call(word, [], []), word)
    return tree


def _kept(name: str) -> str:
    if name in LAYERS:
        return f"{name} is a layer: {name} >> ..."
    return f"{name} is a word that the stage needs: choose another name"


def first_line(
    error: BaseException, file: str, others: Container[str] = (), scope: Names | None = None
) -> str:
    """Return an error as one line, with the place that raised it.

    Parameters
    ----------
    error : exception
    file : str
        The code's file name; the place is ``line 3``. Empty: no place.
    others : container of str
        Further files of the performer; the place is ``tides.py line 3``.
    scope : Names, optional
        The scope of the code that raised it.
    """
    if isinstance(error, SyntaxError):
        if not error.lineno:
            return error.msg  # NUL bytes have no line
        column = f", column {error.offset}" if error.offset else ""
        return (
            f"{_place(error.filename or '', file, others)}line {error.lineno}{column}: {error.msg}"
        )
    text = str(error).strip().splitlines()
    said = text[0] if text else ""
    if isinstance(error, NameError) and error.name in KEPT:
        said = _kept(error.name)  # Python's error for `del d1`
    elif isinstance(error, NameError) and error.name:
        said = _unknown(error.name, [] if scope is None else scope.known())
    elif isinstance(error, TypeError) and (told := _misused(error, scope)):
        said = told
    elif isinstance(error, SystemExit):
        said = "SystemExit: to leave, type exit or press Ctrl-D"
    elif not isinstance(error, LatentliveError):
        said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    if len(said) > LONGEST:
        said = said[: LONGEST - 3] + "..."
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.lineno and (frame.filename == file or frame.filename in others):
            return f"{_place(frame.filename, file, others)}line {frame.lineno}: {said}"
    return said


def told_line(
    error: BaseException, file: str, others: Container[str] = (), scope: Names | None = None
) -> str:
    """Return an error's line like `first_line`, even if the error's own text fails."""
    try:
        return first_line(error, file, others, scope)
    except BaseException as worse:  # noqa: BLE001 - an exception's own text may fail
        return f"{type(error).__name__}, which cannot be shown: {type(worse).__name__}"


def _unknown(name: str, known: Collection[str]) -> str:
    near = did_you_mean(name, [one for one in known if one != name])
    return f"no name {name!r} here{instead(name) or near}"


def _misused(error: TypeError, scope: Names | None) -> str:
    return misused(error) if scope is None else misused(error, scope, scope.language)


def _place(found: str, file: str, others: Container[str]) -> str:
    return f"{Path(found).name} " if found != file and found in others else ""

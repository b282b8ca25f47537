"""Pattern files: imported by name, read anew when saved, sounding layers brought along.

The rule for layers: where a line at a cell's own level gives a layer its texture, such as
``d1 >> tide(8)``, and names a pattern, the texture is evaluated again when the
pattern's file is saved, with the values that its other names had when it was typed. The layer takes
it at its next quant if it still plays what that line gave it; otherwise it is left alone. What a
loop, a function, ``at`` or ``cue`` assigned keeps its texture.

Files are found changed by looking at their times and sizes four times a second: a dozen ``stat``
calls, the same on every system and network drive, with nothing to install. A file counts as saved
when it has stayed the same for two looks.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from latentlive.prompt.scope import LAYERS, Names, first_line
from latentlive.prompt.session import reach_patterns

if TYPE_CHECKING:
    from latentlive.engine import Engine

LOOK_EVERY = 0.25
LONGEST_PAUSE = 4.0
"""Seconds between looks, and at most where a look fails."""


@dataclass(frozen=True)
class Line:
    """What gave a layer its texture.

    Parameters
    ----------
    text : str
        The texture's code.
    code : code object
        The same, compiled.
    values : mapping
        What the names in it held when it was typed.
    shown : str
        How the engine shows the texture.
    """

    text: str
    code: CodeType
    values: Mapping[str, Any]
    shown: str


class Patterns:
    """The pattern files in reach of an ``import``, and the layers that they feed.

    Parameters
    ----------
    scope : Names
        Where imported patterns are bound.
    """

    def __init__(self, scope: Names) -> None:
        self.scope = scope
        self.folders = reach_patterns()
        self.lines: dict[str, Line] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def __contains__(self, file: object) -> bool:
        """Tell whether a file is a pattern file."""
        return isinstance(file, str) and Path(file).parent in self.folders

    def modules(self) -> dict[str, ModuleType]:
        """Return the pattern files that have been imported, by name."""
        names = {path.stem for folder in self.folders for path in folder.glob("*.py")}
        loaded = {name: sys.modules.get(name) for name in names}
        return {n: m for n, m in loaded.items() if m is not None and m.__file__ in self}

    # Watching.

    def saved(self) -> list[str]:
        """Return the names of imported patterns that were saved since they were last asked for."""
        changed = []
        for name, module in self.modules().items():
            mark = _mark(str(module.__file__))
            if mark is not None and self._seen.setdefault(name, mark) != mark:
                self._seen[name] = mark
                changed.append(name)
        return changed

    def watch(self, tell: Callable[[list[str]], object]) -> threading.Event:
        """Call `tell` with what was saved, from a thread, until the returned event is set."""
        ended = threading.Event()

        def look() -> None:
            unsettled: set[str] = set()
            pause = LOOK_EVERY
            while not ended.wait(pause):
                try:
                    changed = set(self.saved())
                    if settled := unsettled - changed:
                        tell(sorted(settled))
                except Exception:  # noqa: BLE001 - no descriptor, no memory: it looks again later
                    pause = min(2 * pause, LONGEST_PAUSE)
                    continue
                unsettled, pause = changed, LOOK_EVERY

        threading.Thread(target=look, name="patterns", daemon=True).start()
        return ended

    # Reloading.

    def reload(self, names: list[str], engine: Callable[[], Engine]) -> list[str]:
        """Read patterns anew and bring layers along; return what is to be said, a line each."""
        said: list[str] = []
        changed: set[str] = set()
        for name in names:
            module = self.modules().get(name)
            if module is None:
                continue
            try:
                self._replace(name, module, _run(name, module))
            except BaseException as error:  # noqa: BLE001 - a performer's code may raise anything
                wrong = first_line(error, "", [str(module.__file__)])
                said.append(f"{wrong}; the version before it stays")
                continue
            changed.add(name)
        while more := {
            n for n, m in self.modules().items() if n not in changed and _leans(m, changed)
        }:
            changed |= more
        if changed:
            followed = self._follow(changed, engine, said)
            said.append(f"{', '.join(sorted(changed))} read anew{followed}")
        return said

    def _replace(self, name: str, old: ModuleType, new: ModuleType) -> None:
        """Put a module's new functions wherever its old ones are bound."""
        fresh: dict[int, Any] = {id(old): new}
        for key, value in vars(old).items():
            if (
                isinstance(value, FunctionType | type)
                and value.__module__ == name
                and key in vars(new)
            ):
                fresh[id(value)] = vars(new)[key]
        sys.modules[name] = new
        for space in (self.scope, *map(vars, self.modules().values())):
            for key, value in list(space.items()):
                if id(value) in fresh:
                    space[key] = fresh[id(value)]
        self.lines = {
            layer: Line(
                line.text,
                line.code,
                {key: fresh.get(id(value), value) for key, value in line.values.items()},
                line.shown,
            )
            for layer, line in self.lines.items()
        }

    def _follow(self, changed: set[str], engine: Callable[[], Engine], said: list[str]) -> str:
        taken = []
        for layer, line in list(self.lines.items()):
            live = engine()
            if not changed & {_origin(value) for value in line.values.values()}:
                continue
            if live.shown(layer) != line.shown:
                del self.lines[layer]  # it plays something else by now
                continue
            try:
                texture = eval(line.code, Values(self.scope, line.values))
                if repr(texture) == line.shown:
                    continue
                with live.cell(code=f"{layer} >> {texture!r}", name="pattern saved"):
                    _ = live.layer(layer) >> texture
            except BaseException as error:  # noqa: BLE001 - a performer's code may raise anything
                said.append(f"{layer} goes on as it was: {first_line(error, '', self)}")
                continue
            self.lines[layer] = Line(line.text, line.code, line.values, repr(texture))
            taken.append(layer)
        return f": {', '.join(taken)} takes it at the next quant" if taken else ""

    # Remembering.

    def remember(self, tree: ast.Module, engine: Engine) -> None:
        """Remember the lines of a cell that gave layers their textures by way of a pattern."""
        known = self.modules()
        for layer, texture in assignments(tree):
            used = {node.id for node in ast.walk(texture) if isinstance(node, ast.Name)}
            values = {name: self.scope[name] for name in used if name in self.scope}
            if any(_origin(value) in known for value in values.values()):
                code = compile(ast.Expression(texture), f"<{layer}>", "eval")
                text = ast.unparse(texture)
                self.lines[layer] = Line(text, code, values, engine.shown(layer))
            else:
                self.lines.pop(layer, None)


class Values(dict[str, Any]):
    """The scope as it was for some of its names."""

    def __init__(self, scope: Names, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._scope = scope

    def __missing__(self, name: str) -> Any:
        return self._scope[name]


def assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield layer and texture of each line that assigns one: ``d1.fade(4) >> tide(8)``.

    >>> tree = ast.parse("d1.fade(4) >> tide(8)")
    >>> [(layer, ast.unparse(texture)) for layer, texture in assignments(tree)]
    [('d1', 'tide(8)')]
    """
    for statement in tree.body:
        node = statement.value if isinstance(statement, ast.Expr) else None
        while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            node = node.func.value
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
            layer = _layer(node.left)
            if layer:
                yield layer, node.right


def _layer(node: ast.expr) -> str:
    """Return the layer that a chain of words begins with, empty if it is none."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
    if isinstance(node, ast.Name) and node.id in LAYERS:
        return node.id
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "layer":
        given = node.args[0] if node.args else None
        if isinstance(given, ast.Constant) and isinstance(given.value, str):
            return given.value
    return ""


def _run(name: str, old: ModuleType) -> ModuleType:
    """Return a pattern file as a new module; the old one stays as it is."""
    new = ModuleType(name)
    new.__file__, new.__spec__, new.__loader__ = old.__file__, old.__spec__, old.__loader__
    path = Path(str(old.__file__))
    exec(compile(path.read_bytes(), str(path), "exec"), vars(new))
    return new


def _leans(module: ModuleType, changed: set[str]) -> bool:
    """Tell whether a module has names from some patterns."""
    return any(_origin(value) in changed for value in vars(module).values())


def _origin(value: Any) -> str:
    """Return the name of the module that a value is, or comes from."""
    if isinstance(value, ModuleType):
        return value.__name__
    if isinstance(value, FunctionType | type):
        return value.__module__
    return ""


def _mark(file: str) -> tuple[int, int] | None:
    try:
        state = os.stat(file)
    except OSError:
        return None  # being replaced at this moment, or taken away: the loaded one stays
    return state.st_mtime_ns, state.st_size

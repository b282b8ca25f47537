"""Pattern files: import them by name, reload them when saved; sounding layers follow.

Every name in a file follows a save: functions (plain, decorated, cached or partial), instances,
tables, numbers. Files that import from a saved file are reloaded after it. A name that a save
drops keeps its value until another save restores it.

The rule for layers: a line at the top level of a cell that gives a layer its texture, such as
``d1 >> tide(8)``, and uses a name from a pattern file follows that file. After a save the texture
is evaluated again, with the earlier values of its other names. The layer takes it at its next
quant if it still plays the texture of that line; otherwise the layer does not change. A layer
assigned in a loop, a function, ``at`` or ``cue`` keeps its texture.

A thread compares the files' times and sizes four times a second: a dozen ``stat`` calls, the same
on every system and network drive, with nothing to install. A file counts as saved when two checks
in a row find it the same.
"""

from __future__ import annotations

import ast
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any

from latentlive.ground.names import normal
from latentlive.prompt.links import MISSING, Links, Origin
from latentlive.prompt.scope import LAYERS, Names, told_line
from latentlive.prompt.session import reach_patterns

if TYPE_CHECKING:
    from latentlive.client import Engine

LOOK_EVERY = 0.25
LONGEST_PAUSE = 4.0
"""Seconds between checks, and at most after failed ones."""


@dataclass(frozen=True)
class Line:
    """The line that gave a layer its texture.

    Parameters
    ----------
    code : code object
        The texture's.
    values : mapping
        The values of its names when it was typed.
    origins : mapping
        The origins of the names from pattern files.
    shown : str
        The engine's code for the texture.
    """

    code: CodeType
    values: Mapping[str, Any]
    origins: Mapping[str, Origin]
    shown: str


class Patterns:
    """The importable pattern files, and the layers that play them.

    Parameters
    ----------
    scope : Names
        Holds the imported patterns.
    """

    def __init__(self, scope: Names) -> None:
        self.scope = scope
        self.folders = reach_patterns()
        self.links = Links(scope, self.modules)
        self.lines: dict[str, Line] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def __contains__(self, file: object) -> bool:
        """Return whether a file is a pattern file."""
        return isinstance(file, str) and Path(file).parent in self.folders

    def modules(self) -> dict[str, ModuleType]:
        """Return the imported pattern files, by name."""
        names = {normal(path.stem) for folder in self.folders for path in folder.glob("*.py")}
        loaded = {name: sys.modules.get(name) for name in names}
        # A module without a file is Python's own: no pattern of that name can be imported.
        return {
            name: module
            for name, module in loaded.items()
            if module is not None and getattr(module, "__file__", None) in self
        }

    def hint(self, error: BaseException) -> str:
        """Return the hint for an error about a pattern file that no import finds."""
        named = error.obj if isinstance(error, AttributeError) else None
        name = error.name if isinstance(error, ImportError) else getattr(named, "__name__", None)
        own = isinstance(error, ImportError) or isinstance(named, ModuleType)
        if not own or not name or name in self.modules():
            return ""
        hidden = [folder for folder in self.folders if (folder / f"{name}.py").is_file()]
        if not hidden or name not in sys.modules:
            return ""
        return f"; Python has a {name} of its own: give {hidden[0].name}/{name}.py another name"

    # Watching.

    def saved(self) -> list[str]:
        """Return the names of imported patterns saved since the last call."""
        changed = []
        for name, module in self.modules().items():
            mark = _mark(str(module.__file__))
            if mark is not None and self._seen.setdefault(name, mark) != mark:
                self._seen[name] = mark
                changed.append(name)
        return changed

    def watch(self, tell: Callable[[list[str]], object]) -> threading.Event:
        """Call `tell` with the saved patterns, from a thread, until the returned event is set."""
        ended = threading.Event()

        def look() -> None:
            unsettled: set[str] = set()
            pause = LOOK_EVERY
            while not ended.wait(pause):
                try:
                    changed = set(self.saved())
                    if settled := unsettled - changed:
                        tell(sorted(settled))
                except Exception:  # noqa: BLE001 - no descriptor, no memory: try later
                    pause = min(2 * pause, LONGEST_PAUSE)
                    continue
                unsettled, pause = changed, LOOK_EVERY

        threading.Thread(target=look, name="patterns", daemon=True).start()
        return ended

    # Reloading.

    def reload(self, names: list[str], engine: Callable[[], Engine]) -> list[str]:
        """Reload patterns and update their layers; return the lines to print."""
        said: list[str] = []
        changed: set[str] = set()
        self.links.settle()
        for name in self._order(names):
            module = self.modules()[name]
            if name not in names and not changed & self.links.imports(module).modules:
                continue
            try:
                self._replace(name, module, _run(name, module))
            except BaseException as error:  # noqa: BLE001 - a performer's code may raise anything
                wrong = told_line(error, "", [str(module.__file__)])
                said.append(f"{wrong}; the version before it stays")
                continue
            changed.add(name)
        if changed:
            lost = self.links.follow(changed)
            said += [f"{one.module} has no {one.key} any more: it stays as it was" for one in lost]
            followed = self._follow(changed, engine, said)
            said.append(f"{', '.join(sorted(changed))} read anew{followed}")
        return said

    def _order(self, names: list[str]) -> list[str]:
        """Return patterns and their importers, each after the patterns it imports from."""
        known = self.modules()
        leans = {n: self.links.imports(m).modules & known.keys() for n, m in known.items()}
        concerned = set(names) & known.keys()
        while more := {n for n, m in leans.items() if n not in concerned and m & concerned}:
            concerned |= more
        order: list[str] = []
        while left := sorted(concerned - set(order)):
            free = [n for n in left if not leans[n] & set(left) - {n}]
            # An import cycle begins with the saved module.
            order += free or [n for n in left if n in names][:1] or left[:1]
        return order

    def _replace(self, name: str, old: ModuleType, new: ModuleType) -> None:
        """Replace a module and the objects it has made in all other patterns.

        Importers are reloaded anyway; this serves importers whose reload fails.
        """
        fresh = {id(old): new}
        for key, value in self.links.made(old):
            if key in vars(new):
                fresh[id(value)] = vars(new)[key]
        sys.modules[name] = new
        for space in map(vars, self.modules().values()):
            for key, value in list(space.items()):
                if id(value) in fresh:
                    space[key] = fresh[id(value)]

    def _follow(self, changed: set[str], engine: Callable[[], Engine], said: list[str]) -> str:
        taken = []
        for layer, line in list(self.lines.items()):
            live = engine()
            if not changed & {origin.module for origin in line.origins.values()}:
                continue
            if live.shown(layer) != line.shown:
                del self.lines[layer]  # it plays another texture by now
                continue
            now = {name: self.links.fresh(origin) for name, origin in line.origins.items()}
            now = {name: value for name, value in now.items() if value is not MISSING}
            line = replace(line, values={**line.values, **now})
            try:
                texture = eval(line.code, Values(self.scope, line.values))
                if repr(texture) != line.shown:
                    with live.cell(code=f"{layer} >> {texture!r}", name="pattern saved"):
                        _ = live.layer(layer) >> texture
                    taken.append(layer)
            except BaseException as error:  # noqa: BLE001 - a performer's code may raise anything
                said.append(f"{layer} goes on as it was: {told_line(error, '', self)}")
                continue
            self.lines[layer] = replace(line, shown=repr(texture))
        return f": {', '.join(taken)} takes it at the next quant" if taken else ""

    # Remembering.

    def remember(self, tree: ast.Module, engine: Engine) -> None:
        """Remember the lines of a cell that gave layers textures from patterns."""
        for layer, texture in assignments(tree):
            used = {node.id for node in ast.walk(texture) if isinstance(node, ast.Name)}
            values = {name: self.scope[name] for name in used if name in self.scope}
            found = {name: self.links.origin(name, value) for name, value in values.items()}
            origins = {name: origin for name, origin in found.items() if origin is not None}
            if origins:
                code = compile(ast.Expression(texture), f"<{layer}>", "eval")
                self.lines[layer] = Line(code, values, origins, engine.shown(layer))
            else:
                self.lines.pop(layer, None)


class Values(dict[str, Any]):
    """The scope, with earlier values for some names."""

    def __init__(self, scope: Names, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self._scope = scope

    def __missing__(self, name: str) -> Any:
        return self._scope[name]


def assignments(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield layer and texture of each assigning line: ``d1.fade(4) >> tide(8)``.

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
    """Return the layer at the start of a chain of words, empty if there is none."""
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
    """Return a pattern file as a new module; the old one stays unchanged."""
    new = ModuleType(name)
    new.__file__, new.__spec__, new.__loader__ = old.__file__, old.__spec__, old.__loader__
    path = Path(str(old.__file__))
    exec(compile(path.read_bytes(), str(path), "exec"), vars(new))
    return new


def _mark(file: str) -> tuple[int, int] | None:
    try:
        state = os.stat(file)
    except OSError:
        return None  # in the middle of a save, or deleted: the loaded one stays
    return state.st_mtime_ns, state.st_size

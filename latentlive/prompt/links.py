"""Names from pattern files: imported ones, and names that hold an object made by such a file."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

SHARED = (int, float, complex, str, bytes, tuple, frozenset, type(None), type(...))
"""Types with objects that Python shares: identity says nothing about their origin."""

MISSING = object()


class Origin(NamedTuple):
    """The origin of a name.

    Parameters
    ----------
    module : str
    key : str
        The name in the module; empty for the module itself.
    """

    module: str
    key: str


class Imports(NamedTuple):
    """The imports in the text of a module.

    Parameters
    ----------
    modules : frozenset of str
    names : frozenset of str
        The names that the imports bind.
    """

    modules: frozenset[str]
    names: frozenset[str]


class Links:
    """The names in a scope from pattern files.

    Parameters
    ----------
    scope : dict
    modules : function
        Returns the imported pattern files, by name.
    """

    def __init__(self, scope: dict[str, Any], modules: Callable[[], dict[str, ModuleType]]) -> None:
        self._scope, self._modules = scope, modules
        self._asked: dict[str, Origin] = {}
        self._stars: set[str] = set()
        self._held: dict[str, tuple[Origin, Any]] = {}
        self._imports: WeakKeyDictionary[ModuleType, Imports] = WeakKeyDictionary()

    def note(self, tree: ast.AST) -> None:
        """Note the imports by name in code that is about to run."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    if alias.name == "*":
                        self._stars.add(node.module)
                    else:
                        asked = Origin(node.module, alias.name)
                        self._asked[alias.asname or alias.name] = asked

    def imports(self, module: ModuleType) -> Imports:
        """Return a module's imports, read from its file on the first call."""
        if module not in self._imports:
            try:
                tree = ast.parse(Path(str(module.__file__)).read_bytes())
            except (OSError, SyntaxError, ValueError):
                tree = ast.Module([], [])  # deleted, or broken by now: assume no imports
            self._imports[module] = imported(tree)
        return self._imports[module]

    def made(self, module: ModuleType) -> Iterator[tuple[str, Any]]:
        """Yield name and value of the unshared objects that a module has made itself."""
        names = self.imports(module).names
        for key, value in vars(module).items():
            foreign = (
                isinstance(value, FunctionType | BuiltinFunctionType | type)
                and value.__module__ != module.__name__
            )
            if not (
                key in names
                or key.startswith("__")
                or foreign
                or isinstance(value, (*SHARED, ModuleType))
            ):
                yield key, value

    def origin(self, name: str, value: Any) -> Origin | None:
        """Return the origin of a name in the scope, None if it is no pattern file."""
        known = self._held.get(name)
        if known is not None and known[1] is value:
            return known[0]
        found = self._by_import(name, value) or self._by_value(value)
        if found is not None:
            self._held[name] = found, value
        else:
            self._held.pop(name, None)  # the performer has assigned it
        return found

    def _by_import(self, name: str, value: Any) -> Origin | None:
        modules = self._modules()
        asked = self._asked.get(name)
        if asked is not None and asked.module in modules:
            if vars(modules[asked.module]).get(asked.key, MISSING) is value:
                return asked
            del self._asked[name]
        for star in self._stars & modules.keys():
            if vars(modules[star]).get(name, MISSING) is value:
                return Origin(star, name)
        return None

    def _by_value(self, value: Any) -> Origin | None:
        for name, module in self._modules().items():
            if value is module:
                return Origin(name, "")
            for key, one in () if isinstance(value, SHARED) else self.made(module):
                if one is value:
                    return Origin(name, key)
        return None

    def settle(self) -> None:
        """Find the origin of every name, before modules are replaced."""
        for name, value in list(self._scope.items()):
            self.origin(name, value)

    def fresh(self, origin: Origin) -> Any:
        """Return the present value of an origin, `MISSING` if its module has lost it."""
        module = self._modules().get(origin.module)
        if module is None:
            return MISSING
        return vars(module).get(origin.key, MISSING) if origin.key else module

    def follow(self, changed: Collection[str]) -> list[Origin]:
        """Update names from their changed modules; return the lost origins.

        The name of a lost origin keeps its value and its link: the next save may restore it.
        """
        gone = []
        for name, (origin, value) in list(self._held.items()):
            if origin.module not in changed or self._scope.get(name, MISSING) is not value:
                continue
            fresh = self.fresh(origin)
            if fresh is MISSING:
                gone.append(origin)
            else:
                self._scope[name] = fresh
                self._held[name] = origin, fresh
        return list(dict.fromkeys(gone))


def imported(tree: ast.AST) -> Imports:
    """Return the imports anywhere in code.

    >>> found = imported(ast.parse("from tides import tide as t; import a.b, c as d"))
    >>> sorted(found.modules), sorted(found.names)
    (['a.b', 'c', 'tides'], ['a', 'd', 't'])
    """
    modules, names = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules.add(node.module)
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return Imports(frozenset(modules), frozenset(names))

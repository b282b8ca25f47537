"""``help`` and ``examples``: the words, in brief."""

from __future__ import annotations

import ast
import inspect
import pydoc
import textwrap
from pathlib import Path
from typing import Any

from latentlive.errors import ExpressionError, did_you_mean
from latentlive.expr import Node
from latentlive.expr.node import INNER
from latentlive.prompt.calls import signature, spoken
from latentlive.prompt.scope import OF_THE_ENGINE, Names
from latentlive.prompt.session import shipped
from latentlive.worded import Worded, typed

GROUPS = (
    ("sources", "sound cluster near z prior noise drift follow silence"),
    ("places", "place tour roam swarm"),
    ("sequences", "improvise improvised excerpts strokes euclid"),
    ("mixes", "interp slerp steps path blend between cat"),
    ("curves", "sine cosine saw isaw tri square rand perlin brown line env seq fit track contour"),
    ("", "number sine2 cosine2 saw2 isaw2 tri2 square2 rand2 perlin2 brown2"),
    ("live", "knob xy cc bend touch gate key velocity osc level"),
    ("", "turn learn forget watch knobs inputs grab send visuals stage"),
    ("layers", "d1 ... d16 layer bus layers hush only panic master"),
    ("time, plan", "tempo tap clock_in clock_out link"),
    ("", "now at cue after go ready cancel plan audition"),
    ("session", "load cell record stop_recording bounce undo redo history seed status log corpus"),
    ("learn", "tutorial examples help space directions why exit quit"),
)
"""Words that stand alone; the words of latents, curves and layers come from their classes."""

COLUMNS = 76


def grouped() -> str:
    """Return all words by group, including those after a dot."""
    from latentlive.client import Layer
    from latentlive.curves import Curve
    from latentlive.latent import Latent

    behind = {"a latent": Latent, "a curve": Curve, "a layer": Layer}
    groups = [*GROUPS, *((name, " ".join(dotted(owner))) for name, owner in behind.items())]
    rows: list[str] = []
    for name, words in groups:
        first, *more = textwrap.wrap(words, COLUMNS - 12)
        rows += [f"{name:<10}  {first}", *(f"{'':<12}{row}" for row in more)]
    return "\n".join(rows)


def dotted(owner: type) -> list[str]:
    """Return the words of a class with their dots, in source order."""
    classes = [one for one in reversed(owner.__mro__) if one.__module__.startswith("latentlive")]
    names = dict.fromkeys(name for one in classes for name in vars(one))
    words = [n for n in names if n[0] != "_" and n not in INNER and callable(getattr(owner, n))]
    return [f".{name}" for name in words]


def owners() -> tuple[type, ...]:
    """Return the classes whose methods are words."""
    from latentlive.client import Engine, Layer
    from latentlive.curves import Curve
    from latentlive.latent import Latent

    return Latent, Curve, Layer, Engine


def document(thing: Any) -> str:
    """Return a word's docstring; for a value, the docstring of its class."""
    return inspect.getdoc(thing) or inspect.getdoc(type(thing)) or ""


def explain(word: str, scope: Names | None = None) -> tuple[str, Any]:
    """Return a word's signature, and the object with its docstring.

    Parameters
    ----------
    word : str
        ``sine``, ``extend``, ``d1.morph``
    scope : Names, optional
        Further names to search.

    Raises
    ------
    ExpressionError
        If there is no such word.
    """
    name = word.rsplit(".", 1)[-1]
    words = {} if scope is None else {**scope.words, **scope}
    if word in words:
        return signature(word, words[word]), words[word]
    for owner in owners():
        found = inspect.getattr_static(owner, name, None)
        if found is None or name.startswith("_"):
            continue
        if isinstance(found, property):
            return name, found
        dot = "" if name in OF_THE_ENGINE else "."
        return dot + signature(name, getattr(owner, name)), found
    methods = {m for owner in owners() for m in dir(owner) if not m.startswith("_")}
    hint = did_you_mean(name, [*words, *methods])
    raise ExpressionError(f"help: no word {word!r}{hint}")


def told(value: Any) -> str:
    """Return the text of a value; of a function, its signature and summary.

    Example
    -------
    >>> from latentlive import sine
    >>> told(sine)
    'sine(period)  Raised sine: 0 at beat 0, 1 half a period later.'
    """
    if inspect.ismodule(value):
        return f"{value.__name__} is a module of Python: help({value.__name__!r})"
    ours = inspect.isclass(value) and issubclass(value, Node)
    if not (inspect.isfunction(value) or inspect.ismethod(value) or ours):
        return repr(value)
    first = document(value).partition("\n")[0]
    return f"{spoken(value)}  {first}".rstrip()


class Help(Worded):
    """Shows a word's docstring with its example: ``help(sine)``, ``help("extend")``.

    Parameters
    ----------
    scope : Names
    """

    _called = "help"

    def __init__(self, scope: Names) -> None:
        self._scope = scope

    def __repr__(self) -> str:
        return f'{grouped()}\nhelp(sine) and help("extend") show one word'

    def __call__(self, *words: Any) -> None:
        """Show a word's help; all words without one."""
        if not words:
            print(self)
            return
        for word in words:
            print(self.text(word))

    def text(self, thing: Any) -> str:
        """Return the help of a word, a value, or a word's name."""
        if isinstance(thing, str):
            called, thing = explain(thing, self._scope)
            return f"{called}\n\n{document(thing)}"
        if isinstance(thing, Worded):
            return _worded(thing)
        if isinstance(thing, Node):
            thing = type(thing)
        for word, held in self._scope.words.items():
            if held is thing or (isinstance(held, Node) and type(held) is thing):
                return f"{signature(word, held)}\n\n{document(thing)}"
        module = getattr(thing, "__module__", "") or ""
        if module.startswith("latentlive"):
            return f"{spoken(thing)}\n\n{document(thing)}"
        return pydoc.plain(pydoc.render_doc(thing))


def _worded(thing: Worded) -> str:
    """Return the summary of an object with words, and of each of its words."""
    lines = [typed(thing), "", document(thing), ""]
    for word in dotted(type(thing)):
        method = getattr(thing, word[1:])
        called = signature(f"{typed(thing)}{word}", method)
        lines.append(f"{called:<28}  {document(method).partition(chr(10))[0]}")
    return "\n".join(lines).rstrip()


class Examples(Worded):
    """Lists the patterns and sessions in reach, each with its own first line."""

    _called = "examples"

    def __repr__(self) -> str:
        patterns = [Path("patterns"), *shipped("patterns")]
        sessions = [Path("sessions"), *shipped("sessions")]
        lines = ["patterns: from NAME import ..."]
        for path in _files(patterns):
            lines.append(f"  {path.stem:<14} {said(path)}")
            lines += [f"    {text}" for text in functions(path)]
        lines.append("sessions: load(NAME), then cell(); or latentlive play NAME")
        lines += [f"  {path.stem:<14} {said(path)}" for path in _files(sessions)]
        return "\n".join(lines)

    def __call__(self) -> Examples:
        """Return the list, so that a call shows it too."""
        return self


def _files(folders: list[Path]) -> list[Path]:
    """Return the Python files of folders by name; of two with the same name, the first."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in folder.glob("*.py"):
            if not path.name.startswith("_"):
                found.setdefault(path.stem, path)
    return [found[stem] for stem in sorted(found)]


def said(path: Path) -> str:
    """Return the first line of a file's docstring, or its first comment."""
    try:
        text = path.read_text(encoding="utf-8")
        document = ast.get_docstring(ast.parse(text))
    except (OSError, ValueError, SyntaxError):
        return "(cannot be read)"
    if document:
        return document.splitlines()[0]
    comments = [row.lstrip("# ") for row in text.splitlines() if row.startswith("#")]
    return next((row for row in comments if row and not row.startswith("%%")), "")


def functions(path: Path) -> list[str]:
    """Return the signatures of a pattern file's public functions, with their first lines."""
    try:
        body = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return []
    shown = []
    for node in body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            names = ", ".join(one.arg for one in node.args.args)
            first = (ast.get_docstring(node) or "").splitlines()[:1]
            shown.append(f"{node.name}({names})  {''.join(first)}".rstrip())
    return shown

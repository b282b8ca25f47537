"""Signatures of words, and the line for a call that does not fit."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import latentlive
from latentlive.errors import did_you_mean
from latentlive.expr import Node
from latentlive.worded import Worded, typed

MISFIT = re.compile(r"(?P<called>[\w.]+)\(\) (?P<why>(?:missing|takes|got) .*)")
"""Python's messages about arguments that do not fit."""

UNCALLED = re.compile(r"'\w+' object is not callable")
DOTTED = re.compile(r"\w+(\.\w+)*")
CONSTRUCT = "_constructor.<locals>.construct"
"""The function that calls the constructor of a word after a dot."""

LAYER = re.compile(r"d([1-9]|1[0-6])")
EMPTY: Mapping[str, Any] = {}

PACKAGE = Path(latentlive.__file__).parent


def signature(word: str, thing: Any) -> str:
    """Return a word's signature: ``interp(a, b, curve=..., match='crop')``.

    >>> from latentlive import drift
    >>> signature("drift", drift)
    'drift(seed=0, beats=8.0)'
    """
    if not callable(thing):
        return word
    try:
        wanted = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return f"{word}(...)"
    shown = []
    for one in wanted:
        if one.name == "self":
            continue
        star = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}.get(one.kind.name, "")
        default = "" if one.default is one.empty else f"={one.default!r}"
        shown.append(f"{star}{one.name}{default}")
    return f"{word}({', '.join(shown)})"


def spoken(thing: Any) -> str:
    """Return the signature of a function, a method or an operator at the prompt.

    >>> from latentlive import sine, z
    >>> spoken(z), spoken(sine(8).slow)
    ('z(vector)', '.slow(factor)')
    """
    if inspect.isclass(thing):
        return _of_node(thing) if issubclass(thing, Node) else signature(thing.__name__, thing)
    owner = getattr(thing, "__self__", None)
    before = f"{typed(owner)}." if isinstance(owner, Worded) else "." * isinstance(owner, Node)
    return signature(before + thing.__name__, thing)


def misused(error: TypeError, scope: Mapping[str, Any] = EMPTY, words: Collection[str] = ()) -> str:
    """Return one line that names the wrong call and its signature.

    Parameters
    ----------
    error : TypeError
    scope : mapping
        The performer's own names.
    words : collection of str
        The words of the language.

    Returns
    -------
    str
        Empty if the error comes from elsewhere, or from a call of the performer's own functions.

    Example
    -------
    ``bounce(start, stop, path): 'stop' and 'path' are missing``
    """
    last = _last(error.__traceback__)
    if last is None or _is_ours(last.tb_frame.f_code.co_filename):
        return ""
    text = str(error).split("\n", 1)[0]
    if UNCALLED.fullmatch(text):
        return _uncalled(last, scope, words)
    found = MISFIT.fullmatch(text)
    if found is None or found["called"].split(".")[0] in scope:
        return ""
    owner, thing = _resolved(found["called"])
    if thing is None:
        return ""
    return f"{_called(owner, thing)}: {_why(found['why'], thing)}"


def _last(chain: TracebackType | None) -> TracebackType | None:
    """Return the frame that raised an error; for a word's method, the frame that called it."""
    before = chain
    while chain is not None and chain.tb_next is not None:
        before, chain = chain, chain.tb_next
    inside = chain is not None and chain.tb_frame.f_code.co_qualname == CONSTRUCT
    return before if inside else chain


def _is_ours(file: str) -> bool:
    """Return whether a file is part of latentlive, and neither a session nor a pattern."""
    try:
        below = Path(file).relative_to(PACKAGE)
    except ValueError:
        return False
    return below.parts[0] != "shipped"


def _resolved(name: str) -> tuple[type | None, Any]:
    """Return the class and function of latentlive with a qualified name, or nothing.

    Class names are unique only within a module: classes that can be typed come first.
    """
    head, _, member = name.partition(".")
    found: list[tuple[int, type | None, Any]] = []
    for module_name, module in list(sys.modules.items()):
        held = vars(module).get(head) if module_name.startswith("latentlive.") else None
        if getattr(held, "__module__", None) != module_name:
            continue
        if not member:
            found.append((0, None, held))
        elif isinstance(held, type) and (one := getattr(held, member, None)) is not None:
            found.append((not issubclass(held, Node | Worded), held, one))
    return min(found, key=lambda each: each[0])[1:] if found else (None, None)


def _called(owner: type | None, thing: Any) -> str:
    """Return a function's signature as typed."""
    name = thing.__name__
    if owner is None:
        return signature(name, thing)
    if issubclass(owner, Node) and name == "__init__":
        return _of_node(owner)
    if issubclass(owner, Worded):
        if name == "__call__":
            return signature(typed(owner), thing)
        return signature(f"{typed(owner)}.{name}", thing)
    return signature(f".{name}" if issubclass(owner, Node) else name, thing)


def _of_node(made: type[Node]) -> str:
    """Return an operator's signature as typed."""
    if made.form != "method":
        return signature(made.word, made)
    family = next(base for base in made.__mro__ if "family" in vars(base))
    return signature(f".{made.word}", getattr(family, made.word))


def _why(told: str, thing: Any) -> str:
    """Return the misfit in our words: Python's message counts `self` among the arguments."""
    named = re.findall(r"'(\w+)'", told)
    if told.startswith("missing"):
        verb = "is" if len(named) == 1 else "are"
        return f"{_list(named)} {verb} missing"
    if told.startswith("takes") or not named:
        return "too many arguments are given"
    if "multiple values" in told:
        return f"{named[0]} is given twice"
    known = [name for name in inspect.signature(thing).parameters if name != "self"]
    return f"it has no {named[0]!r}{did_you_mean(named[0], known)}"


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _uncalled(last: TracebackType, scope: Mapping[str, Any], words: Collection[str]) -> str:
    """Return the line about a call of something that is no function."""
    call = _failing_call(last)
    name = "" if call is None else ast.unparse(call.func)
    root = name.split(".")[0]
    if not DOTTED.fullmatch(name):
        return ""
    if root in scope and root in words:
        return f"{root} is a variable here; del {root} brings the word back"
    if root in scope and not isinstance(scope[root], Node):
        return ""
    if LAYER.fullmatch(name):
        return f"{name} is a layer: {name} >> texture"
    return f"{name} is written without brackets: {name}"


def _failing_call(last: TracebackType) -> ast.Call | None:
    """Return the source of the failed call."""
    code, at = last.tb_frame.f_code, last.tb_lasti // 2
    place = list(code.co_positions())[at]
    source = "".join(linecache.getlines(code.co_filename))
    try:
        nodes = ast.walk(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError):
        return None
    for node in nodes:
        if isinstance(node, ast.Call):
            here = (node.lineno, node.end_lineno, node.col_offset, node.end_col_offset)
            if here == place:
                return node
    return None

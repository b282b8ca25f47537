"""What arrives live, at the prompt: knobs, inputs, and what comes by, with the words to type."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from latentlive.client.views import Shown, Table
from latentlive.curves import level_of
from latentlive.errors import printable

LINES = 3
"""Lines told at a time, ten times a second."""


def word_of(source: str) -> str:
    """Return the word that follows a source.

    >>> word_of("cc:74:1:nanoKONTROL2"), word_of("osc:/wrist:1"), word_of("knob:sea")
    ('cc(74)', "osc('/wrist', 1)", "knob('sea')")
    """
    kind, _, rest = source.partition(":")
    if kind == "osc":
        path, _, index = rest.rpartition(":")
        return f"osc({path!r})" if index == "0" else f"osc({path!r}, {index})"
    if kind == "knob":
        return f"knob({rest!r})"
    if kind == "note":
        key = rest.partition(":")[0]
        return f"gate({key}, {key})"
    if kind == "level":
        return repr(level_of(source))
    if kind == "cc":
        return f"cc({rest.partition(':')[0]})"
    return f"{kind}()"


class Knobs(Shown):
    """The knobs that were turned: value, and what turns them.

    Example
    -------
    ``knobs``
    """

    _called = "knobs"

    @property
    def table(self) -> Table:
        """The present knobs."""
        return knob_table(self._engine.fresh())


class Inputs(Shown):
    """What has arrived, the newest first: the word that follows it, its last value, who sent it.

    Example
    -------
    ``inputs``
    """

    _called = "inputs"

    @property
    def table(self) -> Table:
        """What has arrived."""
        return input_table(self._engine.fresh())


def knob_table(state: dict[str, Any]) -> Table:
    """Return the knobs: name, value, what turned them last."""
    turned = {row[0]: row for row in state["arrived"] if row[0].startswith("knob:")}
    bound = {f"knob:{name}": source for source, name in state["bound"].items()}
    rows = []
    for source in sorted(turned.keys() | bound.keys()):
        _, value, by = turned.get(source, (source, None, ""))
        follows = word_of(bound[source]) if source in bound else by
        shown = "-" if value is None else f"{value:.2f}"
        rows.append((printable(source.partition(":")[2]), shown, printable(follows)))
    return Table(("knob", "value", "turned by"), rows, "no knob was turned yet")


def input_table(state: dict[str, Any]) -> Table:
    """Return what has arrived: the word to type, the last value, the sender."""
    rows = [
        (printable(word_of(source)), f"{value:.2f}", printable(by))
        for source, value, by in state["arrived"]
    ]
    return Table(("word", "value", "from"), rows, "nothing has arrived yet")


class Watch:
    """Tells what comes by, for some seconds.

    Parameters
    ----------
    say : function of a line
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._until = 0.0
        self._known: dict[str, float] = {}

    def go_on(self, seconds: float, arrived: list[list[Any]]) -> None:
        """Watch for so many seconds from now on, beside what has arrived; 0 ends it."""
        self._known = {source: value for source, value, _ in arrived}
        self._until = time.monotonic() + seconds

    def look(self, arrived: list[list[Any]]) -> None:
        """Tell what is new among rows of source, value and sender, the newest first."""
        if time.monotonic() >= self._until:
            return
        before = self._known
        self._known = {source: value for source, value, _ in arrived}
        for source, value, by in reversed(arrived[:LINES]):
            if before.get(source) != value:
                self._say(printable(f"{word_of(source):<24} {value:7.2f}   {by}".rstrip()))

"""Completion at the prompt: words with their signatures, and what may stand inside their quotes."""

from __future__ import annotations

import builtins
import inspect
import keyword
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from ptpython.completer import PythonCompleter

from latentlive.errors import LatentliveError
from latentlive.helping import document, explain, owners
from latentlive.scope import OF_THE_ENGINE
from latentlive.session import shipped

if TYPE_CHECKING:
    from latentlive.console import Console

QUOTED = re.compile(r"""\b(\w+)\(\s*(?:\[[^\]]*)?(['"])([^'"\n]*)$""")
COUNTED = re.compile(r"\bcluster\(\s*(\d*)$")
NAME = re.compile(r"(?:^|[^\w.'\"])([A-Za-z_]\w*)$")
METHOD = re.compile(r"\.(\w*)$")
STRING = re.compile(r"""^(?:[^'"\n]|'[^'\n]*'|"[^"\n]*")*(['"])[^'"\n]*$""")


class Words(Completer):
    """Completes the words of the language; Python's own names after them.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._python = PythonCompleter(self.visible, self.visible, lambda: False)

    def visible(self) -> dict[str, Any]:
        """Return everything that can be typed and has a value now; asks the engine for nothing."""
        scope, live = self._console.scope, self._console.booting.started
        found: dict[str, Any] = {}
        if live is not None:
            for name in OF_THE_ENGINE:
                held = inspect.getattr_static(type(live), name, None)
                if held is None or callable(held):  # a property might take its time
                    found[name] = getattr(live, name, None)
        return {**found, **scope.words, **scope}

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """Yield what may follow the text before the cursor."""
        text = document.text_before_cursor
        row = document.current_line_before_cursor
        if quoted := QUOTED.search(row):
            yield from self._inside(quoted[1], quoted[3])
            if quoted[1] != "sound" or not re.match(r"[./~\\]", quoted[3]):
                return
        elif counted := COUNTED.search(row):
            yield from self._clusters(counted[1])
            return
        if STRING.match(row) or not (text and (event.completion_requested or text[-1] != " ")):
            yield from self._python.get_completions(document, event)
            return
        begun = NAME.search(row)
        mine: set[str] = set()
        if begun:
            for word in sorted({*self._console.scope.words, *OF_THE_ENGINE}):
                if word.startswith(begun[1]):
                    mine.add(word)
                    yield Completion(word, -len(begun[1]), display_meta=partial(self.meta, word))
        for found in self._python.get_completions(document, event):
            if found.text in mine or (begun and not self._is_name(found.text)):
                continue
            if METHOD.search(row) and _is_method(found.text):
                meta = partial(self.meta, found.text)
                yield Completion(found.text, found.start_position, display_meta=meta)
            else:
                yield found

    def _is_name(self, text: str) -> bool:
        """Tell whether a text can stand alone: a parameter, a keyword, a variable or a builtin."""
        held = text in self._console.scope or hasattr(builtins, text)
        return text.endswith("=") or keyword.iskeyword(text) or held

    def meta(self, word: str) -> str:
        """Return a word's signature and the first line of its docstring."""
        if re.fullmatch(r"d\d+", word):
            return "a layer: >> texture, .gain(db), .pan(place), .fade(beats), .stop(fade)"
        try:
            called, thing = explain(word, self._console.scope)
        except LatentliveError:
            return ""
        first = document(thing).splitlines()[:1]
        return f"{called.lstrip('.')}  {''.join(first)}"

    def _inside(self, word: str, begun: str) -> Iterator[Completion]:
        """Yield what may stand in a word's quotes."""
        for text, meta in self._values(word):
            if begun.casefold() in text.casefold():
                yield Completion(text, -len(begun), display_meta=meta)

    def _values(self, word: str) -> list[tuple[str, str]]:
        state, live = self._console.booting.state, self._console.booting.started
        if word in ("sound", "near", "audition", "find"):
            ready = live is not None and self._console.booting.ready
            return [(name, "sound") for name in live.corpus.names] if ready and live else []
        if word in ("go", "cue", "cancel", "ready"):
            return [
                (str(c["name"]), f"{c.get('ready') or 0:.1f} s ready")
                for c in state.get("plan", [])
            ]
        if word == "layer":
            return [(str(one["name"]), str(one["code"])) for one in state.get("layers", [])]
        if word == "cell":
            try:
                return [(name, "cell") for name in self._console.rehearsal.names()]
            except LatentliveError:
                return []
        if word == "load":
            stems = {p.stem for folder in shipped("sessions") for p in folder.glob("*.py")}
            return [(stem, "session") for stem in sorted(stems)]
        if word == "help":
            return [(w, self.meta(w)) for w in sorted({*_methods(), *self._console.scope.words})]
        return []

    def _clusters(self, begun: str) -> Iterator[Completion]:
        """Yield the clusters of the corpus's map, where it has one."""
        live = self._console.booting.started
        if live is None or not self._console.booting.ready:
            return
        try:
            labels = getattr(getattr(live.corpus, "stored", None), "labels", ())
        except (LatentliveError, OSError):
            return  # a map that cannot be read now is no reason to disturb who is typing
        counts: dict[int, int] = {}
        for label in labels:
            counts[int(label)] = counts.get(int(label), 0) + 1
        for node in sorted(n for n in counts if n >= 0 and str(n).startswith(begun)):
            yield Completion(str(node), -len(begun), display_meta=f"{counts[node]} sounds")


def _methods() -> set[str]:
    return {name for owner in owners() for name in dir(owner) if not name.startswith("_")}


def _is_method(name: str) -> bool:
    return any(inspect.getattr_static(owner, name, None) is not None for owner in owners())

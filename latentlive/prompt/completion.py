"""Completion at the prompt: words with their signatures, and names inside their quotes."""

from __future__ import annotations

import builtins
import inspect
import keyword
import os
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from prompt_toolkit.completion import CompleteEvent, Completer, Completion, PathCompleter
from prompt_toolkit.document import Document

from latentlive.corpus.frozen import frozen_names
from latentlive.corpus.grabbed import grabbed_names
from latentlive.errors import LatentliveError
from latentlive.expr import Node
from latentlive.expr.node import INNER
from latentlive.models.files import NAMES
from latentlive.prompt.helping import document, explain, owners
from latentlive.prompt.scope import LAYERS, OF_THE_ENGINE
from latentlive.prompt.session import shipped

if TYPE_CHECKING:
    from latentlive.prompt.console import Console

QUOTED = re.compile(r"""\b(\w+)\(\s*(?:\[[^\]]*)?(['"])([^'"\n]*)$""")
COUNTED = re.compile(r"\bcluster\(\s*(\d*)$")
NAME = re.compile(r"(?:^|[^\w.'\"])([A-Za-z_]\w*)$")
METHOD = re.compile(r"^(.*[\w)\]'\"])\.(\w*)$", re.DOTALL)
STRING = re.compile(r"""^(?:[^'"\n]|'[^'\n]*'|"[^"\n]*")*(['"])[^'"\n]*$""")
OF_SPACES = ("space", "on")
"""Words that take a space's name or its model file."""

CLOSING = {")": "(", "]": "[", "}": "{"}


class Words(Completer):
    """Completes the words of the language, then Python's own names.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._paths = PathCompleter(expanduser=True)
        self._models = PathCompleter(file_filter=_is_model)

    def visible(self) -> dict[str, Any]:
        """Return every typed name with its present value, without a request to the engine."""
        scope, live = self._console.scope, self._console.booting.started
        found: dict[str, Any] = {}
        if live is not None:
            for name in OF_THE_ENGINE:
                held = inspect.getattr_static(type(live), name, None)
                if held is None or callable(held):  # a property might be slow
                    found[name] = getattr(live, name, None)
        return {**found, **scope.words, **scope}

    def get_completions(self, document: Document, event: CompleteEvent) -> Iterable[Completion]:
        """Yield the completions of the text before the cursor.

        They come from existing names and docstrings, without analysis of code: a line never waits
        for its completions.
        """
        row = document.current_line_before_cursor
        if quoted := QUOTED.search(row):
            yield from self._inside(quoted[1], quoted[3])
            if quoted[1] == "sound" and re.match(r"[./~\\]", quoted[3]):
                yield from self._paths.get_completions(Document(quoted[3]), event)
            if quoted[1] in OF_SPACES:
                yield from self._models.get_completions(Document(quoted[3]), event)
        elif counted := COUNTED.search(row):
            yield from self._clusters(counted[1])
        elif STRING.match(row):
            return
        elif method := METHOD.match(row):
            for name in self._attributes(method[1]):
                if name.startswith(method[2]):
                    yield Completion(name, -len(method[2]), display_meta=partial(self.meta, name))
        elif begun := NAME.search(row):
            for name in [*self._parameters(document.text_before_cursor), *self._names()]:
                if name.startswith(begun[1]):
                    yield Completion(name, -len(begun[1]), display_meta=partial(self.meta, name))

    def _names(self) -> list[str]:
        """Return every name that can stand alone."""
        python = [*keyword.kwlist, *(n for n in dir(builtins) if n[0].islower())]
        return sorted({*self._console.scope.known(), *python} - {"__name__"})

    def _parameters(self, text: str) -> list[str]:
        """Return the parameters of the open call at the end of a text, each with its ``=``."""
        call = re.search(r"(\w+)\($", text[: opened(text)])
        if call is None:
            return []
        try:
            _, thing = explain(call[1], self._console.scope)
            return [f"{name}=" for name in inspect.signature(thing).parameters if name != "self"]
        except (LatentliveError, TypeError, ValueError):
            return []

    def _attributes(self, text: str) -> list[str]:
        """Return the completions after a text and a dot."""
        from latentlive.client import Layer
        from latentlive.curves import Curve
        from latentlive.latent import Latent

        root, alone = rooted(text)
        if root in LAYERS or root == "layer":
            return _public(Layer)
        held = self.visible().get(root)
        if alone:
            for name in text.rsplit(root, 1)[-1].split(".")[1:]:
                held = inspect.getattr_static(held, name, None)
            return [] if held is None else _public(held)
        for kind in (Curve, Latent):
            if isinstance(held, kind) or (isinstance(held, type) and issubclass(held, kind)):
                return _public(kind)
        return sorted({*_public(Curve), *_public(Latent)})

    def meta(self, word: str) -> str:
        """Return a word's signature and the first line of its docstring."""
        if re.fullmatch(r"d\d+", word):
            return "a layer: >> texture, .gain(db), .pan(place), .fade(beats), .stop(fade)"
        if word.endswith("=") or keyword.iskeyword(word):
            return ""
        try:
            called, thing = explain(word, self._console.scope)
        except LatentliveError:
            return ""
        first = document(thing).splitlines()[:1]
        return f"{called.lstrip('.')}  {''.join(first)}"

    def _inside(self, word: str, begun: str) -> Iterator[Completion]:
        """Yield the completions inside a word's quotes."""
        wanted = begun.casefold()
        found = [(text, meta) for text, meta in self._values(word) if wanted in text.casefold()]
        # Names that begin with the text come first; sorting keeps the order among equals.
        for text, meta in sorted(found, key=lambda one: not one[0].casefold().startswith(wanted)):
            yield Completion(text, -len(begun), display_meta=meta)

    def _values(self, word: str) -> list[tuple[str, str]]:
        state, live = self._console.booting.state, self._console.booting.started
        if word in ("sound", "near", "audition", "find"):
            ready = live is not None and self._console.booting.ready
            if not (ready and live):
                return []
            kept = [(n, "frozen") for n in frozen_names()] if word == "sound" else []
            kept += [(n, "grabbed") for n in grabbed_names()] if word in ("sound", "near") else []
            return [(n, "sound") for n in live.corpus.names] + kept
        if word in ("go", "cue", "cancel", "ready"):
            planned = [
                (str(c["name"]), f"{c.get('ready') or 0:.1f} s ready")
                for c in state.get("plan", [])
            ]
            freezing = state.get("freezing", []) if word == "cancel" else []
            return planned + [(str(one["name"]), str(one["told"])) for one in freezing]
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
        if word in OF_SPACES:
            return [(name, "space") for name in NAMES]
        if word == "help":
            return [(w, self.meta(w)) for w in sorted({*_methods(), *self._console.scope.words})]
        return []

    def _clusters(self, begun: str) -> Iterator[Completion]:
        """Yield the clusters of the corpus's map, if it has one."""
        live = self._console.booting.started
        if live is None or not self._console.booting.ready:
            return
        try:
            labels = getattr(getattr(live.corpus, "stored", None), "labels", ())
        except (LatentliveError, OSError):
            return  # an unreadable map must not disturb typing
        counts: dict[int, int] = {}
        for label in labels:
            counts[int(label)] = counts.get(int(label), 0) + 1
        for node in sorted(n for n in counts if n >= 0 and str(n).startswith(begun)):
            yield Completion(str(node), -len(begun), display_meta=f"{counts[node]} sounds")


def _is_model(path: str) -> bool:
    return path.endswith(".safetensors") or os.path.isdir(path)


def _methods() -> set[str]:
    return {name for owner in owners() for name in _public(owner)}


def _public(thing: Any) -> list[str]:
    node = isinstance(thing, Node) or (isinstance(thing, type) and issubclass(thing, Node))
    hidden = INNER if node else ()
    return [name for name in dir(thing) if not name.startswith("_") and name not in hidden]


def opened(text: str) -> int:
    """Return the place after the last open bracket, 0 without one.

    >>> opened("interp(a, sine(8), cur")
    7
    """
    depth = 0
    for place in range(len(text) - 1, -1, -1):
        if text[place] in CLOSING:
            depth += 1
        elif text[place] in CLOSING.values():
            depth -= 1
            if depth < 0:
                return place + 1
    return 0


def rooted(text: str) -> tuple[str, bool]:
    """Return the first name of a chain of words, and whether the chain calls nothing.

    >>> rooted("a + sound('gong').extend(4)")
    ('sound', False)
    >>> rooted("x = np.linalg")
    ('np', True)
    """
    alone = True
    while True:
        text = text.rstrip()
        if text and text[-1] in CLOSING:
            alone = False
            text = text[: opened(text[:-1]) - 1] if opened(text[:-1]) else ""
            continue
        found = re.search(r"(\w+)$", text)
        if found is None:
            return "", alone
        text = text[: found.start()]
        if not text.endswith("."):
            return found[1], alone
        text = text[:-1]

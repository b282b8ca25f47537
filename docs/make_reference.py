"""Write ``docs/reference.md`` from the docstrings.

python docs/make_reference.py            # write it
python docs/make_reference.py --check    # exit 1 if it is not what the docstrings say
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import latentlive
from latentlive import Curve, Engine, Latent
from latentlive.client import Layer
from latentlive.client.clocks import Clocked
from latentlive.client.control import Control
from latentlive.client.directions import DirectionView
from latentlive.client.effects import Effected, Fader
from latentlive.client.inputs import Inputs, Knobs
from latentlive.client.layer import Master
from latentlive.client.planning import Planning
from latentlive.client.recording import Recording
from latentlive.client.showing import Showing
from latentlive.client.views import History, Layers, Now, Plan, Status, Tap
from latentlive.prompt.browser import Browser
from latentlive.prompt.console import Exit, Why
from latentlive.prompt.helping import Examples, Help
from latentlive.prompt.rehearsal import Rehearsal
from latentlive.prompt.scope import Names
from latentlive.prompt.tutorial import Tutorial
from latentlive.worded import Worded

PAGE = Path(__file__).with_name("reference.md")
HEAD = """# Reference

Written by `python docs/make_reference.py` from the docstrings; `help(interp)` at the prompt shows
the same. A number or an array may stand where a curve is asked for, a vector where a latent is.
"""
SECTION = re.compile(r"^(\w+)\n-{3,}\n", re.MULTILINE)


def words(*modules: str) -> list[tuple[str, Any]]:
    """Return the public words that some modules define."""
    found = [(word, getattr(latentlive, word)) for word in latentlive.WORDS]
    return [(word, value) for word, value in found if home(value).startswith(modules)]


def home(value: Any) -> str:
    """Return the module that a word comes from."""
    return str(getattr(value, "__module__", ""))


def methods(owner: type, skip: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    """Return the public methods and properties that a class defines, in its order."""
    return [
        (name, value)
        for name, value in vars(owner).items()
        if not name.startswith("_")
        and name not in skip
        and (inspect.isfunction(value) or isinstance(value, property))
    ]


def chapters() -> Iterator[tuple[str, str, list[tuple[str, Any]]]]:
    """Yield title, introduction and entries of each chapter."""
    yield (
        "Sources",
        "Where textures begin.",
        words("latentlive.latent.sources", "latentlive.latent.follow"),
    )
    yield (
        "Improvisers",
        "Sounds in an order that is learned from a piece.",
        words("latentlive.latent.improvising"),
    )
    yield (
        "The map",
        "Sounds by their place on the corpus's map.",
        words("latentlive.latent.roaming", "latentlive.latent.touring", "latentlive.latent.swarm"),
    )
    yield (
        "Mixes",
        "Several latents to one.",
        words("latentlive.latent.mix", "latentlive.latent.blending", "latentlive.latent.time"),
    )
    yield (
        "Strokes",
        "Patterns for `.hits()`; `+` puts one after the other, `.rev()` reverses one.",
        words("latentlive.latent.patterns"),
    )
    said = "What every latent can be told; each returns a new latent."
    yield "One latent", said, methods(Latent, ("length", "at"))
    said = "Functions of beats to a number: 0..1 where nothing else is said."
    yield "Curves", said, words("latentlive.curves", "latentlive.expr", "latentlive.latent.contour")
    said = "What every curve can be told; each returns a new curve."
    yield "One curve", said, methods(Curve, ("values", "span"))
    said = (
        '`d1` to `d16`, and `layer("name")`; every word returns the layer. `d1 >> texture` plays.'
    )
    yield "Layers", said, [*methods(Layer), *methods(Fader)]
    said = (
        "What layers, buses and `master` go through, each once, in the order "
        "hpf lpf comb drive comp echo reverb; see [effects.md](effects.md)."
    )
    yield "Effects", said, methods(Effected)
    said = "Words of the prompt and of sessions; methods of `latentlive.Engine` in a script."
    heard = [
        *methods(Engine, (*INNER, *OF_SCRIPTS)),
        *methods(Planning, (*INNER, *OF_SCRIPTS)),
        *methods(Recording),
        *methods(Control, INNER),
        *methods(Clocked, INNER),
        *methods(Showing, INNER),
        *prefixed("master", methods(Master)),
    ]
    yield "The whole", said, heard
    said = "What is asked for by its name alone, and words of the prompt alone. `np` is numpy."
    yield "At the prompt", said, [*looked_at(), *typed_only()]
    said = "For scripts and notebooks: `import latentlive as ll`."
    names = ("render", "Engine", "Corpus", "load_model", "dumps", "loads")
    entries = [(name, getattr(latentlive, name)) for name in names]
    own = [(name, getattr(Engine, name)) for name in OF_SCRIPTS]
    yield "As a library", said, [*entries, *prefixed("Engine", own)]


def looked_at() -> Iterator[tuple[str, Any]]:
    """Yield what is shown when its name is typed, each with the words that it has."""
    for thing in (Layers, Plan, Status, History, Now, Knobs, Inputs, DirectionView, Browser):
        yield thing._called, thing
        if thing in (Now, Browser):
            yield from prefixed(thing._called, methods(thing))


def typed_only() -> Iterator[tuple[str, Any]]:
    """Yield the words that only a prompt has."""
    yield from methods(Rehearsal, ("names",))
    yield from (("tap", Tap.__call__), ("print", Names.print), ("space", Names.space))
    yield from (("tutorial", Tutorial), ("examples", Examples), ("help", Help))
    yield from (("why", Why), ("exit", Exit), ("quit", Exit))


OF_SCRIPTS = ("cell", "close")
"""Methods of the engine that only a script calls; a word of the prompt has the name of one."""

INNER = ("source", "change", "request", "shown", "moment", "start", "wait_for_device")
INNER += ("freeze", "room", "awaits", "hang_up", "tell", "close_stage")
"""Methods of the engine that the prompt uses and a performer does not type."""


def prefixed(owner: str, entries: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return entries under their owner's name."""
    return [(f"{owner}.{name}", value) for name, value in entries]


def call(name: str, value: Any, dot: str) -> str:
    """Return how a word is called, without types."""
    if isinstance(value, property) or shows_itself(value) or not callable(value):
        return f"{dot}{name}"
    found = [p for p in inspect.signature(value).parameters.values() if p.name != "self"]
    plain = inspect.Signature([p.replace(annotation=p.empty) for p in found])
    return f"{dot}{name}{plain}"


def shows_itself(value: Any) -> bool:
    """Return whether a word is an object that shows itself when its name is typed."""
    return inspect.isclass(value) and issubclass(value, Worded)


def entry(name: str, value: Any, dot: str) -> str:
    """Return one word's part of the page."""
    text = inspect.getdoc(value) or ""
    parts = SECTION.split(text)
    lines = [f"### `{call(name, value, dot)}`", "", linked(parts[0].strip())]
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        if title == "Parameters" and shows_itself(value):
            continue  # they are not the performer's
        lines += ["", SHOWN[title](title, body.strip("\n"))]
    return "\n".join(lines) + "\n"


def linked(text: str) -> str:
    """Return running text, literals in single back quotes."""
    return text.replace("``", "`")


def table(title: str, body: str) -> str:
    """Return parameters, returns or raises as a list."""
    rows: list[str] = []
    for line in body.splitlines():
        if line.startswith(" "):
            rows[-1] += f" {linked(line.strip())}"
        elif line.strip():
            head, colon, kind = line.partition(" : ")
            rows.append(f"- `{head}`: {kind}." if colon else f"- {linked(head)}:")
    return f"{title}:\n\n" + "\n".join(row.removesuffix(":") for row in rows)


def example(_: str, body: str) -> str:
    """Return an example as a block that the tests run."""
    if body.lstrip().startswith(">>>"):
        examples, _, rest = body.partition("\n\nSource:")
        source = f"\n\nSource:{rest}" if rest else ""
        return f"```pycon\n{examples.strip()}\n```{source}"
    return linked(body)


SHOWN = {
    "Parameters": table,
    "Returns": table,
    "Raises": table,
    "Example": example,
}


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for title, said, entries in chapters():
        dot = "." if title.startswith(("One ", "Layers")) else ""
        parts.append(f"## {title}\n\n{said}\n")
        parts += [entry(name, value, dot) for name, value in entries]
    return "\n".join(parts)


def main() -> None:
    """Write the page, or check it."""
    made = page()
    if "--check" not in sys.argv:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        sys.exit("docs/reference.md is not what the docstrings say: python docs/make_reference.py")


if __name__ == "__main__":
    main()

"""Open the prompt: the line editor first, the engine beside it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from queue import SimpleQueue
from typing import TYPE_CHECKING

from latentlive.errors import EngineError
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.prompt.editors import NO_LINE, Listener
from latentlive.prompt.jobs import Front, Job, Left
from latentlive.prompt.plain import Plain

if TYPE_CHECKING:
    from latentlive.client import Engine


def is_plain() -> bool:
    """Return whether the terminal is unfit for a line editor."""
    dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    return dumb or not all(one and one.isatty() for one in (sys.stdin, sys.stdout))


def say_where(engine: Engine | None, say: Callable[[str], object]) -> None:
    """Say where the recording and the log of the finished performance are."""
    if engine is None:
        return
    if recorded := engine.state.get("recording"):
        say(f"recorded to {recorded}")
    say(f"the log of it is {engine.log}")


def greeting(engine: Engine) -> str:
    """Return the line about the space and the sounds."""
    space, corpus = engine.welcome.space["name"], engine.corpus
    return f"the space is {space}, the corpus {corpus.name!r} with {len(corpus.files)} sounds"


def open_prompt(
    start: Callable[..., Engine],
    plain: bool = False,
    theme: str = "dark",
    told: Callable[[Engine], str] = greeting,
) -> None:
    """Open the prompt until the performer leaves; then fade out and end the engine.

    Parameters
    ----------
    start : function
        Starts or finds the engine, given `say`, in a thread.
    plain : bool
        Whether to use no line editor.
    theme : str
    told : function of the engine
        Returns the line to print once the engine runs.

    Raises
    ------
    LatentliveError
        If no engine started, or standard input is closed.
    """
    if sys.stdin is None:
        raise EngineError("prompt: standard input is closed; give it a terminal or a pipe")
    inbox: SimpleQueue[Job] = SimpleQueue()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    plain = plain or is_plain()
    if not plain:
        from prompt_toolkit.patch_stdout import patch_stdout

        import latentlive.prompt.repl as repl
    with contextlib.ExitStack() as stack:
        stack.enter_context(_without_bars())
        say(f"latentlive {version('latentlive')}: tutorial begins, help lists the words")
        booting = Booting(
            lambda: start(say=say),
            say,
            failed=lambda error: inbox.put(Left(error)),
            begun=lambda engine: say(told(engine)),
        )
        stack.callback(lambda: say_where(booting.started, say))
        stack.callback(booting.close)
        console = Console(booting, inbox)
        front: Front
        if plain:
            front = Plain(inbox)
        else:
            front = repl.Prompt(console, inbox, theme)
            stack.enter_context(patch_stdout())
        stack.callback(front.close)

        def insert(text: str, engine: int) -> str:
            own = booting.started
            if own is None or own.welcome.pid != engine:
                return "the prompt is that of another engine"
            return "" if front.insert(text) else NO_LINE

        try:
            stack.callback(Listener(inbox, insert).close)
        except OSError as error:
            say(f"cells from editors are not heard: {error}")
        console.serve(front)


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    """Disable tqdm's bars: they cannot be drawn above an edited line."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        yield
    finally:
        if before is None:
            del os.environ["TQDM_DISABLE"]

"""Opens the prompt: the line editor first, the engine beside it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from queue import SimpleQueue
from typing import TYPE_CHECKING

from latentlive.errors import EngineError
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.prompt.editors import Listener
from latentlive.prompt.jobs import Front, Job, Left
from latentlive.prompt.plain import Plain

if TYPE_CHECKING:
    from latentlive.engine import Engine


def is_plain() -> bool:
    """Tell whether this is no terminal that a line editor could use."""
    dumb = os.environ.get("TERM", "") in ("dumb", "unknown")
    return dumb or not all(one and one.isatty() for one in (sys.stdin, sys.stdout))


def open_prompt(start: Callable[..., Engine], plain: bool = False, theme: str = "dark") -> None:
    """Open the prompt until the performer leaves; then the engine fades out and ends.

    Parameters
    ----------
    start : function
        Starts or finds the engine, given `say`; it runs in a thread.
    plain : bool
        Whether to do without a line editor.
    theme : str

    Raises
    ------
    LatentliveError
        If no engine came, or if there is nothing to read from.
    """
    if sys.stdin is None:
        raise EngineError("prompt: standard input is closed; give it a terminal or a pipe")
    # A bar of tqdm cannot be drawn above a line that is being edited.
    os.environ.setdefault("TQDM_DISABLE", "1")
    inbox: SimpleQueue[Job] = SimpleQueue()

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    plain = plain or is_plain()
    if not plain:
        from prompt_toolkit.patch_stdout import patch_stdout

        import latentlive.prompt.repl as repl
    with contextlib.ExitStack() as stack:
        booting = Booting(lambda: start(say=say), say, lambda error: inbox.put(Left(error)))
        stack.callback(booting.close)
        console = Console(booting, inbox)
        front: Front
        if plain:
            front = Plain(inbox)
        else:
            front = repl.Prompt(console, inbox, theme)
            stack.enter_context(patch_stdout())
        stack.callback(front.close)
        try:
            stack.callback(Listener(inbox).close)
        except OSError as error:
            say(f"cells from editors are not heard: {error}")
        console.serve(front)

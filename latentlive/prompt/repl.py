"""The prompt: ptpython's line editor with the words in scope and a panel below.

A separate thread edits the line. Code runs on the main thread: typed code while no line is being
edited; cells from an editor, and saved files, while the edited line is off the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import TextIO

from prompt_toolkit.application import in_terminal
from prompt_toolkit.filters import is_done
from prompt_toolkit.formatted_text import FormattedText, StyleAndTextTuples
from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, Window
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style
from ptpython.completer import CompletePrivateAttributes
from ptpython.layout import CompletionVisualisation

from latentlive.prompt.completion import Words
from latentlive.prompt.console import Console
from latentlive.prompt.jobs import Job, Left, Typed
from latentlive.prompt.line import Line, Validator
from latentlive.prompt.panel import styled
from latentlive.prompt.past import past_lines
from latentlive.prompt.theme import THEMES, style

ROWS_TO_TYPE = 9
"""Rows of the terminal that the panel leaves to the line and the output above it."""


class Unwaited(ThreadPoolExecutor):
    """Threads that look up signatures; an entered line does not wait for them."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Return at once: the threads end by themselves."""
        super().shutdown(wait=False, cancel_futures=True)


class Prompt:
    """A terminal with a line editor.

    Parameters
    ----------
    console : Console
    inbox : queue of jobs
    theme : str
        A key of THEMES.
    """

    def __init__(self, console: Console, inbox: SimpleQueue[Job], theme: str = "dark") -> None:
        self._console, self._inbox = console, inbox
        self._terminal: tuple[TextIO, TextIO] = sys.stdout, sys.stderr
        self._editing = threading.Event()
        words = Words(console)
        toolbar = ConditionalContainer(
            Window(FormattedTextControl(self._panel), dont_extend_height=True, style="class:panel"),
            filter=~is_done,
        )
        self.input = line = Line(
            get_globals=words.visible,
            _completer=words,
            _validator=Validator(),
            _extra_toolbars=[toolbar],
        )
        line.remember(past_lines())
        self._style = Style.from_dict(style(theme))
        line.install_ui_colorscheme("latentlive", self._style)
        line.use_ui_colorscheme("latentlive")
        line.use_code_colorscheme(THEMES[theme].code)
        line.complete_private_attributes = CompletePrivateAttributes.IF_NO_PUBLIC
        line.completion_visualisation = CompletionVisualisation.POP_UP
        line.show_status_bar = False
        line.show_signature = True
        line.complete_while_typing = True
        line.confirm_exit = False
        line.enable_open_in_editor = False
        line.app.refresh_interval = 0.2
        line.app.ttimeoutlen = 0.05

    def _panel(self) -> StyleAndTextTuples:
        size = self.input.app.output.get_size()
        height = max(size.rows - ROWS_TO_TYPE, 2)
        shown: StyleAndTextTuples = []
        for line in styled(self._console.booting.state, size.columns, height):
            shown += [(f"class:panel.{word}" if word else "", text) for word, text in line]
            shown.append(("", "\n"))
        return shown[:-1]

    def read(self) -> None:
        """Begin to edit a line."""
        self._editing.set()
        threading.Thread(target=self._edit, name="line", daemon=True).start()

    def _edit(self) -> None:
        job: Job = Left()
        self.input.app.pre_run_callables.append(
            lambda: asyncio.get_running_loop().set_default_executor(Unwaited(2))
        )
        try:
            job = Typed(self.input.read())
        except EOFError:
            pass  # Ctrl-D
        except BaseException as error:  # noqa: BLE001 - a fault of the line editor costs that line only
            self._console.why.remember(error)
            job = Typed("why")
        self._editing.clear()
        self._inbox.put(job)

    @contextlib.contextmanager
    def aside(self) -> Iterator[None]:
        """Take the edited line off the screen, and restore it afterwards."""
        held, leave = threading.Event(), threading.Event()

        async def hold() -> None:
            async with in_terminal():
                held.set()
                await asyncio.get_running_loop().run_in_executor(None, leave.wait)

        app = self.input.app
        asked = False
        while self._editing.is_set() and not held.wait(0.005):
            if not asked and app.is_running and app.loop is not None:
                with contextlib.suppress(RuntimeError):  # the line has just ended
                    app.loop.call_soon_threadsafe(
                        lambda: app.create_background_task(hold()) if app.is_running else None
                    )
                    asked = True
        try:
            yield
        finally:
            leave.set()

    @contextlib.contextmanager
    def output(self) -> Iterator[None]:
        """Send the output of running code straight to the terminal."""
        out, err = self._terminal
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield

    def show(self, text: str, style: str = "") -> None:
        """Show lines."""
        if style == "echo":
            text = ">>> " + text.replace("\n", "\n... ")
        shown = FormattedText([(f"class:{style}" if style else "", text + "\n")])
        sys.stdout.flush()
        # prompt_toolkit's shortcut of this name would wait for the edited line to return.
        print_formatted_text(self.input.app.output, shown, self._style)
        self.input.app.output.flush()

    def insert(self, text: str) -> bool:
        """Insert text at the cursor of the edited line."""
        app, buffer = self.input.app, self.input.default_buffer
        if not (self._editing.is_set() and app.is_running and app.loop is not None):
            return False
        try:
            app.loop.call_soon_threadsafe(buffer.insert_text, text)
        except RuntimeError:  # the line has just ended
            return False
        return True

    def close(self) -> None:
        """End the edited line."""
        app = self.input.app
        end = time.monotonic() + 2.0
        while self._editing.is_set() and time.monotonic() < end:
            if app.is_running and app.loop is not None:
                with contextlib.suppress(RuntimeError, Exception):
                    app.loop.call_soon_threadsafe(lambda: app.exit(exception=EOFError))
            time.sleep(0.02)

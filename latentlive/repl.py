"""The prompt: ptpython with the words in scope, a panel below, and errors of one line."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

from prompt_toolkit.application import get_app
from prompt_toolkit.filters import is_done
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, Window
from prompt_toolkit.patch_stdout import patch_stdout
from ptpython.repl import PythonRepl

from latentlive.corpus import cache_folder
from latentlive.engine import Engine
from latentlive.panel import panel
from latentlive.session import Names, first_line, names

TYPED = "<stdin>"


class Why:
    """Prints the traceback of the last error when its name is typed."""

    last: BaseException | None = None

    def __repr__(self) -> str:
        if self.last is None:
            return "nothing went wrong yet"
        return "".join(traceback.format_exception(self.last)).rstrip()


class Prompt(PythonRepl):
    """ptpython, except that a line is a cell and an error is a line."""

    def __init__(self, engine: Engine, **options: Any) -> None:
        self._engine = engine
        self._lines = 1
        self._scope = Names(names(engine))
        self._why = self._scope["why"] = Why()
        toolbar = ConditionalContainer(
            Window(
                FormattedTextControl(self._panel),
                dont_extend_height=True,
                style="class:status-toolbar",
            ),
            filter=~is_done,
        )
        history = Path(cache_folder()) / "history"
        super().__init__(
            get_globals=lambda: self._scope,
            get_locals=lambda: self._scope,
            history_filename=str(history),
            _extra_toolbars=[toolbar],
            **options,
        )
        self.show_status_bar = False
        self.show_signature = True
        self.complete_while_typing = True
        self.confirm_exit = False
        self.enable_open_in_editor = False
        self.terminal_title = "latentlive"
        self.app.refresh_interval = 0.2

    def _panel(self) -> StyleAndTextTuples:
        width = get_app().output.get_size().columns
        return [("", "\n".join(panel(self._engine.state, width)))]

    def eval(self, line: str) -> object:
        """Run what was typed as one cell: its changes land together, or none does."""
        self._lines = line.count("\n") + 1
        with self._engine.cell():
            return super().eval(line)

    def _handle_exception(self, e: BaseException) -> None:
        self._why.last = e
        said = first_line(e, TYPED if self._lines > 1 else "")
        self.app.output.write(said + "\n")
        self.app.output.flush()


def run(engine: Engine) -> None:
    """Run the prompt until the performer leaves it (Ctrl-D, ``exit``)."""
    with patch_stdout():
        Prompt(engine).run()

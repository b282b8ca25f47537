"""The history of typed lines from earlier runs; a bad disk costs nothing but the history."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from prompt_toolkit.history import FileHistory, History, InMemoryHistory, ThreadedHistory

from latentlive.ground.files import working_folder, working_folders
from latentlive.ground.lines import say_once

FILE = "history"


class PastLines(FileHistory):
    """The history in a file; a line that the disk does not take lasts for this run only."""

    def load_history_strings(self) -> Iterable[str]:
        """Return the lines of earlier runs, newest first."""
        past: list[str] = []
        for folder in working_folders():
            with contextlib.suppress(OSError):
                past += FileHistory(folder / FILE).load_history_strings()
        return past

    def store_string(self, string: str) -> None:
        """Keep a line."""
        try:
            super().store_string(string)
        except OSError as error:
            why = error.strerror or error
            say_once(f"lines are not kept for the next run: {why}", about=FILE)


def past_lines() -> History:
    """Return the history of the prompt, in a file if a folder takes one."""
    try:
        return ThreadedHistory(PastLines(working_folder() / FILE))
    except OSError as error:
        say_once(f"lines are not kept for the next run: {error.strerror or error}", about=FILE)
        return InMemoryHistory()

"""The panel for sessions played or replayed without a prompt."""

from __future__ import annotations

import shutil
import sys
from typing import Any

from latentlive.prompt.panel import panel


class Screen:
    """The panel on standard error: redraws in place on a terminal, is quiet elsewhere."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.drawn = 0

    def say(self, line: str) -> None:
        """Print a line above the panel."""
        self._clear()
        print(line, file=sys.stderr)

    def show(self, state: dict[str, Any]) -> None:
        """Draw the panel."""
        if not self.live:
            return
        lines = panel(state, shutil.get_terminal_size().columns - 1)
        self._clear()
        print("\n".join(lines), file=sys.stderr, flush=True)
        self.drawn = len(lines)

    def _clear(self) -> None:
        if self.drawn:
            print(f"\x1b[{self.drawn}F\x1b[J", end="", file=sys.stderr)
            self.drawn = 0

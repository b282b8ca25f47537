"""The line editor: ptpython's, with keys, marks and signatures for performers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import (
    Condition,
    emacs_insert_mode,
    has_focus,
    has_selection,
    vi_insert_mode,
)
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyPressEvent
from prompt_toolkit.layout import HSplit, UIContent, WindowRenderInfo
from prompt_toolkit.layout.margins import Margin
from prompt_toolkit.validation import ValidationError
from ptpython.layout import PythonPromptMargin
from ptpython.python_input import PythonInput
from ptpython.signatures import Signature
from ptpython.validator import PythonValidator

from latentlive.prompt.statement import indentation, is_whole, outdented

FIRST, NEXT, WRAPPED = ">>> ", "... ", "  : "
"""The marks before a statement, before its further rows, before the rest of a long row."""

ANNOTATION = re.compile(r":.*?(?==|$)")
"""The type in ``curve: CurveLike=0.5``."""

INSERTING = has_focus(DEFAULT_BUFFER) & ~has_selection & (vi_insert_mode | emacs_insert_mode)


class Validator(PythonValidator):
    """Points at a syntax error while the line can still be edited."""

    def validate(self, document: Document) -> None:
        """Check a line."""
        try:
            super().validate(document)
        except (RecursionError, MemoryError):
            raise ValidationError(0, "nested too deeply") from None


class Line(PythonInput):
    """The line editor; parameters as in ptpython's.

    Enter runs a complete statement; otherwise it begins a new row with the right indentation, and
    typed spaces step through that indentation. Ctrl-C clears the line and stays in it: a key
    pressed right after is not lost between two lines.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._indented = (0, "")
        """The row that Enter began, and the rest of its indentation not yet typed over."""
        bind = self.add_key_binding
        bind("enter", filter=INSERTING & Condition(lambda: not self.paste_mode))(self._enter)
        bind(" ", filter=INSERTING & Condition(self._steps))(self._step)
        bind("c-c", filter=has_focus(DEFAULT_BUFFER))(self._clear)
        # A Ctrl-D pressed while no line is being edited arrives as a zero.
        empty = Condition(lambda: not get_app().current_buffer.text)
        bind("c-@", filter=has_focus(DEFAULT_BUFFER) & empty)(self._leave)
        layout = self.ptpython_layout
        if isinstance(layout.root_container, HSplit):
            del layout.root_container.children[-1]  # ptpython's status bar takes half of the rows
        for window in layout.layout.find_all_windows():
            if any(isinstance(margin, PythonPromptMargin) for margin in window.left_margins):
                window.left_margins = [Marks()]

    def remember(self, history: History) -> None:
        """Recall lines of a history, and add typed lines to it."""
        self.history = self.default_buffer.history = history

    def _enter(self, event: KeyPressEvent) -> None:
        """Run the line, or begin a new row."""
        line = event.current_buffer
        document = line.document
        if "\n" in document.text and document.text_after_cursor.strip():
            self._begin_row(line)
            return
        text = outdented(document.text.rstrip(" "))
        if text != document.text.rstrip(" "):
            line.document = Document(text, len(text))
        if is_whole(line.text):
            if line.validate():
                text = line.text.rstrip()
                line.document = Document(text, len(text))
                line.validate_and_handle()
        else:
            self._begin_row(line)

    def _begin_row(self, line: Buffer) -> None:
        columns = indentation(line.document.text_before_cursor)
        line.insert_text("\n" + " " * columns)
        self._indented = line.document.cursor_position_row, " " * columns

    def _steps(self) -> bool:
        """Return whether the cursor is still in the indentation from Enter, which has the space."""
        document = get_app().current_buffer.document
        row, left = self._indented
        untouched = document.cursor_position_row == row and not document.current_line.strip()
        return bool(left) and untouched and document.is_cursor_at_the_end_of_line

    def _step(self, event: KeyPressEvent) -> None:
        row, left = self._indented
        self._indented = row, left[1:]

    def _clear(self, event: KeyPressEvent) -> None:
        event.current_buffer.reset()
        self.signatures = []

    def _leave(self, event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError)

    @property
    def signatures(self) -> list[Signature]:
        """The signatures of the call at the cursor."""
        return self._signatures

    @signatures.setter
    def signatures(self, found: list[Signature]) -> None:
        for one in found:
            held = self.get_globals().get(one.name.lower())
            one.name = one.name.lower() if isinstance(held, type) else one.name
            for parameter in one.parameters:
                parameter.name = ANNOTATION.sub("", parameter.name)
        self._signatures = found


class Marks(Margin):
    """The mark before each row; the rest of a long row has another one."""

    def get_width(self, get_ui_content: Callable[[], UIContent]) -> int:
        """Return the width of a mark in columns."""
        return len(FIRST)

    def create_margin(
        self, window_render_info: WindowRenderInfo, width: int, height: int
    ) -> StyleAndTextTuples:
        """Return the marks of the visible rows."""
        marks: StyleAndTextTuples = []
        above = None
        for row in window_render_info.displayed_lines:
            mark = WRAPPED if row == above else NEXT if row else FIRST
            marks.append(("class:prompt.dots" if row == above or row else "class:prompt", mark))
            marks.append(("", "\n"))
            above = row
        return marks[:-1]

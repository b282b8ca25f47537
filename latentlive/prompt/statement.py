"""A statement being typed: whether it is complete, and the indentation of its next row."""

from __future__ import annotations

import ast
import codeop
import io
import re
import tokenize
from typing import Literal

STEP = 4
"""Columns of a block's indentation."""

ENDING = frozenset({"return", "raise", "break", "continue", "pass"})
"""Words that end a block."""

MIDDLE = re.compile(r"[ ]+(else|elif|except|finally|case)\b.*:")
"""A row that belongs one step to the left of the block above it."""

HALF = re.compile("[\ud800-\udfff]")
"""A byte that is not text, as Python reads it from pipes and file names."""

SILENT = frozenset(
    {
        *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE),
        *(tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER),
    }
)
"""Tokens without code."""


def is_whole(text: str) -> bool:
    """Return whether a text is ready to run, or already wrong.

    As in Python's own prompt, a block of several rows continues until an empty row.

    Example
    -------
    >>> is_whole("d1.gain(-6)"), is_whole("with at(32):  # soon"), is_whole("path([a,")
    (True, False, False)
    >>> is_whole("with at(32):\\n    d1.stop()"), is_whole("with at(32):\\n    d1.stop()\\n")
    (False, True)
    """
    if state(text) != "whole":
        return state(text) == "wrong"
    try:
        body = ast.parse(text).body
    except RecursionError:
        return True  # it compiles, but nests too deeply to parse here
    last = body[-1] if body else None
    block = isinstance(getattr(last, "body", None), list) and _rows(last) > 1
    return not block or not text.rpartition("\n")[2].strip()


def state(text: str) -> Literal["open", "whole", "wrong"]:
    """Return whether a text needs more, is complete, or cannot become valid.

    Example
    -------
    >>> [state(text) for text in ("sine(8", "sine(8)", "sine(8))")]
    ['open', 'whole', 'wrong']
    """
    try:
        return "open" if codeop.compile_command(text, "<typed>", "exec") is None else "whole"
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return "wrong"


def _rows(node: ast.stmt | None) -> int:
    return 0 if node is None else (node.end_lineno or node.lineno) - node.lineno + 1


def indentation(text: str) -> int:
    """Return the indentation of the row after a text, in columns.

    Example
    -------
    >>> indentation("with cue('night'):  # rendered ahead"), indentation("d1.stop()")
    (4, 0)
    >>> indentation("with at(3):\\n    d1 >> path([\\n        a,\\n    ])")
    4
    """
    above = text.rpartition("\n")[2]
    code = _code(text)
    rows = text.count("\n") + 1
    inside = not code or code[-1].end[0] != rows or _depth(code)
    columns = len(above) - len(above.lstrip(" ")) if inside else _begins(code)
    if code and code[-1].end[0] == rows:
        if code[-1].string in (":", "(", "[", "{"):
            columns += STEP
        elif not inside and above.split() and above.split()[0] in ENDING:
            columns -= STEP
    return max(columns, 0)


def _code(text: str) -> list[tokenize.TokenInfo]:
    """Return the code tokens of a text, as far as it can be read."""
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type not in SILENT and token.type != tokenize.ERRORTOKEN:
                found.append(token)
    except (tokenize.TokenError, SyntaxError):
        pass  # the text is incomplete
    return found


def _depth(code: list[tokenize.TokenInfo]) -> int:
    """Return the number of open brackets."""
    signs = [token.string for token in code if token.type == tokenize.OP]
    return sum(sign in "([{" for sign in signs) - sum(sign in ")]}" for sign in signs)


def _begins(code: list[tokenize.TokenInfo]) -> int:
    """Return the column of the last token's logical line."""
    row = code[-1].end[0]
    depth = 0
    for token in reversed(code):
        if token.end[0] < row and depth == 0:
            break
        if token.type == tokenize.OP:
            depth += (token.string in ")]}") - (token.string in "([{")
        row, column = token.start
    return column


def outdented(text: str) -> str:
    """Return a text with its last row moved left to its block.

    Example
    -------
    >>> outdented("if a:\\n    b\\n    else:")
    'if a:\\n    b\\nelse:'
    """
    head, _, row = text.rpartition("\n")
    if not MIDDLE.match(row):
        return text
    better = row
    while MIDDLE.match(better) and state(f"{head}\n{better}") == "wrong":
        better = better[min(STEP, len(better) - len(better.lstrip(" "))) :]
    return text if state(f"{head}\n{better}") == "wrong" else f"{head}\n{better}"


def escaped(text: str) -> str:
    """Return a text with escapes for bytes that are not text, so that quotes can hold them.

    Example
    -------
    >>> escaped("caf" + chr(0xDCE9))
    'caf\\\\udce9'
    """
    return HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)

"""Lines for the performer, beside what a program prints: on standard error."""

from __future__ import annotations

import sys
import threading


def print_aside(line: str) -> None:
    """Print a line on standard error."""
    print(line, file=sys.stderr)


_said: set[str] = set()
_saying = threading.Lock()


def say_once(line: str, about: str = "") -> None:
    """Print a line, unless this process has printed it, or one with the same `about`, before."""
    key = about or line
    with _saying:
        new = key not in _said
        _said.add(key)
    if new:
        print_aside(line)

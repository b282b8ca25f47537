"""Layers on which something is auditioned: heard beside the performance, no part of it."""

from __future__ import annotations

import re

from latentlive.engine.wire import Message

PREVIEW = "preview"
PREVIEW_DB = -12.0
"""How loud they are."""

NAMES = re.compile(rf"{PREVIEW}\d*")


def is_preview(layer: str) -> bool:
    """Tell whether a layer is one to audition on.

    >>> is_preview("preview"), is_preview("preview2"), is_preview("previews")
    (True, True, False)
    """
    return NAMES.fullmatch(layer) is not None


def performed(decisions: list[Message]) -> list[Message]:
    """Return the decisions of a log without those for what was auditioned."""
    auditions = {d["voice"] for d in decisions if d["do"] == "start" and is_preview(d["layer"])}
    return [d for d in decisions if d.get("voice") not in auditions]

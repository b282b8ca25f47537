"""Layers on which something is auditioned: heard beside the performance, no part of it."""

from __future__ import annotations

import re

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

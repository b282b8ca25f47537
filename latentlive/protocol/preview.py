"""Preview layers: auditions heard beside the performance, no part of it."""

from __future__ import annotations

import re

PREVIEW = "preview"
PREVIEW_DB = -12.0
"""Their gain in dB."""

NAMES = re.compile(rf"{PREVIEW}\d*")


def is_preview(layer: str) -> bool:
    """Return whether a layer is a preview layer.

    >>> is_preview("preview"), is_preview("preview2"), is_preview("previews")
    (True, True, False)
    """
    return NAMES.fullmatch(layer) is not None

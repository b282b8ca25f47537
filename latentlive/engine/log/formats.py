"""Logs of earlier formats: their lines as this version would have written them."""

from __future__ import annotations

from typing import Any

from latentlive.engine.log.journal import FORMAT
from latentlive.protocol.wire import Message

FORMATS = range(1, FORMAT + 1)

WINDOW = 1024
"""Samples of the frames in which format 1 counted positions inside recordings."""

COUNTED = {
    "latent.slice": {"start": "start", "stop": "stop"},
    "latent.freeze": {"frame": "second"},
}
"""The fields that counted them, and what they are called now."""


class Upgrade:
    """Rewrites the lines of a log.

    Parameters
    ----------
    header : mapping
        Of the log.
    """

    def __init__(self, header: Message) -> None:
        self._format, self._rate = int(header["format"]), int(header["rate"])

    def texture(self, texture: Message) -> Message:
        """Return a texture whose positions are seconds."""
        expr = texture["expr"]
        if self._format > 1 or not isinstance(expr, dict):
            return texture
        nodes = [self._node(*node) for node in expr["nodes"]]
        return {**texture, "expr": {**expr, "nodes": nodes}}

    def _node(self, tag: Any, fields: Message) -> list[Any]:
        counted = COUNTED.get(tag, {})
        seconds = {now: float(fields[then]) * WINDOW / self._rate for then, now in counted.items()}
        return [tag, {k: v for k, v in fields.items() if k not in counted} | seconds]

    def decision(self, decision: Message) -> Message:
        """Return a decision whose clip is called so."""
        if self._format > 2 or not isinstance(decision, dict) or "part" not in decision:
            return decision
        left = {name: value for name, value in decision.items() if name != "part"}
        return {**left, "clip": _clip(decision["part"])}


def _clip(part: Message) -> Message:
    if "turning" not in part:
        return part
    before, at, over = part["turning"]
    left = {name: value for name, value in part.items() if name != "turning"}
    return {**left, "crossing": [_clip(before), at, over]}

"""The formats of logs: the header, and how the lines of earlier formats read today."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from latentlive.errors import ExpressionError
from latentlive.expr import Maybe, Record, Whole, declared, record
from latentlive.expr.fields import shown
from latentlive.protocol.kinds import NAME, SAMPLE, SEED, TEMPO, TEXT
from latentlive.protocol.wire import Message
from latentlive.units import Tempo

FORMAT = 5
"""1 counted positions inside recordings in windows, 2 counts them in seconds; 3 leaves out of a
layer's state what is as it begins, and names clips; 4 holds what arrived live; 5 has effects,
sends, and recordings of two channels."""


@record()
class Header(Record):
    """The first line of a log.

    Parameters
    ----------
    format : int
    model, name, model_file : str
        The digest of the space that it was played in, its name, and the file that was asked for.
    corpus : str
    rate : int [samples per second]
    channels : int
    seed : int
    pid : int
        The engine's process.
    tempo : Tempo
    begins : int [samples]
    lead : int [samples]
        How long after they arrived live curves were heard in levels.
    rolled : int [samples], optional
        Where a replay began, unheard, so that effects hold what rang before.
    """

    format: int = declared(Whole(least=1, most=FORMAT))
    model: str = declared(NAME)
    rate: int = declared(Whole(least=8000, most=192_000))
    channels: int = declared(Whole(least=2, most=16))
    seed: int = declared(SEED)
    pid: int = declared(Whole())
    tempo: Tempo = declared(TEMPO)
    begins: int = declared(SAMPLE)
    name: str = declared(TEXT, default="")
    model_file: str = declared(TEXT, default="")
    corpus: str = declared(TEXT, default="")
    lead: int = declared(Whole("samples", most=2**20), default=0)
    rolled: int | None = declared(Maybe(SAMPLE), default=None)

    @property
    def told(self) -> int:
        """The sample from which on the log tells what was decided."""
        return self.begins if self.rolled is None else min(self.rolled, self.begins)


def read_header(line: Message) -> Header:
    """Return the header that a log begins with.

    Raises
    ------
    LatentliveError, LookupError
        If it is none, or of a later version.
    """
    if line["format"] not in range(1, FORMAT + 1):
        raise ExpressionError(
            f"format {shown(line['format'])}, this version reads 1 to {FORMAT}; "
            "--perform plays its cells anew"
        )
    header = Header.load(line)
    if header.channels % 2:
        raise ExpressionError(f"channels must be even, got {header.channels}")
    return header.changed(tempo=replace(header.tempo, sample_rate=header.rate))


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
    header : Header
    """

    def __init__(self, header: Header) -> None:
        self._format, self._rate = header.format, header.rate

    def texture(self, texture: Message) -> Message:
        """Return a texture whose positions are seconds."""
        expr = texture["expr"]
        if self._format > 1 or not isinstance(expr, dict):
            return texture
        nodes = [self._node(node) for node in expr["nodes"]]
        return {**texture, "expr": {**expr, "nodes": nodes}}

    def _node(self, node: Any) -> Any:
        if not isinstance(node, list) or len(node) != 2 or not isinstance(node[1], dict):
            return node  # it is refused where the expression is loaded
        tag, fields = node
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

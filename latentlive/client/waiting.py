"""Lines that wait for frozen sounds and measured directions, until these are complete.

Or until newer lines replace them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from latentlive.errors import LatentliveError
from latentlive.latent import Texture
from latentlive.protocol.changes import Change, Hush, Play, Rename, Stop


class Line(NamedTuple):
    """A waiting line: a layer and its next texture.

    Parameters
    ----------
    layer : str
    texture : Latent or joined Latent
    panics : int
        Number of panics before the line was typed.
    """

    layer: str
    texture: Texture
    panics: int = 0


class Awaited(Protocol):
    """What lines wait for: a sound that is frozen, directions that are measured."""

    @property
    def module(self) -> str:
        """The process that makes it."""

    @property
    def be(self) -> str:
        """The verb of its noun: is, are."""

    @property
    def made(self) -> str:
        """What is done to it: frozen, measured."""

    @property
    def doing(self) -> str:
        """What is being done to it: freezing, measuring."""

    @property
    def played(self) -> str:
        """What layers play that waited for it."""

    @property
    def name(self) -> str:
        """Its name, by which it is cancelled."""

    @property
    def noun(self) -> str:
        """What it is called in a sentence."""

    @property
    def key(self) -> str:
        """The digest of what it depends on."""

    @property
    def done(self) -> bool:
        """Whether it is there."""

    @property
    def awaited(self) -> str:
        """What a layer that waits plays, and when."""

    @property
    def lacking(self) -> str:
        """How a refusal begins."""

    def concerns(self, texture: Any) -> bool:
        """Return whether a texture needs it."""

    def dump(self) -> dict[str, Any]:
        """Return it as JSON data."""


class Waiting:
    """The waiting lines, one a layer.

    Parameters
    ----------
    send : function of a Line
        Plays a texture with complete sounds on a layer.
    say : function of a line of text
        Receives lines for the performer.
    """

    def __init__(self, send: Callable[[Line], object], say: Callable[[str], object]) -> None:
        self._send, self._say = send, say
        self.lines: dict[str, Line] = {}
        self._told: set[str] = set()
        self._newest: list[tuple[set[str], bool]] = []

    def keep(self, lines: Sequence[Line], alone: bool) -> None:
        """Hold lines; `alone` is whether their cell changed nothing else."""
        for line in lines:
            self.lines[line.layer] = line
            self._told.discard(line.layer)
        if lines:
            self._newest.append(({line.layer for line in lines}, alone))

    def overtaken(self, changes: Iterable[Change]) -> None:
        """Drop lines that changes just sent replace."""
        for change in changes:
            overtake(self.lines, change)
            self._newest.clear()

    def take_back(self) -> bool:
        """Drop the lines of the last change; return whether it consisted of lines only."""
        typed, alone = self._newest.pop() if self._newest else (set(), True)
        layers = sorted(typed & self.lines.keys())
        for layer in layers:
            del self.lines[layer]
        if layers and alone:
            self._say(f"undone: {', '.join(layers)} {one_or_many(layers, 'waits', 'wait')} no more")
        return bool(layers) and alone

    def drop(self, what: Awaited) -> list[str]:
        """Drop the lines that wait for something; return their layers."""
        layers = self.layers(what)
        for layer in layers:
            del self.lines[layer]
        return layers

    def layers(self, what: Awaited) -> list[str]:
        """Return the layers that wait for something."""
        return [layer for layer, line in self.lines.items() if what.concerns(line.texture)]

    def send_ready(self, unfinished: Callable[[Texture], object]) -> list[str]:
        """Send lines whose sounds are all complete; return their layers."""
        sent = []
        for layer, line in list(self.lines.items()):
            if unfinished(line.texture):
                continue
            del self.lines[layer]
            try:
                self._send(line._replace(layer=layer))
                sent.append(layer)
            except LatentliveError as error:
                self._say(f"{layer} goes on as it was: {error}")
        return sent

    def announce(self, what: Awaited, when: str) -> None:
        """Say once which layers wait for something, and how long."""
        if new := [layer for layer in self.layers(what) if layer not in self._told]:
            self._told.update(new)
            plays = one_or_many(new, "plays", "play")
            self._say(f"{', '.join(new)} {plays} {what.awaited}, {when}")


def overtake(lines: dict[str, Line], change: Change) -> None:
    """Drop or rename waiting lines after a change of their layers."""
    match change:
        case Play() | Stop():
            lines.pop(change.layer, None)
        case Hush():
            lines.clear()
        case Rename() if change.layer in lines:
            lines[change.name] = lines.pop(change.layer)


def parted(typed: Iterable[Change | Line]) -> tuple[tuple[Change, ...], list[Line]]:
    """Return a cell's changes, and its lines that no later change replaces."""
    changes: list[Change] = []
    lines: dict[str, Line] = {}
    for one in typed:
        if isinstance(one, Line):
            lines[one.layer] = one
        else:
            changes.append(one)
            overtake(lines, one)
    return tuple(changes), [line._replace(layer=layer) for layer, line in lines.items()]


def one_or_many(layers: Sequence[str], one: str, many: str) -> str:
    """Return the word for one layer, or the word for many."""
    return one if len(layers) == 1 else many

"""Lines that wait for frozen sounds: which lines replace them, and when they are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from latentlive.errors import LatentliveError
from latentlive.expr import Node
from latentlive.ground.names import normal
from latentlive.latent import Sound, Texture
from latentlive.protocol.changes import Change, Hush, Play, Rename, Stop


class Line(NamedTuple):
    """A line that waits: which layer is to play what.

    Parameters
    ----------
    layer : str
    texture : Latent or joined Latent
    panics : int
        How often all had been silenced when it was typed.
    """

    layer: str
    texture: Texture
    panics: int = 0

    def plays(self, name: str) -> bool:
        """Return whether it plays the sound of a name."""
        return name in sound_names(self.texture)


class Waiting:
    """The lines that wait, one a layer.

    Parameters
    ----------
    send : function of a Line
        Lets a layer play a texture whose sounds are there.
    say : function of a line of text
        Receives lines for the performer.
    """

    def __init__(self, send: Callable[[Line], object], say: Callable[[str], object]) -> None:
        self._send, self._say = send, say
        self.lines: dict[str, Line] = {}
        self._told: set[str] = set()
        self._newest: list[tuple[set[str], bool]] = []

    def keep(self, lines: Sequence[Line], alone: bool) -> None:
        """Let lines wait; `alone` tells whether they are all that was typed in their cell."""
        for line in lines:
            self.lines[line.layer] = line
            self._told.discard(line.layer)
        if lines:
            self._newest.append(({line.layer for line in lines}, alone))

    def overtaken(self, changes: Iterable[Change]) -> None:
        """Drop lines that newer changes stand for, once these are sent."""
        for change in changes:
            overtake(self.lines, change)
            self._newest.clear()

    def take_back(self) -> bool:
        """Drop the lines that were the last change of the layers; return whether they were all."""
        typed, alone = self._newest.pop() if self._newest else (set(), True)
        layers = sorted(typed & self.lines.keys())
        for layer in layers:
            del self.lines[layer]
        if layers and alone:
            self._say(f"undone: {', '.join(layers)} {one_or_many(layers, 'waits', 'wait')} no more")
        return bool(layers) and alone

    def drop(self, name: str) -> list[str]:
        """Drop lines that wait for a sound; return their layers."""
        layers = self.layers(name)
        for layer in layers:
            del self.lines[layer]
        return layers

    def layers(self, name: str) -> list[str]:
        """Return the layers that wait for a sound."""
        return [layer for layer, line in self.lines.items() if line.plays(name)]

    def send_ready(self, unfinished: Callable[[Texture], object]) -> list[str]:
        """Send lines whose sounds are all there; return their layers."""
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

    def announce(self, name: str, when: str) -> None:
        """Say once which layers wait for a sound, and for how long."""
        if new := [layer for layer in self.layers(name) if layer not in self._told]:
            self._told.update(new)
            plays = one_or_many(new, "plays", "play")
            self._say(f"{', '.join(new)} {plays} {name} when it is frozen, {when}")


def overtake(lines: dict[str, Line], change: Change) -> None:
    """Let a change take the place of lines that wait, by layer."""
    match change:
        case Play() | Stop():
            lines.pop(change.layer, None)
        case Hush():
            lines.clear()
        case Rename() if change.layer in lines:
            lines[change.name] = lines.pop(change.layer)


def parted(typed: Iterable[Change | Line]) -> tuple[tuple[Change, ...], list[Line]]:
    """Return the changes of a cell, and the lines in it that none of them has overtaken."""
    changes: list[Change] = []
    lines: dict[str, Line] = {}
    for one in typed:
        if isinstance(one, Line):
            lines[one.layer] = one
        else:
            changes.append(one)
            overtake(lines, one)
    return tuple(changes), [line._replace(layer=layer) for layer, line in lines.items()]


def sound_names(texture: Node) -> set[str]:
    """Return the names of the sounds in a texture."""
    named = (node.source for node in texture.walk() if isinstance(node, Sound))
    return {normal(name) for name in named if isinstance(name, str)}


def one_or_many(layers: Sequence[str], one: str, many: str) -> str:
    """Return the word for one layer, or that for many."""
    return one if len(layers) == 1 else many

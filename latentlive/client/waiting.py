"""Lines that wait for frozen sounds, until these are complete or newer lines replace them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from latentlive.errors import LatentliveError
from latentlive.expr import Node
from latentlive.ground.names import normal
from latentlive.latent import Sound, Texture
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

    def plays(self, name: str) -> bool:
        """Return whether the line plays the sound of a name."""
        return name in sound_names(self.texture)


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

    def drop(self, name: str) -> list[str]:
        """Drop the lines that wait for a sound; return their layers."""
        layers = self.layers(name)
        for layer in layers:
            del self.lines[layer]
        return layers

    def layers(self, name: str) -> list[str]:
        """Return the layers that wait for a sound."""
        return [layer for layer, line in self.lines.items() if line.plays(name)]

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

    def announce(self, name: str, when: str) -> None:
        """Say once which layers wait for a sound, and how long."""
        if new := [layer for layer in self.layers(name) if layer not in self._told]:
            self._told.update(new)
            plays = one_or_many(new, "plays", "play")
            self._say(f"{', '.join(new)} {plays} {name} when it is frozen, {when}")


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


def sound_names(texture: Node) -> set[str]:
    """Return the names of the sounds in a texture."""
    named = (node.source for node in texture.walk() if isinstance(node, Sound))
    return {normal(name) for name in named if isinstance(name, str)}


def one_or_many(layers: Sequence[str], one: str, many: str) -> str:
    """Return the word for one layer, or the word for many."""
    return one if len(layers) == 1 else many

"""The engine's model: voices that render and sound, layers that own them, change sets to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from latentlive.engine.desk.fades import Fade
from latentlive.mixer import GRID
from latentlive.protocol.changes import Change, OfLayer
from latentlive.protocol.clip import Clip, Source
from latentlive.protocol.rendering import Load
from latentlive.protocol.state import State
from latentlive.protocol.when import NOW, When

LONGEST_PIECE = 8192
"""Samples of a voice that are rendered at a time."""


SLOW = 0.5
"""Load, in seconds of rendering a second of sound, from which a voice is rendered alone."""

SEVERAL = 3
"""Stretches after which a voice is judged: the first ones may wait for an encoding."""


@dataclass(eq=False)
class Stream:
    """How a voice is rendered: what the workers know of it; dispatch writes it, others read."""

    told: dict[int, int] = field(default_factory=dict)
    """The version that each worker was told of."""
    bound: dict[int, int] = field(default_factory=dict)
    """The version that each worker has."""
    lane: int | None = None
    """The worker that renders it while it sounds, chosen when it starts or after an underrun."""
    busy: int | None = None
    """The worker that renders a stretch of it now."""
    encoded: int = 0
    """One past the last position whose windows were encoded in advance."""
    load: float = 0.0
    """Seconds of rendering for a second of sound."""
    stretches: int = 0
    """How many stretches of it were rendered."""
    quick: bool = False
    """Whether any of them took less time than it lasts."""
    hung: int = 0
    """How many workers it has hung, one after the other."""

    @property
    def slow(self) -> bool:
        """Whether no stretch of it was rendered in time: it cannot be played live."""
        return self.stretches >= SEVERAL and not self.quick

    def release(self) -> None:
        """Let the worker be chosen again: perhaps the other one has time."""
        self.lane = None


class Hold(NamedTuple):
    """A stretch in which left and right gain of a voice stayed the same [shape=(2, 1)], and its
    width [shape=(1, 1)]."""

    at: int
    to: int
    gains: NDArray[np.float64]
    width: NDArray[np.float64]


@dataclass(eq=False)
class Voice:
    """One texture in one ring of the shared memory, or in two for a wide or stereo one.

    Parameters
    ----------
    serial : int
        Which of all voices this is.
    rings : tuple of int
    layer : str
    slot : int
        Of its layer: keys the noise.
    clip : Clip
    start : int [samples, global]
        Where it is to sound first.
    wide : float
        0 to 1: how far the noise of left and right differs.
    pair : int
        The pair of output channels it is heard on, 0 for the first.
    fresh : bool
        Whether its clock begins where it does, whatever the layer played before.
    """

    serial: int
    rings: tuple[int, ...]
    layer: str
    slot: int
    clip: Clip[Source]
    start: int
    wide: float = 0.0
    pair: int = 0
    fresh: bool = False
    fade: Fade = field(default_factory=lambda: Fade(0, 0, 0.0, 0.0))
    gate: Fade = field(default_factory=lambda: Fade(0, 0, 1.0, 1.0))
    """Closes while rendering cannot keep up."""
    version: int = 0
    """Counts its clips: answers about an older one are ignored."""
    moved_from: int | None = None
    """The first of the versions before it that differ from it by their place only."""
    length: int | None = None
    beyond: int = 0
    """How far beyond a stretch lie the vectors that it needs [samples]."""
    rendered: int = 0
    """One past the last position that its rings hold."""
    stream: Stream = field(default_factory=Stream)
    sounding: bool = False
    late: bool = False
    skipped_to: int = 0
    gains_until: int = 0
    feeds_until: int = 0
    holds: list[Hold] = field(default_factory=list)
    piece: int = LONGEST_PIECE
    """Samples of it that a worker renders at a time, at most."""
    failed: bool = False
    """Whether no more of it can be rendered."""

    def limit(self, closed: int) -> int | None:
        """Return the sample up to which it can be rendered, if nothing more arrives before the
        sample `closed`; None where nothing in it is live."""
        leads = [lead for lead, end in self.clip.leads if end is None or self.rendered < end]
        return closed + min(leads) - self.beyond if leads else None

    @property
    def live(self) -> bool:
        """Whether it still follows something that arrives."""
        return any(end is None or self.rendered < end for _, end in self.clip.leads)

    @property
    def needs_encoding(self) -> bool:
        """Whether it begins only when what it reads at first is encoded: it cannot be rendered
        far ahead, and an encoding that comes first when it sounds may come too late."""
        return self.live and self.stream.load < SLOW and not self.stream.hung

    @property
    def loaded(self) -> bool:
        """Whether some worker has it as it is now."""
        return self.version in self.stream.bound.values()

    def binding(self, seed: int) -> Load:
        """Return what a worker is told to render it."""
        return Load(self.serial, self.version, self.rings, self.clip, self.wide, self.slot, seed)

    def falter(self) -> None:
        """Take a failure in a replay, where it failed before: go on in smaller pieces.

        It sounds again to the last step that was heard then; the log holds what followed.
        """
        if self.loaded and self.piece > GRID:
            self.piece //= 2
        else:
            self.failed = True

    @property
    def complete(self) -> bool:
        """Whether it is rendered as far as it will be heard, or as far as it can be."""
        faded = self.fade.high == 0.0 and self.sounding and self.rendered > self.fade.stop
        # The step after the end is heard too: gains reach from one step to the next.
        return faded or self.failed or (self.end is not None and self.rendered > self.end + GRID)

    def is_over(self, position: int) -> bool:
        """Return whether it has been heard to its end."""
        faded = self.fade.high == 0.0 and position > self.fade.stop + GRID
        return faded or (self.end is not None and position > self.end + GRID)

    @property
    def end(self) -> int | None:
        """Where a texture that is played once is over."""
        return None if self.length is None else self.clip.origin + self.length


@dataclass(eq=False)
class Layer:
    """A named place for one texture, with its level, pan and fades.

    Parameters
    ----------
    name : str
    slot : int
        Keys the noise: 0 for ``d1``.
    good : State
        The last state before the present texture, to go back to if that fails.
    """

    name: str
    slot: int
    state: State[Source] = field(default_factory=State)
    voice: Voice | None = None
    leaving: list[Voice] = field(default_factory=list)
    error: str = ""
    good: State[Source] | None = None


@dataclass(eq=False)
class ChangeSet:
    """Changes that land together, once every new texture of them is ready.

    Parameters
    ----------
    changes : sequence of changes
    when : When
        The moment that was asked for.
    at : int or None [samples, global]
        Where they are to land as things are; None while a cue waits.
    beat : float or None
        The beat of the transport that `at` follows when the tempo changes.
    quant : float [beats]
        What they land on multiples of, if no moment was asked for.
    name : str
        Of a cue, also when it has been told to go.
    undoable : bool
        Whether a performer did it.
    """

    changes: Sequence[Change]
    when: When
    at: int | None
    beat: float | None = None
    quant: float = 0.0
    number: int = 0
    undoable: bool = True
    name: str = ""
    fresh: bool = False
    """Whether its textures begin at their start, as those of a cue do."""
    allocated: bool = False
    """Whether it has its voices: a change set far ahead has none."""
    voices: list[Voice] = field(default_factory=list)
    _sorted: tuple[Sequence[Change], dict[str, list[Change]]] | None = None

    @property
    def planned(self) -> bool:
        """Whether a moment or a cue was asked for; otherwise it lands at the next quant."""
        return self.when != NOW

    def changes_of(self, name: str) -> list[Change]:
        """Return what concerns a layer: its own changes, and those of all layers."""
        if self._sorted is None or self._sorted[0] is not self.changes:
            self._sorted = self.changes, _by_layer(self.changes)
        by_layer = self._sorted[1]
        return by_layer.get(name, by_layer[""])

    @property
    def called(self) -> str:
        """What the plan calls it."""
        return self.name or f"plan{self.number}"


def _by_layer(changes: Sequence[Change]) -> dict[str, list[Change]]:
    """Return the changes that concern each layer that is named, and those of all, under ""."""
    found: dict[str, list[Change]] = {"": []}
    for change in changes:
        if isinstance(change, OfLayer):
            found.setdefault(change.layer, found[""].copy()).append(change)
        else:
            for concerned in found.values():
                concerned.append(change)
    return found

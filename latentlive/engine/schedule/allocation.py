"""Which voices a cell needs: what each layer is to play, on which clock, when it lands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from latentlive.engine.desk.voices import Cell, Layer
from latentlive.engine.schedule.changes import fold, named
from latentlive.errors import EngineError, LatentliveError
from latentlive.expr import load
from latentlive.latent import join_of
from latentlive.protocol.clip import Part, Turning
from latentlive.renderer import joined_by
from latentlive.space import Space
from latentlive.units import Tempo

if TYPE_CHECKING:
    from latentlive.engine.schedule.scheduler import Scheduler

HORIZON_SECONDS = 20.0
"""How long before its moment a planned cell is given voices."""


@dataclass(frozen=True)
class Role:
    """What a layer is to play when a cell lands."""

    layer: Layer
    part: Part
    wide: float
    pair: int
    fresh: bool


class Casting:
    """Gives cells their voices, and keeps them fit for the moment at which the cell lands.

    Parameters
    ----------
    scheduler : Scheduler
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def near(self, cell: Cell) -> bool:
        if cell.at is None:
            return True
        return (
            cell.at - self._scheduler.position < HORIZON_SECONDS * self._scheduler.tempo.sample_rate
        )

    def earlier(self, cell: Cell) -> list[Cell]:
        """Return the cells that land before one."""
        if cell.at is None:
            return []
        coming = self._scheduler.coming()
        if cell in coming:
            return coming[: coming.index(cell)]
        return [other for other in coming if (other.at or 0) <= cell.at]

    def roles(self, cell: Cell) -> list[Role]:
        """Return what each layer is to play anew when a cell lands."""
        at, tempo, earlier = cell.at or 0, self.tempo_of(cell), self.earlier(cell)
        names = named(cell.changes)
        if any(change["op"] == "tempo" for change in cell.changes):
            names += [
                n for n, layer in self._scheduler.layers.items() if layer.voice and n not in names
            ]
        layers = map(self._scheduler.layer, names)
        found = (self._role(cell, earlier, layer, at, tempo) for layer in layers)
        return [role for role in found if role is not None]

    def tempo_of(self, cell: Cell) -> Tempo:
        """Return the tempo as it will be when a cell has landed."""
        tempo = (
            self._scheduler.tempo
            if cell.at is not None
            else Tempo(
                self._scheduler.tempo.bpm_at(self._scheduler.position),
                self._scheduler.tempo.sample_rate,
            )
        )
        for change in cell.changes:
            if change["op"] == "tempo" and cell.at is not None:
                tempo = tempo.changed(cell.at, float(change["bpm"]), float(change.get("over", 0)))
        return tempo

    def _role(
        self, cell: Cell, earlier: list[Cell], layer: Layer, at: int, tempo: Tempo
    ) -> Role | None:
        expected, before = layer.state, layer.voice
        for one in earlier:
            expected = fold(expected, layer.name, one.changes_of(layer.name))
            if expected.source is None:
                before = None
            before = next((v for v in one.voices if v.layer == layer.name), before)
        if cell.at is None:
            before = None
        changes = cell.changes_of(layer.name)
        state = fold(expected, layer.name, changes)
        ops = {change["op"] for change in changes if "layer" in change}
        if state.source is None:
            return None
        anew = bool(ops & {"play", "restart"}) or (
            "restore" in ops and (before is None or state.source != before.part.source)
        )
        moved = before is not None and (state.wide, state.pair) != (before.wide, before.pair)
        retimed = any(change["op"] == "tempo" for change in changes)
        if not anew:
            if before is None or not (moved or retimed):
                return None
            return Role(layer, before.part.timed(tempo, at), state.wide, state.pair, False)
        fresh = "restart" in ops or bool(cell.name) or cell.follows is not None
        if "restore" in ops and state.origin is not None:
            origin = state.origin
        else:
            origin = at if fresh or before is None else before.part.origin
        part = Part(state.source, origin, tempo.since(origin))
        if (
            state.morph
            and before is not None
            and alike(before.part, part, self._scheduler.space_of)
        ):
            over = tempo.span(at, state.xfade)
            part = replace(part, turning=Turning(before.part.timed(tempo, at), at, over))
        return Role(layer, part, state.wide, state.pair, fresh)

    def cast(self, cell: Cell) -> None:
        """Give a cell its voices, as far as rings are free."""
        for role in self.roles(cell):
            try:
                voice = self._scheduler.stage.cast(
                    role.layer.name, role.layer.slot, role.part, cell.at or 0, role.wide, role.pair
                )
            except EngineError:
                for made in cell.voices:
                    self._scheduler.stage.end(made)
                cell.voices = []
                return
            voice.fresh = role.fresh
            cell.voices.append(voice)
        cell.cast = True

    def aim(self, cell: Cell) -> None:
        """Let a cell's voices play what they are to play at the moment that it has now."""
        roles = {role.layer.name: role for role in self.roles(cell)}
        fit = {voice.layer: bool(voice.wide) for voice in cell.voices}
        if not cell.cast or fit != {name: bool(role.wide) for name, role in roles.items()}:
            for voice in cell.voices:
                self._scheduler.stage.end(voice)
            cell.voices, cell.cast = [], False
            if self.near(cell):
                self.cast(cell)
            return
        for voice in cell.voices:
            role = roles[voice.layer]
            stage, anew = self._scheduler.stage, voice.wide != role.wide
            voice.wide, voice.pair = role.wide, role.pair
            stage.recast(voice, role.part, cell.at or 0)
            if anew:  # what is rendered has another width
                voice.version += 1
                voice.moved_from = None
                stage.expect(voice, voice.start)

    def refresh(self) -> None:
        """Aim all cells again, after something that they follow has changed."""
        for cell in self._scheduler.coming():
            if cell.cast:
                self.aim(cell)


def alike(before: Part, after: Part, space_of: Callable[[str | None], Space]) -> bool:
    """Return whether two parts have one space and one join, so that latents can be mixed.

    Parameters
    ----------
    space_of : function of what ``.on`` names, None where nothing does
        A space has several names: that of its file, its own, and none where it is loaded.
    """
    one, other = (join_of(load(part.source["expr"])) for part in (before, after))
    if replace(one, latent=other.latent, norm=other.norm) == other:
        return True
    kinds = set()
    try:
        for join in (one, other):
            space = space_of(join.model)
            kinds.add((space.digest, join.exact, joined_by(join, space.facts)))
    except LatentliveError:
        return False  # whoever is to render it says why
    return len(kinds) == 1

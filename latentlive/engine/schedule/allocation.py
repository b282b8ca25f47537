"""Voice allocation: what each layer is to play when changes land, and a voice for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from latentlive.engine.desk.decisions import rings_of
from latentlive.engine.desk.model import ChangeSet, Layer
from latentlive.engine.schedule.timeline import Timeline
from latentlive.engine.timing import HORIZON
from latentlive.errors import EngineError, LatentliveError
from latentlive.latent import join_of
from latentlive.protocol.changes import Hush, Restart, Restore, SetTempo, Stop, fold, named
from latentlive.protocol.clip import Clip, Crossing, Source
from latentlive.protocol.state import State
from latentlive.renderer import joined_by
from latentlive.space import Space
from latentlive.units import Tempo


@dataclass(frozen=True)
class Role:
    """What a layer is to play when a change set lands."""

    layer: Layer
    clip: Clip[Source]
    wide: float
    pair: int
    fresh: bool

    @property
    def rings(self) -> int:
        """How many rings its voice needs."""
        return rings_of(self.wide, self.clip.channels)


class Allocation:
    """Gives change sets their voices, and keeps them fit for the moment at which the set lands.

    Parameters
    ----------
    timeline : Timeline
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def near(self, changes: ChangeSet) -> bool:
        """Return whether a change set should have voices by now; a cue gets them at once."""
        if changes.at is None:
            return True
        horizon = HORIZON * self._timeline.tempo.sample_rate
        return changes.at - self._timeline.position < horizon

    def _earlier(self, changes: ChangeSet) -> list[ChangeSet]:
        """Return the change sets that land before one."""
        if changes.at is None:
            return []
        coming = self._timeline.coming()
        if changes in coming:
            return coming[: coming.index(changes)]
        return [other for other in coming if (other.at or 0) <= changes.at]

    def roles(self, changes: ChangeSet) -> list[Role]:
        """Return what each layer starts to play when a change set lands."""
        timeline, tempo = self._timeline, self.tempo_of(changes)
        names = named(changes.changes)
        if any(isinstance(change, SetTempo) for change in changes.changes):
            sounding = (name for name, layer in timeline.layers.items() if layer.voice)
            names += [name for name in sounding if name not in names]
        earlier = self._earlier(changes)
        found = (self._role(changes, earlier, timeline.layer(name), tempo) for name in names)
        return [role for role in found if role is not None]

    def tempo_of(self, changes: ChangeSet) -> Tempo:
        """Return the tempo as it will be when a change set has landed."""
        tempo = self._timeline.tempo
        if changes.at is None:
            return Tempo(tempo.bpm_at(self._timeline.position), tempo.sample_rate)
        for change in changes.changes:
            if isinstance(change, SetTempo):
                tempo = change.applied(tempo, changes.at)
        return tempo

    def _role(
        self, changes: ChangeSet, earlier: list[ChangeSet], layer: Layer, tempo: Tempo
    ) -> Role | None:
        at, expected, before = changes.at or 0, layer.state, layer.voice
        for one in earlier:
            expected = fold(expected, layer.name, one.changes_of(layer.name))
            if expected.source is None:
                before = None
            before = next((v for v in one.voices if v.layer == layer.name), before)
        if changes.at is None:
            before = None
        mine = changes.changes_of(layer.name)
        state = fold(expected, layer.name, mine)
        if state.source is None:
            return None
        restored = any(isinstance(change, Restore) for change in mine)
        anew = any(change.brings_texture and not isinstance(change, Restore) for change in mine)
        if restored and (before is None or state.source != before.clip.source):
            anew = True
        if not anew:
            if before is None:
                return None
            # Stereo recordings have noise of their own in either channel, however wide.
            wide = state.wide if before.clip.source.channels == 1 else before.wide
            moved = (wide, state.pair) != (before.wide, before.pair)
            retimed = any(isinstance(change, SetTempo) for change in mine)
            lead = self._lead(state)
            if not (moved or retimed or lead != before.clip.lead):
                return None
            clip = replace(before.clip.timed(tempo, at), lead=lead)
            return Role(layer, clip, state.wide, state.pair, False)
        fresh = changes.fresh or any(isinstance(change, Restart) for change in mine)
        if restored and state.origin is not None:
            origin = state.origin
        else:
            origin = at if fresh or before is None else before.clip.origin
        clip = Clip(state.source, origin, tempo.since(origin), lead=self._lead(state))
        if state.morph and before is not None and alike(before.clip, clip, self._timeline.space_of):
            over = tempo.span(at, state.xfade)
            clip = replace(clip, crossing=Crossing(before.clip.timed(tempo, at), at, over))
        return Role(layer, clip, state.wide, state.pair, fresh)

    def _lead(self, state: State[Source]) -> int:
        """Return how long after they arrive a texture's live curves are heard, 0 without any."""
        live = state.source is not None and state.source.live
        return self._timeline.lead(state) if live else 0

    def allocate(self, changes: ChangeSet) -> None:
        """Give a change set its voices, as far as rings are free."""
        desk = self._timeline.desk
        for role in self.roles(changes):
            try:
                voice = desk.allocate(
                    role.layer.name,
                    role.layer.slot,
                    role.clip,
                    changes.at or 0,
                    role.wide,
                    role.pair,
                    channels=role.clip.channels,
                )
            except EngineError:
                self._free(changes)
                return
            voice.fresh = role.fresh
            changes.voices.append(voice)
        changes.allocated = True

    def _free(self, changes: ChangeSet) -> None:
        for voice in changes.voices:
            self._timeline.desk.end(voice)
        changes.voices, changes.allocated = [], False

    def aim(self, changes: ChangeSet) -> None:
        """Update a change set's voices for the moment at which it now lands."""
        roles = {role.layer.name: role for role in self.roles(changes)}
        fit = {voice.layer: len(voice.rings) for voice in changes.voices}
        if not changes.allocated or fit != {name: role.rings for name, role in roles.items()}:
            self._free(changes)
            if self.near(changes):
                self.allocate(changes)
            return
        desk = self._timeline.desk
        for voice in changes.voices:
            role = roles[voice.layer]
            anew = voice.wide != role.wide
            voice.wide, voice.pair = role.wide, role.pair
            desk.reallocate(voice, role.clip, changes.at or 0)
            if anew:  # the rings hold the other width
                voice.version += 1
                voice.moved_from = None
                desk.expect(voice, voice.start)

    def refresh(self) -> None:
        """Aim every coming change set again, after something that it depends on has changed."""
        for changes in self._timeline.coming():
            if changes.allocated:
                self.aim(changes)

    # Dropping what has not landed.

    def drop(self, changes: ChangeSet) -> None:
        """Forget a change set that has not landed."""
        self._timeline.pending.remove(changes)
        for voice in changes.voices:
            self._timeline.desk.end(voice)
        self.refresh()

    def without(self, changes: ChangeSet, names: Collection[str]) -> None:
        """Take the textures of some layers out of a change set."""
        for voice in [voice for voice in changes.voices if voice.layer in names]:
            changes.voices.remove(voice)
            self._timeline.desk.end(voice)
        changes.changes = [
            change
            for change in changes.changes
            if not (change.brings_texture and set(change.layers) & set(names))
        ]
        if not changes.changes:
            self.drop(changes)

    def replace_pending(self, newer: ChangeSet) -> None:
        """Drop what earlier change sets hold for a layer: the newer change replaces it.

        A plan stays: the performer asked for its moment.
        """
        if newer.planned:
            return
        replacing = [c for c in newer.changes if c.brings_texture or isinstance(c, Stop | Hush)]
        for changes in list(self._timeline.pending):
            if changes is newer or changes.planned:
                continue
            replaced = {
                name
                for change in changes.changes
                if change.brings_texture
                for name in change.layers
                if any(other.concerns(name) for other in replacing)
            }
            if replaced:
                self.without(changes, replaced)


def alike(
    before: Clip[Source], after: Clip[Source], space_of: Callable[[str | None], Space]
) -> bool:
    """Return whether two clips have one space and one join, so that latents can be mixed.

    Parameters
    ----------
    space_of : function of what ``.on`` names, None where nothing does
        A space has several names: that of its file, its own, and none where it is loaded.
    """
    one, other = (join_of(clip.source.expr) for clip in (before, after))
    if replace(one, latent=other.latent, norm=other.norm, mono=other.mono) == other:
        return True
    kinds = set()
    try:
        for join in (one, other):
            space = space_of(join.model)
            kinds.add((space.digest, join.exact, joined_by(join, space.facts)))
    except LatentliveError:
        return False  # the worker that renders it says why
    return len(kinds) == 1

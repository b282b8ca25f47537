"""How much of a texture passes in some beats, however the tempo changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from latentlive.latent.query import Query
from latentlive.units import Floats


def layer_beats(query: Query) -> float:
    """Return the beats of the layer in a beat of the node: ``slow(2)`` makes it two."""
    assert query.clock is not None
    tempo = query.clock.tempo
    beat = query.scope.beat_frames * float(query.scope.stretch)
    return beat / float(query.world.frames(1.0)) * tempo.sample_rate / tempo.beat_samples


def samples_in(query: Query, beats: Floats) -> Floats:
    """Return the samples of the layer's clock in some beats up to each position.

    Beats below 0 come after it. Of the tempo it knows what changed before the position.
    """
    assert query.clock is not None
    tempo, samples = query.clock.tempo, query.clock.samples
    back = beats * layer_beats(query)
    if not tempo.changes:
        return back * tempo.beat_samples
    known = np.searchsorted([change.at for change in tempo.changes], samples, "right")
    found = np.empty_like(samples)
    for count in np.unique(known):
        here, past = known == count, replace(tempo, changes=tempo.changes[:count])
        found[here] = samples[here] - past.samples(past.beats(samples[here]) - back[here])
    return found


def frames_in(query: Query, beats: Floats) -> Floats:
    """Return the frames of the node in some beats up to each position, as `samples_in`."""
    clock = query.clock
    if clock is None or not clock.tempo.changes:
        return beats * query.scope.beat_frames
    second = float(query.world.frames(1.0)) / float(query.scope.stretch)
    return samples_in(query, beats) / clock.tempo.sample_rate * second


def beats_in(query: Query, frames: float) -> float:
    """Return the most beats in some frames of the node before or after a position of a query."""
    clock = query.clock
    if clock is None or not clock.tempo.changes:
        return frames / query.scope.beat_frames
    second = float(query.world.frames(1.0)) / float(query.scope.stretch)
    span, beats = frames / second * clock.tempo.sample_rate, clock.tempo.beats
    around = [beats(clock.samples + way * span) - beats(clock.samples) for way in (-1, 1)]
    return float(np.abs(around).max()) / layer_beats(query)


def beats_after(query: Query, frames: float) -> Floats:
    """Return the beats in some frames of the node after each position, at the tempo known there."""
    clock = query.clock
    if clock is None or not clock.tempo.changes:
        return np.full(query.beats.shape, frames / query.scope.beat_frames)
    tempo, samples = clock.tempo, clock.samples
    second = float(query.world.frames(1.0)) / float(query.scope.stretch)
    span = frames / second * tempo.sample_rate
    known = np.searchsorted([change.at for change in tempo.changes], samples, "right")
    found = np.empty_like(samples)
    for count in np.unique(known):
        here, past = known == count, replace(tempo, changes=tempo.changes[:count])
        found[here] = past.beats(samples[here] + span) - past.beats(samples[here])
    return found / layer_beats(query)

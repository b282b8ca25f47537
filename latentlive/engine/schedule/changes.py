"""What a set of changes, and of plans, must obey as a whole before any of it is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from latentlive.engine.desk.decisions import rings_of
from latentlive.engine.schedule.timeline import MASTER_NAME, Timeline
from latentlive.engine.shared import RINGS, SENDS
from latentlive.errors import EngineError, did_you_mean
from latentlive.protocol.changes import (
    MOST_LAYERS,
    Change,
    Play,
    Rename,
    Restart,
    Restore,
    Set,
    SetEffect,
    SetSend,
    fold,
    named,
)
from latentlive.protocol.clip import Source
from latentlive.protocol.requests import MOST_PLANNED, Go, Plan, Planned
from latentlive.protocol.state import State
from latentlive.protocol.when import After, Cue


def check(changes: Sequence[Change], timeline: Timeline, free_rings: int) -> None:
    """Refuse changes that cannot be taken together.

    Parameters
    ----------
    changes : sequence of changes
    timeline : Timeline
    free_rings : int

    Raises
    ------
    EngineError
        With the first thing wrong.
    """
    layers, channels = timeline.layers, timeline.desk.shared.channels
    if len({*layers, *named(changes)}) > MOST_LAYERS:
        raise EngineError(
            f"engine: there can be at most {MOST_LAYERS} layers; use one of them again"
        )
    playing = [name for change in changes if change.brings_texture for name in change.layers]
    states = {name: fold(timeline.state(name), name, changes) for name in set(playing)}
    for change in changes:
        if isinstance(change, Restart) and states[change.layer].source is None:
            raise EngineError(f"restart: {change.layer} is silent")
        if isinstance(change, Play) and change.layer == MASTER_NAME:
            raise EngineError("play: master is the whole mix; a layer plays under another name")
        if isinstance(change, Rename) and MASTER_NAME in (change.layer, change.name):
            raise EngineError("rename: master is the whole mix")
        if isinstance(change, Rename) and change.layer not in layers:
            raise EngineError(f"rename: no layer {change.layer!r} has played yet")
        if isinstance(change, Rename) and change.name in layers:
            raise EngineError(f"rename: there is a layer {change.name!r} already")
        if isinstance(change, Set) and change.pair and 2 * change.pair + 2 > channels:
            first = 2 * change.pair + 1
            raise EngineError(
                f"out: channels {first} and {first + 1} need --channels {first + 1}, "
                f"the engine has {channels}"
            )
    _check_routes(changes, timeline)
    if sum(_rings(states[name]) for name in playing) > free_rings:
        raise EngineError("engine: all voices are busy; stop a layer first")


def _check_routes(changes: Sequence[Change], timeline: Timeline) -> None:
    """Refuse sends that lead back to where they came from, and too many of them."""
    touched = [change for change in changes if isinstance(change, SetSend | SetEffect | Restore)]
    if not touched:
        return
    names = {*timeline.layers, *named(changes)}
    states = {name: fold(timeline.state(name), name, changes) for name in names}
    leads: dict[str, set[str]] = {name: set(state.sends) for name, state in states.items()}
    for name, state in states.items():
        if state.by:
            leads.setdefault(state.by, set()).add(name)
    sent = sum(len(targets) for targets in leads.values())
    if sent > SENDS:
        raise EngineError(f"send: at most {SENDS} sends, of all layers, got {sent}")
    for name in dict.fromkeys([*named(touched), *sorted(leads)]):
        if circle := _circle(name, leads):
            raise EngineError(f"send: {' to '.join(circle)} leads round in a circle")


def _circle(name: str, leads: Mapping[str, set[str]]) -> list[str]:
    """Return the way from a layer back to itself, empty if there is none."""
    ways = [[name]]
    seen = {name}
    while ways:
        way = ways.pop()
        for one in sorted(leads.get(way[-1], ())):
            if one == name:
                return [*way, name]
            if one not in seen:
                seen.add(one)
                ways.append([*way, one])
    return []


def _rings(state: State[Source]) -> int:
    return rings_of(state.wide, state.source.channels if state.source else 1)


def check_plans(plans: Sequence[Plan], timeline: Timeline, cues: Iterable[str]) -> None:
    """Refuse plans that cannot be taken together.

    Parameters
    ----------
    plans : sequence of plans
    timeline : Timeline
    cues : iterable of str
        The names of the cues that wait.

    Raises
    ------
    EngineError
        With the first thing wrong.
    """
    if len(timeline.pending) + len(plans) > MOST_PLANNED:
        raise EngineError(f"engine: at most {MOST_PLANNED} changes and cues can be planned")
    known = set(cues)
    for plan in plans:
        if isinstance(plan, Planned):
            check(plan.changes, timeline, RINGS)
            if any(isinstance(change, Rename) for change in plan.changes):
                raise EngineError("rename: a layer is renamed at once, not in a plan")
            if isinstance(plan.when, Cue):
                known.add(plan.when.name)
            if isinstance(plan.when, After):
                _check_cue(plan.when.name, known, "after")
        elif isinstance(plan, Go):
            _check_cue(plan.name, known, "go")


def _check_cue(name: str, cues: set[str], word: str) -> None:
    if name not in cues:
        raise EngineError(f"{word}: no cue {name!r}{did_you_mean(name, cues)}")

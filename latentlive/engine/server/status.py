"""What a panel shows: the scheduler's state as plain data."""

from __future__ import annotations

from latentlive.curves import Curve, Num
from latentlive.engine.desk.model import ChangeSet, Layer, Voice
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.engine.schedule.timeline import MASTER_NAME, Timeline
from latentlive.engine.shared import MASTER
from latentlive.errors import printable
from latentlive.protocol.changes import effects_text, named
from latentlive.protocol.wire import Message


def report(scheduler: Scheduler) -> Message:
    """Return transport, layers in slot order, and what is planned."""
    timeline = scheduler.timeline
    position, coming = timeline.position, _coming(timeline)
    shown = [
        layer
        for layer in sorted(timeline.layers.values(), key=lambda layer: layer.slot)
        if layer.voice
        or layer.leaving
        or layer.error
        or layer.name in coming
        or (layer.slot != MASTER and timeline.desk.strips.of(layer.slot) is not None)
    ]
    sounding = [voice for voice in timeline.voices.values() if voice.sounding]
    return {
        "running": timeline.running,
        "position": position,
        "seconds": position / timeline.tempo.sample_rate,
        "beat": float(timeline.tempo.beats(position)),
        "bpm": timeline.tempo.bpm_at(position),
        "seed": timeline.desk.seed,
        "silent": timeline.silent,
        "master": _gain_text(timeline.desk.master.gain_db),
        "master_effects": effects_text(timeline.state(MASTER_NAME)),
        "load": sum(voice.stream.load for voice in sounding),
        "layers": [_layer(timeline, layer, coming.get(layer.name, [])) for layer in shown],
        "plan": [_planned(timeline, cell) for cell in scheduler.cues.planned()],
    }


def _coming(timeline: Timeline) -> dict[str, list[Voice]]:
    """Return the voices that are about to take a layer over: those at a quant, not in a cue."""
    coming: dict[str, list[Voice]] = {}
    for changes in timeline.pending:
        if not changes.name and not changes.planned:
            for voice in changes.voices:
                coming.setdefault(voice.layer, []).append(voice)
    return coming


def _ready(timeline: Timeline, voice: Voice) -> float:
    base = max(timeline.position, voice.start) if voice.sounding else voice.start
    return max(voice.rendered - base, 0) / timeline.tempo.sample_rate


def _layer(timeline: Timeline, layer: Layer, coming: list[Voice]) -> Message:
    voice = layer.voice or next(iter([*coming, *layer.leaving]), None)
    setting = timeline.desk.settings.get(layer.slot)
    muted = setting is not None and setting.audible == Num(0.0)
    if voice is not None and voice.late:
        state = "late"
    elif coming:
        state = "changing" if layer.voice else "coming"
    elif voice is None:
        state = "failed" if layer.error else "bus" if _is_bus(timeline, layer) else "ringing"
    elif muted:
        state = "muted"
    else:
        state = "playing" if layer.voice else "leaving"
    shown = coming[0] if coming else voice
    return {
        "name": layer.name,
        "state": state,
        "gain": _gain_text(layer.state.gain_db),
        "ready": _ready(timeline, voice) if voice else 0.0,
        "lead": _lead(timeline, layer, shown),
        "since": voice.start if voice else None,
        "origin": voice.clip.origin if voice else None,
        "code": printable(shown.clip.source.code) if shown else "",
        "effects": printable(effects_text(layer.state)),
        "error": printable(layer.error),
        "late": bool(voice and voice.late),
        "muted": muted,
        "load": voice.stream.load if voice else 0.0,
    }


def _is_bus(timeline: Timeline, layer: Layer) -> bool:
    """Return whether anything is sent to a layer."""
    return any(layer.name in other.state.sends for other in timeline.layers.values())


def _lead(timeline: Timeline, layer: Layer, voice: Voice | None) -> float:
    """Return the seconds after which what arrives is heard; what was set if nothing does."""
    lead = voice.clip.lead / timeline.tempo.sample_rate if voice else 0.0
    return lead or layer.state.lead or 0.0


def _gain_text(gain: Curve) -> str:
    return f"{gain.value:+g}" if isinstance(gain, Num) else repr(gain)


def _planned(timeline: Timeline, changes: ChangeSet) -> Message:
    """Return a line of the plan: a cue, or what is to land at a moment."""
    ready = [_ready(timeline, voice) for voice in changes.voices]
    beat = changes.beat
    if beat is None and changes.at is not None:
        beat = float(timeline.tempo.beats(changes.at))
    return {
        "name": changes.called,
        "when": str(changes.when) if beat is None else f"beat {beat:.2f}",
        "beat": beat,
        "sample": changes.at,
        "ready": min(ready, default=0.0),
        "layers": named(changes.changes),
    }

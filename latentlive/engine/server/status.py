"""What a panel shows: the scheduler's state as plain data."""

from __future__ import annotations

from latentlive.curves import Curve, Num
from latentlive.engine.desk.voices import Cell, Layer, Voice
from latentlive.engine.schedule.changes import named
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.errors import printable
from latentlive.protocol.wire import Message


def report(scheduler: Scheduler) -> Message:
    """Return transport, layers in slot order, and what is planned."""
    position, coming = scheduler.position, _coming(scheduler)
    shown = [
        layer
        for layer in sorted(scheduler.layers.values(), key=lambda layer: layer.slot)
        if layer.voice or layer.leaving or layer.error or layer.name in coming
    ]
    sounding = [voice for voice in scheduler.voices.values() if voice.sounding]
    return {
        "op": "status",
        "running": scheduler.running,
        "position": position,
        "seconds": position / scheduler.tempo.sample_rate,
        "beat": float(scheduler.tempo.beats(position)),
        "bpm": scheduler.tempo.bpm_at(position),
        "silent": scheduler.silent,
        "master": _gain_text(scheduler.stage.master.gain_db),
        "load": sum(voice.load for voice in sounding),
        "layers": [_layer(scheduler, layer, coming.get(layer.name, [])) for layer in shown],
        "plan": [_planned(scheduler, cell) for cell in scheduler.cues.planned()],
    }


def _coming(scheduler: Scheduler) -> dict[str, list[Voice]]:
    """Return the voices that are about to take a layer over: those at a quant, not in a cue."""
    coming: dict[str, list[Voice]] = {}
    for cell in scheduler.cells:
        if not cell.name and not cell.fixed:
            for voice in cell.voices:
                coming.setdefault(voice.layer, []).append(voice)
    return coming


def _ready(scheduler: Scheduler, voice: Voice) -> float:
    base = max(scheduler.position, voice.start) if voice.sounding else voice.start
    return max(voice.rendered - base, 0) / scheduler.tempo.sample_rate


def _layer(scheduler: Scheduler, layer: Layer, coming: list[Voice]) -> Message:
    voice = layer.voice or next(iter([*coming, *layer.leaving]), None)
    setting = scheduler.stage.settings.get(layer.slot)
    muted = setting is not None and setting.audible == Num(0.0)
    if voice is not None and voice.late:
        state = "late"
    elif coming:
        state = "changing" if layer.voice else "coming"
    elif voice is None:
        state = "failed"
    elif muted:
        state = "muted"
    else:
        state = "playing" if layer.voice else "leaving"
    shown = coming[0] if coming else voice
    return {
        "name": layer.name,
        "state": state,
        "gain": _gain_text(layer.state.gain_db),
        "ready": _ready(scheduler, voice) if voice else 0.0,
        "since": voice.start if voice else None,
        "origin": voice.part.origin if voice else None,
        "code": printable(shown.part.source["code"]) if shown else "",
        "error": printable(layer.error),
        "late": bool(voice and voice.late),
        "muted": muted,
        "load": voice.load if voice else 0.0,
    }


def _gain_text(gain: Curve) -> str:
    return f"{gain.value:+g}" if isinstance(gain, Num) else repr(gain)


def _planned(scheduler: Scheduler, cell: Cell) -> Message:
    """Return a line of the plan: a cue, or what is to land at a moment."""
    ready = [_ready(scheduler, voice) for voice in cell.voices]
    beat = cell.beat
    if beat is None and cell.at is not None:
        beat = float(scheduler.tempo.beats(cell.at))
    if beat is not None:
        when = f"beat {beat:.2f}"
    else:
        when = "{} + {:g}".format(*cell.follows) if cell.follows else "go"
    return {
        "name": cell.called,
        "when": when,
        "beat": beat,
        "sample": cell.at,
        "ready": min(ready, default=0.0),
        "layers": named(cell.changes),
    }

"""What a panel shows: the scheduler's state as plain data."""

from __future__ import annotations

from latentlive.curves import Num
from latentlive.engine.scheduler import Scheduler
from latentlive.engine.voices import Layer
from latentlive.engine.wire import Message


def report(scheduler: Scheduler) -> Message:
    """Return transport and layers, in slot order."""
    position = scheduler.position
    shown = [
        layer
        for layer in sorted(scheduler.layers.values(), key=lambda layer: layer.slot)
        if layer.voice or layer.leaving or layer.error or _coming(scheduler, layer)
    ]
    return {
        "op": "status",
        "running": scheduler.running,
        "position": position,
        "seconds": position / scheduler.tempo.sample_rate,
        "beat": float(scheduler.tempo.beats(position)),
        "bpm": scheduler.tempo.bpm,
        "silent": scheduler.silent,
        "layers": [_layer(scheduler, layer) for layer in shown],
    }


def _coming(scheduler: Scheduler, layer: Layer) -> list[str]:
    return [v.source["code"] for c in scheduler.cells for v in c.voices if v.layer == layer.name]


def _layer(scheduler: Scheduler, layer: Layer) -> Message:
    coming = [v for c in scheduler.cells for v in c.voices if v.layer == layer.name]
    voice = layer.voice or next(iter([*coming, *layer.leaving]), None)
    ready = 0.0
    if voice is not None:
        until = int(scheduler.block.ready[voice.index, 1])
        ahead = until - max(scheduler.position, voice.start)
        ready = max(ahead, 0) / scheduler.tempo.sample_rate
    if coming:
        state = "changing" if layer.voice else "coming"
    elif voice is None:
        state = "failed"
    elif layer.setting.audible == Num(0.0):
        state = "muted"
    else:
        state = "playing" if layer.voice else "leaving"
    gain = layer.setting.gain_db
    return {
        "name": layer.name,
        "state": state,
        "gain": f"{gain.value:+g}" if isinstance(gain, Num) else repr(gain),
        "ready": ready,
        "since": voice.start if voice else None,
        "origin": voice.origin if voice else None,
        "code": (coming[0] if coming else voice).source["code"] if voice else "",
        "error": layer.error,
    }

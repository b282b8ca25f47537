"""A run that crashed, found by its log and brought back: the layers, on their clocks."""

from __future__ import annotations

from pathlib import Path

from latentlive.corpus import cache_folder
from latentlive.curves import Curve, Num
from latentlive.engine.address import answers
from latentlive.engine.envelope import MASTER_DB
from latentlive.engine.journal import Performance, load_state
from latentlive.engine.levels import curve_of
from latentlive.engine.scheduler import Scheduler
from latentlive.engine.voices import Layer
from latentlive.engine.wire import Message
from latentlive.errors import EngineError
from latentlive.mixer import grid_floor
from latentlive.units import Tempo


def crashed() -> Path:
    """Return the newest log in the cache that was not closed.

    Raises
    ------
    EngineError
        If every run has ended well.
    """
    logs = sorted(cache_folder("log").glob("*.jsonl"), key=lambda path: path.stat().st_mtime)
    for path in reversed(logs):
        try:
            performance = Performance(path)
        except EngineError:
            continue  # not a log of ours, or of another version
        left = not performance.closed and performance.decisions
        if left and not answers(int(performance.header["pid"])):
            return path
    raise EngineError("resume: no run has crashed; `latentlive replay FILE` plays a log again")


def tempo_of(performance: Performance) -> Tempo:
    """Return the transport's tempo at the end of a performance."""
    changes = [d["tempo"] for d in performance.decisions if d["do"] == "tempo"]
    data = changes[-1] if changes else performance.header["tempo"]
    return Tempo.load(data, int(performance.header["rate"]))


def position_of(performance: Performance) -> int:
    """Return where a performance was when it ended."""
    marks = [int(d["at"]) for d in performance.decisions if d["do"] == "mark"]
    return grid_floor(max(marks, default=int(performance.header["begins"])))


def seed_of(performance: Performance) -> int:
    """Return the seed of a performance."""
    seeds = [int(d["seed"]) for d in performance.decisions if d["do"] == "seed"]
    return seeds[-1] if seeds else int(performance.header["seed"])


def restore(scheduler: Scheduler, performance: Performance) -> None:
    """Let the layers of a performance sound again, as it left them."""
    states: dict[str, Message] = {}
    master: Curve = Num(MASTER_DB)
    for decision in performance.decisions:
        if decision["do"] == "state":
            states[decision["layer"]] = decision
        elif decision["do"] == "master":
            master = curve_of(decision["gain_db"])
    scheduler.stage.set_master(scheduler.position, master)
    changes: list[Message] = []
    for name, decision in states.items():
        state = load_state(decision["state"], performance.source)
        scheduler.layers[name] = Layer(name, int(decision["slot"]))
        changes.append({"op": "restore", "layer": name, "state": state})
    if not any(change["state"].source for change in changes):
        raise EngineError("resume: nothing was sounding when it ended")
    scheduler.apply(changes, undoable=False)
    performance.settle()

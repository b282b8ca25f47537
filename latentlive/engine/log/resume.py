"""Resume: a crashed run, found by its log, with its layers brought back on their clocks."""

from __future__ import annotations

from pathlib import Path

from latentlive.engine.desk.model import Layer
from latentlive.engine.log.performance import Performance, was_closed
from latentlive.engine.schedule.scheduler import Scheduler
from latentlive.errors import EngineError
from latentlive.ground.files import working_folders
from latentlive.protocol.address import answers
from latentlive.protocol.changes import Restore


def crashed() -> Path:
    """Return the newest log in the cache that was not closed.

    Raises
    ------
    EngineError
        If every run has ended well.
    """
    found = [path for folder in working_folders("log") for path in folder.glob("*.jsonl")]
    logs = sorted(found, key=lambda path: path.stat().st_mtime)
    for path in reversed(logs):
        try:
            if was_closed(path):
                continue
            performance = Performance(path)
        except EngineError:
            continue  # not a log of ours, or of another version
        if performance.left.anything and not answers(performance.header.pid):
            return path
    raise EngineError("resume: no run has crashed; `latentlive replay FILE` plays a log again")


def check_left(performance: Performance) -> None:
    """Refuse a log whose engine still plays: its layers would sound twice.

    Raises
    ------
    EngineError
        ``resume: evening.py is still played, by process 4711; `latentlive attach` joins it``
    """
    pid = performance.header.pid
    if not performance.closed and answers(pid):
        path = performance.path.with_suffix(".py")
        raise EngineError(
            f"resume: {path} is still played, by process {pid}; `latentlive attach` joins it"
        )


def restore(scheduler: Scheduler, performance: Performance) -> None:
    """Bring back the layers of a performance as it left them."""
    left, timeline = performance.left, scheduler.timeline
    scheduler.desk.set_master(timeline.position, left.master)
    for taped in left.values.values():
        scheduler.desk.tape(timeline.position, taped.source, taped.value, taped.by)
    changes: list[Restore] = []
    for name, settled in left.states.items():
        timeline.layers[name] = Layer(name, settled.slot)
        changes.append(Restore(name, settled.state.mapped(performance.source)))
    if not any(change.state.source for change in changes):
        raise EngineError("resume: nothing was sounding when it ended")
    scheduler.apply(changes, undoable=False)
    performance.settle()

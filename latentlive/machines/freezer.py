"""The process that has one sound frozen on a cluster, or freezes it here where that cannot be.

Started as ``python -m latentlive.machines.freezer``; see `latentlive.renderer.aside`.
"""

from __future__ import annotations

from typing import Any

from latentlive.errors import EngineError
from latentlive.machines.hub import Hub
from latentlive.machines.working import Stretches
from latentlive.renderer.aside import Said, Tell, serve
from latentlive.renderer.freezing import freeze
from latentlive.renderer.frozen import Frozen


def freeze_there(data: dict[str, Any], said: Said, tell: Tell) -> None:
    """Freeze a sound, as `freeze` does; no fault of a cluster costs it."""
    sound = Frozen.load(data)
    assert sound.cluster is not None
    try:
        with Hub(*sound.cluster, tell) as hub:
            freeze(sound, said, Stretches(hub, sound.model).frozen)
    except EngineError as error:
        tell(f"{error}; {sound.name} is frozen on this machine")
        freeze(sound, said)


if __name__ == "__main__":
    serve(freeze_there)

"""What an engine starts with: its space, transport and place, from its options or from a log."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentlive.engine.log.formats import FORMAT, Header
from latentlive.engine.log.journal import Journal
from latentlive.engine.log.performance import Performance
from latentlive.engine.log.resume import check_left
from latentlive.engine.timing import level_lead
from latentlive.ground.files import working_folder
from latentlive.mixer import grid_floor
from latentlive.models import load_model
from latentlive.space import Space
from latentlive.units import Tempo


@dataclass(frozen=True)
class Startup:
    """What an engine starts with.

    Parameters
    ----------
    model : str
        The model file; empty for the starter model.
    space : Space
        Of that model.
    channels : int
    tempo : Tempo
    seed : int
    lead : int [samples]
        How long after they arrive live curves are heard in levels.
    position : int [samples]
        Where what is heard begins.
    start : int [samples]
        Where rendering begins: a replay from the middle comes up to its position unheard.
    replayed, resumed : Performance, optional
        The log that is played again, or whose layers play on.
    """

    model: str
    space: Space
    channels: int
    tempo: Tempo
    seed: int
    lead: int
    position: int = 0
    start: int = 0
    replayed: Performance | None = None
    resumed: Performance | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Startup:
        """Return what the engine's options ask for.

        Raises
        ------
        LatentliveError
            If there is no such model, or the log cannot be played with it.
        """
        path = options["replay"] or options["resume"]
        past = Performance(Path(path)) if path else None
        if past is not None and options["resume"]:
            check_left(past)
        model = options["model"] or (past.header.model_file if past else "")
        space = load_model(model or None)
        rate = space.sample_rate
        lead = level_lead(rate, options["latency"])
        if past is None:
            tempo = Tempo(options["bpm"], rate)
            return cls(model, space, options["channels"], tempo, options["seed"], lead)
        past.check_model(space)
        channels, header, left = past.header.channels, past.header, past.left
        if options["resume"]:
            at = grid_floor(left.position)
            return cls(model, space, channels, left.tempo, left.seed, lead, at, at, resumed=past)
        at = max(int(options["begin"]), header.begins)
        told = channels, header.tempo, header.seed, header.lead, at, past.pre_roll(at)
        return cls(model, space, *told, replayed=past)

    def journal(self, named: str, corpus: str, say: Callable[[str], object]) -> Journal:
        """Open the log of this run.

        Parameters
        ----------
        named : str
            Its ``.py`` file; empty for a new one in the cache.
        corpus : str
            As the engine was given it.
        say : function of a line
        """
        stamp = time.strftime("%Y-%m-%d-%H%M%S")
        path = Path(named) if named else working_folder("log") / f"{stamp}-{os.getpid()}.py"
        header = Header(
            FORMAT,
            self.space.digest,
            self.space.sample_rate,
            self.channels,
            self.seed,
            os.getpid(),
            self.tempo,
            self.position,
            self.space.name,
            self.model,
            corpus,
            self.lead,
            None if self.start == self.position else self.start,
        )
        return Journal(path, header, say)

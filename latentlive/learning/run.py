"""Training from a folder to a model file: measures, previews, keeps the best model, resumes."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import numpy as np

from latentlive.errors import ModelError
from latentlive.latent import Sound
from latentlive.learning.material import Material, read_material
from latentlive.learning.measures import cepstral_distance, si_sdr
from latentlive.learning.preview import write_preview
from latentlive.models import save_model
from latentlive.models.recipes import TrainingPlan
from latentlive.renderer import render
from latentlive.units import Samples

if TYPE_CHECKING:
    from latentlive.models.spectral_training import SpectralTraining
    from latentlive.models.training import Training

LOOK_SECONDS = 30.0
"""Interval of measuring, saving and previewing the model."""


@dataclass(frozen=True)
class Files:
    """The files of a training: the model, and its state and previews beside it.

    Parameters
    ----------
    model : Path
        Ends in ``.safetensors``.
    """

    model: Path

    @property
    def state(self) -> Path:
        """The state of the training, for ``--resume``."""
        return self.model.with_suffix(".training.safetensors")

    @property
    def sound(self) -> Path:
        """A recording, its reconstruction, and a morph to another recording."""
        return self.model.with_suffix(".preview.flac")

    @property
    def picture(self) -> Path:
        """The preview as spectrograms."""
        return self.model.with_suffix(".preview.png")

    def check(self, resume: bool) -> None:
        """Refuse an unwritable name, and refuse to overwrite a model."""
        if self.model.suffix != ".safetensors":
            raise ModelError(f"train: the model must end in .safetensors, got {self.model.name!r}")
        if not (os.path.isdir(self.model.parent) and os.access(self.model.parent, os.W_OK)):
            raise ModelError(f"train: cannot write to {str(self.model.parent)!r}")
        if os.path.exists(self.model) and not resume:
            raise ModelError(
                f"train: {str(self.model)!r} exists; --resume goes on with it, "
                "or choose another name"
            )


@dataclass(frozen=True)
class Look:
    """The state of a training at one moment.

    Parameters
    ----------
    part : float [0..1]
    loss : float
        A running mean.
    held_out : float [dB] or None
        Last measured quality of rebuilt held-out recordings; None before the first measurement.
    """

    part: float
    loss: float
    held_out: float | None


def figure_of(training: Training | SpectralTraining, held_out: list[Samples]) -> float:
    """Return how well a network rebuilds recordings, in dB; higher is better.

    SI-SDR of the samples judges a space of windows. A spectral space keeps timbres, not phases:
    the negative mel-cepstral distance judges it.
    """
    from latentlive.models.spectral_training import SpectralTraining

    if not isinstance(training, SpectralTraining):
        heard = np.concatenate([training.rebuilt(samples) for samples in held_out])
        return si_sdr(np.concatenate(held_out), heard)
    model = training.model()
    return -float(
        np.mean(
            [
                cepstral_distance(samples, render(Sound(samples).spread(0), model=model))
                for samples in held_out
            ]
        )
    )


def train_folder(
    folder: Path,
    output: Path,
    plan: TrainingPlan,
    *,
    resume: bool = False,
    show: Callable[[Look], object] = lambda _: None,
    say: Callable[[str], object] = lambda _: None,
    look_seconds: float = LOOK_SECONDS,
) -> float:
    """Train a model on a folder's recordings and return its held-out figure in dB.

    The model's file always holds the best model so far. An interrupt ends the training after the
    current step, and `resume` continues from there.

    Parameters
    ----------
    folder : Path
    output : Path
        The model's file.
    plan : TrainingPlan
        When resuming, only its minutes and epochs count.
    resume : bool
    show : function of Look
        Called after each step.
    say : function of a line
    look_seconds : float [seconds]
        Interval of measurements and previews.

    Raises
    ------
    SoundError, ModelError
        With one line: no sounds, only silence, an unusable name, no memory.
    """
    from latentlive.models.resuming import TRAININGS, load_state
    from latentlive.models.team import Team

    files = Files(output)
    files.check(resume)
    team = Team.here()
    try:
        quiet = say if team.leads else lambda _: None
        material = read_material(folder, plan.sample_rate, quiet)
        if resume:
            again = (plan.minutes, plan.epochs)
            training, best = load_state(
                files.state, material.sounds, minutes=again[0], epochs=again[1], team=team
            )
        else:
            begin = TRAININGS[plan.architecture]
            training, best = begin(material.sounds, plan, team), -np.inf
        run = _Run(training, material, files, best, show if team.leads else lambda _: None)
        run.go(look_seconds)
        if team.leads:
            quiet(f"held out: {run.best:.1f} dB at best; hear {files.sound}, see {files.picture}")
        return run.best
    finally:
        team.leave()


class _Run:
    def __init__(
        self,
        training: Training | SpectralTraining,
        material: Material,
        files: Files,
        best: float,
        show: Callable[[Look], object],
    ) -> None:
        self.training, self.material, self.files = training, material, files
        self.best = best
        self.held_out: float | None = None
        self.show = show

    def go(self, look_seconds: float) -> None:
        """Train until the end or an interrupt."""
        training, team = self.training, self.training.team
        mean_loss, looked, seen = np.nan, time.monotonic(), -1
        with interrupts() as interrupted:
            while not team.agreed(float(interrupted.is_set())) and training.step():
                last = training.loss
                mean_loss = last if np.isnan(mean_loss) else 0.98 * mean_loss + 0.02 * last
                self.show(Look(training.part, mean_loss, self.held_out))
                if team.leads and time.monotonic() - looked > look_seconds:
                    self.look()
                    looked, seen = time.monotonic(), training.steps
            if team.leads and seen != training.steps:
                self.look()
        self.show(Look(training.part, mean_loss, self.held_out))

    def look(self) -> None:
        """Measure; if the model is the best so far, save it with previews; save the state."""
        from safetensors import SafetensorError

        try:
            self._look()
        except (OSError, SafetensorError) as error:
            raise ModelError(f"train: cannot write beside {self.files.model}: {error}") from None

    def _look(self) -> None:
        from latentlive.models.resuming import save_state

        training, held_out = self.training, self.material.held_out
        figure = self.held_out = figure_of(training, held_out)
        if figure > self.best or not self.files.model.exists():
            self.best = figure
            model = training.model()
            save_model(self.files.model, model, {**self._said(), "held_out_db": round(figure, 2)})
            write_preview(model, held_out, self.files.sound, self.files.picture)
        save_state(self.files.state, training, self.best)

    def _said(self) -> dict[str, Any]:
        training, sounds = self.training, self.material.sounds
        return {
            "recipe": training.recipe.name,
            "steps": training.steps,
            "minutes": round(training.spent / 60.0, 2),
            "batch": training.recipe.batch,
            "seed": training.plan.seed,
            "sounds": len(sounds),
            "seconds": round(sum(map(len, sounds)) / self.material.sample_rate, 1),
        }


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """Catch the first SIGINT or SIGTERM so that the step finishes; the next acts as usual."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    try:
        for each in before:
            signal.signal(each, ask)
        yield asked
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)

"""The state of a training on disk: read back, it goes on as if it had never stopped.

A safetensors file: the network, Adam's moments, and as JSON what was asked for and how far it
came. Nothing in it is ever executed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from latentlive.errors import ModelError
from latentlive.ground.files import write_whole
from latentlive.models import spectralvae, tensors
from latentlive.models.files import read_tensors
from latentlive.models.networks import NETS, LinearCode
from latentlive.models.recipes import Recipe, TrainingPlan
from latentlive.models.spectral_training import SpectralTraining, SpectralVAENet
from latentlive.models.team import Team
from latentlive.models.training import DIMS, WINDOW, Training
from latentlive.units import Samples

MOMENTS = ("exp_avg", "exp_avg_sq")


TRAININGS: dict[str, type[Training | SpectralTraining]] = {
    **dict.fromkeys(NETS, Training),
    spectralvae.ARCHITECTURE: SpectralTraining,
}


def save_state(path: Path, training: Training | SpectralTraining, best: float) -> None:
    """Write where a training stands, whole or not at all.

    Parameters
    ----------
    path : Path
    training : Training
    best : float [dB]
        The best held-out figure so far.
    """
    from safetensors.numpy import save_file

    net, adam = training.net, training.adam
    stored = {f"net.{name}": t.detach().cpu().numpy() for name, t in net.state_dict().items()}
    for name, parameter in net.named_parameters():
        for moment in MOMENTS:
            if parameter in adam.state:
                stored[f"{moment}.{name}"] = adam.state[parameter][moment].cpu().numpy()
    said = {
        "plan": asdict(training.plan),
        "linear": isinstance(training.net, LinearCode),
        "steps": training.steps,
        "stage_steps": training.stage_steps,
        "spent": training.spent,
        "best": best,
    }
    metadata = {"latentlive": json.dumps(said)}
    write_whole(path, lambda beside: save_file(stored, beside, metadata=metadata))


def load_state(
    path: Path,
    sounds: Sequence[Samples],
    *,
    minutes: float | None = None,
    epochs: int | None = None,
    team: Team | None = None,
    clock: Callable[[], float] | None = None,
) -> tuple[Training | SpectralTraining, float]:
    """Return a training as it was saved, and its best figure.

    Parameters
    ----------
    path : Path
    sounds : sequence of arrays [shape=(n,), float32, mono]
    minutes, epochs : optional
        Another length than was planned.
    team, clock : optional
        As for `Training`; the number of processes may be another.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or no state of a training.
    """
    if not path.is_file():
        raise ModelError(f"train: nothing to resume, no file {str(path)!r}; leave out --resume")
    stored, said = read_tensors(path)
    plan, told = _told(path, said)
    if minutes is not None or epochs is not None:
        plan = replace(plan, minutes=minutes, epochs=epochs)
    begin = TRAININGS[plan.architecture]
    training = begin(sounds, plan, team, **({} if clock is None else {"clock": clock}))
    net = _net(training, told["linear"])
    shapes = {f"net.{name}": tuple(t.shape) for name, t in net.state_dict().items()}
    weights = tensors.checked("state of a training", stored, shapes)
    net.load_state_dict({n.removeprefix("net."): torch.from_numpy(w) for n, w in weights.items()})
    training.train(net)
    if told["stage_steps"]:
        named = dict(training.net.named_parameters())
        wanted = {f"{m}.{name}": tuple(p.shape) for m in MOMENTS for name, p in named.items()}
        moments = tensors.checked("state of a training", stored, wanted)
        adam = training.adam.state_dict()
        adam["state"] = {
            i: {
                "step": torch.tensor(float(told["stage_steps"])),
                **{m: torch.from_numpy(moments[f"{m}.{name}"]) for m in MOMENTS},
            }
            for i, name in enumerate(named)
        }
        training.adam.load_state_dict(adam)
    training.steps, training.stage_steps = told["steps"], told["stage_steps"]
    training.spent = told["spent"]
    return training, told["best"]


def _net(training: Training | SpectralTraining, linear: bool) -> nn.Module:
    """Return a network of the kind that was in training, as it begins."""
    if isinstance(training, SpectralTraining):
        return SpectralVAENet(training.recipe.code, training.recipe.units)
    return LinearCode(torch.zeros(WINDOW, DIMS)) if linear else NETS[training.plan.architecture]()


def _told(path: Path, said: str) -> tuple[TrainingPlan, dict[str, Any]]:
    """Return a state's description, or refuse it."""
    try:
        told = json.loads(said)
        plan = TrainingPlan(**{**told["plan"], "recipe": Recipe(**told["plan"]["recipe"])})
        _plain(plan)
        _plain(plan.recipe)
        lengths = (plan.minutes, plan.epochs, plan.recipe.minutes, plan.recipe.epochs)
        if plan.architecture not in TRAININGS or plan.recipe.batch < 1 or 0 in lengths:
            raise ValueError(plan)
        checked = {
            "linear": bool(told["linear"]),
            "steps": _count(told["steps"]),
            "stage_steps": _count(told["stage_steps"]),
            "spent": float(told["spent"]),
            "best": float(told["best"]),
        }
        if not (math.isfinite(checked["spent"]) and checked["spent"] >= 0.0):
            raise ValueError(checked["spent"])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ModelError(f"train: {path} is no state of a training") from None
    return plan, checked


def _plain(settings: TrainingPlan | Recipe) -> None:
    """Refuse settings that are not of their kind: a file may say anything."""
    for field in fields(settings):
        value = getattr(settings, field.name)
        number = isinstance(value, int | float) and 0 <= value < 2**62
        if not number and not (isinstance(value, str | Recipe) or value is None):
            raise ValueError(field.name)
        if value is None and "None" not in str(field.type):
            raise ValueError(field.name)
        if isinstance(value, str) and field.type != "str":
            raise ValueError(field.name)


def _count(value: Any) -> int:
    if not isinstance(value, int) or not 0 <= value < 2**62:
        raise ValueError(value)
    return value

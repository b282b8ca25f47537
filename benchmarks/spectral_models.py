"""Train SpectralVAEs on the starter sounds, and print how well each rebuilds a sound.

    python -m benchmarks.spectral_models                       # a row for each of `TRIED`
    python -m benchmarks.spectral_models shipped -o latentlive/models/spectralvae.safetensors

*seen*: every tenth starter sound, which they have learnt from. *held out*: twelve recordings of
Debian's ``sonic-pi-samples``, which they have not. Mel-cepstral distance in dB: `mcd` of
`morph_measures.py`. One thread; minutes are those of a core.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
import soundfile

from benchmarks.morph import SAMPLES, resampled
from benchmarks.morph_measures import Floats, rebuilt
from latentlive.corpus import Corpus
from latentlive.latent import Sound
from latentlive.models import save_model
from latentlive.models.recipes import SPECTRAL, Recipe, TrainingPlan
from latentlive.renderer import render
from latentlive.space import Space
from latentlive.spectral import Spectral

RATE, SECONDS, HELD_OUT = 44100, 6.0, 12

TRIED: dict[str, Recipe] = {
    "shipped": SPECTRAL,
    "half the time": replace(SPECTRAL, minutes=2.5),
    "three times the divergence": replace(SPECTRAL, minutes=2.5, divergence=3e-3),
    "code of 32": replace(SPECTRAL, minutes=2.5, divergence=3e-3, code=32),
    "layers of 1024": replace(SPECTRAL, minutes=2.5, divergence=3e-3, units=1024),
}


def held_out() -> list[Floats]:
    """Return recordings that no model has learnt from, evenly over all that last 0.7 s."""
    files = [f for f in sorted(SAMPLES.glob("*.flac")) if soundfile.info(f).duration > 0.7]
    chosen = files[:: len(files) // HELD_OUT][:HELD_OUT]
    return [resampled(*soundfile.read(file)) for file in chosen]


def distance(space: Space, sounds: Sequence[Floats]) -> float:
    """Return the mean mel-cepstral distance of sounds from what a space makes of them [dB]."""
    found = []
    for samples in sounds:
        heard = samples[: int(SECONDS * RATE)]
        again = render(Sound(heard.astype(np.float32)).spread(0), model=space)
        found.append(rebuilt(heard, np.asarray(again, np.float64), 512)["mcd"])
    return float(np.mean(found))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Where the last one is kept.")
def main(names: Sequence[str], output: Path | None) -> None:
    """Print a row for each model."""
    import torch

    from latentlive.models.spectral_training import SpectralTraining

    torch.set_num_threads(1)
    corpus = Corpus(None)
    sounds = [np.array(corpus.audio(name, RATE).samples) for name in corpus.names]
    seen, unseen = [samples.astype(np.float64) for samples in sounds[::10]], held_out()
    plain = Spectral()
    print("| | code | layers | steps | seen | held out |\n|---|--:|--:|--:|--:|--:|")
    print(f"| `spectral` | | | | {distance(plain, seen):.2f} | {distance(plain, unseen):.2f} |")
    for name in names or TRIED:
        recipe = TRIED[name]
        plan = TrainingPlan(recipe, "spectralvae")
        training = SpectralTraining(sounds, plan, clock=time.thread_time)
        while training.step():
            pass
        model = training.model()
        row = (name, recipe.code, recipe.units, training.steps)
        figures = distance(model, seen), distance(model, unseen)
        print("| " + " | ".join([*map(str, row), *(f"{one:.2f}" for one in figures)]) + " |")
        if output is not None:
            said = {"recipe": recipe.name, "steps": training.steps, "seed": plan.seed}
            save_model(output, model, {**said, "sounds": len(sounds), "code": recipe.code})


if __name__ == "__main__":
    main()

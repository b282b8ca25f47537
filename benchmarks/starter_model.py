"""Train the starter model on the starter sounds, and print how good a model is.

    python benchmarks/starter_model.py -o latentlive/models/rawaudiovae.safetensors
    python benchmarks/starter_model.py --measure latentlive/models/rawaudiovae.safetensors

The same command gives the same model on the same machine: its length is counted in epochs, on one
thread. Real recordings (``--real DIR``) are never trained on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import bands
import click
import numpy as np
from judging import HEADINGS, judge
from tqdm import tqdm

from latentlive.corpus import Corpus
from latentlive.models import Model, load_model, save_model
from latentlive.models.recipes import BRIGHT, CLEAN, Recipe, TrainingPlan
from latentlive.units import Samples

EPOCHS = 16
KINDS = {
    "rain": ("rain", "rain-roof", "drizzle", "downpour"),
    "surf": ("surf", "sea", "stream"),
    "strings": ("cello-g2", "cello-d4", "viola-d4", "strings"),
    "gongs": ("gong", "gong-low", "tam-tam", "bowed-gong"),
    "dark": ("basso", "tuba", "thunder-far", "rumble", "hum"),
}
"""Starter sounds whose bands are measured; the last kind has next to no treble."""


def trained(sounds: list[Samples], recipe: Recipe, epochs: int, seed: int, output: Path) -> None:
    """Train on all of the sounds and write the model."""
    import torch

    from latentlive.models.training import Training

    torch.set_num_threads(1)
    training = Training(sounds, TrainingPlan(recipe, epochs=epochs, seed=seed))
    with tqdm(total=training.total_steps, file=sys.stderr) as bar:
        while training.step():
            bar.update()
            bar.set_postfix_str(f"loss {training.loss:.6f}", refresh=False)
    said = {"recipe": recipe.name, "epochs": epochs, "steps": training.steps, "seed": seed}
    save_model(output, training.model(), said)


def sounds_of(folder: Path | None) -> dict[str, Samples]:
    """Return all sounds of a folder, or the starter sounds, by name."""
    corpus = Corpus(folder)
    return {name: np.array(corpus.audio(name, 44100).samples) for name in corpus.names}


@click.command()
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Train; the model's file.")
@click.option("--epochs", default=EPOCHS, show_default=True)
@click.option("--bright", is_flag=True, help="Train by the recipe that keeps the treble.")
@click.option("--seed", default=0, show_default=True)
@click.option("--measure", "measured", type=click.Path(path_type=Path), help="Measure a model.")
@click.option("--real", type=click.Path(path_type=Path), help="A folder of real recordings.")
def main(
    output: Path | None,
    epochs: int,
    bright: bool,
    seed: int,
    measured: Path | None,
    real: Path | None,
) -> None:
    """Train, or measure, or both."""
    starter = sounds_of(None)
    if output is not None:
        trained(list(starter.values()), BRIGHT if bright else CLEAN, epochs, seed, output)
    file = output or measured
    if file is None:
        raise click.UsageError("give -o to train or --measure to measure")
    model: Model = load_model(file)  # type: ignore[assignment]
    rows = {"starter sounds": starter}
    if real is not None:
        rows["real, never seen"] = sounds_of(real)
    print("| sounds | seconds | " + " | ".join(HEADINGS) + " |")
    print("|---|" + "---:|" * (len(HEADINGS) + 1))
    for label, named in rows.items():
        sounds = list(named.values())
        seconds = sum(map(len, sounds)) / model.sample_rate
        print("| " + " | ".join([label, f"{seconds:.0f}", *judge(model, sounds).cells()]) + " |")
    print("\n| sounds | " + " | ".join(bands.HEADINGS) + " |")
    print("|---|" + "---:|" * len(bands.HEADINGS))
    for kind, names in KINDS.items():
        row = bands.cells(model, [starter[name] for name in names])
        print("| " + " | ".join([kind, *row]) + " |")


if __name__ == "__main__":
    main()

"""Recipes and architectures at the same cost: 300 CPU-seconds of one core each.

    python benchmarks/training.py /usr/share/sonic-pi/samples --results runs.jsonl
    python benchmarks/training.py FOLDER --results runs.jsonl --only clean --seed 1
    python benchmarks/training.py --table --results runs.jsonl
    python benchmarks/training.py --decode

Sounds sorted by name, every fifth held out. Seconds are those of the training thread; measuring
is not counted. Each run adds a line to the results, so that a table can grow over days; a run
that is there already is not repeated.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np
import torch
from judging import HEADINGS, Figures, judge
from tqdm import tqdm

from latentlive.corpus import Corpus
from latentlive.models import save_model
from latentlive.models.files import ARCHITECTURES
from latentlive.models.recipes import CLEAN, PAPER, Recipe, TrainingPlan
from latentlive.models.training import Training

BEFORE = Recipe(
    "before", batch=256, rate=1e-3, divergence=1e-4, minutes=5.0, cosine=True, half=True
)
"""The paper's loss with small batches and a cosine: what shipped before."""

RUNS: dict[str, tuple[Recipe, str]] = {
    "paper": (PAPER, "rawaudiovae"),
    "before": (BEFORE, "rawaudiovae"),
    "clean": (CLEAN, "rawaudiovae"),
    "clean, levelvae": (CLEAN, "levelvae"),
    "clean, single windows": (replace(CLEAN, joined=0.0), "rawaudiovae"),
    "clean, no fairness": (replace(CLEAN, fairness=0.0), "rawaudiovae"),
    "clean, no linear start": (replace(CLEAN, linear=0.0, rate=1e-3), "rawaudiovae"),
    "clean, levelvae, single windows": (replace(CLEAN, joined=0.0), "levelvae"),
    "clean, levelvae, no fairness": (replace(CLEAN, fairness=0.0), "levelvae"),
    "clean, levelvae, no linear start": (replace(CLEAN, linear=0.0, rate=1e-3), "levelvae"),
    "clean, levelvae, KL 1e-4": (replace(CLEAN, divergence=1e-4), "levelvae"),
    "clean, levelvae, linear only": (replace(CLEAN, linear=1.0), "levelvae"),
}


def run(folder: Path, name: str, seed: int, seconds: float, keep: Path | None) -> dict[str, object]:
    """Train once and measure on the held-out sounds."""
    torch.set_num_threads(1)
    corpus = Corpus(folder)
    sounds = [np.array(corpus.audio(n, 44100).samples) for n in corpus.names]
    kept = [s for i, s in enumerate(sounds) if i % 5 != 4]
    left = [s for i, s in enumerate(sounds) if i % 5 == 4]
    recipe, architecture = RUNS[name]
    plan = TrainingPlan(recipe, architecture, minutes=seconds / 60.0, seed=seed)
    training = Training(kept, plan, clock=time.thread_time)
    with tqdm(total=1.0, desc=f"{name}, seed {seed}", file=sys.stderr) as bar:
        while training.step():
            bar.n = training.part
            bar.set_postfix_str(f"loss {training.loss:.6f}")
    model = training.model()
    if keep is not None:
        save_model(
            keep / f"{name.replace(', ', '-').replace(' ', '-')}-{seed}.safetensors", model, {}
        )
    figures = judge(model, left)
    return {"run": name, "seed": seed, "steps": training.steps, "figures": asdict(figures)}


def decoding(rounds: int = 300) -> None:
    """Print what decoding costs in both architectures, measured in turns."""
    models = [
        Training([np.ones(4096, "f4")], TrainingPlan(PAPER, name)).model() for name in ARCHITECTURES
    ]
    print("| windows | " + " | ".join(f"{m.architecture} us a window" for m in models) + " |")
    print("|---:|" + "---:|" * len(models))
    for windows in (1, 16, 172):
        z = np.random.default_rng(0).standard_normal((windows, models[0].dims)).astype("f4")
        times: list[list[float]] = [[] for _ in models]
        for _ in range(rounds):
            for model, taken in zip(models, times, strict=True):
                begun = time.thread_time()
                model.decode(z)
                taken.append((time.thread_time() - begun) / windows * 1e6)
        print(f"| {windows} | " + " | ".join(f"{np.median(t):.1f}" for t in times) + " |")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True), required=False)
@click.option("--results", type=click.Path(path_type=Path), default="runs.jsonl")
@click.option("--only", multiple=True, type=click.Choice(list(RUNS)), help="These runs [all].")
@click.option("--seed", "seeds", multiple=True, type=int, default=[0], show_default=True)
@click.option("--seconds", default=300.0, show_default=True, help="CPU-seconds of each.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for the models.")
@click.option("--table", is_flag=True, help="Print what is there; run nothing.")
@click.option("--decode", is_flag=True, help="Print what decoding costs; run nothing.")
def main(
    folder: Path | None,
    results: Path,
    only: tuple[str, ...],
    seeds: tuple[int, ...],
    seconds: float,
    keep: Path | None,
    table: bool,
    decode: bool,
) -> None:
    """Run what is asked for and print the table."""
    if decode:
        decoding()
        return
    done = (
        [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    )
    for name in () if table or folder is None else only or RUNS:
        for seed in seeds:
            if any((d["run"], d["seed"]) == (name, seed) for d in done):
                continue
            assert folder is not None
            done.append(run(folder, name, seed, seconds, keep))
            with results.open("a") as file:
                file.write(json.dumps(done[-1]) + "\n")
    print("| run | seed | steps | " + " | ".join(HEADINGS) + " |")
    print("|---|" + "---:|" * (len(HEADINGS) + 2))
    for d in done:
        cells = [d["run"], str(d["seed"]), str(d["steps"]), *Figures(**d["figures"]).cells()]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()

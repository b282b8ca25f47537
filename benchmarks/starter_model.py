"""Train the starter model on the starter sounds and print how well it rebuilds sounds.

    python benchmarks/starter_model.py --minutes 15 -o latentlive/models/starter.safetensors
    python benchmarks/starter_model.py --measure latentlive/models/starter.safetensors

Held-out figures come from every fifth starter sound with ``--held-out``; real recordings
(``--real DIR``) are never trained on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
import numpy as np
from tqdm import tqdm

from latentlive.corpus import Corpus
from latentlive.latent import Sound
from latentlive.models import load_model, save_model
from latentlive.renderer import render
from latentlive.units import Samples


def si_sdr(reference: Samples, estimate: Samples) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019)."""
    target = reference * (estimate @ reference) / max(float(reference @ reference), 1e-12)
    noise = estimate - target
    return 10.0 * float(np.log10(max(target @ target, 1e-12) / max(float(noise @ noise), 1e-12)))


def measure(label: str, model: object, sounds: list[Samples]) -> None:
    """Print SI-SDR over all sounds joined, windows end to end and overlapped."""
    exact, default = [], []
    for samples in sounds:
        sound = Sound(samples).spread(0)
        exact.append(render(sound.exact(), model=model)[: len(samples)])
        default.append(render(sound, model=model))
    joined = np.concatenate(sounds)
    print(
        f"{label:24s} {len(joined) / 44100:7.1f} s   SI-SDR "
        f"end to end {si_sdr(joined, np.concatenate(exact)):6.2f} dB   "
        f"overlap 4 {si_sdr(joined, np.concatenate(default)):6.2f} dB"
    )


@click.command()
@click.option("--minutes", default=15.0, show_default=True, help="How long to train.")
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Where the model goes.")
@click.option("--measure", "measured", type=click.Path(path_type=Path), help="Measure a model.")
@click.option("--held-out", is_flag=True, help="Leave every fifth sound out of the training.")
@click.option("--real", type=click.Path(path_type=Path), help="A folder of real recordings.")
@click.option("--seed", default=0, show_default=True)
def main(
    minutes: float,
    output: Path | None,
    measured: Path | None,
    held_out: bool,
    real: Path | None,
    seed: int,
) -> None:
    """Train, save and measure."""
    corpus = Corpus()
    sounds = [np.array(corpus.audio(name, 44100).samples) for name in corpus.names]
    kept = [s for i, s in enumerate(sounds) if not held_out or i % 5 != 4]
    left = [s for i, s in enumerate(sounds) if held_out and i % 5 == 4]
    if measured is None:
        import torch

        from latentlive.models.training import Progress, train

        torch.set_num_threads(1)
        bar = tqdm(total=100, unit="%", file=sys.stderr)

        def show(p: Progress) -> None:
            bar.n = round(100 * p.part, 1)
            bar.set_postfix(steps=p.steps, loss=f"{p.loss:.6f}")

        model = train(kept, minutes * 60, seed=seed, progress=show)
        bar.close()
        if output:
            training = {"recipe": "clean", "minutes": minutes, "seed": seed, "held_out": held_out}
            save_model(output, model, training)
            model = load_model(output)
    else:
        model = load_model(measured)
    measure("starter sounds" if measured else "trained on", model, kept)
    if left:
        measure("held out", model, left)
    if real:
        folder = Corpus(real)
        measure("real, never seen", model, [folder.audio(n, 44100).samples for n in folder.names])


if __name__ == "__main__":
    main()

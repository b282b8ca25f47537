"""Draw a held-out recording as it is, as the paper's recipe rebuilds it, and as ours do.

python benchmarks/training.py FOLDER --results runs.jsonl --keep models
python benchmarks/training_picture.py FOLDER/loop_garzul.flac models -o docs/training.png
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from latentlive.corpus.reading import read_audio
from latentlive.latent import Sound
from latentlive.learning.preview import draw
from latentlive.models import load_model
from latentlive.renderer import render

SHOWN = {
    "the paper's recipe": "paper-0",
    "the clean recipe, RawAudioVAE": "clean-0",
    "the clean recipe, LevelVAE": "clean-levelvae-0",
}
SECONDS = 3


@click.command()
@click.argument("recording", type=click.Path(path_type=Path, exists=True))
@click.argument("models", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--output", "-o", type=click.Path(path_type=Path), required=True)
def main(recording: Path, models: Path, output: Path) -> None:
    """Draw the picture."""
    samples = np.array(read_audio(recording, 44100).samples[: SECONDS * 44100])
    shown = {f"{recording.stem}, held out": samples}
    for title, stem in SHOWN.items():
        model = load_model(models / f"{stem}.safetensors")
        shown[title] = render(Sound(samples).spread(0), model=model)
    draw(output, shown, 44100)


if __name__ == "__main__":
    main()

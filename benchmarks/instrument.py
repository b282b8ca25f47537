"""Keep the melody, change the instrument: sounds in a space that learnt other instruments.

    latentlive train reeds/ -o reeds.safetensors --architecture spectralvae --minutes 2.5
    python -m benchmarks.instrument reeds/ reeds.safetensors yodel tenor erhu

Of each sound, in `spectral` and in the model: how far its pitch moved, and how far its timbre lies
from where it came and from the nearest sound that the model learnt. Timbre is the mean of twelve
mel cepstral coefficients over what is loud (librosa's, without the first, which is level).
"""

from __future__ import annotations

from pathlib import Path

import click
import librosa
import numpy as np

import latentlive as ll
from latentlive.corpus import Corpus, read_audio
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces
from latentlive.renderer.sounds import corpus_sounds
from latentlive.units import Samples

RATE = 44100


def timbre(samples: Samples) -> Samples:
    """Return the mean mel cepstrum of what is loud [shape=(12,)]."""
    cepstrum = librosa.feature.mfcc(y=samples, sr=RATE, n_mfcc=13, n_mels=60)[1:]
    level = librosa.feature.rms(y=samples)[0][: cepstrum.shape[1]]
    mean: Samples = cepstrum[:, level > 0.1 * level.max()].mean(axis=1)
    return mean


def pitch(samples: Samples) -> Samples:
    """Return the pitch of each moment [Hz], NaN where there is none (pYIN)."""
    found: Samples = librosa.pyin(samples, fmin=60, fmax=1500, sr=RATE, frame_length=4096)[0]
    return found


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
@click.argument("model")
@click.argument("names", nargs=-1, required=True)
def main(folder: Path, model: str, names: tuple[str, ...]) -> None:
    """Measure starter sounds NAMES in MODEL, which learnt FOLDER, and in spectral."""
    sounds = corpus_sounds(Corpus(), RATE)
    learnt = [timbre(np.array(read_audio(file, RATE).samples)) for file in sorted(folder.iterdir())]
    print("| sound | space | pitch within 50 cents | timbre: to itself | to the nearest learnt |")
    print("|---|---|--:|--:|--:|")
    for name in names:
        source = np.array(sounds(ll.sound(name)).samples)
        before, own = pitch(source), timbre(source)
        for space in ("spectral", model):
            spaces = Spaces(load_model(space))
            heard = Rendering(ll.sound(name), spaces, sounds).samples(0, len(source))
            after, there = pitch(heard), timbre(heard)
            both = ~np.isnan(before) & ~np.isnan(after)
            cents = np.abs(1200 * np.log2(after[both] / before[both]))
            near = min(np.linalg.norm(there - other) for other in learnt)
            moved = np.linalg.norm(there - own)
            print(
                f"| {name} | {Path(space).stem} | {(cents < 50).mean():.0%} of {both.sum()} "
                f"| {moved:.0f} | {near:.0f} |"
            )
        near = min(np.linalg.norm(own - other) for other in learnt)
        print(f"| {name} | as recorded | | 0 | {near:.0f} |")


if __name__ == "__main__":
    main()

"""What a stereo layer costs against a mono one, in the built-in spaces: a table for the README.

    python -m benchmarks.stereo                     # spectral, spectralvae, rawaudiovae: a minute
    python -m benchmarks.stereo mine.safetensors    # another space
    python -m benchmarks.stereo --image FOLDER      # how recordings of a folder are spread

Two starter sounds interpolated and stretched, as they are and with a right channel of their own,
rendered in the stretches that workers render. Rounds take turns in one process on one core; "new"
renders recordings that nobody has encoded before. "Image" renders stereo recordings as they are:
the correlation of left and right, and by how much the left is louder, as recorded and decoded.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from statistics import median

if __name__ == "__main__":  # before numpy is imported: a core is a core
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

import numpy as np

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.engine.render.priority import CHUNK
from latentlive.latent import Texture
from latentlive.models import load_model
from latentlive.models.files import NAMES
from latentlive.renderer import Channels, Spaces, corpus_sounds
from latentlive.space import Space
from latentlive.units import Samples

ROUNDS, SECONDS = 5, 6.0


def texture(a: Samples, b: Samples, channels: int, mark: float) -> Texture:
    """Return what is played; a mark makes recordings of samples that nobody knows."""

    def sound(samples: Samples) -> ll.Latent:
        marked = samples * np.float32(1.0 + mark)
        # Another moment of the same sound is to its right.
        both = np.stack([marked, np.roll(marked, len(marked) // 3)], axis=1)
        return ll.sound(both if channels == 2 else marked)

    return ll.interp(sound(a), sound(b), ll.sine(8)).extend(2)


def took(played: Texture, spaces: Spaces, sounds: ll.Corpus) -> float:
    """Return the time of a core for a second of sound [seconds]."""
    layer = Channels(played, spaces, corpus_sounds(sounds, spaces.rate), looped=True)
    begun, total = time.process_time(), round(SECONDS * spaces.rate)
    for start in range(0, total, CHUNK):
        layer.samples(start, min(start + CHUNK, total))
    return (time.process_time() - begun) / SECONDS


def measured(space: Space, a: Samples, b: Samples, corpus: Corpus) -> dict[tuple[int, bool], float]:
    """Return the usual time for a second of sound, by channels and whether it is new."""
    times: dict[tuple[int, bool], list[float]] = {}
    spaces = Spaces(space)
    for number in range(ROUNDS + 1):
        for channels in (1, 2):
            # Its left channel would be known where a mono one had the same samples.
            played = texture(a, b, channels, 1e-3 * number + 1e-4 * channels)
            for new in (True, False):
                found = took(played, spaces, corpus)
                if number:  # the first round warms up
                    times.setdefault((channels, new), []).append(found)
    return {key: median(values) for key, values in times.items()}


IMAGES = ("loop_garzul", "loop_amen", "ambi_dark_woosh", "ambi_choir", "ambi_lunar_land")
"""Stereo recordings of sonic-pi-samples."""

HEARD = 4 * 44100


def image(folder: str) -> None:
    """Print how recordings of a folder are spread between left and right in each space."""
    print("| recording | as recorded |" + "".join(f" {name} |" for name in NAMES))
    print("|---|--:|" + "--:|" * len(NAMES))
    for name in IMAGES:
        sides = Corpus(folder).audio(name, 44100).sides
        whole = np.stack([side.samples for side in sides], axis=1)[:HEARD]
        shown = [whole, *(ll.render(ll.sound(whole), model=model) for model in NAMES)]
        print(f"| `{name}` |" + "".join(f" {_spread(one)} |" for one in shown), flush=True)


def _spread(samples: Samples) -> str:
    left, right = (samples.astype(np.float64) ** 2).mean(axis=0)
    return f"{np.corrcoef(*samples.T)[0, 1]:.2f}, {10.0 * np.log10(left / right):+.1f} dB"


def main() -> None:
    """Measure, and print a row for each space, or recording."""
    if sys.argv[1:2] == ["--image"]:
        return image(sys.argv[2])
    corpus = Corpus()
    a, b = (np.array(corpus.audio(name, 44100).samples) for name in ("surf", "choir-ah"))
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LATENTLIVE_CACHE"] = folder
        print("| space | mono layers a core | stereo | time of a stereo one | new: time |")
        print("|---|--:|--:|--:|--:|")
        for model in sys.argv[1:] or NAMES:
            space = load_model(model)
            found = measured(space, a, b, corpus)
            held = [1.0 / found[channels, False] for channels in (1, 2)]
            ratios = [found[2, new] / found[1, new] for new in (False, True)]
            told = " | ".join([f"{one:.0f}" for one in held] + [f"{one:.2f} x" for one in ratios])
            print(f"| {space.name} | {told} |", flush=True)


if __name__ == "__main__":
    main()

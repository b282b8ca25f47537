"""Where strokes are heard and how loud, space by space, and what they cost against a plain layer.

python -m benchmarks.strokes [SPACE ...]

An attack is heard where a sound reaches a tenth of its peak; its place is measured against the same
attack of the sound alone. Steps lie off every grid of windows. Cost is processor time, warm.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import latentlive as ll
from latentlive.corpus import Corpus
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds

SPACES = ("spectral", "spectralvae", "rawaudiovae")
STRUCK = ("bongo", "xylo-c6", "wood-block", "kick")
STEP, SECONDS, RATE = 0.7917, 12, 44100


def attack(samples: np.ndarray) -> int:
    """Return the first sample that is a tenth as loud as the loudest."""
    loud = np.abs(samples)
    return int(np.argmax(loud > 0.1 * loud.max()))


def level(samples: np.ndarray) -> float:
    """Return the level in dB."""
    return float(10 * np.log10(np.mean(samples.astype(np.float64) ** 2)))


def rendered(
    texture: ll.Latent, spaces: Spaces, sounds: object, seconds: float = SECONDS
) -> np.ndarray:
    """Return the samples of a texture."""
    rendering = Rendering(texture, spaces, sounds)  # type: ignore[arg-type]
    return rendering.samples(0, round(seconds * RATE))


def main() -> None:
    """Print a table for each space."""
    sounds = corpus_sounds(Corpus(), RATE)
    for name in sys.argv[1:] or SPACES:
        spaces = Spaces(load_model(name))
        apart, accents, ghosts = [], [], []
        for struck in STRUCK:
            sound = ll.sound(struck)
            alone = attack(rendered(sound, spaces, sounds, 0.2))
            found = rendered(sound.hits("x", step=STEP), spaces, sounds)
            steps = [round(i * STEP * RATE) for i in range(1, int(SECONDS / STEP) - 1)]
            apart += [attack(found[at - 600 : at + 6000]) - 600 - alone for at in steps]
            plain, loud, soft = (
                rendered(sound.hits([g], step=1), spaces, sounds, 4) for g in (1, 2, 0.25)
            )
            accents.append(level(loud) - level(plain))
            ghosts.append(level(soft) - level(plain))
        late = np.array(apart) * 1000 / RATE
        print(f"{name}: {len(late)} strokes of {', '.join(STRUCK)}")
        print(f"  beside the step: mean {late.mean():.2f} ms, standard deviation {late.std():.2f},")
        print(f"  from {late.min():.2f} to {late.max():.2f}")
        counts, edges = np.histogram(late, bins=np.arange(-6.5, 7.5))
        told = [f"{e + 0.5:+.0f}: {c}" for c, e in zip(counts, edges, strict=False) if c]
        print(f"  histogram, ms: {', '.join(told)}")
        print(f"  accent {np.mean(accents):.1f} dB, amplitude 0.25 {np.mean(ghosts):.1f} dB")
        sound = ll.sound("koto-d4")
        base = cost(sound, spaces, sounds)
        for label, texture in {
            "x..x.x..": sound.hits("x..x.x.."),
            "every 1/8": sound.hits("x", step=1 / 8),
            "tail 0.2": sound.hits("x..x.x..", tail=0.2),
            "chance": sound.hits("x", step=1 / 8, probability=0.5),
        }.items():
            print(f"  {label}: {cost(texture, spaces, sounds) / base:.2f} x a plain layer")


def cost(texture: ll.Latent, spaces: Spaces, sounds: object) -> float:
    """Return the least processor seconds of some renderings, after a first one."""
    took = []
    for _ in range(4):
        rendering = Rendering(texture, spaces, sounds, looped=True)  # type: ignore[arg-type]
        begun = time.process_time()
        for start in range(0, SECONDS * RATE, 8192):
            rendering.samples(start, start + 8192)
        took.append(time.process_time() - begun)
    return min(took[1:])


if __name__ == "__main__":
    main()

"""How well brighter, rougher and noisier hold in the built-in spaces: a table for docs/spaces.md.

    python -m benchmarks.directions                     # spectral, spectralvae, rawaudiovae
    python -m benchmarks.directions mine.safetensors    # another space

Measured on the starter sounds, anew each time. A fifth of the sounds is held out; what the columns
mean is in `latentlive.renderer.directions.Held`.
"""

from __future__ import annotations

import os
import sys
import time

if __name__ == "__main__":  # before numpy is imported: a core is a core
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

from latentlive.models import load_model
from latentlive.models.files import NAMES
from latentlive.renderer.directions import MEASURED
from latentlive.renderer.measuring import Measuring


def main() -> None:
    """Measure, and print a row for each space and word."""
    print("| space | word | R2 | rises in | does of 1 | seconds |\n|---|---|--:|--:|--:|--:|")
    for model in sys.argv[1:] or NAMES:
        space = load_model(model)
        begun = time.process_time()
        found = Measuring(model, space.name, space.digest, "").found(space)
        taken = f"{time.process_time() - begun:.0f}"
        for word in MEASURED:
            held = found.held[word.descriptor]
            told = f"{held.explained:.2f} | {held.rising:.0%} | {held.effect:.2f} | {taken}"
            print(f"| {space.name} | `{word.word}` | {told} |", flush=True)


if __name__ == "__main__":
    main()

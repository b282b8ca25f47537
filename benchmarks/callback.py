"""How long the audio callback takes, by voices and block: python benchmarks/callback.py.

Processor time of one callback, so that what else the machine does is not counted, without a device;
gains stand still or all move.
"""

from __future__ import annotations

import time

import numpy as np

from latentlive.engine.output.player import Player
from latentlive.engine.shared import POINTS, POSITION, RING, RUNNING, Shared

RATE = 44100
BLOCKS = 1500


def durations(voices: int, frames: int, moving: bool) -> np.ndarray:
    """Return the microseconds that each of some callbacks took."""
    shared, rng = Shared.create(), np.random.default_rng(0)
    for voice in range(voices):
        shared.write_audio(voice, 0, (rng.standard_normal(RING) * 0.005).astype(np.float32))
        shared.gains[:, voice] = rng.random((2, POINTS)) if moving else 0.5
        shared.active[voice] = 1
    shared.header[RUNNING] = 1
    player, out, taken = Player(shared), np.empty((frames, 2), np.float32), []
    for _ in range(BLOCKS):
        shared.ready[:, 1] = shared.header[POSITION] + RING // 2
        begun = time.thread_time_ns()
        player.fill(out)
        taken.append(time.thread_time_ns() - begun)
    return np.array(taken[50:]) / 1e3


def main() -> None:
    """Print the table."""
    print("| voices | frames | gains | p50 us | p99 us | max us | p99 of the block |")
    print("|---|---|---|---|---|---|---|")
    for voices in (1, 16, 64):
        for frames in (128, 512, 1024):
            for moving in (False, True):
                taken = durations(voices, frames, moving)
                p50, p99 = np.percentile(taken, [50, 99])
                share = p99 / (frames / RATE * 1e6)
                print(
                    f"| {voices} | {frames} | {'move' if moving else 'stand'} | {p50:.0f} "
                    f"| {p99:.0f} | {taken.max():.0f} | {share:.1%} |"
                )


if __name__ == "__main__":
    main()

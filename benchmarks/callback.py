"""How long the audio callback takes, by voices and block: python benchmarks/callback.py.

Processor time of one callback, so that what else the machine does is not counted, without a device;
gains stand still or all move. The second table is that of sixteen layers with four effects each,
two reverbs and the master's effects: the callback mixes their strips, and beside it a rack renders
them, whose processor time is a part of a core.
"""

from __future__ import annotations

import time

import numpy as np

from latentlive import sound
from latentlive.curves import Num
from latentlive.engine.desk.desk import Desk
from latentlive.engine.desk.strips import Sending
from latentlive.engine.effects.rack import Rack
from latentlive.engine.output.player import Player
from latentlive.engine.shared import MASTER, POINTS, POSITION, RING, RUNNING, Shared
from latentlive.protocol.clip import Clip, Source
from latentlive.units import Tempo

RATE = 44100
BLOCKS = 1500
LAYERS = 16
AHEAD = 8192
"""Samples that the rack renders ahead."""

FOUR = {f"{name}.on": Num(1.0) for name in ("hpf", "lpf", "comp", "echo")}
FOUR |= {"hpf.hz": Num(80.0), "lpf.hz": Num(4000.0)}
"""Four effects."""


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


def with_effects(frames: int) -> tuple[np.ndarray, float]:
    """Return the microseconds of some callbacks, and what the rack takes of a core."""
    shared, tempo = Shared.create(), Tempo(60, RATE)
    desk, rng = Desk(shared, tempo), np.random.default_rng(0)
    texture = sound(np.zeros(64, np.float32))
    source = Source(texture, "noise", {})
    for slot in range(LAYERS):
        voice = desk.allocate(f"d{slot + 1}", slot, Clip(source, 0, tempo), 0)
        shared.write_audio(voice.rings[0], 0, (rng.standard_normal(RING) * 0.02).astype("f4"))
        desk.start(voice, 0, 0)
        desk.tune(slot, 0, False, FOUR)
        desk.patch(f"d{slot + 1}", slot, 0, 0)
        desk.level(slot, 0, False, {"fed": Num(1.0)})
    for bus, seconds in ((20, 2.5), (21, 6.0)):
        desk.tune(bus, 0, False, {"reverb.on": Num(1.0), "reverb.seconds": Num(seconds)})
        desk.patch(f"bus{bus}", bus, 0, 0)
        for slot in range(LAYERS):
            desk.send(Sending(slot, bus), 0, False, {"gain_db": Num(-12.0)})
    desk.tune(MASTER, 0, False, {"comp.on": Num(1.0), "lpf.on": Num(1.0)})
    desk.patch("master", MASTER, 0, 0)
    desk.level(MASTER, 0, False, {"fed": Num(1.0)})
    shared.header[RUNNING] = 1
    player, rack, taken = Player(shared), Rack(shared, {}), []
    out, busy, blocks = np.empty((frames, 2), np.float32), 0, BLOCKS
    rack.advance(8 * frames + AHEAD)
    for _ in range(blocks):
        position = shared.position
        for voice in desk.voices.values():
            shared.ready[voice.rings[0], 1] = position + RING // 2
        desk.write()
        begun = time.thread_time_ns()
        rack.advance(position + AHEAD)
        busy += time.thread_time_ns() - begun
        begun = time.thread_time_ns()
        player.fill(out)
        taken.append(time.thread_time_ns() - begun)
    return np.array(taken[50:]) / 1e3, busy / 1e9 / (blocks * frames / RATE)


def main() -> None:
    """Print the tables."""
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
    print("\n16 layers with 4 effects each, 2 reverbs, effects of the master:\n")
    print("| frames | p50 us | p99 us | p99 of the block | rack |")
    print("|---|---|---|---|---|")
    for frames in (128, 512, 1024):
        taken, core = with_effects(frames)
        p50, p99 = np.percentile(taken, [50, 99])
        share = p99 / (frames / RATE * 1e6)
        print(f"| {frames} | {p50:.0f} | {p99:.0f} | {share:.1%} | {core:.0%} of a core |")


if __name__ == "__main__":
    main()

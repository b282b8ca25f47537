"""What effects cost, how filters respond, how rooms decay: python -m benchmarks.effects.

Processor time, so that what else the machine does is not counted; blocks of 1024 samples of stereo
noise at 44.1 kHz. The reference is `scipy.signal.sosfilt` with one section, in the same run.
"""

from __future__ import annotations

import time
from itertools import combinations, islice

import numpy as np
from scipy import signal

from latentlive.effects.block import BLOCK, POINTS
from latentlive.effects.chain import Chain
from latentlive.effects.declared import INDEX, NEUTRAL
from latentlive.effects.filters import NYQUIST_PART
from latentlive.effects.rooms import decay, response
from latentlive.effects.strip import Epochs, Strip

RATE = 44100
SECOND = RATE / BLOCK
RUN = 150
LOADED = 130


def rows(**values: float) -> np.ndarray:
    """Return the rows of a block: numbers that stand, or pairs between which they move."""
    found = np.repeat(NEUTRAL[:, None], POINTS, axis=1)
    for name, value in values.items():
        given = np.geomspace(*value, POINTS) if isinstance(value, tuple) else value
        found[INDEX[name.replace("_", ".", 1)]] = given
    return found


CASES: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "hpf": ({"hpf_hz": 200.0}, {"hpf_hz": (200.0, 220.0)}),
    "lpf": ({"lpf_hz": 2000.0}, {"lpf_hz": (2000.0, 2200.0)}),
    "comb, 220 Hz": ({"comb_hz": 220.0}, {"comb_hz": (220.0, 222.0)}),
    "comb, 2 kHz": ({"comb_hz": 2000.0}, {"comb_hz": (2000.0, 2020.0)}),
    "drive": ({"drive_db": 12.0}, {"drive_db": (12.0, 13.0)}),
    "comp": ({"comp_threshold": -30.0}, {"comp_ratio": (4.0, 5.0)}),
    "echo": ({"echo_samples": 22050.0}, {"echo_samples": (22050.0, 22100.0)}),
    "reverb, 2.5 s": ({"reverb_seconds": 2.5}, {"reverb_mix": (0.2, 0.3)}),
    "reverb, 12 s": ({"reverb_seconds": 12.0}, {"reverb_mix": (0.2, 0.3), "reverb_seconds": 12.0}),
}


def cost(process, blocks: int = RUN) -> float:
    """Return the milliseconds that a second of sound takes, the best of three runs."""
    x = np.random.default_rng(0).standard_normal((2, BLOCK)).astype(np.float32) * np.float32(0.1)
    process(x)
    best = np.inf
    for _ in range(3):
        begun = time.thread_time()
        for _ in range(blocks):
            process(x)
        best = min(best, (time.thread_time() - begun) / blocks * SECOND * 1e3)
    return best


def sosfilt() -> float:
    """Return what one section of scipy's costs, its state carried along."""
    sos = signal.butter(2, 2000, fs=RATE, output="sos")
    state = [np.zeros((1, 2, 2))]

    def process(x: np.ndarray) -> None:
        _, state[0] = signal.sosfilt(sos, x, zi=state[0])

    return cost(process)


def costs() -> None:
    """Print what each effect costs."""
    reference = sosfilt()
    print("| effect | stands, ms | to sosfilt | moves, ms | to sosfilt |\n|---|--:|--:|--:|--:|")
    print(f"| `scipy.signal.sosfilt` | {reference:.2f} | 1.0 | | |")
    for name, cases in CASES.items():
        cells = []
        for values in cases:
            chain, on = Chain(RATE), f"{name.split(',')[0]}_on"
            given = rows(**{on: 1.0}, **values)
            taken = cost(lambda x, chain=chain, given=given: chain.process(x, given))
            cells += [f"{taken:.2f}", f"{taken / reference:.1f}"]
        print(f"| {name} | {' | '.join(cells)} |")
    chain, given = Chain(RATE), rows()
    print(f"| none on | {cost(lambda x: chain.process(x, given)):.2f} | | | |")


def loaded() -> list[np.ndarray]:
    """Return the rows of sixteen layers with four effects each, and of two buses with reverbs."""
    moving = {"lpf_hz": (800.0, 1200.0)}
    standing = {"hpf_hz": 120.0, "lpf_hz": 3000.0, "comb_hz": 180.0, "drive_db": 9.0}
    found = []
    sets = combinations(("hpf", "lpf", "comb", "drive", "comp", "echo"), 4)
    for number, names in enumerate(islice((*sets, ("hpf", "lpf", "comp", "echo")), 16)):
        values = {**standing, **(moving if number % 2 else {}), "echo_samples": 20000.0}
        found.append(rows(**{f"{n}_on": 1.0 for n in names}, **values))
    return [
        *found,
        rows(reverb_on=1.0, reverb_mix=1.0, reverb_seconds=2.5),
        rows(reverb_on=1.0, reverb_mix=1.0, reverb_seconds=6.0),
    ]


def load() -> None:
    """Print what a whole set costs."""
    epochs, given = Epochs(RATE), loaded()
    x = np.random.default_rng(0).standard_normal((2, BLOCK)).astype(np.float32) * np.float32(0.1)

    def share(start: int, before: int) -> tuple[float, float]:
        strips = [Strip(RATE, start) for _ in given]
        taken = []
        for block in range(before + LOADED):
            begun = time.thread_time()
            for strip, values in zip(strips, given, strict=True):
                strip.process(start + block * BLOCK, x, values)
            taken.append(time.thread_time() - begun)
        after = np.array(taken[before:]) / (BLOCK / RATE)
        return float(after.mean()), float(np.percentile(after, 99))

    one, one_worst = share(epochs.every + epochs.cross, 40)
    # Two chains run while one warms up, and while they cross over.
    two, two_worst = share(epochs.every - epochs.warm - 40 * BLOCK, 80)
    part = (epochs.warm + epochs.cross) / epochs.every
    print("| 16 layers with 4 effects, 2 reverbs | of a core | 99 % of blocks below |")
    print("|---|--:|--:|")
    print(f"| one chain each | {one:.1%} | {one_worst:.1%} |")
    print(f"| two chains each | {two:.1%} | {two_worst:.1%} |")
    print(f"| on average | {one * (1 - part) + two * part:.1%} | |")


def responses() -> None:
    """Print how far filters are from scipy's bilinear design, prewarped at their cut-off."""
    print(
        "| filter | at 1/4 | at the cut-off | at 4 times | farthest from scipy, 20 Hz to 20 kHz |"
    )
    print("|---|--:|--:|--:|--:|")
    impulse = np.zeros((2, 64 * BLOCK), np.float32)
    impulse[:, 0] = 1.0
    for name in ("hpf", "lpf"):
        for hz, q in ((100.0, 0.7), (1000.0, 0.7), (1000.0, 8.0), (5000.0, 0.7)):
            chain, given = Chain(RATE), rows(**{f"{name}_on": 1, f"{name}_hz": hz, f"{name}_q": q})
            parts = [chain.process(impulse[:, at : at + BLOCK], given) for at in _starts(impulse)]
            ours = np.concatenate(parts, axis=1)[0]
            w = 2 * RATE * np.tan(np.pi * min(hz, NYQUIST_PART * RATE) / RATE)
            top = [w * w] if name == "lpf" else [1.0, 0.0, 0.0]
            b, a = signal.bilinear(top, [1.0, w / float(np.float32(q)), w * w], RATE)
            theirs = signal.lfilter(b, a, impulse[0].astype(np.float64))
            bands = np.array([hz / 4, hz, hz * 4, *np.geomspace(20, 20000, 100)])
            turns = np.exp(-2j * np.pi / RATE * np.outer(bands, np.arange(impulse.shape[1])))
            db, reference = (20 * np.log10(np.abs(turns @ y) + 1e-9) for y in (ours, theirs))
            off = np.abs(db - reference)[reference > -100].max()
            print(
                f"| {name} {hz:g} Hz, q {q:g} | {db[0]:+.1f} dB | {db[1]:+.1f} dB "
                f"| {db[2]:+.1f} dB | {off:.4f} dB |"
            )


def _starts(x: np.ndarray) -> range:
    return range(0, x.shape[1], BLOCK)


def octave(hz: float) -> np.ndarray:
    """Return a filter of the octave around a frequency."""
    return signal.butter(4, [hz / 2**0.5, hz * 2**0.5], "bandpass", fs=RATE, output="sos")


def fallen(energies: np.ndarray, step: float) -> float:
    """Return the seconds in which energies fall by 60 dB.

    By Schroeder's integration, from -5 to -35 dB.
    """
    left = np.cumsum(energies[::-1])[::-1]
    db = 10 * np.log10(left / left[0])
    inside = np.flatnonzero((db < -5) & (db > -35))
    return -60.0 / float(np.polyfit(inside * step, db[inside], 1)[0])


def decays() -> None:
    """Print the decay times of synthetic rooms: measured, and what is declared for the octave."""
    bands = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
    print(f"| seconds, damp | {' | '.join(f'{b:g} Hz' for b in bands)} |")
    print("|---|" + "--:|" * len(bands))
    for seconds in (0.3, 1.0, 2.5, 6.0):
        for damp in (0.0, 0.5, 1.0):
            shape, cells = response(RATE, seconds, damp), []
            for hz in bands:
                heard = (signal.sosfiltfilt(octave(hz), shape) ** 2).sum(axis=0)
                # An octave holds faster and slower decays.
                places, gains = signal.sosfreqz(octave(hz), 2000, fs=RATE)
                at = np.arange(0, 1.2 * seconds, seconds / 2000)
                falls = 10 ** (-6 * at[:, None] / decay(places, seconds, damp))
                declared = fallen((np.abs(gains) ** 4 * falls).sum(axis=1), at[1])
                cells.append(f"{fallen(heard, 1 / RATE):.3f} / {declared:.3f}")
            print(f"| {seconds:g} s, {damp:g} | {' | '.join(cells)} |")


def main() -> None:
    """Print all tables."""
    for table in (costs, load, responses, decays):
        table()
        print()


if __name__ == "__main__":
    main()

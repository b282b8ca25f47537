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
from latentlive.effects.rooms import response
from latentlive.effects.strip import Epochs, Strip
from tests.effects.driving import RATE, click, sine, swings, through
from tests.effects.driving import rows as rows_of
from tests.effects.measures import (
    bilinear,
    declared_decay,
    folded,
    levels,
    measured_decay,
    sidebands,
    whole,
)

SECOND = RATE / BLOCK
RUN = 150


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
    """Print what a whole set costs over an epoch, in which each strip's next chain takes over."""
    given, epochs = loaded(), Epochs(RATE)
    x = np.random.default_rng(0).standard_normal((2, BLOCK)).astype(np.float32) * np.float32(0.1)
    print("| 16 layers with 4 effects, 2 reverbs | mean, of a core | busiest second |")
    print("|---|--:|--:|")
    for name, apart in (("chains take over all at once", 0), ("one after another", 1)):
        begin, stop = epochs.every, 2 * epochs.every + epochs.cross
        strips = [Strip(RATE, begin, apart * n * epochs.every // 18) for n in range(18)]
        taken = []
        for start in range(begin, stop, BLOCK):
            begun = time.thread_time()
            for strip, values in zip(strips, given, strict=True):
                strip.process(start, x, values)
            taken.append((time.thread_time() - begun) / (BLOCK / RATE))
        after = np.array(taken[-(epochs.every // BLOCK) :])
        second = int(SECOND)
        busiest = np.convolve(after, np.full(second, 1 / second), "valid").max()
        print(f"| {name} | {after.mean():.1%} | {busiest:.1%} |")


def responses() -> None:
    """Print how far filters are from scipy's bilinear design, prewarped at their cut-off."""
    print(
        "| filter | at 1/4 | at the cut-off | at 4 times | farthest from scipy, 20 Hz to 20 kHz |"
    )
    print("|---|--:|--:|--:|--:|")
    for name in ("hpf", "lpf"):
        for hz, q in ((100.0, 0.7), (1000.0, 0.7), (1000.0, 8.0), (5000.0, 0.7)):
            given = {f"{name}_on": 1, f"{name}_hz": hz, f"{name}_q": q}
            ours = through(click(64), **given)[0]
            theirs = signal.lfilter(*bilinear(name, hz, np.float32(q)), click(64)[0].astype("f8"))
            bands = np.array([hz / 4, hz, hz * 4, *np.geomspace(20, 20000, 100)])
            db, reference = levels(ours, bands), levels(theirs, bands)
            off = np.abs(db - reference)[reference > -100].max()
            print(
                f"| {name} {hz:g} Hz, q {q:g} | {db[0]:+.1f} dB | {db[1]:+.1f} dB "
                f"| {db[2]:+.1f} dB | {off:.4f} dB |"
            )


def purity() -> None:
    """Print what moving parameters add to a tone of 1 kHz, and what drive folds back."""
    tone, once, swing = sine(64, 1000.0, 0.5), np.linspace(0, 1, 64 * 16 + 1), swings(1)
    cases = {
        "lpf 200 to 8000 Hz in 1.5 s": {"lpf_on": 1, "lpf_hz": 200 * 40**once},
        "the same, q 8": {"lpf_on": 1, "lpf_hz": 200 * 40**once, "lpf_q": 8},
        "lpf 200 to 8000 Hz and back in 1 s": {"lpf_on": 1, "lpf_hz": 200 * 40**swing},
        "the same in 0.2 s": {"lpf_on": 1, "lpf_hz": 200 * 40 ** swings(5)},
        "comb, feedback 0 to 0.9": {"comb_on": 1, "comb_feedback": 0.9 * swings(2)},
        "drive 0 to 24 dB": {"drive_on": 1, "drive_db": 24 * swings(2)},
        "comp, makeup 0 to 12 dB": {"comp_on": 1, "comp_makeup": 12 * swings(2)},
        "echo, time by 2 %": {"echo_on": 1, "echo_samples": 5000 + 100 * swings(2)},
        "echo, mix 0 to 1": {"echo_on": 1, "echo_samples": 5000, "echo_mix": swings(2)},
    }
    print("| what moves | strongest sideband of the grid |\n|---|--:|")
    for name, values in cases.items():
        found = sidebands(through(tone, rows_of(64, **values)), 1000.0)
        print(f"| {name} | {found:.0f} dB |")
    print("\n| drive, sine of -6 dBFS | 1 kHz folds back | 5 kHz folds back |\n|---|--:|--:|")
    for gain in (12, 24, 36):
        tones = [whole(hz) for hz in (1000.0, 5000.0)]
        found = [folded(through(sine(34, hz, 0.5), drive_on=1, drive_db=gain), hz) for hz in tones]
        print(f"| {gain} dB | {found[0]:.0f} dB | {found[1]:.0f} dB |")


def decays() -> None:
    """Print the decay times of synthetic rooms: measured, and what is declared for the octave."""
    bands = (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)
    print(f"| seconds, damp | {' | '.join(f'{b:g} Hz' for b in bands)} |")
    print("|---|" + "--:|" * len(bands))
    for seconds in (0.3, 1.0, 2.5, 6.0):
        for damp in (0.0, 0.5, 1.0):
            shape = response(RATE, seconds, damp)
            cells = [
                f"{measured_decay(shape, hz):.3f} / {declared_decay(hz, seconds, damp):.3f}"
                for hz in bands
            ]
            print(f"| {seconds:g} s, {damp:g} | {' | '.join(cells)} |")


def main() -> None:
    """Print all tables."""
    for table in (costs, load, responses, purity, decays):
        table()
        print()


if __name__ == "__main__":
    main()

"""What the pieces measure: loudness, level, peak, silence and clicks, a row each.

python benchmarks/pieces.py                           # every shipped session, in real time
python benchmarks/pieces.py first_light --seconds 20
python benchmarks/pieces.py takes/*.flac              # recordings or bounces

- *LUFS*: loudness of the whole (ITU-R BS.1770), the pieces' common one; see `COMMON`;
- *level*: RMS of the whole, of full scale; *loudest* and *quietest*: of its seconds, silent ones
  left out; *peak*: the largest sample; *crest*: peak over level;
- *silence*: the longest stretch below -70 dB within the piece, its beginning and end left out;
- *begins*: when -50 dB is reached first;
- *clicks*: places where the second difference stands twelve times above its RMS in the twenty
  milliseconds before and in those after. A stroke rings on, so it is none.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path

import click
import numpy as np
import soundfile
from numpy.typing import NDArray

import latentlive as ll
from latentlive.loudness import Meter
from latentlive.prompt.recital import play
from latentlive.prompt.session import find_session, shipped

F64 = NDArray[np.float64]

COMMON, NEAR = -16.0, 1.0
"""Loudness that the pieces share [LUFS], and how near they are to it."""

SILENT, AUDIBLE = -70.0, -50.0
STANDS_OUT = 12.0
AROUND, APART = 0.02, 0.0005
"""Seconds on either side that a click is compared with, and that it may last itself."""
LEAST = 1e-4
"""Second differences below this are heard by nobody."""


@dataclass(frozen=True)
class Figures:
    """What one piece measures, in LUFS, in dB of full scale and in seconds."""

    seconds: float
    LUFS: float
    level: float
    quietest: float
    loudest: float
    peak: float
    crest: float
    begins: float
    silence: float
    clicks: int

    def row(self, name: str) -> str:
        """Return it as a row of the table."""
        numbers = [getattr(self, field.name) for field in fields(self)]
        return (
            " | ".join(
                [
                    f"| {name:18}",
                    *(f"{x:8d}" if isinstance(x, int) else f"{x:8.2f}" for x in numbers),
                ]
            )
            + " |"
        )


def decibels(power: F64 | float) -> F64:
    """Return powers in dB, at least -120."""
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float64)


def levels(samples: F64, step: int) -> F64:
    """Return the level of each stretch of `step` samples [shape=(stretches,)]."""
    whole = len(samples) // step
    return decibels((samples[: whole * step] ** 2).reshape(whole, -1).mean(axis=1))


def longest_silence(loud: NDArray[np.bool_]) -> int:
    """Return the most stretches in a row that are silent between two that are not.

    >>> longest_silence(np.array([0, 1, 0, 0, 1, 0, 1, 0, 0, 0], bool))
    2
    """
    gaps = np.diff(np.flatnonzero(loud)) - 1
    return int(gaps.max(initial=0))


def count_clicks(samples: F64, rate: int) -> int:
    """Return how many clicks one channel holds."""
    bend = np.abs(np.diff(samples, 2))
    around, apart = round(AROUND * rate), round(APART * rate)
    total = np.concatenate([[0.0], np.cumsum(bend**2)])
    at = np.arange(around + apart, len(bend) - around - apart)
    before = (total[at - apart] - total[at - apart - around]) / around
    after = (total[at + apart + around] - total[at + apart]) / around
    stands = bend[at] > np.maximum(STANDS_OUT * np.sqrt(np.maximum(before, after)), LEAST)
    places = at[stands]
    return len(places) and 1 + int(np.sum(np.diff(places) > 2 * apart))


def loudness(samples: F64, rate: int) -> float:
    """Return the integrated loudness of samples [shape=(n, channels)]."""
    meter = Meter(rate, samples.shape[1])
    meter.take(samples)
    return meter.integrated


def figures(samples: F64, rate: int) -> Figures:
    """Return what a piece measures [samples shape=(n, channels)]."""
    parts = levels(samples, rate // 100)
    seconds = levels(samples, rate)
    heard = seconds[seconds > SILENT]
    level, peak = float(decibels(np.mean(samples**2))), float(decibels(np.max(samples**2)))
    return Figures(
        seconds=len(samples) / rate,
        LUFS=loudness(samples, rate),
        level=level,
        quietest=float(heard.min(initial=0.0)),
        loudest=float(heard.max(initial=SILENT)),
        peak=peak,
        crest=peak - level,
        begins=float(np.argmax(parts > AUDIBLE)) / 100,
        silence=longest_silence(parts > SILENT) / 100,
        clicks=sum(count_clicks(channel, rate) for channel in samples.T),
    )


def performed(session: str, folder: Path, model: str | None, seconds: float | None) -> Path:
    """Play a session silently in real time; return what was heard."""
    path = find_session(session)
    out = folder / f"{path.stem}.flac"
    with ll.Engine(model=model, silent=True, hold=True, out=out) as live:
        play(live, path, seconds=seconds, say=lambda _: None)
    return out


@click.command()
@click.argument("pieces", nargs=-1)
@click.option("--model", help="The space to play in; the default one when left out.")
@click.option("--seconds", type=float, help="End each there at the latest.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for what was heard.")
def main(
    pieces: tuple[str, ...], model: str | None, seconds: float | None, keep: Path | None
) -> None:
    """Print a row for each session or recording."""
    names = [field.name for field in fields(Figures)]
    print(" | ".join([f"| {'piece':18}", *(f"{name:>8}" for name in names)]) + " |")
    print("|---" * (len(names) + 1) + "|")
    every = [path.stem for folder in shipped("sessions") for path in sorted(folder.glob("*.py"))]
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        for piece in pieces or every:
            ready = Path(piece).suffix in (".flac", ".wav")
            path = Path(piece) if ready else performed(piece, folder, model, seconds)
            samples, rate = soundfile.read(path, always_2d=True)
            found[path.stem] = figures(samples, rate)
            print(found[path.stem].row(path.stem), flush=True)
    away = {name: one.LUFS for name, one in found.items() if abs(one.LUFS - COMMON) > NEAR}
    told = ", ".join(f"{name} {lufs:.1f}" for name, lufs in away.items()) or "none"
    print(f"further than {NEAR:g} LU from {COMMON:g} LUFS: {told}")


if __name__ == "__main__":
    main()

"""How cleanly windows join: end to end, overlap-added, and by default, side by side.

    python benchmarks/seams.py /usr/share/sonic-pi/samples

For interpolation and for extension by 4 and 8 of real recordings:

- seam: the mean step from one sample to the next where windows begin, over the mean step
  elsewhere; 1 is no seam;
- level: against the windows written end to end, in dB;
- comb: the ripple with a spacing of the window rate, 43 Hz, that joining adds to the long-term
  spectrum, in dB; this is the buzz.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from latentlive.corpus import Corpus
from latentlive.curves import Tri
from latentlive.latent import Interp, Sound, Texture
from latentlive.models import load_model
from latentlive.renderer import Rendering, Spaces, corpus_sounds
from latentlive.units import Samples

PAIRS = (
    ("ambi_choir", "ambi_lunar_land"),
    ("loop_amen", "loop_industrial"),
    ("guit_em9", "ambi_glass_hum"),
    ("bass_voxy_c", "ambi_piano"),
    ("vinyl_backspin", "ambi_swoosh"),
    ("loop_garzul", "loop_mika"),
)


def seam(samples: Samples, hop: int) -> float:
    """Return the mean step at multiples of `hop` over the mean step elsewhere."""
    steps = np.abs(np.diff(samples.astype(np.float64)))
    at_seam = np.zeros(len(steps), bool)
    at_seam[hop - 1 :: hop] = True
    return float(steps[at_seam].mean() / max(steps[~at_seam].mean(), 1e-12))


def level(samples: Samples) -> float:
    """Return the RMS level in dB."""
    return 10.0 * float(np.log10(np.mean(samples.astype(np.float64) ** 2) + 1e-12))


def spectrum(samples: Samples, window: int) -> Samples:
    """Return the mean log spectrum in dB, 16 bins to one window rate."""
    size = window * 16
    samples = np.pad(samples, (0, max(size - len(samples), 0)))
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 4]
    power = np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)) ** 2
    loud = power[power.sum(axis=1) > 1e-4 * power.sum(axis=1).max()]
    mean: Samples = np.mean(10.0 * np.log10(loud + 1e-9), axis=0)
    return mean


def comb(samples: Samples, plain: Samples, rate: int, window: int) -> float:
    """Return the ripple with a spacing of the window rate that joining added, in dB, to 6 kHz.

    The mean log spectrum, less that of the same sounds mixed without stretching and joined 16
    times over, is projected on a wave whose crests are one window rate apart, wherever they lie.
    """
    added = (spectrum(samples, window) - spectrum(plain, window))[: int(6000 / rate * 16 * window)]
    flat = (added - np.convolve(added, np.ones(48) / 48, "same"))[64:-64]
    wave = np.exp(-2j * np.pi * np.arange(len(flat)) / 16)
    return float(2.0 * np.abs(np.mean(flat * wave)))


def rendered(texture: Texture, spaces: Spaces, sounds: object, align: bool = True) -> Samples:
    """Return all samples of a finite texture."""
    rendering = Rendering(texture, spaces, sounds, align=align)  # type: ignore[arg-type]
    assert rendering.length is not None
    return rendering.samples(0, rendering.length)


def measured(folder: Path) -> list[tuple[str, str, float, float, float]]:
    """Return (what, join, seam, level, comb), medians over the pairs."""
    space = load_model("rawaudiovae")
    spaces, rate, window = Spaces(space), space.sample_rate, space.window
    sounds = corpus_sounds(Corpus(folder), rate)
    rows = []
    for label, factor in (("interp", 1), ("extend x4", 4), ("extend x8", 8)):
        figures: dict[str, list[tuple[float, float, float]]] = {}
        for a, b in PAIRS:
            still = Interp(Sound(a), Sound(b), Tri(2)).spread(0)
            plain = rendered(still.overlap(16), spaces, sounds)
            mix = still.extend(factor)
            ended = rendered(mix.overlap(1), spaces, sounds, align=False)
            reference = level(ended)
            joins = {
                "end to end": (ended, window),
                "overlap-add 2": (rendered(mix.overlap(2), spaces, sounds, False), window // 2),
                "overlap-add 4": (rendered(mix, spaces, sounds, False), window // 4),
                "default": (rendered(mix, spaces, sounds), window // 4),
            }
            for name, (samples, hop) in joins.items():
                figures.setdefault(name, []).append(
                    (
                        seam(samples, hop),
                        level(samples) - reference,
                        comb(samples, plain, rate, window),
                    )
                )
        for name, values in figures.items():
            s, lev, c = np.median(np.array(values), axis=0)
            rows.append((label, name, float(s), float(lev), float(c)))
    return rows


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
def main(folder: Path) -> None:
    """Print the table."""
    print(f"{'':10s} {'join':14s} {'seam':>6s} {'level dB':>9s} {'comb dB':>8s}")
    for label, name, s, lev, c in measured(folder):
        print(f"{label:10s} {name:14s} {s:6.2f} {lev:9.2f} {c:8.2f}")


if __name__ == "__main__":
    main()

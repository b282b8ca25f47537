"""What lies between two sounds, in a space beside a plain crossfade: measures, a row a pair.

    python -m benchmarks.morph                  # the pairs that the space was tuned on
    python -m benchmarks.morph --pairs blind    # not tuned on; also held-out, fresh
    python -m benchmarks.morph --speed          # how fast it encodes and decodes

Pairs are made of the starter sounds, of Debian's `sonic-pi-samples` and of `espeak-ng`, the first
2.5 s of each; those whose sounds are missing are left out, and it says so. What each measure means
is in `morph_measures.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # before numpy is imported: a core is a core
    for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

import click
import numpy as np
import soundfile

from benchmarks.morph_measures import MEANING, RATE, Floats, averaged, measured
from latentlive.models import load_model
from latentlive.spectral import Spectral
from latentlive.starter import NAMES, synthesise

SAMPLES = Path("/usr/share/sonic-pi/samples")
SECONDS = 2.5

TUNED = (
    ("cello-g2", "flute-a4"),
    ("clarinet-d3", "oboe-a4"),
    ("tenor", "viola-d4"),
    ("trombone", "say:en:The quick brown fox jumps over the lazy dog"),
    ("rain", "cello-d4"),
    ("surf", "choir-ah"),
    ("gong", "rain-roof"),
    ("wind", "hiss"),
    ("ambi_glass_hum", "ambi_choir"),
    ("guit_harmonics", "ambi_piano"),
    ("vinyl_hiss", "ambi_drone"),
)
"""The space's constants were chosen with these in view."""

HELD_OUT = (
    ("piccolo", "tuba"),
    ("bassoon", "soprano"),
    ("erhu", "sax-f3"),
    ("harp-c2", "koto-d4"),
    ("church-bell", "bowl-high"),
    ("stream", "gale"),
    ("fire", "harmonica"),
    ("horn-f3", "say:de+f3:Im Anfang war der Klang, und er war nicht allein"),
    ("ambi_haunted_hum", "ambi_lunar_land"),
    ("guit_em9", "ambi_sauna"),
    ("loop_garzul", "guit_e_slide"),
)
"""Other registers, instruments, a voice and a language, and recordings. Measured once while the
space was made: its bells were bad, which was mended on other bells."""

FRESH = (
    ("hand-bell", "organ-pipe"),
    ("accordion", "trumpet-c5"),
    ("music-box", "shakuhachi"),
    ("bass-e1", "violin-e6"),
    ("crotale", "kalimba-c4"),
    ("sea", "purr"),
    ("downpour", "steel-a2"),
    ("say:fr+m3:Entre deux sons il y a un autre son", "sitar-c3"),
    ("loop_safari", "ambi_soft_buzz"),
    ("ambi_dark_woosh", "bass_voxy_c"),
    ("misc_crow", "perc_bell"),
)
"""Measured only when all but one threshold of the space, that of voicing, was chosen."""

BLIND = (
    ("great-bell", "alto"),
    ("ship-bell", "pan-pipe"),
    ("vibes-f4", "didgeridoo"),
    ("glock-g6", "growl"),
    ("elec_chime", "bagpipe"),
    ("dulcimer", "choir-boys"),
    ("strings", "whistle"),
    ("steel-pan", "say:es+f2:Una campana que se vuelve voz"),
    ("ambi_glass_rub", "mandolin"),
    ("wind-chimes", "hum"),
    ("loop_tabla", "bottle"),
)
"""Measured once, when all was chosen."""

SHOWN = (
    *("novelty", "c_lin", "bulge", "p_hit", "p_both", "even", "dip", "lsd", "mcd", "f0_hit"),
    *("loud", "purity", "attack", "frame_mod", "x8_purity", "x8_rough", "x8_level"),
)


def spoken(voice: str, words: str) -> Floats | None:
    """Return a sentence by espeak-ng, or None where that is missing."""
    program = shutil.which("espeak-ng")
    if program is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "said.wav")
        subprocess.run([program, "-v", voice, "-w", str(file), words], check=True)
        samples, rate = soundfile.read(file)
    return resampled(samples, rate)


def resampled(samples: Floats, rate: int) -> Floats:
    """Return samples at 44.1 kHz, mono."""
    if samples.ndim == 2:
        samples = samples.mean(1)
    if rate == RATE:
        return samples
    import soxr

    result: Floats = soxr.resample(samples, rate, RATE)
    return result


def sound(name: str) -> Floats | None:
    """Return the first seconds of a starter sound, a recording or a sentence; None if missing."""
    samples: Floats | None
    if name.startswith("say:"):
        _, voice, words = name.split(":", 2)
        samples = spoken(voice, words)
    elif name in NAMES:
        samples = synthesise(name).astype(np.float64)
    elif (SAMPLES / f"{name}.flac").exists():
        samples = resampled(*soundfile.read(SAMPLES / f"{name}.flac"))
    else:
        samples = None
    if samples is None:
        return None
    return samples[: int(SECONDS * RATE)]


SETS = {"tuned": TUNED, "held-out": HELD_OUT, "fresh": FRESH, "blind": BLIND}


def pairs(of: str = "tuned") -> dict[str, tuple[Floats, Floats]]:
    """Return the pairs of a set whose sounds are here, by name."""
    found = {}
    for first, last in SETS[of]:
        a, b = sound(first), sound(last)
        name = " > ".join(n.split(":")[0] for n in (first, last))
        if a is None or b is None:
            click.echo(f"left out: {name}, since a sound is missing", err=True)
        else:
            n = min(len(a), len(b))
            found[name] = a[:n], b[:n]
    return found


def crossfade(a: Floats, b: Floats, t: float) -> Floats:
    """Return both sounds mixed."""
    return (1 - t) * a + t * b


class Morphing:
    """A space of pages and blocks as functions of sounds.

    Parameters
    ----------
    space : Spectral
    """

    def __init__(self, space: Spectral) -> None:
        self.space = space
        self._known: dict[bytes, Any] = {}

    def encoded(self, x: Floats) -> Any:
        """Return the vectors of a sound from the first window that reaches into it."""
        space = self.space
        key = np.asarray(x).tobytes()
        if key in self._known:
            return self._known[key]
        before = space.window // space.hop - 1
        count = -(-len(x) // space.hop) + before
        pages = -(-count // space.page)
        span = space.page * space.hop
        # The grid begins a few vectors early here, at a whole page.
        lead = before * space.hop + space.margin
        length = space.page_samples(space.page)
        padded = np.pad(x, (lead, pages * span + length))
        padded = padded.astype(np.float32)
        vectors = [space.encode_page(padded[p * span : p * span + length]) for p in range(pages)]
        kept = np.concatenate(vectors)[:count].astype(space.keeps)
        self._known[key] = kept.astype(np.float32)
        return self._known[key]

    def decoded(self, z: Any) -> Floats:
        """Return the samples of vectors."""
        space, count = self.space, len(z)
        blocks = -(-count // space.block)
        behind = np.zeros((space.behind, space.dims), np.float32)
        ahead = np.zeros((blocks * space.block - count + space.ahead, space.dims), np.float32)
        z = np.concatenate([behind, z, ahead])
        reach = space.behind + space.block + space.ahead
        out = np.zeros((blocks * space.block - 1) * space.hop + space.window)
        for b in range(blocks):
            first = b * space.block
            prepared = space.prepare(z[first : first + reach], first, 1)
            for i, window in enumerate(space.synthesize([(prepared, 0, space.block)])[:, 0]):
                at = (first + i) * space.hop
                out[at : at + space.window] += window
        return out[space.window - space.hop :]

    def morph(self, a: Floats, b: Floats, t: float) -> Floats:
        """Return the sound at t of the way from a to b."""
        za, zb = self.encoded(a), self.encoded(b)
        n = min(len(za), len(zb))
        t32 = np.float32(t)
        mixed = (np.float32(1) - t32) * za[:n] + t32 * zb[:n]
        return self.decoded(mixed)[: min(len(a), len(b))]

    def stretch(self, a: Floats, k: int) -> Floats:
        """Return a sound read k times slower."""
        z = self.encoded(a)
        at = np.arange((len(z) - 1) * k) / k
        low = at.astype(int)
        part = (at - low).astype(np.float32)[:, None]
        slow = (np.float32(1) - part) * z[low] + part * z[low + 1]
        return self.decoded(slow)[: len(a) * k]


def table(rows: dict[str, dict[str, float]], names: Sequence[str] = SHOWN) -> str:
    """Return rows as a Markdown table."""
    lines = ["| | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    for name, row in rows.items():
        cells = [f"{row[n]:.2f}" if n in row else "" for n in names]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def best(work: Callable[[], object], rounds: int = 7) -> float:
    """Return the shortest of some runs [s of one core]."""
    times = []
    for _ in range(rounds):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return min(times)


def speeds(space: Spectral) -> dict[str, float]:
    """Return times real time of encoding and of decoding, and what a cold block costs."""
    rng = np.random.default_rng(0)
    found: dict[str, list[float]] = {}
    reach = space.behind + space.block + space.ahead
    for name in ("cello-g2", "rain", "gong", "choir-ah"):
        x = sound(name)
        assert x is not None
        length = space.page_samples(space.page)
        page = np.asarray(x[:length], np.float32)
        page = np.pad(page, (0, length - len(page)))
        vectors = space.encode_page(page)
        span = space.page * space.hop / RATE
        found.setdefault("encode x", []).append(span / best(lambda p=page: space.encode_page(p)))
        z = vectors[40 : 40 + reach]
        z = z + rng.normal(0, 1e-4, z.shape).astype(np.float32)
        block = best(lambda z=z: space.prepare(z, 0, 1))
        prepared = space.prepare(z, 0, 1)
        eight = [(prepared, 0, 16)] * 8
        whole = best(lambda e=eight: space.synthesize(e)) / 128
        seconds = space.hop / RATE
        found.setdefault("decode x", []).append(seconds / (whole + block / space.block))
        found.setdefault("prepare ms", []).append(1e3 * block)
        found.setdefault("16 windows ms", []).append(
            1e3 * best(lambda p=prepared: space.synthesize([(p, 0, 16)]))
        )
    return {name: float(np.mean(values)) for name, values in found.items()}


@click.command()
@click.option("--pairs", "of", type=click.Choice(list(SETS)), default="tuned", help="Which ones.")
@click.option("--speed", is_flag=True, help="Only how fast.")
@click.option("--fade", is_flag=True, help="A plain crossfade too, a row a pair.")
@click.option("--space", "named", default="spectral", help="Or spectralvae, or a file of one.")
@click.option("--only", default="", help="Only pairs whose name holds this.")
@click.option("--meaning", is_flag=True, help="Say what each measure means.")
def main(of: str, speed: bool, fade: bool, named: str, only: str, meaning: bool) -> None:
    """Print measures of what lies between two sounds."""
    if meaning:
        click.echo("\n".join(f"{name:13s} {text}" for name, text in MEANING.items()))
        return
    space = load_model(named)
    if not isinstance(space, Spectral):
        raise click.UsageError(f"--space: {named} is no spectral space")
    if speed:
        click.echo("  ".join(f"{name} {value:.1f}" for name, value in speeds(space).items()))
        return
    morphing = Morphing(space)
    rows, plain = {}, {}
    for name, (a, b) in pairs(of).items():
        if only in name:
            rows[name] = measured(morphing.morph, morphing.stretch, space.hop, a, b)
            if fade:
                plain[name] = measured(crossfade, None, space.hop, a, b)
    shown = {**rows, f"**{space.name}**": averaged(list(rows.values()))}
    if plain:
        shown["**crossfade**"] = averaged(list(plain.values()))
    click.echo(table(shown))
    worst = max(abs(row["purity"]) for row in rows.values())
    mean = np.mean([abs(row["purity"]) for row in rows.values()])
    click.echo(f"\n|purity|: mean {mean:.2f}, worst {worst:.2f}")


if __name__ == "__main__":
    main()

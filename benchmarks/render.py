"""Time rendering against the usual script, and print a table of ratios with their targets.

    python benchmarks/render.py
    python benchmarks/render.py --quick
    python benchmarks/render.py --spaces    # what each space costs, no more

The reference is what one writes in a notebook for RawAudioVAE: cut both sounds into windows,
encode both whole in batches of 256, mix means and stds with a curve, sample, decode everything,
join. Both sides hold the same weights and run in the same process, on one thread, in turns; a
ratio is the median over rounds, so that it holds on other machines and on a busy one.
"""

from __future__ import annotations

import os

# Before numpy is imported: one thread for every library.
os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")

import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, cast

import click
import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

import latentlive as ll
from latentlive.corpus import Audio, audio_digest
from latentlive.latent import Recorded, Sound, Texture
from latentlive.models import RawAudioVAE
from latentlive.models.files import NAMES
from latentlive.models.networks import RawAudioVAENet
from latentlive.renderer import Rendering, Spaces, render_blocks
from latentlive.space import Part, Space
from latentlive.units import Samples

RATE = 44100
WINDOW = 1024
BATCH = 256
FIRST = RATE // 10
BEATS = 8


@dataclass
class Row:
    """A line of the table.

    Parameters
    ----------
    what : str
    unit : str
        What stands behind the number: 'x', '%' or nothing.
    least, most : float or None
        The target.
    values : list of float
        One a round.
    note : str
    """

    what: str
    least: float | None = None
    most: float | None = None
    unit: str = "x"
    values: list[float] = field(default_factory=list)
    note: str = ""

    @property
    def target(self) -> str:
        """The target, in words."""
        if self.least is not None:
            return f">= {self.least:g}{self.unit}"
        return "" if self.most is None else f"<= {self.most:g}{self.unit}"

    @property
    def verdict(self) -> str:
        """Whether the median meets the target."""
        value = median(self.values)
        met = (self.least is None or value >= self.least) and (
            self.most is None or value <= self.most
        )
        return ("PASS" if met else "FAIL") if self.target else ""


def say(what: str) -> None:
    """Tell on stderr what is being measured."""
    print(what, file=sys.stderr, flush=True)


def seconds(work: Callable[[], object]) -> float:
    """Return how long some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def starter() -> RawAudioVAE:
    """Return the shipped model."""
    space = ll.load_model("rawaudiovae")
    assert isinstance(space, RawAudioVAE)
    return space


def sounds_of(length: float) -> tuple[Samples, Samples]:
    """Return two sounds of some seconds: gliding tones in noise."""
    rng = np.random.default_rng(0)
    count = round(length * RATE)
    clock = np.arange(count, dtype=np.float32) / RATE
    made = []
    for pitch in (110.0, 330.0):
        samples = rng.standard_normal(count, dtype=np.float32) * np.float32(0.05)
        samples += np.float32(0.4) * np.sin(np.float32(2 * np.pi * pitch) * clock)
        made.append(samples)
    return made[0], made[1]


class Reference:
    """The usual script, in torch.

    Parameters
    ----------
    space : RawAudioVAE
        Whose weights it holds.
    """

    def __init__(self, space: RawAudioVAE) -> None:
        self.module = RawAudioVAENet(space.window, space.units, space.dims)
        self.module.load_state_dict({n: torch.from_numpy(w) for n, w in space.weights.items()})
        self.module.eval()

    def batches(self, rows: torch.Tensor) -> Iterator[torch.Tensor]:
        """Yield batches of 256 rows, in order."""
        for (batch,) in DataLoader(TensorDataset(rows), batch_size=BATCH, shuffle=False):
            yield batch

    def encode(self, samples: Samples, hop: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and std of every window of a sound."""
        padded = np.pad(samples, (0, -len(samples) % hop))
        windows = torch.from_numpy(padded).unfold(0, WINDOW, hop).contiguous()
        means, stds = [], []
        for batch in self.batches(windows):
            mean, log_variance = self.module.encode(batch)
            means.append(mean)
            stds.append(torch.exp(0.5 * log_variance))
        return torch.cat(means), torch.cat(stds)

    @torch.no_grad()
    def render(self, a: Samples, b: Samples, hop: int) -> Samples:
        """Return two sounds interpolated, windows written end to end."""
        mean_a, std_a = self.encode(a, hop)
        mean_b, std_b = self.encode(b, hop)
        clock = torch.arange(len(mean_a), dtype=torch.float32) * WINDOW / RATE
        c = (0.5 - 0.5 * torch.cos(2 * math.pi * clock / BEATS))[:, None]
        mean, std = (1 - c) * mean_a + c * mean_b, (1 - c) * std_a + c * std_b
        z = mean + std * torch.randn_like(mean)
        out: Samples = torch.cat([self.module.decode(batch) for batch in self.batches(z)]).numpy()
        return out.reshape(-1)


class Ours:
    """Two recordings interpolated by an expression.

    Parameters
    ----------
    space : RawAudioVAE
    a, b : array [shape=(n,)]
    """

    def __init__(self, space: RawAudioVAE, a: Samples, b: Samples) -> None:
        self.space = space
        self.audio = {"a": Audio(a, audio_digest(a)), "b": Audio(b, audio_digest(b))}
        self.spaces = Spaces(space)

    def texture(self, hop: int, overlap: int) -> Texture:
        """Return the expression, extended so that its sources are read at a hop."""
        mixed = ll.interp(ll.sound("a"), ll.sound("b"), ll.sine(BEATS))
        return mixed.extend(WINDOW / hop).overlap(overlap)

    def rendering(
        self, hop: int, overlap: int, spaces: Spaces | None = None, mark: str = ""
    ) -> Rendering:
        """Return a rendering; a mark makes recordings that nobody has encoded before."""

        def find(sound: Recorded) -> Audio:
            audio = self.find(sound)
            return Audio(audio.samples, audio.digest + mark) if mark else audio

        return Rendering(self.texture(hop, overlap), spaces or self.spaces, find)

    def find(self, sound: Recorded) -> Audio:
        """Return the samples of a name."""
        assert isinstance(sound, Sound)
        return self.audio[str(sound.source)]

    def render(self, hop: int, overlap: int, mark: str = "") -> Samples:
        """Return the whole."""
        spaces = Spaces(self.space)
        rendering = self.rendering(hop, overlap, spaces, mark)
        assert rendering.length is not None
        out = np.concatenate(list(render_blocks(rendering, rendering.length)))
        spaces.encoder().flush()
        return out

    def first(self, hop: int, overlap: int, fresh: bool) -> float:
        """Return how long the first 100 ms take, from the expression on [seconds]."""

        def work() -> None:
            spaces = Spaces(self.space) if fresh else self.spaces
            self.rendering(hop, overlap, spaces).samples(0, FIRST)

        return seconds(work)

    def edit(self) -> float:
        """Return the time of a core that the first 100 ms of a line just typed take [seconds]."""
        begun = time.process_time()
        texture = ll.interp(ll.sound("a"), ll.sound("b"), ll.sine(BEATS))
        Rendering(texture, self.spaces, self.find).samples(0, FIRST)
        return time.process_time() - begun


def whole_renders(space: RawAudioVAE, rounds: int, length: float) -> list[Row]:
    """Compare whole renders and the time to the first sound, for short inputs."""
    a, b = sounds_of(length)
    reference, ours = Reference(space), Ours(space, a, b)
    rows: list[Row] = []
    for hop in (1024, 256, 128):
        say(f"whole renders of {length:g} s at hop {hop}")
        ours.render(hop, 1), ours.render(hop, 4)
        wanted = hop != 128
        label = f"hop {hop}:"
        cached = Row(f"{label} cached, end to end", least=3.0 if wanted else None)
        overlapped = Row(f"{label} cached, overlap 4", least=1.0 if wanted else None)
        uncached = Row(f"{label} uncached, end to end", least=1.0)
        firsts = {
            (overlap, fresh): Row(
                f"{label} first 100 ms, cached, overlap {overlap}{', just opened' * fresh}",
                least=100.0,
            )
            for overlap in (1, 4)
            for fresh in (False, True)
        }
        times: list[float] = []
        for i in range(rounds + 1):
            whole = seconds(lambda hop=hop: reference.render(a, b, hop))
            figures = {
                id(cached): whole / seconds(lambda hop=hop: ours.render(hop, 1)),
                id(overlapped): whole / seconds(lambda hop=hop: ours.render(hop, 4)),
                id(uncached): whole / seconds(lambda hop=hop, i=i: ours.render(hop, 1, str(i))),
            }
            for (overlap, fresh), row in firsts.items():
                took = median(ours.first(hop, overlap, fresh) for _ in range(5))
                figures[id(row)] = whole / took
                row.note = f"{took * 1e3:.2f} ms"
            if i:  # the first round warms up
                times.append(whole)
                for row in (cached, overlapped, uncached, *firsts.values()):
                    row.values.append(figures[id(row)])
        cached.note = f"reference {median(times):.2f} s"
        rows += [cached, overlapped, uncached, *firsts.values()]
    return rows


def long_inputs(space: RawAudioVAE, rounds: int, minutes: float) -> list[Row]:
    """Compare the time to the first sound for long inputs; the reference is extrapolated."""
    say(f"inputs of {minutes:g} min: encoding them once, at hop 256")
    ours = Ours(space, *sounds_of(60 * minutes))
    for audio in ours.audio.values():
        offsets = np.arange(0, len(audio.samples), 256)
        for part in np.array_split(offsets, len(offsets) // 4096 + 1):
            ours.spaces.encoder().encode(audio, part, np.zeros(len(part), np.bool_))
    ours.spaces.encoder().flush()
    a, b = sounds_of(60)
    reference = Reference(space)
    rows = []
    for overlap, fresh in ((1, False), (4, False), (4, True)):
        what = f"{minutes:g} min: first 100 ms, cached, overlap {overlap}{', just opened' * fresh}"
        row = Row(what, least=100.0)
        for _ in range(rounds):
            whole = seconds(lambda: reference.render(a, b, 1024)) * minutes
            took = median(ours.first(1024, overlap, fresh) for _ in range(5))
            row.values.append(whole / took)
            row.note = f"{took * 1e3:.2f} ms; reference from 1 min"
        rows.append(row)
    return rows


def decoding(space: RawAudioVAE, rounds: int) -> list[Row]:
    """Compare decoding with the plain matrix product, and overlap-add with decoding."""
    say("decode and overlap-add")
    rng = np.random.default_rng(0)
    square = [rng.standard_normal((1024, 1024), dtype=np.float32) for _ in range(2)]
    flops = 2 * (space.dims * space.units + space.units * space.window)
    rows = {
        172: Row("decode GFLOP/s of sgemm, 172 windows", least=0.85, unit=""),
        16: Row("decode GFLOP/s of sgemm, 16 windows", least=0.65, unit=""),
    }
    z = rng.standard_normal((172, space.dims), dtype=np.float32)
    rendering = Ours(space, *sounds_of(10)).rendering(1024, 4)
    adding = Row("overlap-add of decode, overlap 4", most=5.0, unit="%")
    for _ in range(rounds * 20):
        sgemm = 2 * 1024**3 / seconds(lambda: square[0] @ square[1])
        for count, row in rows.items():
            part = z[:count]
            again = 172 // count
            took = median(seconds(lambda part=part: space.decode(part)) for _ in range(again))
            row.values.append(count * flops / took / sgemm)
            row.note = f"sgemm {sgemm / 1e9:.0f} GFLOP/s"
        request = rendering.request(0, (172 - 3) * rendering.hop)
        begun = time.perf_counter()
        decoded = space.synthesize([Part(z, 0, 172)])
        between = time.perf_counter()
        rendering.join(request, decoded)
        adding.values.append(100 * (time.perf_counter() - between) / (between - begun))
        rendering = Ours(space, *sounds_of(0.1)).rendering(1024, 4)
    return [*rows.values(), adding]


VOICES, CHUNK, CHUNKS = 8, 8192, 12
"""Voices in one decode and samples of each, as the workers do it; how many one after another."""


class Timed:
    """A space that counts the time of a core that it decodes; all else is that of the space.

    Parameters
    ----------
    space : Space
    """

    def __init__(self, space: Space) -> None:
        self.space, self.took = space, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.space, name)

    def prepare(self, *block: Any) -> Any:
        """Return a prepared block."""
        begun = time.process_time()
        prepared = self.space.prepare(*block)
        self.took += time.process_time() - begun
        return prepared

    def synthesize(self, parts: Sequence[Part]) -> Samples:
        """Return windows."""
        begun = time.process_time()
        windows = self.space.synthesize(parts)
        self.took += time.process_time() - begun
        return windows


def live(ours: Ours, space: Timed) -> tuple[float, float]:
    """Return the time of a core that some layers take, all in all and to decode [seconds]."""
    layers = [Rendering(LAYER, ours.spaces, ours.find, slot=n) for n in range(VOICES)]
    space.took, begun = 0.0, time.process_time()
    for start in range(0, CHUNKS * CHUNK, CHUNK):
        asked = [layer.request(start, start + CHUNK) for layer in layers]
        decoded = space.synthesize([part for one in asked for part in one.parts])
        windows = np.split(decoded, np.cumsum([one.windows for one in asked])[:-1])
        for layer, one, part in zip(layers, asked, windows, strict=True):
            layer.join(one, part)
    return time.process_time() - begun, space.took


def encoding(ours: Ours, mark: str) -> tuple[float, float]:
    """Return the time of a core that a sound takes to be encoded, and its size on disk [bytes]."""
    unknown = Audio(ours.audio["a"].samples, mark)
    rendering = Rendering(ll.sound("a"), ours.spaces, lambda _: unknown)
    frames = np.arange(0, len(unknown.samples), 256) / rendering.frame
    before, begun = on_disk(), time.process_time()
    for part in np.array_split(frames, len(frames) // 64 + 1):
        rendering.drawn(part)
    took = time.process_time() - begun
    ours.spaces.encoder().flush()
    return took, on_disk() - before


def on_disk() -> int:
    """Return the size of all encodings [bytes]."""
    files = Path(os.environ["LATENTLIVE_CACHE"], "encodings").rglob("*")
    return sum(path.stat().st_size for path in files if path.is_file())


LAYER = ll.interp(ll.sound("a"), ll.sound("b"), ll.sine(BEATS)).extend(1.1)


def each_space(rounds: int, length: float) -> list[Row]:
    """Tell what each space costs: decoding, encoding, the first sound after an edit, memory."""
    rows, edits = [], list[float]()
    # What the others' first sound is compared with comes first.
    for name in sorted(NAMES, key=lambda name: name != "rawaudiovae"):
        say(f"the space {name}")
        space = Timed(ll.load_model(name))
        ours = Ours(cast("Any", space), *sounds_of(length))
        wanted = name != "rawaudiovae"
        decode = Row(f"{name}: decode, x real time a core", least=25.0 if wanted else None)
        whole = Row(f"{name}: layers, cached, x real time a core")
        encode = Row(f"{name}: encode, x real time a core", least=15.0 if wanted else None)
        edit = Row(f"{name}: first 100 ms, cached, of rawaudiovae's", most=1.5)
        kept = Row(f"{name}: a minute of recording encoded", unit=" MB")
        for i in range(rounds + 1):
            took, size = encoding(ours, f"{name} {i}")
            layers, decoded = live(ours, space)
            first = median(ours.edit() for _ in range(9))
            if i:  # the first round warms up
                edits.append(first)
                heard = VOICES * CHUNKS * CHUNK / RATE
                decode.values.append(heard / decoded)
                whole.values.append(heard / layers)
                encode.values.append(length / took)
                edit.values.append(first / median(edits[:rounds]))
                kept.values.append(size / 2**20 * 60 / length)
        decode.note = f"{VOICES} voices of {CHUNK} samples"
        edit.note = f"{median(edits[-rounds:]) * 1e3:.1f} ms"
        rows += [decode, whole, encode, edit, kept]
    return rows


def resident() -> float:
    """Return this process's resident memory [MB]."""
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def endless(early: float, late: float) -> tuple[float, float]:
    """Return the memory in use after some minutes of an endless expression, and after more."""
    ours = Ours(starter(), *sounds_of(30))
    texture = ll.interp(ll.sound("a"), ll.sound("b"), ll.sine(BEATS)).loop()
    rendering = Rendering(texture, ours.spaces, ours.find)
    step, position, seen = 43 * rendering.hop, 0, []
    for minutes in (early, late):
        while position < minutes * 60 * RATE:
            rendering.samples(position, position + step)
            position += step
        seen.append(resident())
    return seen[0], seen[1]


def memory(late: float) -> list[Row]:
    """Tell how memory grows while an endless expression is rendered, in a process of its own."""
    say(f"memory over {late:g} minutes of sound")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        before, after = pool.submit(endless, 1.0, late).result()
    note = f"{before:.0f} MB, {after:.0f} MB"
    what = f"memory after {late:g} min over 1 min of endless sound"
    return [Row(what, most=1.05, values=[after / before], note=note)]


def nesting(space: RawAudioVAE, rounds: int) -> list[Row]:
    """Tell how the time for an expression grows with the depth of its shared parts."""
    say("nested shared interps")
    ours = Ours(space, *sounds_of(10))

    def drawn(depth: int) -> float:
        latent = ll.interp(ll.sound("a"), ll.sound("b"), ll.sine(BEATS))
        for level in range(depth - 1):
            latent = ll.interp(latent, latent.spread(0.5), ll.sine(level + 2))
        rendering = Rendering(latent, ours.spaces, ours.find)
        return seconds(lambda: rendering.request(0, 43 * rendering.hop))

    row = Row("12 nested shared interps over 6", most=2.5)
    drawn(6), drawn(12)
    for _ in range(rounds * 4):
        six = median(drawn(6) for _ in range(5))
        twelve = median(drawn(12) for _ in range(5))
        row.values.append(twelve / six)
        row.note = f"{twelve * 1e3:.1f} ms"
    return [row]


def show(rows: list[Row]) -> None:
    """Print the table."""
    print(f"| {'what':58s} | {'measured':>9s} | {'target':>8s} | {'':4s} | {'':32s} |")
    print(f"|{'-' * 60}|{'-' * 10}:|{'-' * 9}:|{'-' * 6}|{'-' * 34}|")
    for row in rows:
        value = median(row.values)
        shown = f"{value:.0f}" if value >= 100 else f"{value:.2f}"
        measured = shown + row.unit
        print(
            f"| {row.what:58s} | {measured:>9s} | {row.target:>8s} | {row.verdict:4s} "
            f"| {row.note:32s} |"
        )


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Rounds that medians are taken over.")
@click.option("--quick", is_flag=True, help="Short inputs and two rounds: does it run at all?")
@click.option("--spaces", "only_spaces", is_flag=True, help="What each space costs, no more.")
def main(rounds: int, quick: bool, only_spaces: bool) -> None:
    """Measure rendering against the usual script."""
    torch.set_num_threads(1)
    length, minutes, late = (5.0, 1.0, 2.0) if quick else (30.0, 30.0, 10.0)
    rounds = min(rounds, 2) if quick else rounds
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LATENTLIVE_CACHE"] = folder
        space = starter()
        rows = each_space(rounds, length / 3)
        if only_spaces:
            show(rows)
            return
        rows += whole_renders(space, rounds, length)
        rows += decoding(space, rounds)
        rows += nesting(space, rounds)
        rows += memory(late)
        rows += long_inputs(space, rounds, minutes)
    show(rows)


if __name__ == "__main__":
    main()

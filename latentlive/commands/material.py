"""The commands `latentlive corpus` and `latentlive follow`, and their output."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from latentlive.commands.options import hub_at
from latentlive.corpus import Corpus
from latentlive.errors import LatentliveError, SoundError
from latentlive.ground.extras import lacking

if TYPE_CHECKING:
    from latentlive.machines import Hub


def corpus(
    folder: Path | None,
    seed: int | None = None,
    workers: int | None = None,
    plot: Path | None = None,
    planes: tuple[str, ...] = (),
    pair: tuple[str, str] | None = None,
    import_map: Path | None = None,
    audio: Path | None = None,
    cluster: str = "",
    tls: tuple[Path, Path, Path] | None = None,
) -> None:
    """Index a folder, or import a map; then draw it on request."""
    if plot is None and (planes or pair):
        raise LatentliveError("corpus: --plane and --path want --plot FILE")
    if plot is not None:
        if line := lacking("corpus", "corpus", "matplotlib"):
            raise LatentliveError(line)
        from latentlive.pictures import file_format

        file_format(plot)
    if cluster and (folder is None or import_map is not None):
        raise LatentliveError("corpus: --cluster is for a FOLDER that is to be indexed")
    if (seed is not None or workers is not None) and (folder is None or import_map is not None):
        made = "an imported map" if import_map is not None else "the map of the starter sounds"
        raise LatentliveError(
            f"corpus: --seed and --workers are for a FOLDER; {made} is made already"
        )
    if import_map is not None:
        if folder is not None:
            raise LatentliveError("corpus: --import-map stands alone; name the sounds by --audio")
        library, ending = imported(import_map, audio)
    elif audio is not None:
        raise LatentliveError("corpus: --audio belongs to --import-map")
    else:
        with hub_at(cluster, tls) as hub:
            library, ending = indexed(folder, seed or 0, workers, hub), ""
    if plot is not None:
        drawn(library, plot, planes, pair)
    if ending:
        click.echo(ending)


def indexed(folder: Path | None, seed: int, workers: int | None, hub: Hub | None = None) -> Corpus:
    """Index a folder and print the result."""
    from tqdm import tqdm

    from latentlive.mapping import make_map

    library = Corpus(folder)
    if folder is None:
        sounds = library.need_map().map
        click.echo(f"{len(sounds.seconds)} sounds, map {sounds.side} x {sounds.side}, built in")
        return library

    def bar(done: Iterable[Any], total: int) -> Iterable[Any]:
        shown: Iterable[Any] = tqdm(
            done, "listening", total, unit="sound", file=sys.stderr, disable=not total
        )
        return shown

    measuring = None
    if hub is not None:
        from latentlive.machines.working import measuring as measuring_on

        measuring = measuring_on(hub)
    made = make_map(library, seed, workers, bar, measuring)
    report = made.report
    for file, why in sorted(report.broken.items()):
        shown = why if file in why else f"{file}: {why}"
        click.echo(f"left out: {shown}", err=True)
    if report.interrupted:
        click.echo(f"interrupted: {made.sounds} sounds are kept; run it again to go on", err=True)
        sys.exit(130)
    if not made.side:
        raise SoundError(f"corpus: none of the sounds below {library.folder} can be read")
    if made.replaced:
        click.echo(f"this map replaces the one imported from {made.replaced}", err=True)
    click.echo(
        f"{made.sounds} sounds ({report.measured} new, {report.gone} gone, "
        f"{len(report.broken)} left out), map {made.side} x {made.side}: "
        f"quantisation error {made.quantisation:.3f}, topographic error {made.topographic:.3f}"
    )
    return library


def imported(folder: Path, audio: Path | None) -> tuple[Corpus, str]:
    """Read an existing map and make it the map of its sounds; return their agreement in a line."""
    from latentlive.corpus.importing import read_map, store_map

    found = read_map(folder)
    where = folder if audio is None else audio
    missing = store_map(found, where, folder)
    for file in missing:
        click.echo(f"missing: {file}", err=True)
    if missing:
        hint = "" if audio else "; name the folder of the sounds by --audio"
        click.echo(f"{len(missing)} files are not below {where}{hint}", err=True)
    library = Corpus(where)
    side = library.need_map().map.side
    click.echo(f"map {side} x {side}, served by --corpus {where}")
    return library, f"{found.equal} of {len(found.labels)} labels equal"


def drawn(
    library: Corpus, file: Path, planes: tuple[str, ...], pair: tuple[str, str] | None
) -> None:
    """Draw the map, or the way from one sound to another, and print the file's name."""
    from latentlive.pictures import plot_map, plot_path

    if pair is None:
        plot_map(library, file, planes)
    else:
        plot_path(library, file, *pair)
    click.echo(file)


def follow(
    movement: Path,
    columns: tuple[str, ...],
    sound: str,
    rate: float | None,
    window: float,
    model: Path | None,
    corpus: Path | None,
) -> None:
    """Print how much each column, and all together, explain of sound that was not learned from."""
    import latentlive as ll
    from latentlive.renderer import held_out

    curves = [ll.track(movement, int(name) if name.isdecimal() else name, rate) for name in columns]
    asked = [(name, [curve]) for name, curve in zip(columns, curves, strict=True)]
    asked += [("together", curves)] * (len(curves) > 1)
    width = max(len("columns"), *(len(name) for name, _ in asked))
    click.echo(f"{'columns':<{width}}  {'rows':>5}  {'seconds':>7}  explained")
    for name, some in asked:
        found = held_out(ll.follow(some, ll.sound(sound), window), model=model, corpus=corpus)
        click.echo(
            f"{name:<{width}}  {found.rows:>5}  {found.seconds:>7.1f}  {found.explained:>9.2f}"
        )

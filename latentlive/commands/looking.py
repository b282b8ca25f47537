"""Commands that look: at sounds, movements, devices, this machine."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import click

from latentlive.commands.options import clustered
from latentlive.commands.shell import FilePath
from latentlive.errors import DeviceError


@click.command()
@click.argument("folder", type=FilePath(), required=False)
@click.option("--seed", type=int, help="The seed of the map [0].")
@click.option("--workers", type=click.IntRange(1), help="Processes [one a core].")
@click.option("--plot", type=FilePath(), help="Draw the map, .png or .svg.")
@click.option("--plane", "planes", multiple=True, help="With --plot: a feature to draw.")
@click.option("--path", "pair", nargs=2, help="With --plot: two sounds and the way between.")
@click.option("--import-map", type=FilePath(), help="Read an existing map.")
@click.option("--audio", type=FilePath(), help="The sounds of that map.")
@clustered
def corpus(folder: Path | None, **options: Any) -> None:
    """Index a folder of sounds and make its map; nothing is written into the folder.

    latentlive corpus my/sounds --plot map.png

    Without FOLDER: the starter sounds, whose map is built in.
    """
    import latentlive.commands.material as material

    material.corpus(folder, **options)


@click.command()
@click.argument("movement", type=FilePath())
@click.argument("columns", nargs=-1, required=True)
@click.argument("sound")
@click.option("--rate", type=float, help="Rows a second, where the file gives no times.")
@click.option("--window", default=1.0, show_default=True, help="Seconds of movement at a time.")
@click.option("--model", type=FilePath(), help="A space's name or a model file [spectral].")
@click.option("--corpus", type=FilePath(), help="A folder of sounds [the starter sounds].")
def follow(movement: Path, columns: tuple[str, ...], sound: str, **options: Any) -> None:
    """Tell how much of a sound the columns of a movement explain: the last fifth is not learned.

    latentlive follow dance.csv hand_x hand_y dance.wav
    """
    import latentlive.commands.material as material

    material.follow(movement, columns, sound, **options)


@click.command()
def devices() -> None:
    """List the sound devices: those to play on, and those to listen to."""
    from latentlive.engine.output.devices import IN, OUT
    from latentlive.engine.output.probe import listed

    outputs = listed(OUT)
    try:
        inputs = listed(IN)
    except DeviceError as error:
        inputs = [str(error)]
    for line in ("--device:", *outputs, "--input:", *inputs):
        click.echo(line)


@click.command()
@click.option("--watch", is_flag=True, help="Print what arrives, with the word to type.")
def midi(watch: bool) -> None:
    """List the MIDI inputs and outputs."""
    from latentlive.engine.inputs.probe import listed, watched

    with contextlib.suppress(KeyboardInterrupt):
        for line in watched() if watch else listed():
            click.echo(line)


@click.command()
@click.option("--model", type=FilePath(), help="A space's name or a model file [spectral].")
@click.option("--device", default="", help="Output device, by name or number.")
@click.option("--prune", is_flag=True, help="Delete logs in the cache older than four weeks.")
@click.pass_context
def doctor(ctx: click.Context, model: Path | None, device: str, prune: bool) -> None:
    """Check what works on this machine, and name the remedy for each failure."""
    import latentlive.doctor as looked

    if prune:
        click.echo(looked.prune())
        return
    failed = False
    for finding in looked.examine(str(model) if model else None, device):
        click.echo(finding.line())
        failed = failed or finding.state == "fails"
    ctx.exit(int(failed))

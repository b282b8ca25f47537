"""Options that several commands have."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from latentlive.commands.shell import FilePath
from latentlive.errors import LatentliveError

if TYPE_CHECKING:
    from latentlive.machines import Hub

DEFAULT = ParameterSource.DEFAULT


def common(command: Any) -> Any:
    """Add the options that choose model, corpus, seed and tempo."""
    path = FilePath()
    for option in (
        click.option("--tempo", default=60.0, show_default=True, help="Beats per minute."),
        click.option("--seed", default=0, show_default=True, help="The seed of all chance."),
        click.option("--corpus", type=path, help="A folder of sounds [the starter sounds]."),
        click.option("--model", type=path, help="A space's name or a model file [spectral]."),
    ):
        command = option(command)
    return command


def live(command: Any) -> Any:
    """Add the options of a running engine."""
    for option in (
        click.option("--ahead", default=2.0, show_default=True, help="Seconds rendered ahead."),
        click.option("--block", default=512, show_default=True, help="Samples a device block."),
        click.option(
            "--latency",
            type=click.FloatRange(0.01, 1.0),
            default=0.1,
            show_default=True,
            help="Of the device, in seconds.",
        ),
        click.option("--osc", default="", metavar="[HOST:]PORT", help="Hear OSC there."),
        click.option("--stage", default="", metavar="[HOST:]PORT", help="Show a page there."),
        click.option("--public", is_flag=True, help="Let other machines see that page."),
        click.option("--channels", default=2, show_default=True, help="Output channels, even."),
        click.option("--input", default="", help="Sound input, by name or number."),
        click.option("--device", default="", help="Output device, by name or number."),
        click.option("--out", type=FilePath(), help="Write what is heard."),
        click.option("--log", type=FilePath(), help="Log it, .py; none is overwritten."),
    ):
        command = option(command)
    return common(command)


def prompted(command: Any) -> Any:
    """Add the options of a prompt."""
    on_exit = click.Choice(["keep", "fade"])
    for option in (
        click.option("--on-exit", type=on_exit, default="keep", help="What sounds, if killed."),
        click.option("--plain", is_flag=True, help="No line editor, no escape codes."),
        click.option("--theme", type=click.Choice(["dark", "light"]), default="dark"),
    ):
        command = option(command)
    return command


def clustered(command: Any) -> Any:
    """Add the options that hand the work to a cluster."""
    for option in (
        click.option(
            "--tls",
            nargs=3,
            type=FilePath(),
            metavar="CA CERT KEY",
            help="Files in PEM form, for a cluster at tls://.",
        ),
        click.option(
            "--cluster",
            default="",
            metavar="ADDRESS",
            help="Of a Dask scheduler, tcp://HOST:PORT: work there.",
        ),
    ):
        command = option(command)
    return command


@contextlib.contextmanager
def hub_at(cluster: str, tls: tuple[Path, Path, Path] | None) -> Iterator[Hub | None]:
    """Connect to a cluster, if one is asked for.

    Raises
    ------
    LatentliveError
        ``--tls belongs to --cluster``
    """
    from latentlive.renderer.frozen import Machines

    there = Machines.of(cluster, tls)
    if there is None:
        yield None
        return
    from latentlive.machines import Hub

    with Hub(*there, lambda line: click.echo(line, err=True)) as hub:
        yield hub


perform_option = click.option(
    "--perform", is_flag=True, help="Run the code of the log anew, edited or not, in real time."
)


def leave_to_the_log(ctx: click.Context) -> None:
    """Refuse options that a log decides, instead of ignoring them.

    Raises
    ------
    LatentliveError
        ``replay: the log has its own --tempo; leave it out``
    """
    for name in ("tempo", "seed", "channels"):
        if ctx.get_parameter_source(name) is not DEFAULT:
            raise LatentliveError(f"{ctx.info_name}: the log has its own --{name}; leave it out")

"""Commands that write a file: samples, a model."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from latentlive.commands.options import DEFAULT, clustered, common, hub_at
from latentlive.commands.shell import FilePath, shown
from latentlive.errors import ExpressionError, LatentliveError
from latentlive.ground.extras import lacking


def knobs(given: tuple[str, ...]) -> dict[str | int, float]:
    """Return the values of live curves, as ``--start`` gives them.

    Raises
    ------
    ExpressionError
        ``--start: write NAME=VALUE such as sea=0.7, got 'sea'``
    """
    found: dict[str | int, float] = {}
    for one in given:
        name, _, value = one.rpartition("=")
        try:
            found[int(name) if name.isdecimal() else name] = float(value)
        except ValueError:
            name = ""
        if not name:
            raise ExpressionError(f"--start: write NAME=VALUE such as sea=0.7, got {one!r}")
    return found


@click.command()
@click.argument("expression")
@click.option("-o", "--output", type=FilePath(), required=True, help="The file.")
@common
@click.option("--seconds", type=float, help="How much; needed for what never ends.")
@click.option("--start", multiple=True, metavar="KNOB=VALUE", help="Where a knob stands.")
@click.option("--tape", type=FilePath(), help="A log whose knobs it follows.")
@clustered
def render(
    expression: str,
    output: Path,
    model: Path | None,
    corpus: Path | None,
    seed: int,
    tempo: float,
    seconds: float | None,
    start: tuple[str, ...],
    tape: Path | None,
    cluster: str,
    tls: tuple[Path, Path, Path] | None,
) -> None:
    """Write an expression's samples to a file, and its name to standard output.

    latentlive render 'interp(sound("gong"), sound("rain"), sine(8)).extend(4)' -o out.wav
    """
    from tqdm import tqdm

    from latentlive.ground.claims import Claims, moved
    from latentlive.latent import freezing_by
    from latentlive.prompt.typed import evaluate
    from latentlive.renderer.freezing import Here
    from latentlive.renderer.offline import file_format, prepare, render_file

    file_format(output)
    if cluster and tape is not None:
        raise LatentliveError("render: --tape is followed here; leave out --cluster")
    with hub_at(cluster, tls) as hub:
        away = None
        if hub is not None:
            from latentlive.machines.working import Stretches

            away = Stretches(hub, os.fspath(model or ""))
        elsewhere = None if away is None else away.frozen
        with freezing_by(Here(model, corpus, seed, tempo, elsewhere)):
            texture = evaluate(expression)
        told: dict[str, Any] = {"model": model, "corpus": corpus, "seed": seed, "tempo": tempo}
        rendering, total = prepare(texture, seconds, start=knobs(start), **told)
        if tape is not None:
            from latentlive.engine.log.logbook import tapes_of

            rendering.listen(tapes_of(tape, rendering.rate), 0, 0)
        with Claims("render") as claims:
            file = claims.file(output)
            if file != output:
                click.echo(moved("render", output, file), err=True)
            blocks = None
            if away is not None:
                blocks = away.rendered(rendering, total, seed, tempo, knobs(start))
            with tqdm(total=total, unit="sample", unit_scale=True, file=sys.stderr) as bar:
                render_file(file, rendering, total, bar.update, blocks)
    click.echo(file)


@click.command()
@click.argument("folder", type=FilePath())
@click.option("-o", "--output", type=FilePath(), required=True, help="The model.")
@click.option("--minutes", type=click.FloatRange(0, min_open=True), help="How long to train.")
@click.option("--epochs", type=click.IntRange(1), help="How often to go through all sounds.")
@click.option(
    "--recipe", type=click.Choice(["clean", "bright", "paper"]), help="Of windows [clean]."
)
@click.option(
    "--architecture",
    type=click.Choice(["rawaudiovae", "levelvae", "spectralvae"]),
    default="rawaudiovae",
    show_default=True,
)
@click.option("--batch", type=click.IntRange(4), help="Windows at a time [the recipe's].")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--resume", is_flag=True, help="Go on where a training of this model stopped.")
def train(
    folder: Path,
    output: Path,
    minutes: float | None,
    epochs: int | None,
    recipe: str | None,
    architecture: str,
    batch: int | None,
    seed: int,
    resume: bool,
) -> None:
    """Train a model on a folder of recordings.

    Beside the model: a preview to hear, a picture to see, and the state for --resume. Ctrl-C keeps
    the best model so far. Without --minutes or --epochs it takes 5 minutes, a spectralvae 6, paper
    500 epochs. Under torchrun the same command shares the work among processes and machines.
    """
    from tqdm import tqdm

    if minutes is not None and epochs is not None:
        raise click.UsageError("give --minutes or --epochs, not both")
    given = click.get_current_context().get_parameter_source
    fixed = [n for n in ("recipe", "architecture", "batch", "seed") if given(n) is not DEFAULT]
    if resume and fixed:
        raise click.UsageError(f"--resume keeps what was chosen; leave out --{fixed[0]}")
    if line := lacking("train", "train", "torch", "matplotlib"):
        raise LatentliveError(line)

    from latentlive.learning import train_folder
    from latentlive.models.recipes import RECIPES, TrainingPlan

    spectral = architecture == "spectralvae"
    if spectral and recipe is not None:
        raise click.UsageError("--recipe is for windows; a spectralvae has one of its own")
    chosen = RECIPES["spectral" if spectral else recipe or "clean"]
    chosen = replace(chosen, batch=batch or chosen.batch)
    plan = TrainingPlan(chosen, architecture, minutes=minutes, epochs=epochs, seed=seed)
    form = "{percentage:3.0f}% |{bar}| {elapsed} < {remaining}{postfix}"
    leads = os.environ.get("RANK", "0") == "0"
    with tqdm(total=1.0, bar_format=form, file=sys.stderr, disable=not leads) as bar:

        def show(look: Any) -> None:
            bar.n = look.part
            told = f" loss {look.loss:.6f}"
            if look.held_out is not None:
                told += f", held out {look.held_out:.1f} dB"
            bar.set_postfix_str(told, refresh=False)
            bar.update(0)

        train_folder(
            folder,
            output,
            plan,
            resume=resume,
            show=show,
            say=lambda line: bar.write(line, file=sys.stderr),
        )
    if leads:
        click.echo(output)


@click.command("import")
@click.argument("file", type=FilePath())
@click.option("-o", "--output", type=FilePath(), required=True, help="The model.")
@click.option("--rate", type=click.IntRange(8000, 192_000), help="Its rate, if it says none [Hz].")
@click.option("--mean", type=float, help="Of the samples that it learnt from, if standardised.")
@click.option(
    "--std", type=click.FloatRange(0, min_open=True), help="Of the samples that it learnt from."
)
@click.option("--licence", help="A note on how it may be used [that of a file beside it].")
def import_(file: Path, output: Path, **given: Any) -> None:
    """Read another program's model and write a model file that plays.

    latentlive import darbouka.ts -o darbouka.safetensors

    RAVE and whatever nn~ plays (.ts), Latent Timbre Synthesis, RAMFEM, Colonel and Keene's
    autoencoders, MelGAN vocoders, and the original RawAudioVAE. It says what it found and what
    cannot be done with it. Nothing in the file is trusted.
    """
    from latentlive.models.importing import Given, import_model

    for line in import_model(file, output, Given(**given)):
        click.echo(shown(line), err=True)
    click.echo(output)

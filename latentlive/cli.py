"""The command line."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from latentlive.errors import ExpressionError, LatentliveError, printable, reason
from latentlive.ground.files import can_be_called

if TYPE_CHECKING:
    from latentlive.protocol.address import OnExit


class OneLine(click.Group):
    """Commands whose expected errors are one line on standard error."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        stand_somewhere()
        mend_streams()
        try:
            return super().invoke(ctx)
        except LatentliveError as error:
            raise click.ClickException(shown(str(error))) from None
        except OSError as error:
            raise click.ClickException(shown(reason(error))) from None


def shown(said: str) -> str:
    """Return lines without terminal control codes: files may hold anything."""
    return "\n".join(map(printable, said.splitlines()))


class FilePath(click.Path):
    """A path that a file can have."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path; refuse a name that no file can have before anything starts."""
        if not can_be_called(os.fspath(value)):
            assert param is not None
            option = isinstance(param, click.Option)
            place = param.opts[0] if option else param.human_readable_name
            raise click.ClickException(f"{place}: no file can be called {os.fspath(value)!r}")
        return super().convert(value, param, ctx)


def stand_somewhere() -> None:
    """Move to the home folder if the working folder was removed."""
    try:
        os.getcwd()
    except OSError:
        os.chdir(Path.home())
        click.echo(f"the working folder is gone: this is {Path.home()}", err=True)


def mend_streams() -> None:
    """Make the streams accept invalid text, and closed output: neither ends a command."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=errors)


def standard_input() -> str:
    """Return the piped text, empty if standard input is closed."""
    return sys.stdin.read() if sys.stdin else ""


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
        click.option("--channels", default=2, show_default=True, help="Output channels, even."),
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


perform_option = click.option(
    "--perform", is_flag=True, help="Run the code of the log anew, edited or not, in real time."
)


@click.group(cls=OneLine, invoke_without_command=True)
@prompted
@live
@click.version_option(package_name="latentlive")
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Live-code textures out of a neural audio latent space.

    Without a command: the prompt, with sound on. Options before a command apply to it.
    """
    if ctx.invoked_subcommand is None:
        prompt(options)
    else:
        hand_on(ctx, ctx.invoked_subcommand)


def hand_on(ctx: click.Context, name: str) -> None:
    """Pass options given before a command on to it, if it has them.

    Raises
    ------
    LatentliveError
        ``send has no --seed; latentlive send --help lists what it has``
    """
    own = {opt: param.name for param in main.commands[name].params for opt in param.opts}
    handed = {}
    for param in ctx.command.params:
        if param.name and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE:
            option = param.opts[0]
            if option not in own:
                raise LatentliveError(
                    f"{name} has no {option}; latentlive {name} --help lists what it has"
                )
            handed[own[option]] = ctx.params[param.name]
    ctx.default_map = {name: handed}  # where a command looks for options that it was not given


def prompt(options: dict[str, Any]) -> None:
    """Open the prompt, and a new engine beside it."""
    from latentlive.prompt.opening import open_prompt

    looks = {name: options.pop(name) for name in ("plain", "theme")}

    def start(**more: Any) -> Any:
        from latentlive.client import Engine

        return Engine(**options, **more)

    open_prompt(start, **looks)


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


@main.command()
@click.argument("session")
@live
@click.option("--seconds", type=float, help="End there at the latest.")
@click.option("--silent", is_flag=True, help="Open no device; with --out, only write.")
@click.pass_context
def play(
    context: click.Context,
    /,
    session: str,
    seconds: float | None,
    out: Path | None,
    **options: Any,
) -> None:
    """Play a session file, or a shipped session by its name.

    A cell that fails costs itself alone; the exit status is 1 then.
    """
    from latentlive.client import Engine
    from latentlive.prompt.recital import play as play_session
    from latentlive.prompt.screen import Screen
    from latentlive.prompt.session import find_session
    from latentlive.protocol.requests import RecordTo

    path = find_session(session)
    screen = Screen()
    failed: list[str] = []

    def tell(line: str) -> None:
        failed.append(line)
        screen.say(line)

    with Engine(**options, out=out, hold=True, say=screen.say) as engine:
        engine.corpus.prepare()
        device = engine.wait_for_device()
        if unheard := device is None and out is None:
            out = Path(f"{path.stem}.flac")
            engine.request(RecordTo(os.path.abspath(out), whole=True))
        if out is not None and engine.state.get("out"):
            out = out.with_name(Path(engine.state["out"]).name)  # it may have a number by now
        if unheard:
            screen.say(f"writing what would be heard to {out}")
        try:
            play_session(engine, path, seconds, screen.show, screen.say, tell)
        except KeyboardInterrupt:
            screen.say("fading out")
        screen.say(f"the log of it is {engine.log}")
    if out is not None:
        click.echo(out)
    click.echo(f"open the prompt: {os.path.relpath(sys.argv[0])}", err=True)
    if failed or engine.state.get("refused"):
        context.exit(1)


@main.command()
@click.argument("path", metavar="LOG", type=FilePath())
@live
@click.option("--from", "begin", default="0", help="Begin there: 12:00, 90 (seconds), 72b (beats).")
@click.option("--silent", is_flag=True, help="Open no device; with --out, only write.")
@perform_option
@click.pass_context
def replay(
    context: click.Context, /, path: Path, begin: str, perform: bool, **options: Any
) -> None:
    """Play a logged performance again, with the same samples, without running its code.

    latentlive replay evening.py --from 12:00
    """
    from latentlive.client import Engine
    from latentlive.engine.log.logbook import opened, sample_at, session_of
    from latentlive.prompt.screen import Screen

    if perform:
        context.invoke(play, session=str(session_of(path)), seconds=None, **options)
        return
    leave_to_the_log(context)
    performance = opened(path, options["corpus"])
    screen = Screen()
    first = sample_at(begin, performance)
    with Engine(**options, replay=performance.path, begin=first, say=screen.say) as engine:
        try:
            # Layers left sounding by a crash never fall silent by themselves.
            while not engine.ended and engine.state.get("replaying", True):
                time.sleep(0.1)
                screen.show(engine.state)
        except KeyboardInterrupt:
            screen.say("fading out")


@main.command()
@click.argument("path", metavar="LOG", type=FilePath())
@click.option("-o", "--output", type=FilePath(), required=True, help="The file.")
@click.option("--stems", type=FilePath(), help="A folder for each layer alone.")
@click.option("--from", "begin", default="0", help="Begin there: 12:00, 90 (seconds), 72b (beats).")
@click.option("--to", "end", help="End there [the end of the performance].")
@click.option("--corpus", type=FilePath(), help="Where its sounds are.")
@click.option("--model", type=FilePath(), help="Where its model is.")
@perform_option
@click.pass_context
def bounce(
    context: click.Context,
    /,
    path: Path,
    output: Path,
    stems: Path | None,
    begin: str,
    end: str | None,
    corpus: Path | None,
    model: Path | None,
    perform: bool,
) -> None:
    """Render a logged performance faster than it was played: the same samples.

    latentlive bounce evening.py -o evening.flac --stems stems
    """
    if perform:
        from latentlive.engine.log.logbook import session_of

        session = str(session_of(path))
        context.invoke(play, session=session, out=output, silent=True, corpus=corpus, model=model)
        return
    from latentlive.engine.log.bounced import bounce_file

    click.echo(bounce_file(path, output, begin, end, stems, corpus, model))


@main.command()
@click.argument("path", metavar="LOG", type=FilePath(), required=False)
@prompted
@live
@click.pass_context
def resume(context: click.Context, /, path: Path | None, **options: Any) -> None:
    """Bring back the layers of a run that crashed, and open the prompt on them."""
    from latentlive.engine.log.performance import Performance
    from latentlive.engine.log.resume import check_left, crashed

    leave_to_the_log(context)
    path = path or crashed()
    check_left(Performance(path))
    click.echo(f"resuming {path}", err=True)
    prompt({**options, "resume": path})


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


@main.command()
@click.argument("expression")
@click.option("-o", "--output", type=FilePath(), required=True, help="The file.")
@common
@click.option("--seconds", type=float, help="How much; needed for what never ends.")
@click.option("--start", multiple=True, metavar="KNOB=VALUE", help="Where a knob stands.")
@click.option("--tape", type=FilePath(), help="A log whose knobs it follows.")
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
    with freezing_by(Here(model, corpus, seed, tempo)):
        texture = evaluate(expression)
    rendering, total = prepare(
        texture, seconds, model=model, corpus=corpus, seed=seed, tempo=tempo, start=knobs(start)
    )
    if tape is not None:
        from latentlive.engine.log.logbook import tapes_of

        rendering.listen(tapes_of(tape, rendering.rate), 0, 0)
    claims = Claims("render")
    file = claims.file(output)
    if file != output:
        click.echo(moved("render", output, file), err=True)
    try:
        with tqdm(total=total, unit="sample", unit_scale=True, file=sys.stderr) as bar:
            render_file(file, rendering, total, bar.update)
    except BaseException:  # Ctrl-C too: leave no empty file, then re-raise
        claims.withdraw()
        raise
    click.echo(file)


@main.command()
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


@main.command("import")
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


@main.command()
@prompted
def attach(on_exit: OnExit, **looks: Any) -> None:
    """Open a prompt on the last started engine that still runs."""
    from latentlive.client import Engine
    from latentlive.prompt.opening import open_prompt

    def told(engine: Engine) -> str:
        return (
            "the engine plays on, but names that were imported or assigned before are gone; what "
            f"was typed is in its log: load({engine.log!r})"
        )

    open_prompt(partial(Engine.attach, on_exit=on_exit), told=told, **looks)


@main.command()
@click.argument("place", metavar="[FILE:LINE | FILE | -]")
def send(place: str) -> None:
    """Run a cell of a file, or standard input, in the open prompt.

    latentlive send evening.py:12
    """
    from latentlive.prompt.editors import chosen
    from latentlive.prompt.editors import send as send_cell

    answer = send_cell(*chosen(place, standard_input))
    if answer["op"] == "error":
        file, line = answer.get("file"), answer.get("line")
        said = str(answer["error"])
        if file and line:
            said = f"{file}:{line}: {said.removeprefix(f'line {line}: ')}"
        raise click.ClickException(said)
    if answer["result"]:
        click.echo(answer["result"])


@main.command()
def panic() -> None:
    """Silence every running engine at once, from any terminal."""
    import latentlive.client.emergency as emergency

    if told := emergency.panic():
        click.echo(told, err=True)


@main.command()
@click.option("--fade", default=1.0, show_default=True, help="Seconds.")
@click.option("--all", "everything", is_flag=True, help="Every engine, not only the last one.")
def stop(fade: float, everything: bool) -> None:
    """Fade out and end the last started engine, from any terminal."""
    import latentlive.client.emergency as emergency

    if told := emergency.stop(fade, everything):
        click.echo(told, err=True)


@main.command()
@click.argument("folder", type=FilePath(), required=False)
@click.option("--seed", type=int, help="The seed of the map [0].")
@click.option("--workers", type=click.IntRange(1), help="Processes [one a core].")
@click.option("--plot", type=FilePath(), help="Draw the map, .png or .svg.")
@click.option("--plane", "planes", multiple=True, help="With --plot: a feature to draw.")
@click.option("--path", "pair", nargs=2, help="With --plot: two sounds and the way between.")
@click.option("--import-map", type=FilePath(), help="Read an existing map.")
@click.option("--audio", type=FilePath(), help="The sounds of that map.")
def corpus(folder: Path | None, **options: Any) -> None:
    """Index a folder of sounds and make its map; nothing is written into the folder.

    latentlive corpus my/sounds --plot map.png

    Without FOLDER: the starter sounds, whose map is built in.
    """
    import latentlive.commands as commands

    commands.corpus(folder, **options)


@main.command()
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
    import latentlive.commands as commands

    commands.follow(movement, columns, sound, **options)


@main.command()
def devices() -> None:
    """List the sound devices for output."""
    from latentlive.engine.output.probe import listed

    for line in listed():
        click.echo(line)


@main.command()
@click.option("--watch", is_flag=True, help="Print what arrives, with the word to type.")
def midi(watch: bool) -> None:
    """List the MIDI inputs and outputs."""
    from latentlive.engine.inputs.probe import listed, watched

    with contextlib.suppress(KeyboardInterrupt):
        for line in watched() if watch else listed():
            click.echo(line)


@main.command()
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


if __name__ == "__main__":
    main()

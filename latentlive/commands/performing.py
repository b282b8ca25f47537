"""Commands that play: sessions, logs, a prompt, and what ends them."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import click

from latentlive.commands.options import (
    clustered,
    hub_at,
    leave_to_the_log,
    live,
    perform_option,
    prompted,
)
from latentlive.commands.shell import FilePath, standard_input
from latentlive.commands.showing import show, take_stage
from latentlive.errors import LatentliveError


def prompt(options: dict[str, Any]) -> None:
    """Open the prompt, and a new engine beside it."""
    from latentlive.prompt.opening import open_prompt

    looks = {name: options.pop(name) for name in ("plain", "theme")}
    page = take_stage(options)

    def start(**more: Any) -> Any:
        from latentlive.client import Engine

        engine = Engine(**options, **more)
        show(engine, *page)
        return engine

    open_prompt(start, **looks)


@click.command()
@click.argument("session")
@clustered
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

    page, path = take_stage(options), find_session(session)
    screen = Screen()
    failed: list[str] = []

    def tell(line: str) -> None:
        failed.append(line)
        screen.say(line)

    with Engine(**options, out=out, hold=True, say=screen.say) as engine:
        engine.corpus.prepare()
        show(engine, *page)
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


@click.command()
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
    page = take_stage(options)
    performance = opened(path, options["corpus"])
    screen = Screen()
    first = sample_at(begin, performance)
    with Engine(**options, replay=performance.path, begin=first, say=screen.say) as engine:
        show(engine, *page)
        try:
            # Layers left sounding by a crash never fall silent by themselves.
            while not engine.ended and engine.state.get("replaying", True):
                time.sleep(0.1)
                screen.show(engine.state)
        except KeyboardInterrupt:
            screen.say("fading out")


@click.command()
@click.argument("path", metavar="LOG", type=FilePath())
@click.option("-o", "--output", type=FilePath(), required=True, help="The file.")
@click.option("--stems", type=FilePath(), help="A folder for each layer alone.")
@click.option("--from", "begin", default="0", help="Begin there: 12:00, 90 (seconds), 72b (beats).")
@click.option("--to", "end", help="End there [the end of the performance].")
@click.option("--corpus", type=FilePath(), help="Where its sounds are.")
@click.option("--model", type=FilePath(), help="Where its model is.")
@click.option(
    "--loudness", type=click.FloatRange(-60, -5), help="Of all, in LUFS [as it was heard]."
)
@clustered
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
    loudness: float | None,
    perform: bool,
    cluster: str,
    tls: tuple[Path, Path, Path] | None,
) -> None:
    """Render a logged performance faster than it was played: the same samples.

    latentlive bounce evening.py -o evening.flac --stems stems
    """
    if perform:
        if loudness is not None:
            raise LatentliveError("bounce: --loudness is for a log that is not performed anew")
        if cluster:
            raise LatentliveError("bounce: --cluster is for a log that is not performed anew")
        from latentlive.engine.log.logbook import session_of

        session = str(session_of(path))
        context.invoke(play, session=session, out=output, silent=True, corpus=corpus, model=model)
        return
    from latentlive.engine.log.bounced import bounce_file

    with hub_at(cluster, tls) as hub:
        elsewhere = None
        if hub is not None:
            from latentlive.machines.working import SpreadBounce

            elsewhere = partial(SpreadBounce, hub)
        click.echo(bounce_file(path, output, begin, end, stems, corpus, model, loudness, elsewhere))


@click.command()
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


@click.command()
@clustered
@prompted
def attach(plain: bool, theme: str, **where: Any) -> None:
    """Open a prompt on the last started engine that still runs."""
    from latentlive.client import Engine
    from latentlive.prompt.opening import open_prompt

    def told(engine: Engine) -> str:
        return (
            "the engine plays on, but names that were imported or assigned before are gone; what "
            f"was typed is in its log: load({engine.log!r})"
        )

    open_prompt(partial(Engine.attach, **where), plain=plain, theme=theme, told=told)


@click.command()
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


@click.command()
def panic() -> None:
    """Silence every running engine at once, from any terminal."""
    import latentlive.client.emergency as emergency

    if told := emergency.panic():
        click.echo(told, err=True)


@click.command()
@click.option("--fade", default=1.0, show_default=True, help="Seconds.")
@click.option("--all", "everything", is_flag=True, help="Every engine, not only the last one.")
def stop(fade: float, everything: bool) -> None:
    """Fade out and end the last started engine, from any terminal."""
    import latentlive.client.emergency as emergency

    if told := emergency.stop(fade, everything):
        click.echo(told, err=True)

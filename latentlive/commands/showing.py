"""The stage view: a page on a running engine, or beside what a command plays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from latentlive.errors import LatentliveError

if TYPE_CHECKING:
    from latentlive.client import Engine


def take_stage(options: dict[str, Any]) -> tuple[str, bool]:
    """Take the options of the stage view out of a command's; check them first.

    Raises
    ------
    LatentliveError
        If the place is none, or other machines reach it and were not let in.
    """
    given, public = options.pop("stage"), options.pop("public")
    if public and not given:
        raise LatentliveError("--public is for the page of --stage [HOST:]PORT")
    if given:
        from latentlive.stage.access import Access, place

        Access(public).check(place(given, public)[0])
    return given, public


def show(engine: Engine, given: str, public: bool) -> None:
    """Show an engine at ``[HOST:]PORT``, if that was asked for."""
    if given:
        from latentlive.stage.access import place

        host, port = place(given, public)
        try:
            engine.stage(port=port, host=host, public=public, browser=False)
        except LatentliveError as error:  # a port that is taken is no reason to be silent
            engine.tell(str(error))


@click.command()
@click.argument("place", metavar="[[HOST:]PORT]", default="0")
@click.option("--public", is_flag=True, help="Let other machines see the page.")
@click.option("--panels", default="", help="What is shown: map,layers,plan,code [all].")
@click.option("--theme", type=click.Choice(["dark", "light"]), help="[as the browser's]")
@click.option("--size", default=1.0, show_default=True, help="Of letters.")
@click.option("--offset", default=0.0, show_default=True, help="Seconds later than the sound.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def stage(
    place: str,
    public: bool,
    panels: str,
    theme: str | None,
    size: float,
    offset: float,
    no_browser: bool,
) -> None:
    """Show the engine that was started last on one page, until it ends or Ctrl-C."""
    import contextlib
    import webbrowser

    from latentlive.client.showing import chosen, screen_is_there
    from latentlive.stage import access as gate
    from latentlive.stage.main import Stage, urls

    host, port = gate.place(place, public)
    allowed = gate.Access(public)
    allowed.check(host)
    names = tuple(filter(None, panels.split(",")))
    shown = chosen(names, theme or "", size, offset)

    def begun(port: int) -> None:
        own, looks = urls(allowed, host, port)
        click.echo(f"the stage view is at {own}", err=True)
        if public:
            click.echo(f"others see it, and only see it, at {looks}", err=True)
        if not no_browser and screen_is_there():
            with contextlib.suppress(webbrowser.Error, OSError):
                webbrowser.open(own)

    view = Stage(allowed)
    view.board.show = shown
    with contextlib.suppress(KeyboardInterrupt):
        view.serve(host, port, begun)

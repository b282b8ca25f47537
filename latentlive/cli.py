"""The command line."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from latentlive.commands import looking, making, performing, showing, snippets
from latentlive.commands.options import clustered, live, prompted
from latentlive.commands.shell import OneLine
from latentlive.errors import LatentliveError


@click.group(cls=OneLine, invoke_without_command=True)
@prompted
@clustered
@live
@click.version_option(
    package_name="latentlive", message="%(prog)s %(version)s", prog_name="latentlive"
)
@click.pass_context
def main(ctx: click.Context, /, **options: Any) -> None:
    """Live-code textures out of a neural audio latent space.

    Without a command: the prompt, with sound on. Options before a command apply to it.
    """
    if ctx.invoked_subcommand is None:
        performing.prompt(options)
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


for command in (
    performing.play,
    performing.replay,
    performing.bounce,
    performing.resume,
    performing.attach,
    performing.send,
    showing.stage,
    performing.panic,
    performing.stop,
    making.render,
    making.train,
    making.import_,
    looking.corpus,
    looking.follow,
    looking.devices,
    looking.midi,
    looking.doctor,
    snippets.editors,
):
    main.add_command(command)


if __name__ == "__main__":
    main()

"""What editors need to run cells in the prompt: files that are shipped, and where each goes."""

from __future__ import annotations

from typing import NamedTuple

import click

from latentlive.errors import LatentliveError, did_you_mean


class Snippet(NamedTuple):
    """A file for an editor."""

    file: str
    goes: str


SNIPPETS = {
    "vim": Snippet("latentlive.vim", ">> ~/.vimrc"),
    "vscode": Snippet("tasks.json", "> .vscode/tasks.json"),
    "vscode-keys": Snippet("keybindings.json", "into Preferences: Open Keyboard Shortcuts (JSON)"),
    "emacs": Snippet("latentlive.el", ">> ~/.emacs.d/init.el"),
    "jupyter": Snippet("magic.py", "into a notebook's first cell"),
}


def snippet(name: str) -> str:
    """Return the text of an editor's file.

    Raises
    ------
    LatentliveError
        ``editors: no snippet for 'vmi' (vim, vscode, ...); did you mean 'vim'?``
    """
    from latentlive.prompt.session import shipped

    if name not in SNIPPETS:
        known = ", ".join(SNIPPETS)
        hint = did_you_mean(name, SNIPPETS)
        raise LatentliveError(f"editors: no snippet for {name!r} ({known}){hint}")
    found = [folder / SNIPPETS[name].file for folder in shipped("editors")]
    return next(file for file in found if file.is_file()).read_text(encoding="utf-8")


@click.command()
@click.argument("name", required=False)
def editors(name: str | None) -> None:
    """Print what an editor needs to run cells in the open prompt.

    latentlive editors vim >> ~/.vimrc

    Without NAME: list what there is, and where it goes.
    """
    if name is not None:
        click.echo(snippet(name), nl=False)
        return
    width = max(map(len, SNIPPETS))
    for one, (_, goes) in SNIPPETS.items():
        click.echo(f"latentlive editors {one:<{width}}  {goes}")

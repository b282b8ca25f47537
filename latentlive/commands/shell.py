"""What all commands share: errors in one line, streams that take any text, paths."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import Any

import click

from latentlive.errors import LatentliveError, printable, reason
from latentlive.ground.files import can_be_called


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

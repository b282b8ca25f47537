"""Names that no file can have, given to every word and command that takes a path: one line each."""

from __future__ import annotations

import re

import click
import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from latentlive.cli import main
from latentlive.errors import LatentliveError
from tests.prompting import console

NAMES = {
    "long": "x" * 300 + ".wav",
    "in a long folder": "y" * 300 + "/x.wav",
    "with a NUL": "a\0b.wav",
    "a folder": "folder",
    "no text": "\udcff.wav",
    "empty": "",
    "above": "..",
}
WORDS = [
    "sound({})",
    "d1 >> sound({})",
    "d1 >> sound('tone').on({})",
    "near(sound({}), 2)",
    "load({})",
    "record({})",
    "record('a.wav', stems={})",
    "bounce(0, 1, {})",
    "corpus.audition({})",
    "corpus.find({})",
    "ll.render(sound({}), model='toy', corpus='.')",
    "ll.load_model({})",
    "ll.Corpus({})",
]
COMMANDS = [
    "render silence --seconds 1 --model toy -o NAME",
    "render silence --seconds 1 -o o.wav --model NAME",
    "render silence --seconds 1 -o o.wav --model toy --corpus NAME",
    "play NAME --silent --seconds 1",
    "replay NAME",
    "bounce NAME -o b.wav",
    "bounce tone.py -o NAME",
    "send NAME:1",
    "corpus --import-map NAME",
    "corpus folder --plot NAME",
    "train folder -o NAME",
    "doctor --model NAME",
]
REFUSED = ("long", "in a long folder", "with a NUL", "empty")
"""The names that no system has."""

RAW = re.compile(r"Traceback|Errno|OSError|ValueError|RuntimeError|TypeError")


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    soundfile.write("tone.wav", np.full(9000, 0.1), 44100)
    return tmp_path


@pytest.mark.parametrize("word", WORDS)
def test_a_word_refuses_a_name_that_no_file_can_have_in_one_line(place, word):
    typed, engine = console()
    typed.run("import latentlive as ll")
    engine.asked.clear()
    for name in NAMES.values():
        answer = typed.run(word.format(repr(name)))
        assert "\n" not in answer.error
        assert not RAW.search(answer.error), answer.error
    assert not any(place.glob("*.wav.*"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_a_name_that_no_file_can_have_in_one_line(place, command):
    for kind, name in NAMES.items():
        told = CliRunner().invoke(main, [part.replace("NAME", name) for part in command.split(" ")])
        assert told.exception is None or isinstance(told.exception, SystemExit), (kind, told)
        assert not RAW.search(told.output.replace(name or "\0", "")), told.output
        assert told.exit_code != 0 or kind not in REFUSED, told.output


IMPOSSIBLE = ["", "a\0b.wav", "a\ud800.wav"]
PLACES = [
    (command.name, param)
    for command in main.commands.values()
    for param in command.params
    if isinstance(param.type, click.Path)
]


@pytest.mark.parametrize("name", IMPOSSIBLE)
@pytest.mark.parametrize(("command", "param"), PLACES, ids=lambda v: getattr(v, "name", v))
def test_every_path_of_every_command_refuses_what_no_file_can_be_called(
    place, monkeypatch, command, param, name
):
    begun = []
    monkeypatch.setattr(main.commands[command], "callback", lambda **_: begun.append(command))
    names = [name] * param.nargs
    given = names if isinstance(param, click.Argument) else [param.opts[0], *names]
    told = CliRunner().invoke(main, [command, *given])
    where = param.human_readable_name if isinstance(param, click.Argument) else param.opts[0]
    assert told.exit_code == 1
    assert told.stderr == f"Error: {where}: no file can be called {name!r}\n"
    assert not begun


def test_a_path_of_the_prompt_itself_is_refused_too(place):
    told = CliRunner().invoke(main, ["--log", ""])
    assert (told.exit_code, told.stderr) == (1, "Error: --log: no file can be called ''\n")


def test_a_rendered_file_is_not_written_over(place):
    options = ["--model", "toy", "--corpus", ".", "-o", "x.wav"]
    command = ["render", "sound('tone').spread(0)", *options]
    told = [CliRunner().invoke(main, command) for _ in range(2)]
    assert [one.stdout for one in told] == ["x.wav\n", "x-2.wav\n"]
    assert "render: x.wav is there already; this is x-2.wav" in told[1].stderr
    assert (place / "x.wav").read_bytes() == (place / "x-2.wav").read_bytes()


def test_a_rendering_that_fails_leaves_no_file(place, monkeypatch):
    def fail(*_):
        raise LatentliveError("the decoder failed")

    monkeypatch.setattr("latentlive.renderer.offline.render_blocks", fail)
    command = "render silence --seconds 1 --model toy -o x.wav"
    told = CliRunner().invoke(main, command.split())
    assert (told.exit_code, told.stderr.splitlines()[-1]) == (1, "Error: the decoder failed")
    assert not list(place.glob("*x*"))

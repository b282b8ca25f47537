"""The pages say what works: every code block of ``README.md`` and ``docs/*.md`` is run.

``python`` blocks run in order on a silent engine in the space that the page is about, each as one
cell, with the words of the prompt in scope and what the page named before. A block that is a
session, in percent cells, runs cell by cell; one that imports latentlive runs as a script of its
own. ``pycon`` blocks must give what they show. ``sh`` blocks are parsed: commands of latentlive
must take the arguments and options given. ``json`` must be JSON. What only a notebook or an editor
can run is compiled at most.
"""

from __future__ import annotations

import doctest
import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.cli import main
from latentlive.client import Layer
from latentlive.corpus import Audio, audio_digest
from latentlive.corpus.grabbed import keep_grabbed
from latentlive.latent import Joined
from latentlive.models import load_model, starter_path
from latentlive.prompt.browser import Browser
from latentlive.prompt.scope import LAYERS
from latentlive.prompt.session import find_session, parse
from latentlive.renderer import check
from latentlive.renderer.sounds import CorpusSounds
from latentlive.starter import NAMES
from tests.dancing import dancing
from tests.prompting import console

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"python", "pycon", "sh", "json", "text", ""}
MODELS = ("darbouka.safetensors", "reeds.safetensors")
OF_THE_SHELL = {"torchrun", "python3", "pip", "pytest", "sudo", "apt", "cd", "git", "python"}


def blocks(page, *languages):
    """Return the code blocks of a page in some languages."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [code for language, code in found if language in languages]


def python_blocks(page):
    """Return the blocks that are typed at the prompt, not run by a script or a notebook."""
    own = re.compile(r"^(import|from) (IPython|latentlive)", re.MULTILINE)
    return [code for code in blocks(page, "python") if not own.search(code)]


def page_id(page):
    return getattr(page, "name", "")


def space_of(page):
    """Return the space that a page is about, None for the one that plays where none is named."""
    return "rawaudiovae" if page.name == "paper.md" else None


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_every_block_names_a_language_that_is_tested(page):
    fences = re.findall(r"^```(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(fences[::2]) <= LANGUAGES
    assert set(fences[1::2]) <= {""}


@pytest.mark.parametrize(
    ("page", "stage"), [(page, space_of(page)) for page in PAGES], ids=page_id, indirect=["stage"]
)
def test_python_blocks_run(page, stage, starter, tmp_path, monkeypatch):
    for model in MODELS:  # what a page trains or imports, and then plays
        shutil.copy(starter_path("spectralvae"), tmp_path / model)
    dancing(tmp_path)
    street = np.random.default_rng(1).uniform(-0.2, 0.2, (44100, 2))
    soundfile.write(tmp_path / "street.wav", street, 44100)
    monkeypatch.chdir(tmp_path)
    second = Seconds(ll.Corpus(starter), 44100, print)
    stage.scope.words["grab"] = grabbed
    stage.run("d1.gain(0)")  # whatever has landed by then, there is something to undo
    for code in blocks(page, "python"):
        if re.search(r"^(import|from) IPython", code, re.MULTILINE):
            compile(code, page.name, "exec")
            continue
        if re.search(r"^(import|from) latentlive", code, re.MULTILINE):
            run_script(code, starter)
            continue
        stage.clear()
        for cell in parse(code):
            for value in stage.run(cell.code):
                if isinstance(value, ll.Latent | Joined):
                    assert check(value, load_model(space_of(page)).facts, second, 1.0) > 0
    answers = ("recording to ", "recorded to ", "undone", "redone", "bouncing to ", "bounced to ")
    answers += (
        "move the controller ",
        "osc: port ",
        "midi: this ",
        "clock_in: ",
        "link: ",
        "level: no device is to be opened",
        "the stage view is at http://127.0.0.1:",
    )  # what this machine lacks
    answers += ("brighter in ", "bright in ", "river is frozen", "far is frozen")  # done meanwhile
    said = [line for line in stage.said if "the directions of " not in line]
    assert [line for line in said if not line.startswith(answers)] == []


def grabbed(beats, channel=1, name="grab-1"):
    """Stand in for an input, which this machine lacks: return a sound of the name."""
    keep_grabbed(np.sin(np.arange(44100, dtype=np.float32)), 44100, name, None)
    return ll.sound(name)


def run_script(code, starter):
    """Run a block that imports latentlive in a process of its own."""
    held = "import functools, latentlive as ll\n"
    for name in ("Engine", "render"):
        extra = ", silent=True" if name == "Engine" else ""
        held += f"ll.{name} = functools.partial(ll.{name}, model='toy', corpus={str(starter)!r}"
        held += f"{extra})\n"
    told = subprocess.run([sys.executable, "-c", held + code], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


class Seconds(CorpusSounds):
    """A second stands in for every recording, a map's clusters included."""

    def __call__(self, sound):
        """Return the second."""
        samples = np.sin(np.arange(44100, dtype=np.float32))
        return Audio(samples, audio_digest(samples))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_pycon_blocks_give_what_they_show(page, starter):
    scope = {word: getattr(ll, word) for word in ll.WORDS} | {"np": np}
    scope |= {"render": ll.render, "Corpus": partial(ll.Corpus, starter)}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    for code in blocks(page, "pycon"):
        test = doctest.DocTestParser().get_doctest(code, dict(scope), page.name, str(page), 0)
        runner.run(test)
    assert runner.failures == 0


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_json_blocks_are_json(page):
    for code in blocks(page, "json"):
        json.loads(code)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_shell_commands_exist_with_these_options(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my" / "sounds").mkdir(parents=True)
    for code in blocks(page, "sh"):
        for line in code.replace("\\\n", " ").splitlines():
            for command in line.split("#")[0].split("&&"):
                refused = wrong(shlex.split(command))
                assert not refused, f"{command}: {refused}"


def wrong(arguments):
    """Return what is wrong with a shell command, empty if nothing."""
    if not arguments:
        return ""
    program = Path(arguments[0]).name
    if program != "latentlive":
        return "" if program in OF_THE_SHELL else f"an unknown program {program!r}"
    rest = arguments[1:]
    if rest and not rest[0].startswith("-") and rest[0] not in main.commands:
        return f"no command {rest[0]!r}"
    try:
        context = main.make_context("latentlive", list(rest))
        if rest and rest[0] in main.commands:
            main.commands[rest[0]].make_context(rest[0], list(rest[1:]), parent=context)
        if rest[:1] == ["play"]:
            find_session(rest[1])
    except (click.ClickException, ll.LatentliveError) as error:
        return str(error)
    return ""


def test_a_wrong_command_is_seen():
    assert wrong(shlex.split("latentlive play first_light --loud"))
    assert wrong(shlex.split("latentlive play no_such_session"))
    assert wrong(shlex.split("latentlive sing"))
    assert not wrong(shlex.split(".venv/bin/latentlive play first_light --out x.flac"))


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_pages_speak_of_shipped_sounds(page):
    code = "".join(blocks(page, "python", "sh"))
    named = set(re.findall(r"""sound\(["']([\w-]+)["']\)""", code))
    named -= set(re.findall(r"""grab\([^)]*name=["']([\w-]+)["']\)""", code))
    assert named <= set(NAMES)


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_no_recording_ends_before_its_fade(page):
    for code in blocks(page, "python"):
        assert not re.search(r"(hush|stop)\(.*stop_recording\(", code, re.DOTALL), code


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_between_pages_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), target


def test_the_paper_page_shows_every_strategy():
    code = "\n".join(blocks(ROOT / "docs" / "paper.md", "python"))
    for part in (
        "steps(",
        "cluster(",
        ".extend(4)",
        ".extend(8)",
        'law="logvar"',
        'match="repeat"',
    ):
        assert part in code


def test_the_cookbook_has_twenty_recipes():
    text = (ROOT / "docs" / "cookbook.md").read_text(encoding="utf-8")
    recipes = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert len(recipes) >= 20
    assert all("```python" in recipe for recipe in recipes)


def test_the_pattern_of_the_cookbook_plays_out_of_a_file(stage, tmp_path, monkeypatch):
    found = blocks(ROOT / "docs" / "cookbook.md", "python")
    (pattern,) = [code for code in found if code.startswith("from latentlive import")]
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "mine.py").write_text(pattern)
    monkeypatch.syspath_prepend(tmp_path / "patterns")
    stage.run("from mine import bell\nd1 >> bell()")
    assert stage.said == []


def test_the_tutorial_has_nine_steps():
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\d)", text, re.MULTILINE) == list("123456789")


def test_the_reference_is_that_of_the_docstrings():
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "make_reference.py", "--check"],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stderr


def test_the_reference_names_every_word():
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    typed, _ = console()
    words = {*ll.WORDS, *typed.scope.language, *(f"corpus.{w}" for w in vars(Browser))}
    words |= {n for n, v in vars(ll.Latent).items() if inspect.isfunction(v)}
    words |= {n for n, v in vars(Layer).items() if inspect.isfunction(v)}
    for word in words - {"at", "length", *LAYERS, "np"}:
        if not re.search(r"(^|\.)_", word):
            assert re.search(rf"^### .*`\.?{re.escape(word)}\b", text, re.MULTILINE), word
    assert "`d1` to `d16`" in text
    assert "`np` is numpy" in text


def test_every_promise_has_its_test():
    promised = re.findall(r"`(test_\w+)`", (ROOT / "docs" / "promises.md").read_text("utf-8"))
    written = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert promised
    for name in promised:
        assert f"def {name}(" in written, name

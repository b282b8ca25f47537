"""help, examples, tutorial."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import latentlive as ll
from latentlive.client import Layer
from latentlive.curves import Curve
from latentlive.expr.node import INNER
from latentlive.latent import Latent
from latentlive.prompt.helping import grouped
from latentlive.prompt.tutorial import plain, steps
from tests.prompting import console


def test_help_shows_a_word_with_its_example(capsys):
    typed, _ = console()
    capsys.readouterr()
    for code, parts in {
        "help(sine)": ("sine(period)", "[beats, > 0]", ">>> sine(8)"),
        "help(sine(8))": ("sine(period)", "Raised sine"),
        "help('extend')": (".extend(factor)", "longer"),
        "help('d1.pan')": (".pan(place)", "0 left"),
        "help(d1)": ("d1 >> texture", ".gain(db)", ".fade(beats)", "Fade in and out"),
        "help(d1.gain)": ("gain(db)", "-120"),
        "help(silence)": ("silence", "for ever"),
        "help('hush')": ("hush(fade=1.0)", "beats"),
        "help(cell)": ("cell(name=None)", "the next one"),
        "help(len)": ("Return the number of items",),
        "help()": ("sources", "tutorial"),
    }.items():
        assert typed.run(code).error == ""
        said = capsys.readouterr().out
        for part in parts:
            assert part in said, code
    assert typed.run("help('exten')").error == "help: no word 'exten'; did you mean 'extend'?"
    assert "sources" in typed.run("help").shown


def test_every_word_is_in_the_overview():
    typed, _ = console()
    rows = grouped().splitlines()
    assert max(map(len, rows)) <= 76
    listed = set(" ".join(row[12:] for row in rows).split())
    alone = typed.scope.language - {f"d{n}" for n in range(2, 16)} - {"array", "np", "print"}
    behind = {f".{name}" for owner in (Latent, Curve, Layer) for name in words_of(owner)}
    assert listed - {"..."} == alone | behind
    groups = {row[:10].strip() for row in rows}
    assert {"sources", "curves", "a latent", "a curve", "a layer"} <= groups


def words_of(owner):
    held = [name for name in dir(owner) if not name.startswith("_") and name not in INNER]
    return [name for name in held if callable(getattr(owner, name))]


def test_help_shows_what_a_performer_needs_of_what_is_no_function(capsys):
    typed, _ = console()
    capsys.readouterr()
    for code, parts in {
        "help(status)": ("dropouts", "Backlog", "a second of sound"),
        "help(corpus)": ("Valence", "corpus.find(text)", "corpus.audition(name", "cluster(18)"),
        "help(layers)": ("muted", "rendered ahead"),
        "help(plan)": ("go(name)", "cancel(name)"),
        "help(now)": ("now.beat", "now + 8"),
        "help(master)": ("master.gain(db)", "-9"),
        "help(history)": ("last code typed",),
    }.items():
        assert typed.run(code).error == ""
        said = capsys.readouterr().out
        for part in parts:
            assert part in said, code


def test_examples_list_shipped_and_own_files_with_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "patterns").mkdir()
    (tmp_path / "patterns" / "mine.py").write_text(
        '"""My own."""\ndef one(a, b=2):\n    "First."\n'
    )
    (tmp_path / "patterns" / "broken.py").write_text("def (")
    typed, _ = console()
    said = typed.run("examples").shown
    assert "first_light" in said
    assert "three layers, each a sound that turns into another" in said
    assert "Textures that come and go slowly" in said
    assert "tide(low, high, beats)" in said
    assert "My own." in said
    assert "one(a, b)  First." in said
    assert "(cannot be read)" in said


def test_the_tutorial_has_nine_steps_and_begins_again():
    typed, _ = console()
    titles = [typed.run("tutorial").shown.splitlines()[0] for _ in range(10)]
    assert titles[:2] == ["1 of 9: Hear a sound", "2 of 9: Stretch it"]
    assert titles[7:] == ["8 of 9: Record, undo, hush", "9 of 9: Turn a knob", titles[0]]
    assert typed.run("tutorial(6)").shown.startswith("6 of 9: Prepare a scene")
    assert typed.run("tutorial(10)").error == "tutorial: step must lie in 1 to 9, got 10"
    for step in steps():
        assert all(len(row) <= 80 for row in step.shown().splitlines())
        assert not set("`[]*") & set("".join(plain(part) for part in step.parts[::2]))


def test_the_tutorial_says_what_its_page_says():
    page = (Path(__file__).parents[1] / "docs" / "tutorial.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", page))
    typed, _ = console()
    for number in range(1, 10):
        shown = typed.run(f"tutorial({number})").shown
        assert set(re.findall(r"\w+", shown.rpartition("\n")[0])) <= words
        for code in steps()[number - 1].codes:
            assert code in page
            assert textwrap.indent(code.rstrip(), "    ") in shown


def test_every_step_of_the_tutorial_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ll.Engine(silent=True, corpus=sounds(tmp_path)) as live:
        typed, _ = console(live)
        for step in steps():
            assert step.codes
            for code in step.codes:
                assert typed.run(code).error == "", step.title


def sounds(folder):
    """Return a folder with the sounds that the tutorial names."""
    import soundfile

    from tests.prompting import samples

    code = "".join(code for step in steps() for code in step.codes)
    for name in set(re.findall(r'sound\("([\w-]+)"\)', code)):
        soundfile.write(folder / f"{name}.wav", samples(0.5), 44100)
    return folder

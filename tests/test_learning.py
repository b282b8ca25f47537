"""help, examples, tutorial."""

from __future__ import annotations

import latentlive as ll
from latentlive.prompt.helping import GROUPS
from latentlive.prompt.scope import OF_THE_ENGINE
from latentlive.prompt.tutorial import STEPS
from tests.prompting import console


def test_help_shows_a_word_with_its_example(capsys):
    typed, _ = console()
    capsys.readouterr()
    for code, parts in {
        "help(sine)": ("sine(period)", "[beats, > 0]", ">>> sine(8)"),
        "help(sine(8))": ("sine(period)", "Raised sine"),
        "help('extend')": (".extend(factor)", "longer"),
        "help('d1.pan')": (".pan(place)", "0 left"),
        "help(d1)": ("d1 >> texture", ".gain(db)", ".fade(beats)", "Come in, and stop"),
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
    listed = {word for _, words in GROUPS for word in words.split()}
    missing = set(ll.WORDS) - listed - {f"{w}2" for w in listed} - {"array", "number"}
    assert not missing
    typed, _ = console()
    assert listed - {"...", "d16"} <= {*typed.scope.words, *OF_THE_ENGINE, "d1"}


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
    assert "three layers, one of them redefined" in said
    assert "Textures that come and go slowly" in said
    assert "tide(low, high, beats)" in said
    assert "My own." in said
    assert "one(a, b)  First." in said
    assert "(cannot be read)" in said


def test_the_tutorial_has_eight_steps_and_begins_again():
    typed, _ = console()
    titles = [typed.run("tutorial").shown.splitlines()[0] for _ in range(9)]
    assert titles == [f"{n} of 8: {s.title}" for n, s in enumerate(STEPS, 1)] + ["1 of 8: a sound"]
    assert typed.run("tutorial(6)").shown.startswith("6 of 8: a cue")
    assert typed.run("tutorial(9)").error == "tutorial: it has steps 1 to 8, got 9"
    for step in STEPS:
        rows = [*step.text.splitlines(), *(f"    {row}" for row in step.code.splitlines())]
        assert all(len(row) <= 80 for row in rows)


def test_every_step_of_the_tutorial_can_be_typed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with ll.Engine(model="toy", silent=True, corpus=sounds(tmp_path)) as live:
        typed, _ = console(live)
        assert len(STEPS) == 8
        for step in STEPS:
            assert typed.run(step.code).error == "", step.title


def sounds(folder):
    """Return a folder with the sounds that the tutorial names."""
    import soundfile

    from tests.prompting import samples

    for name in ("gong", "rain", "surf", "choir-ah", "wind"):
        soundfile.write(folder / f"{name}.wav", samples(0.5), 44100)
    return folder

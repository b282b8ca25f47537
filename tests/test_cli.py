"""The commands, as a shell runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive
import latentlive as ll
from latentlive.cli import main


def run(*arguments, cwd=None):
    command = [sys.executable, "-m", "latentlive.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120)


def test_render_writes_the_samples_and_says_only_the_file_name(recordings, tmp_path):
    from latentlive import interp, render, sine, sound

    out = tmp_path / "x.wav"
    code = 'interp(sound("ambi_choir"), sound("ambi_lunar_land"), sine(2)).extend(2)'
    told = run("render", code, "-o", out, "--corpus", recordings, "--seed", 5, "--tempo", 90)
    assert told.returncode == 0, told.stderr
    assert told.stdout == f"{out}\n"
    assert "100%" in told.stderr
    assert soundfile.info(out).subtype == "FLOAT"
    written, rate = soundfile.read(out, dtype="float32")
    texture = interp(sound("ambi_choir"), sound("ambi_lunar_land"), sine(2)).extend(2)
    expected = render(texture, corpus=recordings, seed=5, tempo=90)
    assert rate == 44100
    assert np.array_equal(written, expected)
    shorter = min(
        soundfile.info(recordings / f"{n}.flac").frames for n in ("ambi_choir", "ambi_lunar_land")
    )
    assert len(written) == 2 * shorter


def test_render_a_path_to_flac_for_some_seconds(recordings, tmp_path):
    out = tmp_path / "x.flac"
    path = recordings / "loop_amen.flac"
    told = run("render", f'sound("{path}").loop()', "-o", out, "--seconds", "2.5")
    assert told.returncode == 0, told.stderr
    info = soundfile.info(out)
    assert (info.subtype, info.frames, info.channels) == ("PCM_24", round(2.5 * 44100), 2)


def test_np_and_arrays_are_in_scope(tmp_path):
    out = tmp_path / "x.wav"
    told = run("render", "sound(np.ones(3000)).exact()", "-o", out, "--model", "toy")
    assert told.returncode == 0, told.stderr
    assert soundfile.info(out).frames == 3072


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("sound(np.ones(9)).loop()", "render: the expression never ends; say how many seconds"),
        ('d1 >> sound("a")', "render: 'd1' belongs to the prompt; give the texture alone"),
        ("sine(8)", "render: expected a latent such as sound('gong'), got sine(8)"),
        ("sine(0)", "sine: period must be > 0 beats, got 0"),
        ("sound(", "render: '(' was never closed, at column 6"),
        ("snd('a')", "render: no word 'snd'; did you mean 'sound'?"),
        (
            "interp(silence)",
            "render: interp(a, b, curve=0.5, match='crop', law='std'): b is missing",
        ),
        ("silence()", "render: silence is written without brackets: silence"),
        (
            "stop_recording()",
            "render: 'stop_recording' belongs to the prompt; give the texture alone",
        ),
        ("1/0", "render: ZeroDivisionError: division by zero"),
        ("sound('no/such.wav')", "sound: no file 'no/such.wav'"),
    ],
)
def test_render_refuses_in_one_line_and_writes_nothing(code, line, tmp_path):
    told = run("render", code, "-o", tmp_path / "x.wav", "--model", "toy")
    assert told.returncode == 1
    assert told.stdout == ""
    assert told.stderr.strip() == f"Error: {line}"
    assert list(tmp_path.iterdir()) == []


def test_render_refuses_unknown_formats_and_folders(tmp_path):
    told = run("render", "sound(np.ones(9))", "-o", tmp_path / "x.mp4", "--model", "toy")
    assert "must end in .wav or .flac" in told.stderr
    told = run("render", "sound(np.ones(9))", "-o", tmp_path / "no" / "x.wav", "--model", "toy")
    assert told.stderr == f"Error: render: no folder '{tmp_path / 'no'}'\n"
    assert list(tmp_path.iterdir()) == []


def test_play_without_a_device_writes_what_would_be_heard(tmp_path, recordings):
    (tmp_path / "short.py").write_text(
        "# %% one\n"
        'd1 >> sound("ambi_choir").extend(2)\n'
        "d1.fade(0.2)\n"
        "# %% broken\n"
        "d2 >> sound('nothing here')\n"
        "# %% 00:00:02.000 end\n"
        "hush(0.5)\n"
    )
    told = run("play", "short.py", "--corpus", recordings, "--silent", cwd=tmp_path)
    assert told.returncode == 1, told.stderr
    assert told.stdout == "short.flac\n"
    assert "broken: line 5: sound: no 'nothing here' in corpus 'samples'" in told.stderr
    assert "open the prompt:" in told.stderr
    heard, rate = soundfile.read(tmp_path / "short.flac")
    assert rate == 44100
    assert np.abs(heard[:88200]).max() > 0.01
    assert not heard[round(2.6 * 44100) :].any()
    assert 2.5 * 44100 <= len(heard) < 8 * 44100


GIVEN = {
    "--model": "own.safetensors",
    "--corpus": "own/sounds",
    "--seed": "7",
    "--tempo": "140",
    "--ahead": "1.5",
    "--block": "256",
    "--latency": "0.05",
    "--osc": "9123",
    "--stage": "9124",
    "--public": None,
    "--input": "line in",
    "--channels": "4",
    "--device": "hdmi",
    "--out": "heard.wav",
    "--log": "evening.py",
    "--on-exit": "fade",
    "--plain": None,
    "--theme": "light",
    "--cluster": "tcp://10.0.0.5:8786",
}
THREE = "--tls"
"""The option that takes three values: tests/test_cluster.py plays with it."""


def test_no_option_of_the_prompt_is_forgotten_here():
    assert set(GIVEN) == {opt for p in main.params for opt in p.opts} - {"--version", THREE}


def needed(command):
    """Return what a command cannot do without."""
    words = []
    for param in command.params:
        if param.required:
            words += ["x.wav"] if param.param_type_name == "argument" else [param.opts[0], "x.wav"]
    return words


@pytest.mark.parametrize("option", GIVEN)
@pytest.mark.parametrize("name", main.commands)
def test_an_option_before_a_command_counts_for_it_or_is_refused(name, option, monkeypatch):
    command = main.commands[name]
    taken = {}
    monkeypatch.setattr(command, "callback", lambda *_, **options: taken.update(options))
    words = [option] if GIVEN[option] is None else [option, GIVEN[option]]
    other = {"--on-exit": "keep", "--theme": "dark", "--latency": "0.5"}.get(option, "9")
    before = CliRunner().invoke(main, [*words, name, *needed(command)])
    found = [param for param in command.params if option in param.opts]
    if not found:
        assert before.exit_code == 1
        told = f"{name} has no {option}; latentlive {name} --help lists what it has"
        assert before.output == f"Error: {told}\n"
        assert taken == {}
        return
    assert before.exit_code == 0, before.output
    counted = dict(taken)
    CliRunner().invoke(main, [name, *words, *needed(command)])
    assert counted == taken  # as if it stood behind the command
    assert str(taken[found[0].name]).removesuffix(".0") == (GIVEN[option] or "True")
    if GIVEN[option] is not None:
        CliRunner().invoke(main, [*words, name, option, other, *needed(command)])
        assert str(taken[found[0].name]).removesuffix(".0") == other  # its own goes first


def test_what_a_log_decides_is_refused_instead_of_left_unheard(tmp_path):
    log = tmp_path / "evening.py"
    with ll.Engine(model="toy", silent=True, log=log) as live, live.cell(code="d1 >> prior(1)"):
        _ = live.d1 >> ll.prior(1)
    for option in ("--tempo", "--seed", "--channels"):
        told = f"the log has its own {option}; leave it out"
        for words in (["replay", str(log), option, "2"], [option, "2", "resume", str(log)]):
            done = CliRunner().invoke(main, words)
            command = "replay" if "replay" in words else "resume"
            assert (done.exit_code, done.output) == (1, f"Error: {command}: {told}\n")


def test_a_model_and_a_seed_before_render_are_used(tmp_path):
    outs = [tmp_path / f"{n}.wav" for n in range(3)]
    end = ["noise(3)", "--seconds", "0.2"]
    for out, before, after in (
        (outs[0], ["--model", "toy", "--seed", "7"], []),
        (outs[1], [], ["--model", "toy", "--seed", "7"]),
        (outs[2], [], ["--model", "toy"]),
    ):
        told = CliRunner().invoke(main, [*before, "render", *end, "-o", str(out), *after])
        assert told.exit_code == 0, told.output
    before, after, plain = (soundfile.read(out)[0] for out in outs)
    assert np.array_equal(before, after)
    assert not np.array_equal(before, plain)


def told_in(folder, script, **environment):
    """Run a shell script in a folder, ``latentlive`` being the command."""
    command = f'latentlive() {{ "{sys.executable}" -m latentlive.cli "$@"; }}\n{script}'
    return subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(latentlive.__file__).parents[1]), **environment},
    )


def test_a_command_in_a_folder_that_is_gone_works_at_home(tmp_path):
    (tmp_path / "gone").mkdir()
    (tmp_path / "home").mkdir()
    script = "cd gone && rmdir ../gone && latentlive render silence -o x.wav --seconds 1"
    told = told_in(tmp_path, f"{script} --model toy", HOME=str(tmp_path / "home"))
    assert told.returncode == 0, told.stderr
    assert f"the working folder is gone: this is {tmp_path / 'home'}\n" in told.stderr
    assert (tmp_path / "home" / "x.wav").exists()


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("latentlive send - <&-", "Error: send: nothing to run at -\n"),
        ("latentlive send here.py:1", "Error: no prompt is running; start one with latentlive\n"),
        ("latentlive corpus .", "Error: corpus: no sounds below .\n"),
        ("latentlive panic", "Error: no engine is running; start one with latentlive\n"),
    ],
)
def test_closed_input_and_an_unusable_cache_are_one_line(script, line, tmp_path):
    (tmp_path / "cache").touch()
    (tmp_path / "here.py").write_text("1")
    cache = str(tmp_path / "cache")
    told = told_in(tmp_path, script, LATENTLIVE_CACHE=cache, TMPDIR=str(tmp_path))
    assert told.returncode == 1
    assert told.stderr.endswith(line)
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("closed", ["<&-", "<&- >&- 2>&-"])
def test_a_session_is_played_whatever_of_its_streams_is_closed(closed, tmp_path):
    (tmp_path / "short.py").write_text("d1 >> drift(1).slice(0, 20).loop(1)")
    options = "--model toy --corpus . --silent --seconds 0.3 --out x.wav"
    told = told_in(tmp_path, f"latentlive play short.py {options} {closed}")
    assert told.returncode == 0, told.stderr
    assert soundfile.info(tmp_path / "x.wav").frames > 0


def test_play_names_the_shipped_sessions():
    told = run("play", "nothing")
    assert told.returncode == 1
    assert "shipped are " in told.stderr
    assert "'first_light'" in told.stderr

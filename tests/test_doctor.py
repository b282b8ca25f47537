"""What the doctor says, on this machine as it is and with something taken away."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest

from latentlive import doctor
from latentlive.corpus import Audio, audio_digest
from latentlive.curves import Sine
from latentlive.engine.output import probe as asking
from latentlive.engine.render.priority import CHUNK
from latentlive.engine.render.speed import Speed, measured
from latentlive.engine.render.worker import Worker
from latentlive.engine.shared import Shared
from latentlive.ground.files import cache_folder
from latentlive.latent import Interp, Sound
from latentlive.models import load_model
from latentlive.protocol.clip import Clip, Source
from latentlive.protocol.rendering import Job, Load, Loaded
from latentlive.renderer import Rendering
from latentlive.space import ToySpace
from latentlive.units import Tempo


def ask(*arguments, **environment):
    command = [sys.executable, "-m", "latentlive.cli", "doctor", "--model", "toy", *arguments]
    told = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )
    assert "Traceback" not in told.stderr
    return told.returncode, {line.split()[1]: line for line in told.stdout.splitlines()}


def test_without_a_device_it_fails_and_names_the_remedy(tmp_path):
    code, lines = ask(PULSE_SERVER=f"unix:{tmp_path}/none")
    assert code == 1
    assert list(lines) == [
        "Python",
        "cores",
        "cache",
        "disk",
        "model",
        "layers",
        "sound",
        "input",
        "midi",
    ]
    assert lines["sound"].startswith("FAIL")
    assert lines["model"].startswith("ok")
    assert lines["layers"].startswith("ok")


def test_with_a_device_all_is_well(tmp_path):
    from tests.live.conftest import started

    for _ in started(tmp_path):
        code, lines = ask()
        assert code == 0
        assert "Hz" in lines["sound"]


def test_a_cache_that_cannot_be_written_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "file"))
    monkeypatch.setattr("latentlive.ground.files.MEMORY", tmp_path / "none")
    (found,) = doctor.cache()
    assert found.state == "fails"
    assert found.remedy == "set LATENTLIVE_CACHE to a folder of yours"


def test_a_model_that_cannot_be_read_fails_with_its_one_line(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    _, found = doctor.opened_model(str(tmp_path / "bad.safetensors"))
    assert found.state == "fails"
    assert "\n" not in found.line()
    model = str(tmp_path / "bad.safetensors")
    assert "layers" not in [one.name for one in doctor.examine(model)]


TONES = [
    (np.sin(np.arange(6 * 44100) * step) * 0.3).astype(np.float32) for step in (0.02, 0.05, 0.11)
]


def directly(name, texture, seconds, again):
    """Return the layers of a texture that a real worker renders in the time of a core.

    Parameters
    ----------
    again : bool
        Whether what the texture reads was encoded by an earlier run.
    """
    worker, count = Worker(load_model(name), Shared.create()), 4
    source = Source(texture, repr(texture), {})
    for serial in range(count):
        load = Load(serial, 0, (serial,), Clip(source, 0, Tempo(60, 44100)), 0.0, serial, 5)
        assert isinstance(worker.bind(load), Loaded)
    costs = []
    for _ in range(1 + again):
        begun = time.process_time()
        for start in range(0, int(seconds * 44100), CHUNK):
            jobs = [Job(serial, 0, start, start + CHUNK) for serial in range(count)]
            assert all(one.word == "rendered" for one in worker.render(jobs))
        costs.append((time.process_time() - begun) / (count * seconds))
    return 1 / costs[-1]


def encoded(name, sound, seconds=6.0):
    """Return the seconds of a recording that nobody read before that a core encodes in one."""
    audio = Audio(sound.source, audio_digest(sound.source))
    rendering = Rendering(sound, load_model(name), lambda _: audio)
    begun = time.process_time()
    rendering.drawn(np.arange(0, seconds * 44100, 256) / rendering.frame)
    return seconds / (time.process_time() - begun)


def counted(model):
    """Return the layers of a core in the doctor's line, of new sounds and of known ones, and how
    long the doctor took [seconds]."""
    begun = time.monotonic()
    found = doctor.layers(model)
    took = time.monotonic() - begun
    if "no answer" in found.text:
        return 0.0, 0.0, took
    new, known, lanes = re.match(
        r"(\d+) at once, (\d+) once .* each of (\d+) cores", found.text
    ).groups()
    return int(new) / int(lanes), int(known) / int(lanes), took


def within(a, b, factor):
    return 1 / factor < a / b < factor


@pytest.mark.parametrize("name", ["spectral", "rawaudiovae"])
def test_the_layers_that_the_doctor_counts_are_those_that_a_worker_renders(name):
    a, b, c = (Sound(tone) for tone in TONES)
    known = directly(name, Interp(a, b, Sine(8)), 3.0, again=True)
    encode = encoded(name, c)
    new = 1 / (1 / known + 1 / encode)
    for _ in range(5):  # other programs may take a core just when the doctor looks
        found = counted(name)
        if within(found[0], new, 2) and within(found[1], known, 2) and found[2] < 5:
            return
    raise AssertionError((found, (new, known)))


def test_too_few_layers_are_a_warning_with_a_remedy():
    few = doctor.told([Speed(3.0, 2.0), Speed(3.0, 2.0)], None)
    assert few.line() == (
        "warn  layers   2 at once, 6 once their sounds are encoded; each of 2 cores decodes 3 x, "
        "encodes 2 x real time; end what else computes, or play a quicker space: "
        "--model rawaudiovae"
    )
    assert doctor.told([Speed(3.0, None)], "rawaudiovae").remedy == "end what else computes"
    assert doctor.told([Speed(3.0, None), Speed(3.0, None)], None).state == "ok"


def test_a_space_slower_than_real_time_is_to_be_frozen():
    class Slow(ToySpace):
        encodes = False

        def decode(self, z):
            time.sleep(len(z) * 256 / 44100 * 1.5)
            return z.copy()

    found = doctor.told([measured(Slow(1024))], None)
    assert found.state == "warning"
    told = r"slower than real time: 0 at once; each of 1 cores decodes (0\.\d+) x real time"
    (times,) = re.fullmatch(told, found.text).groups()
    assert 0.3 < float(times) < 0.68  # two thirds, and less on a machine that does other work
    assert '.frozen("name")' in found.remedy


def test_little_room_and_one_core_are_warnings(monkeypatch):
    monkeypatch.setattr(doctor, "LEAST_DISK_GB", 1e9)
    monkeypatch.setattr(doctor, "LEAST_CORES", 1000)
    assert [f.state for f in doctor.cache()] == ["ok", "warning"]
    assert doctor.cores().state == "warning"


def test_a_sound_server_that_hangs_does_not_take_the_doctor_along(monkeypatch):
    monkeypatch.setattr(asking, "PROBE_PATIENCE", 0.01)
    found = doctor.sound("", 44100)
    assert found.line() == f"FAIL  sound    {asking.SILENT}"


@pytest.mark.parametrize("device", ["no such device", "99"])
def test_a_device_that_is_not_there_is_told(device):
    found = doctor.sound(device, 44100)
    assert found.state == "fails"
    assert "no sound device" in found.text


def test_without_a_cache_the_doctor_names_what_serves_instead(monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    (found,) = doctor.cache()
    assert found.state == "warning"
    assert f"{tmp_path}/latentlive-" in found.text


def test_old_logs_are_pruned_and_no_other(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    folder = cache_folder("log")
    old = time.time() - 29 * 24 * 3600
    for name, age in (("a.py", old), ("a.jsonl", old), ("b.py", None), ("mine.txt", old)):
        (folder / name).write_text("x" * 1000)
        if age:
            os.utime(folder / name, (age, age))
    (folder / "link.log").symlink_to(folder / "b.py")
    os.utime(folder / "link.log", (old, old), follow_symlinks=False)
    assert doctor.prune() == "pruned: 3 logs older than 4 weeks, 0.0 MB"
    assert {path.name for path in folder.iterdir()} == {"b.py", "mine.txt"}

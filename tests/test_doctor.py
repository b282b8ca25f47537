"""What the doctor says, on this machine as it is and with something taken away."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from latentlive import doctor
from latentlive.engine.output import probe as asking
from latentlive.ground.files import cache_folder


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
    assert list(lines) == ["Python", "cores", "cache", "disk", "model", "sound"]
    assert lines["sound"].startswith("FAIL")
    assert lines["model"].startswith("ok")


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

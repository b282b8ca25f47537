"""Recording: what is heard, stems that sum to it, killed engines, full and slow disks."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
import soundfile

import latentlive as ll
from latentlive.corpus.takes import Wav, open_take
from latentlive.engine.output.player import Player
from latentlive.engine.output.recorder import Recorder
from latentlive.engine.shared import PANIC, PANIC_AT, PANIC_DONE, POSITION, RUNNING, Shared
from latentlive.errors import EngineError
from latentlive.mixer import GRID
from tests.live.conftest import wait_until

RATE = 44100
TONE = (np.sin(np.arange(RATE) * 2 * np.pi * 220 / RATE) * 0.3).astype(np.float32)


def read(path):
    return soundfile.read(path, dtype="float32", always_2d=True)[0]


def noise(length, channels=2, seed=0, level=0.1):
    rng = np.random.default_rng(seed)
    return (rng.standard_normal((length, channels)) * level).astype(np.float32)


@pytest.mark.parametrize("channels", [2, 6, 8])
@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_file_can_be_read_while_it_grows_and_holds_what_was_written(kind, channels, tmp_path):
    path = tmp_path / f"take.{kind}"
    samples = noise(50_000, channels)
    take = open_take(path, RATE, channels)
    take.write(samples[:30_001])
    take.settle()
    growing = read(path)
    assert len(growing) == (30_001 if kind == "wav" else 28_672)
    take.write(samples[30_001:])
    take.close()
    whole = read(path)
    exact = 0.0 if kind == "wav" else 2.0**-24
    assert np.abs(growing - samples[: len(growing)]).max() <= exact
    assert whole.shape == samples.shape
    assert np.abs(whole - samples).max() <= exact
    assert soundfile.info(path).samplerate == RATE


def test_a_wav_beyond_4_gb_becomes_rf64(tmp_path):
    path = tmp_path / "long.wav"
    take = Wav(path, RATE, 2)
    take.write(noise(1000))
    assert path.read_bytes()[:4] == b"RIFF"
    frames = 2**29 + 5000  # 4 GB and 40 kB, a sparse file
    os.truncate(path, take._start + 8 * (frames - 1000))
    take.settle()
    take.frames = frames - 1000
    take.write(noise(1000, seed=1))
    take.close()
    with path.open("rb") as file:
        assert file.read(4) == b"RF64"
    with soundfile.SoundFile(path) as file:
        assert file.frames == frames
        file.seek(frames - 1000)
        assert np.array_equal(file.read(1000, dtype="float32"), noise(1000, seed=1))


def test_what_cannot_be_recorded_is_refused_in_one_line(tmp_path):
    with pytest.raises(EngineError, match=r"must end in .wav or .flac, got 'take.mp3'"):
        open_take(tmp_path / "take.mp3", RATE, 2)
    with pytest.raises(EngineError, match=r"FLAC holds at most 8 channels, got 10; write a .wav"):
        open_take(tmp_path / "take.flac", RATE, 10)
    for kind in ("wav", "flac"):
        with pytest.raises(EngineError, match=r"record: cannot write .*no/take"):
            open_take(tmp_path / "no" / f"take.{kind}", RATE, 2)


class Desk:
    """A block with voices, a player and a recorder, moved by hand."""

    def __init__(self, tmp_path, levels, stems=True, channels=2):
        self.shared = Shared.create(channels)
        rng = np.random.default_rng(5)
        for voice, level in enumerate(levels):
            sound = (rng.standard_normal(RATE * 2) * level).astype(np.float32)
            self.shared.write_audio(voice, 0, sound)
            self.shared.gains[:, voice, : len(sound) // GRID] = rng.random((2, len(sound) // GRID))
        self.shared.header[RUNNING] = 1
        self.player = Player(self.shared)
        self.folder = tmp_path / "stems"
        self.recorder = Recorder(
            tmp_path / "mix.wav", self.shared, RATE, self.folder if stems else None
        )

    def play(self, blocks, layers, size=500):
        for rings in layers.values():
            self.shared.active[rings] = 1
        for _ in range(blocks):
            self.recorder.drain(layers)
            self.player.fill(np.empty((size, 2), np.float32))

    def close(self, layers):
        self.recorder.drain(layers)
        self.recorder.close(10.0)
        return read(self.recorder.path), {p.stem: read(p) for p in self.folder.glob("*.wav")}


def test_stems_sum_to_the_mix_and_are_as_long_whenever_they_began(tmp_path):
    desk = Desk(tmp_path, [0.02, 0.03, 0.02, 0.01])
    desk.shared.gains[:, 3, :230] = 0.0  # an engine changes nothing nearer than that
    desk.shared.gains[:, 1, 305:] = 0.0  # faded out at sample 19,520
    layers = {"d1": [0], "sea": [1, 2]}
    desk.play(20, layers)
    layers["late"] = [3]
    desk.play(20, layers)
    # A voice is freed after its end, before the recorder comes by: it was read ahead.
    desk.shared.active[1] = 0
    layers["sea"] = [2]
    desk.shared.gains[:, 1] = 0.0
    desk.play(5, layers)
    mix, stems = desk.close(layers)
    assert set(stems) == {"d1", "sea", "late"}
    assert {len(one) for one in stems.values()} == {len(mix)} == {45 * 500}
    assert not stems["late"][: 229 * GRID].any()
    assert stems["late"].any()
    total = sum(stem.astype(np.float64) for stem in stems.values())
    assert np.abs(mix).max() > 0.05
    assert np.abs(total - mix).max() < 1e-6


def test_stems_fall_silent_where_panic_does(tmp_path):
    desk = Desk(tmp_path, [0.05])
    layers = {"d1": [0]}
    desk.play(10, layers)
    desk.recorder.drain(layers)
    desk.shared.header[PANIC] += 1
    desk.shared.active[:] = 0
    desk.shared.header[PANIC_DONE] = 1
    desk.play(10, {})
    mix, stems = desk.close({})
    at = int(desk.shared.header[PANIC_AT])
    assert at == 5000
    assert mix[at - 1].all()
    assert not mix[at:].any()
    assert np.abs(stems["d1"] - mix).max() < 1e-6


def test_what_was_overwritten_before_it_was_read_is_silence_and_time_is_kept(tmp_path):
    desk = Desk(tmp_path, [0.05], stems=False)
    desk.shared.active[0] = 1
    desk.play(10, {})
    for _ in range(400):  # the engine hung for 4.5 seconds
        desk.player.fill(np.empty((500, 2), np.float32))
    desk.recorder.drain({})
    desk.recorder.close(10.0)
    mix = read(desk.recorder.path)
    assert len(mix) == desk.shared.header[POSITION]
    assert np.array_equal(mix[-50_000:], desk.shared.read_tap(len(mix) - 50_000, len(mix)))


def test_a_slow_disk_holds_up_nobody_and_is_given_up_in_one_line(tmp_path, monkeypatch):
    from latentlive.engine.output import recorder

    monkeypatch.setattr(recorder, "MAX_WAITING", 200_000)
    written, thawed = [], threading.Event()
    monkeypatch.setattr(Wav, "write", lambda self, part: thawed.wait(60) and written.append(part))
    desk = Desk(tmp_path, [0.05], stems=False)
    desk.play(100, {})
    assert not written
    assert desk.recorder.failed == "record: the disk is too slow; mix.wav ends at 0:00.0"
    thawed.set()
    desk.recorder.close()


def test_a_stem_that_cannot_be_written_does_not_end_the_mix(tmp_path, monkeypatch):
    desk = Desk(tmp_path, [0.05, 0.05])
    (desk.folder / "sea.wav").mkdir()  # is given a number
    real = Wav.write

    def write(self, samples):
        if self.path.name == "d1.wav":
            raise OSError(errno.EACCES, "Permission denied")
        real(self, samples)

    monkeypatch.setattr(Wav, "write", write)
    layers = {"d1": [0], "sea": [1]}
    desk.play(20, layers)
    desk.recorder.drain(layers)
    desk.recorder.close(10.0)
    assert not desk.recorder.failed
    assert desk.recorder.said.get_nowait() == (
        "record: the stem of d1 ends: Permission denied; the mix goes on"
    )
    assert desk.recorder.said.empty()
    assert len(read(desk.recorder.path)) == len(read(desk.folder / "sea-2.wav")) == 20 * 500


def test_what_cannot_be_recorded_leaves_what_is_recorded_as_it_was(tmp_path):
    said = []
    (tmp_path / "st").mkdir()
    with ll.Engine(model="toy", silent=True, out=tmp_path / "all.wav", say=said.append) as live:
        live.record(tmp_path / "take.wav")
        running = live.state["recording"], live.state["out"]
        assert running == (str(tmp_path / "take.wav"), str(tmp_path / "all.wav"))
        for path, stems, why in (
            ("/nonexistent/x.wav", None, "cannot write /nonexistent/x.wav: No such file"),
            ("x.mp3", None, "the file must end in .wav or .flac, got 'x.mp3'"),
            (tmp_path / "y.wav", tmp_path / "take.wav" / "st", "cannot make .*: Not a directory"),
            (tmp_path / "st" / "d1.wav", tmp_path / "st", "is where the stem of d1 goes"),
        ):
            with pytest.raises(EngineError, match=f"record: .*{why}"):
                live.record(path, stems=stems)
        live.fresh()
        assert (live.state["recording"], live.state["out"]) == running
        assert not (tmp_path / "y.wav").exists()
        live.d1 >> ll.sound(TONE)
        wait_until(lambda: live.state.get("seconds", 0) > 0.6, 20, "a layer")
    assert said == [f"recording to {tmp_path / 'take.wav'}"]
    assert np.abs(read(tmp_path / "take.wav")).max() > 0.05


def test_a_recording_follows_another_and_nothing_is_written_over(tmp_path):
    said = []
    (tmp_path / "all.wav").write_bytes(b"yesterday")
    with ll.Engine(model="toy", silent=True, out=tmp_path / "all.wav", say=said.append) as live:
        live.d1 >> ll.sound(TONE)
        for number in (1, 2):
            live.record(tmp_path / "take.wav", stems=tmp_path / "st")
            at = live.state["position"]
            wait_until(lambda at=at: live.state["position"] > at + RATE // 2, 20, f"take {number}")
        assert live.state["recording"] == str(tmp_path / "take-2.wav")
        live.stop_recording()
        at = live.state["position"]
        wait_until(lambda: live.state["position"] > at + RATE // 4, 20, "the end")
    assert (tmp_path / "all.wav").read_bytes() == b"yesterday"
    whole, first, second = (read(tmp_path / f"{n}.wav") for n in ("all-2", "take", "take-2"))
    assert len(whole) > len(first) + len(second)  # what is typed does not end --out
    assert said[:4] == [
        "record: all.wav is there already; this is all-2.wav",
        f"recording to {tmp_path / 'take.wav'}",
        "record: take.wav is there already; this is take-2.wav",
        "record: st is there already; this is st-2",
    ]
    assert [line.rpartition(", 0:0")[0] or line for line in said[4:]] == [
        f"recorded to {tmp_path / 'take.wav'}",
        f"recording to {tmp_path / 'take-2.wav'}",
        f"recorded to {tmp_path / 'take-2.wav'}",
    ]
    assert len(read(tmp_path / "st" / "d1.wav")) == len(first)
    assert len(read(tmp_path / "st-2" / "d1.wav")) == len(second)


KILLED = """
import sys, time
import numpy as np, latentlive as ll
live = ll.Engine(model="toy", silent=True, on_exit="keep")
live.record(sys.argv[1], stems=sys.argv[2])
live.d1 >> ll.sound((np.sin(np.arange(44100) * 2 * np.pi * 220 / 44100) * 0.3).astype("f4"))
print(live.process.pid, flush=True)
while True:
    time.sleep(0.05)
    print(live.state.get("seconds", 0), flush=True)
"""


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_recording_can_be_read_up_to_the_last_second_after_kill_9(kind, tmp_path):
    path, stems = tmp_path / f"take.{kind}", tmp_path / "stems"
    prompt = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), str(stems)], stdout=subprocess.PIPE, text=True
    )
    engine = int(prompt.stdout.readline())
    while (seconds := float(prompt.stdout.readline())) < 2.5:
        pass
    os.kill(engine, signal.SIGKILL)
    prompt.kill()
    prompt.wait()
    for file in (path, stems / "d1.wav"):
        samples = read(file)
        assert len(samples) > (seconds - 1.0) * RATE
        assert np.abs(samples[RATE:]).max() > 0.05
    assert len(read(path)) - len(read(stems / "d1.wav")) < RATE


def test_stems_of_an_engine_sum_to_its_mix(tmp_path):
    with ll.Engine(model="toy", silent=True) as live:
        live.record(tmp_path / "mix.wav", stems=tmp_path / "stems")
        live.d1 >> ll.sound(TONE).spread(0)
        live.d2 >> ll.sound(noise(30_000)[:, 0]).spread(0)
        wait_until(lambda: live.state.get("seconds", 0) > 1.0, 20, "two layers")
        live.d1 >> ll.sound(TONE[::2].copy()).spread(0)
        live.d2.stop(0.2)
        wait_until(lambda: live.state["seconds"] > 3.5, 20, "a crossfade")
        live.stop_recording()
        assert live.state["recording"] is None
    mix = read(tmp_path / "mix.wav")
    stems = [read(path) for path in sorted((tmp_path / "stems").glob("*.wav"))]
    assert [len(stem) for stem in stems] == [len(mix)] * 2
    assert np.abs(sum(stems) - mix).max() < 1e-6
    assert np.abs(stems[1][RATE:]).max() > 0.01


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 300 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(folder)])
    if mounted.returncode:
        pytest.skip("a small file system may not be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_a_full_disk_ends_the_recording_with_a_line_and_the_sound_goes_on(kind, small_disk):
    said = []
    path = small_disk / f"take.{kind}"
    with ll.Engine(model="toy", silent=True, say=said.append) as live:
        live.record(path)
        live.d1 >> ll.sound(noise(RATE, level=0.1)[:, 0])
        assert said.pop(0) == f"recording to {path}"
        wait_until(lambda: said, 30, "the disk to be full")
        at = live.state["position"]
        wait_until(lambda: live.state["position"] > at + RATE, 10, "the sound to go on")
        assert live.state["recording"] is None
        assert live.state["missing"] == 0
    assert len(said) == 1
    assert said[0].startswith(f"record: no room left on the disk; take.{kind} ends at 0:0")
    assert len(read(path)) > RATE // 2

"""A Dask cluster works as this machine does: real schedulers, real workers, lost ones too."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

import latentlive as ll
from latentlive.cli import main
from latentlive.corpus import Corpus
from latentlive.corpus.frozen import frozen_file
from latentlive.corpus.index import Index
from latentlive.engine.log.bounce import Bounce, whole
from latentlive.engine.log.performance import Performance
from latentlive.errors import EngineError
from latentlive.machines import hub as hubs
from latentlive.machines.asked import Model, check_portable
from latentlive.machines.freezer import freeze_there
from latentlive.machines.hub import Hub, Round, Seat, Task
from latentlive.machines.parcels import code, packed, unpacked
from latentlive.machines.station import Station, bits_of
from latentlive.machines.working import SpreadBounce, Stretches, measuring, stretches
from latentlive.mapping import make_map
from latentlive.models import load_model
from latentlive.models.files import starter_path
from latentlive.renderer.freezing import Here
from latentlive.renderer.frozen import Machines, to_freeze
from latentlive.renderer.offline import prepare
from latentlive.space import ToySpace
from tests.test_bounce import performance as performance

LONG = 60.0


class Dask:
    """A scheduler and its workers, each a process with a cache of its own."""

    def __init__(self, folder, *options):
        self.folder, self.options = folder, options
        file = folder / "scheduler.json"
        self._start("scheduler", "--port", "0", "--scheduler-file", str(file))
        self.workers = {}
        end = time.monotonic() + LONG
        while not file.exists() or not file.read_text():
            assert time.monotonic() < end, (folder / "scheduler.log").read_text()
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def _start(self, kind, *arguments, name=""):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--host", "127.0.0.1"]
        environment = {
            **os.environ,
            "LATENTLIVE_CACHE": str(self.folder / f"cache-{name}"),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }
        log = (self.folder / f"{kind}{name}.log").open("w")
        process = subprocess.Popen(
            [*command, "--no-dashboard", *self.options, *arguments],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            env=environment,
        )
        self.processes = [*getattr(self, "processes", []), process]
        return process

    def work(self, name, nanny="--no-nanny"):
        """Start a worker, by default without a nanny that starts it again."""
        options = [nanny, "--nthreads", "1", "--name", name]
        self.workers[name] = self._start(
            "worker", self.address, *options, "--local-directory", str(self.folder), name=name
        )

    def wait_for(self, count, hub):
        end = time.monotonic() + LONG
        while len(hub.workers()) != count:
            assert time.monotonic() < end
            time.sleep(0.05)

    def kill(self, name):
        """Kill a worker's process, as a machine that loses its power."""
        self.workers.pop(name).kill()

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A scheduler and two workers."""
    dask = Dask(tmp_path_factory.mktemp("dask"))
    for name in ("a", "b"):
        dask.work(name)
    yield dask
    dask.end()


@pytest.fixture
def said():
    return []


@pytest.fixture
def hub(dask, said):
    """A connection, while at least two workers are there."""
    with Hub(dask.address, say=said.append) as hub:
        for name in {"a", "b"} - set(dask.workers):
            dask.work(name)
        dask.wait_for(2, hub)
        yield hub


def children(pid):
    """Return the processes that one has started and that render, as Linux tells them."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(child) for task in tasks for child in task.read_text().split()]
    return [one for one in found if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]


def rendered_on(hub, texture, seconds, **options):
    model = str(options.get("model", ""))
    rendering, total = prepare(texture, seconds, **options)
    return Stretches(hub, model).rendered(rendering, total, options.get("seed", 0), 60.0, {})


TEXTURE = ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(8)).extend(8)


def test_two_workers_render_the_same_samples_and_one_is_killed_in_mid_work(dask, hub, said):
    here = ll.render(TEXTURE, seconds=24, seed=3)
    blocks = []
    for block in rendered_on(hub, TEXTURE, 24, seed=3):
        if not blocks:
            dask.kill("a")
        blocks.append(block)
    assert len(blocks) > 10
    assert np.array_equal(np.concatenate(blocks), here)
    assert sum("is lost; its stretch is done elsewhere" in line for line in said) == 1
    assert sum("works with us" in line for line in said) == 2


def test_a_worker_that_comes_meanwhile_works_too(dask, hub, said):
    blocks = rendered_on(hub, TEXTURE, 60, seed=3)
    first = next(blocks)
    assert len(first) == len(next(blocks))
    for name in list(dask.workers):
        dask.kill(name)
    dask.work("c")  # there is no other one now
    assert sum(map(len, blocks)) == 60 * 44100 - 2 * len(first)
    assert sum("works with us" in line for line in said) == 3
    dask.kill("c")


def test_a_worker_that_its_nanny_starts_again_goes_on(dask, hub, said):
    for name in list(dask.workers):
        dask.kill(name)
    dask.work("d", nanny="--nanny")
    blocks = rendered_on(hub, TEXTURE, 60, seed=3)
    heard = [next(blocks)]
    nanny = dask.workers["d"].pid
    (worker,) = children(nanny)
    os.kill(worker, signal.SIGKILL)
    heard += blocks
    assert np.array_equal(np.concatenate(heard), ll.render(TEXTURE, seconds=60, seed=3))
    assert children(nanny) not in ([], [worker])
    assert sum("is lost; its stretch is done elsewhere" in line for line in said) >= 1
    dask.workers.pop("d").terminate()  # whose nanny ends it too


def test_a_performance_is_bounced_to_the_same_samples_with_stems(dask, hub, performance, said):
    path, _ = performance
    space, opened = ToySpace(1024), Performance(path)
    here = whole(Bounce(opened, space, stems=True))
    there, layers = [], {}
    for heard in SpreadBounce(hub, opened, "toy", space, stems=True).blocks():
        if not there:
            dask.kill("b")
        for name, one in heard.layers.items():
            layers.setdefault(name, np.zeros_like(here.layers[name]))
            at = sum(map(len, there))
            layers[name][at : at + len(one)] = one
        there.append(heard.mix)
    assert len(there) > 5
    assert np.array_equal(np.concatenate(there), here.mix)
    assert layers.keys() == here.layers.keys()
    for name, one in layers.items():
        assert np.array_equal(one, here.layers[name]), name
    assert any("is lost" in line for line in said)


def test_an_index_made_on_a_cluster_is_the_one_made_here(hub, tmp_path):
    folder = tmp_path / "sounds"
    folder.mkdir()
    chance = np.random.default_rng(5)
    for i in range(14):
        tone = np.sin(np.arange(30000) * 0.01 * (i + 2)) * 0.2 + 0.01 * chance.normal(size=30000)
        soundfile.write(folder / f"s{i:02}.wav", tone, 44100)
    (folder / "broken.wav").write_bytes(b"RIFF")
    made = []
    for way in (None, measuring(hub)):
        corpus = Corpus(folder)
        corpus.index_path.unlink(missing_ok=True)
        report = make_map(corpus, workers=0, measuring=way).report
        assert (report.measured, list(report.broken)) == (14, ["broken.wav"])
        with Index(corpus.index_path) as index:
            mapped = index.read()
        made.append((mapped.thumbnails.tobytes(), mapped.nodes.tobytes(), mapped.names))
        assert "broken.wav" in report.broken["broken.wav"]
    assert made[0] == made[1]


def test_a_frozen_sound_is_made_by_the_commands_of_a_cluster(dask, hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expression = 'interp(sound("gong"), sound("rain"), 0.5).frozen("alloy", seconds=9).slice(1, 3)'
    heard = []
    for way in ([], ["--cluster", dask.address]):
        monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / f"cache{len(way)}"))
        done = CliRunner().invoke(main, ["render", expression, "-o", f"{len(way)}.wav", *way])
        assert done.exit_code == 0, done.output
        heard.append(Path(f"{len(way)}.wav").read_bytes())
    assert heard[0] == heard[1]
    assert np.abs(soundfile.read("0.wav")[0]).max() > 0.01


@pytest.fixture(scope="module")
def evening(tmp_path_factory):
    """The log of a performance: a stereo recording, effects, a send, a room, and a stop."""
    folder = tmp_path_factory.mktemp("evening")
    chance = np.random.default_rng(9)
    soundfile.write(folder / "wide.wav", 0.1 * chance.normal(size=(44100, 2)), 44100)
    log = folder / "evening.py"
    with ll.Engine(model="toy", silent=True, hold=True, log=log) as live:
        live.bus("hall").reverb(1, seconds=1.5).gain(-3)
        live.d1 >> ll.sound(str(folder / "wide.wav"))
        live.d1.lpf(ll.sine(1).range(300, 3000)).echo(0.25, feedback=0.5).send("hall", -6)
        live.d2 >> ll.sound("gong")
        live.d2.reverb(0.4, space=ll.sound("clock")).comp(by=live.d1)
        live.master.drive(6)
        live.start()
        time.sleep(2.5)
        live.d1.stop(0)
        time.sleep(2.5)
        live.hush(0.5)
        time.sleep(1.0)
    return log


def test_effects_rooms_and_two_channels_are_bounced_to_the_same_samples(
    hub, dask, evening, tmp_path, monkeypatch
):
    monkeypatch.setattr("latentlive.machines.working.SHORTEST", 0.7)
    heard = []
    for way in ([], ["--cluster", dask.address]):
        out, stems = tmp_path / f"{len(way)}.wav", tmp_path / f"stems{len(way)}"
        line = ["bounce", str(evening), "--model", "toy", "-o", str(out), "--stems", str(stems)]
        done = CliRunner().invoke(main, [*line, *way])
        assert done.exit_code == 0, done.output
        files = [out, *sorted(stems.iterdir())]
        heard.append({file.name.lstrip("02"): file.read_bytes() for file in files})
    assert len(heard[0]) >= 4  # the mix, two layers, a bus
    assert heard[0] == heard[1]
    mix, rate = soundfile.read(tmp_path / "0.wav")
    assert np.abs(mix[:, 0] - mix[:, 1]).max() > 0.01
    assert np.abs(mix[3 * rate : 5 * rate]).max() > 0.001  # what rings behind the stop


def test_a_log_that_plays_on_a_map_is_refused_on_a_cluster(hub, dask, tmp_path):
    log = tmp_path / "roaming.py"
    with ll.Engine(model="toy", silent=True, hold=True, log=log) as live:
        live.d1 >> ll.roam(0.5, ll.sine(4))
        live.start()
        time.sleep(0.3)
    line = ["bounce", str(log), "--model", "toy", "-o", str(tmp_path / "x.wav")]
    done = CliRunner().invoke(main, [*line, "--cluster", dask.address])
    assert done.exit_code == 1
    why = "cluster: the log plays on a map, whose sounds lie on this machine"
    assert done.output.splitlines()[-1] == f"Error: {why}; leave out --cluster"
    assert not (tmp_path / "x.wav").exists()


@contextlib.contextmanager
def prompt_of(address, said):
    """An engine whose frozen sounds are made at an address."""
    with ll.Engine(model="toy", silent=True, cluster=address, say=said.append) as live:
        yield live


def wait_for(what):
    end = time.monotonic() + LONG
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_what_a_performance_freezes_is_made_there_and_a_worker_may_be_lost(
    dask, hub, said, tmp_path, monkeypatch
):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    texture = ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(8)).extend(4)
    with prompt_of(dask.address, said) as live:
        live.d1 >> texture.frozen("alloy", seconds=900)
        wait_for(lambda: [one.done for one in live.freezing.progress][:1] > [0.0])
        dask.kill("a")
        wait_for(lambda: "alloy is frozen: d1 plays it" in said)
    there = frozen_file("alloy").read_bytes()
    assert sum("works with us" in line for line in said) == 2
    assert sum("is lost; its stretch is done elsewhere" in line for line in said) == 1
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path / "here"))
    Here("toy").freeze(texture, "alloy", 900)
    assert there == frozen_file("alloy").read_bytes()


def test_without_its_cluster_a_sound_is_frozen_here(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    monkeypatch.setattr(hubs, "ANSWERS", 0.5)
    setting = replace(Here("toy")._setting, cluster=Machines("tcp://127.0.0.1:9"))
    sound = to_freeze(ll.sound("gong"), "alloy", 2.0, setting)
    assert sound.module == "latentlive.machines.freezer"
    told, said = [], []
    freeze_there(json.loads(json.dumps(sound.dump())), lambda *done: told.append(done), said.append)
    assert sound.done
    assert told[-1] == (88200, 88200)
    assert len(said) == 1
    assert said[0].startswith("cluster: no scheduler answers at tcp://127.0.0.1:9: start one by")
    assert said[0].endswith("; alloy is frozen on this machine")


def test_a_model_in_a_file_is_sent(hub, tmp_path):
    model = tmp_path / "mine.safetensors"
    shutil.copy(starter_path("rawaudiovae"), model)
    texture = ll.interp(ll.sound("gong"), ll.sound("rain"), ll.sine(1))
    there = np.concatenate(list(rendered_on(hub, texture, 5, model=str(model))))
    assert np.array_equal(there, ll.render(texture, 5, model=str(model)))


def test_workers_with_other_code_or_other_bits_are_left_out(hub, said, monkeypatch):
    monkeypatch.setattr(hubs, "PATIENCE", 1.0)
    monkeypatch.setattr("latentlive.machines.working.bits_of", lambda space: "others")
    with pytest.raises(EngineError, match="cluster: no worker can be used at tcp://"):
        next(rendered_on(hub, TEXTURE, 5))
    assert sum("is left out: it makes other bits than this machine" in line for line in said) == 2
    said.clear()
    hub._refused.clear()
    monkeypatch.setattr(hubs, "code", lambda: "0" * 32)
    with pytest.raises(EngineError, match="cluster: no worker can be used at tcp://"):
        next(rendered_on(hub, TEXTURE, 5))
    assert sum("is left out: it runs other code (latentlive " in line for line in said) == 2


def test_what_a_worker_refuses_is_told_in_one_line(hub):
    ready, task = lambda seat: None, Task("keep_log", {"mark": "x"}, lambda: {})
    with pytest.raises(EngineError, match=r"cluster: tcp://.*: KeyError: 'bytes'"):
        list(hub.done([task], ready))


def test_without_a_scheduler_it_is_one_line(monkeypatch):
    monkeypatch.setattr(hubs, "ANSWERS", 0.5)
    line = r"cluster: no scheduler answers at tcp://127.0.0.1:9: start one by 'dask scheduler'"
    with pytest.raises(EngineError, match=line):
        Hub("tcp://127.0.0.1:9")


def test_what_reads_this_machine_is_refused():
    with pytest.raises(EngineError, match="cluster: roam reads a map, whose sounds lie here"):
        check_portable(ll.roam(ll.sine(4), 0.5))
    with pytest.raises(EngineError, match=r"names a file of this machine"):
        check_portable(ll.sound("gong").on("mine.safetensors"))
    with pytest.raises(EngineError, match="import 'ckpt_00500' first"):
        Model.of("runs/ckpt_00500", ToySpace(64))


def test_options_that_do_not_go_together_are_refused(tmp_path):
    for arguments, line in (
        (["corpus", "--cluster", "tcp://x:1"], "corpus: --cluster is for a FOLDER"),
        (["render", "sound('gong')", "-o", "x.wav", "--tls", "a", "b", "c"], "--tls belongs to"),
        (["play", "first_light", "--silent", "--tls", "a", "b", "c"], "--tls belongs to"),
        (["--tls", "a", "b", "c", "play", "first_light", "--silent"], "--tls belongs to"),
        (["render", "x", "-o", "x.wav", "--tape", "x.py", "--cluster", "tcp://x:1"], "--tape is"),
        (["bounce", "x.py", "-o", "x.wav", "--perform", "--cluster", "tcp://x:1"], "--cluster is"),
    ):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 1
        assert line in done.output


def test_stretches_cover_everything_once():
    for begin, stop in ((0, 1), (5, 44100 * 7), (4096, 44100 * 3600)):
        spans = list(stretches(begin, stop, 44100, 4096))
        assert spans[0][0] == begin
        assert spans[-1][1] == stop
        assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
        assert all(a % 4096 == 0 for a, _ in spans[1:])


def test_a_parcel_holds_no_pickle_and_nonsense_is_refused():
    class Trap:
        def __reduce__(self):
            return (os.abort, ())

    trap = np.array([Trap()], dtype=object)
    with pytest.raises(EngineError, match="only numbers are sent"):
        packed({"a": 1}, {"x": trap})
    with pytest.raises(EngineError, match="only numbers are sent"):  # no worker is lost by it
        Seat("tcp://there", None, threading.Event()).ask("hello", {}, {"x": trap})
    room = io.BytesIO()
    np.savez(room, x=trap)
    data = packed({"a": 1}) + room.getvalue()
    with pytest.raises(EngineError, match="cluster: what came is no answer"):
        unpacked(data)
    for nonsense in (b"", b"\0\0\0\5{}", b"\xff" * 40, "text", packed({}) + b"more", None):
        with pytest.raises(EngineError, match="cluster: what came is no answer"):
            unpacked(nonsense)


def test_a_station_keeps_only_what_its_digest_says(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTLIVE_CACHE", str(tmp_path))
    station = Station()

    def ask(method, head, **arrays):
        return unpacked(getattr(station, method)(packed(head, arrays)))[0]

    hello = ask("hello", {"code": code(), "model": Model.of("toy", load_model("toy")).told})
    assert hello["bits"] == bits_of(load_model("toy"))
    assert ask("hello", {"code": "other", "model": {}})["bits"] == ""
    data = np.frombuffer(b"a log", np.uint8)
    assert "damaged" in ask("keep_log", {"mark": "0" * 32}, bytes=data)["error"]
    assert "damaged" in ask("keep_model", {"mark": "../x"}, bytes=data)["error"]
    sound = np.ones(4, np.float32)
    assert "damaged" in ask("keep_sound", {"digest": "0" * 32}, samples=sound)["error"]
    place = {"log": "../../x", "model": {}, "start": 0, "stop": 1, "stems": False}
    assert ask("bounce", place)["error"] == "cluster: no digest"
    assert "no suffix" in ask("measure", {"suffix": "/../x", "path": ""}, bytes=data)["error"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and "audio" in path.parts]


def test_what_ends_every_worker_is_given_up_after_three():
    shared = Round(iter([(0, Task("render", {}))]), ordered=True)
    index, task = shared.next(4)
    assert [shared.back(index, task) for _ in range(3)] == [1, 2, hubs.MOST_LOST]
    assert shared.next(4) == (0, task)
    shared.end()
    assert shared.next(4) is None


def certificates(folder):
    """Make a CA and one certificate for all; skip without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl")

    def run(*command):
        subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=folder)

    new = ("req", "-newkey", "rsa:2048", "-nodes")
    own = ("-subj", "/CN=authority", "-x509", "-days", "2")
    run(*new, *own, "-keyout", "ca.key", "-out", "ca.pem")
    run(*new, "-subj", "/CN=player", "-keyout", "key.pem", "-out", "ask.csr")
    signed = ("x509", "-req", "-in", "ask.csr", "-CA", "ca.pem", "-CAkey", "ca.key")
    run(*signed, "-CAcreateserial", "-days", "2", "-out", "cert.pem")
    return [str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")]


def test_over_tls_nobody_without_the_certificate_works_there(tmp_path, monkeypatch):
    files = certificates(tmp_path)
    names = ("--tls-ca-file", "--tls-cert", "--tls-key")
    options = [part for pair in zip(names, files, strict=True) for part in pair]
    dask = Dask(tmp_path, "--protocol", "tls", *options)
    try:
        dask.work("a")
        assert dask.address.startswith("tls://")
        with Hub(dask.address, tuple(files)) as hub:
            dask.wait_for(1, hub)
            there = np.concatenate(list(rendered_on(hub, ll.sound("gong"), 2.5)))
        assert np.array_equal(there, ll.render(ll.sound("gong"), 2.5))
        monkeypatch.setattr(hubs, "ANSWERS", 1.0)
        with pytest.raises(EngineError, match="cluster: no scheduler answers at tls://"):
            Hub(dask.address)
    finally:
        dask.end()


def test_threads_end_with_what_they_work_for(hub):
    before = threading.active_count()
    blocks = rendered_on(hub, TEXTURE, 60)
    next(blocks)
    blocks.close()
    end = time.monotonic() + 20
    while threading.active_count() > before:
        assert time.monotonic() < end
        time.sleep(0.05)

"""The handle of an engine: start it, change layers, read its state."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from latentlive.client.connection import PATIENCE, SILENT, Connection, start_engine
from latentlive.client.directions import DirectionView, Measurements
from latentlive.client.effects import Bus, Fader
from latentlive.client.freezing import Freezing
from latentlive.client.inputs import Inputs, Knobs
from latentlive.client.layer import Layer, Master
from latentlive.client.showing import Showing
from latentlive.client.textures import Textures
from latentlive.client.transaction import Transaction
from latentlive.client.views import History, Layers, Now, Plan, Status, Tap, cue_name
from latentlive.client.waiting import Line
from latentlive.corpus import Corpus
from latentlive.errors import EngineError, ExpressionError, HangingError
from latentlive.ground.names import normal
from latentlive.latent import Texture
from latentlive.latent.freezing import close_freezer, open_freezer
from latentlive.protocol.address import Address, OnExit, reached
from latentlive.protocol.changes import Change, Hush, Only, Play, SetTempo
from latentlive.protocol.children import ONE_THREAD
from latentlive.protocol.kinds import BEATS, BPM, LAYER, PATH, SEED
from latentlive.protocol.requests import (
    Audition,
    Cancel,
    Cell,
    Panic,
    RecordTo,
    Redo,
    Seed,
    Start,
    StopRecording,
    Undo,
)
from latentlive.protocol.when import After, Beat, Cue
from latentlive.renderer import corpus_sounds
from latentlive.renderer.freezing import Cluster


class Engine(Showing, Textures):
    """A running engine; leaving the ``with`` block fades out and ends it.

    Parameters
    ----------
    corpus : Corpus or path, optional
        By default the starter corpus.
    model : path, optional
        By default the starter model.
    out : path, optional
        The ``.wav`` or ``.flac`` file for the whole output, besides the recordings of `record`.
    tempo : float [beats per minute]
    seed : int
    device : str, optional
        Name or number of the output device.
    channels : int
        Output channels, even, 2 to 16.
    silent : bool
        Keep time without a device.
    hold : bool
        Hold the transport until `start`.
    latency : float [seconds]
        Of the device, as it is asked for. What arrives live is heard so much sooner.
    osc : str
        ``PORT`` or ``HOST:PORT`` where OSC is heard from the start; by default
        ``127.0.0.1:9000``, once a word asks for it.
    input : str
        Name or number of the sound input, for `grab` and `level`; by default the system's own
        choice, and none where `silent`.
    log : path, optional
        The ``.py`` file of the log; by default a new file in the cache.
    replay : path, optional
        A log to play again from sample `begin`, with the log's seed, tempo and channels.
    resume : path, optional
        The log of a crashed run: its layers play on.
    on_exit : 'fade' or 'keep'
        The engine's reaction when this process is killed.
    cluster : str
        The address of a Dask scheduler whose workers freeze what ``.frozen()`` asks for.
    tls : (CA, certificate, key), optional
        Files in PEM form, for a cluster at ``tls://``.
    say : function of a line
        Receives lines for the performer.

    Raises
    ------
    EngineError, ModelError, SoundError

    Example
    -------
    ``with Engine() as live: live.d1 >> sound("gong").extend(8)``
    """

    d1: Layer
    d2: Layer
    d3: Layer
    d4: Layer
    d5: Layer
    d6: Layer
    d7: Layer
    d8: Layer
    d9: Layer
    d10: Layer
    d11: Layer
    d12: Layer
    d13: Layer
    d14: Layer
    d15: Layer
    d16: Layer
    process: subprocess.Popen[bytes] | None

    def __init__(
        self,
        *,
        corpus: Corpus | str | os.PathLike[str] | None = None,
        model: str | os.PathLike[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        tempo: float = 60.0,
        seed: int = 0,
        device: str = "",
        channels: int = 2,
        silent: bool = False,
        hold: bool = False,
        block: int = 512,
        ahead: float = 2.0,
        latency: float = 0.1,
        osc: str = "",
        input: str = "",
        log: str | os.PathLike[str] | None = None,
        replay: str | os.PathLike[str] | None = None,
        begin: int = 0,
        resume: str | os.PathLike[str] | None = None,
        on_exit: OnExit = "fade",
        cluster: str = "",
        tls: Sequence[str | os.PathLike[str]] | None = None,
        say: Callable[[str], object] | None = None,
    ) -> None:
        self.cluster = Cluster.of(cluster, tls)
        library = corpus if isinstance(corpus, Corpus) else Corpus(corpus)
        arguments = ["--model", os.fspath(model or ""), "--device", device, "--bpm", str(tempo)]
        arguments += ["--seed", str(seed)]
        arguments += ["--out", os.path.abspath(out) if out else "", "--corpus", library.given]
        arguments += ["--replay", os.path.abspath(replay) if replay else "", "--begin", str(begin)]
        arguments += ["--resume", os.path.abspath(resume) if resume else ""]
        arguments += ["--log", os.path.abspath(log) if log else ""]
        arguments += ["--block", str(block), "--ahead", str(ahead)]
        arguments += ["--latency", str(latency), "--osc", osc, "--input", input]
        arguments += ["--channels", str(channels)]
        arguments += ["--silent"] * silent + ["--hold"] * hold
        address, self.process = start_engine(arguments)
        super().__init__(*address.connect(on_exit), address, say, PATIENCE)
        self._make_words(library)
        open_freezer(self)

    @classmethod
    def attach(
        cls,
        say: Callable[[str], object] | None = None,
        on_exit: OnExit = "keep",
        address: Address | None = None,
        reads: bool = False,
        cluster: str = "",
        tls: Sequence[str | os.PathLike[str]] | None = None,
    ) -> Engine:
        """Return a running engine, by default the one that started last.

        Parameters
        ----------
        say : function of a line
        on_exit : 'fade' or 'keep'
            The engine's reaction when this process is killed.
        address : Address, optional
        reads : bool
            Whether this process only shows the engine.
        cluster, tls
            As for `Engine`.

        Raises
        ------
        EngineError
            If none runs.
        """
        engine = cls.__new__(cls)
        engine.process, engine.cluster = None, Cluster.of(cluster, tls)
        if address is None:
            reach = reached(on_exit=on_exit, reads=reads)
        else:
            reach = *address.connect(on_exit, reads), address
        Connection.__init__(engine, *reach, say)
        engine._make_words(None)
        open_freezer(engine)
        return engine

    def _make_words(self, library: Corpus | None) -> None:
        """Make the words that are objects, and the transaction that they write to."""
        self.corpus = library or Corpus(self.welcome.corpus or None)
        self._sounds = corpus_sounds(self.corpus, self.welcome.sample_rate, self._say)
        self.freezing = Freezing(self._setting, self._play_frozen, self._say)
        self._measurements = Measurements(self, self._say)
        self.directions = DirectionView(self._measurements)
        self.patient = None
        self._first_tempo, self._models = None, {}
        self._cells = Transaction(self, self.freezing)
        self.master = Master(self)
        self.now, self.tap = Now(self), Tap(self)
        self.plan, self.layers = Plan(self), Layers(self)
        self.status, self.history = Status(self), History(self)
        self.knobs, self.inputs = Knobs(self), Inputs(self)
        for number in range(1, 17):
            setattr(self, f"d{number}", Layer(self, f"d{number}"))

    def layer(self, name: str) -> Layer:
        """Return the layer of a name."""
        if not isinstance(name, str) or not name.isidentifier():
            raise ExpressionError(f"layer: a name is a word such as 'sea', got {name!r}")
        if name == self.master.name:
            raise ExpressionError("layer: master is the whole mix; give a layer another name")
        return Layer(self, normal(name))

    def bus(self, name: str) -> Bus:
        """Return the bus of a name: layers are sent to it, and it plays them with its effects.

        Example
        -------
        ``bus("hall").reverb(1, seconds=6).gain(-3)``, then ``d1.send("hall", -12)``
        """
        return Bus(self, self.layer(LAYER.coerce(name, "bus: name")).name)

    def hush(self, fade: float = 1.0) -> None:
        """Fade every layer out over `fade` beats (>= 0) and end it."""
        beats = BEATS.coerce(fade, "hush: fade")
        self.change(Hush(beats))

    def only(self, *layers: Fader) -> None:
        """Silence all layers but these, which keep time; without any, let all sound again.

        The buses that they are sent to are heard, and of a bus all that it is sent.
        """
        for layer in layers:
            if not isinstance(layer, Fader):
                raise ExpressionError(f"only: expected layers such as d1, got {layer!r}")
        self.change(Only(tuple(layer.name for layer in layers)))

    def panic(self) -> None:
        """Silence everything from the device's next block on, and end all layers.

        Kills an engine that does not answer within two seconds.
        """
        try:
            self._cells.act(Panic(), patience=SILENT)
        except HangingError:
            self.cut()

    def _play_frozen(self, line: Line) -> None:
        """Assign a waiting texture to its layer, as if typed now."""
        if self._panics != line.panics:
            raise EngineError("all was silenced meanwhile")
        source = self.source(line.texture)
        code = f"{self.layer(line.layer)._typed()} >> {line.texture!r}"
        self.request(Cell((Play(line.layer, source),), code=code, name="frozen"))

    def change(self, change: Change) -> None:
        """Send one change, or add it to the open cell."""
        self._cells.change(change)
        if isinstance(change, SetTempo) and not self._cells.planning:
            self._first_tempo = change.bpm

    def cell(
        self, at: int | None = None, code: str = "", name: str = ""
    ) -> contextlib.AbstractContextManager[None]:
        """Collect changes that land together; none lands if the code fails.

        Parameters
        ----------
        at : int [samples], optional
            The moment; by default the next quant, once every texture is ready.
        code : str
            The typed code, for the log, which keeps it even if it fails.
        name : str
            Of the cell.
        """
        return self._cells.cell(at, code, name)

    def at(self, beat: float) -> contextlib.AbstractContextManager[None]:
        """Land the changes inside at a beat (>= 0) of the transport.

        Python runs now; the changes wait, rendered ahead, and land all together or not at all. A
        change of tempo moves their moment.

        Example
        -------
        ``with at(64): d1 >> sound("gong")``
        """
        beat = BEATS.coerce(float(beat) if isinstance(beat, Now) else beat, "at: beat")
        return self._cells.planned("at", Beat(beat))

    def cue(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Hold the changes inside until ``go(name)``, rendered ahead.

        Its textures start at ``go``. The same name again replaces the cue.

        Example
        -------
        ``with cue("drop"): d1 >> sound("gong")``
        """
        return self._cells.planned("cue", Cue(cue_name(name, "cue")))

    def after(self, name: str, beats: float) -> contextlib.AbstractContextManager[None]:
        """Land the changes inside some beats (>= 0) after a cue has landed.

        Example
        -------
        ``with after("drop", 16): d1.stop(8)``
        """
        beats = BEATS.coerce(beats, "after: beats")
        return self._cells.planned("after", After(cue_name(name, "after"), beats))

    def go(self, name: str) -> None:
        """Land a cue at the next quant; inside ``with at(beat):``, at that beat."""
        self._cells.go(cue_name(name, "go"))

    def cancel(self, name: str) -> None:
        """Drop the cue or planned line of a name, or stop freezing the sound of that name."""
        name = cue_name(name, "cancel")
        self._cells.refuse_planned("cancel")
        dropped = self.freezing.cancel(name)
        if dropped is not None:
            self._say(f"{name} {dropped.be} not {dropped.made} any more")
        else:
            self._cells.act(Cancel(name))

    def ready(self, name: str) -> float:
        """Return how many seconds of a cue or planned line are already rendered.

        Raises
        ------
        EngineError
            If the plan has no such name.
        """
        for one in self.fresh()["plan"]:
            if one["name"] == name:
                return float(one["ready"])
        raise EngineError(f"ready: nothing is planned under {name!r}")

    def audition(self, what: Texture | str | None = None) -> None:
        """Hear a texture, or a cue's textures by its name, quietly on preview layers.

        They sound on the last pair of output channels. Without an argument, stop them.
        """
        if what is None or isinstance(what, str):
            self._cells.act(Audition(what))
        else:
            self._cells.act(Audition(source=self.source(what)))

    def tempo(self, bpm: float, over: float = 0.0) -> None:
        """Set the tempo at the next quant.

        Parameters
        ----------
        bpm : float [beats per minute, 1 to 2000]
        over : float [beats, >= 0]
            Duration of the tempo change.

        Example
        -------
        ``tempo(90, over=16)``
        """
        bpm = BPM.coerce(bpm, "tempo: bpm")
        over = BEATS.coerce(over, "tempo: over")
        self.change(SetTempo(bpm, over))

    def seed(self, n: int) -> None:
        """Draw all chance from seed `n` (0 to 2**63 - 1); only before the transport starts."""
        n = SEED.coerce(n, "seed: n")
        self._cells.act(Seed(n))

    def undo(self) -> None:
        """Undo the last change of the layers, with fades; drop one that has not landed yet.

        Repeats up to a hundred times, and names each undone change. Also drops a line that waits
        for a frozen sound.
        """
        self._cells.refuse_planned("undo")
        if self.moment is not None or not self.freezing.take_back():
            self._cells.act(Undo())

    def redo(self) -> None:
        """Redo the last undone change, and name it."""
        self._cells.act(Redo())

    def bounce(self, start: float, stop: float, path: str | os.PathLike[str]) -> None:
        """Write the performance from one beat to another to a file, rendered in the background.

        Parameters
        ----------
        start, stop : float [beats, >= 0]
        path : path
            Ends in ``.wav`` or ``.flac``; gets a number if the file exists.

        Example
        -------
        ``bounce(0, 64, "intro.flac")``
        """
        first, last = (
            BEATS.coerce(value, f"bounce: {name}")
            for name, value in (("start", start), ("stop", stop))
        )
        self._cells.refuse_planned("bounce")
        file = _file(path, "bounce: path")
        command = [sys.executable, "-P", "-m", "latentlive.engine.log.bounced", self.log, file]
        command += [f"{first:.6f}b", f"{last:.6f}b"]
        moment = self._cells.moment or 0

        def reached() -> bool:
            return self.ended or int(self.state.get("position", 0)) >= moment

        def run() -> None:
            self.wait_for(reached, threading.TIMEOUT_MAX)  # at once unless its cell has a moment
            done = subprocess.run(
                command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}
            )
            told = done.stderr if done.returncode else f"bounced to {done.stdout}"
            self._say((told.strip().splitlines() or ["bounce: it was ended"])[-1])

        threading.Thread(target=run, daemon=True).start()
        self._say(f"bouncing to {file}")

    @property
    def log(self) -> str:
        """The file of the performance's log."""
        return str(self.welcome.log)

    def start(self) -> None:
        """Start a held transport, once everything sent so far is ready."""
        self.request(Start())

    def wait_for_device(self) -> str | None:
        """Wait for the audio process to report; return the device's name, None without one."""
        self.wait_for(lambda: self.ended or self.state.get("opened"))
        device: str | None = self.state.get("device")
        return device

    def record(
        self, path: str | os.PathLike[str], stems: str | os.PathLike[str] | None = None
    ) -> None:
        """Record the output to a ``.wav`` or ``.flac`` file from now on.

        Overwrites nothing: if the file exists, the new one gets a number, ``take-2.wav``. A
        recording under way ends when this one opens.

        Parameters
        ----------
        path : path
            The file is readable up to the last second at any moment, whatever is killed.
        stems : path, optional
            A folder for a ``.wav`` file of each layer, after its gain and the master and before
            the limiter; it gets a number if it holds sounds.

        Raises
        ------
        EngineError
            If the file cannot be written; a recording under way goes on.
        """
        folder = None if stems is None else _file(stems, "record: stems")
        file = _file(path, "record: path")
        self._cells.act(RecordTo(file, folder))

    def stop_recording(self) -> None:
        """End the recording, and name its file."""
        self._cells.act(StopRecording(), "stop_recording")

    @property
    def moment(self) -> int | None:
        """The sample at which the running cell lands, if it names one."""
        return self._cells.moment

    def shown(self, name: str) -> str:
        """Return the code of a layer's texture, empty if it is silent."""
        for layer in self.state.get("layers", []):
            if layer["name"] == name:
                return str(layer["code"])
        return ""

    def hang_up(self) -> None:
        """Close the wire and stop freezing; ``on_exit`` decides whether the engine plays on."""
        close_freezer(self)
        self.freezing.close()
        self.close_stage()
        super().hang_up()

    def close(self, fade: float = 1.0) -> None:
        """Fade out over `fade` seconds and end the engine; at once if it does not answer."""
        self.freezing.close()
        try:
            self.end(fade)
        except HangingError:
            self.cut()
        if self.process is not None:
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.hang_up()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _file(value: object, place: str) -> str:
    """Return a performer's path as an absolute one.

    Raises
    ------
    ExpressionError
        ``record: path must be a name in quotes, got 3``
    """
    given = os.fspath(value) if isinstance(value, os.PathLike) else value
    file = PATH.coerce(given, place)
    try:
        return os.path.abspath(file)
    except OSError:
        raise ExpressionError(
            f"{place}: the working folder is gone; write the whole path, got {file!r}"
        ) from None

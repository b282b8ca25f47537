"""The handle of an engine: start it, change layers, read its state."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from latentlive.client.connection import PATIENCE, SILENT, Connection, start_engine
from latentlive.client.directions import DirectionView, Measurements
from latentlive.client.effects import Bus, Fader
from latentlive.client.freezing import Freezing
from latentlive.client.inputs import Inputs, Knobs
from latentlive.client.layer import Layer, Master
from latentlive.client.planning import Planning
from latentlive.client.recording import Recording
from latentlive.client.showing import Showing
from latentlive.client.transaction import Transaction
from latentlive.client.views import History, Layers, Now, Plan, Status, Tap
from latentlive.client.waiting import Line
from latentlive.corpus import Corpus
from latentlive.errors import EngineError, ExpressionError, HangingError
from latentlive.ground.names import normal
from latentlive.latent.freezing import close_freezer, open_freezer
from latentlive.protocol.address import Address, OnExit, reached
from latentlive.protocol.changes import Hush, Only, Play
from latentlive.protocol.kinds import BEATS, LAYER
from latentlive.protocol.requests import Cell, Panic, Start
from latentlive.renderer import corpus_sounds
from latentlive.renderer.frozen import Machines


class Engine(Showing, Planning, Recording):
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
        self.cluster = Machines.of(cluster, tls)
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
        engine.process, engine.cluster = None, Machines.of(cluster, tls)
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

    def start(self) -> None:
        """Start a held transport, once everything sent so far is ready."""
        self.request(Start())

    def wait_for_device(self) -> str | None:
        """Wait for the audio process to report; return the device's name, None without one."""
        self.wait_for(lambda: self.ended or self.state.get("opened"))
        device: str | None = self.state.get("device")
        return device

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

"""Throws wrong lines at a playing engine and checks that its layers do not change by a bit.

    python tests/fuzz_prompt.py --lines 10000 --seed 1

Two engines of the toy space play the same three layers. One is left alone; at the prompt of the
other, lines are typed that are no valid words: mutations of good ones, and some that mean harm.
Each is typed on trial first, with nothing sent: a line that runs and asks for a change is a valid
word and is left out; a line that fails and yet asks for one breaks the promise. Then it is typed in
earnest. What both engines have played is compared, sample by sample.
"""

from __future__ import annotations

import argparse
import builtins
import contextlib
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from queue import SimpleQueue

import numpy as np
import soundfile

import latentlive as ll
from latentlive.prompt.booting import Booting
from latentlive.prompt.console import Console
from latentlive.protocol.requests import Cell, Request

GOOD = """
d1 >> sound(np.sin(np.arange(900) * 0.05))
d1 >> interp(drift(1), drift(2), sine(8)).extend(4)
d2 >> path([prior(1), prior(2), prior(3)], saw(60)).slow(2)
d1.gain(-6).pan(perlin(32)).fade(8)
d3.xfade(4).quant(2).amp(square(3).range(0.2, 0.9))
(d1 >> noise(3).spread(0.5).smooth(2)).gain(-6)
layer("sea") >> blend((drift(1), 0.5), (drift(2), 0.5))
d2.stop(4); d3.mute()
hush(4)
only(d1, d3)
master.gain(-3)
d1.rename("storm")
tempo(90, over=8)
with at(now.beat + 4): d1 >> drift(4)
with cue("drop"):\n    d1 >> drift(4)\n    d2.stop(2)
go("drop"); cancel("drop"); undo(); redo()
a = drift(1)\nb = a.offset(z([0.1] * 8), 0.5)\nd4 >> b.freeze(3)
for n in range(3): layer(f"x{n}") >> drift(n)
def f(x=1):\n    return interp(drift(x), silence, line(0, 1, 4))\nd5 >> f(2)
class A:\n    x = sine(3) + saw(2) * 0.5
lambda x: x + 1
[d1, d2][0].pan(env([(0, 0), (4, 1)]))
drift(1).loop(3).rev().slice(1, 2)
steps(drift(1).slice(0, 9), drift(2).slice(0, 9), 0, 1, 0.2)
""".strip().splitlines()

HARM = [
    "d1 = 3",
    "del d1",
    "global d1; d1 = 3",
    "def f():\n    global d1, hush\n    d1 = hush = None\nf()",
    "globals().clear()",
    "globals().update(d1=None, hush=None)",
    "d1.gain(0); d1 >> drift(9); 1 / 0",
    "hush(0)\nraise ValueError",
    "only(d2); d1.stop(0); undefined",
    "with cue('x'):\n    d1.stop(0)\n    1 / 0",
    "with at(0):\n    d1.stop(0)\n    1 / 0",
    "import sys; sys.exit()",
    "raise SystemExit(3)",
    "raise KeyboardInterrupt",
    "raise GeneratorExit",
    "raise StopIteration",
    "raise MemoryError",
    "class E(BaseException):\n    def __str__(self): raise SystemExit\nraise E",
    "class R:\n    def __repr__(self): raise KeyboardInterrupt\nR()",
    "class R:\n    def __repr__(self): return 3\nR()",
    "def f(): f()\nf()",
    "import sys; sys.setrecursionlimit(60)",
    "'x' * 10_000_000",
    "raise ValueError('x' * 10_000_000)",
    "[0] * 10**12",
    "bytearray(10**13)",
    "(n for n in iter(int, 1))",
    "yield 3",
    "await d1",
    "return 3",
    "while True: pass",
    "try:\n    while True: pass\nexcept KeyboardInterrupt: 1 / 0",
    "sound = interp = 3",
    "print = None",
    "import builtins; del builtins.print",
    "__builtins__ = {}",
    "layers.clear()",
    "plan.clear()",
    "d1.__dict__.clear() or 1 / 0",
    "d1._no_such",
    "d1 >> d1",
    "d1 >> None",
    "d1 << drift(1)",
    "d1 >>= 3",
    "d1 > drift(1)",
    "d1()",
    "d1[0]",
    "d1 >> drift(1).norm().norm().exact()",
    "d1 >> sound('no such sound')",
    "d1 >> sound(np.full(100, np.nan))",
    "d1 >> z([1, 2, 3])",
    "d1.gain('loud')",
    "d1.gain(float('nan'))",
    "d1.pan(sine(0))",
    "d1.fade(-1)",
    "hush(-1)",
    "hush('now')",
    "only(3)",
    "layer(3)",
    "layer('a b')",
    "cell('nothing')",
    "load('nothing')",
    "\0",
    "\ud800",
    "(" * 1000,
    "-" * 100_000 + "1",
    "d1 >> " + "drift(1).rev()" + ".rev()" * 400,
    "d1" + ".gain(1)" * 50 + ".nothing",
    "exit 3",
    "why",
]
"""Lines that must change nothing, whatever they mean to do."""

REFUSED_THERE = (
    "d9.restart()",
    "d1.rename('d2')",
    "for n in range(99): layer(f'many{n}') >> drift(n)",
    "d1.stop(0); hush(0); d9.restart()",
)
"""Lines that look right from here, and that the engine refuses as a whole."""

TOKENS = re.findall(
    r"\S+",
    """d1 d2 ( ) [ ] , . : = >> >>= - + * / 0 1 0.5 -1 1e9 None np.nan 'x' lambda for in if
    else: not def return raise sound drift interp sine slow extend gain pan fade""",
)
TOKENS += [" ", "\n", "\t", "    "]
SIGNS = [*range(32, 127), *range(1, 0x3000, 97)]
PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)
RATE = 44100
SETTLED = 2 * RATE
"""The first sample compared: fades that begin with the transport differ from run to run."""

LONGEST = 0.4
"""Seconds after which a line is stopped as by Ctrl-C."""


def mutated(rng: random.Random) -> str:
    """Return a good line with a few things wrong."""
    line = rng.choice(GOOD).replace("\\n", "\n")
    if rng.random() < 0.1:
        line += rng.choice(["\n", "; "]) + rng.choice(GOOD).replace("\\n", "\n")
    for _ in range(rng.randint(1, 4)):
        pieces = PIECE.findall(line) or [""]
        place = rng.randrange(len(pieces))
        kind = rng.randrange(6)
        if kind == 0:
            del pieces[place]
        elif kind == 1:
            pieces.insert(place, rng.choice(TOKENS))
        elif kind == 2:
            pieces[place] = rng.choice(TOKENS)
        elif kind == 3:
            pieces.insert(place, pieces[rng.randrange(len(pieces))])
        elif kind == 4:
            text = pieces[place]
            at = rng.randrange(len(text) + 1)
            pieces[place] = text[:at] + chr(rng.choice(SIGNS)) + text[at:]
        else:
            pieces = pieces[:place]
        line = "".join(pieces)
    return line


def play(live: ll.Engine) -> None:
    """Begin three layers of different kinds."""
    rng = np.random.default_rng(5)
    with live.cell():
        live.d1 >> ll.sound((rng.standard_normal(30_000) * 0.1).astype(np.float32))
        live.d1.gain(ll.sine(3).range(-12, 0)).pan(ll.perlin(2))
        live.d2 >> ll.sound(np.sin(np.arange(50_000) * 0.03) * 0.2).slow(2).jitter(0.1)
        live.layer("sea") >> ll.interp(ll.drift(1), ll.drift(2), ll.sine(5))
    live.start()


class Trial:
    """Stands before an engine's `request` and keeps what is asked instead of sending it.

    Parameters
    ----------
    live : Engine
    """

    def __init__(self, live: ll.Engine) -> None:
        self.asked: list[str] = []
        self.on = False
        self._request = live.request
        live.request = self  # type: ignore[method-assign, assignment]

    def __call__(self, request: Request, *patience: float) -> object:
        if not self.on:
            return self._request(request, *patience)
        if not isinstance(request, Cell) or request.changes or request.plans:
            self.asked.append(request.word)  # the rest is text for the log
        return None


def throw(lines: int, seed: int, live: ll.Engine) -> dict[str, int]:
    """Type wrong lines at an engine's prompt; return how many of each kind there were."""
    console = Console(Booting(lambda: live, print, print), SimpleQueue())
    console.booting.engine()
    signal.signal(signal.SIGALRM, console._interrupted)
    trial = Trial(live)
    rng = random.Random(seed)
    count = {"typed": 0, "refused": 0, "harmless": 0, "left out": 0}

    own_print = builtins.print

    def run(line: str) -> str:
        signal.setitimer(signal.ITIMER_REAL, LONGEST)
        try:
            return console.run(line).error
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            sys.setrecursionlimit(1000)
            builtins.print = own_print

    waiting = [*HARM, *REFUSED_THERE]
    while count["typed"] < lines:
        if count["typed"] % 500 == 499:
            console.scope.clear()  # so that names shadowed long ago do not hide the words for ever
            console.scope["__name__"] = "__main__"
        line = waiting.pop(0) if waiting else mutated(rng)
        trial.asked, trial.on = [], True
        wrong = run(line)
        trial.on = False
        if wrong and "cell" in trial.asked:
            raise SystemExit(f"a line that failed asked for a change: {line!r}: {wrong}")
        refused_there = line in REFUSED_THERE
        if trial.asked and not refused_there:
            count["left out"] += 1
            continue
        wrong = run(line)
        if "\n" in wrong:
            raise SystemExit(f"an error of more than one line: {line!r}: {wrong!r}")
        if refused_there and not wrong:
            raise SystemExit(f"the engine took {line!r}")
        count["typed"] += 1
        count["refused" if wrong else "harmless"] += 1
    return count


def reached(lives: list[ll.Engine], position: int) -> None:
    """Wait until engines have played up to a sample."""
    end = time.monotonic() + position / RATE + 60
    while min(live.state.get("position", 0) for live in lives) < position:
        if time.monotonic() > end or any(live.ended for live in lives):
            raise SystemExit("an engine has stopped")
        time.sleep(0.05)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--least", type=float, default=3.0, help="Seconds of sound to compare.")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.chdir(folder)
        lives = [
            stack.enter_context(
                ll.Engine(
                    model="toy", silent=True, hold=True, ahead=2.5, corpus=folder, out=f"{name}.wav"
                )
            )
            for name in ("left alone", "disturbed")
        ]
        for live in lives:
            play(live)
        reached(lives, SETTLED)
        limit = 4 * 2**30
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        said = sys.stdout
        with Path(os.devnull).open("w") as quiet, contextlib.redirect_stdout(quiet):
            count = throw(options.lines, options.seed, lives[1])
        until = max(lives[1].state["position"], SETTLED + round(options.least * RATE))
        reached(lives, until + RATE)
        missing = [live.state["missing"] for live in lives]
        layers = [[one["name"] for one in live.state["layers"]] for live in lives]
        stack.close()
        alone, disturbed = (
            soundfile.read(f"{name}.wav", dtype="float32", start=SETTLED, stop=until)[0]
            for name in ("left alone", "disturbed")
        )
        if any(missing):
            raise SystemExit(f"the machine is too slow for this test: {missing} samples came late")
        if layers[0] != layers[1] or not np.array_equal(alone, disturbed):
            raise SystemExit(f"the layers have changed: {layers}")
        if len(alone) < until - SETTLED or np.abs(alone).max() < 0.01:
            raise SystemExit("nothing was played")
    kinds = ", ".join(f"{number} {kind}" for kind, number in count.items())
    print(f"{kinds}; {until - SETTLED} samples are the same", file=said)


if __name__ == "__main__":
    main()

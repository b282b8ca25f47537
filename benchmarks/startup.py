"""How long a cold start takes: until the prompt can be typed at, and until the first sound.

The real command runs in a pseudo-terminal of 80 by 24. The prompt counts as ready when its ``>>>``
is on the screen and a key that was pressed comes back; the first sound is the moment at which the
transport of the engine, asked over its own socket, has left sample 0. Ratios are against bare
Python and against importing the line editor alone, each measured in turns with the start itself.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time

from latentlive.ground.files import cache_folder

LINE = 'd1 >> sound("gong")'


def bare(code: str) -> float:
    """Return the seconds that Python takes to run some code, start included."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begun


class Start:
    """One cold start, in a terminal of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self.begun = time.perf_counter()
        command = [sys.executable, "-m", "latentlive.cli", *arguments]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, {**os.environ, "TERM": "xterm-256color"})
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.seen = b""

    def until(self, text: bytes, patience: float = 30.0) -> float:
        """Return the seconds from the start until a text is on the screen."""
        while text not in self.seen:
            if time.perf_counter() - self.begun > patience:
                raise SystemExit(f"waited in vain for {text!r}; seen: {self.seen[-500:]!r}")
            if select.select([self.terminal], [], [], 0.002)[0]:
                new = os.read(self.terminal, 65536)
                if b"\x1b[6n" in new:
                    os.write(self.terminal, b"\x1b[1;1R")  # it asks where the cursor is
                self.seen += new
        return time.perf_counter() - self.begun

    def type(self, text: str) -> None:
        """Press keys."""
        self.seen = b""
        os.write(self.terminal, text.encode())

    def first_sound(self, patience: float = 30.0) -> float:
        """Return the seconds from the start until the transport has moved."""
        from latentlive.client import Engine
        from latentlive.errors import EngineError

        live = None
        while live is None:
            try:
                live = Engine.attach(say=lambda _: None)
            except EngineError:
                time.sleep(0.01)
        while not live.state.get("position"):
            if time.perf_counter() - self.begun > patience:
                raise SystemExit("waited in vain for the first sound")
            time.sleep(0.002)
        heard = time.perf_counter() - self.begun
        # The state is told ten times a second: what was heard since it began is taken off.
        return heard - live.state["position"] / live.welcome.sample_rate

    def close(self) -> None:
        """Leave, and wait for the end."""
        os.write(self.terminal, b"\x04")
        end = time.perf_counter() + 15
        while time.perf_counter() < end:
            if select.select([self.terminal], [], [], 0.05)[0]:
                try:
                    os.read(self.terminal, 65536)
                except OSError:
                    break
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
        else:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def measure(arguments: list[str]) -> tuple[float, float]:
    """Return the seconds to the prompt and to the first sound of one start."""
    start = Start(arguments)
    start.until(b">>> ")
    start.type("d")
    prompt = start.until(b"d")
    start.type(LINE[1:] + "\r")
    sound = start.first_sound()
    start.close()
    return prompt, sound


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    if list(cache_folder("run").glob("engine-*.json")):
        raise SystemExit("an engine is running; end it first: latentlive stop")
    measure([])  # byte code and the file cache are warm from here on
    times: dict[str, list[float]] = {
        "python -c pass": [],
        "import ptpython": [],
        "prompt": [],
        "first sound": [],
    }
    for _ in range(rounds):
        times["python -c pass"].append(bare("pass"))
        times["import ptpython"].append(bare("import ptpython.repl, prompt_toolkit"))
        prompt, sound = measure([])
        times["prompt"].append(prompt)
        times["first sound"].append(sound)
    middle = {what: statistics.median(all_) for what, all_ in times.items()}
    print("| until              | seconds | of bare Python | of importing ptpython | target   |")
    print("|--------------------|--------:|---------------:|----------------------:|----------|")
    targets = {"prompt": 0.6, "first sound": 3.0}
    for what, seconds in middle.items():
        of_bare, of_editor = (seconds / middle[k] for k in ("python -c pass", "import ptpython"))
        wanted = f"<= {targets[what]:.1f} s" if what in targets else ""
        print(
            f"| {what:<18} | {seconds:7.2f} | {of_bare:13.1f}x | {of_editor:20.1f}x | {wanted:<8} |"
        )


if __name__ == "__main__":
    main()

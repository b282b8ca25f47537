"""How much a cluster's workers gain: rendering, bouncing and indexing with 1 and 2 workers here.

    python -m benchmarks.cluster            # five minutes
    python -m benchmarks.cluster --quick    # half a minute: does it run at all?

Each figure is the time of this program alone divided by that with the cluster: 1 is no gain. All
runs write the same bits, which is checked. Workers are started beforehand and know no sounds yet;
a second run finds sounds and code there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
EXPRESSION = 'interp(sound("gong"), sound("rain"), sine(8)).extend(8)'


@contextlib.contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """Start a scheduler and workers; yield the address."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    dask = [sys.executable, "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    common = ["--host", "127.0.0.1", "--no-dashboard"]
    command = [*dask, "distributed.cli.dask_scheduler", *common, "--port", "0"]
    processes = [subprocess.Popen([*command, "--scheduler-file", str(file)], **quiet)]
    command = [*dask, "distributed.cli.dask_worker", *common, "--nthreads", "1", "--no-nanny"]
    command += ["--scheduler-file", str(file), "--local-directory", str(folder)]
    while not file.exists():
        time.sleep(0.1)
    try:
        for i in range(workers):
            cache = folder / f"worker-{i}"
            own = {**os.environ, **ONE, "LATENTLIVE_CACHE": str(cache)}
            processes.append(subprocess.Popen(command, env=own, cwd=folder, **quiet))
        from latentlive.machines import Hub

        address = json.loads(file.read_text())["address"]
        with Hub(address) as hub:
            while len(hub.workers()) < workers:
                time.sleep(0.1)
        yield address
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(cache: Path, *arguments: str) -> float:
    """Run a command of latentlive; return the seconds that it took."""
    own = {**os.environ, **ONE, "LATENTLIVE_CACHE": str(cache)}
    begun = time.perf_counter()
    command = [sys.executable, "-m", "latentlive.cli", *arguments]
    done = subprocess.run(command, env=own, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - begun


def digest(path: Path) -> str:
    """Return the digest of a file."""
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def performed(folder: Path, cache: Path, seconds: float) -> Path:
    """Play a session silently, and return its log."""
    session, log = folder / "evening.py", folder / "log.py"
    texture = 'interp(sound("gong"), sound("rain"), sine({})).extend(8)'
    session.write_text("".join(f"d{i} >> {texture.format(i + 3)}\n" for i in range(1, 9)))
    run(cache, "play", str(session), "--silent", "--log", str(log), "--seconds", str(seconds))
    return log


def sounds(folder: Path, count: int) -> Path:
    """Write sounds of five seconds each."""
    folder.mkdir()
    chance = np.random.default_rng(0)
    for i in range(count):
        tone = np.sin(np.arange(5 * 44100) * 0.01 * (i % 50 + 2)) * 0.2
        noise = 0.05 * chance.standard_normal(len(tone))
        soundfile.write(folder / f"{i:04}.flac", tone + noise, 44100)
    return folder


def once(folder: Path, cache: Path, arguments: list[str]) -> tuple[float, str]:
    """Run a command anew; return its seconds, and the digest of what it wrote."""
    out = folder / "out.wav"
    out.unlink(missing_ok=True)
    if arguments[0] != "corpus":
        return run(cache, *arguments, "-o", str(out)), digest(out)
    for index in (cache / "corpora").glob("*"):
        index.unlink()
    took = run(cache, *arguments, "--workers", "1")
    with contextlib.closing(sqlite3.connect(next((cache / "corpora").glob("*.sqlite")))) as found:
        rows = found.execute("SELECT key, value FROM map ORDER BY key").fetchall()
    return took, hashlib.blake2b(repr(rows).encode()).hexdigest()


def main(quick: bool) -> None:
    """Print the table."""
    render_seconds, play_seconds, files = (120, 10, 24) if quick else (600, 20, 40)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cache = folder / "cache"
        log = performed(folder, cache, play_seconds)
        own = sounds(folder / "sounds", files)
        many = f"{files} sounds of 5 s"
        work = {
            f"render {render_seconds} s": ["render", EXPRESSION, "--seconds", str(render_seconds)],
            f"bounce {play_seconds} s of 8 layers": ["bounce", str(log)],
            f"corpus, {many}": ["corpus", str(own)],
        }
        print("| what | here | 1 worker | 1 again | 2 workers | 2 again |")
        print("|---|--:|--:|--:|--:|--:|")
        for what, arguments in work.items():
            once(folder, cache, arguments)  # encodings and decoded sounds are kept from here on
            made, bits = once(folder, cache, arguments)
            ratios = []
            for workers in (1, 2):
                with cluster(folder, workers) as address:
                    for _ in range(2):
                        took, others = once(folder, cache, [*arguments, "--cluster", address])
                        assert others == bits, "other bits"
                        ratios.append(f"{made / took:.2f}x")
            print(f"| {what} | {made:.1f} s | {' | '.join(ratios)} |", flush=True)
            for stale in folder.glob("worker-*"):
                subprocess.run(["rm", "-rf", str(stale)], check=True)


if __name__ == "__main__":
    main("--quick" in sys.argv)

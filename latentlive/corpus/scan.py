"""Indexing a folder: only new or changed sounds, in parallel, safe to interrupt at any moment."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import os
import stat
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from latentlive.corpus import work
from latentlive.corpus.index import Entry, Index
from latentlive.corpus.library import Corpus
from latentlive.errors import SoundError
from latentlive.ground.launch import ONE_THREAD

KEEP_EVERY = 1.0
"""Seconds between two writes: a kill loses at most this much."""

FEW = 8
"""Up to this many sounds, one worker: a second would start too late to help."""

Measured = tuple[Any, str]
Measuring = Callable[[dict[str, str], int | None], Iterator[tuple[str, Measured]]]


@dataclass
class Report:
    """The result of indexing.

    Parameters
    ----------
    measured, kept, gone : int
        Sounds measured now, unchanged, and no longer in the folder.
    broken : dict
        The reason for each file that could not be measured.
    interrupted : bool
        Whether indexing ended before all sounds were measured.
    """

    measured: int = 0
    kept: int = 0
    gone: int = 0
    broken: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


def update(
    corpus: Corpus,
    index: Index,
    workers: int | None = None,
    progress: Callable[[Iterable[Any], int], Iterable[Any]] = lambda done, total: done,
    measuring: Measuring | None = None,
) -> Report:
    """Bring the index of a corpus up to date with its folder.

    Parameters
    ----------
    corpus : Corpus
    index : Index
    workers : int, optional
        Processes; by default one for each core; 0 measures in this process.
    progress : function of an iterable of results, and of their number
        Yields the results, and may draw a bar.
    measuring : function of paths by name and of `workers`, optional
        Yields results as `measured` does, which it is by default.

    Raises
    ------
    SoundError
        If the folder holds no sounds.
    """
    report = Report()
    seen = index.seen()
    due: dict[str, tuple[str, Path, int, int]] = {}
    files = corpus.files
    if not files and not corpus.unread:
        raise SoundError(f"corpus: no sounds below {corpus.folder}")
    there = set()
    for name, path in files.items():
        file = path.relative_to(corpus.folder).as_posix()
        try:
            state = path.stat()
        except OSError as error:
            report.broken[file] = f"cannot read {path}: {error.strerror}"
            continue
        if not stat.S_ISREG(state.st_mode):
            report.broken[file] = f"cannot read {path}: no regular file"
            continue
        there.add(name)
        if seen.get(name) == (file, state.st_size, state.st_mtime_ns):
            report.kept += 1
        else:
            due[name] = (file, path, state.st_size, state.st_mtime_ns)
    gone = [name for name in seen if name not in there]
    index.forget(gone)
    report.gone = len(gone)
    waiting: list[Entry] = []
    written = time.monotonic()

    def keep() -> None:
        index.put(waiting)
        waiting.clear()

    try:
        paths = {name: str(path) for name, (_, path, _, _) in due.items()}
        for name, (found, why) in progress((measuring or measured)(paths, workers), len(due)):
            file, _, size, mtime = due[name]
            waiting.append(Entry(name, file, size, mtime, found, why))
            report.measured += found is not None
            if time.monotonic() - written > KEEP_EVERY:
                keep()
                written = time.monotonic()
    except KeyboardInterrupt:
        report.interrupted = True
    keep()
    report.broken = {**corpus.unread, **index.errors(), **report.broken}
    return report


def measured(paths: dict[str, str], workers: int | None = None) -> Iterator[tuple[str, Measured]]:
    """Yield each sound's name with its thumbnail or its error, in order of completion.

    If a sound crashes its worker, it measures all sounds under way again, one by one; the sound
    that crashes its worker again counts as broken.
    """
    if workers == 0:
        yield from ((name, work.measure(path)) for name, path in paths.items())
        return
    left = dict(paths)
    while left:
        suspects = yield from _pooled(left, workers or os.cpu_count() or 1)
        for name in suspects:
            path = left.pop(name)
            if (yield from _pooled({name: path}, 1)):
                yield name, (None, f"cannot read {path}: it ends the process that reads it")


def _pooled(left: dict[str, str], workers: int) -> Generator[tuple[str, Measured], None, list[str]]:
    """Yield a pool's results, removing each from `left`; return the running names at a crash."""
    todo = iter(list(left.items()))
    running: dict[Future[Measured], str] = {}
    with _environment(ONE_THREAD):
        pool = ProcessPoolExecutor(
            1 if len(left) <= FEW else workers,
            multiprocessing.get_context("spawn"),
            initializer=work.prepare,
        )
        try:
            while True:
                for name, path in itertools.islice(todo, 2 * workers - len(running)):
                    running[pool.submit(work.measure, path)] = name
                if not running:
                    return []
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    found = future.result()
                    name = running.pop(future)
                    del left[name]
                    yield name, found
        except BrokenProcessPool:
            return list(running.values())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for processes started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

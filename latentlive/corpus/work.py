"""The code that a worker of the indexing pool runs."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.process import BaseProcess
from typing import Any


def prepare() -> None:
    """Leave Ctrl-C to the parent, and end when the parent has ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=[parent], daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def measure(path: str) -> tuple[Any, str]:
    """Return a file's thumbnail and no error, or None and the error."""
    from latentlive.corpus.features import of_file

    return of_file(path)

"""Threads that nobody waits for, not even for their beginning.

`threading.Thread.start` waits until the new thread says that it runs. One that finds no memory to
say so ends before that, and who started it waits for ever.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable


def run(what: Callable[..., object], *arguments: object) -> None:
    """Run a function in a thread of its own, which ends with the process.

    Parameters
    ----------
    what : function
    arguments
        Of the function.

    Raises
    ------
    RuntimeError, MemoryError
        If there is no room for another thread.
    """
    _thread.start_new_thread(what, arguments)

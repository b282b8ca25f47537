"""Threads without any wait, not even for their start.

`threading.Thread.start` waits until the new thread reports that it runs. A thread without memory
to do so ends first, and its starter waits forever.
"""

from __future__ import annotations

import _thread
from collections.abc import Callable


def run(what: Callable[..., object], *arguments: object) -> None:
    """Run a function in a new thread, which ends with the process.

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

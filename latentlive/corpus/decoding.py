"""The process that decodes sound files: requests and answers are lines of JSON."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from latentlive.corpus.store import store_blocks
from latentlive.corpus.streams import streamed_channels
from latentlive.errors import SoundError
from latentlive.units import Samples

EVERY = 1.0
"""Seconds between two empty lines that mean: still decoding."""


def serve(asked: IO[str], answers: IO[str]) -> None:
    """Answer requests until the input ends."""
    for line in asked:
        answers.write(json.dumps(answer(json.loads(line), answers)) + "\n")
        answers.flush()


def answer(request: dict[str, Any], answers: IO[str]) -> dict[str, Any]:
    """Decode a file; return digests and peaks, or the error of the file or the disk."""
    with contextlib.suppress(OSError):  # a relative path then fails with its own error
        os.chdir(request["folder"])
    blocks = streamed_channels(Path(request["path"]), int(request["rate"]), quality="VHQ")
    try:
        found = store_blocks(told(blocks, answers), Path(request["beside"]))
    except SoundError as error:
        return {"error": str(error)}
    except OSError as error:
        return {"refused": [error.errno, error.strerror or str(error)]}
    except Exception as error:  # noqa: BLE001 - decoders raise anything
        return {"error": f"sound: cannot read {request['path']}: {error!r}"}
    return {"sounds": found}


def told(blocks: Iterator[list[Samples]], answers: IO[str]) -> Iterator[list[Samples]]:
    """Yield blocks, with an empty line now and then to show progress."""
    said = time.monotonic()
    for block in blocks:
        if time.monotonic() - said > EVERY:
            said = time.monotonic()
            answers.write("\n")
            answers.flush()
        yield block


def main() -> None:
    """Serve the process that started this one; nothing else reaches its pipe."""
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()

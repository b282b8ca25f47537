"""Which controller turns which knob, kept from one performance to the next.

Each binding has a file of its own, called after its controller: two engines that learn at the same
time write different files, and neither loses what the other one learned.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from latentlive.errors import LatentliveError
from latentlive.expr import Maybe, Record, declared, record
from latentlive.expr.fields import Choice
from latentlive.ground.files import config_folder, write_whole
from latentlive.protocol.kinds import NAME, SOURCE_NAME

FOLDER = "knobs"
MOST_KEPT = 1000
LARGEST = 4096
"""Bytes of a file."""

TURNING = ("cc", "touch", "osc")
"""The kinds of source that can turn a knob."""


@record()
class Binding(Record):
    """A controller that turns a knob.

    Parameters
    ----------
    source : str
        Of the controller: ``cc:74:1:nanoKONTROL2``.
    knob : str
    endless : str or None
        How it tells its steps if it turns without an end: 'twos' or 'offset'.
    """

    source: str = declared(SOURCE_NAME)
    knob: str = declared(NAME)
    endless: str | None = declared(Maybe(Choice("twos", "offset")), default=None)


@dataclass
class Bindings:
    """The bindings on disk.

    Parameters
    ----------
    say : function of a line
        Told once that they cannot be read or written.
    """

    say: Callable[[str], object]

    def read(self) -> dict[str, Binding]:
        """Return the bindings, by source; what is no binding is told and left out."""
        found: dict[str, Binding] = {}
        strange: list[Path] = []
        try:
            paths = sorted(itertools.islice(config_folder(FOLDER).glob("*.json"), MOST_KEPT))
        except OSError as error:
            self.say(f"knobs: what was learned cannot be read ({error.strerror or error})")
            return found
        for path in paths:
            try:
                binding = _read(path)
            except (OSError, ValueError, RecursionError, LatentliveError):
                strange.append(path)
            else:
                found[binding.source] = binding
        if strange:
            more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
            self.say(f"knobs: {strange[0]}{more} tells of no knob; delete it, and learn anew")
        return found

    def keep(self, binding: Binding) -> None:
        """Keep a binding."""
        try:
            text = json.dumps(binding.dump(), ensure_ascii=False) + "\n"
            write_whole(_path(binding.source), lambda path: path.write_text(text, encoding="utf-8"))
        except OSError as error:
            why = error.strerror or error
            self.say(f"knob {binding.knob!r} is learned for this performance alone: {why}")

    def forget(self, source: str) -> None:
        """Keep a binding no more."""
        try:
            _path(source).unlink(missing_ok=True)
        except OSError as error:
            self.say(f"knobs: what was learned comes back next time: {error.strerror or error}")


def _path(source: str) -> Path:
    digest = hashlib.blake2b(source.encode(), digest_size=8).hexdigest()
    return config_folder(FOLDER) / f"{digest}.json"


def _read(path: Path) -> Binding:
    with open(path, "rb") as file:
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError("too long")
    binding = Binding.load(json.loads(data))
    if binding.source.partition(":")[0] not in TURNING:
        raise ValueError("no controller")
    return binding

"""What nodes and records share: fields that are declared once, and checked when one is made."""

from __future__ import annotations

from typing import ClassVar

from latentlive.expr.fields import Kind


class Declared:
    """A frozen value, known by a word, whose fields say what they may hold."""

    word: ClassVar[str] = ""
    kinds: ClassVar[dict[str, Kind]]

    def __post_init__(self) -> None:
        for name, kind in self.kinds.items():
            value = kind.coerce(getattr(self, name), f"{self.word}: {name}")
            object.__setattr__(self, name, value)

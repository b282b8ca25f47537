"""The base of nodes and records: fields declared once, and checked on construction."""

from __future__ import annotations

from typing import ClassVar

from latentlive.expr.fields import Kind


class Declared:
    """A frozen value, known by a word, with declared fields."""

    word: ClassVar[str] = ""
    kinds: ClassVar[dict[str, Kind]]

    @property
    def called(self) -> str:
        """Its name in refusals: its word, or its class if it has none."""
        return self.word or type(self).__name__.lower()

    def __post_init__(self) -> None:
        for name, kind in self.kinds.items():
            value = kind.coerce(getattr(self, name), f"{self.called}: {name}")
            object.__setattr__(self, name, value)

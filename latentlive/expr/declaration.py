"""What nodes and records share: fields that are declared once, and checked when one is made."""

from __future__ import annotations

from typing import ClassVar

from latentlive.expr.fields import Kind


class Declared:
    """A frozen value, known by a word, whose fields say what they may hold."""

    word: ClassVar[str] = ""
    kinds: ClassVar[dict[str, Kind]]

    @property
    def called(self) -> str:
        """What refusals call it: its word, or its class where it has none."""
        return self.word or type(self).__name__.lower()

    def __post_init__(self) -> None:
        for name, kind in self.kinds.items():
            value = kind.coerce(getattr(self, name), f"{self.called}: {name}")
            object.__setattr__(self, name, value)

"""Records: frozen values with declared fields; checks, equality, repr and JSON follow from these.

Every message between processes and every line of a log is a record. `load` trusts no data: it
takes only declared words with their fields, and every value passes the checks of its
constructor.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar, cast, dataclass_transform

from latentlive.errors import EngineError, ExpressionError
from latentlive.expr.declaration import Declared
from latentlive.expr.fields import (
    Kind,
    child,
    choice,
    declared,
    lasting,
    number,
    positive,
    ratio,
    shown,
    whole,
)
from latentlive.expr.wire import dump, load

R = TypeVar("R", bound="type[Record]")

Stored = Callable[[Any], Any]
"""Stores a shared value once under a key, or returns the value of a key."""


def inline(value: Any) -> Any:
    """Return the value itself: a message stores nothing elsewhere."""
    return value


class Record(Declared):
    """A frozen value; declare subclasses with `record`.

    A family of records distinguished by a word declares its name, `what`, and the `key` of the
    word; `load` of the family returns the record of the word.
    """

    what: ClassVar[str]
    key: ClassVar[str] = "op"
    words: ClassVar[dict[str, type[Any]]]
    defaults: ClassVar[dict[str, Any]]

    def changed(self, **fields: Any) -> Self:
        """Return the record with other values in some fields; check only those."""
        made = object.__new__(type(self))
        held = made.__dict__  # bypasses the freeze
        held.update({name: self.__dict__[name] for name in self.kinds})
        for name, value in fields.items():
            held[name] = self.kinds[name].coerce(value, f"{self.called}: {name}")
        return made

    def dump(self, keep: Stored = inline) -> dict[str, Any]:
        """Return the record as JSON data, without fields at their defaults.

        Parameters
        ----------
        keep : function of a record
            Stores a shared value and returns its key; returns other records unchanged.
        """
        fields = {
            name: kind.plain(getattr(self, name), dump, keep)
            for name, kind in self.kinds.items()
            if name not in self.defaults or getattr(self, name) != self.defaults[name]
        }
        return {self.key: self.word, **fields} if self.word else fields

    @classmethod
    def load(cls, data: Any, kept: Stored = inline) -> Self:
        """Return the record that `dump` wrote; `kept` is the inverse of `keep`.

        Raises
        ------
        LatentliveError
            For anything that `dump` cannot have written; it names the first fault.
        """
        if not cls.word and "words" in vars(cls):  # a family: the word picks the record
            word = data.get(cls.key) if isinstance(data, dict) else None
            if not isinstance(word, str) or word not in cls.words:
                raise EngineError(f"engine: no {cls.what} {shown(word)}")
            return cast("Self", cls.words[word].load(data, kept))
        called = cls.word or cls.__name__.lower()
        if not isinstance(data, dict):
            raise ExpressionError(f"{called}: expected an object, got {shown(data)}")
        for name in cls.kinds:
            if name not in data and name not in cls.defaults:
                raise EngineError(f"engine: {called}: {name} is missing")
        given = data.keys() - {cls.key} if cls.word else data.keys()
        if unknown := sorted(given - cls.kinds.keys(), key=str):
            raise EngineError(f"engine: {called}: no field {unknown[0]!r}")
        return cls(**{name: cls.kinds[name].revive(data[name], load, kept) for name in given})


@dataclass_transform(
    frozen_default=True,
    field_specifiers=(declared, number, lasting, positive, whole, ratio, choice, child),
)
def record(word: str = "", crosses: bool = True) -> Callable[[R], R]:
    """Declare a record.

    Parameters
    ----------
    word : str
        Its word within its family.
    crosses : bool
        Whether another process or a log may send it.
    """

    def declare(cls: R) -> R:
        made = cast("Any", dataclasses.dataclass(frozen=True)(cls))
        fields = [f for f in dataclasses.fields(made) if "kind" in f.metadata]
        made.word = word
        made.kinds = {f.name: f.metadata["kind"] for f in fields}
        made.defaults = {
            f.name: made.kinds[f.name].coerce(f.default, f.name)
            for f in fields
            if f.default is not dataclasses.MISSING
        }
        for family in [base for base in made.__mro__ if crosses and word and "words" in vars(base)]:
            if word in family.words:
                raise TypeError(f"the {family.what} {word!r} is declared twice")
            family.words[word] = made
        return cast("R", made)

    return declare


class One(Kind):
    """A record of a class or family, or of some members of a family."""

    def __init__(self, of: type[Record], *among: type[Record]) -> None:
        self.of, self.among = of, among

    def coerce(self, value: Any, place: str) -> Any:
        """Return the value; refuse it unless it is such a record."""
        if not isinstance(value, self.of):
            raise ExpressionError(f"{place} must be a {self.of.__name__}, got {shown(value)}")
        if self.among and not isinstance(value, self.among):
            words = " or ".join(one.word for one in self.among)
            raise ExpressionError(f"{place} must be {words}, got {value.word}")
        return value

    def plain(self, value: Any, ref: Any, keep: Stored) -> Any:
        """Return the record's data."""
        return value.dump(keep)

    def revive(self, data: Any, node: Any, kept: Stored) -> Any:
        """Return the record that `plain` wrote."""
        return self.of.load(data, kept)


class Many(Kind):
    """Many values of another kind, in order.

    Parameters
    ----------
    of : Kind
    most : int
    too_many : str
        The refusal of more values, with ``{most}`` and ``{count}``.
    """

    def __init__(
        self, of: Kind, most: int, too_many: str = "at most {most} are taken, got {count}"
    ) -> None:
        self.of, self.most, self.too_many = of, most, too_many

    def coerce(self, value: Any, place: str) -> tuple[Any, ...]:
        """Return the values as a tuple, each coerced by the kind."""
        if not isinstance(value, list | tuple):
            raise ExpressionError(f"{place} must be a list, got {shown(value)}")
        self._count(value)
        return tuple(self.of.coerce(one, place) for one in value)

    def plain(self, value: Any, ref: Any, keep: Stored) -> list[Any]:
        """Return a list of the values' data."""
        return [self.of.plain(one, ref, keep) for one in value]

    def revive(self, data: Any, node: Any, kept: Stored) -> Any:
        """Return the values that `plain` wrote."""
        if not isinstance(data, list):
            return data  # `coerce` knows the place and refuses it
        self._count(data)
        return [self.of.revive(one, node, kept) for one in data]

    def _count(self, value: list[Any] | tuple[Any, ...]) -> None:
        if len(value) > self.most:
            told = self.too_many.format(most=self.most, count=len(value))
            raise EngineError(f"engine: {told}")

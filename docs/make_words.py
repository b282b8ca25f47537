"""Write the stubs of public names and of the words that operators attach, for type checkers.

python docs/make_words.py            # write latentlive/{.,latent,curves}/*.pyi
python docs/make_words.py --check    # exit 1 if they are not what is declared
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import latentlive
from latentlive import Curve, Latent
from latentlive.expr import Node, operators
from latentlive.latent import Joined

WIDTH = 100
"""Most letters of a line."""

ROOT = Path(latentlive.__file__).parent
IMPORTS = {
    "latent": """from typing import Literal

from latentlive.curves import Curve, CurveLike, Factor
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.join import Exact, Mono, Norm, On, Overlap
from latentlive.latent.sources import Sound
from latentlive.latent.patterns import PatternLike
""",
    "curves": """from typing import Literal

from latentlive.curves.base import Curve, CurveLike, Factor
""",
}


HEAD = '"""Written by docs/make_words.py."""\n\n'


def public() -> str:
    """Return the text of the package's own stub."""
    rows = []
    for word, (module, name) in sorted(latentlive._HOMES.items(), key=lambda home: home[1]):
        rows.append(f"from {module} import {name} as {word}\n")
    names = ["WORDS", *sorted({*latentlive.__all__} - {"WORDS"})]
    listed = "".join(f'    "{name}",\n' for name in names)
    return f"{HEAD}{''.join(rows)}\nWORDS: tuple[str, ...]\n__all__ = [\n{listed}]\n"


def stub(folder: str) -> str:
    """Return the text of a folder's stub."""
    text = f"{HEAD}{IMPORTS[folder]}"
    classes = {"Words": Latent, "RootWords": Joined} if folder == "latent" else {"Words": Curve}
    for name, family in classes.items():
        text += f"\nclass {name}:\n" + "".join(methods(family))
    return text


def methods(family: Any) -> Iterator[str]:
    """Yield a family's attached methods as they are declared in a stub."""
    for name, value in vars(family).items():
        declared = operators().get(f"{Joined.family}.{name}") or made(family, name)
        own = value.__module__ == family.__module__ if inspect.isfunction(value) else True
        if own and not declared:
            continue
        yield declaration(family, name, value, declared)


def made(family: Any, name: str) -> Any:
    """Return the operator that a method makes, if one bears its name or its sign."""
    signs = {"__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/"}
    word = signs.get(name.replace("__r", "__", 1) if name.startswith("__r") else name, name)
    return operators().get(f"{family.family}.{word}")


def declaration(family: Any, name: str, value: Any, declared: Any) -> str:
    """Return one method of a stub."""
    if name.startswith("__"):
        operand = list(inspect.signature(declared).parameters.values())[-1]
        given, back = [f"other: {operand.annotation}"], family.__name__
    else:
        _, *rest = inspect.signature(value).parameters.values()
        given = [parameter(one) for one in rest]
        back = returned(family, value, declared)
    first = inspect.getdoc(value).partition("\n")[0]
    return f'{head(name, ["self", *given], back)}\n        """{first}"""\n'


def head(name: str, given: list[str], back: str) -> str:
    """Return the first lines of a function, broken as the formatter breaks them."""
    listed = ", ".join(given)
    if len(whole := f"    def {name}({listed}) -> {back}:") <= WIDTH:
        return whole
    if len(rows := f"        {listed}") > WIDTH:
        rows = "\n".join(f"        {one}," for one in given)
    return f"    def {name}(\n{rows}\n    ) -> {back}:"


def returned(family: Any, value: Any, declared: Any) -> str:
    """Return the name of what a method returns: its own class at the root, else the family's."""
    if declared:
        return str(declared.__name__ if declared.family == "join" else family.__name__)
    said = inspect.signature(value).return_annotation
    return family.__name__ if said is inspect.Signature.empty else str(said)


def parameter(one: inspect.Parameter) -> str:
    """Return a parameter with its type and default."""
    shown = "..." if isinstance(one.default, Node) else repr(one.default)
    default = "" if one.default is one.empty else f" = {shown}"
    return f"{one.name}: {one.annotation}{default}".replace("'", '"')


def main() -> int:
    """Write the stubs, or compare them."""
    stubs = {ROOT / "__init__.pyi": public()}
    stubs |= {ROOT / folder / "words.pyi": stub(folder) for folder in IMPORTS}
    if "--check" in sys.argv:
        return int(any(not p.exists() or p.read_text() != text for p, text in stubs.items()))
    for path, text in stubs.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

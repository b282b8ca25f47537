"""Write the stubs of the words that operators attach, for type checkers and completion.

python docs/make_words.py            # write latentlive/{latent,curves}/words.pyi
python docs/make_words.py --check    # exit 1 if they are not what the operators declare
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import latentlive
from latentlive import Curve, Latent
from latentlive.expr import operators
from latentlive.latent import Joined

ROOT = Path(latentlive.__file__).parent
IMPORTS = {
    "latent": """from latentlive.curves import CurveLike, Factor
from latentlive.latent.base import Latent, LatentLike
from latentlive.latent.join import Exact, Norm, On, Overlap
""",
    "curves": """from typing import Literal

from latentlive.curves.base import Curve, CurveLike, Factor
""",
}


def stub(folder: str) -> str:
    """Return the text of a folder's stub."""
    text = f'"""Written by docs/make_words.py from the operators."""\n\n{IMPORTS[folder]}'
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
        asked, back = f"other: {operand.annotation}", family.__name__
    else:
        _, *rest = inspect.signature(value).parameters.values()
        asked = ", ".join(parameter(one) for one in rest)
        back = declared.__name__ if declared and declared.family == "join" else family.__name__
    given = f"self, {asked}" if asked else "self"
    head, first = f"    def {name}({given}) -> {back}:", inspect.getdoc(value).partition("\n")[0]
    return f'{head}\n        """{first}"""\n'


def parameter(one: inspect.Parameter) -> str:
    """Return a parameter with its type and default."""
    default = "" if one.default is one.empty else f" = {one.default!r}"
    return f"{one.name}: {one.annotation}{default}".replace("'", '"')


def main() -> int:
    """Write the stubs, or compare them."""
    wrong = 0
    for folder in IMPORTS:
        path = ROOT / folder / "words.pyi"
        if "--check" in sys.argv:
            wrong |= not path.exists() or path.read_text() != stub(folder)
        else:
            path.write_text(stub(folder))
    return int(wrong)


if __name__ == "__main__":
    raise SystemExit(main())

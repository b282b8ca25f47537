"""Words of curves for type checkers and completion: see ``words.pyi``, made from the operators."""


class Words:
    """What every curve can be told; each operator attaches its own word."""

"""Words of curves for type checkers and completion: see ``words.pyi``, made from the operators."""


class Words:
    """The words of every curve; each operator attaches its own."""

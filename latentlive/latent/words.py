"""Words of latents for type checkers and completion: see ``words.pyi``, made from the operators."""


class Words:
    """The words of every latent; each operator attaches its own."""


class RootWords:
    """The words at the root of an expression."""

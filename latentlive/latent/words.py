"""Words of latents for type checkers and completion: see ``words.pyi``, made from the operators."""


class Words:
    """What every latent can be told; each operator attaches its own word."""


class RootWords:
    """The words at the root of an expression."""

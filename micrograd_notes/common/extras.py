"""The advice of a message where a room lacks a package that an extra brings."""


def install(extra: str) -> str:
    """Returns the command that adds an extra to this package, which is installed already.

    >>> install("viz")
    'python -m pip install "micrograd-notes[viz]"'
    """
    return f'python -m pip install "micrograd-notes[{extra}]"'

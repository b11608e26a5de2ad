"""`in_flags`: an error or a warning of the library in the words of the command line.

The library names arguments, as in `drop=['id']`. A person who typed a command needs `--drop id`.
`errors.py` passes each message of the commands `train` and `predict` through it.
"""

import ast
import re
import shlex
from collections.abc import Callable, Iterable

TEXT = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
VALUE = rf"\[(?:(?:{TEXT})(?:, )?)*\]|{TEXT}|True|False"
# The flags of arguments that have other names there.
FLAGS = {"checkpoint": "--output", "model": "--hidden", "lr": "--learning-rate"}
REMEDIES = {
    "the learning rate": "--learning-rate", "smaller learning rate": "smaller --learning-rate",
    "another seed": "another --seed", "train longer, or a larger network": "more --epochs, or a "
    "larger --hidden",
}
"""The advice of `diagnose`, and the flags that follow it."""


def in_flags(message: str, options: Iterable[str]) -> str:
    """Returns a message with flags instead of the arguments that are among `options`.

    >>> in_flags("pass missing='mean', or drop=['a', 'my id']", ["missing", "drop"])
    "pass --missing mean, or --drop a --drop 'my id'"
    >>> in_flags("resume needs the same seed", ["resume", "seed"])
    '--resume needs the same --seed'
    """
    flags = {name: f"--{name.replace('_', '-')}" for name in options} | FLAGS
    names = "|".join(flags)
    subject = rf"^({names})(?= must | needs | from )|(?<=each of )({names})\b"
    for pattern, spelled in (
        (rf"\b({names})=({VALUE})", lambda found: _given(flags[found[1]], found[2])),
        (rf"{subject}|(?<=the same )({names})\b", lambda found: flags[found[found.lastindex]]),
    ):
        change: Callable[[re.Match[str]], str] = spelled
        message = re.sub(pattern, change, message)
    for remedy, advice in REMEDIES.items():
        message = message.replace(remedy, advice)
    return message


def _given(flag: str, value: str) -> str:
    """Returns a flag with its value as one types it: once for each of a list."""
    found = ast.literal_eval(value)
    if isinstance(found, bool):
        return flag if found else f"--no-{flag[2:]}"
    texts = found if isinstance(found, list) else [found]
    return " ".join(f"{flag} " + shlex.quote(text.replace("\t", r"\t")) for text in texts)

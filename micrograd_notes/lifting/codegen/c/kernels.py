"""Each program gets the parts of `kernels.c` that it calls. `emit.py` calls `with_kernels`."""

import re
from functools import cache
from importlib.resources import files


def with_kernels(title: str, body: str) -> str:
    """Returns a whole source: a title, the kernels that functions need, and the functions."""
    needed, kept = set(re.findall(r"\w+", body)), list[str]()
    for block, defined in reversed(_kernels()):
        if not defined or defined & needed:
            kept.insert(0, block)
            needed |= set(re.findall(r"\w+", block))
    return "\n\n".join([f"/* {title.replace('*/', '* /')} */", *kept, body])


@cache
def kernel_names() -> set[str]:
    """Returns the names that the kernels define."""
    return {name for _, defined in _kernels() for name in defined}


@cache
def _kernels() -> list[tuple[str, set[str]]]:
    """Returns the blocks of the file, which empty lines divide, and the names that each defines."""
    source = files(__package__).joinpath("kernels.c").read_text(encoding="utf-8")
    defined = r"(?m)^#define (\w+)|^(?:FUSED |INLINE |static ).*?(\w+)\(|^typedef \w+ (\w+)"
    found = []
    for block in re.split(r"\n\n(?! )", source.rstrip()):
        names = {name for names in re.findall(defined, block) for name in names if name}
        found.append((block, names))
    return found

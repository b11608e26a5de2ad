"""The function that the caller calls: checks, the work area, and the calls for each block.

`emit.py` calls it, with the calls that compute the lines; `rooms.py` divides the work area.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from typing import TYPE_CHECKING

from micrograd_notes.lifting.codegen.c.loops import within
from micrograd_notes.lifting.codegen.c.rooms import places_of
from micrograd_notes.lifting.typed.expressions import Examples, lines_of
from micrograd_notes.lifting.typed.ready import shown_by_gradient, total_of

if TYPE_CHECKING:
    from micrograd_notes.lifting.codegen.c.emit import Emitter

CACHE, SECOND = 32 * 1024, 512 * 1024  # bytes of the first level and of the second
LEAST_ROWS = {True: 24, False: 128}  # of a block, by whether it finds all parameters in the second
MOST_EXAMPLES = 64
ENTRY = """int32_t loss_and_gradient(int64_t n, const double *theta, double *dtheta, double *loss,
        const void *const *inputs, void *work)"""


def fit_the_cache(parameters: int) -> bool:
    """Returns whether parameters and their derivatives lie in the second level of the cache."""
    return 2 * 8 * parameters <= SECOND


@dataclass
class Step:
    """The calls of a line or of a loop, and the arrays that the calls of each line use."""

    calls: list[str]
    uses: list[Collection[str]]


def entry(emitter: Emitter, steps: Sequence[Step], lasting: Collection[str]) -> str:
    """Returns the function, and the one for the size of its work area.

    `steps` have the calls for a block, after those of `emitter.before`. Arrays that are `lasting`
    keep their numbers from one step of a loop to the next.
    """
    program, size = emitter.program, len(emitter.program.grouping.recording.gradient)
    uses = [step.uses for step in steps]
    places, total = places_of(emitter.shapes, emitter.fixed, lasting, uses)
    block = _block(emitter, total[1]) if emitter.is_batched else []
    in_rows = "const int64_t rows = (block + 7) / 8 * 8;"
    used = set[str]().union(*[e for of_step in [emitter.before.uses, *uses] for e in of_step])
    rows = [*_pointers(emitter, used), *block]
    rows += [in_rows] * any(count for _, count in places.values())
    rows += ["double *w = work;"] * bool(places)
    for name, place in places.items():
        kind = emitter.types[name]
        at = f"w + {_numbers(*place)}"
        rows.append(f"{kind} *{name} = {at if kind == 'double' else f'({kind} *)({at})'};")
    rows += ["loss[0] = 0.0;", *_zeros(emitter), *emitter.before.calls]
    inner = [*_inputs(emitter), *[call for step in steps for call in step.calls]]
    if emitter.is_batched:
        inner.insert(0, "const int64_t nb = n - start < block ? n - start : block;")
    over = "for (int64_t start = 0; start < n; start += block)" if emitter.is_batched else ""
    rows += within(over, inner)
    is_mean_loss = total_of(program) is not program.result
    counts = ["n" if is_mean else "1" for is_mean in (is_mean_loss, program.is_mean)]
    looks = f"mean_is_unfit(1, loss, {counts[0]}) | mean_is_unfit({size}, dtheta, {counts[1]})"
    rows.append(f"return {looks};")
    room = [*block, in_rows] if total[1] else []
    room.append(f"return sizeof(double) * ({_numbers(*total)});")
    work_bytes = within("int64_t work_bytes(int64_t n)", room)
    return "\n".join([*within(ENTRY, rows), "", *work_bytes, ""])


def _pointers(emitter: Emitter, used: Collection[str]) -> list[str]:
    """Returns the pointers into the flat vectors of parameters and derivatives."""
    parameters, names = emitter.program.parameters, emitter.identifiers
    starts = accumulate([array.size for array in parameters], initial=0)
    return [
        f"{const}double *{names[d + array.name]} = {d}theta + {start};"
        for array, start in zip(parameters, starts, strict=False)
        for const, d in (("const ", ""), ("", "d")) if names[d + array.name] in used
    ]


def _zeros(emitter: Emitter) -> list[str]:
    """Returns what makes all derivatives 0 that are added to, and not filled by the first block."""
    rows, start = list[str](), 0
    is_filled = lambda array: emitter.identifiers[f"d{array.name}"] in emitter.filled  # noqa: E731
    for is_done, stretch in groupby(emitter.program.parameters, is_filled):
        size = sum(array.size for array in stretch)
        rows += [f"memset(dtheta + {start}, 0, {size} * sizeof(double));"] * (not is_done)
        start += size
    return rows


def _block(emitter: Emitter, per_example: int) -> list[str]:
    """Returns how many examples to compute at a time.

    What lies between the lines must fit into the first level of the cache. But a block has
    enough rows that it multiplies longer than it reads the parameters.
    """
    if not emitter.in_blocks:
        return ["const int64_t block = n;"]
    sizes = [size for line in lines_of(emitter.program.steps) for size in line.shape]
    rows = max([size.times for size in sizes if isinstance(size, Examples)], default=1)
    fitting = CACHE // (8 * max(per_example, 1)) // 8 * 8
    least = -(-LEAST_ROWS[emitter.packs_once] // rows)
    most = max(min(fitting, MOST_EXAMPLES), least)
    return [
        f"const int64_t blocks = n > {most} ? (n + {most - 1}) / {most} : 1;",
        "const int64_t block = (n + blocks - 1) / blocks;",
    ]


def _inputs(emitter: Emitter) -> list[str]:
    """Returns the inputs of a block, after checks of their numbers."""
    found, shown = [], shown_by_gradient(emitter.program)
    for k, array in enumerate(emitter.program.inputs):
        name = emitter.identifiers[array.name]
        kind = f"const {emitter.types[name]} *"
        start = f" + start*{array.size}" if array.is_batched else ""
        found.append(f"{kind}{name} = ({kind})inputs[{k}]{start};")
        count = f"nb*{array.size}" if array.is_batched else str(array.size)
        look = f"has_outside({count}, {name}, {array.below})"
        look = f"has_unfit({count}, {name})" if array.below is None else look
        if array not in shown:
            found.append(f"if ({look}) return 1;")
    return found


def _numbers(same: int, per_example: int) -> str:
    """Returns a number of numbers: 3*rows + 8."""
    return " + ".join([f"{per_example}*rows"] * bool(per_example) + [str(same)] * bool(same)) or "0"

"""How far does this go? What training takes on one core, one machine, many devices, the internet.

    python benchmarks/how_far.py               # from formulas, at once
    python benchmarks/how_far.py --measure     # what this machine does; about a minute

The page notebooks/HOW_FAR.md explains the tables. A step takes 6 operations per parameter and
token: a multiplication and an addition forward, and as many again for the derivative by the weight
and for the derivative by what the weight was multiplied by. `tests/test_benchmarks.py` counts them.
The speeds and bandwidths are round numbers, given below.
"""

from __future__ import annotations

# ruff: noqa: E402  (threads are counted before NumPy is imported)
import argparse
import os

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"

import tracemalloc
from collections.abc import Callable, Iterable
from functools import partial
from itertools import pairwise
from math import floor, log10, sqrt
from time import perf_counter, process_time
from typing import Any, NamedTuple

OPERATIONS = 6  # per parameter and token of a step
BYTES = 4  # of a number in float32
KEPT = 4  # numbers per parameter: itself, its derivative, and the two means of Adam
ENOUGH = 20  # tokens per parameter: about what a language model is trained on, at the best use
DEVICES = 8  # that share the work in the tables of traffic
EVERY = 500  # steps between two exchanges, where devices are far from each other

DAY = 86_400.0
YEAR = 365 * DAY


class Model(NamedTuple):
    """A model by its name, and how many parameters it has."""

    name: str
    parameters: float


def mlp(*sizes: int) -> int:
    """Returns how many parameters a network has.

    >>> mlp(64, 32, 10)
    2410
    """
    return sum((before + 1) * after for before, after in pairwise(sizes))


def gpt(layers: int, width: int, tokens: int, positions: int) -> int:
    """Returns how many parameters our GPT has: 12 squares per layer, and three tables.

    >>> gpt(1, 16, 27, 16)
    4192
    """
    return layers * 12 * width**2 + (2 * tokens + positions) * width


MODELS = [
    Model("digits, 64-32-10", mlp(64, 32, 10)),
    Model("images, 784-512-256-10", mlp(784, 512, 256, 10)),
    Model("our GPT, 4 layers of 64", gpt(4, 64, 27, 64)),
    Model("GPT-2, the small one", 124e6),
    Model("7 billion", 7e9),
    Model("70 billion", 70e9),
    Model("400 billion", 400e9),
]
SHOWN = MODELS[2:5]
SCALARS, CORE, GPU = 2e6, 1e10, 2e14  # operations per second
SPEEDS = {
    "scalars, one core": SCALARS, "lifted, one core": CORE, "a machine of 16 cores": 16 * CORE,
    "one GPU": GPU, "8 GPUs": 8 * GPU, "1,000 GPUs": 1000 * GPU,
}
LINES = {  # bytes per second
    "inside a machine of GPUs": 450e9, "between such machines": 50e9,
    "a network of 10 Gbit/s": 1.25e9, "a home line, 100 Mbit/s": 12.5e6,
}


# ---- the formulas --------------------------------------------------------------------------------


def kept(parameters: float) -> float:
    """Returns the bytes of weights, gradient and Adam's two means."""
    return KEPT * BYTES * parameters


def training_seconds(parameters: float, per_second: float) -> float:
    """Returns the time to train a model on `ENOUGH` tokens per parameter."""
    return OPERATIONS * parameters * ENOUGH * parameters / per_second


def largest(seconds: float, per_second: float) -> float:
    """Returns the parameters of the largest model that is trained in this time."""
    return sqrt(seconds * per_second / (OPERATIONS * ENOUGH))


def traffic(parameters: float, devices: int) -> float:
    """Returns the bytes that each device sends to have the mean of all gradients.

    In a ring, each of k devices sends a k-th of the gradient k - 1 times to add it up, and k - 1
    times to hand the sum around.

    >>> traffic(1000, 2), traffic(1000, 8)
    (4000.0, 7000.0)
    """
    return 2 * BYTES * parameters * (devices - 1) / devices


def tokens_to_hide(per_second: float, bandwidth: float, devices: int) -> float:
    """Returns the tokens per device whose step takes as long as the traffic, for any model."""
    return traffic(1, devices) / bandwidth * per_second / OPERATIONS


# ---- tables --------------------------------------------------------------------------------------


def memory_table() -> Iterable[str]:
    yield "What training keeps, in float32: weights, gradient and Adam's two means."
    yield f"{'':25}{'parameters':>15}{'weights':>10}{'all four':>10}{'operations per token':>23}"
    for model in MODELS:
        count = model.parameters
        yield (f"{model.name:25}{short(count):>15}{sized(BYTES * count):>10}"
               f"{sized(kept(count)):>10}{short(OPERATIONS * count):>23}")


def time_table() -> Iterable[str]:
    yield f"The largest model for which a day is enough, at {ENOUGH} tokens per parameter, and the"
    yield "time that others take."
    yield f"{'':22}{'operations/s':>13}{'in a day':>15}{names_of(SHOWN)}"
    for place, speed in SPEEDS.items():
        times = [training_seconds(model.parameters, speed) for model in SHOWN]
        shown = columns(lasting(time) if time >= 1 else "-" for time in times)
        yield f"{place:22}{speed:13.2g}{short(largest(DAY, speed)):>15}{shown}"


def traffic_table() -> Iterable[str]:
    sent = [traffic(model.parameters, DEVICES) for model in SHOWN]
    yield f"What each of {DEVICES} devices sends to get the mean of all gradients, and the time."
    yield f"{'':26}{'bytes/s':>9}{names_of(SHOWN)}"
    yield f"{'':35}{columns(map(sized, sent))}"
    for line, bandwidth in LINES.items():
        times = [lasting(each / bandwidth) for each in sent]
        yield f"{line:26}{bandwidth:9.3g}{columns(times)}"


def hiding_table() -> Iterable[str]:
    yield "The tokens that a device computes in that time, for a model of any size."
    yield f"{'':26}{'one core':>14}{'one GPU':>15}{f'GPU, every {EVERY} steps':>24}"
    for line, bandwidth in LINES.items():
        core, gpu = (tokens_to_hide(speed, bandwidth, DEVICES) for speed in (CORE, GPU))
        yield f"{line:26}{short(core):>14}{short(gpu):>15}{short(gpu / EVERY):>24}"


def names_of(models: Iterable[Model]) -> str:
    return columns(model.name.split(",")[0] for model in models)


def columns(texts: Iterable[str]) -> str:
    return "".join(f"{text:>17}" for text in texts)


def formulas() -> str:
    tables = memory_table(), time_table(), traffic_table(), hiding_table()
    return "\n\n".join("\n".join(table) for table in tables)


# ---- this machine --------------------------------------------------------------------------------


def measured() -> Iterable[str]:
    """Yields what a core of this machine does with a network, on scalars and lifted, in float64."""
    import numpy as np
    from lift_sizes import mlp as family

    from micrograd_notes import lift_of_sizes

    sizes, batch = (784, 128, 10), 256
    case = family([128])
    numbers = np.random.default_rng(0)
    x, y = numbers.normal(size=(batch, sizes[0])), numbers.integers(sizes[-1], size=batch)
    loss, model = case.make(**case.sizes)
    operations = OPERATIONS * mlp(*sizes)  # per example, which is a token here
    yield f"A step of {'-'.join(map(str, sizes))} takes {short(operations)} operations per example."

    def scalars() -> None:
        model.zero_grad()
        loss(x[0].tolist(), int(y[0])).backward()

    yield said("scalars", timed(scalars), operations)
    for backend in ("numpy", "c"):
        program = lift_of_sizes(case.make, backend=backend, **case.sizes)
        theta = program.parameters()
        program.value_and_grad(theta, x, y)
        step = partial(program.next_value_and_grad, theta, x, y)
        yield said(f"lifted, {program.backend}", timed(step) / batch, operations)
        if backend == "numpy":
            source: dict[str, Any] = {}
            exec(program.source, source)
            beyond = traced(partial(source["loss_and_gradient"], theta, x, y)) / 8 - len(theta)
            yield f"{'':20}and has {beyond / batch:,.0f} numbers per example at once"


def said(name: str, seconds: float, operations: float) -> str:
    rate = operations / seconds
    return (f"{name:20}{seconds * 1e6:12,.1f} us per example{rate:10.1e} operations/s, "
            f"{short(largest(DAY, rate))} parameters in a day")


def timed(step: Callable[[], object]) -> float:
    """Returns the processor's time of the fastest step in two seconds."""
    step()
    times, end = [], perf_counter() + 2
    while perf_counter() < end:
        start = process_time()
        step()
        times.append(process_time() - start)
    return min(times)


def traced(step: Callable[[], object]) -> int:
    """Returns the most bytes that a step has at once."""
    tracemalloc.start()
    step()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


# ---- numbers in words ----------------------------------------------------------------------------

PREFIXES = ["", " thousand", " million", " billion", " trillion"]


def rounded(number: float) -> str:
    """Returns two digits of a number, and zeros.

    >>> rounded(0.0374), rounded(7.04), rounded(29_254)
    ('0.037', '7', '29,000')
    """
    return f"{round(number, 1 - floor(log10(number))):,.15g}"


def short(number: float) -> str:
    """Returns a number of parameters or operations.

    >>> short(2410), short(124e6)
    ('2.4 thousand', '120 million')
    """
    power = min(len(PREFIXES) - 1, max(0, int(log10(number) // 3)))
    return f"{rounded(number / 1000**power)}{PREFIXES[power]}"


def sized(count: float) -> str:
    """Returns a number of bytes.

    >>> sized(9640), sized(4.2e9)
    ('9.6 kB', '4.2 GB')
    """
    power = max(0, int(log10(count) // 3))
    return f"{rounded(count / 1000**power)} {['B', 'kB', 'MB', 'GB', 'TB', 'PB'][power]}"


def lasting(seconds: float) -> str:
    """Returns a time.

    >>> lasting(0.02), lasting(7200), lasting(3e12)
    ('20 ms', '2 hours', '95,000 years')
    """
    if seconds >= 1e6 * YEAR:
        return f"{short(seconds / YEAR)} years"
    units = {"years": YEAR, "days": DAY, "hours": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3,
             "us": 1e-6}
    unit = next((unit for unit, size in units.items() if seconds >= size), "us")
    return f"{rounded(seconds / units[unit])} {unit}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Show what training takes, at any scale.")
    parser.add_argument("--measure", action="store_true", help="what this machine does, instead")
    if parser.parse_args().measure:
        for line in measured():
            print(line, flush=True)
    else:
        print(formulas())


if __name__ == "__main__":
    main()

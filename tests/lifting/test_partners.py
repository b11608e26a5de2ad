"""What one total gains another one loses: forces on bodies, which are one array."""

from collections.abc import Callable
from typing import Any

import pytest

np = pytest.importorskip("numpy")

from micrograd_notes import Value, sqrt  # noqa: E402
from micrograd_notes.lifting import Lifted, lift  # noqa: E402
from tests.lifting.examples import certified, numbers  # noqa: E402

Pulls = Callable[..., tuple[Any, Any]]  # what a body gains, and what the other one loses

FORMS: dict[str, Pulls] = {
    "one force": lambda d, s, k, a, b: (k * s * d,) * 2,
    "masses": lambda d, s, k, a, b: (b * s * d, a * s * d),
    "masses first": lambda d, s, k, a, b: (b * d * s, a * d * s),
    "divided": lambda d, s, k, a, b: (k * d * s / a, k * d * s / b),
    "twice": lambda d, s, k, a, b: (k * (d * s), k * (d * s)),
}


def bodies(form: str, count: int, steps: int, goes_on: bool) -> tuple[Lifted, Any]:
    """Returns a program in which bodies pull each other in a plane, and data for it.

    The pulls change the velocities one by one if it `goes_on`, or else as a sum.
    """
    masses, k = [Value(1.0 + 0.1 * i) for i in range(count)], Value(0.7)

    def loss(x: Any, y: Any) -> Any:
        places, speeds = [[*x], [*y]], [[0.0] * count, [0.0] * count]
        for _ in range(steps):
            forces = [[*each] for each in speeds] if goes_on else [[0.0] * count, [0.0] * count]
            for i in range(count):
                for j in range(i + 1, count):
                    apart = [each[j] - each[i] for each in places]
                    square = sum(d * d for d in apart) + 0.1
                    for of, d in zip(forces, apart, strict=True):
                        s = 0.01 / (square * sqrt(square))
                        gain, lose = FORMS[form](d, s, k, masses[i], masses[j])
                        of[i] += gain
                        if form == "twice":
                            of[j] += -lose
                        else:
                            of[j] -= lose
            for i in range(count):
                for place, speed, of in zip(places, speeds, forces, strict=True):
                    speed[i] = of[i] if goes_on else speed[i] + of[i]
                    place[i] = place[i] + 0.1 * speed[i]
        return sum((a - 0.1) ** 2 for place in places for a in place)

    data = numbers(0, 3, count), numbers(1, 3, count)
    return lift(loss, parameters={"masses": masses, "k": [k]}), data


@pytest.mark.parametrize("form", [
    "one force", "masses", *[pytest.param(e, marks=pytest.mark.long) for e in ("divided", "twice")]
])
def test_forces_are_one_array_in_a_loop(form: str) -> None:
    """Four bodies have the code of five, and five steps that of seven."""
    found = []
    for count, steps in [(4, 5), (4, 7), (5, 5)]:
        program, data = bodies(form, count, steps, goes_on=False)
        body = program.source_for(*data).partition("def loss_and_gradient")[2]
        assert "np.stack([x, y], axis=-1)" in body
        found.append(body.count("\n"))
    assert found[0] == found[1] == found[2] < 100, found
    certified(program, *data)


@pytest.mark.parametrize(("count", "steps"), [(2, 1), (3, 1), (3, 3)])
def test_few_bodies_and_few_steps_are_the_scalars(count: int, steps: int) -> None:
    for form in FORMS:
        for goes_on in (False, True):
            program, data = bodies(form, count, steps, goes_on)
            program.check(*data)


def test_formulas_that_share_terms_stay_as_they_are() -> None:
    """The flows of an epidemic, and sums and differences of the same numbers."""
    b, g = Value(0.4), Value(0.1)

    def epidemic(s: Any, i: Any, r: Any) -> Any:
        for _ in range(6):
            new, healed = b * s * i, g * i
            s, i, r = s - new, i + new - healed, r + healed
        return (i - 0.2) ** 2 + r * s

    def butterfly(x: Any) -> Any:
        low, high = b * x[0] + g * x[1], b * x[0] - g * x[1]
        return (low + g * x[2]) ** 2 + (high - g * x[2]) ** 2

    for loss, shape in ((epidemic, (3,)), (butterfly, (3, 4))):
        data = [numbers(k, *shape) for k in range(3 if loss is epidemic else 1)]
        program = lift(loss, parameters=[b, g])
        assert "np.pad" not in program.source_for(*data)
        program.check(*data)

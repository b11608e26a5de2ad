"""Optimisers: `SGD` and `Adam` change the parameters of a model by their gradients.

Signatures, defaults, checks and numbers are PyTorch's. An optimiser has a list of parameters and a
small memory per parameter (a momentum, running averages). `step()` reads `grad` and sets `data`; it
skips a parameter that has not received a gradient since `zero_grad()`.

`fit` calls `step()`, or you call it in your own loop. Training on arrays calls
`stepped(data, gradient)`, which applies the same formula to all parameters at once. Read `SGD`
first; `memories.py` keeps the memories.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from micrograd_notes.common import checks
from micrograd_notes.common.checks import is_finite, is_number, shown
from micrograd_notes.engine import Value
from micrograd_notes.engine.messages import listed_values
from micrograd_notes.train.memories import Group, Vectors

__all__ = ["SGD", "Adam", "Optimizer"]

_SIZE = (lambda x: _is_real(x) and 0 <= x < math.inf, "a number of at least 0")
_SHARE = (lambda x: _is_real(x) and 0 <= x <= 1, "a number from 0 to 1")
_OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "lr": _SIZE, "weight_decay": _SIZE, "eps": _SIZE, "momentum": _SHARE, "dampening": _SHARE,
    "nesterov": (lambda x: isinstance(x, bool), "True or False"),
    "betas": (
        lambda x: isinstance(x, tuple | list)
        and len(x) == 2
        and all(_is_real(beta) and 0 <= beta < 1 for beta in x),
        "two numbers from 0 to below 1",
    ),
}
"""For each option: whether it can be x, and what it must be."""


class Optimizer:
    """The base class of optimisers. Your own one defines `_change` and lists its `options`.

    `_change` takes a gradient, which is a number or a vector: use only arithmetic, and it works for
    both. Options are attributes, checked whenever they are set: set `optimizer.lr` between steps to
    change the learning rate. Other attributes must begin with an underscore.

    Raises:
        TypeError: params is not a list of `Value`s.
        ValueError: params is empty, repeats a `Value`, or holds the result of an operation; or an
            option is out of its range.
        AttributeError: the attribute that is set is not an option.
    """

    options: ClassVar[tuple[str, ...]] = ("lr", "weight_decay")
    remembers: ClassVar[dict[str, float] | None] = None
    """The least number per name in a memory, an int for a count; None allows any memory."""
    vectors: Vectors | None  # the memories after `stepped`, until `memories` is read
    _memories: list[dict[str, float]]

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float) -> None:
        self.params = _checked_parameters(params)
        self.lr, self.weight_decay = lr, weight_decay
        self.memories = [{} for _ in self.params]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.options:
            self._check(name, value)
            value = _plain(value)
        elif name not in ("params", "memories", "vectors") and not name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} does not have an option {name!r}; its options are "
                f"{', '.join(self.options)}"
            )
        super().__setattr__(name, value)

    def _check(self, name: str, option: Any) -> None:
        """Raises ValueError if the option is out of its range."""
        fits, what = _OPTIONS.get(name, (lambda _: True, ""))
        if not fits(option):
            raise ValueError(f"{name} must be {what}, got {shown(option)}")

    def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
        """Returns what a step subtracts from a parameter, and updates the parameter's memory."""
        raise NotImplementedError(f"{type(self).__name__} needs an update rule: define _change")

    def _after(self, data: Any, gradient: Any, memory: dict[str, Any]) -> Any:
        """Returns a parameter, or a vector of them, after a step."""
        # Weight decay is the gradient of weight_decay/2 * data**2, added to the loss.
        return data - self._change(gradient + self.weight_decay * data, memory)

    @property
    def memories(self) -> list[dict[str, float]]:
        """The memory of each parameter, in the order of `params`."""
        if self.vectors is not None:
            self._memories, self.vectors = self.vectors.memories(), None
        return self._memories

    @memories.setter
    def memories(self, memories: list[dict[str, float]]) -> None:
        self._memories, self.vectors = memories, None

    def step(self) -> None:
        """Changes each parameter that has a gradient."""
        for parameter, memory in zip(self.params, self.memories, strict=True):
            if parameter._grad is not None:
                parameter.data = self._after(parameter._data, parameter._grad, memory)

    def stepped(self, data: Any, gradient: Any, has_grad: Any = None) -> Any:
        """Returns the vector of all parameters after a step, and does not change the parameters.

        Numbers and memories are the same as those of `step`, to the last bit, so the two can be
        mixed. Only a division by 0, which makes `step` raise, returns infinite or nan here.

        Args:
            data: one number per parameter, in the order of `params`.
            gradient: one gradient per parameter.
            has_grad: whether each parameter has a gradient; one that does not is skipped. By
                default all have one.

        Raises:
            ValueError: a vector has the wrong length.
            TypeError: your own optimiser defines `step`, or its `_change` fails for a vector.

        >>> import numpy as np
        >>> optimizer = SGD([Value(3.0), Value(5.0)], lr=0.25)
        >>> optimizer.stepped(np.array([3.0, 5.0]), np.array([6.0, -4.0])).tolist()
        [1.5, 6.0]
        """
        import numpy as np

        self._check_vectors(data=data, gradient=gradient)
        vectors = self.as_vectors(has_grad)
        after, groups = data.copy(), []
        with np.errstate(all="ignore"):  # an overflow is inf, as IEEE 754 has it
            for at, takes_part, memory in vectors.groups:
                if takes_part:
                    memory = memory.copy()
                    after[at] = self._after_vector(data[at], gradient[at], memory)
                groups.append(Group(at, takes_part, memory))
        self.vectors = Vectors(groups, vectors.size, vectors.takes_part)
        return after

    def as_vectors(self, has_grad: Any = None) -> Vectors:
        """Returns the memories as vectors, for `stepped`, whose `has_grad` this is."""
        import numpy as np

        if has_grad is not None:
            self._check_vectors(has_grad=has_grad)
            has_grad = None if np.all(has_grad) else np.asarray(has_grad, bool).tobytes()
        if self.vectors is None or self.vectors.takes_part != has_grad:
            return Vectors.of(self.memories, has_grad)
        return self.vectors

    def _after_vector(self, data: Any, gradient: Any, memory: dict[str, Any]) -> Any:
        try:
            if type(self).step is not Optimizer.step:
                raise TypeError("it defines step")
            return self._after(data, gradient, memory)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{type(self).__name__} changes one parameter at a time, not a vector of them "
                f"({error}); use only arithmetic in _change, or train with lifted=False"
            ) from error

    def _check_vectors(self, **vectors: Any) -> None:
        for name, vector in vectors.items():
            kind = getattr(getattr(vector, "dtype", None), "kind", "O")
            if getattr(vector, "shape", None) != (len(self.params),) or kind not in "fiub":
                raise ValueError(
                    f"{name} must be a NumPy vector of {len(self.params)} numbers, one per "
                    f"parameter, got {shown(vector)}"
                )

    def zero_grad(self) -> None:
        """Clears the gradients, so that the next backward pass does not add to them."""
        for parameter in self.params:
            parameter._grad = None

    def state_dict(self) -> dict[str, Any]:
        """Returns the options and the memories as plain data, ready for JSON.

        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.state_dict()["options"]["lr"]
        0.5
        """
        return {
            "options": {name: getattr(self, name) for name in self.options},
            "memories": [dict(memory) for memory in self.memories],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the options and memories of a `state_dict()`.

        Raises:
            ValueError: the state belongs to another class or number of parameters.
        """
        match state:
            case {"options": dict(options), "memories": list(memories), **more} if (
                not more and options.keys() == set(self.options)
            ):
                pass
            case _:
                raise ValueError(
                    f"state must be a state_dict() of {type(self).__name__}, whose options are "
                    f"{', '.join(self.options)}, got {shown(state)}"
                )
        if len(memories) != len(self.params):
            raise ValueError(f"state must have {len(self.params)} memories, got {len(memories)}")
        memories = [self._memory(*numbered) for numbered in enumerate(memories)]
        # Creating another optimiser checks the options before anything changes here.
        checked = type(self)(self.params, **options)
        self.__dict__.update({name: getattr(checked, name) for name in self.options})
        self.memories = memories

    def _memory(self, place: int, memory: Any) -> dict[str, float]:
        """Returns a parameter's memory, with counts as ints and all other numbers as floats."""
        least = self.remembers
        fits = isinstance(memory, dict) and all(map(_is_real, memory.values()))
        if fits and memory and least is not None:  # it is empty before the first step
            fits = memory.keys() == least.keys() and all(
                number >= least[name] and type(number) in (type(least[name]), int)
                for name, number in memory.items()
            )
        if not fits:
            raise ValueError(
                f"{shown(memory)} can't be the memory of {type(self).__name__} for parameter "
                f"{place}; pass what state_dict() returned"
            )
        return {str(name): x if type(x) is int else float(x) for name, x in memory.items()}

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)}" for name in self.options)
        return f"{type(self).__name__}({len(self.params)} parameters, {options})"


class SGD(Optimizer):
    """Gradient descent, with optional momentum.

        buffer = momentum * buffer + (1 - dampening) * gradient     (the gradient, at first)
        data  -= lr * buffer

    With `nesterov`, the step uses gradient + momentum * buffer instead of buffer.

    Raises:
        ValueError: an option is negative, momentum or dampening is above 1, or `nesterov` is
            used without momentum.

    >>> w = Value(3.0)
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()  # 3 - 0.25 * 6
    >>> w.data
    1.5
    """

    options = ("lr", "momentum", "dampening", "weight_decay", "nesterov")
    remembers: ClassVar = {"momentum_buffer": -math.inf}

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.momentum, self.dampening, self.nesterov = momentum, dampening, nesterov

    def _check(self, name: str, option: Any) -> None:
        super()._check(name, option)
        after = {**self.__dict__, name: option}
        if after.get("nesterov") and (after["momentum"] == 0 or after["dampening"] != 0):
            raise ValueError(
                "nesterov=True needs a momentum above 0 and a dampening of 0; "
                f"got momentum={after['momentum']}, dampening={after['dampening']}"
            )

    def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
        if self.momentum == 0:
            return self.lr * gradient
        buffer = gradient
        if "momentum_buffer" in memory:
            buffer = self.momentum * memory["momentum_buffer"] + (1 - self.dampening) * gradient
        memory["momentum_buffer"] = buffer
        return self.lr * (gradient + self.momentum * buffer if self.nesterov else buffer)


class Adam(Optimizer):
    """Steps of about `lr`, whatever the size of the gradient.

        mean   = beta1 * mean   + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        data  -= lr * unbiased mean / (sqrt(unbiased square) + eps)

    Both averages start at 0, so they are too small at first. After t steps "unbiased" divides by
    1 - beta**t, which corrects for that.

    Raises:
        ValueError: an option is negative, or a beta is 1 or more.

    >>> w = Value(3.0)
    >>> optimizer = Adam([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> round(w.data, 6)
    2.75
    """

    options = ("lr", "betas", "eps", "weight_decay")
    remembers: ClassVar = {"step": 1, "exp_avg": -math.inf, "exp_avg_sq": 0.0}

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.eps, self.betas = eps, betas

    def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
        beta1, beta2 = self.betas
        step = memory.get("step", 0) + 1
        mean = beta1 * memory.get("exp_avg", 0.0) + (1 - beta1) * gradient
        square = beta2 * memory.get("exp_avg_sq", 0.0) + (1 - beta2) * gradient * gradient
        memory.update(step=step, exp_avg=mean, exp_avg_sq=square)
        unbiased_mean = mean / (1 - beta1**step)
        unbiased_square = square / (1 - beta2**step)
        return self.lr * unbiased_mean / (_root(unbiased_square) + self.eps)


def _root(x: Any) -> Any:
    """Returns the square root of a number or of a vector, with the same rounding."""
    if isinstance(x, float):
        return math.sqrt(x)
    import numpy as np

    return np.sqrt(x)


def _plain(option: Any) -> Any:
    """Returns a number as Python's int or float: NumPy's float32 would make all others like it."""
    if isinstance(option, tuple | list):
        plain = map(_plain, option)
        return [*plain] if isinstance(option, list) else tuple(plain)
    if not is_number(option):
        return option
    option = checks.plain(option)
    return option if isinstance(option, int) else float(option)


def _is_real(given: Any) -> bool:
    """Returns whether it is a number, maybe infinite: a sum of squares can overflow."""
    is_real = is_number(given) and type(given).__name__ not in ("bool", "bool_")
    return is_real and (is_finite(given) or abs(given) == math.inf)


def _checked_parameters(params: Iterable[Value]) -> list[Value]:
    """Returns the parameters as a list, if an optimiser can change them."""
    parameters = listed_values("params", params, "Pass model.parameters()")
    if not parameters:
        raise ValueError("params must hold at least one Value, got none. Pass model.parameters()")
    for parameter in parameters:
        if parameter.operands or parameter.origin is not None:
            made = "computed under no_grad()" if parameter.op is None else "of an operation"
            raise ValueError(f"params must be leaves, but {parameter!r} is the result {made}")
    if len(set(parameters)) != len(parameters):
        raise ValueError("params must hold each Value once, but one is there twice")
    return parameters

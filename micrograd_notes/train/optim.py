"""Optimisers: how a gradient becomes a change of the parameters.

`SGD` and `Adam` have PyTorch's signatures, defaults, checks and numbers. An optimiser holds a list
of parameters and, for each, a small memory (a momentum, running averages). `step()` reads `grad`
and sets `data`. A parameter that no sweep has reached since `zero_grad()` is left alone.

The formula of each optimiser stands once, and works on a number as on a NumPy vector of them:
`step()` goes from parameter to parameter, `stepped(data, gradient)` takes all of them at once.

This file knows numbers and update rules. It knows no model, no loss, and not how a gradient came
about.
"""

import math
import numbers
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from micrograd_notes.common.checks import is_finite, shown
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
"""For each option of the optimisers below: whether it can be x, and what it must be."""


class Optimizer:
    """What optimisers share. One of your own gives `_change`, and names its `options`.

    `_change` takes a gradient, a number or a vector; written with arithmetic alone it takes both.

    The options are attributes and may be set between steps: `optimizer.lr = 0.01` is a learning
    rate schedule. They are checked whenever they are set, and no other attributes can be, save
    those whose names begin with an underscore.

    Raises:
        TypeError: params is no list of `Value`s.
        ValueError: there are none, one stands there twice, or one is the result of an operation; or
            an option is not a number that it can be.
        AttributeError: what is set is not an option.
    """

    options: ClassVar[tuple[str, ...]] = ("lr", "weight_decay")
    remembers: ClassVar[dict[str, float] | None] = None
    """The names in a memory with the least number of each, an int for a count; None for any."""
    vectors: Vectors | None  # the memories, from `stepped` until someone asks for them
    _memories: list[dict[str, float]]

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float) -> None:
        self.params = _checked_parameters(params)
        self.lr, self.weight_decay = lr, weight_decay
        self.memories = [{} for _ in self.params]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.options:
            self._check(name, value)
        elif name not in ("params", "memories", "vectors") and not name.startswith("_"):
            raise AttributeError(
                f"{type(self).__name__} does not have an option {name!r}; its options are "
                f"{', '.join(self.options)}"
            )
        super().__setattr__(name, value)

    def _check(self, name: str, option: Any) -> None:
        """Raises ValueError if the option can't be what it is set to."""
        fits, what = _OPTIONS.get(name, (lambda _: True, ""))
        if not fits(option):
            raise ValueError(f"{name} must be {what}, got {shown(option)}")

    def _change(self, gradient: Any, memory: dict[str, Any]) -> Any:
        """Returns what to take away from a parameter, and updates the parameter's memory."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule: define _change")

    def _after(self, data: Any, gradient: Any, memory: dict[str, Any]) -> Any:
        """Returns what a step makes of a parameter, or of a vector of them."""
        # Weight decay is the gradient of weight_decay/2 * data**2, added to the loss.
        return data - self._change(gradient + self.weight_decay * data, memory)

    @property
    def memories(self) -> list[dict[str, float]]:
        """What is remembered of each parameter, in the order of `params`."""
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
        """Returns the vector that `step` makes of the vector of all parameters.

        The numbers are those of `step`, to the last bit, and so are the memories: one may go on
        with the other. No parameter is read or changed, and no loop goes over them. Only where
        `step` would divide by 0 and raise, a number becomes infinite or not a number.

        Args:
            data: a number for each of `params`, in their order.
            gradient: the gradient of each.
            has_grad: whether each has a gradient at all; by default all have one. One that has none
                is left alone.

        Raises:
            ValueError: a vector has another length.
            TypeError: an optimiser of one's own can't do it: it defines `step`, or its `_change`
                asks questions of a number that can't be asked of a vector.

        >>> import numpy as np
        >>> optimizer = SGD([Value(3.0), Value(5.0)], lr=0.25)
        >>> optimizer.stepped(np.array([3.0, 5.0]), np.array([6.0, -4.0])).tolist()
        [1.5, 6.0]
        """
        import numpy as np

        self._check_vectors(data=data, gradient=gradient)
        if has_grad is not None:
            self._check_vectors(has_grad=has_grad)
            has_grad = None if np.all(has_grad) else np.asarray(has_grad, bool).tobytes()
        vectors = self.vectors
        if vectors is None or vectors.takes_part != has_grad:
            vectors = Vectors.of(self.memories, has_grad)
        after, groups = data.copy(), []
        with np.errstate(all="ignore"):  # IEEE rules: what overflows is inf
            for at, takes_part, memory in vectors.groups:
                if takes_part:
                    memory = memory.copy()
                    after[at] = self._after_vector(data[at], gradient[at], memory)
                groups.append(Group(at, takes_part, memory))
        self.vectors = Vectors(groups, vectors.size, has_grad)
        return after

    def _after_vector(self, data: Any, gradient: Any, memory: dict[str, Any]) -> Any:
        try:
            if type(self).step is not Optimizer.step:
                raise TypeError("it has a step of its own")
            return self._after(data, gradient, memory)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{type(self).__name__} changes one parameter at a time, and no vector of them "
                f"({error}); define _change with arithmetic alone, or train with lifted=False"
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
        """Forgets the gradients, so that the next sweep does not add to them."""
        for parameter in self.params:
            parameter._grad = None

    def state_dict(self) -> dict[str, Any]:
        """Returns the options and the memories as plain data, which JSON can hold.

        >>> optimizer = SGD([Value(1.0)], lr=0.5)
        >>> optimizer.state_dict()["options"]["lr"]
        0.5
        """
        return {
            "options": {name: getattr(self, name) for name in self.options},
            "memories": [dict(memory) for memory in self.memories],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on where the optimiser that gave `state` stood.

        Raises:
            ValueError: the state is another kind of optimiser's, or is for other parameters.
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
        # An optimiser that is made with the options checks them, before anything changes here.
        checked = type(self)(self.params, **options)
        self.__dict__.update({name: getattr(checked, name) for name in self.options})
        self.memories = memories

    def _memory(self, place: int, memory: Any) -> dict[str, float]:
        """Returns the memory of a parameter, a count as an int and all other numbers as floats."""
        least = self.remembers
        fits = isinstance(memory, dict) and all(map(_is_real, memory.values()))
        if fits and memory and least is not None:  # it is empty before the first step
            fits = memory.keys() == least.keys() and all(
                number >= least[name] and type(number) in (type(least[name]), int)
                for name, number in memory.items()
            )
        if not fits:
            raise ValueError(
                f"{type(self).__name__} can't have remembered {shown(memory)} of parameter "
                f"{place}; load what state_dict() returned"
            )
        return {str(name): x if type(x) is int else float(x) for name, x in memory.items()}

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)}" for name in self.options)
        return f"{type(self).__name__}({len(self.params)} parameters, {options})"


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

        buffer = momentum * buffer + (1 - dampening) * gradient     (the gradient, at first)
        data  -= lr * buffer

    Nesterov's form takes gradient + momentum * buffer in place of buffer.

    Raises:
        ValueError: an option is negative, momentum or dampening is above 1, or Nesterov's form is
            asked for without momentum.

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
        self.momentum = momentum
        self.dampening = dampening
        self.nesterov = nesterov

    def _check(self, name: str, option: Any) -> None:
        super()._check(name, option)
        after = {**self.__dict__, name: option}
        if after.get("nesterov") and (after["momentum"] == 0 or after["dampening"] != 0):
            raise ValueError(
                f"nesterov=True needs a momentum above 0 and no dampening; "
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
    """Steps of about `lr` whatever the size of the gradient: its mean over the root of its square.

        mean   = beta1 * mean   + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient**2
        data  -= lr * unbiased mean / (sqrt(unbiased square) + eps)

    Both averages start at 0, and so are too small at first; after t steps "unbiased" divides by
    1 - beta**t, which makes up for that.

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
        self.eps = eps
        self.betas = betas

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
    """Returns the square root of a number or of a vector: the nearest float, either way."""
    if isinstance(x, float):
        return math.sqrt(x)
    import numpy as np

    return np.sqrt(x)


def _is_real(given: Any) -> bool:
    """Returns whether it is a number; infinity is one, as a sum of squares may overflow."""
    is_number = isinstance(given, numbers.Real) and not isinstance(given, bool)
    return is_number and (is_finite(given) or abs(given) == math.inf)


def _checked_parameters(params: Iterable[Value]) -> list[Value]:
    """Returns the parameters as a list, if an optimiser can change them."""
    parameters = listed_values("params", params, "Give model.parameters()")
    if not parameters:
        raise ValueError("params must hold at least one Value, got none. Give model.parameters()")
    for parameter in parameters:
        if parameter.operands or parameter.origin is not None:
            made = "computed under no_grad()" if parameter.op is None else "of an operation"
            raise ValueError(f"params must be leaves, but {parameter!r} is the result {made}")
    if len(set(parameters)) != len(parameters):
        raise ValueError("params must hold each Value once, but one stands in the list twice")
    return parameters

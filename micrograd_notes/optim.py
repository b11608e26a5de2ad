"""Optimisers: how a gradient becomes a change of the parameters.

`SGD` and `Adam` have PyTorch's signatures, defaults, checks and numbers. An optimiser holds a list
of parameters and, for each, a small memory (a momentum, running averages). `step()` reads `grad`
and sets `data`. A parameter that no sweep has reached since `zero_grad()` is left alone.

This file knows numbers and update rules. It knows no model, no loss, and not how a gradient came
about.
"""

import math
import numbers
from collections.abc import Iterable
from typing import Any, ClassVar

from micrograd_notes.engine import Value

__all__ = ["SGD", "Adam", "Optimizer"]


class Optimizer:
    """What optimisers share. One of your own gives `_change`, and names its `options`.

    The options are attributes and may be set between steps: `optimizer.lr = 0.01` is a learning
    rate schedule.

    Raises:
        TypeError: params is no list of `Value`s.
        ValueError: there are none, one stands there twice, or one is the result of an operation.
    """

    options: ClassVar[tuple[str, ...]] = ("lr", "weight_decay")

    def __init__(self, params: Iterable[Value], lr: float, weight_decay: float) -> None:
        self.params = _checked_parameters(params)
        self.lr = _checked("lr", lr)
        self.weight_decay = _checked("weight_decay", weight_decay)
        self.memories: list[dict[str, float]] = [{} for _ in self.params]

    def _change(self, gradient: float, memory: dict[str, float]) -> float:
        """Returns what to take away from a parameter, and updates the parameter's memory."""
        raise NotImplementedError(f"{type(self).__name__} has no update rule: define _change")

    def step(self) -> None:
        """Changes each parameter that has a gradient."""
        for parameter, memory in zip(self.params, self.memories, strict=True):
            if parameter.has_grad:
                # Weight decay is the gradient of weight_decay/2 * data**2, added to the loss.
                gradient = parameter.grad + self.weight_decay * parameter.data
                parameter.data -= self._change(gradient, memory)

    def zero_grad(self) -> None:
        """Forgets the gradients, so that the next sweep does not add to them."""
        for parameter in self.params:
            parameter.grad = None

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
        if set(state) != {"options", "memories"} or set(state["options"]) != set(self.options):
            raise ValueError(
                f"this is no state of {type(self).__name__}, whose options are "
                f"{', '.join(self.options)}"
            )
        if len(state["memories"]) != len(self.params):
            raise ValueError(
                f"the state is for {len(state['memories'])} parameters; "
                f"this optimiser has {len(self.params)}"
            )
        memories = [
            {str(name): float(number) for name, number in dict(memory).items()}
            for memory in state["memories"]
        ]
        # An optimiser that is made with the options checks them, before anything changes here.
        checked = type(self)(self.params, **state["options"])
        for name in self.options:
            setattr(self, name, getattr(checked, name))
        self.memories = memories

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={getattr(self, name)}" for name in self.options)
        return f"{type(self).__name__}({len(self.params)} parameters, {options})"


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

        buffer = momentum * buffer + (1 - dampening) * gradient     (the gradient, at first)
        data  -= lr * buffer

    Nesterov's form takes gradient + momentum * buffer in place of buffer.

    Raises:
        ValueError: an option is negative, or Nesterov's form is asked for without momentum.

    >>> w = Value(3.0)
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()  # 3 - 0.25 * 6
    >>> w.data
    1.5
    """

    options = ("lr", "momentum", "dampening", "weight_decay", "nesterov")

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
        self.momentum = _checked("momentum", momentum)
        self.dampening = dampening
        self.nesterov = nesterov
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(
                f"nesterov=True needs a momentum above 0 and no dampening; "
                f"got momentum={momentum}, dampening={dampening}"
            )

    def _change(self, gradient: float, memory: dict[str, float]) -> float:
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

    def __init__(
        self,
        params: Iterable[Value],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
    ) -> None:
        super().__init__(params, lr, weight_decay)
        self.eps = _checked("eps", eps)
        self.betas = betas
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"Adam got betas={betas}; give two numbers from 0 to below 1")

    def _change(self, gradient: float, memory: dict[str, float]) -> float:
        beta1, beta2 = self.betas
        step = memory.get("step", 0) + 1
        mean = beta1 * memory.get("exp_avg", 0.0) + (1 - beta1) * gradient
        square = beta2 * memory.get("exp_avg_sq", 0.0) + (1 - beta2) * gradient * gradient
        memory.update(step=step, exp_avg=mean, exp_avg_sq=square)
        unbiased_mean: float = mean / (1 - beta1**step)
        unbiased_square: float = square / (1 - beta2**step)
        return self.lr * unbiased_mean / (math.sqrt(unbiased_square) + self.eps)


def _checked(name: str, option: float) -> float:
    """Returns the option, if it is a number from 0 to below infinity."""
    if not isinstance(option, numbers.Real) or not 0 <= option < math.inf:
        raise ValueError(f"an optimiser got {name}={option!r}; give a number, 0 or more")
    return option


def _checked_parameters(params: Iterable[Value]) -> list[Value]:
    """Returns the parameters as a list, if an optimiser can change them."""
    if not isinstance(params, Iterable):
        raise TypeError(
            f"an optimiser takes a list of Values such as model.parameters(), got {params!r}"
        )
    parameters = list(params)
    if not parameters:
        raise ValueError("an optimiser got no parameters; give it model.parameters()")
    for parameter in parameters:
        if not isinstance(parameter, Value):
            raise TypeError(f"a parameter is a Value, got {parameter!r}")
        if parameter.operands:
            raise ValueError(
                f"{parameter!r} is the result of an operation; only leaves can be optimised"
            )
    if len(set(parameters)) != len(parameters):
        raise ValueError("a parameter stands in the list twice; each takes one change a step")
    return parameters

"""A peer for the benchmarks: a `Value` that works out its local partials at once and keeps them.

This is the design of Karpathy's microgpt, written anew for the comparison and kept in its style:
four slots, a partial stored beside each child while the result is computed, a recursive sort, one
line for the chain rule. It is about as fast as a few plain lines of Python get. It deliberately
does not know which operation made a node: that is what it gives up for its speed, and with it
pictures, second derivatives and a compiler.

The recursion is kept because it belongs to the design: `build_topo` refers to itself, a reference
cycle, so after a backward pass the graph waits for the garbage collector.

Only the operations that the demo and a small GPT need are here. `MLP` has micrograd's arithmetic,
in micrograd's order.
"""

# `zip` is called without `strict`, as the original does: the keyword costs it 80 ns a node.
# ruff: noqa: B905

from __future__ import annotations

import math
import random
from collections.abc import Sequence


class Value:
    """A number, its gradient, its children and the partial with respect to each child."""

    __slots__ = ("children", "data", "grad", "local_grads")

    def __init__(
        self,
        data: float,
        children: tuple[Value, ...] = (),
        local_grads: tuple[float, ...] = (),
    ) -> None:
        self.data = data
        self.grad: float = 0
        self.children = children
        self.local_grads = local_grads

    def __add__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1, 1))

    def __mul__(self, other: Value | float) -> Value:
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, other: float) -> Value:
        return Value(self.data**other, (self,), (other * self.data ** (other - 1),))

    def log(self) -> Value:
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Value:
        return Value(math.exp(self.data), (self,), (math.exp(self.data),))

    def relu(self) -> Value:
        return Value(max(0, self.data), (self,), (float(self.data > 0),))

    def __radd__(self, other: float) -> Value:
        return self + other

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __neg__(self) -> Value:
        return self * -1

    def __sub__(self, other: Value | float) -> Value:
        return self + (-other)

    def __truediv__(self, other: Value | float) -> Value:
        return self * other**-1

    def backward(self) -> None:
        topo: list[Value] = []
        visited: set[Value] = set()

        def build_topo(value: Value) -> None:
            if value not in visited:
                visited.add(value)
                for child in value.children:
                    build_topo(child)
                topo.append(value)

        build_topo(self)
        self.grad = 1
        for value in reversed(topo):
            for child, local_grad in zip(value.children, value.local_grads):
                child.grad += local_grad * value.grad


class Neuron:
    """A weighted sum and, unless it is the last layer's, a relu."""

    def __init__(self, nin: int, nonlin: bool) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Value]) -> Value:
        act = sum((wi * xi for wi, xi in zip(self.w, x)), self.b)
        return act.relu() if self.nonlin else act


class MLP:
    """Layers of neurons, the last of them linear and one neuron wide."""

    def __init__(self, nin: int, nouts: list[int]) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [
            [Neuron(sizes[i], nonlin=i != last) for _ in range(sizes[i + 1])]
            for i in range(len(nouts))
        ]

    def __call__(self, x: Sequence[Value]) -> Value:
        for layer in self.layers:
            x = [neuron(x) for neuron in layer]
        return x[0]

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for neuron in layer for p in [*neuron.w, neuron.b]]

    def zero_grad(self) -> None:
        for p in self.parameters():
            p.grad = 0

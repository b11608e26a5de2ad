"""Each activation and its slope, in NumPy by hand: both are written into arrays that there are.

The first array has the inputs, which the outputs replace; the second gets the slopes, with which
the derivatives are multiplied on the way back. `in_numpy.py` calls them.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from math import pi
from typing import Any

import numpy as np

from lifting.work import Array


def relu(z: Array, slope: Array) -> None:
    np.greater(z, 0, out=slope)  # a bool would be made a float in each product
    np.maximum(z, 0, out=z)


def leaky_relu(z: Array, slope: Array) -> None:
    np.greater(z, 0, out=slope)
    np.maximum(slope, 0.01, out=slope)
    np.multiply(z, slope, out=z)


def elu(z: Array, slope: Array) -> None:
    np.expm1(np.minimum(z, 0, out=slope), out=slope)
    np.maximum(z, slope, out=z)
    np.add(slope, 1, out=slope)


def tanh(z: Array, slope: Array) -> None:
    np.tanh(z, out=z)
    np.multiply(z, z, out=slope)
    np.subtract(1, slope, out=slope)


def sigmoid(z: Array, slope: Array) -> None:
    np.exp(np.negative(z, out=z), out=z)
    np.reciprocal(np.add(z, 1, out=z), out=z)
    np.multiply(z, z, out=slope)
    np.subtract(z, slope, out=slope)


def softplus(z: Array, slope: Array) -> None:
    np.exp(np.negative(np.abs(z, out=slope), out=slope), out=slope)
    np.add(np.maximum(z, 0, out=z), np.log1p(slope, out=slope), out=z)
    np.negative(np.expm1(np.negative(z, out=slope), out=slope), out=slope)


def silu(z: Array, slope: Array) -> None:
    np.exp(np.negative(z, out=slope), out=slope)
    share = np.reciprocal(np.add(slope, 1, out=slope), out=slope)
    np.multiply(z, share, out=z)
    np.add(z, share * (1 - z), out=slope)


def gelu(z: Array, slope: Array) -> None:
    special: Any = import_module("scipy.special")  # it has no types
    density = np.exp(z * z * -0.5)
    density *= z
    density *= (2 * pi) ** -0.5
    special.ndtr(z, out=slope)
    np.multiply(z, slope, out=z)
    np.add(slope, density, out=slope)


SLOPES: dict[str, Callable[[Array, Array], None]] = {
    f.__name__: f for f in (relu, leaky_relu, elu, tanh, sigmoid, softplus, silu, gelu)
}

"""The work in NumPy by hand, as one writes it who has measured: forward, backward and update.

Three habits make it fast. Arrays are made once and written into. All parameters lie in one vector
and their gradients in another, so that the update is two calls. And features lie in rows, examples
in columns: a sum over features then adds whole rows, and does not stop after every few numbers.
`numpy_slopes.py` has the activations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lifting.numpy_slopes import SLOPES
from lifting.peer import Learner
from lifting.work import HEADS, RATE, Array, Work


def by_hand(work: Work) -> Learner:
    return gpt(work) if work.is_gpt else mlp(work)


def views(flat: Array, shapes: list[tuple[int, ...]]) -> list[Array]:
    """Returns arrays of these shapes, one behind the other in a vector."""
    ends = np.cumsum([np.prod(shape) for shape in shapes])
    parts = np.split(flat, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def flattened(arrays: list[Array]) -> Array:
    return np.concatenate([array.ravel() for array in arrays])


# ---- networks ------------------------------------------------------------------------------------


def mlp(work: Work) -> Learner:
    given = work.arrays()
    theta = flattened(given)
    dtheta = np.empty_like(theta)
    shapes = [a.shape if a.ndim == 2 else (len(a), 1) for a in given]
    parameters, gradients = views(theta, shapes), views(dtheta, shapes)
    weights, biases = parameters[::2], parameters[1::2]
    dweights, dbiases = gradients[::2], gradients[1::2]
    X, Y, n = work.X, work.Y, len(work.X)
    layers = [np.empty((len(W), n)) for W in weights]
    dlayers = [np.empty_like(layer) for layer in layers]
    slopes = [np.empty_like(layer) for layer in layers[:-1]]
    activate = SLOPES[work.activation]
    last = len(weights) - 1
    head = hinge(Y) if len(weights[-1]) == 1 else cross_entropy(Y)

    def step() -> float:
        x = X.T
        for i, (W, b, z) in enumerate(zip(weights, biases, layers, strict=True)):
            np.matmul(W, x, out=z)
            z += b
            if i < last:
                activate(z, slopes[i])
            x = z
        value = head(x, dlayers[-1])
        for i in range(last, -1, -1):
            d = dlayers[i]
            np.matmul(d, layers[i - 1].T if i else X, out=dweights[i])
            np.add.reduce(d, axis=1, keepdims=True, out=dbiases[i])
            if i:
                np.matmul(weights[i].T, d, out=dlayers[i - 1])
                dlayers[i - 1] *= slopes[i - 1]
        np.multiply(dtheta, RATE, out=dtheta)
        np.subtract(theta, dtheta, out=theta)
        return float(value)

    back = [a.shape for a in given]
    return Learner(step, lambda: [a.copy() for a in views(theta, back)])


def hinge(Y: Array) -> Any:
    """Returns a function that finds the mean hinge loss, and writes its derivative."""
    n, scaled = len(Y), -Y / len(Y)

    def loss(scores: Array, d: Array) -> float:
        margins = 1 - Y * scores[0]
        np.multiply(scaled, margins > 0, out=d[0])
        return float(np.add.reduce(np.maximum(margins, 0, out=margins)) / n)

    return loss


def cross_entropy(Y: Array) -> Any:
    """Returns a function that finds the mean cross-entropy of logits, and writes its derivative.

    The logits are shifted where they lie.
    """
    n = len(Y)
    chosen = (Y, np.arange(n))

    def loss(z: Array, d: Array) -> float:
        z -= np.maximum.reduce(z, axis=0)
        np.exp(z, out=d)
        total = np.add.reduce(d, axis=0)
        value = np.add.reduce(np.log(total) - z[chosen]) / n
        total *= n
        d /= total
        d[chosen] -= 1 / n
        return float(value)

    return loss


# ---- names ---------------------------------------------------------------------------------------


Forth = Callable[[Array], Array]
Back = Callable[[Array], None]


def gpt(work: Work) -> Learner:
    """The columns are those of all first positions, then of all second ones, and so on."""
    given = work.arrays()
    theta = flattened(given)
    dtheta = np.zeros_like(theta)  # no name is long enough to reach the last positions
    (n, length), (tokens, width) = work.X.shape, given[0].shape
    columns = n * length
    layers = (len(given) - 3) // 6
    in_block = [(3 * width, width), (width, width), (4 * width, width), (width, 4 * width)]
    shapes = [given[0].shape, given[1].shape, *(in_block * layers), given[-1].shape]
    token, position, *weights, unembed = views(theta, shapes)
    dtoken, dposition, *dweights, dunembed = views(dtheta, shapes)
    blocks = [
        block(weights[at : at + 4], dweights[at : at + 4], n, length)
        for at in range(0, len(weights), 4)
    ]
    tokens_of, targets = work.X.T.ravel(), work.Y.T.ravel()
    one_hot = np.zeros((columns, tokens))
    one_hot[np.arange(columns), tokens_of] = 1
    head = cross_entropy(targets)
    embedded, first, d = np.empty((3, width, columns))
    logits, dlogits = np.empty((2, tokens, columns))
    by_place = embedded.reshape(width, length, n)

    def step() -> float:
        embedded[...] = token.take(tokens_of, axis=0).T
        by_place[...] += position[:length].T[:, :, None]
        factor = rms_norm(embedded, first)
        x = first
        for forth, _ in blocks:
            x = forth(x)
        np.matmul(unembed, x, out=logits)
        value = head(logits, dlogits)
        np.matmul(dlogits, x.T, out=dunembed)
        np.matmul(unembed.T, dlogits, out=d)
        for _, back in reversed(blocks):
            back(d)
        rms_norm_backward(d, first, factor)
        np.add.reduce(d.reshape(width, length, n), axis=2, out=dposition[:length].T)
        np.matmul(one_hot.T, d.T, out=dtoken)
        np.multiply(dtheta, RATE, out=dtheta)
        np.subtract(theta, dtheta, out=theta)
        return float(value)

    back = [a.shape for a in given]
    return Learner(step, lambda: [a.copy() for a in views(theta, back)])


def block(weights: list[Array], dweights: list[Array], n: int, length: int) -> tuple[Forth, Back]:
    """Returns two functions. The second turns the derivative by the output into that by the input.

    The first returns its output in an array that it made once.
    """
    project, mix, widen, narrow = weights
    dproject, dmix, dwiden, dnarrow = dweights
    columns, width = n * length, len(mix)
    size = width // HEADS
    scale = size**-0.5
    upper = np.triu(np.full((length, length), -np.inf), 1)[:, :, None]
    normed1, second, normed2, third, dnormed = np.empty((5, width, columns))
    factor1, factor2 = np.empty((2, columns))
    hidden, dhidden, slope = np.empty((3, 4 * width, columns))
    projected, dprojected = np.empty((2, 3 * width, columns))
    attended, dattended = np.empty((2, width, columns))
    shares, dshares = np.empty((2, HEADS, length, length, n))

    def in_heads(rows: Array) -> Array:
        """Returns a view with one small matrix, position by feature, for each name and head."""
        return rows.reshape(-1, HEADS, size, length, n).transpose(0, 4, 1, 3, 2)

    def by_name(per_head: Array) -> Array:
        return per_head.transpose(3, 0, 1, 2)

    q, k, v = in_heads(projected)
    dq, dk, dv = in_heads(dprojected)
    [o], [do] = in_heads(attended), in_heads(dattended)
    s, ds = by_name(shares), by_name(dshares)
    kT, vT, sT, dsT = (a.swapaxes(2, 3) for a in (k, v, s, ds))

    def forth(x: Array) -> Array:
        factor1[...] = rms_norm(x, normed1)
        np.matmul(project, normed1, out=projected)
        np.matmul(q, kT, out=s)
        np.multiply(shares, scale, out=shares)
        np.add(shares, upper, out=shares)
        np.subtract(shares, np.maximum.reduce(shares, axis=2, keepdims=True), out=shares)
        np.exp(shares, out=shares)
        np.divide(shares, np.add.reduce(shares, axis=2, keepdims=True), out=shares)
        np.matmul(s, v, out=o)
        np.matmul(mix, attended, out=second)
        np.add(second, x, out=second)
        factor2[...] = rms_norm(second, normed2)
        np.matmul(widen, normed2, out=hidden)
        SLOPES["relu"](hidden, slope)
        np.matmul(narrow, hidden, out=third)
        return np.add(third, second, out=third)

    def back(d: Array) -> None:
        np.matmul(d, hidden.T, out=dnarrow)
        np.matmul(narrow.T, d, out=dhidden)
        np.multiply(dhidden, slope, out=dhidden)
        np.matmul(dhidden, normed2.T, out=dwiden)
        np.matmul(widen.T, dhidden, out=dnormed)
        np.add(d, rms_norm_backward(dnormed, normed2, factor2), out=d)
        np.matmul(d, attended.T, out=dmix)
        np.matmul(mix.T, d, out=dattended)
        np.matmul(sT, do, out=dv)
        np.matmul(do, vT, out=ds)
        np.subtract(dshares, np.einsum("hijn,hijn->hin", dshares, shares)[:, :, None], out=dshares)
        np.multiply(dshares, shares, out=dshares)
        np.multiply(dshares, scale, out=dshares)
        np.matmul(ds, k, out=dq)
        np.matmul(dsT, q, out=dk)
        np.matmul(dprojected, normed1.T, out=dproject)
        np.matmul(project.T, dprojected, out=dnormed)
        np.add(d, rms_norm_backward(dnormed, normed1, factor1), out=d)

    return forth, back


def rms_norm(x: Array, out: Array) -> Array:
    """Writes each column over its root mean square, and returns the factors."""
    factor = np.einsum("ij,ij->j", x, x)
    factor /= len(x)
    factor += 1e-5
    np.sqrt(factor, out=factor)
    np.divide(1, factor, out=factor)
    np.multiply(x, factor, out=out)
    return factor


def rms_norm_backward(d: Array, normed: Array, factor: Array) -> Array:
    """Returns the derivative by what was normed, written over that by the result."""
    along = np.einsum("ij,ij->j", d, normed)
    along /= len(d)
    d -= normed * along
    d *= factor
    return d

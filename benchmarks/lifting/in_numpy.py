"""The work in NumPy by hand, as one writes it who has measured: forward, backward and update.

Three habits make it fast. Arrays are made once and written into. All parameters lie in one vector
and their gradients in another, so that the update is two calls. And features lie in rows, examples
in columns: a sum over features then adds whole rows, and does not stop after every few numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

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
    last = len(weights) - 1
    head = hinge(Y) if len(weights[-1]) == 1 else cross_entropy(Y)

    def step() -> float:
        x = X.T
        for i, (W, b, z) in enumerate(zip(weights, biases, layers, strict=True)):
            np.matmul(W, x, out=z)
            z += b
            x = np.maximum(z, 0, out=z) if i < last else z
        value = head(x, dlayers[-1])
        for i in range(last, -1, -1):
            d = dlayers[i]
            np.matmul(d, layers[i - 1].T if i else X, out=dweights[i])
            np.add.reduce(d, axis=1, keepdims=True, out=dbiases[i])
            if i:
                np.matmul(weights[i].T, d, out=dlayers[i - 1])
                dlayers[i - 1] *= layers[i - 1] > 0
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


def gpt(work: Work) -> Learner:
    """The columns are those of all first positions, then of all second ones, and so on."""
    given = work.arrays()
    theta = flattened(given)
    dtheta = np.zeros_like(theta)  # no name is long enough to reach the last positions
    (n, length), (tokens, width) = work.X.shape, given[0].shape
    columns, size = n * length, width // HEADS
    table = (tokens, width)
    shapes = [table, given[1].shape, (3 * width, width), (width, width), (4 * width, width)]
    shapes += [(width, 4 * width), table]
    token, position, project, mix, widen, narrow, unembed = views(theta, shapes)
    dtoken, dposition, dproject, dmix, dwiden, dnarrow, dunembed = views(dtheta, shapes)
    tokens_of, targets = work.X.T.ravel(), work.Y.T.ravel()
    one_hot = np.zeros((columns, tokens))
    places = np.arange(columns)
    head = cross_entropy(targets)
    upper = np.triu(np.full((length, length), -np.inf), 1)[:, :, None]
    scale = size**-0.5

    def empty(*shape: int) -> Array:
        return np.empty(shape)

    embedded, first, normed1, second, normed2, third = empty(6, width, columns)
    dfirst, dnormed = empty(2, width, columns)
    hidden, dhidden = empty(2, 4 * width, columns)
    logits, dlogits = empty(2, tokens, columns)
    projected, dprojected = empty(2, 3 * width, columns)
    attended, dattended = empty(2, width, columns)
    shares, dshares = empty(2, HEADS, length, length, n)

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

    def rms_norm(x: Array, out: Array) -> Array:
        factor = np.einsum("ij,ij->j", x, x)
        factor /= width
        factor += 1e-5
        np.sqrt(factor, out=factor)
        np.divide(1, factor, out=factor)
        np.multiply(x, factor, out=out)
        return factor

    def rms_norm_backward(d: Array, normed: Array, factor: Array) -> Array:
        """Returns the derivative by what was normed, written over that by the result."""
        along = np.einsum("ij,ij->j", d, normed)
        along /= width
        d -= normed * along
        d *= factor
        return d

    def step() -> float:
        by_place = embedded.reshape(width, length, n)
        embedded[...] = token.take(tokens_of, axis=0).T
        by_place += position[:length].T[:, :, None]
        factor0 = rms_norm(embedded, first)
        factor1 = rms_norm(first, normed1)
        np.matmul(project, normed1, out=projected)
        np.matmul(q, kT, out=s)
        np.multiply(shares, scale, out=shares)
        np.add(shares, upper, out=shares)
        np.subtract(shares, np.maximum.reduce(shares, axis=2, keepdims=True), out=shares)
        np.exp(shares, out=shares)
        np.divide(shares, np.add.reduce(shares, axis=2, keepdims=True), out=shares)
        np.matmul(s, v, out=o)
        np.matmul(mix, attended, out=second)
        np.add(second, first, out=second)
        factor2 = rms_norm(second, normed2)
        np.matmul(widen, normed2, out=hidden)
        np.maximum(hidden, 0, out=hidden)
        np.matmul(narrow, hidden, out=third)
        np.add(third, second, out=third)
        np.matmul(unembed, third, out=logits)
        value = head(logits, dlogits)

        np.matmul(dlogits, third.T, out=dunembed)
        dthird = np.matmul(unembed.T, dlogits, out=dfirst)
        np.matmul(dthird, hidden.T, out=dnarrow)
        np.matmul(narrow.T, dthird, out=dhidden)
        np.multiply(dhidden, hidden > 0, out=dhidden)
        np.matmul(dhidden, normed2.T, out=dwiden)
        np.matmul(widen.T, dhidden, out=dnormed)
        dsecond = np.add(dthird, rms_norm_backward(dnormed, normed2, factor2), out=dfirst)
        np.matmul(dsecond, attended.T, out=dmix)
        np.matmul(mix.T, dsecond, out=dattended)
        np.matmul(sT, do, out=dv)
        np.matmul(do, vT, out=ds)
        np.subtract(dshares, np.einsum("hijn,hijn->hin", dshares, shares)[:, :, None], out=dshares)
        np.multiply(dshares, shares, out=dshares)
        np.multiply(dshares, scale, out=dshares)
        np.matmul(ds, k, out=dq)
        np.matmul(dsT, q, out=dk)
        np.matmul(dprojected, normed1.T, out=dproject)
        np.matmul(project.T, dprojected, out=dnormed)
        np.add(dsecond, rms_norm_backward(dnormed, normed1, factor1), out=dfirst)
        dembedded = rms_norm_backward(dfirst, first, factor0)
        np.add.reduce(dembedded.reshape(width, length, n), axis=2, out=dposition[:length].T)
        one_hot.fill(0)
        one_hot[places, tokens_of] = 1
        np.matmul(one_hot.T, dembedded.T, out=dtoken)
        np.multiply(dtheta, RATE, out=dtheta)
        np.subtract(theta, dtheta, out=theta)
        return float(value)

    back = [a.shape for a in given]
    return Learner(step, lambda: [a.copy() for a in views(theta, back)])

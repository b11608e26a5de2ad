"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    inner = theta[0:9].reshape(3, 3)  # (3, 3)
    outer = theta[9:15].reshape(3, 2)  # (3, 2)
    out = theta[15:18]  # (3,)
    return inner, outer, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(xs)
    assert theta.shape == (18,), theta.shape
    assert xs.shape == (n, 5, 2), xs.shape
    assert y.shape == (n,), y.shape
    inner, outer, out = unpack(theta)
    ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster
    dtheta = np.zeros_like(theta)
    dinner, douter, dout = unpack(dtheta)

    # forward
    outer_sum = 0 * inner.sum(axis=-1) + xs[:, 0] @ outer.T  # (n, 3)
    inner_sum = np.empty((5, n, 3), dtype=theta.dtype)
    h = np.empty((5, n, 3), dtype=theta.dtype)
    h[0] = np.tanh(outer_sum)  # (n, 3)
    for t in range(1, 5):
        inner_sum[t] = h[t - 1] @ inner.T + xs[:, t] @ outer.T  # (n, 3)
        h[t] = np.tanh(inner_sum[t])  # (n, 3)
    error = h[4] @ out - y  # (n,)
    loss = (error * error).sum() / n

    # backward
    derror = 2 * error  # (n,)
    dtanh = out * derror[:, None]  # (n, 3)
    for t in reversed(range(1, 5)):
        # 1 / cosh(z)**2 is 1 - tanh(z)**2, and keeps the digits that this loses near 1
        dinner_sum = dtanh * (1 / np.cosh(inner_sum[t]) ** 2)  # (n, 3)
        dtanh = dinner_sum @ inner  # (n, 3)
        dinner[...] += dinner_sum.T @ h[t - 1]  # (3, 3)
        douter[...] += dinner_sum.T @ xs[:, t]  # (3, 2)
    douter_sum = dtanh * (1 / np.cosh(outer_sum) ** 2)  # (n, 3)
    dinner[...] += (0 * (ones @ douter_sum))[:, None]  # (3, 1)
    douter[...] += douter_sum.T @ xs[:, 0]  # (3, 2)
    dout[...] = h[4].T @ derror  # (3,)
    dtheta /= n  # the loss is a mean
    return loss, dtheta

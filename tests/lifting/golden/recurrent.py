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
    dtheta = np.empty_like(theta)
    dinner, douter, dout = unpack(dtheta)
    # forward
    outer_sum = inner.sum(axis=-1) * 0 + xs[:, 0] @ outer.T  # (n, 3)
    tanh = np.tanh(outer_sum)  # (n, 3)
    inner_sum = tanh @ inner.T + xs[:, 1] @ outer.T  # (n, 3)
    tanh2 = np.tanh(inner_sum)  # (n, 3)
    inner_sum2 = tanh2 @ inner.T + xs[:, 2] @ outer.T  # (n, 3)
    tanh3 = np.tanh(inner_sum2)  # (n, 3)
    inner_sum3 = tanh3 @ inner.T + xs[:, 3] @ outer.T  # (n, 3)
    tanh4 = np.tanh(inner_sum3)  # (n, 3)
    inner_sum4 = tanh4 @ inner.T + xs[:, 4] @ outer.T  # (n, 3)
    h = np.tanh(inner_sum4)  # (n, 3)
    error = h @ out - y  # (n,)
    loss = (error * error).sum() / n

    # backward
    derror = 2 * error  # (n,)
    dinner_sum4 = out * derror[:, None] * (1 / np.cosh(inner_sum4) ** 2)  # (n, 3)
    dinner_sum3 = (dinner_sum4 @ inner) * (1 / np.cosh(inner_sum3) ** 2)  # (n, 3)
    dinner_sum2 = (dinner_sum3 @ inner) * (1 / np.cosh(inner_sum2) ** 2)  # (n, 3)
    dinner_sum = (dinner_sum2 @ inner) * (1 / np.cosh(inner_sum) ** 2)  # (n, 3)
    douter_sum = (dinner_sum @ inner) * (1 / np.cosh(outer_sum) ** 2)  # (n, 3)
    dinner[...] = (  # (3, 3)
        dinner_sum4.T @ tanh4
        + dinner_sum3.T @ tanh3
        + dinner_sum2.T @ tanh2
        + dinner_sum.T @ tanh
        + ((ones @ douter_sum) * 0)[:, None]
    )
    douter[...] = (  # (3, 2)
        dinner_sum4.T @ xs[:, 4]
        + dinner_sum3.T @ xs[:, 3]
        + dinner_sum2.T @ xs[:, 2]
        + dinner_sum.T @ xs[:, 1]
        + douter_sum.T @ xs[:, 0]
    )
    dout[...] = h.T @ derror  # (3,)
    dtheta /= n
    return loss, dtheta

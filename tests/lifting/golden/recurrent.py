"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into a vector like program.parameters()."""
    inner = theta[0:9].reshape(3, 3)  # (3, 3)
    outer = theta[9:15].reshape(3, 2)  # (3, 2)
    out = theta[15:18]  # (3,)
    return inner, outer, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta, xs, y = (np.asarray(a, float) for a in (theta, xs, y))
    n = len(xs)
    assert theta.shape == (18,), theta.shape
    assert xs.shape == (n, 5, 2), xs.shape
    assert y.shape == (n,), y.shape
    inner, outer, out = unpack(theta)
    dtheta = np.zeros_like(theta)  # filled through views of its parts
    dinner, douter, dout = unpack(dtheta)

    # forward
    inner_sum = np.empty((5, n, 3))
    h = np.empty((6, n, 3))
    h[0] = 0  # (n, 3)
    for t in range(5):
        inner_sum[t] = h[t] @ inner.T + xs[:, t] @ outer.T  # (n, 3)
        h[t + 1] = np.tanh(inner_sum[t])  # (n, 3)
    error = h[5] @ out - y  # (n,)
    loss = (error * error).sum() / n

    # backward, of the sum of the losses; divided by n at the end
    derror = 2 * error  # (n,)
    dh = out * derror[:, None]  # (n, 3)
    for t in reversed(range(5)):
        # with cosh, a slope keeps the digits that 1 - tanh(z)**2 loses near 1
        dinner_sum = dh * (1 / np.cosh(inner_sum[t]) ** 2)  # (n, 3)
        dh = dinner_sum @ inner  # (n, 3)
        dinner[...] += dinner_sum.T @ h[t]  # (3, 3)
        douter[...] += dinner_sum.T @ xs[:, t]  # (3, 2)
    dout[...] = h[5].T @ derror  # (3,)
    dtheta /= n
    return loss, dtheta

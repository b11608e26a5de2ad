"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    inner = theta[0:9].reshape(3, 3)  # (3, 3)
    outer = theta[9:15].reshape(3, 2)  # (3, 2)
    out = theta[15:18]  # (3,)
    return inner, outer, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    xs = np.asarray(xs, float)
    y = np.asarray(y, float)
    n = len(xs)
    assert theta.shape == (18,), theta.shape
    assert xs.shape == (n, 5, 2), xs.shape
    assert y.shape == (n,), y.shape
    inner, outer, out = unpack(theta)
    dtheta = np.zeros_like(theta)  # filled through views of its parts
    dinner, douter, dout = unpack(dtheta)

    # forward
    z = np.empty((5, n, 3))
    h = np.empty((6, n, 3))
    h[0] = 0  # (n, 3)
    for t in range(5):
        z[t] = h[t] @ inner.T + xs[:, t] @ outer.T  # (n, 3)
        h[t + 1] = np.tanh(z[t])  # (n, 3)
    error = h[5] @ out - y  # (n,)
    loss = (error ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    derror = 2 * error  # (n,)
    dout[...] = h[5].T @ derror  # (3,)
    dh = out * derror[:, None]  # (n, 3)
    for t in reversed(range(5)):
        # with cosh, a slope keeps the digits that 1 - tanh(z)**2 loses near 1
        dz = dh / np.cosh(z[t]) ** 2  # (n, 3)
        dh = dz @ inner  # (n, 3)
        dinner[...] += dz.T @ h[t]  # (3, 3)
        douter[...] += dz.T @ xs[:, t]  # (3, 2)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    first = theta[0:8].reshape(4, 2)  # (4, 2)
    second = theta[8:16].reshape(2, 4)  # (2, 4)
    return first, second


def loss_and_gradient(theta, x, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    y = np.asarray(y, float)
    n = len(x)
    assert theta.shape == (16,), theta.shape
    assert x.shape == (n, 2), x.shape
    assert y.shape == (n,), y.shape
    first, second = unpack(theta)
    dtheta = np.zeros_like(theta)  # filled through views of its parts
    dfirst, dsecond = unpack(dtheta)

    # forward
    z = np.empty((8, n, 4))
    inside = np.empty((8, n, 4))
    h = np.empty((9, n, 2))
    h[0] = x  # (n, 2)
    for t in range(8):
        z[t] = h[t] @ first.T  # (n, 4)
        inside[t] = np.tanh(z[t])  # (n, 4)
        output = inside[t] @ second.T  # (n, 2)
        h[t + 1] = h[t] + 0.1 * output  # (n, 2)
    difference = h[8, :, 0] - y  # (n,)
    loss = (difference ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    dh = np.stack([2 * difference, np.zeros(n)], axis=-1)  # (n, 2)
    for t in reversed(range(8)):
        doutput = 0.1 * dh  # (n, 2)
        # with cosh, a slope keeps the digits that 1 - tanh(z)**2 loses near 1
        dz = (doutput @ second) / np.cosh(z[t]) ** 2  # (n, 4)
        dh = dz @ first + dh  # (n, 2)
        dfirst[...] += dz.T @ h[t]  # (4, 2)
        dsecond[...] += doutput.T @ inside[t]  # (2, 4)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    first = theta[0:8].reshape(4, 2)  # (4, 2)
    second = theta[8:16].reshape(2, 4)  # (2, 4)
    return first, second


def loss_and_gradient(theta, x, y):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(x)
    assert theta.shape == (16,), theta.shape
    assert x.shape == (n, 2), x.shape
    assert y.shape == (n,), y.shape
    first, second = unpack(theta)
    dtheta = np.zeros_like(theta)
    dfirst, dsecond = unpack(dtheta)

    # forward
    first_sum = x @ first.T  # (n, 4)
    inside = np.tanh(first_sum)  # (n, 4)
    first_sum2 = np.empty((7, n, 4), dtype=theta.dtype)
    inside2 = np.empty((7, n, 4), dtype=theta.dtype)
    total = np.empty((7, n, 2), dtype=theta.dtype)
    total[0] = x + 0.1 * (inside @ second.T)  # (n, 2)
    for t in range(1, 7):
        first_sum2[t] = total[t - 1] @ first.T  # (n, 4)
        inside2[t] = np.tanh(first_sum2[t])  # (n, 4)
        total[t] = total[t - 1] + 0.1 * (inside2[t] @ second.T)  # (n, 2)
    first_sum4 = total[6] @ first.T  # (n, 4)
    inside4 = np.tanh(first_sum4)  # (n, 4)
    h = total[6][:, 0] + 0.1 * (inside4 @ second[0])  # (n,)
    difference = h - y  # (n,)
    loss = (difference * difference).sum() / n

    # backward
    ddifference = 2 * difference  # (n,)
    doutput = 0.1 * ddifference  # (n,)
    # 1 / cosh(z)**2 is 1 - tanh(z)**2, and keeps the digits that this loses near 1
    dfirst_sum4 = second[0] * doutput[:, None] * (1 / np.cosh(first_sum4) ** 2)  # (n, 4)
    dtotal = dfirst_sum4 @ first[:, 1]  # (n,)
    dslope = np.empty((8, n), dtype=theta.dtype)
    dslope[7] = 0.1 * dtotal  # (n,)
    dtotal2 = dfirst_sum4 @ first[:, 0] + ddifference  # (n,)
    dtotal3 = dtotal  # (n,)
    for t in reversed(range(1, 7)):
        dslope2 = 0.1 * dtotal2  # (n,)
        dinside2 = dslope[t + 1][:, None] * second[1] + dslope2[:, None] * second[0]  # (n, 4)
        dfirst_sum2 = dinside2 * (1 / np.cosh(first_sum2[t]) ** 2)  # (n, 4)
        dtotal3 = dfirst_sum2 @ first[:, 1] + dtotal3  # (n,)
        dslope[t] = 0.1 * dtotal3  # (n,)
        dtotal2 = dfirst_sum2 @ first[:, 0] + dtotal2  # (n,)
        dfirst[...] += dfirst_sum2.T @ total[t - 1]  # (4, 2)
        dsecond[0] += inside2[t].T @ dslope2  # (4,)
    dslope4 = 0.1 * dtotal2  # (n,)
    product = dslope[1][:, None] * second[1]  # (n, 4)
    dfirst[...] += (  # (4, 2)
        dfirst_sum4.T @ total[6]
        + ((product + dslope4[:, None] * second[0]) * (1 / np.cosh(first_sum) ** 2)).T @ x
    )
    dsecond[0] += inside4.T @ doutput + inside.T @ dslope4  # (4,)
    for t in range(1, 7):
        dsecond[1] += inside2[t].T @ dslope[t + 1]  # (4,)
    dsecond[1] += inside.T @ dslope[1]  # (4,)
    dtheta /= n  # the loss is a mean
    return loss, dtheta

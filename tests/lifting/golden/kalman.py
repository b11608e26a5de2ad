"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    a = theta[0:1].reshape(())  # ()
    q = theta[1:2].reshape(())  # ()
    r = theta[2:3].reshape(())  # ()
    return a, q, r


def loss_and_gradient(theta, ys):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    ys = np.asarray(ys, float)
    n = len(ys)
    assert theta.shape == (3,), theta.shape
    assert ys.shape == (n, 6), ys.shape
    a, q, r = unpack(theta)
    dtheta = np.zeros_like(theta)  # filled through views of its parts
    da, dq, dr = unpack(dtheta)

    # forward
    a_squared = a * a
    total = np.zeros(n)
    variance2 = np.empty(6)
    spread = np.empty(6)
    difference = np.empty((6, n))
    ratio = np.empty((6, n))
    gain = np.empty(6)
    mean = np.empty((7, n))
    mean[0] = 0  # (n,)
    difference2 = np.empty(6)
    variance = np.empty(7)
    variance[0] = 1
    for t in range(6):
        mean2 = a * mean[t]  # (n,)
        variance2[t] = q + a_squared * variance[t]
        spread[t] = r + variance2[t]
        difference[t] = ys[:, t] - mean2  # (n,)
        ratio[t] = difference[t] ** 2 / spread[t]  # (n,)
        gain[t] = variance2[t] / spread[t]
        mean[t + 1] = mean2 + difference[t] * gain[t]  # (n,)
        difference2[t] = 1 - gain[t]
        variance[t + 1] = variance2[t] * difference2[t]
        total = total + np.log(spread[t])  # (n,)
        total = total + ratio[t]  # (n,)
    loss = (total / 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    dvariance = 0
    dmean = np.zeros(n)
    for t in reversed(range(6)):
        dgain = difference[t] @ dmean - variance2[t] * dvariance
        spread_inverse = 1 / spread[t]
        dspread = (0.5 * n - gain[t] * dgain - 0.5 * ratio[t].sum()) * spread_inverse
        dvariance2 = dvariance * difference2[t] + dgain * spread_inverse + dspread
        dmean2 = dmean - gain[t] * dmean - spread_inverse * difference[t]  # (n,)
        dmean = dmean2 * a  # (n,)
        dvariance = dvariance2 * a_squared
        da[...] += mean[t] @ dmean2
        da[...] += 2 * (a * (variance[t] * dvariance2))
        dq[...] += dvariance2
        dr[...] += dspread
    dtheta /= n
    return loss, dtheta

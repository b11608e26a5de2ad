"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    a = theta[0:1].reshape(())  # ()
    q = theta[1:2].reshape(())  # ()
    r = theta[2:3].reshape(())  # ()
    return a, q, r


def loss_and_gradient(theta, ys):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(ys)
    assert theta.shape == (3,), theta.shape
    assert ys.shape == (n, 6), ys.shape
    a, q, r = unpack(theta)
    dtheta = np.zeros_like(theta)
    da, dq, dr = unpack(dtheta)

    # forward
    product = 0 * a
    product2 = a * a
    total = q + product2
    total2 = r + total
    difference = ys[:, 0] - product  # (n,)
    ratio = difference * difference / total2  # (n,)
    ratio2 = total / total2
    total3 = product + difference * ratio2  # (n,)
    difference2 = 1 - ratio2
    total4 = np.zeros((n,), dtype=theta.dtype)  # (n,)
    total5 = np.empty((5,), dtype=theta.dtype)
    total6 = np.empty((5,), dtype=theta.dtype)
    difference3 = np.empty((5, n), dtype=theta.dtype)
    ratio3 = np.empty((5, n), dtype=theta.dtype)
    ratio4 = np.empty((5,), dtype=theta.dtype)
    total7 = np.empty((5, n), dtype=theta.dtype)
    difference4 = np.empty((5,), dtype=theta.dtype)
    product3 = np.empty((5,), dtype=theta.dtype)
    product3[0] = total * difference2
    product4 = a * total3  # (n,)
    for t in range(1, 5):
        total5[t] = q + product2 * product3[t - 1]
        total6[t] = r + total5[t]
        difference3[t] = ys[:, t] - product4  # (n,)
        ratio3[t] = difference3[t] * difference3[t] / total6[t]  # (n,)
        ratio4[t] = total5[t] / total6[t]
        total7[t] = product4 + difference3[t] * ratio4[t]  # (n,)
        difference4[t] = 1 - ratio4[t]
        product3[t] = total5[t] * difference4[t]
        product4 = a * total7[t]  # (n,)
        total4 = total4 + np.log(total6[t])  # (n,)
        total4 = total4 + ratio3[t]  # (n,)
    spread = q + r + product2 * product3[4]
    difference7 = ys[:, 5] - product4  # (n,)
    ratio7 = difference7 * difference7 / spread  # (n,)
    total11 = np.log(total2) + ratio + np.log(spread) + ratio7 + total4  # (n,)
    loss = (total11 / 2).sum() / n

    # backward
    dproduct = 0.5 * (1 / spread)
    dproduct4 = -(dproduct * (2 * difference7))  # (n,)
    dspread = dproduct - 0.5 * (ratio7 / spread)  # (n,)
    dproduct4_2 = np.empty((6, n), dtype=theta.dtype)
    dproduct2 = product2 * dspread  # (n,)
    dtotal3 = a * dproduct4  # (n,)
    for t in reversed(range(1, 5)):
        dratio4 = difference3[t] * dtotal3 - total5[t] * dproduct2  # (n,)
        ratio8 = 1 / total6[t]
        dproduct3 = 0.5 * ratio8
        dtotal6 = (  # (n,)
            dproduct3
            - dratio4 * (ratio4[t] / total6[t])
            - 0.5 * (ratio3[t] / total6[t])
        )
        dtotal5 = dproduct2 * difference4[t] + dratio4 * ratio8 + dtotal6  # (n,)
        dproduct2 = product2 * dtotal5  # (n,)
        dproduct4_2[t] = dtotal3 - ratio4[t] * dtotal3 - dproduct3 * (2 * difference3[t])  # (n,)
        dtotal3 = a * dproduct4_2[t]  # (n,)
        da[...] += 2 * (a * (product3[t - 1] * dtotal5)).sum()
        dq[...] += dtotal5.sum()
        dr[...] += dtotal6.sum()
    dratio2 = difference * dtotal3 - total * dproduct2  # (n,)
    ratio9 = 1 / total2
    dproduct6 = 0.5 * ratio9
    dtotal2 = dproduct6 - dratio2 * (ratio2 / total2) - 0.5 * (ratio / total2)  # (n,)
    dtotal = dproduct2 * difference2 + dratio2 * ratio9 + dtotal2  # (n,)
    da[...] += (
        total7[4] @ dproduct4
        + total7[3] @ dproduct4_2[4]
        + total7[2] @ dproduct4_2[3]
        + total7[1] @ dproduct4_2[2]
        + total3 @ dproduct4_2[1]
        + 0 * (dtotal3 - ratio2 * dtotal3 - dproduct6 * (2 * difference)).sum()
        + 2 * (a * (product3[4] * dspread)).sum()
        + 2 * (a * dtotal).sum()
    )
    dspread_sum = dspread.sum()
    dq[...] += dspread_sum + dtotal.sum()
    dr[...] += dspread_sum + dtotal2.sum()
    dtheta /= n  # the loss is a mean
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    gates1 = theta[0:18].reshape(3, 6)  # (3, 6)
    gates2 = theta[18:36].reshape(3, 6)  # (3, 6)
    gates3 = theta[36:54].reshape(3, 6)  # (3, 6)
    gates4 = theta[54:72].reshape(3, 6)  # (3, 6)
    out = theta[72:75]  # (3,)
    return gates1, gates2, gates3, gates4, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(xs)
    assert theta.shape == (75,), theta.shape
    assert xs.shape == (n, 6, 2), xs.shape
    assert y.shape == (n,), y.shape
    gates1, gates2, gates3, gates4, out = unpack(theta)
    ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster
    dtheta = np.zeros_like(theta)
    dgates1, dgates2, dgates3, dgates4, dout = unpack(dtheta)
    # forward
    gates1_sum = (  # (n, 3)
        gates1[:, 2:5].sum(axis=-1) * 0
        + xs[:, 0] @ gates1[:, :2].T
        + gates1[:, 5]
    )
    gates2_sum = (  # (n, 3)
        gates2[:, 2:5].sum(axis=-1) * 0
        + xs[:, 0] @ gates2[:, :2].T
        + gates2[:, 5]
    )
    gates3_sum = (  # (n, 3)
        gates3[:, 2:5].sum(axis=-1) * 0
        + xs[:, 0] @ gates3[:, :2].T
        + gates3[:, 5]
    )
    gates4_sum = (  # (n, 3)
        gates4[:, 2:5].sum(axis=-1) * 0
        + xs[:, 0] @ gates4[:, :2].T
        + gates4[:, 5]
    )
    sigmoid = 1 / (1 + np.exp(-gates2_sum))  # (n, 3)
    tanh = np.tanh(gates3_sum)  # (n, 3)
    total = 1 / (1 + np.exp(-gates1_sum)) * 0 + sigmoid * tanh  # (n, 3)
    sigmoid2 = 1 / (1 + np.exp(-gates4_sum))  # (n, 3)
    tanh2 = np.tanh(total)  # (n, 3)
    z = np.empty((6, n, 3), dtype=theta.dtype)
    z2 = np.empty((6, n, 3), dtype=theta.dtype)
    z3 = np.empty((6, n, 3), dtype=theta.dtype)
    z4 = np.empty((6, n, 3), dtype=theta.dtype)
    hidden = np.empty((6, n, 3), dtype=theta.dtype)
    hidden2 = np.empty((6, n, 3), dtype=theta.dtype)
    hidden3 = np.empty((6, n, 3), dtype=theta.dtype)
    c = np.empty((6, n, 3), dtype=theta.dtype)
    c[0] = total  # (n, 3)
    hidden4 = np.empty((6, n, 3), dtype=theta.dtype)
    tanh3 = np.empty((6, n, 3), dtype=theta.dtype)
    given = np.empty((6, n, 3), dtype=theta.dtype)
    given[0] = sigmoid2 * tanh2  # (n, 3)
    for t in range(1, 6):
        z[t] = given[t - 1] @ gates1[:, 2:5].T + xs[:, t] @ gates1[:, :2].T + gates1[:, 5]  # (n, 3)
        z2[t] = (  # (n, 3)
            given[t - 1] @ gates2[:, 2:5].T
            + xs[:, t] @ gates2[:, :2].T
            + gates2[:, 5]
        )
        z3[t] = (  # (n, 3)
            given[t - 1] @ gates3[:, 2:5].T
            + xs[:, t] @ gates3[:, :2].T
            + gates3[:, 5]
        )
        z4[t] = (  # (n, 3)
            given[t - 1] @ gates4[:, 2:5].T
            + xs[:, t] @ gates4[:, :2].T
            + gates4[:, 5]
        )
        hidden[t] = 1 / (1 + np.exp(-z[t]))  # (n, 3)
        hidden2[t] = 1 / (1 + np.exp(-z2[t]))  # (n, 3)
        hidden3[t] = np.tanh(z3[t])  # (n, 3)
        c[t] = c[t - 1] * hidden[t] + hidden2[t] * hidden3[t]  # (n, 3)
        hidden4[t] = 1 / (1 + np.exp(-z4[t]))  # (n, 3)
        tanh3[t] = np.tanh(c[t])  # (n, 3)
        given[t] = hidden4[t] * tanh3[t]  # (n, 3)
    error = given[5] @ out - y  # (n,)
    loss = (error * error).sum() / n

    # backward
    derror = 2 * error  # (n,)
    dgiven = out * derror[:, None]  # (n, 3)
    dc = hidden4[5] * dgiven * (1 / np.cosh(c[5]) ** 2)  # (n, 3)
    dz4 = tanh3[5] * dgiven * (0.25 * (1 / np.cosh(0.5 * z4[5]) ** 2))  # (n, 3)
    dz3 = hidden2[5] * dc * (1 / np.cosh(z3[5]) ** 2)  # (n, 3)
    dz2 = hidden3[5] * dc * (0.25 * (1 / np.cosh(0.5 * z2[5]) ** 2))  # (n, 3)
    dz = c[4] * dc * (0.25 * (1 / np.cosh(0.5 * z[5]) ** 2))  # (n, 3)
    dgiven2 = (  # (n, 3)
        dz4 @ gates4[:, 2:5]
        + dz3 @ gates3[:, 2:5]
        + dz2 @ gates2[:, 2:5]
        + dz @ gates1[:, 2:5]
    )
    dproduct = dgiven2  # (n, 3)
    dc2 = dc  # (n, 3)
    for t in reversed(range(1, 5)):
        dz4_2 = tanh3[t] * dproduct * (0.25 * (1 / np.cosh(0.5 * z4[t]) ** 2))  # (n, 3)
        dc2 = hidden[t + 1] * dc2 + hidden4[t] * dproduct * (1 / np.cosh(c[t]) ** 2)  # (n, 3)
        dz3_2 = hidden2[t] * dc2 * (1 / np.cosh(z3[t]) ** 2)  # (n, 3)
        dz2_2 = hidden3[t] * dc2 * (0.25 * (1 / np.cosh(0.5 * z2[t]) ** 2))  # (n, 3)
        dz5 = c[t - 1] * dc2 * (0.25 * (1 / np.cosh(0.5 * z[t]) ** 2))  # (n, 3)
        dproduct = (  # (n, 3)
            dz4_2 @ gates4[:, 2:5]
            + dz3_2 @ gates3[:, 2:5]
            + dz2_2 @ gates2[:, 2:5]
            + dz5 @ gates1[:, 2:5]
        )
        dgates1[:, :2] += dz5.T @ xs[:, t]  # (3, 2)
        dgates1[:, 2:5] += dz5.T @ given[t - 1]  # (3, 3)
        dgates1[:, 5] += ones @ dz5  # (3,)
        dgates2[:, :2] += dz2_2.T @ xs[:, t]  # (3, 2)
        dgates2[:, 2:5] += dz2_2.T @ given[t - 1]  # (3, 3)
        dgates2[:, 5] += ones @ dz2_2  # (3,)
        dgates3[:, :2] += dz3_2.T @ xs[:, t]  # (3, 2)
        dgates3[:, 2:5] += dz3_2.T @ given[t - 1]  # (3, 3)
        dgates3[:, 5] += ones @ dz3_2  # (3,)
        dgates4[:, :2] += dz4_2.T @ xs[:, t]  # (3, 2)
        dgates4[:, 2:5] += dz4_2.T @ given[t - 1]  # (3, 3)
        dgates4[:, 5] += ones @ dz4_2  # (3,)
    dgates4_sum = tanh2 * dproduct * (0.25 * (1 / np.cosh(0.5 * gates4_sum) ** 2))  # (n, 3)
    dtotal = hidden[1] * dc2 + sigmoid2 * dproduct * (1 / np.cosh(total) ** 2)  # (n, 3)
    dgates3_sum = sigmoid * dtotal * (1 / np.cosh(gates3_sum) ** 2)  # (n, 3)
    dgates2_sum = tanh * dtotal * (0.25 * (1 / np.cosh(0.5 * gates2_sum) ** 2))  # (n, 3)
    dgates1_sum = 0 * dtotal * (0.25 * (1 / np.cosh(0.5 * gates1_sum) ** 2))  # (n, 3)
    dgates1[:, :2] += dz.T @ xs[:, 5] + dgates1_sum.T @ xs[:, 0]  # (3, 2)
    dgates1_sum_sum = ones @ dgates1_sum  # (3,)
    dgates1[:, 2:5] += dz.T @ given[4] + (dgates1_sum_sum * 0)[:, None]  # (3, 3)
    dgates1[:, 5] += ones @ dz + dgates1_sum_sum  # (3,)
    dgates2[:, :2] += dz2.T @ xs[:, 5] + dgates2_sum.T @ xs[:, 0]  # (3, 2)
    dgates2_sum_sum = ones @ dgates2_sum  # (3,)
    dgates2[:, 2:5] += dz2.T @ given[4] + (dgates2_sum_sum * 0)[:, None]  # (3, 3)
    dgates2[:, 5] += ones @ dz2 + dgates2_sum_sum  # (3,)
    dgates3[:, :2] += dz3.T @ xs[:, 5] + dgates3_sum.T @ xs[:, 0]  # (3, 2)
    dgates3_sum_sum = ones @ dgates3_sum  # (3,)
    dgates3[:, 2:5] += dz3.T @ given[4] + (dgates3_sum_sum * 0)[:, None]  # (3, 3)
    dgates3[:, 5] += ones @ dz3 + dgates3_sum_sum  # (3,)
    dgates4[:, :2] += dz4.T @ xs[:, 5] + dgates4_sum.T @ xs[:, 0]  # (3, 2)
    dgates4_sum_sum = ones @ dgates4_sum  # (3,)
    dgates4[:, 2:5] += dz4.T @ given[4] + (dgates4_sum_sum * 0)[:, None]  # (3, 3)
    dgates4[:, 5] += ones @ dz4 + dgates4_sum_sum  # (3,)
    dout[...] = given[5].T @ derror  # (3,)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

K = np.array([[0, 1, 2], [3, 4, 5], [9, 10, 11]])


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    gates = theta[0:72].reshape(4, 3, 6)  # (4, 3, 6)
    out = theta[72:75]  # (3,)
    return gates, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(xs)
    assert theta.shape == (75,), theta.shape
    assert xs.shape == (n, 6, 2), xs.shape
    assert y.shape == (n,), y.shape
    gates, out = unpack(theta)
    ones = np.ones(n)  # ones @ a is a.sum(axis=0), and faster
    dtheta = np.zeros_like(theta)
    dgates, dout = unpack(dtheta)

    # forward
    gates_sum = (  # (n, 4, 3)
        0 * gates[:, :, 2:5].sum(axis=-1)
        + (xs[:, 0] @ gates[:, :, :2].reshape(12, 2).T).reshape(-1, 4, 3)
        + gates[:, :, 5]
    )
    sigmoid = 1 / (1 + np.exp(-gates_sum.reshape(-1, 12)[:, K]))  # (n, 3, 3)
    tanh = np.tanh(gates_sum[:, 2])  # (n, 3)
    total = 0 * sigmoid[:, 0] + sigmoid[:, 1] * tanh  # (n, 3)
    tanh2 = np.tanh(total)  # (n, 3)
    z = np.empty((6, n, 4, 3), dtype=theta.dtype)
    hidden = np.empty((6, n, 3, 3), dtype=theta.dtype)
    tanh3 = np.empty((6, n, 3), dtype=theta.dtype)
    c = np.empty((6, n, 3), dtype=theta.dtype)
    c[0] = total  # (n, 3)
    tanh4 = np.empty((6, n, 3), dtype=theta.dtype)
    given = np.empty((6, n, 3), dtype=theta.dtype)
    given[0] = sigmoid[:, 2] * tanh2  # (n, 3)
    for t in range(1, 6):
        z[t] = (  # (n, 4, 3)
            (given[t - 1] @ gates[:, :, 2:5].reshape(12, 3).T).reshape(-1, 4, 3)
            + (xs[:, t] @ gates[:, :, :2].reshape(12, 2).T).reshape(-1, 4, 3)
            + gates[:, :, 5]
        )
        hidden[t] = 1 / (1 + np.exp(-z[t].reshape(-1, 12)[:, K]))  # (n, 3, 3)
        tanh3[t] = np.tanh(z[t][:, 2])  # (n, 3)
        c[t] = hidden[t][:, 0] * c[t - 1] + hidden[t][:, 1] * tanh3[t]  # (n, 3)
        tanh4[t] = np.tanh(c[t])  # (n, 3)
        given[t] = hidden[t][:, 2] * tanh4[t]  # (n, 3)
    error = given[5] @ out - y  # (n,)
    loss = (error * error).sum() / n

    # backward
    derror = 2 * error  # (n,)
    dgiven = out * derror[:, None]  # (n, 3)
    # 1 / cosh(z)**2 is 1 - tanh(z)**2, and keeps the digits that this loses near 1
    dc = hidden[5][:, 2] * dgiven * (1 / np.cosh(c[5]) ** 2)  # (n, 3)
    product = 0.25 * (1 / np.cosh(0.5 * z[5].reshape(-1, 12)[:, K]) ** 2)  # (n, 3, 3)
    dz = tanh4[5] * dgiven * product[:, 2]  # (n, 3)
    dtanh3 = hidden[5][:, :2] * dc[:, None]  # (n, 2, 3)
    dz2 = dtanh3[:, 1] * (1 / np.cosh(z[5][:, 2]) ** 2)  # (n, 3)
    dz3 = product[:, 1] * (tanh3[5] * dc)  # (n, 3)
    dz4 = product[:, 0] * (c[4] * dc)  # (n, 3)
    dgiven2 = (  # (n, 3)
        dz @ gates[3, :, 2:5]
        + dz2 @ gates[2, :, 2:5]
        + dz3 @ gates[1, :, 2:5]
        + dz4 @ gates[0, :, 2:5]
    )
    dproduct = dgiven2  # (n, 3)
    dtanh3_2 = dtanh3  # (n, 2, 3)
    for t in reversed(range(1, 5)):
        product2 = 0.25 * (1 / np.cosh(0.5 * z[t].reshape(-1, 12)[:, K]) ** 2)  # (n, 3, 3)
        dz5 = tanh4[t] * dproduct * product2[:, 2]  # (n, 3)
        dc2 = dtanh3_2[:, 0] + hidden[t][:, 2] * dproduct * (1 / np.cosh(c[t]) ** 2)  # (n, 3)
        dtanh3_2 = hidden[t][:, :2] * dc2[:, None]  # (n, 2, 3)
        dz6 = dtanh3_2[:, 1] * (1 / np.cosh(z[t][:, 2]) ** 2)  # (n, 3)
        dz7 = product2[:, 1] * (tanh3[t] * dc2)  # (n, 3)
        dz8 = product2[:, 0] * (c[t - 1] * dc2)  # (n, 3)
        dproduct = (  # (n, 3)
            dz5 @ gates[3, :, 2:5]
            + dz6 @ gates[2, :, 2:5]
            + dz7 @ gates[1, :, 2:5]
            + dz8 @ gates[0, :, 2:5]
        )
        dgates[0, :, :2] += dz8.T @ xs[:, t]  # (3, 2)
        dgates[0, :, 2:5] += dz8.T @ given[t - 1]  # (3, 3)
        dgates[0, :, 5] += ones @ dz8  # (3,)
        dgates[1, :, :2] += dz7.T @ xs[:, t]  # (3, 2)
        dgates[1, :, 2:5] += dz7.T @ given[t - 1]  # (3, 3)
        dgates[1, :, 5] += ones @ dz7  # (3,)
        dgates[2, :, :2] += dz6.T @ xs[:, t]  # (3, 2)
        dgates[2, :, 2:5] += dz6.T @ given[t - 1]  # (3, 3)
        dgates[2, :, 5] += ones @ dz6  # (3,)
        dgates[3, :, :2] += dz5.T @ xs[:, t]  # (3, 2)
        dgates[3, :, 2:5] += dz5.T @ given[t - 1]  # (3, 3)
        dgates[3, :, 5] += ones @ dz5  # (3,)
    product3 = 0.25 * (1 / np.cosh(0.5 * gates_sum.reshape(-1, 12)[:, K]) ** 2)  # (n, 3, 3)
    dgates_sum = tanh2 * dproduct * product3[:, 2]  # (n, 3)
    dtotal = dtanh3_2[:, 0] + sigmoid[:, 2] * dproduct * (1 / np.cosh(total) ** 2)  # (n, 3)
    dgates_sum2 = sigmoid[:, 1] * dtotal * (1 / np.cosh(gates_sum[:, 2]) ** 2)  # (n, 3)
    dgates_sum3 = product3[:, 1] * (tanh * dtotal)  # (n, 3)
    dgates_sum4 = product3[:, 0] * (0 * dtotal)  # (n, 3)
    dgates[0, :, :2] += dz4.T @ xs[:, 5] + dgates_sum4.T @ xs[:, 0]  # (3, 2)
    dgates_sum4_sum = ones @ dgates_sum4  # (3,)
    dgates[0, :, 2:5] += dz4.T @ given[4] + (0 * dgates_sum4_sum)[:, None]  # (3, 3)
    dgates[0, :, 5] += ones @ dz4 + dgates_sum4_sum  # (3,)
    dgates[1, :, :2] += dz3.T @ xs[:, 5] + dgates_sum3.T @ xs[:, 0]  # (3, 2)
    dgates_sum3_sum = ones @ dgates_sum3  # (3,)
    dgates[1, :, 2:5] += dz3.T @ given[4] + (0 * dgates_sum3_sum)[:, None]  # (3, 3)
    dgates[1, :, 5] += ones @ dz3 + dgates_sum3_sum  # (3,)
    dgates[2, :, :2] += dz2.T @ xs[:, 5] + dgates_sum2.T @ xs[:, 0]  # (3, 2)
    dgates_sum2_sum = ones @ dgates_sum2  # (3,)
    dgates[2, :, 2:5] += dz2.T @ given[4] + (0 * dgates_sum2_sum)[:, None]  # (3, 3)
    dgates[2, :, 5] += ones @ dz2 + dgates_sum2_sum  # (3,)
    dgates[3, :, :2] += dz.T @ xs[:, 5] + dgates_sum.T @ xs[:, 0]  # (3, 2)
    dgates_sum_sum = ones @ dgates_sum  # (3,)
    dgates[3, :, 2:5] += dz.T @ given[4] + (0 * dgates_sum_sum)[:, None]  # (3, 3)
    dgates[3, :, 5] += ones @ dz + dgates_sum_sum  # (3,)
    dout[...] = given[5].T @ derror  # (3,)
    dtheta /= n  # the loss is a mean
    return loss, dtheta

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
    dtheta = np.empty_like(theta)
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
    product = sigmoid2 * tanh2  # (n, 3)
    gates1_sum2 = product @ gates1[:, 2:5].T + xs[:, 1] @ gates1[:, :2].T + gates1[:, 5]  # (n, 3)
    gates2_sum2 = product @ gates2[:, 2:5].T + xs[:, 1] @ gates2[:, :2].T + gates2[:, 5]  # (n, 3)
    gates3_sum2 = product @ gates3[:, 2:5].T + xs[:, 1] @ gates3[:, :2].T + gates3[:, 5]  # (n, 3)
    gates4_sum2 = product @ gates4[:, 2:5].T + xs[:, 1] @ gates4[:, :2].T + gates4[:, 5]  # (n, 3)
    sigmoid3 = 1 / (1 + np.exp(-gates1_sum2))  # (n, 3)
    sigmoid4 = 1 / (1 + np.exp(-gates2_sum2))  # (n, 3)
    tanh3 = np.tanh(gates3_sum2)  # (n, 3)
    total2 = total * sigmoid3 + sigmoid4 * tanh3  # (n, 3)
    sigmoid5 = 1 / (1 + np.exp(-gates4_sum2))  # (n, 3)
    tanh4 = np.tanh(total2)  # (n, 3)
    product2 = sigmoid5 * tanh4  # (n, 3)
    gates1_sum3 = product2 @ gates1[:, 2:5].T + xs[:, 2] @ gates1[:, :2].T + gates1[:, 5]  # (n, 3)
    gates2_sum3 = product2 @ gates2[:, 2:5].T + xs[:, 2] @ gates2[:, :2].T + gates2[:, 5]  # (n, 3)
    gates3_sum3 = product2 @ gates3[:, 2:5].T + xs[:, 2] @ gates3[:, :2].T + gates3[:, 5]  # (n, 3)
    gates4_sum3 = product2 @ gates4[:, 2:5].T + xs[:, 2] @ gates4[:, :2].T + gates4[:, 5]  # (n, 3)
    sigmoid6 = 1 / (1 + np.exp(-gates1_sum3))  # (n, 3)
    sigmoid7 = 1 / (1 + np.exp(-gates2_sum3))  # (n, 3)
    tanh5 = np.tanh(gates3_sum3)  # (n, 3)
    total3 = total2 * sigmoid6 + sigmoid7 * tanh5  # (n, 3)
    sigmoid8 = 1 / (1 + np.exp(-gates4_sum3))  # (n, 3)
    tanh6 = np.tanh(total3)  # (n, 3)
    product3 = sigmoid8 * tanh6  # (n, 3)
    gates1_sum4 = product3 @ gates1[:, 2:5].T + xs[:, 3] @ gates1[:, :2].T + gates1[:, 5]  # (n, 3)
    gates2_sum4 = product3 @ gates2[:, 2:5].T + xs[:, 3] @ gates2[:, :2].T + gates2[:, 5]  # (n, 3)
    gates3_sum4 = product3 @ gates3[:, 2:5].T + xs[:, 3] @ gates3[:, :2].T + gates3[:, 5]  # (n, 3)
    gates4_sum4 = product3 @ gates4[:, 2:5].T + xs[:, 3] @ gates4[:, :2].T + gates4[:, 5]  # (n, 3)
    sigmoid9 = 1 / (1 + np.exp(-gates1_sum4))  # (n, 3)
    sigmoid10 = 1 / (1 + np.exp(-gates2_sum4))  # (n, 3)
    tanh7 = np.tanh(gates3_sum4)  # (n, 3)
    total4 = total3 * sigmoid9 + sigmoid10 * tanh7  # (n, 3)
    sigmoid11 = 1 / (1 + np.exp(-gates4_sum4))  # (n, 3)
    tanh8 = np.tanh(total4)  # (n, 3)
    product4 = sigmoid11 * tanh8  # (n, 3)
    gates1_sum5 = product4 @ gates1[:, 2:5].T + xs[:, 4] @ gates1[:, :2].T + gates1[:, 5]  # (n, 3)
    gates2_sum5 = product4 @ gates2[:, 2:5].T + xs[:, 4] @ gates2[:, :2].T + gates2[:, 5]  # (n, 3)
    gates3_sum5 = product4 @ gates3[:, 2:5].T + xs[:, 4] @ gates3[:, :2].T + gates3[:, 5]  # (n, 3)
    gates4_sum5 = product4 @ gates4[:, 2:5].T + xs[:, 4] @ gates4[:, :2].T + gates4[:, 5]  # (n, 3)
    sigmoid12 = 1 / (1 + np.exp(-gates1_sum5))  # (n, 3)
    sigmoid13 = 1 / (1 + np.exp(-gates2_sum5))  # (n, 3)
    tanh9 = np.tanh(gates3_sum5)  # (n, 3)
    total5 = total4 * sigmoid12 + sigmoid13 * tanh9  # (n, 3)
    sigmoid14 = 1 / (1 + np.exp(-gates4_sum5))  # (n, 3)
    tanh10 = np.tanh(total5)  # (n, 3)
    given = sigmoid14 * tanh10  # (n, 3)
    z = given @ gates1[:, 2:5].T + xs[:, 5] @ gates1[:, :2].T + gates1[:, 5]  # (n, 3)
    z2 = given @ gates2[:, 2:5].T + xs[:, 5] @ gates2[:, :2].T + gates2[:, 5]  # (n, 3)
    z3 = given @ gates3[:, 2:5].T + xs[:, 5] @ gates3[:, :2].T + gates3[:, 5]  # (n, 3)
    z4 = given @ gates4[:, 2:5].T + xs[:, 5] @ gates4[:, :2].T + gates4[:, 5]  # (n, 3)
    hidden = 1 / (1 + np.exp(-z))  # (n, 3)
    hidden2 = 1 / (1 + np.exp(-z2))  # (n, 3)
    hidden3 = np.tanh(z3)  # (n, 3)
    c = total5 * hidden + hidden2 * hidden3  # (n, 3)
    hidden4 = 1 / (1 + np.exp(-z4))  # (n, 3)
    tanh11 = np.tanh(c)  # (n, 3)
    h = hidden4 * tanh11  # (n, 3)
    error = h @ out - y  # (n,)
    loss = (error * error).sum() / n

    # backward
    derror = 2 * error  # (n,)
    dh = out * derror[:, None]  # (n, 3)
    dc = hidden4 * dh * (1 / np.cosh(c) ** 2)  # (n, 3)
    dz4 = tanh11 * dh * (0.25 * (1 / np.cosh(0.5 * z4) ** 2))  # (n, 3)
    dz3 = hidden2 * dc * (1 / np.cosh(z3) ** 2)  # (n, 3)
    dz2 = hidden3 * dc * (0.25 * (1 / np.cosh(0.5 * z2) ** 2))  # (n, 3)
    dz = total5 * dc * (0.25 * (1 / np.cosh(0.5 * z) ** 2))  # (n, 3)
    dgiven = (  # (n, 3)
        dz4 @ gates4[:, 2:5]
        + dz3 @ gates3[:, 2:5]
        + dz2 @ gates2[:, 2:5]
        + dz @ gates1[:, 2:5]
    )
    dgates4_sum5 = tanh10 * dgiven * (0.25 * (1 / np.cosh(0.5 * gates4_sum5) ** 2))  # (n, 3)
    dtotal5 = hidden * dc + sigmoid14 * dgiven * (1 / np.cosh(total5) ** 2)  # (n, 3)
    dgates3_sum5 = sigmoid13 * dtotal5 * (1 / np.cosh(gates3_sum5) ** 2)  # (n, 3)
    dgates2_sum5 = tanh9 * dtotal5 * (0.25 * (1 / np.cosh(0.5 * gates2_sum5) ** 2))  # (n, 3)
    dgates1_sum5 = total4 * dtotal5 * (0.25 * (1 / np.cosh(0.5 * gates1_sum5) ** 2))  # (n, 3)
    dproduct4 = (  # (n, 3)
        dgates4_sum5 @ gates4[:, 2:5]
        + dgates3_sum5 @ gates3[:, 2:5]
        + dgates2_sum5 @ gates2[:, 2:5]
        + dgates1_sum5 @ gates1[:, 2:5]
    )
    dgates4_sum4 = tanh8 * dproduct4 * (0.25 * (1 / np.cosh(0.5 * gates4_sum4) ** 2))  # (n, 3)
    dtotal4 = sigmoid12 * dtotal5 + sigmoid11 * dproduct4 * (1 / np.cosh(total4) ** 2)  # (n, 3)
    dgates3_sum4 = sigmoid10 * dtotal4 * (1 / np.cosh(gates3_sum4) ** 2)  # (n, 3)
    dgates2_sum4 = tanh7 * dtotal4 * (0.25 * (1 / np.cosh(0.5 * gates2_sum4) ** 2))  # (n, 3)
    dgates1_sum4 = total3 * dtotal4 * (0.25 * (1 / np.cosh(0.5 * gates1_sum4) ** 2))  # (n, 3)
    dproduct3 = (  # (n, 3)
        dgates4_sum4 @ gates4[:, 2:5]
        + dgates3_sum4 @ gates3[:, 2:5]
        + dgates2_sum4 @ gates2[:, 2:5]
        + dgates1_sum4 @ gates1[:, 2:5]
    )
    dgates4_sum3 = tanh6 * dproduct3 * (0.25 * (1 / np.cosh(0.5 * gates4_sum3) ** 2))  # (n, 3)
    dtotal3 = sigmoid9 * dtotal4 + sigmoid8 * dproduct3 * (1 / np.cosh(total3) ** 2)  # (n, 3)
    dgates3_sum3 = sigmoid7 * dtotal3 * (1 / np.cosh(gates3_sum3) ** 2)  # (n, 3)
    dgates2_sum3 = tanh5 * dtotal3 * (0.25 * (1 / np.cosh(0.5 * gates2_sum3) ** 2))  # (n, 3)
    dgates1_sum3 = total2 * dtotal3 * (0.25 * (1 / np.cosh(0.5 * gates1_sum3) ** 2))  # (n, 3)
    dproduct2 = (  # (n, 3)
        dgates4_sum3 @ gates4[:, 2:5]
        + dgates3_sum3 @ gates3[:, 2:5]
        + dgates2_sum3 @ gates2[:, 2:5]
        + dgates1_sum3 @ gates1[:, 2:5]
    )
    dgates4_sum2 = tanh4 * dproduct2 * (0.25 * (1 / np.cosh(0.5 * gates4_sum2) ** 2))  # (n, 3)
    dtotal2 = sigmoid6 * dtotal3 + sigmoid5 * dproduct2 * (1 / np.cosh(total2) ** 2)  # (n, 3)
    dgates3_sum2 = sigmoid4 * dtotal2 * (1 / np.cosh(gates3_sum2) ** 2)  # (n, 3)
    dgates2_sum2 = tanh3 * dtotal2 * (0.25 * (1 / np.cosh(0.5 * gates2_sum2) ** 2))  # (n, 3)
    dgates1_sum2 = total * dtotal2 * (0.25 * (1 / np.cosh(0.5 * gates1_sum2) ** 2))  # (n, 3)
    dproduct = (  # (n, 3)
        dgates4_sum2 @ gates4[:, 2:5]
        + dgates3_sum2 @ gates3[:, 2:5]
        + dgates2_sum2 @ gates2[:, 2:5]
        + dgates1_sum2 @ gates1[:, 2:5]
    )
    dgates4_sum = tanh2 * dproduct * (0.25 * (1 / np.cosh(0.5 * gates4_sum) ** 2))  # (n, 3)
    dtotal = sigmoid3 * dtotal2 + sigmoid2 * dproduct * (1 / np.cosh(total) ** 2)  # (n, 3)
    dgates3_sum = sigmoid * dtotal * (1 / np.cosh(gates3_sum) ** 2)  # (n, 3)
    dgates2_sum = tanh * dtotal * (0.25 * (1 / np.cosh(0.5 * gates2_sum) ** 2))  # (n, 3)
    dgates1_sum = 0 * dtotal * (0.25 * (1 / np.cosh(0.5 * gates1_sum) ** 2))  # (n, 3)
    dgates1[:, :2] = (  # (3, 2)
        dz.T @ xs[:, 5]
        + dgates1_sum5.T @ xs[:, 4]
        + dgates1_sum4.T @ xs[:, 3]
        + dgates1_sum3.T @ xs[:, 2]
        + dgates1_sum2.T @ xs[:, 1]
        + dgates1_sum.T @ xs[:, 0]
    )
    dgates1_sum_sum = ones @ dgates1_sum  # (3,)
    dgates1[:, 2:5] = (  # (3, 3)
        dz.T @ given
        + dgates1_sum5.T @ product4
        + dgates1_sum4.T @ product3
        + dgates1_sum3.T @ product2
        + dgates1_sum2.T @ product
        + (dgates1_sum_sum * 0)[:, None]
    )
    dgates1[:, 5] = (  # (3,)
        ones @ dz
        + ones @ dgates1_sum5
        + ones @ dgates1_sum4
        + ones @ dgates1_sum3
        + ones @ dgates1_sum2
        + dgates1_sum_sum
    )
    dgates2[:, :2] = (  # (3, 2)
        dz2.T @ xs[:, 5]
        + dgates2_sum5.T @ xs[:, 4]
        + dgates2_sum4.T @ xs[:, 3]
        + dgates2_sum3.T @ xs[:, 2]
        + dgates2_sum2.T @ xs[:, 1]
        + dgates2_sum.T @ xs[:, 0]
    )
    dgates2_sum_sum = ones @ dgates2_sum  # (3,)
    dgates2[:, 2:5] = (  # (3, 3)
        dz2.T @ given
        + dgates2_sum5.T @ product4
        + dgates2_sum4.T @ product3
        + dgates2_sum3.T @ product2
        + dgates2_sum2.T @ product
        + (dgates2_sum_sum * 0)[:, None]
    )
    dgates2[:, 5] = (  # (3,)
        ones @ dz2
        + ones @ dgates2_sum5
        + ones @ dgates2_sum4
        + ones @ dgates2_sum3
        + ones @ dgates2_sum2
        + dgates2_sum_sum
    )
    dgates3[:, :2] = (  # (3, 2)
        dz3.T @ xs[:, 5]
        + dgates3_sum5.T @ xs[:, 4]
        + dgates3_sum4.T @ xs[:, 3]
        + dgates3_sum3.T @ xs[:, 2]
        + dgates3_sum2.T @ xs[:, 1]
        + dgates3_sum.T @ xs[:, 0]
    )
    dgates3_sum_sum = ones @ dgates3_sum  # (3,)
    dgates3[:, 2:5] = (  # (3, 3)
        dz3.T @ given
        + dgates3_sum5.T @ product4
        + dgates3_sum4.T @ product3
        + dgates3_sum3.T @ product2
        + dgates3_sum2.T @ product
        + (dgates3_sum_sum * 0)[:, None]
    )
    dgates3[:, 5] = (  # (3,)
        ones @ dz3
        + ones @ dgates3_sum5
        + ones @ dgates3_sum4
        + ones @ dgates3_sum3
        + ones @ dgates3_sum2
        + dgates3_sum_sum
    )
    dgates4[:, :2] = (  # (3, 2)
        dz4.T @ xs[:, 5]
        + dgates4_sum5.T @ xs[:, 4]
        + dgates4_sum4.T @ xs[:, 3]
        + dgates4_sum3.T @ xs[:, 2]
        + dgates4_sum2.T @ xs[:, 1]
        + dgates4_sum.T @ xs[:, 0]
    )
    dgates4_sum_sum = ones @ dgates4_sum  # (3,)
    dgates4[:, 2:5] = (  # (3, 3)
        dz4.T @ given
        + dgates4_sum5.T @ product4
        + dgates4_sum4.T @ product3
        + dgates4_sum3.T @ product2
        + dgates4_sum2.T @ product
        + (dgates4_sum_sum * 0)[:, None]
    )
    dgates4[:, 5] = (  # (3,)
        ones @ dz4
        + ones @ dgates4_sum5
        + ones @ dgates4_sum4
        + ones @ dgates4_sum3
        + ones @ dgates4_sum2
        + dgates4_sum_sum
    )
    dout[...] = h.T @ derror  # (3,)
    dtheta /= n
    return loss, dtheta

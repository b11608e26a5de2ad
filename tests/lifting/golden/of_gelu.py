"""A function, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def complementary_erf(x):
    """Returns 1 - erf(x), to 6 units in the last place.

    exp(x**2) * (1 + 2 * x) * erfc(x) is a polynomial in t for x >= 0: Shepherd and Laframboise,
    Mathematics of Computation 36 (1981), page 249.
    """
    a = np.minimum(np.abs(x), 28.0)  # erfc(28) is 0 in floats
    t = (a - 4.0) / (a + 4.0)
    square = a * a
    high = 134217729.0 * a - (134217729.0 * a - a)  # the upper half of the digits
    low = a - high
    rest = high * high - square + 2.0 * high * low + low * low  # a**2 is square + rest
    p = 9.311744978232572e-10
    for c in (
        1.5738283774192037e-09, -1.234686604382353e-08, -1.6371779763566967e-08,
        1.0633855618594884e-07, 7.115337800585303e-08, -8.210939042560568e-07,
        2.9801353803031333e-07, 5.706604414895734e-06, -1.1225101875659178e-05,
        -2.4397746422436416e-05, 0.00015062309720018628, -0.00019925714661091188,
        -0.000757773707063825, 0.005031970067657489, -0.016197733981455194, 0.03716751552655567,
        -0.06633036582031154, 0.0937328349990944, -0.10103906603586531, 0.06809705425466908,
        0.015379652102610473, -0.1396211168405623, 1.2329951186255526,
    ):
        p = p * t + c
    tail = np.exp(-square) * (1.0 - rest) * p / (1.0 + 2.0 * a)
    return np.where(x < 0.0, 2.0 - tail, tail)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    W1 = theta[0:6].reshape(2, 3)  # (2, 3)
    b1 = theta[6:9]  # (3,)
    W2 = theta[9:12].reshape(3, 1)  # (3, 1)
    b2 = theta[12:13]  # (1,)
    return W1, b1, W2, b2


def loss_and_gradient(theta, x, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    y = np.asarray(y, float)
    n = len(x)
    assert theta.shape == (13,), theta.shape
    assert x.shape == (n, 2), x.shape
    assert y.shape == (n,), y.shape
    W1, b1, W2, b2 = unpack(theta)
    ones = np.ones(n)  # ones @ dz1 is dz1.sum(axis=0), and faster
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dW1, db1, dW2, db2 = unpack(dtheta)

    # forward
    z1 = x @ W1 + b1  # (n, 3)
    erfc = complementary_erf(-z1 / np.sqrt(2))  # (n, 3)
    hidden1 = 0.5 * z1 * erfc  # (n, 3)
    error = hidden1 @ W2[:, 0] + b2[0] - y  # (n,)
    loss = (error ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    derror = 2 * error  # (n,)
    dW2[:, 0] = hidden1.T @ derror  # (3,)
    db2[0] = derror.sum()
    slope = 0.5 * erfc + z1 * (np.exp(-z1 ** 2 / 2) / np.sqrt(2 * np.pi))  # (n, 3)
    dz1 = W2[:, 0] * derror[:, None] * slope  # (n, 3)
    dW1[...] = x.T @ dz1  # (2, 3)
    db1[...] = ones @ dz1  # (3,)
    dtheta /= n
    return loss, dtheta

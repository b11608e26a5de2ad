"""A function, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


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
    hidden1 = np.logaddexp(0, z1)  # (n, 3)
    error = hidden1 @ W2[:, 0] + b2[0] - y  # (n,)
    loss = (error ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    derror = 2 * error  # (n,)
    dW2[:, 0] = hidden1.T @ derror  # (3,)
    db2[0] = derror.sum()
    dz1 = W2[:, 0] * derror[:, None] / (1 + np.exp(-z1))  # (n, 3)
    dW1[...] = x.T @ dz1  # (2, 3)
    db1[...] = ones @ dz1  # (3,)
    dtheta /= n
    return loss, dtheta

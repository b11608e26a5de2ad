"""MLP, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    W1 = theta[0:6].reshape(2, 3)  # (2, 3)
    b1 = theta[6:9]  # (3,)
    W2 = theta[9:15].reshape(3, 2)  # (3, 2)
    b2 = theta[15:17]  # (2,)
    return W1, b1, W2, b2


def forward(theta, x):
    """Returns the outputs."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    n = len(x)
    assert theta.shape == (17,), theta.shape
    assert x.shape == (n, 2), x.shape
    W1, b1, W2, b2 = unpack(theta)
    return np.maximum(x @ W1 + b1, 0) @ W2 + b2

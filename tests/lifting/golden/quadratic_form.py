"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    A = theta[0:16].reshape(4, 4)  # (4, 4)
    return (A,)


def loss_and_gradient(theta, x):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    n = len(x)
    assert theta.shape == (16,), theta.shape
    assert x.shape == (n, 4), x.shape
    (A,) = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    (dA,) = unpack(dtheta)

    # forward
    loss = np.vecdot(x @ A, x).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    dA[...] = x.T @ x  # (4, 4)
    dtheta /= n
    return loss, dtheta

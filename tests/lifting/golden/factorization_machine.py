"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

mask = np.tri(4, dtype=bool).T


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    w = theta[0:5]  # (5,)
    V = theta[5:20].reshape(5, 3)  # (5, 3)
    return w, V


def loss_and_gradient(theta, x, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    y = np.asarray(y, float)
    n = len(x)
    assert theta.shape == (20,), theta.shape
    assert x.shape == (n, 5), x.shape
    assert y.shape == (n,), y.shape
    w, V = unpack(theta)
    ones = np.ones(n)  # ones @ product2 is product2.sum(axis=0), and faster
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dw, dV = unpack(dtheta)

    # forward
    product = np.where(mask, x[:, :4][..., None] * (V[:4] @ V[1:5].T), 0)  # (n, 4, 4)
    error = np.vecdot(product.sum(axis=1), x[:, 1:5]) + x @ w - y  # (n,)
    loss = (error ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    derror = 2 * error  # (n,)
    product2 = x * derror[:, None]  # (n, 5)
    dw[...] = ones @ product2  # (5,)
    shared = np.where(mask, x[:, :4].T @ product2[:, 1:5], 0)  # (4, 4)
    dV[...] = (
        np.pad(shared @ V[1:5], ((0, 1), (0, 0)))
        + np.pad(shared.T @ V[:4], ((1, 0), (0, 0)))
    )  # (5, 3)
    dtheta /= n
    return loss, dtheta

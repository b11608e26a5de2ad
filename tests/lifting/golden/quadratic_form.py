"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

K = np.array([[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 2, 2], [0, 1, 2, 3]])
K2 = np.array([[0, 1, 2, 3], [1, 1, 2, 3], [2, 2, 2, 3], [3, 3, 3, 3]])


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    A = theta[0:16].reshape(4, 4)  # (4, 4)
    return (A,)


def loss_and_gradient(theta, x):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(x)
    assert theta.shape == (16,), theta.shape
    assert x.shape == (n, 4), x.shape
    (A,) = unpack(theta)
    dtheta = np.empty_like(theta)
    (dA,) = unpack(dtheta)

    # forward
    loss = np.vecdot((A * x[..., None]).sum(axis=1), x).sum() / n

    # backward
    dA[...] = np.einsum('nij,nij->ij', x[:, K], x[:, K2])  # (4, 4)
    dtheta /= n  # the loss is a mean
    return loss, dtheta

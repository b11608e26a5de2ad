"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

causal = np.tri(3, dtype=bool)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    weights = theta[0:16].reshape(4, 4)  # (4, 4)
    return (weights,)


def loss_and_gradient(theta, x):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    n = len(x)
    assert theta.shape == (16,), theta.shape
    assert x.shape == (n, 4), x.shape
    (weights,) = unpack(theta)
    dtheta = np.zeros_like(theta)  # filled through views of its parts
    (dweights,) = unpack(dtheta)

    # forward
    output = (
        np.pad(x[:, :3] @ np.where(causal, weights[1:4, :3], 0).T, ((0, 0), (1, 0)))
        - x
    )  # (n, 4)
    loss = np.vecdot(output, output).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    slope = 2 * output[:, 1:4]  # (n, 3)
    dweights[1:4, :3] = np.where(causal, slope.T @ x[:, :3], 0)  # (3, 3)
    dtheta /= n
    return loss, dtheta

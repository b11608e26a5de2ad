"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

mask = np.tri(4, dtype=bool).T
mask2 = np.array([[[True, True, True, True], [False, False, False, False], [False, False, False,
    False], [False, False, False, False]], [[True, False, False, False], [False, True, True, True],
    [False, False, False, False], [False, False, False, False]], [[False, True, False, False],
    [False, True, False, False], [False, False, True, True], [False, False, False, False]], [[False,
    False, True, False], [False, False, True, False], [False, False, True, False], [False, False,
    False, True]], [[False, False, False, True], [False, False, False, True], [False, False, False,
    True], [False, False, False, True]]])
K = np.array([[[[3, 6, 9, 12], [6, 9, 12, 14], [9, 12, 14, 14], [12, 14, 14, 14]], [[4, 7, 10, 13],
    [7, 10, 13, 14], [10, 13, 14, 14], [13, 14, 14, 14]], [[5, 8, 11, 14], [8, 11, 14, 14], [11, 14,
    14, 14], [14, 14, 14, 14]]], [[[0, 3, 6, 9], [3, 6, 9, 12], [6, 9, 12, 14], [9, 12, 14, 14]],
    [[1, 4, 7, 10], [4, 7, 10, 13], [7, 10, 13, 14], [10, 13, 14, 14]], [[2, 5, 8, 11], [5, 8, 11,
    14], [8, 11, 14, 14], [11, 14, 14, 14]]], [[[0, 0, 3, 6], [0, 3, 6, 9], [3, 6, 9, 12], [6, 9,
    12, 14]], [[0, 1, 4, 7], [1, 4, 7, 10], [4, 7, 10, 13], [7, 10, 13, 14]], [[0, 2, 5, 8], [2, 5,
    8, 11], [5, 8, 11, 14], [8, 11, 14, 14]]], [[[0, 0, 0, 3], [0, 0, 3, 6], [0, 3, 6, 9], [3, 6, 9,
    12]], [[0, 0, 1, 4], [0, 1, 4, 7], [1, 4, 7, 10], [4, 7, 10, 13]], [[0, 0, 2, 5], [0, 2, 5, 8],
    [2, 5, 8, 11], [5, 8, 11, 14]]], [[[0, 0, 0, 0], [0, 0, 0, 3], [0, 0, 3, 6], [0, 3, 6, 9]], [[0,
    0, 0, 1], [0, 0, 1, 4], [0, 1, 4, 7], [1, 4, 7, 10]], [[0, 0, 0, 2], [0, 0, 2, 5], [0, 2, 5, 8],
    [2, 5, 8, 11]]]])


def unpack(theta):
    """Returns the arrays of the parameters, as views into a vector like program.parameters()."""
    w = theta[0:5]  # (5,)
    V = theta[5:20].reshape(5, 3)  # (5, 3)
    return w, V


def loss_and_gradient(theta, x, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta, x, y = (np.asarray(a, float) for a in (theta, x, y))
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
    loss = (error * error).sum() / n

    # backward, of the sum of the losses; divided by n at the end
    derror = 2 * error  # (n,)
    product2 = x * derror[:, None]  # (n, 5)
    dw[...] = ones @ product2  # (5,)
    dtotal = np.where(mask, x[:, :4][..., None] * product2[:, 1:5][:, None], 0)  # (n, 4, 4)
    shared = np.where(mask2[:, None], V.reshape(15)[K], 0)  # (5, 3, 4, 4)
    dV[...] = (  # (5, 3)
        dtotal.sum(axis=0).reshape(16) @ shared.reshape(15, 16).T
    ).reshape(5, 3)
    dtheta /= n
    return loss, dtheta

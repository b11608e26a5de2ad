"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

K = np.array([[[[0, 1, 2], [6, 7, 8], [12, 13, 14]], [[1, 2, 3], [7, 8, 9], [13, 14, 15]], [[2, 3,
    4], [8, 9, 10], [14, 15, 16]], [[3, 4, 5], [9, 10, 11], [15, 16, 17]]], [[[6, 7, 8], [12, 13,
    14], [18, 19, 20]], [[7, 8, 9], [13, 14, 15], [19, 20, 21]], [[8, 9, 10], [14, 15, 16], [20, 21,
    22]], [[9, 10, 11], [15, 16, 17], [21, 22, 23]]], [[[12, 13, 14], [18, 19, 20], [24, 25, 26]],
    [[13, 14, 15], [19, 20, 21], [25, 26, 27]], [[14, 15, 16], [20, 21, 22], [26, 27, 28]], [[15,
    16, 17], [21, 22, 23], [27, 28, 29]]], [[[18, 19, 20], [24, 25, 26], [30, 31, 32]], [[19, 20,
    21], [25, 26, 27], [31, 32, 33]], [[20, 21, 22], [26, 27, 28], [32, 33, 34]], [[21, 22, 23],
    [27, 28, 29], [33, 34, 35]]]])
numbers = np.arange(3)
K2 = np.array([[[[0, 1, 2, 3], [6, 7, 8, 9], [12, 13, 14, 15], [18, 19, 20, 21]], [[1, 2, 3, 4], [7,
    8, 9, 10], [13, 14, 15, 16], [19, 20, 21, 22]], [[2, 3, 4, 5], [8, 9, 10, 11], [14, 15, 16, 17],
    [20, 21, 22, 23]]], [[[6, 7, 8, 9], [12, 13, 14, 15], [18, 19, 20, 21], [24, 25, 26, 27]], [[7,
    8, 9, 10], [13, 14, 15, 16], [19, 20, 21, 22], [25, 26, 27, 28]], [[8, 9, 10, 11], [14, 15, 16,
    17], [20, 21, 22, 23], [26, 27, 28, 29]]], [[[12, 13, 14, 15], [18, 19, 20, 21], [24, 25, 26,
    27], [30, 31, 32, 33]], [[13, 14, 15, 16], [19, 20, 21, 22], [25, 26, 27, 28], [31, 32, 33,
    34]], [[14, 15, 16, 17], [20, 21, 22, 23], [26, 27, 28, 29], [32, 33, 34, 35]]]])


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    filters = theta[0:18].reshape(2, 3, 3)  # (2, 3, 3)
    weights = theta[18:24].reshape(3, 2)  # (3, 2)
    return filters, weights


def loss_and_gradient(theta, image, label):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(image)
    assert theta.shape == (24,), theta.shape
    assert image.shape == (n, 6, 6), image.shape
    assert label.shape == (n,), label.shape
    assert (label >= 0).all(), label
    filters, weights = unpack(theta)
    dtheta = np.empty_like(theta)
    dfilters, dweights = unpack(dtheta)

    # forward
    image_rows = image.reshape(-1, 36)  # (n, 36)
    filters_sum = (  # (n, 4, 4, 2)
        image_rows[:, K].reshape(-1, 9) @ filters.reshape(2, 9).T
    ).reshape(-1, 4, 4, 2)
    maps = np.maximum(filters_sum, 0)  # (n, 4, 4, 2)
    means = maps.sum(axis=(1, 2)) / 16  # (n, 2)
    logits = means @ weights.T  # (n, 3)
    logits_max = logits.max(axis=-1)  # (n,)
    exponentials = np.exp(logits - logits_max[:, None])  # (n, 3)
    exponentials_sum = exponentials.sum(axis=-1)  # (n,)
    loss = (logits_max + np.log(exponentials_sum) - logits[np.arange(n), label]).sum() / n

    # backward
    ratio = exponentials / exponentials_sum[:, None]  # (n, 3)
    dlogits = ratio - (label[:, None] == numbers)  # (n, 3)
    dtotal = 0.0625 * (dlogits @ weights)  # (n, 2)
    dfilters_sum = dtotal[:, None, None] * (filters_sum > 0)  # (n, 4, 4, 2)
    image_rows2 = image_rows[:, K2].transpose(0, 3, 4, 1, 2)  # (n, 4, 4, 3, 3)
    dfilters[...] = (  # (2, 3, 3)
        dfilters_sum.reshape(-1, 2).T @ image_rows2.reshape(-1, 9)
    ).reshape(2, 3, 3)
    dweights[...] = dlogits.T @ means  # (3, 2)
    dtheta /= n  # the loss is a mean
    return loss, dtheta

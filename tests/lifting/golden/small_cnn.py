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
    filters1 = theta[0:9].reshape(3, 3)  # (3, 3)
    filters2 = theta[9:18].reshape(3, 3)  # (3, 3)
    weights = theta[18:24].reshape(3, 2)  # (3, 2)
    return filters1, filters2, weights


def loss_and_gradient(theta, image, label):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(image)
    assert theta.shape == (24,), theta.shape
    assert image.shape == (n, 6, 6), image.shape
    assert label.shape == (n,), label.shape
    filters1, filters2, weights = unpack(theta)
    dtheta = np.empty_like(theta)
    dfilters1, dfilters2, dweights = unpack(dtheta)
    # forward
    image_rows = image.reshape(-1, 36)  # (n, 36)
    image_rows_rows = image_rows[:, K].reshape(-1, 9)  # (16n, 9)
    filters1_sum = (image_rows_rows @ filters1.reshape(9)).reshape(-1, 4, 4)  # (n, 4, 4)
    maps = np.maximum(filters1_sum, 0)  # (n, 4, 4)
    output = (image_rows_rows @ filters2.reshape(9)).reshape(-1, 4, 4)  # (n, 4, 4)
    maps2 = np.maximum(output, 0)  # (n, 4, 4)
    means = maps.sum(axis=(1, 2)) / 16  # (n,)
    means2 = maps2.sum(axis=(1, 2)) / 16  # (n,)
    logits = means[:, None] * weights[:, 0] + means2[:, None] * weights[:, 1]  # (n, 3)
    logits_max = logits.max(axis=-1)  # (n,)
    exp = np.exp(logits - logits_max[:, None])  # (n, 3)
    exp_sum = exp.sum(axis=-1)  # (n,)
    loss = (logits_max + np.log(exp_sum) - logits[np.arange(n), label]).sum() / n

    # backward
    dlogits = exp / exp_sum[:, None] - np.where(label[:, None] == numbers, 1, 0)  # (n, 3)
    dtotal = 0.0625 * (dlogits @ weights)  # (n, 2)
    dfilters1_sum = dtotal[:, 0][:, None, None] * (filters1_sum > 0)  # (n, 4, 4)
    dfilters1[...] = (  # (3, 3)
        image_rows[:, K2].transpose(0, 3, 4, 1, 2).reshape(-1, 9).T @ dfilters1_sum.reshape(-1)
    ).reshape(3, 3)
    doutput = dtotal[:, 1][:, None, None] * (output > 0)  # (n, 4, 4)
    dfilters2[...] = (  # (3, 3)
        image_rows[:, K2].transpose(0, 3, 4, 1, 2).reshape(-1, 9).T @ doutput.reshape(-1)
    ).reshape(3, 3)
    dweights[:, 0] = dlogits.T @ means  # (3,)
    dweights[:, 1] = dlogits.T @ means2  # (3,)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

indices = np.arange(3)


def unpack(theta):
    """Returns the arrays of the parameters, as views into a vector like program.parameters()."""
    filters = theta[0:18].reshape(2, 3, 3)  # (2, 3, 3)
    weights = theta[18:24].reshape(3, 2)  # (3, 2)
    return filters, weights


def loss_and_gradient(theta, image, label):
    """Returns the mean loss over the n examples, and its gradient."""
    theta, image = (np.asarray(a, float) for a in (theta, image))
    n = len(image)
    assert theta.shape == (24,), theta.shape
    assert image.shape == (n, 6, 6), image.shape
    assert label.shape == (n,), label.shape
    assert (label >= 0).all(), label
    filters, weights = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dfilters, dweights = unpack(dtheta)

    # forward
    image_rows = sliding_window_view(image, (3, 3), axis=(1, 2)).reshape(-1, 9)  # (16n, 9)
    filters_sum = (image_rows @ filters.reshape(2, 9).T).reshape(-1, 4, 4, 2)  # (n, 4, 4, 2)
    maps = np.maximum(filters_sum, 0)  # (n, 4, 4, 2)
    means = maps.sum(axis=(1, 2)) / 16  # (n, 2)
    logits = means @ weights.T  # (n, 3)
    logits_max = logits.max(axis=-1)  # (n,)
    exponentials = np.exp(logits - logits_max[:, None])  # (n, 3)
    exponentials_sum = exponentials.sum(axis=-1)  # (n,)
    loss = (logits_max + np.log(exponentials_sum) - logits[np.arange(n), label]).sum() / n

    # backward, of the sum of the losses; divided by n at the end
    softmax = exponentials / exponentials_sum[:, None]  # (n, 3)
    dlogits = softmax - (label[:, None] == indices)  # (n, 3)
    dmaps_sum = (dlogits @ weights) / 16  # (n, 2)
    dfilters_sum = dmaps_sum[:, None, None] * (filters_sum > 0)  # (n, 4, 4, 2)
    dfilters[...] = (dfilters_sum.reshape(-1, 2).T @ image_rows).reshape(2, 3, 3)  # (2, 3, 3)
    dweights[...] = dlogits.T @ means  # (3, 2)
    dtheta /= n
    return loss, dtheta

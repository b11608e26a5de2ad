"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

classes = np.arange(3)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    filters = theta[0:18].reshape(2, 3, 3)  # (2, 3, 3)
    weights = theta[18:24].reshape(3, 2)  # (3, 2)
    return filters, weights


def loss_and_gradient(theta, image, label):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    image = np.asarray(image, float)
    label = np.asarray(label)
    n = len(image)
    assert theta.shape == (24,), theta.shape
    assert image.shape == (n, 6, 6), image.shape
    assert label.shape == (n,), label.shape
    assert (label >= 0).all(), label  # -1 would be the last
    filters, weights = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dfilters, dweights = unpack(dtheta)

    # forward
    image_patches = sliding_window_view(image, (3, 3), axis=(1, 2)).reshape(-1, 9)  # (16n, 9)
    z = (image_patches @ filters.reshape(2, 9).T).reshape(n, 4, 4, 2)  # (n, 4, 4, 2)
    maps = np.maximum(z, 0)  # (n, 4, 4, 2)
    maps_sum = maps.sum(axis=(1, 2))  # (n, 2)
    means = maps_sum / 16  # (n, 2)
    logits = means @ weights.T  # (n, 3)
    logits_max = logits.max(axis=-1)  # (n,)
    exponentials = np.exp(logits - logits_max[:, None])  # (n, 3)
    exponentials_sum = exponentials.sum(axis=-1)  # (n,)
    loss = (logits_max + np.log(exponentials_sum) - logits[np.arange(n), label]).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    softmax = exponentials / exponentials_sum[:, None]  # (n, 3)
    label_one_hot = label[:, None] == classes  # (n, 3)
    dlogits = softmax - label_one_hot  # (n, 3)
    dweights[...] = dlogits.T @ means  # (3, 2)
    dmaps_sum = (dlogits @ weights) / 16  # (n, 2)
    dz = dmaps_sum[:, None, None] * (z > 0)  # (n, 4, 4, 2)
    dfilters[...] = (dz.reshape(-1, 2).T @ image_patches).reshape(2, 3, 3)  # (2, 3, 3)
    dtheta /= n
    return loss, dtheta

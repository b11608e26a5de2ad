"""A function, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

classes = np.arange(2)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    W1 = theta[0:12].reshape(3, 4)  # (3, 4)
    b1 = theta[12:16]  # (4,)
    W2 = theta[16:24].reshape(4, 2)  # (4, 2)
    b2 = theta[24:26]  # (2,)
    return W1, b1, W2, b2


def loss_and_gradient(theta, x, label):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    label = np.asarray(label)
    n = len(x)
    assert theta.shape == (26,), theta.shape
    assert x.shape == (n, 3), x.shape
    assert label.shape == (n,), label.shape
    assert (label >= 0).all(), label  # -1 would be the last
    W1, b1, W2, b2 = unpack(theta)
    ones = np.ones(n)  # ones @ doutput is doutput.sum(axis=0), and faster
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dW1, db1, dW2, db2 = unpack(dtheta)

    # forward
    z1 = x @ W1 + b1  # (n, 4)
    hidden1 = np.maximum(z1, 0)  # (n, 4)
    output = hidden1 @ W2 + b2  # (n, 2)
    mine = output[np.arange(n), label]  # (n,)
    difference = output - mine[:, None]  # (n, 2)
    difference_max = difference.max(axis=-1)  # (n,)
    exponentials = np.exp(difference - difference_max[:, None])  # (n, 2)
    exponentials_sum = exponentials.sum(axis=-1)  # (n,)
    loss = (difference_max + np.log(exponentials_sum)).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    softmax = exponentials / exponentials_sum[:, None]  # (n, 2)
    label_one_hot = label[:, None] == classes  # (n, 2)
    doutput = softmax - label_one_hot  # (n, 2)
    dW2[...] = hidden1.T @ doutput  # (4, 2)
    db2[...] = ones @ doutput  # (2,)
    dz1 = (doutput @ W2.T) * (z1 > 0)  # (n, 4)
    dW1[...] = x.T @ dz1  # (3, 4)
    db1[...] = ones @ dz1  # (4,)
    dtheta /= n
    return loss, dtheta

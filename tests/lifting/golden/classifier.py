"""A function, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

classes = np.arange(3)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    W1 = theta[0:20].reshape(4, 5)  # (4, 5)
    b1 = theta[20:25]  # (5,)
    W2 = theta[25:40].reshape(5, 3)  # (5, 3)
    b2 = theta[40:43]  # (3,)
    return W1, b1, W2, b2


def loss_and_gradient(theta, x, label):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    x = np.asarray(x, float)
    label = np.asarray(label)
    n = len(x)
    assert theta.shape == (43,), theta.shape
    assert x.shape == (n, 4), x.shape
    assert label.shape == (n,), label.shape
    assert (label >= 0).all(), label  # -1 would be the last
    W1, b1, W2, b2 = unpack(theta)
    ones = np.ones(n)  # ones @ doutput is doutput.sum(axis=0), and faster
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dW1, db1, dW2, db2 = unpack(dtheta)

    # forward
    z1 = x @ W1 + b1  # (n, 5)
    hidden1 = np.maximum(z1, 0)  # (n, 5)
    output = hidden1 @ W2 + b2  # (n, 3)
    mine = output[np.arange(n), label]  # (n,)
    difference = output - mine[:, None]  # (n, 3)
    difference_max = difference.max(axis=-1)  # (n,)
    exponentials = np.exp(difference - difference_max[:, None])  # (n, 3)
    exponentials_sum = exponentials.sum(axis=-1)  # (n,)
    loss = (difference_max + np.log(exponentials_sum)).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    softmax = exponentials / exponentials_sum[:, None]  # (n, 3)
    label_one_hot = label[:, None] == classes  # (n, 3)
    doutput = softmax - label_one_hot  # (n, 3)
    dW2[...] = hidden1.T @ doutput  # (5, 3)
    db2[...] = ones @ doutput  # (3,)
    dz1 = (doutput @ W2.T) * (z1 > 0)  # (n, 5)
    dW1[...] = x.T @ dz1  # (4, 5)
    db1[...] = ones @ dz1  # (5,)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    W1 = theta[0:32].reshape(2, 16)  # (2, 16)
    b1 = theta[32:48]  # (16,)
    W2 = theta[48:304].reshape(16, 16)  # (16, 16)
    b2 = theta[304:320]  # (16,)
    W3 = theta[320:336].reshape(16, 1)  # (16, 1)
    b3 = theta[336:337]  # (1,)
    return W1, b1, W2, b2, W3, b3


def loss_and_gradient(theta, xs, ys):
    """Returns the loss, and its gradient."""
    theta = np.asarray(theta, float)
    xs = np.asarray(xs, float)
    ys = np.asarray(ys, float)
    assert theta.shape == (337,), theta.shape
    assert xs.shape == (5, 2), xs.shape
    assert ys.shape == (5,), ys.shape
    W1, b1, W2, b2, W3, b3 = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dW1, db1, dW2, db2, dW3, db3 = unpack(dtheta)

    # forward
    z1 = xs @ W1 + b1  # (5, 16)
    hidden1 = np.maximum(z1, 0)  # (5, 16)
    z2 = hidden1 @ W2 + b2  # (5, 16)
    hidden2 = np.maximum(z2, 0)  # (5, 16)
    output = hidden2 @ W3[:, 0] + b3[0]  # (5,)
    difference = 1 - ys * output  # (5,)
    losses = np.maximum(difference, 0)  # (5,)
    loss = losses.mean() + 0.0001 * (theta @ theta)

    # backward
    doutput = -0.2 * ys * (difference > 0)  # (5,)
    dW3[:, 0] = hidden2.T @ doutput  # (16,)
    db3[0] = doutput.sum()
    dz2 = W3[:, 0] * doutput[:, None] * (z2 > 0)  # (5, 16)
    dW2[...] = hidden1.T @ dz2  # (16, 16)
    db2[...] = dz2.sum(axis=0)  # (16,)
    dz1 = (dz2 @ W2.T) * (z1 > 0)  # (5, 16)
    dW1[...] = xs.T @ dz1  # (2, 16)
    db1[...] = dz1.sum(axis=0)  # (16,)
    dtheta += 0.0002 * theta  # (337,)
    return loss, dtheta

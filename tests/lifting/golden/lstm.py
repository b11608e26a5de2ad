"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

places = np.array([0, 1, 3])


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    gates = theta[0:72].reshape(4, 3, 6)  # (4, 3, 6)
    out = theta[72:75]  # (3,)
    return gates, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    xs = np.asarray(xs, float)
    y = np.asarray(y, float)
    n = len(xs)
    assert theta.shape == (75,), theta.shape
    assert xs.shape == (n, 6, 2), xs.shape
    assert y.shape == (n,), y.shape
    gates, out = unpack(theta)
    dtheta = np.zeros_like(theta)  # filled through views of its parts
    dgates, dout = unpack(dtheta)

    # forward
    gates_rows = gates[:, :, 2:5].reshape(12, 3)  # (12, 3)
    gates_rows2 = gates[:, :, :2].reshape(12, 2)  # (12, 2)
    z = np.empty((6, n, 4, 3))
    sigmoid = np.empty((6, n, 3, 3))
    tanh = np.empty((6, n, 3))
    c = np.empty((7, n, 3))
    c[0] = 0  # (n, 3)
    tanh2 = np.empty((6, n, 3))
    h = np.empty((7, n, 3))
    h[0] = 0  # (n, 3)
    for t in range(6):
        z[t] = (
            (h[t] @ gates_rows.T + xs[:, t] @ gates_rows2.T).reshape(n, 4, 3)
            + gates[:, :, 5]
        )  # (n, 4, 3)
        sigmoid[t] = 1 / (1 + np.exp(-z[t][:, places]))  # (n, 3, 3)
        tanh[t] = np.tanh(z[t, :, 2])  # (n, 3)
        c[t + 1] = sigmoid[t, :, 0] * c[t] + sigmoid[t, :, 1] * tanh[t]  # (n, 3)
        tanh2[t] = np.tanh(c[t + 1])  # (n, 3)
        h[t + 1] = sigmoid[t, :, 2] * tanh2[t]  # (n, 3)
    error = h[6] @ out - y  # (n,)
    loss = (error ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    derror = 2 * error  # (n,)
    dout[...] = h[6].T @ derror  # (3,)
    dh = out * derror[:, None]  # (n, 3)
    dc = np.zeros((n, 3))
    dz = np.empty((n, 4, 3))
    for t in reversed(range(6)):
        # with cosh, a slope keeps the digits that s * (1 - s) of a sigmoid s loses near 1
        slope = 0.25 / np.cosh(0.5 * z[t][:, places]) ** 2  # (n, 3, 3)
        dz[:, 3] = tanh2[t] * dh * slope[:, 2]  # (n, 3)
        dc2 = dc + sigmoid[t, :, 2] * dh / np.cosh(c[t + 1]) ** 2  # (n, 3)
        product = sigmoid[t, :, :2] * dc2[:, None]  # (n, 2, 3)
        dz[:, 2] = product[:, 1] / np.cosh(z[t, :, 2]) ** 2  # (n, 3)
        dz[:, 1] = slope[:, 1] * (tanh[t] * dc2)  # (n, 3)
        dz[:, 0] = slope[:, 0] * (c[t] * dc2)  # (n, 3)
        dc = product[:, 0]  # (n, 3)
        dh = dz.reshape(n, 12) @ gates_rows  # (n, 3)
        dgates[:, :, :2] += (dz.reshape(n, 12).T @ xs[:, t]).reshape(4, 3, 2)  # (4, 3, 2)
        dgates[:, :, 2:5] += (dz.reshape(n, 12).T @ h[t]).reshape(4, 3, 3)  # (4, 3, 3)
        dgates[:, :, 5] += dz.sum(axis=0)  # (4, 3)
    dtheta /= n
    return loss, dtheta

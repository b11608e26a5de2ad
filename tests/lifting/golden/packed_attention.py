"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

causal = np.tri(5, dtype=bool)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    matrix = theta[0:108].reshape(18, 6)  # (18, 6)
    bias = theta[108:126]  # (18,)
    out = theta[126:132]  # (6,)
    return matrix, bias, out


def loss_and_gradient(theta, xs, y):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    xs = np.asarray(xs, float)
    y = np.asarray(y, float)
    n = len(xs)
    assert theta.shape == (132,), theta.shape
    assert xs.shape == (n, 5, 6), xs.shape
    assert y.shape == (n,), y.shape
    matrix, bias, out = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dmatrix, dbias, dout = unpack(dtheta)

    # forward
    # rows: those of all examples below each other
    xs_rows = xs.reshape(-1, 6)  # (5n, 6)
    queries = (xs_rows @ matrix[:6].T).reshape(n, 5, 6) + bias[:6]  # (n, 5, 6)
    keys = (xs_rows @ matrix[6:12].T).reshape(n, 5, 6) + bias[6:12]  # (n, 5, 6)
    given = (xs_rows @ matrix[12:18].T).reshape(n, 5, 6) + bias[12:18]  # (n, 5, 6)
    queries2 = queries.reshape(n, 5, 2, 3).swapaxes(1, 2)  # (n, 2, 5, 3)
    keys_split = keys.reshape(n, 5, 2, 3)  # (n, 5, 2, 3)
    total = queries2 @ keys_split.transpose(0, 2, 3, 1)  # (n, 2, 5, 5)
    scores = np.where(causal, total / 3 ** 0.5, -np.inf)  # (n, 2, 5, 5)
    top = scores.max(axis=-1)  # (n, 2, 5)
    exponentials = np.exp(scores - top[..., None])  # (n, 2, 5, 5)
    exponentials_sum = exponentials.sum(axis=-1)  # (n, 2, 5)
    shares = exponentials / exponentials_sum[..., None]  # (n, 2, 5, 5)
    given_split = given.reshape(n, 5, 2, 3)  # (n, 5, 2, 3)
    mixed = shares @ given_split.swapaxes(1, 2)  # (n, 2, 5, 3)
    mixed_rows = mixed.swapaxes(1, 2).reshape(-1, 6)  # (5n, 6)
    output = (mixed_rows @ out).reshape(n, 5)  # (n, 5)
    total2 = np.tanh(output).sum(axis=-1)  # (n,)
    difference = total2 - y  # (n,)
    loss = (difference ** 2).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    ddifference = 2 * difference  # (n,)
    # with cosh, a slope keeps the digits that 1 - tanh(z)**2 loses near 1
    doutput = ddifference[:, None] / np.cosh(output) ** 2  # (n, 5)
    dout[...] = mixed_rows.T @ doutput.reshape(-1)  # (6,)
    dmixed = out.reshape(2, 3)[:, None] * doutput[:, None, :, None]  # (n, 2, 5, 3)
    dshares = dmixed @ given_split.transpose(0, 2, 3, 1)  # (n, 2, 5, 5)
    dscores = shares * (dshares - np.vecdot(shares, dshares)[..., None])  # (n, 2, 5, 5)
    dtotal = dscores * (1 / 3 ** 0.5)  # (n, 2, 5, 5)
    dgiven = (shares.swapaxes(2, 3) @ dmixed).swapaxes(1, 2).reshape(n, 5, 6)  # (n, 5, 6)
    dkeys = (dtotal.swapaxes(2, 3) @ queries2).swapaxes(1, 2).reshape(n, 5, 6)  # (n, 5, 6)
    dqueries = (dtotal @ keys_split.swapaxes(1, 2)).swapaxes(1, 2).reshape(n, 5, 6)  # (n, 5, 6)
    dmatrix[:6] = dqueries.reshape(-1, 6).T @ xs_rows  # (6, 6)
    dmatrix[6:12] = dkeys.reshape(-1, 6).T @ xs_rows  # (6, 6)
    dmatrix[12:18] = dgiven.reshape(-1, 6).T @ xs_rows  # (6, 6)
    dbias[:6] = dqueries.sum(axis=(0, 1))  # (6,)
    dbias[6:12] = dkeys.sum(axis=(0, 1))  # (6,)
    dbias[12:18] = dgiven.sum(axis=(0, 1))  # (6,)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

causal = np.tri(4, dtype=bool)
causal2 = np.tri(3, dtype=bool)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    Q = theta[0:9].reshape(3, 3)  # (3, 3)
    K = theta[9:18].reshape(3, 3)  # (3, 3)
    return Q, K


def loss_and_gradient(theta, xs):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    xs = np.asarray(xs, float)
    n = len(xs)
    assert theta.shape == (18,), theta.shape
    assert xs.shape == (n, 4, 3), xs.shape
    Q, K = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dQ, dK = unpack(dtheta)

    # forward
    # rows: those of all examples below each other
    xs_rows = xs.reshape(-1, 3)  # (4n, 3)
    queries = (xs_rows @ Q.T).reshape(n, 4, 3)  # (n, 4, 3)
    keys = (xs_rows @ K.T).reshape(n, 4, 3)  # (n, 4, 3)
    dot = queries @ keys.swapaxes(1, 2)  # (n, 4, 4)
    queries_squared = np.vecdot(queries, queries)  # (n, 4)
    keys_squared = np.vecdot(keys, keys)  # (n, 4)
    sizes = np.where(causal, queries_squared[..., None] * keys_squared[:, None], 0)  # (n, 4, 4)
    sqrt = np.where(causal, np.sqrt(sizes), 1)  # (n, 4, 4)
    ratio = np.where(causal, dot / sqrt, 0)  # (n, 4, 4)
    scores = np.where(causal, np.exp(ratio), 0)  # (n, 4, 4)
    scores_sum = scores.sum(axis=-1)  # (n, 4)
    scores_rows = scores.reshape(n, 16)  # (n, 16)
    scores_share = scores_rows[:, ::5] / scores_sum  # (n, 4)
    total = scores_share.sum(axis=-1)  # (n,)
    loss = total.mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    dratio = scores_share * (1 - scores_share)  # (n, 4)
    sqrt_inverse = np.where(causal, 1 / sqrt, 0)  # (n, 4, 4)
    slope = -(ratio / sqrt)  # (n, 4, 4)
    ddot = dratio * sqrt_inverse.reshape(n, 16)[:, ::5]  # (n, 4)
    slope2 = np.where(causal, 0.5 / sqrt, 0)  # (n, 4, 4)
    dsizes = dratio * slope.reshape(n, 16)[:, ::5] * slope2.reshape(n, 16)[:, ::5]  # (n, 4)
    product = queries_squared * dsizes  # (n, 4)
    product2 = keys_squared * dsizes  # (n, 4)
    dscores_sum = -(scores_share / scores_sum)  # (n, 4)
    dratio2 = np.where(
        causal2,
        scores[:, 1:4, :3] * dscores_sum[:, 1:4][..., None],
        0,
    )  # (n, 3, 3)
    ddot2 = sqrt_inverse[:, 1:4, :3] * dratio2  # (n, 3, 3)
    dsizes2 = slope2[:, 1:4, :3] * (slope[:, 1:4, :3] * dratio2)  # (n, 3, 3)
    product3 = queries_squared[:, 1:4][:, None] * dsizes2.swapaxes(1, 2)  # (n, 3, 3)
    product4 = keys * product[..., None]  # (n, 4, 3)
    product5 = keys_squared[:, :3][:, None] * dsizes2  # (n, 3, 3)
    product6 = queries * product2[..., None]  # (n, 4, 3)
    product7 = keys * ddot[..., None]  # (n, 4, 3)
    product5_sum = product5.sum(axis=-1)  # (n, 3)
    dqueries = (
        np.pad(ddot2 @ keys[:, :3], ((0, 0), (1, 0), (0, 0)))
        + np.pad(2 * (queries[:, 1:4] * product5_sum[..., None]), ((0, 0), (1, 0), (0, 0)))
        + product7
        + 2 * product6
    )  # (n, 4, 3)
    dQ[...] = dqueries.reshape(-1, 3).T @ xs_rows  # (3, 3)
    dkeys = (
        np.pad(ddot2.swapaxes(1, 2) @ queries[:, 1:4], ((0, 0), (0, 1), (0, 0)))
        + np.pad(2 * (keys[:, :3] * product3.sum(axis=-1)[..., None]), ((0, 0), (0, 1), (0, 0)))
        + queries * ddot[..., None]
        + 2 * product4
    )  # (n, 4, 3)
    dK[...] = dkeys.reshape(-1, 3).T @ xs_rows  # (3, 3)
    dtheta /= n
    return loss, dtheta

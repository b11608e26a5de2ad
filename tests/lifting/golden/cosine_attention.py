"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

causal = np.tri(4, dtype=bool)
causal2 = np.tri(3, dtype=bool)


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    Q = theta[0:9].reshape(3, 3)  # (3, 3)
    K = theta[9:18].reshape(3, 3)  # (3, 3)
    return Q, K


def loss_and_gradient(theta, xs):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(xs)
    assert theta.shape == (18,), theta.shape
    assert xs.shape == (n, 4, 3), xs.shape
    Q, K = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dQ, dK = unpack(dtheta)

    # forward
    xs_rows = xs.reshape(-1, 3)  # (4n, 3)
    queries = (xs_rows @ Q.T).reshape(-1, 4, 3)  # (n, 4, 3)
    keys = (xs_rows @ K.T).reshape(-1, 4, 3)  # (n, 4, 3)
    dot = queries @ keys.swapaxes(1, 2)  # (n, 4, 4)
    queries_squared = np.vecdot(queries, queries)  # (n, 4)
    keys_squared = np.vecdot(keys, keys)  # (n, 4)
    sizes = np.where(causal, queries_squared[..., None] * keys_squared[:, None], 0)  # (n, 4, 4)
    sqrt = np.where(causal, np.sqrt(sizes), 1)  # (n, 4, 4)
    ratio = np.where(causal, dot / sqrt, 0)  # (n, 4, 4)
    scores = np.where(causal, np.exp(ratio), 0)  # (n, 4, 4)
    scores_sum = scores.sum(axis=-1)  # (n, 4)
    scores_share = scores.reshape(-1, 16)[:, ::5] / scores_sum  # (n, 4)
    total = scores_share.sum(axis=-1)  # (n,)
    loss = total.sum() / n

    # backward, of the sum of the losses; divided by n at the end
    dratio = scores_share * (1 - scores_share)  # (n, 4)
    sqrt_inverse = np.where(causal, 1 / sqrt, 0)  # (n, 4, 4)
    slope = -(ratio / sqrt)  # (n, 4, 4)
    ddot = dratio * sqrt_inverse.reshape(-1, 16)[:, ::5]  # (n, 4)
    slope2 = np.where(causal, 0.5 / sqrt, 0)  # (n, 4, 4)
    dsizes = dratio * slope.reshape(-1, 16)[:, ::5] * slope2.reshape(-1, 16)[:, ::5]  # (n, 4)
    product = queries_squared * dsizes  # (n, 4)
    product2 = keys * product[..., None]  # (n, 4, 3)
    product3 = keys_squared * dsizes  # (n, 4)
    product4 = queries * product3[..., None]  # (n, 4, 3)
    dscores_sum = -(scores_share / scores_sum)  # (n, 4)
    dratio2 = np.where(  # (n, 3, 3)
        causal2,
        scores[:, 1:4, :3] * dscores_sum[:, 1:4][..., None],
        0,
    )
    ddot2 = sqrt_inverse[:, 1:4, :3] * dratio2  # (n, 3, 3)
    dsizes2 = slope2[:, 1:4, :3] * (slope[:, 1:4, :3] * dratio2)  # (n, 3, 3)
    dqueries = (  # (n, 3, 3)
        ddot2 @ keys[:, :3]
        + queries[:, 1:4] * (2 * np.vecdot(dsizes2, keys_squared[:, :3][:, None]))[..., None]
        + keys[:, 1:4] * ddot[:, 1:4][..., None]
        + 2 * product4[:, 1:4]
    )
    dqueries2 = keys[:, 0] * ddot[:, 0][:, None] + 2 * product4[:, 0]  # (n, 3)
    dQ[...] = (  # (3, 3)
        dqueries.reshape(-1, 3).T @ xs[:, 1:4].reshape(-1, 3)
        + dqueries2.T @ xs[:, 0]
    )
    product5 = queries[:, :3] * ddot[:, :3][..., None]  # (n, 3, 3)
    shared2 = ddot2.swapaxes(1, 2) @ queries[:, 1:4]  # (n, 3, 3)
    shared3 = queries_squared[:, 1:4][:, None]  # (n, 1, 3)
    dkeys = (  # (n, 3, 3)
        shared2
        + keys[:, :3] * (2 * np.vecdot(dsizes2.swapaxes(1, 2), shared3))[..., None]
        + product5
        + 2 * product2[:, :3]
    )
    dkeys2 = queries[:, 3] * ddot[:, 3][:, None] + 2 * product2[:, 3]  # (n, 3)
    dK[...] = dkeys.reshape(-1, 3).T @ xs[:, :3].reshape(-1, 3) + dkeys2.T @ xs[:, 3]  # (3, 3)
    dtheta /= n
    return loss, dtheta

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
    dtheta = np.empty_like(theta)
    dQ, dK = unpack(dtheta)

    # forward
    xs_rows = xs.reshape(-1, 3)  # (4n, 3)
    queries = (xs_rows @ Q.T).reshape(-1, 4, 3)  # (n, 4, 3)
    keys = (xs_rows @ K.T).reshape(-1, 4, 3)  # (n, 4, 3)
    dot = queries @ keys.swapaxes(1, 2)  # (n, 4, 4)
    total = np.vecdot(queries, queries)  # (n, 4)
    total2 = np.vecdot(keys, keys)  # (n, 4)
    sizes = np.where(causal, total[..., None] * total2[:, None], 0)  # (n, 4, 4)
    sqrt = np.where(causal, np.sqrt(sizes), 1)  # (n, 4, 4)
    ratio = np.where(causal, dot / sqrt, 0)  # (n, 4, 4)
    scores = np.where(causal, np.exp(ratio), 0)  # (n, 4, 4)
    total3 = scores.sum(axis=-1)  # (n, 4)
    ratio2 = scores.reshape(-1, 16)[:, :16:5] / total3  # (n, 4)
    total4 = ratio2.sum(axis=-1)  # (n,)
    loss = total4.sum() / n

    # backward
    dtotal3 = -(ratio2 / total3)  # (n, 4)
    dratio = scores.reshape(-1, 16)[:, :16:5] * (1 / total3 + dtotal3)  # (n, 4)
    ratio3 = np.where(causal, 1 / sqrt, 0)  # (n, 4, 4)
    negative = -(ratio / sqrt)  # (n, 4, 4)
    ddot = dratio * ratio3.reshape(-1, 16)[:, :16:5]  # (n, 4)
    ratio4 = np.where(causal, 0.5 / sqrt, 0)  # (n, 4, 4)
    dsizes = (  # (n, 4)
        (dratio * negative.reshape(-1, 16)[:, :16:5])
        * ratio4.reshape(-1, 16)[:, :16:5]
    )
    dtotal2 = total * dsizes  # (n, 4)
    product = keys * dtotal2[..., None]  # (n, 4, 3)
    dtotal = total2 * dsizes  # (n, 4)
    product2 = queries * dtotal[..., None]  # (n, 4, 3)
    dratio2 = np.where(causal2, scores[:, 1:4, :3] * dtotal3[:, 1:4][..., None], 0)  # (n, 3, 3)
    ddot2 = ratio3[:, 1:4, :3] * dratio2  # (n, 3, 3)
    dsizes2 = ratio4[:, 1:4, :3] * (negative[:, 1:4, :3] * dratio2)  # (n, 3, 3)
    dtotal2_2 = total[:, 1:4][:, None] * dsizes2.swapaxes(1, 2)  # (n, 3, 3)
    dtotal4 = total2[:, :3][:, None] * dsizes2  # (n, 3, 3)
    product3 = keys[:, :3][..., None] * dtotal2_2[:, :, None]  # (n, 3, 3, 3)
    product4 = queries[:, 1:4][..., None] * dtotal4[:, :, None]  # (n, 3, 3, 3)
    dqueries = (  # (n, 3, 3)
        ddot2 @ keys[:, :3]
        + 2 * product4.sum(axis=-1)
        + keys[:, 1:4] * ddot[:, 1:4][..., None]
        + 2 * product2[:, 1:4]
    )
    dqueries2 = keys[:, 0] * ddot[:, 0][:, None] + 2 * product2[:, 0]  # (n, 3)
    dQ[...] = (  # (3, 3)
        dqueries.reshape(-1, 3).T @ xs[:, 1:4].reshape(-1, 3)
        + dqueries2.T @ xs[:, 0]
    )
    dkeys = (  # (n, 3, 3)
        ddot2.swapaxes(1, 2) @ queries[:, 1:4]
        + 2 * product3.sum(axis=-1)
        + queries[:, :3] * ddot[:, :3][..., None]
        + 2 * product[:, :3]
    )
    dkeys2 = queries[:, 3] * ddot[:, 3][:, None] + 2 * product[:, 3]  # (n, 3)
    dK[...] = dkeys.reshape(-1, 3).T @ xs[:, :3].reshape(-1, 3) + dkeys2.T @ xs[:, 3]  # (3, 3)
    dtheta /= n  # the loss is a mean
    return loss, dtheta

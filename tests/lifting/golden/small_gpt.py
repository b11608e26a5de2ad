"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

causal = np.tri(4, dtype=bool)
classes = np.arange(5)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    embedding = theta[0:30].reshape(5, 6)  # (5, 6)
    position = theta[30:54].reshape(4, 6)  # (4, 6)
    Wq = theta[54:90].reshape(6, 6)  # (6, 6)
    Wk = theta[90:126].reshape(6, 6)  # (6, 6)
    Wv = theta[126:162].reshape(6, 6)  # (6, 6)
    Wo = theta[162:198].reshape(6, 6)  # (6, 6)
    W1 = theta[198:342].reshape(24, 6)  # (24, 6)
    W2 = theta[342:486].reshape(6, 24)  # (6, 24)
    unembedding = theta[486:516].reshape(5, 6)  # (5, 6)
    return embedding, position, Wq, Wk, Wv, Wo, W1, W2, unembedding


def loss_and_gradient(theta, tokens, targets):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    tokens = np.asarray(tokens)
    targets = np.asarray(targets)
    n = len(tokens)
    assert theta.shape == (516,), theta.shape
    assert tokens.shape == (n, 4), tokens.shape
    assert (tokens >= 0).all(), tokens  # -1 would be the last
    assert targets.shape == (n, 4), targets.shape
    assert (targets >= 0).all(), targets  # -1 would be the last
    embedding, position, Wq, Wk, Wv, Wo, W1, W2, unembedding = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dembedding, dposition, dWq, dWk, dWv, dWo, dW1, dW2, dunembedding = unpack(dtheta)

    # forward
    total = position + embedding[tokens]  # (n, 4, 6)
    scale = (np.vecdot(total, total) / 6 + 1e-05) ** (-0.5)  # (n, 4)
    rms_norm = total * scale[..., None]  # (n, 4, 6)
    scale2 = (np.vecdot(rms_norm, rms_norm) / 6 + 1e-05) ** (-0.5)  # (n, 4)
    rms_norm2 = rms_norm * scale2[..., None]  # (n, 4, 6)
    # rows: those of all examples below each other
    rms_norm2_rows = rms_norm2.reshape(-1, 6)  # (4n, 6)
    query = (rms_norm2_rows @ Wq.T).reshape(n, 4, 3, 2).swapaxes(1, 2)  # (n, 3, 4, 2)
    key_split = (rms_norm2_rows @ Wk.T).reshape(n, 4, 3, 2)  # (n, 4, 3, 2)
    dot = query @ key_split.transpose(0, 2, 3, 1)  # (n, 3, 4, 4)
    scores = np.where(causal, dot / 2 ** 0.5, -np.inf)  # (n, 3, 4, 4)
    top = scores.max(axis=-1)  # (n, 3, 4)
    exponentials = np.exp(scores - top[..., None])  # (n, 3, 4, 4)
    exponentials_sum = exponentials.sum(axis=-1)  # (n, 3, 4)
    softmax = exponentials / exponentials_sum[..., None]  # (n, 3, 4, 4)
    value_split = (rms_norm2_rows @ Wv.T).reshape(n, 4, 3, 2)  # (n, 4, 3, 2)
    attention = softmax @ value_split.swapaxes(1, 2)  # (n, 3, 4, 2)
    attention_rows = attention.swapaxes(1, 2).reshape(-1, 6)  # (4n, 6)
    x = (attention_rows @ Wo.T).reshape(n, 4, 6) + rms_norm  # (n, 4, 6)
    scale3 = (np.vecdot(x, x) / 6 + 1e-05) ** (-0.5)  # (n, 4)
    rms_norm3 = x * scale3[..., None]  # (n, 4, 6)
    rms_norm3_rows = rms_norm3.reshape(-1, 6)  # (4n, 6)
    z1 = (rms_norm3_rows @ W1.T).reshape(n, 4, 24)  # (n, 4, 24)
    hidden1_rows = np.maximum(z1, 0).reshape(-1, 24)  # (4n, 24)
    z2 = (hidden1_rows @ W2.T).reshape(n, 4, 6) + x  # (n, 4, 6)
    z2_rows = z2.reshape(-1, 6)  # (4n, 6)
    logits = (z2_rows @ unembedding.T).reshape(n, 4, 5)  # (n, 4, 5)
    logits_max = logits.max(axis=-1)  # (n, 4)
    logits_exponentials = np.exp(logits - logits_max[..., None])  # (n, 4, 5)
    logits_exponentials_sum = logits_exponentials.sum(axis=-1)  # (n, 4)
    picked = logits[np.arange(n)[:, None], np.arange(4), targets]  # (n, 4)
    losses = logits_max + np.log(logits_exponentials_sum) - picked  # (n, 4)
    loss = losses.mean(axis=-1).mean()

    # backward: derivatives of the sum over all examples, divided by n at the end
    logits_softmax = logits_exponentials / logits_exponentials_sum[..., None]  # (n, 4, 5)
    targets_one_hot = targets[..., None] == classes  # (n, 4, 5)
    dlogits = 0.25 * (logits_softmax - targets_one_hot)  # (n, 4, 5)
    dlogits_rows = dlogits.reshape(-1, 5)  # (4n, 5)
    dunembedding[...] = dlogits_rows.T @ z2_rows  # (5, 6)
    dz2 = (dlogits_rows @ unembedding).reshape(n, 4, 6)  # (n, 4, 6)
    dz2_rows = dz2.reshape(-1, 6)  # (4n, 6)
    dW2[...] = dz2_rows.T @ hidden1_rows  # (6, 24)
    dz1 = (dz2_rows @ W2).reshape(n, 4, 24) * (z1 > 0)  # (n, 4, 24)
    dz1_rows = dz1.reshape(-1, 24)  # (4n, 24)
    dW1[...] = dz1_rows.T @ rms_norm3_rows  # (24, 6)
    drms_norm3 = (dz1_rows @ W1).reshape(n, 4, 6)  # (n, 4, 6)
    mean = 1 / 6 * np.vecdot(rms_norm3, drms_norm3)  # (n, 4)
    dx = dz2 + scale3[..., None] * (drms_norm3 - rms_norm3 * mean[..., None])  # (n, 4, 6)
    dx_rows = dx.reshape(-1, 6)  # (4n, 6)
    dWo[...] = dx_rows.T @ attention_rows  # (6, 6)
    dattention = (dx_rows @ Wo).reshape(n, 4, 3, 2).swapaxes(1, 2)  # (n, 3, 4, 2)
    dsoftmax = dattention @ value_split.transpose(0, 2, 3, 1)  # (n, 3, 4, 4)
    dscores = softmax * (dsoftmax - np.vecdot(softmax, dsoftmax)[..., None])  # (n, 3, 4, 4)
    ddot = dscores * (1 / 2 ** 0.5)  # (n, 3, 4, 4)
    dvalue_rows = (softmax.swapaxes(2, 3) @ dattention).swapaxes(1, 2).reshape(-1, 6)  # (4n, 6)
    dWv[...] = dvalue_rows.T @ rms_norm2_rows  # (6, 6)
    dkey_rows = (ddot.swapaxes(2, 3) @ query).swapaxes(1, 2).reshape(-1, 6)  # (4n, 6)
    dWk[...] = dkey_rows.T @ rms_norm2_rows  # (6, 6)
    dquery_rows = (ddot @ key_split.swapaxes(1, 2)).swapaxes(1, 2).reshape(-1, 6)  # (4n, 6)
    dWq[...] = dquery_rows.T @ rms_norm2_rows  # (6, 6)
    drms_norm2 = (
        dvalue_rows @ Wv + dkey_rows @ Wk + dquery_rows @ Wq
    ).reshape(n, 4, 6)  # (n, 4, 6)
    mean2 = 1 / 6 * np.vecdot(rms_norm2, drms_norm2)  # (n, 4)
    drms_norm = (
        dx
        + scale2[..., None] * (drms_norm2 - rms_norm2 * mean2[..., None])
    )  # (n, 4, 6)
    dtotal = (
        scale[..., None]
        * (drms_norm - rms_norm * (1 / 6 * np.vecdot(rms_norm, drms_norm))[..., None])
    )  # (n, 4, 6)
    dposition[...] = dtotal.sum(axis=0)  # (4, 6)
    tokens_one_hot = tokens[..., None] == classes  # (n, 4, 5)
    dembedding[...] = tokens_one_hot.reshape(-1, 5).T @ dtotal.reshape(-1, 6)  # (5, 6)
    dtheta /= n
    return loss, dtheta

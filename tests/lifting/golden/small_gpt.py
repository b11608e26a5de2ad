"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

causal = np.tri(4, dtype=bool)
classes = np.arange(5)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    embedding = theta[0:20].reshape(5, 4)  # (5, 4)
    position = theta[20:36].reshape(4, 4)  # (4, 4)
    Wq = theta[36:52].reshape(4, 4)  # (4, 4)
    Wk = theta[52:68].reshape(4, 4)  # (4, 4)
    Wv = theta[68:84].reshape(4, 4)  # (4, 4)
    Wo = theta[84:100].reshape(4, 4)  # (4, 4)
    W1 = theta[100:164].reshape(16, 4)  # (16, 4)
    W2 = theta[164:228].reshape(4, 16)  # (4, 16)
    unembedding = theta[228:248].reshape(5, 4)  # (5, 4)
    return embedding, position, Wq, Wk, Wv, Wo, W1, W2, unembedding


def loss_and_gradient(theta, tokens, targets):
    """Returns the mean loss over the n examples, and its gradient."""
    theta = np.asarray(theta, float)
    tokens = np.asarray(tokens)
    targets = np.asarray(targets)
    n = len(tokens)
    assert theta.shape == (248,), theta.shape
    assert tokens.shape == (n, 4), tokens.shape
    assert (tokens >= 0).all(), tokens
    assert targets.shape == (n, 4), targets.shape
    assert (targets >= 0).all(), targets
    embedding, position, Wq, Wk, Wv, Wo, W1, W2, unembedding = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    dembedding, dposition, dWq, dWk, dWv, dWo, dW1, dW2, dunembedding = unpack(dtheta)

    # forward
    total = position + embedding[tokens]  # (n, 4, 4)
    scale = (np.vecdot(total, total) / 4 + 1e-05) ** (-0.5)  # (n, 4)
    rms_norm = total * scale[..., None]  # (n, 4, 4)
    scale2 = (np.vecdot(rms_norm, rms_norm) / 4 + 1e-05) ** (-0.5)  # (n, 4)
    rms_norm2 = rms_norm * scale2[..., None]  # (n, 4, 4)
    # rows: all examples below each other, for one product
    rms_norm2_rows = rms_norm2.reshape(-1, 4)  # (4n, 4)
    query = (rms_norm2_rows @ Wq.T).reshape(n, 4, 2, 2).swapaxes(1, 2)  # (n, 2, 4, 2)
    key_split = (rms_norm2_rows @ Wk.T).reshape(n, 4, 2, 2)  # (n, 4, 2, 2)
    dot = query @ key_split.transpose(0, 2, 3, 1)  # (n, 2, 4, 4)
    scores = np.where(causal, dot / 2 ** 0.5, -np.inf)  # (n, 2, 4, 4)
    top = scores.max(axis=-1)  # (n, 2, 4)
    exponentials = np.exp(scores - top[..., None])  # (n, 2, 4, 4)
    exponentials_sum = exponentials.sum(axis=-1)  # (n, 2, 4)
    softmax = exponentials / exponentials_sum[..., None]  # (n, 2, 4, 4)
    value_split = (rms_norm2_rows @ Wv.T).reshape(n, 4, 2, 2)  # (n, 4, 2, 2)
    attention = softmax @ value_split.swapaxes(1, 2)  # (n, 2, 4, 2)
    attention_rows = attention.swapaxes(1, 2).reshape(-1, 4)  # (4n, 4)
    x = (attention_rows @ Wo.T).reshape(n, 4, 4) + rms_norm  # (n, 4, 4)
    scale3 = (np.vecdot(x, x) / 4 + 1e-05) ** (-0.5)  # (n, 4)
    rms_norm3 = x * scale3[..., None]  # (n, 4, 4)
    rms_norm3_rows = rms_norm3.reshape(-1, 4)  # (4n, 4)
    z1 = (rms_norm3_rows @ W1.T).reshape(n, 4, 16)  # (n, 4, 16)
    hidden1_rows = np.maximum(z1, 0).reshape(-1, 16)  # (4n, 16)
    z2 = (hidden1_rows @ W2.T).reshape(n, 4, 4) + x  # (n, 4, 4)
    z2_rows = z2.reshape(-1, 4)  # (4n, 4)
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
    dunembedding[...] = dlogits_rows.T @ z2_rows  # (5, 4)
    dz2 = (dlogits_rows @ unembedding).reshape(n, 4, 4)  # (n, 4, 4)
    dz2_rows = dz2.reshape(-1, 4)  # (4n, 4)
    dW2[...] = dz2_rows.T @ hidden1_rows  # (4, 16)
    dz1 = (dz2_rows @ W2).reshape(n, 4, 16) * (z1 > 0)  # (n, 4, 16)
    dz1_rows = dz1.reshape(-1, 16)  # (4n, 16)
    dW1[...] = dz1_rows.T @ rms_norm3_rows  # (16, 4)
    drms_norm3 = (dz1_rows @ W1).reshape(n, 4, 4)  # (n, 4, 4)
    mean = 0.25 * np.vecdot(rms_norm3, drms_norm3)  # (n, 4)
    dx = dz2 + scale3[..., None] * (drms_norm3 - rms_norm3 * mean[..., None])  # (n, 4, 4)
    dx_rows = dx.reshape(-1, 4)  # (4n, 4)
    dWo[...] = dx_rows.T @ attention_rows  # (4, 4)
    dattention = (dx_rows @ Wo).reshape(n, 4, 2, 2).swapaxes(1, 2)  # (n, 2, 4, 2)
    dsoftmax = dattention @ value_split.transpose(0, 2, 3, 1)  # (n, 2, 4, 4)
    dscores = softmax * (dsoftmax - np.vecdot(softmax, dsoftmax)[..., None])  # (n, 2, 4, 4)
    ddot = dscores * (1 / 2 ** 0.5)  # (n, 2, 4, 4)
    dvalue_rows = (softmax.swapaxes(2, 3) @ dattention).swapaxes(1, 2).reshape(-1, 4)  # (4n, 4)
    dWv[...] = dvalue_rows.T @ rms_norm2_rows  # (4, 4)
    dkey_rows = (ddot.swapaxes(2, 3) @ query).swapaxes(1, 2).reshape(-1, 4)  # (4n, 4)
    dWk[...] = dkey_rows.T @ rms_norm2_rows  # (4, 4)
    dquery_rows = (ddot @ key_split.swapaxes(1, 2)).swapaxes(1, 2).reshape(-1, 4)  # (4n, 4)
    dWq[...] = dquery_rows.T @ rms_norm2_rows  # (4, 4)
    drms_norm2 = (
        dvalue_rows @ Wv + dkey_rows @ Wk + dquery_rows @ Wq
    ).reshape(n, 4, 4)  # (n, 4, 4)
    mean2 = 0.25 * np.vecdot(rms_norm2, drms_norm2)  # (n, 4)
    drms_norm = (
        dx
        + scale2[..., None] * (drms_norm2 - rms_norm2 * mean2[..., None])
    )  # (n, 4, 4)
    dtotal = (
        scale[..., None]
        * (drms_norm - rms_norm * (0.25 * np.vecdot(rms_norm, drms_norm))[..., None])
    )  # (n, 4, 4)
    dposition[...] = dtotal.sum(axis=0)  # (4, 4)
    tokens_one_hot = tokens[..., None] == classes  # (n, 4, 5)
    dembedding[...] = tokens_one_hot.reshape(-1, 5).T @ dtotal.reshape(-1, 4)  # (5, 4)
    dtheta /= n
    return loss, dtheta

"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

mask = ~np.eye(4, dtype=bool)


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    at = theta[0:8].reshape(4, 2)  # (4, 2)
    return (at,)


def loss_and_gradient(theta, wanted):
    """Returns the loss, and its gradient."""
    theta = np.asarray(theta, float)
    wanted = np.asarray(wanted, float)
    assert theta.shape == (8,), theta.shape
    assert wanted.shape == (4, 4), wanted.shape
    (at,) = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    (dat,) = unpack(dtheta)

    # forward
    difference = at[..., None] - at.T  # (4, 2, 4)
    total = np.einsum('ikj,ikj->ij', difference, difference) + 1  # (4, 4)
    total_inverse = 1 / total  # (4, 4)
    whole = np.where(mask, total_inverse, 0).sum()
    ratio = np.where(mask, wanted * whole / total_inverse, 1)  # (4, 4)
    wanted_split = wanted.reshape(16)  # (16,)
    loss = wanted_split @ np.log(ratio).reshape(16)

    # backward
    dproduct = wanted * np.where(mask, 1 / ratio, 0) / total_inverse  # (4, 4)
    slope = -np.where(mask, total_inverse / total, 0)  # (4, 4)
    dtotal = (wanted_split @ dproduct.reshape(16) - ratio * dproduct) * slope  # (4, 4)
    ddifference = dtotal[:, None] * (2 * difference)  # (4, 2, 4)
    dat[...] = ddifference.sum(axis=-1) - ddifference.sum(axis=0).T  # (4, 2)
    return loss, dtheta

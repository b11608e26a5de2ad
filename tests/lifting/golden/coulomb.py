"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np

mask = np.tri(3, dtype=bool).T


def unpack(theta):
    """Returns the arrays in theta, as views: what is written into them is written into theta.

    The order is that of program.parameters(), and need not be that of model.parameters().
    """
    at = theta[0:8].reshape(4, 2)  # (4, 2)
    return (at,)


def loss_and_gradient(theta, charge):
    """Returns the loss, and its gradient."""
    theta = np.asarray(theta, float)
    charge = np.asarray(charge, float)
    assert theta.shape == (8,), theta.shape
    assert charge.shape == (4,), charge.shape
    (at,) = unpack(theta)
    dtheta = np.empty_like(theta)  # filled through views of its parts
    (dat,) = unpack(dtheta)

    # forward
    difference = np.where(mask[:, None], at[:3][..., None] - at[1:4].T, 0)  # (3, 2, 3)
    total = np.einsum('ikj,ikj->ij', difference, difference)  # (3, 3)
    distance = np.where(mask, np.sqrt(total), 1)  # (3, 3)
    ratio = np.where(mask, charge[:3][:, None] * charge[1:4], 0) / distance  # (3, 3)
    loss = ratio.sum()

    # backward
    ddifference = -(difference * (ratio / distance / distance)[:, None])  # (3, 2, 3)
    dat[...] = (
        np.pad(ddifference.sum(axis=-1), ((0, 1), (0, 0)))
        + np.pad((-ddifference).sum(axis=0).T, ((1, 0), (0, 0)))
    )  # (4, 2)
    return loss, dtheta

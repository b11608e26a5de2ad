"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    first = theta[0:8].reshape(4, 2)  # (4, 2)
    second = theta[8:16].reshape(2, 4)  # (2, 4)
    return first, second


def loss_and_gradient(theta, x, y):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(x)
    assert theta.shape == (16,), theta.shape
    assert x.shape == (n, 2), x.shape
    assert y.shape == (n,), y.shape
    first, second = unpack(theta)
    dtheta = np.empty_like(theta)
    dfirst, dsecond = unpack(dtheta)
    # forward
    first_sum = x @ first.T  # (n, 4)
    inside = np.tanh(first_sum)  # (n, 4)
    total = x + (inside @ second.T) * 0.1  # (n, 2)
    first_sum2 = total @ first.T  # (n, 4)
    inside2 = np.tanh(first_sum2)  # (n, 4)
    total2 = total + (inside2 @ second.T) * 0.1  # (n, 2)
    first_sum3 = total2 @ first.T  # (n, 4)
    inside3 = np.tanh(first_sum3)  # (n, 4)
    total3 = total2 + (inside3 @ second.T) * 0.1  # (n, 2)
    first_sum4 = total3 @ first.T  # (n, 4)
    inside4 = np.tanh(first_sum4)  # (n, 4)
    total4 = total3 + (inside4 @ second.T) * 0.1  # (n, 2)
    first_sum5 = total4 @ first.T  # (n, 4)
    inside5 = np.tanh(first_sum5)  # (n, 4)
    total5 = total4 + (inside5 @ second.T) * 0.1  # (n, 2)
    first_sum6 = total5 @ first.T  # (n, 4)
    inside6 = np.tanh(first_sum6)  # (n, 4)
    total6 = total5 + (inside6 @ second.T) * 0.1  # (n, 2)
    first_sum7 = total6 @ first.T  # (n, 4)
    inside7 = np.tanh(first_sum7)  # (n, 4)
    total7 = total6 + (inside7 @ second.T) * 0.1  # (n, 2)
    first_sum8 = total7 @ first.T  # (n, 4)
    inside8 = np.tanh(first_sum8)  # (n, 4)
    h = total7[:, 0] + (inside8 @ second[0]) * 0.1  # (n,)
    difference = h - y  # (n,)
    loss = (difference * difference).sum() / n

    # backward
    ddifference = 2 * difference  # (n,)
    doutput = 0.1 * ddifference  # (n,)
    dfirst_sum8 = second[0] * doutput[:, None] * (1 / np.cosh(first_sum8) ** 2)  # (n, 4)
    dtotal7 = dfirst_sum8 @ first[:, 1]  # (n,)
    dslope7 = 0.1 * dtotal7  # (n,)
    dtotal7_2 = dfirst_sum8 @ first[:, 0] + ddifference  # (n,)
    dslope7_2 = 0.1 * dtotal7_2  # (n,)
    sech_squared = 1 / np.cosh(first_sum7) ** 2  # (n, 4)
    dfirst_sum7 = (  # (n, 4)
        (dslope7[:, None] * second[1] + dslope7_2[:, None] * second[0])
        * sech_squared
    )
    dtotal6 = dfirst_sum7 @ first[:, 1] + dtotal7  # (n,)
    dslope6 = 0.1 * dtotal6  # (n,)
    dtotal6_2 = dfirst_sum7 @ first[:, 0] + dtotal7_2  # (n,)
    dslope6_2 = 0.1 * dtotal6_2  # (n,)
    sech_squared2 = 1 / np.cosh(first_sum6) ** 2  # (n, 4)
    dfirst_sum6 = (  # (n, 4)
        (dslope6[:, None] * second[1] + dslope6_2[:, None] * second[0])
        * sech_squared2
    )
    dtotal5 = dfirst_sum6 @ first[:, 1] + dtotal6  # (n,)
    dslope5 = 0.1 * dtotal5  # (n,)
    dtotal5_2 = dfirst_sum6 @ first[:, 0] + dtotal6_2  # (n,)
    dslope5_2 = 0.1 * dtotal5_2  # (n,)
    sech_squared3 = 1 / np.cosh(first_sum5) ** 2  # (n, 4)
    dfirst_sum5 = (  # (n, 4)
        (dslope5[:, None] * second[1] + dslope5_2[:, None] * second[0])
        * sech_squared3
    )
    dtotal4 = dfirst_sum5 @ first[:, 1] + dtotal5  # (n,)
    dslope4 = 0.1 * dtotal4  # (n,)
    dtotal4_2 = dfirst_sum5 @ first[:, 0] + dtotal5_2  # (n,)
    dslope4_2 = 0.1 * dtotal4_2  # (n,)
    sech_squared4 = 1 / np.cosh(first_sum4) ** 2  # (n, 4)
    dfirst_sum4 = (  # (n, 4)
        (dslope4[:, None] * second[1] + dslope4_2[:, None] * second[0])
        * sech_squared4
    )
    dtotal3 = dfirst_sum4 @ first[:, 1] + dtotal4  # (n,)
    dslope3 = 0.1 * dtotal3  # (n,)
    dtotal3_2 = dfirst_sum4 @ first[:, 0] + dtotal4_2  # (n,)
    dslope3_2 = 0.1 * dtotal3_2  # (n,)
    sech_squared5 = 1 / np.cosh(first_sum3) ** 2  # (n, 4)
    dfirst_sum3 = (  # (n, 4)
        (dslope3[:, None] * second[1] + dslope3_2[:, None] * second[0])
        * sech_squared5
    )
    dtotal2 = dfirst_sum3 @ first[:, 1] + dtotal3  # (n,)
    dslope2 = 0.1 * dtotal2  # (n,)
    dtotal2_2 = dfirst_sum3 @ first[:, 0] + dtotal3_2  # (n,)
    dslope2_2 = 0.1 * dtotal2_2  # (n,)
    sech_squared6 = 1 / np.cosh(first_sum2) ** 2  # (n, 4)
    dfirst_sum2 = (  # (n, 4)
        (dslope2[:, None] * second[1] + dslope2_2[:, None] * second[0])
        * sech_squared6
    )
    dslope = 0.1 * (dfirst_sum2 @ first[:, 1] + dtotal2)  # (n,)
    dslope8 = 0.1 * (dfirst_sum2 @ first[:, 0] + dtotal2_2)  # (n,)
    sech_squared7 = 1 / np.cosh(first_sum) ** 2  # (n, 4)
    dfirst_sum = (  # (n, 4)
        (dslope[:, None] * second[1] + dslope8[:, None] * second[0])
        * sech_squared7
    )
    dfirst[...] = (  # (4, 2)
        dfirst_sum8.T @ total7
        + dfirst_sum7.T @ total6
        + dfirst_sum6.T @ total5
        + dfirst_sum5.T @ total4
        + dfirst_sum4.T @ total3
        + dfirst_sum3.T @ total2
        + dfirst_sum2.T @ total
        + dfirst_sum.T @ x
    )
    dsecond[0] = (  # (4,)
        inside8.T @ doutput
        + inside7.T @ dslope7_2
        + inside6.T @ dslope6_2
        + inside5.T @ dslope5_2
        + inside4.T @ dslope4_2
        + inside3.T @ dslope3_2
        + inside2.T @ dslope2_2
        + inside.T @ dslope8
    )
    dsecond[1] = (  # (4,)
        inside7.T @ dslope7
        + inside6.T @ dslope6
        + inside5.T @ dslope5
        + inside4.T @ dslope4
        + inside3.T @ dslope3
        + inside2.T @ dslope2
        + inside.T @ dslope
    )
    dtheta /= n
    return loss, dtheta

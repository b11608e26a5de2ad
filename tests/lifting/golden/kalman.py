"""loss, lifted from scalars to arrays by micrograd_notes."""

import numpy as np


def unpack(theta):
    """Returns the arrays of the parameters, as views into their flat vector."""
    a = theta[0:1].reshape(())  # ()
    q = theta[1:2].reshape(())  # ()
    r = theta[2:3].reshape(())  # ()
    return a, q, r


def loss_and_gradient(theta, ys):
    """Returns the mean loss over the n examples, and its gradient."""
    n = len(ys)
    assert theta.shape == (3,), theta.shape
    assert ys.shape == (n, 6), ys.shape
    a, q, r = unpack(theta)
    dtheta = np.empty_like(theta)
    da, dq, dr = unpack(dtheta)
    # forward
    product = a * 0
    product2 = a * a
    total = q + product2
    total2 = r + total
    difference = ys[:, 0] - product  # (n,)
    ratio = difference * difference / total2  # (n,)
    ratio2 = total / total2
    total3 = product + difference * ratio2  # (n,)
    difference2 = 1 - ratio2
    product3 = total * difference2
    product4 = a * total3  # (n,)
    total4 = q + product2 * product3
    total5 = r + total4
    difference3 = ys[:, 1] - product4  # (n,)
    ratio3 = difference3 * difference3 / total5  # (n,)
    ratio4 = total4 / total5
    total6 = product4 + difference3 * ratio4  # (n,)
    difference4 = 1 - ratio4
    product5 = total4 * difference4
    product6 = a * total6  # (n,)
    total7 = q + product2 * product5
    total8 = r + total7
    difference5 = ys[:, 2] - product6  # (n,)
    ratio5 = difference5 * difference5 / total8  # (n,)
    ratio6 = total7 / total8
    total9 = product6 + difference5 * ratio6  # (n,)
    difference6 = 1 - ratio6
    product7 = total7 * difference6
    product8 = a * total9  # (n,)
    total10 = q + product2 * product7
    total11 = r + total10
    difference7 = ys[:, 3] - product8  # (n,)
    ratio7 = difference7 * difference7 / total11  # (n,)
    ratio8 = total10 / total11
    total12 = product8 + difference7 * ratio8  # (n,)
    difference8 = 1 - ratio8
    product9 = total10 * difference8
    product10 = a * total12  # (n,)
    total13 = q + product2 * product9
    total14 = r + total13
    difference9 = ys[:, 4] - product10  # (n,)
    ratio9 = difference9 * difference9 / total14  # (n,)
    ratio10 = total13 / total14
    total15 = product10 + difference9 * ratio10  # (n,)
    difference10 = 1 - ratio10
    product11 = total13 * difference10
    spread = q + r + product2 * product11
    difference11 = ys[:, 5] - a * total15  # (n,)
    ratio11 = difference11 * difference11 / spread  # (n,)
    log = np.log(total2)
    log2 = np.log(total5)
    log3 = np.log(total8)
    log4 = np.log(total11)
    log5 = np.log(total14)
    log6 = np.log(spread)
    total16 = (  # (n,)
        log
        + ratio
        + log2
        + ratio3
        + log3
        + ratio5
        + log4
        + ratio7
        + log5
        + ratio9
        + log6
        + ratio11
    )
    loss = (total16 / 2).sum() / n

    # backward
    dproduct18 = 0.5 * (1 / spread)
    dproduct17 = -(dproduct18 * (2 * difference11))  # (n,)
    dspread = dproduct18 + -(ratio11 / spread) * 0.5  # (n,)
    dproduct11 = product2 * dspread  # (n,)
    dtotal15 = a * dproduct17  # (n,)
    dratio10 = difference9 * dtotal15 - total13 * dproduct11  # (n,)
    ratio12 = 1 / total14
    dproduct15 = 0.5 * ratio12
    dtotal14 = dratio10 * -(ratio10 / total14) + dproduct15 + -(ratio9 / total14) * 0.5  # (n,)
    dtotal13 = dproduct11 * difference10 + dratio10 * ratio12 + dtotal14  # (n,)
    dproduct9 = product2 * dtotal13  # (n,)
    dproduct10 = dtotal15 - ratio10 * dtotal15 - dproduct15 * (2 * difference9)  # (n,)
    dtotal12 = a * dproduct10  # (n,)
    dratio8 = difference7 * dtotal12 - total10 * dproduct9  # (n,)
    ratio13 = 1 / total11
    dproduct12 = 0.5 * ratio13
    dtotal11 = dratio8 * -(ratio8 / total11) + dproduct12 + -(ratio7 / total11) * 0.5  # (n,)
    dtotal10 = dproduct9 * difference8 + dratio8 * ratio13 + dtotal11  # (n,)
    dproduct7 = product2 * dtotal10  # (n,)
    dproduct8 = dtotal12 - ratio8 * dtotal12 - dproduct12 * (2 * difference7)  # (n,)
    dtotal9 = a * dproduct8  # (n,)
    dratio6 = difference5 * dtotal9 - total7 * dproduct7  # (n,)
    ratio14 = 1 / total8
    dproduct9_2 = 0.5 * ratio14
    dtotal8 = dratio6 * -(ratio6 / total8) + dproduct9_2 + -(ratio5 / total8) * 0.5  # (n,)
    dtotal7 = dproduct7 * difference6 + dratio6 * ratio14 + dtotal8  # (n,)
    dproduct5 = product2 * dtotal7  # (n,)
    dproduct6 = dtotal9 - ratio6 * dtotal9 - dproduct9_2 * (2 * difference5)  # (n,)
    dtotal6 = a * dproduct6  # (n,)
    dratio4 = difference3 * dtotal6 - total4 * dproduct5  # (n,)
    ratio15 = 1 / total5
    dproduct6_2 = 0.5 * ratio15
    dtotal5 = dratio4 * -(ratio4 / total5) + dproduct6_2 + -(ratio3 / total5) * 0.5  # (n,)
    dtotal4 = dproduct5 * difference4 + dratio4 * ratio15 + dtotal5  # (n,)
    dproduct3 = product2 * dtotal4  # (n,)
    dproduct4 = dtotal6 - ratio4 * dtotal6 - dproduct6_2 * (2 * difference3)  # (n,)
    dtotal3 = a * dproduct4  # (n,)
    dratio2 = difference * dtotal3 - total * dproduct3  # (n,)
    ratio16 = 1 / total2
    dproduct3_2 = 0.5 * ratio16
    dtotal2 = dratio2 * -(ratio2 / total2) + dproduct3_2 + -(ratio / total2) * 0.5  # (n,)
    dtotal = dproduct3 * difference2 + dratio2 * ratio16 + dtotal2  # (n,)
    dproduct = dtotal3 - ratio2 * dtotal3 - dproduct3_2 * (2 * difference)  # (n,)
    product12 = a * (product11 * dspread)  # (n,)
    product13 = a * (product9 * dtotal13)  # (n,)
    product14 = a * (product7 * dtotal10)  # (n,)
    product15 = a * (product5 * dtotal7)  # (n,)
    product16 = a * (product3 * dtotal4)  # (n,)
    product17 = a * dtotal  # (n,)
    da[...] = (
        total15 @ dproduct17
        + total12 @ dproduct10
        + total9 @ dproduct8
        + total6 @ dproduct6
        + total3 @ dproduct4
        + dproduct.sum() * 0
        + product12.sum() * 2
        + product13.sum() * 2
        + product14.sum() * 2
        + product15.sum() * 2
        + product16.sum() * 2
        + product17.sum() * 2
    )
    dspread_sum = dspread.sum()
    dq[...] = (
        dspread_sum
        + dtotal13.sum()
        + dtotal10.sum()
        + dtotal7.sum()
        + dtotal4.sum()
        + dtotal.sum()
    )
    dr[...] = (
        dspread_sum
        + dtotal14.sum()
        + dtotal11.sum()
        + dtotal8.sum()
        + dtotal5.sum()
        + dtotal2.sum()
    )
    dtheta /= n
    return loss, dtheta

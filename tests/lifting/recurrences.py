"""Recurrences as learners write them, each for any number of steps."""

from collections.abc import Callable
from functools import cache
from typing import Any

from micrograd_notes import Value
from micrograd_notes.engine.functions import softmax
from micrograd_notes.engine.ops import exp, log, logsumexp, relu, sigmoid, sin, tanh
from micrograd_notes.lifting import Lifted, lift
from tests.lifting.examples import kalman, numbers, values

Recurrence = Callable[[int], tuple[Lifted, tuple[Any, ...]]]
RECURRENCES: dict[str, Recurrence] = {}


def recurrence(make: Recurrence) -> Recurrence:
    """Registers a recurrence by the name of its function; tests share its programs."""
    RECURRENCES[make.__name__] = cache(make)
    return make


def dot(these: Any, those: Any) -> Any:
    """Returns the sum of products."""
    return sum(a * b for a, b in zip(these, those, strict=True))


def times(matrix: Any, x: Any) -> list[Any]:
    """Returns a matrix times a vector."""
    return [dot(row, x) for row in matrix]


# ---- networks ------------------------------------------------------------------------------------


def rnn_step(inner: Any, outer: Any, bias: Any, h: Any, x: Any) -> list[Any]:
    """Returns the next state of a simple recurrent network."""
    pairs = zip(times(inner, h), times(outer, x), bias, strict=True)
    return [tanh(a + b + c) for a, b, c in pairs]


@recurrence
def rnn(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    inner, outer, bias, out = values(0, 3, 3), values(1, 3, 2), values(2, 3), values(3, 3)

    def loss(xs: Any, ys: Any) -> Any:
        h: list[Any] = [0.0] * 3
        total: Any = 0.0
        for x, y in zip(xs, ys, strict=True):
            h = rnn_step(inner, outer, bias, h, x)
            total = total + (dot(out, h) - y) ** 2
        return total

    given = {"inner": inner, "outer": outer, "bias": bias, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3, length))


@recurrence
def lstm(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    gates, out = values(0, 4, 3, 6), values(2, 3)

    def loss(xs: Any, y: Any) -> Any:
        h: list[Any] = [0.0] * 3
        c: list[Any] = [0.0] * 3
        for x in xs:
            z = [times(gate, [*x, *h, 1.0]) for gate in gates]
            c = [sigmoid(f) * a + sigmoid(i) * tanh(g)
                 for f, i, g, a in zip(z[0], z[1], z[2], c, strict=True)]
            h = [sigmoid(o) * tanh(a) for o, a in zip(z[3], c, strict=True)]
        return (dot(out, h) - y) ** 2

    return lift(loss, parameters={"gates": gates, "out": out}), (
        numbers(0, 3, length, 2), numbers(1, 3))


@recurrence
def gru(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    update, reset, change, out = (values(k, 3, 5) for k in range(4))

    def loss(xs: Any) -> Any:
        h: list[Any] = [0.0] * 3
        for x in xs:
            z = [sigmoid(a) for a in times(update, [*x, *h])]
            r = [sigmoid(a) for a in times(reset, [*x, *h])]
            mixed = [*x, *(a * b for a, b in zip(r, h, strict=True))]
            new = [tanh(a) for a in times(change, mixed)]
            h = [(1 - u) * a + u * b for u, a, b in zip(z, h, new, strict=True)]
        return logsumexp(times(out, [*h, 1.0, 0.5]))

    given = {"update": update, "reset": reset, "change": change, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2),)


@recurrence
def both_directions(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    inner, outer, bias = values(0, 2, 3, 3), values(1, 2, 3, 2), values(2, 2, 3)
    out = values(3, 6)

    def loss(xs: Any, ys: Any) -> Any:
        states: list[Any] = []
        for k, order in enumerate((list(xs), list(reversed(xs)))):
            h: list[Any] = [0.0] * 3
            found = []
            for x in order:
                h = rnn_step(inner[k], outer[k], bias[k], h, x)
                found.append(h)
            states.append(found if k == 0 else found[::-1])
        total: Any = 0.0
        for there, back, y in zip(*states, ys, strict=True):
            total = total + (dot(out, [*there, *back]) - y) ** 2
        return total / len(ys)

    given = {"inner": inner, "outer": outer, "bias": bias, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3, length))


@recurrence
def stacked(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    inner, outer, bias = values(0, 2, 3, 3), values(1, 3, 2), values(2, 2, 3)
    between, out = values(4, 3, 3), values(3, 3)

    def loss(xs: Any, y: Any) -> Any:
        g: list[Any] = [0.0] * 3
        h: list[Any] = [0.0] * 3
        for x in xs:
            g = rnn_step(inner[0], outer, bias[0], g, x)
            h = rnn_step(inner[1], between, bias[1], h, g)
        return (dot(out, h) - y) ** 2

    given = {"inner": inner, "outer": outer, "bias": bias, "between": between, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3))


@recurrence
def attention_over_states(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    inner, outer, bias = values(0, 3, 3), values(1, 3, 2), values(2, 3)
    query, out = values(3, 3), values(4, 3)

    def loss(xs: Any, y: Any) -> Any:
        h: list[Any] = [0.0] * 3
        states = []
        for x in xs:
            h = rnn_step(inner, outer, bias, h, x)
            states.append(h)
        shares = softmax([dot(query, state) for state in states])
        mean = [dot(shares, column) for column in zip(*states, strict=True)]
        return (dot(out, mean) - y) ** 2

    given = {"inner": inner, "outer": outer, "bias": bias, "query": query, "out": out}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3))


@recurrence
def residual_layers(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    weights = values(0, length, 3, 3)

    def loss(x: Any, y: Any) -> Any:
        h = list(x)
        for matrix in weights:
            h = [a + relu(b) for a, b in zip(h, times(matrix, h), strict=True)]
        return (sum(h) - y) ** 2

    return lift(loss, parameters={"weights": weights}), (numbers(0, 3, 3), numbers(1, 3))


@recurrence
def layers_of_their_own(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    weights, biases = values(0, length, 3, 3), values(1, length, 3)

    def loss(x: Any, y: Any) -> Any:
        h = list(x)
        for matrix, bias in zip(weights, biases, strict=True):
            h = [tanh(a + b) for a, b in zip(times(matrix, h), bias, strict=True)]
        return (sum(h) - y) ** 2

    given = {"weights": weights, "biases": biases}
    return lift(loss, parameters=given), (numbers(0, 3, 3), numbers(1, 3))


# ---- series --------------------------------------------------------------------------------------


@recurrence
def moving_average(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    alpha = Value(0.3)

    def loss(xs: Any) -> Any:
        level, total = xs[0], 0.0  # type: Any, Any
        for x in xs[1:]:
            total = total + (x - level) ** 2
            level = alpha * x + (1 - alpha) * level
        return total

    return lift(loss, parameters={"alpha": alpha}), (numbers(0, 3, length + 1),)


@recurrence
def moving_average_from_zero(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    alpha = Value(0.3)

    def loss(xs: Any, y: Any) -> Any:
        level: Any = 0.0
        for x in xs:
            level = alpha * x + (1 - alpha) * level
        return (level - y) ** 2

    return lift(loss, parameters={"alpha": alpha}), (numbers(0, 3, length), numbers(1, 3))


@recurrence
def moving_average_scored(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    alpha = Value(0.3)

    def loss(xs: Any) -> Any:
        level, total = 0.0, 0.0  # type: Any, Any
        for x in xs:
            total = total + (x - level) ** 2
            level = level + alpha * (x - level)
        return total / len(xs)

    return lift(loss, parameters={"alpha": alpha}), (numbers(0, 3, length),)


def smoothed(alpha: Any, beta: Any, level: Any, trend: Any, xs: Any) -> Any:
    """Returns the squared errors of Holt's forecasts, each of the last level and trend."""
    total: Any = 0.0
    for x in xs:
        total = total + (x - (level + trend)) ** 2
        new = alpha * x + (1 - alpha) * (level + trend)
        trend = beta * (new - level) + (1 - beta) * trend
        level = new
    return total


@recurrence
def holt(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    alpha, beta = Value(0.3), Value(0.2)

    def loss(xs: Any) -> Any:
        return smoothed(alpha, beta, xs[0], xs[1] - xs[0], xs[2:])

    return lift(loss, parameters={"alpha": alpha, "beta": beta}), (numbers(0, 3, length + 2),)


@recurrence
def holt_from_zero(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    alpha, beta = Value(0.3), Value(0.2)

    def loss(xs: Any) -> Any:
        return smoothed(alpha, beta, xs[0], 0.0, xs[1:])

    return lift(loss, parameters={"alpha": alpha, "beta": beta}), (numbers(0, 3, length + 1),)


@recurrence
def autoregression(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    w, bias = values(0, 3), Value(0.1)

    def loss(xs: Any) -> Any:
        total: Any = 0.0
        for t in range(3, len(xs)):
            total = total + (dot(w, xs[t - 3 : t]) + bias - xs[t]) ** 2
        return total

    return lift(loss, parameters={"w": w, "bias": bias}), (numbers(0, 3, length + 3),)


@recurrence
def free_running(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    w, bias = values(0, 3), Value(0.1)

    def loss(start: Any, y: Any) -> Any:
        last = list(start)
        for _ in range(length):
            last = [*last[1:], dot(w, last) + bias]
        return (last[-1] - y) ** 2

    return lift(loss, parameters={"w": w, "bias": bias}), (numbers(0, 3, 3), numbers(1, 3))


@recurrence
def garch(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    omega, alpha, beta = Value(0.1), Value(0.2), Value(0.7)

    def loss(xs: Any) -> Any:
        variance, total = 1.0, 0.0  # type: Any, Any
        for x in xs:
            total = total + log(variance) + x * x / variance
            variance = omega + alpha * x * x + beta * variance
        return total / 2

    given = {"omega": omega, "alpha": alpha, "beta": beta}
    return lift(loss, parameters=given), (numbers(0, 3, length),)


@recurrence
def forward_algorithm_scaled(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    begin, moves, means = values(0, 3), values(1, 3, 3), values(2, 3)

    def loss(xs: Any) -> Any:
        rows = [softmax(row) for row in moves]
        share, total = softmax(begin), 0.0  # type: Any, Any
        for x in xs:
            seen = [a * exp(-0.5 * (x - m) ** 2) for a, m in zip(share, means, strict=True)]
            whole = sum(seen)
            total = total - log(whole)
            now = [a / whole for a in seen]
            share = [dot(now, column) for column in zip(*rows, strict=True)]
        return total

    given = {"begin": begin, "moves": moves, "means": means}
    return lift(loss, parameters=given), (numbers(0, 3, length),)


@recurrence
def forward_algorithm_in_logs(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    begin, moves, means = values(0, 3), values(1, 3, 3), values(2, 3)

    def loss(xs: Any) -> Any:
        def seen(x: Any) -> list[Any]:
            return [-0.5 * (x - mean) ** 2 for mean in means]

        alpha = [a + b for a, b in zip(begin, seen(xs[0]), strict=True)]
        for x in xs[1:]:
            alpha = [
                logsumexp([alpha[i] + moves[i][j] for i in range(3)]) + b
                for j, b in enumerate(seen(x))
            ]
        return -logsumexp(alpha)

    given = {"begin": begin, "moves": moves, "means": means}
    return lift(loss, parameters=given), (numbers(0, 3, length + 1),)


@recurrence
def forward_algorithm_scores(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """As the one in logs, with uniform starts."""
    moves, out = values(1, 3, 3), values(2, 3)

    def loss(xs: Any) -> Any:
        alpha: list[Any] = [0.0] * 3
        for x in xs:
            alpha = [
                logsumexp([alpha[i] + moves[i][j] for i in range(3)]) + out[j] * x
                for j in range(3)
            ]
        return logsumexp(alpha)

    return lift(loss, parameters={"moves": moves, "out": out}), (numbers(0, 3, length),)


@recurrence
def two_before(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """Each guess reads the last two, which start as numbers that are given."""
    a, b = Value(0.5), Value(-0.3)

    def loss(xs: Any) -> Any:
        guesses = [*xs[:2]]
        for x in xs[2:]:
            guesses.append(a * guesses[-1] + b * guesses[-2] + x)
        return sum((guess - x) ** 2 for guess, x in zip(guesses, xs, strict=True))

    return lift(loss, parameters={"a": a, "b": b}), (numbers(0, 3, length + 2),)


@recurrence
def fibonacci(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    a, b, start = Value(0.5), Value(0.4), values(0, 2)

    def loss(y: Any) -> Any:
        u, v = start
        for _ in range(length):
            u, v = v, a * u + b * v
        return (v - y) ** 2

    return lift(loss, parameters={"a": a, "b": b, "start": start}), (numbers(0, 3),)


@recurrence
def three_before(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    a = Value(0.5)

    def loss(xs: Any) -> Any:
        g = [*xs[:3]]
        for t in range(3, len(xs)):
            g.append(tanh(a * g[t - 3] + xs[t]))
        return sum(g)

    return lift(loss, parameters={"a": a}), (numbers(0, 3, length + 3),)


@recurrence
def rnn_of_two_states(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    inner, back, outer, bias = values(0, 3, 3), values(1, 3, 3), values(2, 3, 2), values(3, 3)

    def loss(xs: Any, y: Any) -> Any:
        h: list[Any] = [0.0] * 3
        before = h
        for x in xs:
            far = [a + b for a, b in zip(times(back, before), bias, strict=True)]
            h, before = rnn_step(inner, outer, far, h, x), h
        return (sum(h) - y) ** 2

    given = {"inner": inner, "back": back, "outer": outer, "bias": bias}
    return lift(loss, parameters=given), (numbers(0, 3, length, 2), numbers(1, 3))


# ---- filters and control -------------------------------------------------------------------------


recurrence(kalman)


def product(A: Any, B: Any) -> list[list[Any]]:
    """Returns the product of two matrices."""
    return [[dot(row, column) for column in zip(*B, strict=True)] for row in A]


def plus(A: Any, B: Any) -> list[list[Any]]:
    """Returns the sum of two matrices."""
    return [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(A, B, strict=True)]


def transposed(A: Any) -> list[list[Any]]:
    """Returns a matrix with rows as columns."""
    return [[*column] for column in zip(*A, strict=True)]


@recurrence
def kalman_2x2(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    A, q, r = values(0, 2, 2), Value(0.3), Value(0.5)

    def loss(ys: Any) -> Any:
        mean: Any = [0.0, 0.0]
        P: Any = [[1.0, 0.0], [0.0, 1.0]]
        noise, total = [[q, 0.0], [0.0, q]], 0.0  # type: Any, Any
        for y in ys:
            mean = times(A, mean)
            P = plus(product(product(A, P), transposed(A)), noise)
            S = P[0][0] + r
            gain = [P[0][0] / S, P[1][0] / S]
            error = y - mean[0]
            total = total + log(S) + error * error / S
            mean = [m + k * error for m, k in zip(mean, gain, strict=True)]
            P = [[P[i][j] - gain[i] * P[0][j] for j in range(2)] for i in range(2)]
        return total / 2

    return lift(loss, parameters={"A": A, "q": q, "r": r}), (numbers(0, 3, length),)


@recurrence
def kalman_tracking(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """Place and speed; both are measured, so the innovation's covariance is a 2x2 inverse."""
    q, r = Value(0.3), Value(0.5)
    A = [[1.0, 0.1], [0.0, 1.0]]

    def loss(ys: Any) -> Any:
        mean: Any = [0.0, 0.0]
        P: Any = [[1.0, 0.0], [0.0, 1.0]]
        Q, R = [[q, 0.0], [0.0, q]], [[r, 0.0], [0.0, r]]
        total: Any = 0.0
        for y in ys:
            mean = times(A, mean)
            P = plus(product(product(A, P), transposed(A)), Q)
            S = plus(P, R)
            det = S[0][0] * S[1][1] - S[0][1] * S[1][0]
            inverse = [[S[1][1] / det, -S[0][1] / det], [-S[1][0] / det, S[0][0] / det]]
            gain = product(P, inverse)
            error = [a - b for a, b in zip(y, mean, strict=True)]
            total = total + log(det) + dot(error, times(inverse, error))
            mean = [m + d for m, d in zip(mean, times(gain, error), strict=True)]
            left = [[(i == j) - gain[i][j] for j in range(2)] for i in range(2)]
            P = product(left, P)
        return total / 2

    return lift(loss, parameters={"q": q, "r": r}), (numbers(0, 3, length, 2),)


def slope(first: Any, second: Any, h: Any) -> list[Any]:
    """Returns the derivative of a neural ODE's state."""
    return times(second, [tanh(a) for a in times(first, h)])


@recurrence
def neural_ode(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    first, second = values(0, 4, 2), values(1, 2, 4)

    def loss(x: Any, y: Any) -> Any:
        h = list(x)
        for _ in range(length):
            h = [a + 0.1 * b for a, b in zip(h, slope(first, second, h), strict=True)]
        return (h[0] - y) ** 2

    return lift(loss, parameters={"first": first, "second": second}), (
        numbers(0, 3, 2), numbers(1, 3))


@recurrence
def neural_ode_rk4(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    first, second = values(0, 4, 2), values(1, 2, 4)

    def loss(x: Any, y: Any) -> Any:
        def moved(h: Any, k: Any, by: float) -> list[Any]:
            return [a + by * b for a, b in zip(h, k, strict=True)]

        h, dt = list(x), 0.1
        for _ in range(length):
            k1 = slope(first, second, h)
            k2 = slope(first, second, moved(h, k1, dt / 2))
            k3 = slope(first, second, moved(h, k2, dt / 2))
            k4 = slope(first, second, moved(h, k3, dt))
            h = [a + dt / 6 * (b + 2 * c + 2 * d + e)
                 for a, b, c, d, e in zip(h, k1, k2, k3, k4, strict=True)]
        return (h[0] - y) ** 2

    return lift(loss, parameters={"first": first, "second": second}), (
        numbers(0, 3, 2), numbers(1, 3))


@recurrence
def spring(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    stiff, damping = Value(1.2), Value(0.3)

    def loss(place: Any, speed: Any, target: Any) -> Any:
        for _ in range(length):
            change = stiff * place + damping * speed
            place, speed = place + 0.05 * speed, speed - 0.05 * change
        return (place - target) ** 2

    data = numbers(0, 3), numbers(1, 3), numbers(2, 3)
    return lift(loss, parameters=[stiff, damping]), data


@recurrence
def pendulum(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """In leaps: half a step of the speed, one of the angle, and half a step of the speed."""
    pull = Value(1.2)

    def loss(angle: Any, speed: Any, target: Any) -> Any:
        for _ in range(length):
            speed = speed - 0.05 * pull * sin(angle)
            angle = angle + 0.1 * speed
            speed = speed - 0.05 * pull * sin(angle)
        return (angle - target) ** 2

    data = numbers(0, 3), numbers(1, 3), numbers(2, 3)
    return lift(loss, parameters=[pull]), data


@recurrence
def lotka_volterra(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    a, b, c, d = values(0, 4)

    def loss(xs: Any, ys: Any) -> Any:
        prey, hunters, total = 1.0, 0.5, 0.0  # type: Any, Any, Any
        for x, y in zip(xs, ys, strict=True):
            prey, hunters = (
                prey + 0.1 * prey * (a - b * hunters), hunters + 0.1 * hunters * (d * prey - c)
            )
            total = total + (prey - x) ** 2 + (hunters - y) ** 2
        return total

    return lift(loss, parameters={"a": a, "b": b, "c": c, "d": d}, batch=False), (
        numbers(0, length), numbers(1, length))


@recurrence
def leaky_neuron(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    w, leak, threshold = values(0, 3), Value(0.9), Value(1.0)

    def loss(xs: Any, y: Any) -> Any:
        voltage, spikes = 0.0, 0.0  # type: Any, Any
        for x in xs:
            voltage = leak * voltage + dot(w, x)
            spike = sigmoid(5.0 * (voltage - threshold))
            voltage = voltage * (1 - spike)
            spikes = spikes + spike
        return (spikes - y) ** 2

    given = {"w": w, "leak": leak, "threshold": threshold}
    return lift(loss, parameters=given), (numbers(0, 3, length, 3), numbers(1, 3))


@recurrence
def pid_control(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    p, i, d = Value(0.8), Value(0.1), Value(0.05)

    def loss(wanted: Any) -> Any:
        place, whole, before, total = 0.0, 0.0, 0.0, 0.0  # type: Any, Any, Any, Any
        for want in wanted:
            error = want - place
            whole = whole + error * 0.1
            force = p * error + i * whole + d * (error - before) / 0.1
            place = place + 0.1 * (force - 0.5 * place)
            before = error
            total = total + error ** 2
        return total

    return lift(loss, parameters={"p": p, "i": i, "d": d}), (numbers(0, 3, length),)


# ---- backwards, and unrolled learning ------------------------------------------------------------


@recurrence
def from_the_end(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    rate, scale = Value(0.4), Value(1.1)

    def loss(ys: Any) -> Any:
        mean, total = ys[-1], 0.0  # type: Any, Any
        for y in reversed(ys):
            total = total + (y - scale * mean) ** 2
            mean = mean + rate * (y - mean)
        return total / len(ys)

    return lift(loss, parameters={"rate": rate, "scale": scale}), (numbers(0, 3, length),)


@recurrence
def discounted_returns(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    w, gamma = values(0, 2), Value(0.9)

    def loss(states: Any, rewards: Any) -> Any:
        gain, total = 0.0, 0.0  # type: Any, Any
        for state, reward in zip(reversed(states), reversed(rewards), strict=True):
            gain = reward + gamma * gain
            total = total + (dot(w, state) - gain) ** 2
        return total

    return lift(loss, parameters={"w": w, "gamma": gamma}), (
        numbers(0, 3, length, 2), numbers(1, 3, length))


@recurrence
def td_lambda(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    w, bias = values(0, 2), Value(0.2)

    def loss(states: Any, rewards: Any) -> Any:
        guesses = [dot(w, state) + bias for state in states]
        target, total = guesses[-1], 0.0  # type: Any, Any
        for t in reversed(range(len(rewards))):
            target = rewards[t] + 0.9 * (0.2 * guesses[t + 1] + 0.8 * target)
            total = total + (guesses[t] - target) ** 2
        return total

    return lift(loss, parameters={"w": w, "bias": bias}), (
        numbers(0, 3, length + 1, 2), numbers(1, 3, length))


@recurrence
def momentum(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """Gradient descent on a quadratic, unrolled: the rate and the momentum are learned."""
    rate, keep, start = Value(0.1), Value(0.9), values(0, 2)

    def loss(curve: Any, at: Any) -> Any:
        w, v = list(start), [0.0, 0.0]  # type: Any, Any
        for _ in range(length):
            slopes = [c * (a - b) for c, a, b in zip(curve, w, at, strict=True)]
            v = [keep * a - rate * b for a, b in zip(v, slopes, strict=True)]
            w = [a + b for a, b in zip(w, v, strict=True)]
        return sum(c * (a - b) ** 2 for c, a, b in zip(curve, w, at, strict=True))

    given = {"rate": rate, "keep": keep, "start": start}
    return lift(loss, parameters=given), (numbers(0, 3, 2), numbers(1, 3, 2))


@recurrence
def adam(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    rate, start = Value(0.1), Value(0.3)

    def loss(curve: Any, at: Any) -> Any:
        w, m, v = start, 0.0, 0.0  # type: Any, Any, Any
        for t in range(1, length + 1):
            g = curve * (w - at)
            m, v = 0.9 * m + 0.1 * g, 0.99 * v + 0.01 * g * g
            w = w - rate * (m / (1 - 0.9**t)) / ((v / (1 - 0.99**t)) ** 0.5 + 1e-8)
        return curve * (w - at) ** 2

    return lift(loss, parameters={"rate": rate, "start": start}), (numbers(0, 3), numbers(1, 3))


@recurrence
def alignment(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """The forward pass of CTC for two labels with blanks between, in probabilities."""
    weights = values(0, 3, 2)

    def loss(xs: Any) -> Any:
        alpha: Any = [1.0, 0.0, 0.0, 0.0, 0.0]
        for x in xs:
            p = softmax(times(weights, x))
            kinds = [p[0], p[1], p[0], p[2], p[0]]
            alpha = [
                (alpha[0]) * kinds[0],
                (alpha[1] + alpha[0]) * kinds[1],
                (alpha[2] + alpha[1]) * kinds[2],
                (alpha[3] + alpha[2] + alpha[1]) * kinds[3],
                (alpha[4] + alpha[3]) * kinds[4],
            ]
        return -log(alpha[3] + alpha[4])

    return lift(loss, parameters={"weights": weights}), (numbers(0, 3, length, 2),)


@recurrence
def soft_minimum_path(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    """A row of costs after the other: each place is reached from itself and its neighbours."""
    scale = values(0, 3)

    def loss(costs: Any) -> Any:
        best: Any = [0.0, 0.0, 0.0]
        for row in costs:
            best = [
                scale[j] * row[j] - logsumexp([-best[k] for k in (j - 1, j, j + 1) if 0 <= k < 3])
                for j in range(3)
            ]
        return -logsumexp([-b for b in best])

    return lift(loss, parameters={"scale": scale}), (numbers(0, 3, length, 3),)


@recurrence
def heat(length: int) -> tuple[Lifted, tuple[Any, ...]]:
    rate, start = Value(0.2), values(0, 5)

    def loss(target: Any) -> Any:
        u = list(start)
        for _ in range(length):
            inner = [u[k] + rate * (u[k - 1] - 2 * u[k] + u[k + 1]) for k in range(1, 4)]
            u = [u[0], *inner, u[4]]
        return sum((a - b) ** 2 for a, b in zip(u, target, strict=True))

    return lift(loss, parameters={"rate": rate, "start": start}), (numbers(0, 3, 5),)

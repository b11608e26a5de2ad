"""The words of refusals: a thing that a recording can't follow, and how to write it instead.

Each refusal has two texts, for "uses a recorded number as ...; Write ... ."; a third one gives the
reason, if it is another than `NO_VALUE`. `recorded.py` raises them.
"""

NO_VALUE = "while recording its value is not known, and the branch would be frozen into the program"
TRUTH = "asks whether a recorded number is true", "where(condition, a, b)"
WALK = (
    "walks through the graph of a recorded number, as grad() and draw_dot() do",
    "nothing for the gradient of the loss, which the lifted program finds, and a derivative inside "
    "of it by hand, as 2 * w * x. Pictures need the scalars: call the function without lift",
    "a recording does not have a graph to walk through",
)
EQUAL = (
    "compares a recorded number with ==",
    "equal(a, b), which is 1.0 or 0.0, and where(equal(a, b), x, y) instead of an if",
)
UNLIKE = (
    "compares a recorded number with !=",
    "1 - equal(a, b), and where(equal(a, b), y, x) instead of an if",
)
ORDER = (
    "compares a recorded number with < or >, as `if`, `while`, max(), min() and sorted() do",
    "maximum(a, b) or minimum(a, b) instead of max() and min(), clamp(x, low, high) for a number "
    "between two, where(greater(a, b), a, b) instead of an if, and a fixed number of steps instead "
    "of a while; sort or check the data outside",
)

PLAIN = (
    "x.detach() for its number without a gradient, where(x > 0, a, b) instead of an if, and print "
    "or keep numbers outside of the function",
    "while recording its number is not known, and would be frozen into the program",
)

# These methods are refused by name, and below them attributes that are read or set.
METHODS: dict[str, tuple[str, ...]] = {
    "__index__": (
        "uses a recorded number as a whole one, as values[y], range(y) and a list times y do",
        "pick(values, y) for an element, a loop whose length does not depend on the data, "
        "[w * x for x in xs] for a list times a number, and pass np.ravel(y) for a column of "
        "labels",
    ),
    "__mod__ __rmod__": ("calculates a % b with a recorded number", "a - b * floor(a / b)"),
    "__floordiv__ __rfloordiv__": (
        "calculates a // b with a recorded number", "floor(a / b)"
    ),
    "__divmod__ __rdivmod__": ("calls divmod() with a recorded number", "floor(a / b) for a // b"),
    "__lshift__ __rshift__": (
        "shifts the bits of a recorded number", "y * 2**k, or floor(y / 2**k)"
    ),
    "__and__ __rand__ __or__ __ror__ __xor__ __rxor__ __invert__": (
        "uses the bits of a recorded number with &, |, ^ or ~",
        "a * b for both, maximum(a, b) for either and 1 - a for not, of conditions; or calculate "
        "it outside, and pass the result as another input",
    ),
    "__int__": ("turns a recorded number into an int", "floor(x), or pick(values, index)"),
    "__float__": (
        "turns a recorded number into a float, as float(x) and functions of math and NumPy do",
        "x itself, or a function of micrograd_notes, which records: exp(x) for math.exp(x), "
        "sum(xs) for math.fsum(xs)",
    ),
    "__contains__": ("looks into a recorded number", "a list of numbers"),
    "__copy__ __deepcopy__ __reduce_ex__": (
        "copies a recorded number",
        "the number itself, or x.detach() for one without a gradient",
        "a copy does not have a gradient, and its number would be frozen into the program",
    ),
    "item": ("reads item() of a recorded number", *PLAIN),
    "backward": ("calls backward() inside", "nothing: the lifted program finds the gradient"),
}
READ: dict[str, tuple[str, ...]] = {
    "data": ("reads .data of a recorded number", *PLAIN),
    "grad": ("reads .grad of a recorded number", "value_and_grad of the lifted program"),
    "operands has_grad _right _data": WALK,
}
SET: dict[str, tuple[str, ...]] = {
    "data": (
        "sets .data of a recorded number",
        "a new number, y = x + 1, or set it outside of the function, between two calls",
    ),
    "grad": ("sets .grad of a recorded number", "value_and_grad of the lifted program"),
    "requires_grad": ("sets requires_grad of a recorded number", "that outside of the function"),
}

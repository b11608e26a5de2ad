"""Calls into arrays that are made once: how an operation is run, and kept to be run again.

`calls.py` runs each operation of a program here. An operation on numbers that stay the same, such
as `np.arange(n)[:, None]`, is done for good. Any other becomes a call that writes into the array
that NumPy has just made for it, so that this array has the layout that it has in the source. After
its last reader, an array is lent to the next result of the same layout: it is still in the cache.

With `in_columns`, arrays of one row per example are stored column by column. Sums and maxima along
a row then add whole columns, which is several times as fast. Each such array has one column more,
of ones, because x @ W + b is one product: (x, 1) @ (W over b).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from micrograd_notes.common.extras import numpy as np

BUFFER = 1024  # elements of which NumPy makes floats at a time, or copies short rows together
SHORT = 4  # rows are short if there are so many times as many rows as numbers in a row
MOST = 2**28  # bytes of all arrays


class CannotKeep(Exception):
    """The program has an operation without a call, or arrays that are too large to be kept."""


class Tape:
    """The calls so far, and the arrays whose numbers they change."""

    def __init__(self, in_columns: bool) -> None:
        self.calls: list[Callable[[], Any]] = []
        self.in_columns, self.size = in_columns, 0  # bytes of all arrays
        self._changing: dict[int, Any] = {}  # by the id of the array that owns the memory
        self._lent: dict[int, Any] = {}  # until their last reader, by the same id
        self._names: Counter[int] = Counter()  # how many names each array has, by the same id
        self._free: defaultdict[Any, list[Any]] = defaultdict(list)  # by their layout
        self._with_ones: dict[int, Any] = {}

    # ---- arrays ----------------------------------------------------------------------------------

    def kept(self, array: Any) -> Any:
        """Returns an array, or a number as one, whose numbers change from run to run."""
        array = np.asarray(array)
        self._changing[id(_owner(array))] = array
        self.size += array.nbytes
        if self.size > MOST:
            raise CannotKeep(f"more than {MOST} bytes")
        return array

    def changes(self, operand: Any) -> bool:
        """Returns whether the numbers of an operand change from run to run."""
        return isinstance(operand, np.ndarray) and id(_owner(operand)) in self._changing

    def column_by_column(self, array: Any) -> Any:
        """Returns a copy that is stored column by column, over a column of ones."""
        rows, columns = array.shape
        whole = np.ones((columns + 1, rows))
        made = self.kept(whole[:columns].T)
        made[...] = array
        self._with_ones[id(made)] = whole.T
        return made

    def name(self, array: Any) -> None:
        """Keeps the numbers of an array for later lines."""
        self._names[id(_owner(array))] += 1

    def unname(self, array: Any) -> None:
        """Tells that nothing reads an array by one of its names from here on."""
        self._names[id(_owner(array))] -= 1

    def end_line(self) -> None:
        """Lends what has no name to later lines."""
        for key, array in [*self._lent.items()]:
            if not self._names[key]:
                has_ones = id(array) in self._with_ones
                self._free[array.shape, array.strides, array.dtype, has_ones].append(array)
                del self._lent[key]

    def _lends(self, result: Any, has_ones: bool = False) -> Any:
        """Returns an array for a result which each run writes as a whole: a free one, or a new one.

        It has the numbers and the layout of the result.
        """
        result = np.asarray(result)
        free = self._free[result.shape, result.strides, result.dtype, has_ones]
        if free:
            made = free.pop()
            made[...] = result
        else:
            made = self.column_by_column(result) if has_ones else self.kept(result)
        self._lent[id(_owner(made))] = made
        return made

    def _is_read_once(self, array: Any) -> bool:
        """Returns whether no line reads an array but the one for which it was made."""
        key = id(_owner(array))
        return key in self._lent and not self._names[key]

    def with_ones(self, array: Any) -> Any:
        """Returns an array with its column of ones; None if it does not have one."""
        return self._with_ones.get(id(array))

    # ---- operations ------------------------------------------------------------------------------

    def run(self, function: Callable[..., Any], *operands: Any, **named: Any) -> None:
        """Runs a call that writes into one of its operands, and keeps it."""
        call = partial(function, *operands, **named)
        call()
        self.calls.append(call)

    def made(self, function: Any, *operands: Any, is_batched: bool = False) -> Any:
        """Returns the array that a function of arrays, a ufunc of NumPy, makes."""
        made = function(*operands)
        if not any(map(self.changes, operands)):
            return made
        made, by_element = np.asarray(made), function.signature is None
        if made.dtype == float and by_element:  # in a product, their layout decides the last bits
            operands = tuple(map(self.as_floats, operands))
        made = self._array_for(made, operands if by_element else (), is_batched)
        if function in (np.maximum, np.minimum):  # without its name `out` is deprecated
            self.calls.append(partial(function, *operands, out=made))
        else:
            self.calls.append(partial(function, *operands, made))
        return made

    def _array_for(self, result: Any, operands: tuple[Any, ...], is_batched: bool) -> Any:
        """Returns an array for a result: that of an operand which nothing else reads, or a new one.

        Only a function that works element by element can write over its `operands`.
        """
        in_columns = self.in_columns and is_batched and result.ndim == 2
        like = np.asfortranarray(result) if in_columns else result
        for each in operands:
            is_alike = isinstance(each, np.ndarray) and each.dtype == result.dtype
            is_alike = is_alike and (each.shape, each.strides) == (like.shape, like.strides)
            if is_alike and self._is_read_once(each):
                each[...] = result
                return each
        return self._lends(like, has_ones=in_columns and result.dtype == float)

    def reduced(self, function: Any, of: Any, *arguments: Any) -> Any:
        """Returns what a method of a ufunc, such as `np.add.reduce`, makes along some axes."""
        return self._filled(function(of, *arguments), (of,), function, of, *arguments, None)

    def _filled(
        self, made: Any, reads: Iterable[Any], function: Callable[..., Any], *operands: Any,
        **named: Any
    ) -> Any:
        """Returns an array, kept for a call that fills it again if what it reads changes."""
        if not any(map(self.changes, reads)):
            return made
        made = self._lends(made)
        self.calls.append(partial(function, *operands, made, **named))
        return made

    def largest(self, function: Any, of: Any) -> Any:
        """Returns the largest or smallest numbers along the last axis, by the ufunc's method.

        NumPy starts anew for each row. Short rows are faster column by column.
        """
        length = of.shape[-1]
        is_short = of.size >= SHORT * length**2 and of.strides[-1] == of.itemsize
        if not is_short or not self.changes(of):
            return self.reduced(function, of, -1)
        made = self._lends(function(of, -1))  # its layout decides in which order it is added up
        columns = self._lends(np.empty((length, *of.shape[:-1])))
        self.run(np.copyto, columns, np.moveaxis(of, -1, 0))
        self.run(function, columns, 0, None, made)
        return made

    def afresh(self, function: Callable[..., Any], *operands: Any) -> Any:
        """Returns what any other function makes: a new array, which is copied into the old one."""
        return self._filled(function(*operands), operands, _copied, function, *operands)

    def taken(self, of: Any, places: Any) -> Any:
        """Returns the rows at some places, which are all there: the caller checks its choices."""
        call = np.take, of, places, 0
        return self._filled(of[places], (of, places), *call, mode="clip")  # without checks

    def as_floats(self, operand: Any) -> Any:
        """Returns an operand as an array of floats, since converting it in each call takes long."""
        if not isinstance(operand, np.ndarray):
            return np.asarray(operand, float)
        if operand.dtype == float:
            return operand
        made = operand.astype(float)
        if self.changes(operand):
            made = self._lends(made)
            if not self.goes_into(operand, made):
                self.calls.append(partial(np.copyto, made, operand))
        return made

    def goes_into(self, made: Any, other: Any) -> bool:
        """Lets the last call write into another array, if it made this one for nobody else."""
        last: Any = self.calls[-1] if self.calls else None
        is_last = isinstance(last, partial) and bool(last.args) and last.args[-1] is made
        if not is_last or not self._is_read_once(made):
            return False
        if last.func is np.take and made.dtype != other.dtype:  # it converts nothing
            return False
        self.calls[-1] = partial(last.func, *last.args[:-1], other, **last.keywords)
        other[...] = made
        return True

    def chosen(self, condition: Any, yes: Any, no: Any) -> Any:
        """Returns `np.where(condition, yes, no)`."""
        reads = condition, yes, no
        made = np.where(*reads)
        if not any(map(self.changes, reads)):
            return made
        if condition.dtype != bool:
            condition = self.made(np.not_equal, condition, 0)
        made = self.kept(made)
        if self.changes(condition):
            self.calls.append(partial(np.copyto, made, no))
            self.calls.append(partial(np.copyto, made, yes, where=condition))
        else:  # a number that stays is there already
            for each, where in ((yes, condition), (no, ~condition)):
                if self.changes(each):
                    self.calls.append(partial(np.copyto, made, each, where=where))
        return made

    def reshaped(self, of: Any, order: Sequence[int], to: tuple[int, ...]) -> Any:
        """Returns the axes in another order, and a view of another shape, or of a copy that is one.

        A product that is made for nobody else goes into this copy at once.
        """
        moved = np.asarray(of).transpose(order)
        view = moved.reshape(to)
        if not self.changes(of) or np.shares_memory(view, of):
            return view
        made = self._lends(np.empty(moved.shape, of.dtype))
        into = made.transpose(np.argsort(order))
        has_rows = into.strides[-1] == of.strides[-1] == of.itemsize
        is_product = bool(self.calls) and getattr(self.calls[-1], "func", None) is np.matmul
        if not (has_rows and is_product and self.goes_into(of, into)):
            self.run(np.copyto, into, of)
        return made.reshape(to)

    # ---- other inputs ----------------------------------------------------------------------------

    def readers(self, array: Any) -> list[int]:
        """Returns the places of the calls that read an array of the caller."""
        def reads(call: Any) -> bool:
            return any(self._is_view(each, array) for each in [*call.args, *call.keywords.values()])

        return [k for k, call in enumerate(self.calls) if isinstance(call, partial) and reads(call)]

    def _is_view(self, operand: Any, array: Any) -> bool:
        is_array = isinstance(operand, np.ndarray)
        return is_array and np.may_share_memory(operand, array)

    def reads_another(self, places: list[int], old: Any, new: Any) -> None:
        """Lets calls read a new array of the same shape instead of an old one."""
        def moved(operand: Any) -> Any:
            if not self._is_view(operand, old):
                return operand
            offset = operand.ctypes.data - old.ctypes.data
            return np.ndarray(operand.shape, operand.dtype, new, offset, operand.strides)

        for k in places:
            call: Any = self.calls[k]
            named = {name: moved(each) for name, each in call.keywords.items()}
            self.calls[k] = partial(call.func, *map(moved, call.args), **named)


def _copied(function: Callable[..., Any], *arrays: Any) -> None:
    *operands, made = arrays
    made[...] = function(*operands)


def _owner(array: Any) -> Any:
    while hasattr(array.base, "base"):
        array = array.base  # behind windows lies what only holds an array
    return array

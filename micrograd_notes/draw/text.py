"""Numbers and names as a reader sees them in a picture, in plain text.

All pictures, tables and captions use these functions. Their callers escape the text for DOT, SVG or
HTML. Read `graph/wording.py` next, for sentences and formulas.
"""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

_LONGEST_NAME = 40
_decimals: ContextVar[int | None] = ContextVar("decimals", default=None)


@contextmanager
def numbers_with(digits: int | None) -> Iterator[None]:
    """Lets `short` write so many digits after the point, as a format does."""
    token = _decimals.set(digits)
    try:
        yield
    finally:
        _decimals.reset(token)


def short(number: float) -> str:
    """Returns the number with about four significant digits.

    >>> short(2.0), short(0.70710678), short(-12345.678), short(1.5e-7), short(-0.0)
    ('2', '0.7071', '-12346', '1.5e-7', '0')
    >>> short(float("inf")), short(float("nan"))
    ('inf', 'nan')
    """
    if not math.isfinite(number):
        return str(number)
    if number == 0:
        return "0"
    digits = _decimals.get()
    if digits and abs(number) < 1e6 and float(rounded := f"{number:.{digits}f}") != 0:
        return rounded.rstrip("0").rstrip(".") if float(rounded) == number else rounded
    if 1e3 <= abs(number) < 1e6:
        return f"{number:.0f}"  # .4g would turn 12346 into 1.235e+04
    mantissa, _, exponent = f"{number:.4g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def signed(number: float) -> str:
    """Returns the number with its sign, and a triangle that points the same way.

    >>> signed(0.5), signed(-2.0), signed(0.0)
    ('▲ +0.5', '▼ -2', '0')
    """
    if number > 0:
        return f"▲ +{short(number)}"
    return f"▼ {short(number)}" if number < 0 else short(number)  # zero and nan point nowhere


def ends(numbers: Sequence[float]) -> tuple[float, float]:
    """Returns the least and the greatest of the numbers; nan twice if one of them is nan."""
    broken = [number for number in numbers if number != number]
    return (broken[0], broken[0]) if broken else (min(numbers), max(numbers))


def from_to(low: str, high: str) -> str:
    """Returns a range of numbers; one number if both ends look the same.

    >>> from_to("1", "2"), from_to("1", "1")
    ('1 … 2', '1')
    """
    return low if low == high else f"{low} … {high}"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Returns a count with its noun.

    >>> counted(1, "value"), counted(65340, "value")
    ('1 value', '65,340 values')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


@lru_cache(10_000)  # a network that is called on many examples repeats its names
def drawable(name: str, longest: int = _LONGEST_NAME) -> str:
    """Returns the name on one line, without characters that cannot be drawn, and not too long.

    Symbols replace control characters, and a name that is too long loses its middle.

    >>> drawable("loss"), drawable("two\\nlines"), drawable("nul\\0")
    ('loss', 'two↵lines', 'nul␀')
    >>> drawable("a" * 30 + "z" * 30)
    'aaaaaaaaaaaaaaaaaaaa…zzzzzzzzzzzzzzzzzzz'
    """
    if len(name) > longest:
        head = longest // 2
        name = f"{name[:head]}…{name[len(name) - (longest - head - 1) :]}"
    return "".join(map(_drawable_character, name))


def _drawable_character(character: str) -> str:
    category = unicodedata.category(character)
    if character == "\n" or category in ("Zl", "Zp"):
        return "↵"
    if character < " ":
        return chr(0x2400 + ord(character))  # the block of control pictures
    if character == "\x7f":
        return "␡"
    is_direction_mark = unicodedata.bidirectional(character) in _DIRECTION_MARKS
    # XML has no lone surrogates and non-characters; a direction mark would turn the text beside it.
    return "\ufffd" if category in ("Cc", "Cs", "Cn") or is_direction_mark else character


_DIRECTION_MARKS = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})

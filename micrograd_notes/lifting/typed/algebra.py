"""Derivatives in their usual form: what cancels goes, and common factors come before a sum.

The chain rule takes more steps than a book. For the loss -log(share[label]), where a share is
`exponential / whole`, it takes those on the left, which become the line on the right:

    dpicked = -1 / picked
    dshare = dpicked * (label == k)
    dwhole = -(dshare * share / whole).sum()
    dz = exponential * (dshare / whole + dwhole)          dz = share - (label == k)

An expression is a sum of *terms*, and a term is a number times powers of *factors*. In the terms of
a line, a line that it reads stands as a factor, or it is written out if it has one term, or two.
Then four laws hold:

1. x**a * x**b is x**(a + b), and x**0 is 1.
2. A factor that is the same along an axis comes before the sum over this axis. So the sum of
   exponential / whole is (sum of exponential) / whole, which is whole / whole, 1.
3. Times (label == k), an array at place k is the number that the label picks from it.
4. The sum of (label == k) over all k is 1, if the program also picks one of so many numbers with
   this label: it then fails for a label that is out of range.

The program gets the new form if it has fewer operations. No digits are lost but a few units
in the last place of the largest term: laws 1, 3 and 4 leave out roundings, and law 2 and factors
change their order. The one way to lose more is to write out a * (b + c), where b + c is small: only
lines of two terms are written out, and one of the two is rounded to begin with, as are the
derivatives of any line; its error is that of a * b + a * c, but for a factor of 4. Lines of the
forward half are written out only if they have one term, and never change. Both forms are the same
numbers unless something is divided by 0, or is not finite.

`ready.py` calls `in_usual_form`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import compress
from math import frexp, fsum, prod
from typing import Any

from micrograd_notes.lifting.typed import expressions as ex
from micrograd_notes.lifting.typed.expressions import Expression, Line, Loop, Program, lines_of
from micrograd_notes.lifting.typed.picks import Flag, chosen, flag_of, is_flag, pick_of
from micrograd_notes.lifting.typed.terms import (
    ONE,
    Factor,
    NoTerms,
    Summed,
    Term,
    Terms,
    added,
    compacted,
    is_exact,
    labels_of,
    matches,
    moved,
    new_labels,
    placed,
    product,
    quotient,
    raised,
    relabelled,
    scaled,
    used_by,
    with_labels,
    without_gaps,
)

# lines that are written out, in the ways that are tried: of so many terms, and of so many uses
WRITTEN_OUT = [(1, 10**9), (2, 10**9), (1, 1), (2, 1)]
RECENT = 50  # lines that may stand for a factor, so that long programs do not take long
MANY = 8  # terms: longer sums stay as they are
FACTORS = 12  # of a term: the slopes of a long chain of functions are not multiplied out
WHOLE = (-1.0, 2.0, 3.0)  # powers that a product may be raised to
DEEP = 20  # lines inside of each other, which are written out


def in_usual_form(program: Program) -> None:
    """Changes lines of the backward half that have fewer operations in another form."""
    _Rewriter(program).run()


def softmax_of(expression: Expression) -> Line | None:
    """Returns the x of exp(x) over the sum of exp(x), where something may be taken from x."""
    match expression:
        case ex.Apply("divide", (
            ex.Read(Line(ex.Apply("exp", (of,)))) as over, ex.Part(ex.Read(Line(whole)), _)
        )):
            is_softmax = whole == ex.Sum(over, (len(expression.shape) - 1,)) and of.lines()
            return of.lines()[0] if is_softmax else None
    return None


class _Rewriter:
    def __init__(self, program: Program) -> None:
        self.program = program
        every = [*lines_of(program.steps)]
        self.is_forward = {*lines_of(program.forward)}
        self.of_loops = {*every} - {*program.steps}
        self.inside = set[Line]()  # the lines of the loop that is rewritten
        self.replaced = {line.again for line in every if line.again is not None}
        self.uses = Counter(e for line in every for e in [*line.value.lines(), *line.writes_to])
        self.uses.update(program.result.lines())
        values = [each for line in self.is_forward for each in line.value.walk()]
        values += program.result.walk()
        self.picks = {pick[:2] for each in values if (pick := pick_of(each)) is not None}
        self.most_terms, self.most_uses = WRITTEN_OUT[0]
        self.terms: dict[tuple[Expression, int, int], Terms] = {}
        self.depth = 0  # of lines whose terms are being found
        self.order: dict[Expression | Summed, int] = {}  # in which factors were found
        self.known: dict[Any, list[tuple[Term, Line]]] = {}  # lines of one term, by their factors
        self.sums: dict[Any, Line] = {}  # lines by their terms

    def run(self) -> None:
        for step in self.program.forward:
            if isinstance(step, Line):
                self._know(step)
        backward = list[Line | Loop]()
        for step in self.program.backward:
            if isinstance(step, Line):
                backward += self._rewritten(step)
                continue
            outside = dict(self.terms), {k: [*v] for k, v in self.known.items()}, dict(self.sums)
            self.inside = {*step.lines}
            step.lines = [new for line in step.lines for new in self._rewritten(line)]
            self.terms, self.known, self.sums = outside
            self.inside = set()
            backward.append(step)
        for step in backward:
            if isinstance(step, Loop):
                step.lines = [*filter(self._is_used, step.lines)]
        is_left = [isinstance(step, Loop) or self._is_used(step) for step in backward]
        self.program.backward = [*compress(backward, is_left)]

    def _rewritten(self, line: Line) -> list[Line]:
        """Returns the line in its usual form, after one for a softmax in it."""
        ways: list[Terms] = []
        for self.most_terms, self.most_uses in WRITTEN_OUT:
            terms = self.terms_of(line.value)
            ways += [terms] if 0 < len(terms) <= MANY and terms not in ways else []
        self.most_terms, self.most_uses = WRITTEN_OUT[0]
        lines = [line]
        for new in map(self._built, ways):
            more, saved = self._with_another(line.value, new)
            if new.shape == line.shape and saved > 0:
                line.value = new
                self.uses.update(more)
        for each in [*line.value.walk()]:
            if each is not line.value and softmax_of(each) is not None:
                lines.insert(0, Line(each))
                self.inside |= {lines[0]} if self.inside else set()
                line.value = ex.substituted(line.value, each, ex.Read(lines[0]))
                self.uses[lines[0]] = 1
        for known in lines:
            self._know(known)
        return lines

    def _is_used(self, line: Line) -> bool:
        return not line.is_own or self.uses[line] > 0

    def _is_plain(self, line: Line) -> bool:
        """Returns whether a line is an array of its own, and what it reads does not change."""
        is_here = line in self.inside or line not in self.of_loops
        is_fixed = line not in self.replaced and not self.replaced & {*line.value.lines()}
        return line.is_own and is_here and is_fixed

    def _know(self, line: Line) -> None:
        """Notes the terms of a line, for lines after it."""
        terms = self.terms_of(line.value)
        compact, labels = compacted(terms)
        is_whole = len(labels) == [size != 1 for size in line.shape].count(True)
        if not (terms and is_whole and self._is_plain(line)):
            return
        self._numbered(ex.Read(line))
        self.sums.setdefault(compact, line)
        [(term, c), *others] = compact
        if not others and c == 1.0 and len(term) <= FACTORS:
            for (atom, _), _ in term:
                self.known.setdefault(atom, []).append((term, line))

    def _numbered(self, atom: Any) -> Any:
        self.order.setdefault(atom, len(self.order))
        return atom

    def _sorted(self, factors: Iterable[Factor]) -> list[Factor]:
        """Returns factors in an order that does not depend on their hashes."""
        return sorted(factors, key=lambda factor: (self.order[factor[0]], factor[1]))

    # ---- from expressions to terms ---------------------------------------------------------------

    def terms_of(self, expression: Expression) -> Terms:
        """Returns the terms of an expression."""
        key = expression, self.most_terms, self.most_uses
        if key not in self.terms:
            try:
                self.terms[key] = self._found(expression)
            except NoTerms:
                self.terms[key] = self._as_factor(expression)
        return self.terms[key]

    def _as_factor(self, expression: Expression) -> Terms:
        return {frozenset([((self._numbered(expression), labels_of(expression)), 1.0)]): 1.0}

    def _found(self, expression: Expression) -> Terms:
        match expression:
            case ex.Number(value) if is_exact(value):
                return scaled({ONE: 1.0}, value)
            case ex.Number(value) if value < 0.0:
                return scaled(self.terms_of(ex.Number(-value)), -1.0)
            case ex.Read(Line() as line):
                return self._of_line(line)
            case ex.Apply("negative", (of,)):
                return scaled(self.terms_of(of), -1.0)
            case ex.Apply("add", of) | ex.Total(of):
                return added([*map(self.terms_of, of)])
            case ex.Apply("subtract", (left, right)):
                return added([self.terms_of(left), scaled(self.terms_of(right), -1.0)])
            case ex.Apply("multiply", (left, right)):
                return self._times(left, right)
            case ex.Apply("divide", (ex.Number(1.0), ex.Apply("power", (ex.Apply("cosh"), _)))):
                raise NoTerms  # printers know it as the slope of tanh
            case ex.Apply("divide", (left, right)):
                return self._times(left, ex.Apply("power", (right, ex.Number(-1.0))))
            case ex.Apply("power", (of, ex.Number(exponent))) if exponent not in (0.0, 1.0):
                return self._power(of, exponent)
            case ex.Apply("sqrt", (of,)):
                return self._power(of, 0.5)
            case ex.Spread(of, _):
                return self.terms_of(of)
            case ex.Part(of, _) | ex.Transpose(of, _):
                return moved(self.terms_of(of), new_labels(expression))
            case ex.Sum(of, axes):
                return self._summed(of, axes)
            case ex.Inner(left, right) | ex.MatMul(left, right) if (
                isinstance(expression, ex.Inner) or len(right.shape) == 1
            ):
                whole = ex.times(left, right)
                return self._summed(whole, (len(whole.shape) - 1,))
        raise NoTerms

    def _of_line(self, line: Line) -> Terms:
        is_forward = line in self.is_forward
        if not self._is_plain(line) or not (is_forward or self.uses[line] <= self.most_uses):
            raise NoTerms
        if self.depth == DEEP:
            raise NoTerms
        self.depth += 1
        terms = self.terms_of(line.value)
        self.depth -= 1
        if len(terms) > (1 if is_forward else self.most_terms):
            raise NoTerms
        if max(map(len, terms), default=0) > FACTORS:
            raise NoTerms
        is_factor = terms == self._as_factor(line.value)
        if is_factor and pick_of(line.value) is None and not isinstance(line.value, ex.Where):
            raise NoTerms
        return terms

    def _times(self, left: Expression, right: Expression) -> Terms:
        sides = [self.terms_of(left), self.terms_of(right)]
        if len(sides[0]) * len(sides[1]) > 2:
            sides = [terms if len(terms) < 2 else self._as_factor(each)
                     for terms, each in zip(sides, (left, right), strict=True)]
        pairs = [(a, b) for a in sides[0].items() for b in sides[1].items()]
        return added([scaled({self._product(a, b): c}, d) for (a, c), (b, d) in pairs])

    def _power(self, of: Expression, exponent: float) -> Terms:
        """Returns the power of a term: of all of its factors if it is whole, else of one."""
        [(term, c), *others] = self.terms_of(of).items() or self._as_factor(of).items()
        is_single = c == 1.0 and [*dict(term).values()] == [1.0]
        if others or not (is_single or (exponent in WHOLE and abs(frexp(c)[0]) == 0.5)):
            [(term, c)] = self._as_factor(of).items()
        return {frozenset([(factor, power * exponent) for factor, power in term]): c**exponent}

    def _product(self, left: Term, right: Term) -> Term:
        """Returns the product of two terms, by laws 1 and 3."""
        powers = Counter[Factor]()
        for factor, power in [*left, *right]:
            powers[factor] += power  # type: ignore[assignment]
            if powers[factor] > 1 and is_flag(factor[0]):
                powers[factor] = 1
        flags = {flag for factor, power in powers.items() if power and (flag := flag_of(factor))}
        for factor, power in [*powers.items()] if flags else ():
            if (found := self._picked(factor, flags)) is not None:
                del powers[factor]
                for each, own in found:
                    powers[each] += own * power  # type: ignore[assignment]
        return frozenset([(factor, power) for factor, power in powers.items() if power])

    def _picked(self, factor: Factor, flags: set[Flag]) -> Term | None:
        """Returns what a label picks from, as a term, if there is a flag of this label, too."""
        atom, labels = factor
        pick = pick_of(atom)
        for flag in flags:
            if pick is not None and pick[:2] == flag[:2] and flag.axes == chosen(labels, pick.axes):
                assert isinstance(atom, ex.Part)
                terms = self.terms_of(atom.of)  # none if it is 0
                places = [*chosen(labels, pick.others)]
                places.insert(pick.along, flag.along)
                if [*terms.values()] == [1.0]:
                    [term] = terms
                    return relabelled(term, {k - len(places): p for k, p in enumerate(places)})
        return None

    def _summed(self, of: Expression, axes: Sequence[int]) -> Terms:
        """Returns the terms of a sum over some axes, by laws 2 and 4."""
        rank = len(of.shape)
        gone = {axis - rank: of.shape[axis] for axis in axes}
        left = [k for k in range(-rank, 0) if k not in gone]
        new = without_gaps(left)
        found = []
        for term, c in self.terms_of(of).items():
            inner = frozenset([each for each in term if {*each[0][1]} & {*gone}])
            outer, used = term - inner, used_by(inner)
            counted = [size for k, size in gone.items() if k not in used]
            if any(isinstance(size, ex.Examples) for size in counted):
                outer = self._product(outer, *self._as_factor(ex.Count()))
            if inner and not self._is_one(inner, gone):
                whole = frozenset([(self._sum_of(inner, {*gone}), 1.0)])
                outer = self._product(outer, whole)
            count = float(prod(ex.sizes_at(counted)))
            found.append(scaled({relabelled(outer, new): c}, count))
        return added(found)

    def _sum_of(self, inner: Term, gone: set[int]) -> Factor:
        """Returns the sum of a term over some axes, as a factor."""
        used = used_by(inner)
        kept = sorted(used - gone)
        new = without_gaps([*kept, *sorted(used & gone)])
        return self._numbered(Summed(relabelled(inner, new), len(kept))), tuple(kept)

    def _is_one(self, inner: Term, gone: Mapping[int, Any]) -> bool:
        """Returns whether it is (label == k), summed over all k that the label may be."""
        [(factor, power), *others] = inner
        flag = None if others or power != 1.0 else flag_of(factor)
        if flag is None or not {*flag.axes}.isdisjoint(gone):
            return False
        return flag.along in gone and flag[:2] in self.picks

    # ---- from terms to expressions ---------------------------------------------------------------

    def _built(self, terms: Terms) -> Expression:
        """Returns an expression with these terms, and few operations."""
        ways = [self._as_product(terms)]
        counts = Counter(factor for term in terms for factor, _ in term)
        for factor in self._sorted([each for each, n in counts.items() if 1 < n < len(terms)]):
            some = {term: c for term, c in terms.items() if factor in dict(term)}
            others = [self._signed(term, c) for term, c in terms.items() if term not in some]
            ways.append(ex.total([*others, self._as_product(some)]))
        return min(ways, key=_operations)

    def _as_product(self, terms: Terms) -> Expression:
        """Returns the factors that all terms have, times the sum of what is left."""
        [first, *others] = [dict(term) for term in terms]
        if not others:
            return self._signed(*next(iter(terms.items())))
        common = {}
        for factor, power in first.items():
            powers = [power, *[term.get(factor, 0.0) for term in others]]
            if min(powers) * max(powers) > 0:
                common[factor] = min(powers, key=abs)
        sizes = {abs(c) for c in terms.values()}
        whole = sizes.pop() if len(sizes) == 1 else 1.0
        whole = -whole if max(terms.values()) < 0 else whole
        inverse = frozenset([(factor, -power) for factor, power in common.items()])
        rest = {self._product(term, inverse): c / whole for term, c in terms.items()}
        return self._signed(frozenset(common.items()), whole, self._inside(rest))

    def _inside(self, terms: Terms) -> Expression:
        """Returns a sum of terms, or the line that has it."""
        compact, labels = compacted(terms)
        line = self.sums.get(compact)
        if line is not None and 1 not in line.shape:
            return placed(ex.Read(line), labels)
        return ex.total([self._signed(term, c) for term, c in terms.items()])

    def _signed(self, term: Term, c: float, inside: Expression | None = None) -> Expression:
        made = self._written(dict(term), abs(c), inside)
        return ex.Apply("negative", (made,)) if c < 0 else made

    def _written(
        self, powers: dict[Factor, float], c: float, inside: Expression | None = None
    ) -> Expression:
        """Returns a product of factors, and of a sum; factors of the same axes come together."""
        powers = self._covered(powers)
        groups: dict[tuple[int, ...], list[Factor]] = {}
        for factor in self._sorted(powers):
            groups.setdefault(tuple(sorted({*factor[1]} - {0})), []).append(factor)
        number, made, below = (ex.Number(c) if c != 1.0 else None), inside, list[Expression]()
        for used in sorted(groups, key=len):
            new = without_gaps(used)
            own = [(placed(self._plain(atom), with_labels((atom, labels), new)[1]),
                    powers[atom, labels]) for atom, labels in groups[used]]
            under = [each for each, power in own if power == -1.0]
            over = product([raised(each, power) for each, power in own if power != -1.0])
            if over is None:
                below += [placed(each, used) for each in under]
                continue
            if isinstance(over, ex.Number) and frexp(c)[0] == 0.5 and not under:
                number = ex.Number(c * over.value)  # no digit is rounded
                continue
            if number is not None and not isinstance(over, ex.Number):  # 200 * 0.1 would be rounded
                over, number = ex.times(number, over), None
            parts = [placed(quotient(over, under), used), made]
            is_number = made is not None and made.shape == ()
            made = product(parts[::-1] if is_number else parts)
        return quotient(product([number, made]) or ex.Number(1.0), below)

    def _plain(self, atom: Expression | Summed) -> Expression:
        """Returns the expression of a factor."""
        if isinstance(atom, Expression):
            return atom
        powers = self._covered(dict(atom.term))
        [(one, labels), *others] = self._sorted(powers)
        gone = len(used_by(atom.term)) - atom.kept
        axes = tuple([axis for axis, k in enumerate(labels) if -gone <= k < 0])
        kept = [k for k in labels if k < -gone]
        if not others and powers[one, labels] == 1.0 and kept == sorted(kept) and 0 not in labels:
            return ex.Sum(self._plain(one), axes)
        if gone == 1 and [*powers.values()] == [1.0, 1.0]:
            sides = [placed(self._plain(each), own) for each, own in self._sorted(powers)]
            for matrix, vector in (sides, sides[::-1]):
                if len(vector.shape) == 1 and len(matrix.shape) == atom.kept + 1 > 1:
                    return ex.MatMul(matrix, vector)
            return ex.Inner(*sides)
        of = self._written(dict(atom.term), 1.0)
        return ex.Sum(of, tuple(range(atom.kept, len(of.shape))))

    def _covered(self, powers: dict[Factor, float]) -> dict[Factor, float]:
        """Returns the factors of a term, with known lines instead of some of them.

        A line may also stand for factors inside of a sum and one before it: the sum of x * d, times
        1 / size, is the sum of (x / size) * d.
        """
        for factor in [f for f in self._sorted(powers) if isinstance(f[0], Summed)]:
            atom, labels = factor
            assert isinstance(atom, Summed)
            count = len(used_by(atom.term))
            inside = {k - count: labels[k] if k < atom.kept else -99 - k for k in range(count)}
            inner = dict(relabelled(atom.term, inside))
            outer = {each: power for each, power in powers.items() if each != factor}
            found = self._with_line(outer, inner) if powers[factor] == 1.0 else None
            if found is not None:
                gone = {*inside.values()} - {*labels}
                within = frozenset([each for each in found.items() if {*each[0][1]} & gone])
                rest = dict(found.items() - within)
                return self._covered({**rest, self._sum_of(within, gone): 1.0})
        while (found := self._with_line(powers, {})) is not None:
            powers = found
        return powers

    def _with_line(
        self, powers: dict[Factor, float], inner: dict[Factor, float]
    ) -> dict[Factor, float] | None:
        """Returns factors with the line that stands for most of them; None if none does.

        If there are factors `inner`, it stands for one of them, and for one of the others.
        """
        best, largest, every = None, 0.0, {**powers, **inner}
        every = {factor: every[factor] for factor in self._sorted(every)}
        atoms = dict.fromkeys([atom for atom, _ in every])
        for atom in atoms:
            for term, line in self.known.get(atom, [])[-RECENT:]:
                size = fsum([abs(power) for _, power in term])
                may = size > largest and all(factor[0] in atoms for factor, _ in term)
                own = dict(term) if may else {}
                pattern = [(factor, own[factor]) for factor in self._sorted(own)]
                for sign in (1.0, -1.0) if own else ():
                    for new in matches(pattern, every, sign, {0: 0}):
                        gone = {with_labels(factor, new): sign * p for factor, p in pattern}
                        if inner and any(each.keys().isdisjoint(gone) for each in (inner, powers)):
                            continue
                        axes = iter(sorted(used_by(term)))
                        labels = tuple([0 if n == 1 else new[next(axes)] for n in line.shape])
                        left = {f: p - gone.get(f, 0.0) for f, p in every.items()}
                        left[ex.Read(line), labels] = left.get((ex.Read(line), labels), 0.0) + sign
                        best = {factor: power for factor, power in left.items() if power}
                        largest = size
                        break
        return best

    # ---- what it saves ---------------------------------------------------------------------------

    def _with_another(self, old: Expression, new: Expression) -> tuple[Counter[Line], int]:
        """Returns how many more uses another expression has, and how many operations go with it."""
        more, saved = Counter[Line](), _operations(old) - _operations(new)
        for expression, step in (new, 1), (old, -1):  # so that nothing goes that comes again
            waiting = [expression]
            while waiting:
                for read in waiting.pop().lines():
                    more[read] += step
                    uses = self.uses[read] + more[read]
                    if uses == max(step, 0) and read.is_own:
                        saved -= step * _operations(read.value)
                        waiting.append(read.value)
        return more, saved


def _operations(expression: Expression) -> int:
    """Returns how many operations compute an expression; a view, or a sign, is none."""
    count = 0
    for each in {*expression.walk()}:
        if isinstance(each, ex.Total):
            count += len(each.of) - 1
        elif isinstance(each, ex.Apply):
            count += each.function != "negative"
        elif each.operands:
            count += not isinstance(each, ex.View) or pick_of(each) is not None
    return count

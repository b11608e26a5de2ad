"""Are the gradients right? Checks that say what is wrong, where, and how sure they are.

    from micrograd_notes.testing import gradcheck, opcheck

    gradcheck(f, 0.5)                   # a function of Values, at a point
    gradcheck(loss, module=model)       # the parameters of a network
    test_softsign = opcheck(softsign)   # an operation at many points: the whole test

Start with `gradients` (`gradcheck`) and `operations` (`opcheck`); `checking` is for whole files.
The folders below them:

    numbers      many digits, derivatives by differences, forward mode
    programs     graphs as data: recorded, random, drawn by Hypothesis (`strategies`)
    oracles      independent judges of a program, in exact numbers; our tests call them
    diagnosis    what a check finds at a point and around it, and the report that says it

The room needs mpmath and hypothesis, which the extra `testing` brings.
"""

from micrograd_notes.common.extras import install as _install

try:
    import mpmath as _mpmath  # noqa: F401
except ImportError as _error:  # pragma: no cover - the tests have the extra
    raise ImportError(f"the checker needs its extra: {_install('testing')}") from _error

from micrograd_notes.testing.diagnosis.verdicts import GradcheckError, InconclusiveError, Verdict
from micrograd_notes.testing.gradients import gradcheck
from micrograd_notes.testing.operations import check_operation, opcheck

__all__ = [
    "GradcheckError",
    "InconclusiveError",
    "Verdict",
    "check_operation",
    "gradcheck",
    "opcheck",
]

"""Are the gradients right? Checks that say what is wrong, where, and how far they can be trusted.

    from micrograd_notes.testing import gradcheck, opcheck

    gradcheck(f, 0.5)                   # a function of Values, at a point
    gradcheck(loss, module=model)       # the parameters of a network
    test_softsign = opcheck(softsign)   # an operation, everywhere: the whole test

The files, each of which reads those above it:

    verdicts     what a check can say
    numeric      numeric derivatives with an estimate of their error, kinks seen as kinks
    operand      what runs through a program in place of a Value
    precise      fifty digits and more;   forward   forward mode
    programs     graphs as data, recorded or random;   oracles   what judges them
    peers        the same program in PyTorch and JAX
    at_a_point   one operation at one point;   inside   kinks inside a program
    report       what is told;   subject   what is checked;   surroundings   what is near the point
    sweeping     the engine's sweeps
    gradcheck, then opcheck

`strategies` has Hypothesis strategies, and `histories` a state machine. They need the extra
`testing`, mpmath and hypothesis: python -m pip install "micrograd-notes[testing]".
"""

try:
    import mpmath as _mpmath  # noqa: F401
except ImportError as _error:  # pragma: no cover - the tests have the extra
    raise ImportError(
        'the checker needs its extra: python -m pip install "micrograd-notes[testing]"'
    ) from _error

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

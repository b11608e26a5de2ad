"""Faults of the operations in a program, each examined at the numbers that it got there."""

import math
import random

from micrograd_notes.testing.diagnosis.at_a_point import Finding, examine
from micrograd_notes.testing.diagnosis.report import Fault, InputReport, definition_of_row
from micrograd_notes.testing.diagnosis.subject import argument_names
from micrograd_notes.testing.diagnosis.verdicts import Verdict
from micrograd_notes.testing.programs.random_programs import Instruction, Program

NODES = 300  # as many operations are examined one by one where nothing is wrong


def faults_of_operations(program: Program) -> tuple[list[Fault], bool]:
    """Returns what is wrong with operations of the program, and whether a value was not checked."""
    values = program.values()
    faults, unchecked = [], False
    seen = set()
    steps = list(program.steps())
    if len(steps) > NODES:
        steps = random.Random(0).sample(steps, NODES)
    for k, instruction in steps:
        op, numbers = instruction.op, instruction.applied_to(values)
        if (op, numbers) in seen or not all(map(math.isfinite, (*numbers, values[k]))):
            continue
        seen.add((op, numbers))
        for finding in examine(op, numbers, values[k]):
            if finding.index is not None and finding.index not in instruction.wanted():
                continue
            unchecked |= finding.verdict is Verdict.VALUE_UNCHECKED and op.mpmath is None
            if finding.verdict.fails and finding.verdict is not Verdict.INCONCLUSIVE:
                faults.append(fault_of(finding))
    faults.sort(key=lambda fault: fault.verdict, reverse=True)
    return faults, unchecked


def fault_of(finding: Finding) -> Fault:
    """Returns a finding about an operation as a fault, with the smallest program that shows it."""
    op, index = finding.op, finding.index
    instruction = Instruction(op, tuple(range(len(finding.operands))))
    seen = None
    if index is not None and finding.derivative is not None:
        name = argument_names(op, len(finding.operands))[index]
        at = finding.operands[index]
        seen = InputReport(name, at, finding.got, finding.derivative, finding.verdict)
    return Fault(
        finding.verdict,
        op.name,
        finding.note,
        expected=finding.expected,
        got="" if math.isnan(finding.got) else f"{finding.got:.17g}",
        seen=seen,
        program=Program(finding.operands, (instruction,)),
        op=op,
        definition=definition_of_row(op, index),
    )

"""The steps of a wrong backward pass beside those of the right one, in words.

`draw_backward(root, wrong=...)` calls `steps_beside`. Read `wrong.py` first, which compares the
two.
"""

from micrograd_notes.draw.graph.indexed import IndexedGraph
from micrograd_notes.draw.graph.names import gradient
from micrograd_notes.draw.graph.wording import listed, written
from micrograd_notes.draw.stepper import steps as stepping
from micrograd_notes.draw.stepper.wrong import Parting, Visit, compared
from micrograd_notes.engine import Value

TITLES = {
    "recursion": "by recursion, without a topological order",
    "assign": "with = instead of +=",
    "forward order": "in forward order",
}
"""The name of each wrong pass in a sentence."""

_NEVER = {
    "recursion": "no two paths lead through the same node that passes on a gradient",
    "assign": "no value gets two products that differ from their sum",
    "forward order": "only the last node passes on a gradient",
}


def steps_beside(graph: IndexedGraph, labels: list[str], how: str) -> list[stepping.Step]:
    """Returns the forward steps, then both backward passes node by node until they part.

    >>> from micrograd_notes.draw.graph.indexed import indexed
    >>> from micrograd_notes.draw.graph.names import labels_of
    >>> x = Value(3.0, name="x")
    >>> graph = indexed(x * x)
    >>> last = steps_beside(graph, labels_of(graph, {}), "assign")[-1]
    >>> last["parting"]["right"], last["parting"]["wrong"]
    (6.0, 3.0)
    """
    steps = stepping.forward_pass(graph, labels)
    visits = compared(graph, how)
    describe_right = stepping.described_products(graph, labels)
    describe_wrong = stepping.described_products(graph, labels, "=" if how == "assign" else "+=")
    for visit in visits:
        passed_on, wrong = describe_wrong(visit.wrong)
        if visit.sums:
            describe_right = stepping.described_products(graph, labels, sums=visit.sums)
        complete, right = describe_right(visit.right) if visit.right else (passed_on, [])
        step = stepping.backward_step(labels, graph.place[visit.node], complete, right)
        step["wrong"] = wrong
        step["before"] = {f"v{graph.place[value]}": sum_ for value, sum_ in visit.sums.items()}
        step["first"] = [f"v{graph.place[value]}" for value in visit.first]
        if visit.parting:
            step["text"] = f"The two passes reach {step['name']}, and part."
            if visit.first:
                names = listed([labels[graph.place[value]] for value in visit.first])
                step["text"] += f" The right one visits {names} first."
            step["parting"] = _in_words(graph, labels, how, visit, visit.parting)
        steps.append(step)
    if not visits or visits[-1].parting is None:
        steps.append(_agreement(labels, how))
    return steps


def _in_words(
    graph: IndexedGraph, labels: list[str], how: str, visit: Visit, parting: Parting
) -> stepping.Parting:
    def called(value: Value) -> str:
        return labels[graph.place[value]]

    node, at = called(visit.node), called(parting.at)
    right, wrong = written(parting.right), written(parting.wrong)
    if parting.why == "overwritten":
        reason = f"{at} is used more than once. = overwrites the old sum; += adds to it."
    elif parting.why == "again":
        reason = (
            f"Recursion reaches {node} again, on another path, and passes on a second time what it "
            "has already passed on. The right pass visits each node once."
        )
    else:
        users = [called(value) for value in parting.missing]
        verb = "has" if len(users) == 1 else "have"
        reason = (
            f"{listed(users)} {verb} not added a product to it yet. The right pass visits {node} "
            "only after every node that uses it."
        )
    return {
        "at": f"v{graph.place[parting.at]}",
        "name": at,
        "right": parting.right,
        "wrong": parting.wrong,
        "text": f"Here they part: {gradient(at)} is {right} in the right pass, and {wrong} "
        f"{TITLES[how]}. {reason} Both passes stop here.",
    }


def _agreement(labels: list[str], how: str) -> stepping.Step:
    """Returns the last step of passes that never part."""
    return {
        "phase": "end",
        "node": f"v{len(labels) - 1}",
        "name": labels[-1],
        "text": f"The passes never part: on this graph the pass {TITLES[how]} finds the same "
        f"gradients, because {_NEVER[how]}.",
    }

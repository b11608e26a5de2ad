"""What is inside a group is counted, named and drawn; a group that is too large says so."""

import os
import random
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from time import perf_counter

import pytest

from micrograd_notes import Value, topological_order
from micrograd_notes.draw import Picture, draw_dot
from micrograd_notes.draw.graph.groups import MOST_GROUPS
from micrograd_notes.draw.graph.inside import MOST_LEAVES, MOST_VALUES, Inside
from micrograd_notes.nn import MLP, Module, Neuron
from tests.draw.test_view import loss_of, random_expression

# Several, as a name of more than 40 characters loses its middle.
HOSTILE = (
    """</section><script>alert(1)</script>""",
    """'"><b>&amp;\n\\N 🎈 alert(2)""",
    "<b>neuron</b>'\"",
)


class Page(HTMLParser):
    """The panels of a page, by the key of the box that opens each; all tags; all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.panels: dict[str, dict[str, str | None]] = {}
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "section":
            self.panels[str(dict(attrs)["data-opens"])] = dict(attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@cache
def whole_demo() -> Picture:
    """Returns the loss of micrograd's demo on all its samples; nobody changes it."""
    model = MLP(2, [16, 16, 1], seed=0)
    return draw_dot(loss_of(model, 100), model=model)


def small() -> tuple[Value, MLP]:
    """Returns a loss that is drawn in groups from limit=20 on, with few panels to lay out."""
    model = MLP(2, [3, 3, 1], activation="tanh", seed=0)
    return loss_of(model, 4), model


def inside(picture: Picture, name: str) -> Inside:
    return next(one for one in picture.insides if one.box.name == name)


def graph(seed: int) -> Value:
    """Returns a graph with repeats, long sums and leaves, used in one place or in many."""
    generator = random.Random(seed)
    leaves = [Value(generator.uniform(-1, 1)) for _ in range(generator.choice([3, 90]))]
    root = random_expression(seed, 10)
    for _ in range(generator.choice([30, 200])):
        x, w = generator.choice(leaves), generator.choice(leaves)
        root = root + (x * w * 2.0 if generator.random() < 0.9 else (x * w).tanh() + w)
    return root * 2.0


@cache
def pictures(seed: int) -> list[tuple[Value, Picture]]:
    """Returns graphs with pictures of them; nobody changes either."""
    model = MLP(2, [3 + seed, 4, 1], seed=seed)
    roots = [graph(seed), loss_of(model, 3 * seed + 1)]
    return [
        (root, draw_dot(root, model=model, limit=limit)) for root in roots for limit in (20, 60)
    ]


@pytest.mark.parametrize("seed", range(8))
def test_what_is_opened_and_the_rest_make_the_whole(seed: int) -> None:
    for root, picture in pictures(seed):
        groups = [box for box in picture.view.boxes if box.kind == "group"]
        assert [one.box for one in picture.insides] == groups
        counted = picture.view.shown + sum(box.stands_for for box in groups)
        assert counted + picture.view.left_out == len(topological_order(root))
        for one in picture.insides:
            assert 0 < one.drawn <= one.box.stands_for
            assert (one.view is None) == (one.drawn > MOST_VALUES)
            if one.view is None:
                continue
            members = set(one.box.members)
            places = [place for box in one.view.boxes for place in box.members]
            assert len(set(places)) == len(places) == len(one.view.boxes)
            assert len(members.intersection(places)) == one.drawn
            assert one.view.shown + one.view.left_out == one.view.total
            assert one.view.left_out == one.box.stands_for - one.drawn


def test_these_graphs_have_groups_of_all_kinds() -> None:
    titles = " ".join(
        one.title for seed in range(8) for _, p in pictures(seed) for one in p.insides
    )
    for kind in ("calls", "results", "the first 12 of", "all ", "sum of", "layers[0].neurons[0]"):
        assert kind in titles


@pytest.mark.parametrize("seed", range(8))
def test_a_value_has_all_its_operands_and_what_is_outside_is_one(seed: int) -> None:
    for root, picture in pictures(seed):
        values = topological_order(root)
        for one in picture.insides:
            arrows = () if one.view is None else one.view.arrows
            for box in () if one.view is None else one.view.boxes:
                (place,) = box.members
                assert box.is_cut == (place not in one.box.members)
                if box.is_cut:
                    assert any(arrow.tail == box.key for arrow in arrows)
                else:
                    into = [arrow for arrow in arrows if arrow.head == box.key]
                    assert len(into) == len(values[place].operands)


def test_a_neuron_opens_on_its_first_call() -> None:
    opened = inside(whole_demo(), "layers[0].neurons[3]")
    assert opened.title == (
        "Inside layers[0].neurons[3]: the first of 100 calls, 8 of its 503 values"
    )
    assert opened.view is not None
    names = [box.name or box.operation for box in opened.view.boxes if not box.is_cut]
    path = "layers[0].neurons[3]"
    parameters = [f"{path}.b", f"{path}.w[0]", f"{path}.w[1]"]
    assert sorted(names) == sorted([*parameters, "*", "*", "+", "+", "ReLU"])


def test_what_comes_from_another_neuron_says_from_which() -> None:
    opened = inside(whole_demo(), "layers[1].neurons[0]")
    assert opened.view is not None
    outside = [box.name for box in opened.view.boxes if box.is_cut]
    assert sorted(outside) == sorted(f"layers[0].neurons[{i}]" for i in range(16))
    assert "Dashed: 16 values from outside the group." in opened.view.notes


def test_it_is_said_when_other_calls_count_in_a_grad() -> None:
    said = "The grad of a leaf or parameter counts all its uses, not only those here."
    model = MLP(2, [16, 16, 1], seed=0)
    for samples, is_said in ((2, True), (1, False)):
        loss = loss_of(model, samples, penalty=False)
        opened = inside(draw_dot(loss, model=model), "layers[0].neurons[0]")
        assert opened.view is not None
        assert (said in opened.view.notes) == is_said


def test_of_many_leaves_a_few_are_drawn() -> None:
    leaves = [one for one in whole_demo().insides if one.box.contents.endswith("constants")]
    assert len(leaves) == 3
    for one in leaves:
        assert one.drawn == MOST_LEAVES
        assert f"the first {MOST_LEAVES} of its" in one.title


def test_the_page_has_a_panel_for_each_group() -> None:
    picture = whole_demo()
    page = Page(picture.html())
    assert list(page.panels) == [one.box.key for one in picture.insides]
    opened = inside(picture, "layers[0].neurons[3]")
    panel = page.panels[opened.box.key]
    assert panel["data-can-open"] == "yes"
    assert str(panel["data-label"]).startswith(
        "open layers[0].neurons[3], × 100, 503 values; 200 *, 200 +, 100 ReLU, 3 parameters; data "
    )
    assert panel["aria-label"] == opened.title
    drawn = [one for one in picture.insides if one.view is not None]
    assert page.tags.count("svg") == 1 + len(drawn)
    assert not {"id", "src", "href"}.intersection(name for name, _ in page.attributes)


def test_a_group_too_large_to_open_says_so_and_what_to_do() -> None:
    root = sum((Value(float(i)) for i in range(200)), Value(0.0)) * 2.0
    picture = draw_dot(root, limit=20)
    large = next(one for one in picture.insides if one.view is None)
    page = Page(picture.html())
    panel = page.panels[large.box.key]
    assert panel["aria-label"] == "sum of 201, 200 values"
    assert panel["data-label"] == (
        "sum of 201, 200 values: too large to open: it has 200 values, and up to 60 are drawn; "
        "draw_dot(root, focus=value) draws a part"
    )
    assert panel["data-can-open"] == "no"
    assert "Too large to open: it has 200 values, and up to 60 are drawn." in page.text
    assert "draw_dot(root, focus=value, radius=2)" in page.text


def test_no_more_groups_are_laid_out_than_a_page_can_hold() -> None:
    model = MLP(2, [70, 1], seed=0)
    picture = draw_dot(loss_of(model, 2, penalty=False), model=model)
    small = [one for one in picture.insides if one.view is not None]
    assert len(small) > MOST_GROUPS
    page = Page(picture.html())
    assert page.tags.count("svg") == 1 + MOST_GROUPS
    assert f"Only the first {MOST_GROUPS} groups are drawn here." in page.text
    closed = len(picture.insides) - MOST_GROUPS
    assert f"{closed} groups of {len(picture.insides)} cannot be opened" in page.text


@pytest.mark.usefixtures("each_graphviz")
def test_a_hostile_name_stays_text() -> None:
    # The neuron's values have names of their own, which are seen when it is opened.
    neuron, model = Neuron(2, seed=0), Module()
    setattr(model, HOSTILE[2], neuron)
    root = Value(1.0)
    for i in range(20):
        x = Value(float(i))
        x.name = HOSTILE[i % 2]
        result = neuron([x, x])
        result.operands[0].name = HOSTILE[1]
        root = root + result
    root.name = HOSTILE[0]
    picture = draw_dot(root, model=model, limit=30)
    opened = inside(picture, HOSTILE[2])
    page = Page(picture.html())
    assert HOSTILE[2] in str(page.panels[opened.box.key]["data-label"])
    for name in HOSTILE:
        assert name.replace("\n", "↵") in page.text
    assert page.tags.count("script") == 1
    assert "b" not in page.tags


def test_without_groups_the_page_has_no_script() -> None:
    assert "<script" not in draw_dot(Value(1.0) * 2.0).html()
    assert draw_dot(Value(1.0) * 2.0).insides == ()


@pytest.mark.usefixtures("each_graphviz")
def test_groups_change_neither_the_picture_nor_what_a_notebook_shows() -> None:
    loss, model = small()
    picture = draw_dot(loss, model=model, limit=20)
    assert len(picture.insides) > 5
    bare = Picture(picture.view)
    picture.html()
    assert picture.svg() == bare.svg()
    assert picture._repr_mimebundle_() == bare._repr_mimebundle_()


def test_the_panels_show_the_numbers_of_when_it_was_drawn() -> None:
    loss, model = small()
    picture = draw_dot(loss, model=model, limit=20)
    assert len(picture.insides) > 5
    before = picture.html()
    loss.backward()
    assert picture.html() == before
    assert draw_dot(loss, model=model, limit=20).html() != before


def test_a_chain_far_beyond_the_recursion_limit_opens() -> None:
    root = Value(1.0)
    for _ in range(20_000):
        root = root.tanh() * 1.5
    assert "<section" in draw_dot(root, limit=30).html() or not draw_dot(root, limit=30).insides


def test_the_same_graph_gives_the_same_bytes_whatever_the_hash_seed() -> None:
    program = (
        "from tests.draw.test_groups import draw_dot, small; import hashlib; loss, model = small();"
        "page = draw_dot(loss, model=model, limit=20).html();"
        "print(hashlib.sha256(page.encode()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(digests) == 1


def test_wide_layers_are_drawn_by_layer_and_in_time() -> None:
    model = MLP(64, [64, 64, 1], seed=0)
    root = model([0.5] * 64)
    start = perf_counter()
    picture = draw_dot(root, model=model, partials=True)
    picture.svg()
    # By neuron it has 4,230 arrows and takes 9 s here, for a picture in which nobody sees one.
    assert perf_counter() - start < 5
    names = [box.name for box in picture.view.boxes]
    assert "layers[1]" in names
    assert len(picture.view.arrows) < 1_500


class Fold(Module):
    """A part that takes two numbers, or two of its own answers."""

    def __init__(self) -> None:
        self.part = Neuron(2, activation="tanh", seed=0)

    def __call__(self, xs: list[Value]) -> Value:
        while len(xs) > 1:
            xs = [self.part(xs[i : i + 2]) for i in range(0, len(xs), 2)]
        return xs[0]


def named(picture: Picture) -> dict[str, set[str]]:
    """Returns the names of the groups, and from which named boxes arrows lead to each."""
    names = {box.key: box.name for box in picture.view.boxes}
    found: dict[str, set[str]] = {box.name: set() for box in picture.view.boxes}
    for arrow in picture.view.arrows:
        found[names[arrow.head]].add(names[arrow.tail])
    return found


def test_a_part_that_takes_its_own_answers_is_a_tree_with_one_set_of_weights() -> None:
    fold, xs = Fold(), [Value(0.5, name=f"x{i}") for i in range(4)]
    picture = draw_dot(fold(xs), model=fold, limit=10)
    assert named(picture) == {
        **{f"x{i}": set() for i in range(4)},
        "part": set(),
        "part, call 1": {"x0", "x1", "part"},
        "part, call 2": {"x2", "x3", "part"},
        "part, call 3": {"part, call 1", "part, call 2", "part"},
    }
    (weights,) = (box for box in picture.view.boxes if box.name == "part")
    assert weights.contents == "3 parameters"
    assert ">3 parameters<" in picture.source
    assert "×" not in picture.source


def test_many_calls_and_calls_on_examples_stay_one_box() -> None:
    part = Neuron(2, activation="tanh", seed=0)
    x = Value(0.5, name="x")
    chain = x
    for _ in range(20):
        chain = part([chain, x])
    examples = sum((part([x, float(i)]) for i in range(5)), Value(0.0))
    for root in (chain, examples):
        boxes = draw_dot(root, model=part, limit=12).view.boxes
        assert [box.name for box in boxes if box.kind == "group"].count("model") == 1
        assert not any("call" in box.name for box in boxes)


def test_a_tree_that_is_too_large_is_drawn_by_module() -> None:
    fold = Fold()
    picture = draw_dot(fold([Value(0.5) for _ in range(8)]), model=fold, limit=8)
    assert [box.name for box in picture.view.boxes if "part" in box.name] == ["part"]

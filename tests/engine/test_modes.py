"""Modes belong to the running context: threads, tasks, generators and coroutines, one at a time.

The law is stated as a naive model: every context has a list of the blocks that it is inside of, a
task starts with a copy of its parent's, and a number is recorded if no `no_grad` is in the list of
the context that computes it. Random histories hold the engine to it.
"""

import asyncio
import contextvars
import gc
import math
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from micrograd_notes import Value, detect_anomaly, no_grad
from micrograd_notes.engine import functions, helper_ops, modes
from micrograd_notes.engine.anomaly import AnomalyError

COUNT = int(os.environ.get("MICROGRAD_NOTES_HISTORIES", "60"))


def records() -> bool:
    """Returns whether the engine records here, and asserts that every kind of operation agrees."""
    x = Value(2.0)
    choices = [helper_ops.where(1.0, x, x), functions.maximum(x, x)]
    results = [x * x, -x, 3.0 + x, x.tanh(), *choices, x**2.0]
    answers = {y.requires_grad for y in results} | {bool(y.operands) for y in results}
    [answer] = answers
    return answer


def looks() -> bool:
    """Returns whether the engine looks for anomalies here."""
    try:
        Value(1e200) * 1e200
    except AnomalyError:
        return True
    return False


def in_a_thread_of_its_own(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs a coroutine: the thread of the tests may have a loop already, as a browser's does."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


# ---- random histories, against a naive model -----------------------------------------------------

Block = tuple[Any, str]  # a mode, and what it is called
KINDS: dict[str, Callable[[], Any]] = {"no_grad": no_grad, "detect_anomaly": detect_anomaly}


class Context:
    """A thread or a task with its own context, and what the naive model knows of it."""

    def __init__(self, inherited: list[Block], run: Callable[..., Any]) -> None:
        self.inherited, self.entered, self.run = list(inherited), list[Block](), run
        self.generators: list[tuple[Iterator[bool], str]] = []

    def names(self) -> list[str]:
        return [name for _, name in self.inherited + self.entered]

    def check(self) -> None:
        assert self.run(records) == ("no_grad" not in self.names())
        assert self.run(looks) == ("detect_anomaly" in self.names())


def generator_of(kind: str) -> Iterator[bool]:
    def generator() -> Iterator[bool]:
        while True:
            yield records() if kind == "no_grad" else not looks()

    steps: Callable[[], Iterator[bool]] = {"no_grad": no_grad, "detect_anomaly": detect_anomaly}[
        kind
    ](generator)
    return steps()


def one_history(generator: random.Random, pool: list[ThreadPoolExecutor]) -> None:
    contexts = [Context([], contextvars.Context().run)]
    contexts += [Context([], lambda f, e=executor: e.submit(f).result()) for executor in pool]
    for _ in range(generator.randint(5, 40)):
        context = generator.choice(contexts)
        step = generator.random()
        if step < 0.3:
            kind = generator.choice(sorted(KINDS))
            mode = KINDS[kind]()
            context.run(mode.__enter__)
            context.entered.append((mode, kind))
        elif step < 0.55 and context.entered:
            # mostly the innermost, at times another, as two suspended generators leave theirs
            place = -1 if generator.random() < 0.8 else generator.randrange(len(context.entered))
            mode, _ = context.entered.pop(place)
            context.run(lambda m=mode: m.__exit__(None, None, None))
        elif step < 0.65 and len(contexts) < 8:
            copied = context.run(contextvars.copy_context)
            contexts.append(Context(context.inherited + context.entered, copied.run))
        elif step < 0.8:
            kind = generator.choice(sorted(KINDS))
            context.generators.append((generator_of(kind), kind))
        elif context.generators:
            steps, kind = generator.choice(context.generators)
            expected = not (kind == "no_grad" or "no_grad" in context.names())
            if kind == "detect_anomaly":
                expected = False
            assert context.run(lambda s=steps: next(s)) == expected
        generator.choice(contexts).check()
    for context in contexts:
        context.check()
        for mode, _ in context.entered:
            context.run(lambda m=mode: m.__exit__(None, None, None))
        context.entered.clear()
    for context in contexts:
        context.check()


def test_random_histories_agree_with_a_naive_model() -> None:
    pool = [ThreadPoolExecutor(1) for _ in range(2)]
    for seed in range(COUNT):
        one_history(random.Random(seed), pool)
    for executor in pool:
        executor.shutdown()
    gc.collect()
    assert not modes.in_use


def test_random_trees_of_tasks_agree_with_a_naive_model() -> None:
    async def task(generator: random.Random, inherited: list[str], depth: int) -> None:
        entered: list[Block] = []
        children: list[asyncio.Task[None]] = []
        for _ in range(generator.randint(2, 8)):
            names = inherited + [name for _, name in entered]
            step = generator.random()
            if step < 0.3:
                kind = generator.choice(sorted(KINDS))
                entered.append((KINDS[kind](), kind))
                entered[-1][0].__enter__()
            elif step < 0.5 and entered:
                entered.pop()[0].__exit__(None, None, None)
            elif step < 0.7 and depth:
                child = task(random.Random(generator.random()), names, depth - 1)
                children.append(asyncio.create_task(child))
            await asyncio.sleep(0)
            names = inherited + [name for _, name in entered]
            assert records() == ("no_grad" not in names)
            assert looks() == ("detect_anomaly" in names)
        while entered:
            entered.pop()[0].__exit__(None, None, None)
        await asyncio.gather(*children)

    async def run(seed: int) -> None:
        generator = random.Random(seed)
        await asyncio.gather(*[task(random.Random(generator.random()), [], 2) for _ in range(4)])

    for seed in range(COUNT // 4):
        in_a_thread_of_its_own(run(seed))
    gc.collect()
    assert not modes.in_use


# ---- decorators ----------------------------------------------------------------------------------


Same = Callable[[Callable[..., Any]], Callable[..., Any]]


@pytest.mark.parametrize("decorate", [no_grad, no_grad()], ids=["bare", "called"])
def test_a_decorated_function_of_any_kind_does_not_record(decorate: Same) -> None:
    @decorate
    def function(n: int) -> bool:
        """Its docstring."""
        return n == 3 and records()

    @decorate
    def generator(n: int) -> Iterator[bool]:
        for _ in range(n):
            yield records()

    @decorate
    async def coroutine(n: int) -> bool:
        await asyncio.sleep(0)
        return n == 3 and records()

    @decorate
    async def stream(n: int) -> AsyncIterator[bool]:
        for _ in range(n):
            await asyncio.sleep(0)
            yield records()

    class Model:
        @decorate
        def method(self) -> bool:
            return records()

        @classmethod
        @decorate
        def of_class(cls) -> bool:
            return records()

        @staticmethod
        @decorate
        def static() -> bool:
            return records()

    assert function.__name__ == "function"
    assert function.__doc__ == "Its docstring."
    assert not function(3)
    assert not any((Model().method(), Model.of_class(), Model.static()))
    seen = []
    for recorded in generator(3):
        seen.append(recorded)
        assert records()  # between the steps the caller records
    assert seen == [False] * 3

    async def use() -> None:
        assert not await coroutine(3)
        async for recorded in stream(3):
            assert not recorded
            assert records()

    in_a_thread_of_its_own(use())
    assert asyncio.iscoroutinefunction(coroutine)


def test_a_coroutine_that_waits_leaves_its_mode_to_no_other_task() -> None:
    async def use() -> None:
        entered, go = asyncio.Event(), asyncio.Event()

        @no_grad
        async def decorated() -> bool:
            await go.wait()
            return records()

        async def block() -> bool:
            with no_grad():
                entered.set()
                await go.wait()
                return records()

        tasks = [asyncio.create_task(decorated()), asyncio.create_task(block())]
        await entered.wait()
        assert records()
        go.set()
        assert await asyncio.gather(*tasks) == [False, False]
        assert records()

    in_a_thread_of_its_own(use())


def test_a_coroutine_that_is_stepped_by_hand_leaves_its_mode_between_steps() -> None:
    class Pause:
        def __await__(self) -> Generator[None, None, None]:
            yield

    @no_grad
    async def work() -> bool:
        await Pause()
        return records()

    steps: Coroutine[Any, Any, bool] = work()
    steps.send(None)
    assert records()
    with pytest.raises(StopIteration) as stop:
        steps.send(None)
    assert stop.value.value is False


def test_a_decorated_generator_is_sent_to_thrown_at_closed_and_returns() -> None:
    events: list[Any] = []

    @no_grad
    def generator() -> Generator[Any, Any, str]:
        try:
            got = yield records()
            events.append(got)
            try:
                yield 2
            except KeyError:
                events.append(("caught", records()))
            yield 3
        finally:
            events.append(("closed", records()))
        return "done"

    steps: Any = generator()
    assert next(steps) is False
    assert steps.send("sent") == 2
    assert steps.throw(KeyError()) == 3
    with pytest.raises(StopIteration) as stop:
        next(steps)
    assert stop.value.value == "done"
    steps = generator()
    next(steps)
    steps.close()
    assert events == ["sent", ("caught", False), ("closed", False), ("closed", False)]
    assert records()


def test_a_decorated_async_generator_is_sent_to_thrown_at_and_closed() -> None:
    events: list[Any] = []

    @no_grad()
    async def stream() -> Any:
        try:
            events.append((yield records()))
            try:
                yield 2
            except KeyError:
                await asyncio.sleep(0)
                events.append(("caught", records()))
            yield 3
        finally:
            events.append(("closed", records()))

    async def use() -> None:
        steps = stream()
        assert await anext(steps) is False
        assert await steps.asend("sent") == 2
        assert await steps.athrow(KeyError()) == 3
        await steps.aclose()
        assert records()

    in_a_thread_of_its_own(use())
    assert events == ["sent", ("caught", False), ("closed", False)]


@pytest.mark.parametrize("mode", [no_grad, detect_anomaly])
def test_what_is_not_a_function_is_not_decorated(mode: Any) -> None:
    for thing in (3, "name", dict, object()):
        with pytest.raises(TypeError, match=r"^function must be a function, got"):
            mode(thing)


def test_detect_anomaly_decorates_too() -> None:
    @detect_anomaly
    def steps() -> Iterator[Value]:
        yield Value(1.0) * 2
        yield Value(1e200) * 1e200

    generator = steps()
    next(generator)
    assert math.isinf((Value(1e200) * 1e200).data)
    with pytest.raises(AnomalyError):
        next(generator)


# ---- blocks across a yield -----------------------------------------------------------------------


def suspended() -> Iterator[bool]:
    with no_grad():
        yield records()
        yield records()


def test_a_block_across_a_yield_holds_in_the_caller_meanwhile_as_in_pytorch() -> None:
    steps = suspended()
    assert next(steps) is False
    assert not records()
    steps.close()  # type: ignore[attr-defined]
    assert records()


def test_two_generators_leave_their_blocks_in_any_order() -> None:
    first, second = suspended(), suspended()
    next(first)
    next(second)
    first.close()  # type: ignore[attr-defined]
    assert not records()
    second.close()  # type: ignore[attr-defined]
    assert records()


def test_a_generator_that_another_thread_closes_ends_its_block() -> None:
    steps = suspended()
    next(steps)
    closer = threading.Thread(target=steps.close)  # type: ignore[attr-defined]
    closer.start()
    closer.join()
    assert records()


def test_a_generator_that_a_task_goes_on_with_ends_its_block_for_all() -> None:
    def leaves() -> Iterator[int]:
        with no_grad():
            yield 1
        yield 2

    async def use() -> bool:
        steps = leaves()
        next(steps)
        assert not records()

        async def go_on() -> int:
            return next(steps)

        assert await asyncio.create_task(go_on()) == 2
        return records()

    assert in_a_thread_of_its_own(use())
    steps = leaves()
    next(steps)
    contextvars.copy_context().run(next, steps)
    assert records()


def test_one_mode_may_be_entered_many_times() -> None:
    mode = no_grad()
    with mode:
        with mode:
            assert not records()
        assert not records()
    assert records()
    with mode:
        assert not records()
    assert records()


def test_the_mode_of_one_thread_is_not_asked_by_another() -> None:
    inside, done = threading.Event(), threading.Event()

    def stay() -> None:
        with no_grad():
            inside.set()
            done.wait()

    other = threading.Thread(target=stay)
    other.start()
    inside.wait()
    assert modes.in_use
    assert records()
    done.set()
    other.join()
    assert not modes.in_use

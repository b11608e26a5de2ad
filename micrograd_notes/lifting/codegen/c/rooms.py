"""Where arrays lie in the work area.

An array whose last reader has run leaves its room to a later one, so that more examples fit into
the cache. `frame.py` calls `places_of`.

>>> one_step, after = [{"h", "a"}, {"a", "b"}, {"b", "c"}], [{"c", "h"}]
>>> shapes = dict.fromkeys("habc", (8,))
>>> places_of(shapes, [], ["h"], [one_step, after])
({'h': (0, 0), 'c': (16, 0), 'a': (32, 0), 'b': (48, 0)}, (64, 0))
>>> places_of(shapes, [], ["h"], [one_step, [{"h"}]])  # c is made anew: it may lie where a was
({'h': (0, 0), 'a': (16, 0), 'b': (32, 0), 'c': (16, 0)}, (48, 0))
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import le

from micrograd_notes.lifting.typed.expressions import Examples, Shape, length

Room = tuple[int, int]  # so many numbers, and so many per example


def places_of(
    shapes: Mapping[str, Shape], kept: Collection[str], lasting: Collection[str],
    steps: Sequence[Sequence[Collection[str]]],
) -> tuple[dict[str, Room], Room]:
    """Returns where each array lies in the work area, and the room of all.

    `steps` are lines and loops, with the arrays that each line uses. Those `kept` have their rooms
    for good. In a loop, an array leaves its room to later ones of the same step, as the next step
    makes all of them again; but for those that are `lasting` from step to step.
    """
    rooms = {name: _room(shape) for name, shape in shapes.items()}
    places, total, free = dict[str, Room](), (0, 0), list[tuple[Room, Room]]()

    def put(names: Collection[str], *lists: list[tuple[Room, Room]]) -> None:
        nonlocal total
        for name in [each for each in rooms if each in names and each not in places]:
            fitting = [e for free in lists for e in free if all(map(le, rooms[name], e[0]))]
            if fitting:
                rooms[name], places[name] = best = min(fitting)
                next(free for free in lists if best in free).remove(best)
            else:
                places[name] = total
                total = total[0] + rooms[name][0], total[1] + rooms[name][1]

    put(kept)
    last = {name: k for k, step in enumerate(steps) for names in step for name in names}
    for k, step in enumerate(steps):
        ending = [e for e in rooms if last.get(e) == k and e not in kept]
        inner = [e for e in ending if e not in places and e not in lasting]
        ends = {name: i for i, names in enumerate(step) for name in names}
        put({name for names in step for name in names} - {*inner}, free)
        left: list[tuple[Room, Room]] = []
        for i, names in enumerate(step):
            put(names, left, free)
            left += [(rooms[name], places[name]) for name in inner if ends[name] == i]
        free += left + [(rooms[name], places[name]) for name in ending if name not in inner]
    return places, total


def _room(shape: Shape) -> Room:
    """Returns the room of an array, with a line of the cache behind it, as tiles read past its end.

    Each room begins and ends with a line of the cache.
    """
    size = length(shape)
    return (8, size.times) if isinstance(size, Examples) else (-(-size // 8) * 8 + 8, 0)

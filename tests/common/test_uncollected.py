"""The pause of the collector: what is made in it is old afterwards, and what is frozen stays so."""

import gc

from micrograd_notes.common.uncollected import uncollected


def test_what_is_made_meanwhile_is_not_walked_at_once() -> None:
    with uncollected():
        made = [[k] for k in range(10_000)]
    assert gc.isenabled()
    assert any(each is made for each in gc.get_objects(generation=2))


def test_frozen_objects_stay_frozen() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with uncollected():
            pass
        assert gc.get_freeze_count() >= frozen - 1000 > 0  # some of them are freed meanwhile
    finally:
        gc.unfreeze()

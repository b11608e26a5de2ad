"""Numbers and names stay short, say their sign in words too, and are drawn literally."""

import math
import xml.etree.ElementTree as ElementTree
from html import escape

from hypothesis import given, strategies as st

from micrograd_notes.draw.text import drawable, short, signed


@given(st.floats(-1e308, 1e308))
def test_a_short_number_is_short_and_close(number: float) -> None:
    text = short(number)
    assert len(text) <= len("-1.235e-308")
    # four significant digits: half a unit in the fourth is at most 5e-4 of the number; the smallest
    # numbers of all have fewer bits than that, hence the absolute term
    assert math.isclose(float(text), number, rel_tol=5e-4, abs_tol=1e-320)


@given(st.floats())
def test_a_signed_number_says_its_sign_twice(number: float) -> None:
    text = signed(number)
    assert ("▲ +" in text) == (number > 0)
    assert ("▼ -" in text) == (number < 0)


@given(st.text())
def test_any_name_becomes_one_short_line_of_xml(name: str) -> None:
    text = drawable(name)
    assert len(text) <= 40
    assert len(text.splitlines()) <= 1
    assert ElementTree.fromstring(f"<t>{escape(text)}</t>").text == (text or None)


def test_a_name_of_ordinary_characters_stays_as_it_is() -> None:
    for name in ("loss", "<script>alert(1)</script>", '"a|b" {c}\\n', "größe ∂ 🎉"):
        assert drawable(name) == name

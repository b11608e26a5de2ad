"""Pictures of graphs: from values to a view, from a view to DOT, from DOT to SVG.

    indexed, names, grouping -> view -> dot -> rendering, svg -> picture

Drawing trains nothing and changes no value.
"""

from micrograd_notes.draw.picture import Picture, draw_dot

__all__ = ["Picture", "draw_dot"]
